# SPDX-License-Identifier: BSD-3-Clause
"""Programs that nobody here wrote: the objects of Debian's xdp-tools, from where the package puts them."""
import json
import os

import lib

# What does not fit yet: IPv6 extension headers reach further than a pipeline's window.
NOT_YET = {f'xdpfilt_{policy}_{what}': {'pipeline'} for policy in ('alw', 'dny') for what in ('all', 'ip', 'tcp', 'udp')}


def add(obj):
    name = os.path.basename(obj)[:-2]

    def agrees(work):
        check = json.loads(lib.sluice('check', obj, '--json').stdout)['programs'][0]['executors']
        unfit = {e: check[e]['reason'] for e in ('microcode', 'pipeline') if not check[e]['fits']}
        assert check['interp']['fits'] and not set(unfit) - NOT_YET.get(name, set()), unfit
        maps = lib.xdpfilter_maps(obj, os.path.join(work, 'maps.json'))
        result = lib.compare(obj, lib.mixed(), '--maps-in', maps)
        lib.assert_agree(result, (*unfit, *(() if lib.kernel_allowed() else ('kernel',))))
        for executor, reason in unfit.items():
            assert result['executors'][executor]['skipped'] == reason and 'instruction' in reason
        if name.startswith('xdpfilt'):
            verdicts = result['executors']['interp']['verdicts']
            assert verdicts['XDP_DROP'] > 0 and verdicts['XDP_PASS'] > 0, verdicts
    globals()[f'test_{name.replace(".", "_")}_agrees'] = agrees


for _obj in lib.xdp_tools_objects():
    if '5.3' in _obj:  # looks up an XSKMAP in the program, as programs for Linux 5.3 had to
        continue
    add(_obj)


def test_objects_are_installed(work):
    assert len(lib.xdp_tools_objects()) >= 11
