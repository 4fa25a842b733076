# SPDX-License-Identifier: BSD-3-Clause
"""Helpers on every executor: each program of tests/progs/helpers mixes their results into a map."""
import glob
import json
import os

import lib


def test_helpers_agree_on_every_executor(work):
    programs = sorted(glob.glob(os.path.join(lib.ROOT, 'tests', 'progs', 'helpers', '*.bpf.c')))
    assert programs
    for source in programs:
        name = os.path.basename(source)[:-len('.bpf.c')]
        obj = lib.clang(source, os.path.join(work, name + '.o'))
        j = json.loads(lib.sluice('compare', obj, '-r', lib.mixed(1000), '--json').stdout)
        assert j['mismatches'] == 0, (name, j['differences'][:5])
        for e in lib.EXECUTORS:
            skipped = j['executors'][e].get('skipped')
            assert not skipped or (e == 'kernel' and not lib.kernel_allowed()), (name, e, skipped)
