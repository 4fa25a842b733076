# SPDX-License-Identifier: BSD-3-Clause
"""Helpers and maps on every executor: each program of tests/progs/helpers mixes their results into a map."""
import glob
import json
import os

import lib

# Map types that no engine serves yet: their programs run in software.
SOFTWARE_ONLY = {'lpm': 'no engine serves maps of type lpm_trie', 'lru': 'no engine serves maps of type lru_'}


def add(source):
    name = os.path.basename(source)[:-len('.bpf.c')]

    def agrees(work):
        obj = lib.clang(source, os.path.join(work, name + '.o'))
        j = json.loads(lib.sluice('compare', obj, '-r', lib.mixed(1000), '--json').stdout)
        assert j['mismatches'] == 0, (name, j['differences'][:5])
        for e in lib.EXECUTORS:
            skipped = j['executors'][e].get('skipped')
            if e == 'kernel':
                assert not skipped or not lib.kernel_allowed(), skipped
            elif e != 'interp' and name in SOFTWARE_ONLY:
                assert SOFTWARE_ONLY[name] in skipped, skipped
            else:
                assert not skipped, (name, e, skipped)
    globals()[f'test_{name}_agrees_on_every_executor'] = agrees


for _source in sorted(glob.glob(os.path.join(lib.ROOT, 'tests', 'progs', 'helpers', '*.bpf.c'))):
    add(_source)


def test_full_lru_map_is_not_held_against_the_kernel(work):
    obj = lib.clang(os.path.join(lib.ROOT, 'tests', 'progs', 'helpers', 'lru.bpf.c'), os.path.join(work, 'lru.o'),
                    defines=['-DFLOWS=64'])
    maps = os.path.join(work, 'maps.json')
    j = json.loads(lib.sluice('compare', obj, '-r', lib.mixed(1000), '--json').stdout)
    if lib.kernel_allowed():
        assert 'is full, and Linux does not say which element it evicts' in j['executors']['kernel']['skipped'], j
    lib.sluice('run', obj, '-r', lib.mixed(1000), '--maps-out', maps)
    with open(maps) as f:
        counts = {name: len(entries) for name, entries in json.load(f).items()}
    assert 60 <= counts['flows'] <= 64 and counts['sources'] == 64, counts
