# SPDX-License-Identifier: BSD-3-Clause
"""The text vectors of every instruction: the same on all executors, and docs/instructions.md says so."""
import functools
import os
import re
import subprocess
import unittest

import lib
import vectors

TOGETHER = True  # the runs of all vectors serve several tests

# Vectors that no verifier takes, with the reason's code.
REJECTED = {'zero_immediate': 'VFY0004', 'shift_over_width': 'VFY0005', 'ld_imm64_code': 'VFY0020', 'loop_over_memory': 'VFY0051', 'call_deepest': 'VFY0080'}


@functools.cache
def results(executors, parts=1):
    return vectors.run(executors, parts)


def check(all_vectors, executor, mode):
    for name, v in all_vectors.items():
        r = v['results'][executor, mode if name not in REJECTED else 'plug-in']
        assert r['cases'] == v['cases'] and not r['failed'] and r['why'] is None, f'{name} on {executor}, {mode}: {r}'


def test_every_instruction_has_vectors(work):
    run = results('interp')
    known = vectors.instructions()
    assert len(known) == len(set(known)) > 150
    covered = set()
    for name, v in run.items():
        text, subjects = vectors.head_of(name)
        assert text.endswith(('.', '.)')), f'{name}: the first comment is a sentence'
        assert set(v['uses']) <= set(known), f'{name}: {set(v["uses"]) - set(known)} is not in the table'
        assert set(subjects) <= set(v['uses']), f'{name} is not for {set(subjects) - set(v["uses"])}: it does not use it'
        covered |= set(subjects)
    assert set(known) - covered == set(vectors.ABSENT)
    assert sum(v['cases'] for v in run.values()) > 2500


def test_vectors_on_interp(work):
    check(results('interp'), 'interp', 'xdp')
    check(results('interp+'), 'interp', 'plug-in')


def test_vectors_on_microcode(work):
    check(results('microcode'), 'microcode', 'xdp')
    check(results('microcode+'), 'microcode', 'plug-in')


def test_vectors_on_pipeline(work):
    check(results('pipeline', 2), 'pipeline', 'xdp')


def test_vectors_on_kernel(work):
    if not lib.kernel_allowed():
        raise unittest.SkipTest('bpf() is not allowed here')
    for name, v in results('kernel').items():
        r = v['results']['kernel', 'xdp']
        if name in REJECTED:
            assert r['cases'] == 0 and f'[{REJECTED[name]}]' in r['why'], f'{name}: {r}'
        else:
            assert r['cases'] == v['cases'] and not r['failed'] and r['why'] is None, f'{name} on kernel: {r}'


def test_table_of_instructions_is_up_to_date(work):
    runs = [results('interp'), results('microcode'), results('pipeline', 2)]
    with open(vectors.DOC) as f:
        doc = f.read()
    kernel = lib.kernel_allowed()
    if kernel:
        made = vectors.render(vectors.merge(*runs, results('kernel')))
    else:  # the last column can't be made here
        empty = {n: {'results': {('kernel', 'xdp'): {'cases': 0, 'failed': 0, 'why': None}}} for n in runs[0]}
        made = vectors.render(vectors.merge(*runs, empty))
    cut = lambda text: text if kernel else re.sub(r'[^|]*\|$', '', text, flags=re.M)
    assert cut(made) == cut(doc), 'docs/instructions.md is stale: ./dev instructions'


def test_wrong_vector_is_told(work):
    path = os.path.join(work, 'wrong.vec')
    good = '-- memory\nin u8 a\nout u16 b\n-- program\nr3 = *(u8 *)(r1 +0)\n*(u16 *)(r1 +1) = r3\nr0 = r2\nexit\n-- cases\n'

    def run(text):
        with open(path, 'w') as f:
            f.write(text)
        return subprocess.run([vectors.RUNNER, 'interp,microcode+', path], capture_output=True, text=True, timeout=300)
    assert run(good + '7 -> 7 ; 3\n').stdout.count('"failed": 0') == 2
    p = run(good + '7 -> 7 ; 3\n8 -> 9 ; 3\n8 -> 8 ; 4\n')
    assert p.stdout.count('"failed": 2') == 2 and p.stdout.count('case of line 11: b is 0x8, not 0x9') == 2
    for text, words in [(good, 'no cases'), (good + '7 -> 7\n', '; and r0'), (good + '7 7 ; 3\n', '->'), (good + '256 -> 7 ; 3\n', 'does not fit'),
                        (good + 'x -> 7 ; 3\n', 'no number'), (good.replace('u16 b', 'u17 b') + '7 -> 7 ; 3\n', 'u17'),
                        (good.replace('exit', 'leave') + '7 -> 7 ; 3\n', 'ASM'), ('r0 = 1\n' + good, 'first section')]:
        p = run(text)
        assert p.returncode == 1 and words in p.stderr, (words, p.stderr)
