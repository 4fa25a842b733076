# SPDX-License-Identifier: BSD-3-Clause
"""Faults planted into the sources (tests/faults): a few of them are found by the check that the table names; each row still has its text."""
import dataclasses
import os
import re
import sys

import lib

sys.path.insert(0, os.path.join(lib.ROOT, 'tests', 'faults'))
import faults  # noqa: E402


def trial():
    return faults.Trial(faults.Scratch(os.path.join(lib.BUILD, 'faults')))


def test_every_row_has_its_text_once(work):
    rows = faults.read_tables()
    areas = {name.removesuffix('.toml') for name in os.listdir(faults.HERE) if name.endswith('.toml')}
    assert {f.area for f in rows} == areas and len(rows) > 400
    # a core of them, in software and RTL, is planted below
    assert {'core', 'engine', 'interp', 'maps', 'microcode', 'opt', 'pipeline'} <= {f.area for f in rows if f.quick}
    with open(os.path.join(lib.ROOT, 'docs', 'faults.md')) as f:
        told = {area for row in f if row.startswith('| `') for area in re.findall(r'`(\w+)`', row.split('|')[1])}
    assert told == areas, (told - areas, areas - told)


def test_every_check_of_the_tests_exists(work):
    for name in {c for f in faults.read_tables() for c in f.checks if c.startswith('test:')}:
        folder, module, *test = name.removeprefix('test:').split('.')  # a whole module, or tests by how their names begin
        with open(os.path.join(lib.ROOT, 'tests', folder, f'test_{module}.py')) as f:
            made = os.path.join(lib.ROOT, 'tests', 'progs', module, ''.join(test).removesuffix('_agrees') + '.bpf.c')  # one a program
            assert len(test) < 2 and (f'def test_{"".join(test)}' in f.read() or os.path.exists(made)), name


def test_row_without_its_text_is_refused(work):
    for f in (dataclasses.replace(faults.read_tables()[0], old=text) for text in ('no such text', 'e')):
        try:
            f.planted('the text of a file')
        except faults.Broken as e:
            assert 'times in' in str(e)
        else:
            assert False, f.old


def test_planted_faults_are_found(work):
    t = trial()
    for f in faults.read_tables():
        if f.quick:
            found = t.plant(f, [f.found_by])
            assert [x.check for x in found] == [f.found_by], f'{f.name} is not found by {f.found_by}'


def test_change_without_effect_is_missed(work):
    f = faults.Fault('none', 'nic_runtime/vm/interp.c', 'vm->r[i->src] = old;', 'vm->r[i->src] = (old);', 'vectors:interp', ['vectors:interp'], True)
    assert trial().try_fault(f) == []
