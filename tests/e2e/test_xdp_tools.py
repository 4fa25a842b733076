# SPDX-License-Identifier: BSD-3-Clause
"""Programs that nobody here wrote: the objects of Debian's xdp-tools, from where the package puts them."""
import os

import lib


def add(obj):
    name = os.path.basename(obj)[:-2]

    def agrees(work):
        maps = lib.xdpfilter_maps(obj, os.path.join(work, 'maps.json'))
        result = lib.compare(obj, lib.mixed(), '--maps-in', maps)
        lib.assert_agree(result, () if lib.kernel_allowed() else ('kernel',))
        if name.startswith('xdpfilt'):
            verdicts = result['executors']['interp']['verdicts']
            assert verdicts['XDP_DROP'] > 0 and verdicts['XDP_PASS'] > 0, verdicts
    globals()[f'test_{name.replace(".", "_")}_agrees'] = agrees


for _obj in lib.xdp_tools_objects():
    add(_obj)


def test_objects_are_installed(work):
    assert len(lib.xdp_tools_objects()) >= 11
