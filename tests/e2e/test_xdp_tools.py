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
    add(_obj)


def test_lookup_in_xskmap_finds_sockets(work):
    """The program for Linux 5.3 looks a queue's socket up before it redirects there."""
    obj, = [o for o in lib.xdp_tools_objects() if '5.3' in o]
    maps = os.path.join(work, 'maps.json')
    with open(maps, 'w') as f:
        json.dump({'xsks_map': [{'key': ['0x02', '0x00', '0x00', '0x00'], 'value': ['0x07', '0x00', '0x00', '0x00']}]}, f)
    for queue, verdict in ((2, 'XDP_REDIRECT'), (1, 'XDP_PASS')):
        j = json.loads(lib.sluice('compare', obj, '-t', 'interp,microcode,pipeline', '-r', lib.mixed(1000), '--maps-in', maps, '--queue', queue, '--json').stdout)
        assert j['mismatches'] == 0, j['differences'][:5]
        for e in ('interp', 'microcode', 'pipeline'):
            assert j['executors'][e]['verdicts'][verdict] > 900, (queue, e, j['executors'][e])


def test_objects_are_installed(work):
    assert len(lib.xdp_tools_objects()) >= 12
