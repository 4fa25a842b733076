# SPDX-License-Identifier: BSD-3-Clause
"""C programs with loops, from every instruction set that clang knows: the core runs their loops, pipelines unroll them."""
import glob
import json
import os

import lib

SOURCES = os.path.join(lib.ROOT, 'tests', 'progs', 'loops')
# Clang 14 knows no v4.
CPUS = (('v1', 'clang'), ('v2', 'clang'), ('v3', 'clang'), ('v4', 'clang-19'))
# Instruction sets for which pipelines are built, so that each is seen; the others are checked and run elsewhere.
BUILT = {'bounded': 'v1', 'checksum': 'v2', 'early_break': 'v3', 'end_break': 'v4', 'ip_options': 'v1', 'map_update': 'v3', 'nested': 'v2'}


def compiled(work, name, cpu, compiler):
    return lib.clang(os.path.join(SOURCES, name + '.c'), os.path.join(work, f'{name}-{cpu}.o'), compiler, cpu)


def capture():
    return lib.traffic('options-1000', '--count', 1000, '--flows', 200, '--ip-options', 40, '--seed', 5)


def fits(obj):
    program, = json.loads(lib.sluice('check', obj, '--json').stdout)['programs']
    return program['executors']


def add(name):
    def agrees(work):
        if name != 'map_update':
            lib.few_clocks()
        for cpu, compiler in CPUS:
            obj = compiled(work, name, cpu, compiler)
            assert all(e['fits'] for e in fits(obj).values()), (cpu, fits(obj))
            options = () if BUILT[name] == cpu else ('-t', 'interp,kernel,microcode')
            result = lib.compare(obj, capture(), *options)
            skippable = () if lib.kernel_allowed() else ('kernel',)
            assert set(result['executors']) == (set(lib.EXECUTORS) if not options else {'interp', 'kernel', 'microcode'})
            told = [e for e, r in result['executors'].items() if 'skipped' in r]
            assert not set(told) - set(skippable), told
            assert result['mismatches'] == 0, (cpu, result['differences'][:3])
            rets = {v for v, n in result['executors']['interp']['verdicts'].items() if n}
            assert name in ('bounded', 'nested') or len(rets) > 1, f'all packets take one way: {rets}'
    globals()[f'test_{name}_agrees_on_every_executor'] = agrees


for _name in BUILT:
    add(_name)


def test_every_program_is_run(work):
    assert {os.path.basename(p)[:-2] for p in glob.glob(os.path.join(SOURCES, '*.c'))} == set(BUILT) | {'too_long'}


def test_nested_loops_are_copied_as_often_as_they_run(work):
    # 36 rounds of a comparison and a choice: about two operations of a level each, five levels a stage
    assert fits(compiled(work, 'nested', 'v3', 'clang'))['pipeline']['stages'] < 20


def test_too_many_rounds_are_refused_with_their_size_and_run_on_the_core(work):
    obj = compiled(work, 'too_long', 'v3', 'clang')
    e = fits(obj)
    assert not e['pipeline']['fits'] and e['microcode']['fits']
    reason = e['pipeline']['reason']
    for part in ('PIPE0001', 'instruction', 'times: unrolled, that would be about', 'a pipeline takes up to 40000', 'core', 'too_long.c'):
        assert part in reason, (part, reason)
    size = int(reason.split('that would be about ')[1].split()[0])
    assert 64 * 128 * 6 <= size < 64 * 128 * 12, reason
    p = lib.sluice('run', obj, '-t', 'pipeline', '-r', capture(), status=4)
    assert 'PIPE0001' in p.stderr
    result = lib.compare(obj, lib.traffic('tiny', '--count', 4))
    assert result['mismatches'] == 0 and result['executors']['pipeline']['skipped'] == reason
    assert result['executors']['microcode']['packets'] == 4
