# SPDX-License-Identifier: BSD-3-Clause
"""Programs of tests/progs that once went wrong in hardware, or were refused there, on every executor."""
import json
import os

import lib


def compare(work, source, program, maps=None):
    obj = lib.clang(os.path.join(lib.ROOT, 'tests', 'progs', source), os.path.join(work, 'program.o'))
    options = []
    if maps:
        path = os.path.join(work, 'maps.json')
        with open(path, 'w') as f:
            json.dump(maps, f)
        options = ['--maps-in', path]
    result = lib.compare(obj, lib.mixed(1000), '-p', program, *options)
    lib.assert_agree(result, () if lib.kernel_allowed() else ('kernel',))
    return result['executors']['interp']['verdicts']


def test_redirect_map_with_flags_that_differ_by_path_agrees(work):
    ports = [lib.entry(n.to_bytes(4, 'little'), (3).to_bytes(4, 'little')) for n in (0, 2)]
    verdicts = compare(work, 'build/helpers.c', 'redirect_either', {'ports': ports})
    assert verdicts['XDP_REDIRECT'] and verdicts['XDP_DROP'] + verdicts['XDP_PASS'], verdicts
