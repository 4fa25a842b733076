# SPDX-License-Identifier: BSD-3-Clause
"""Random programs that always verify, on every executor beside interp, a short run of each with fixed seeds; cases that were kept
(tests/text/diff); the recording (docs/fuzzing.md)."""
import glob
import os
import re
import subprocess
import unittest

import lib

FUZZ = os.path.join(lib.BUILD, 'tests', 'fuzz', 'diff', 'sluice-fuzz')
PATHS = os.path.join(lib.BUILD, 'tests', 'fuzz', 'diff', 'sluice-paths')
TEXTS = sorted(glob.glob(os.path.join(lib.ROOT, 'tests', 'text', 'diff', '*.txt')))


def fuzz(*args, status=0, timeout=900, program=FUZZ):
    p = subprocess.run([program, *map(str, args)], capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)
    assert p.returncode == status, f'sluice-fuzz {args}: exit status {p.returncode}, wanted {status}\n{p.stdout[-4000:]}\n{p.stderr[-2000:]}'
    return p.stdout


def ran(text, executor):
    return int(re.search(rf'^{executor} +(\d+) ', text, re.M).group(1))


def test_kernel_and_interp_agree(work):
    text = fuzz('--from', 1, '--count', 5000)
    if 'kernel: skipped' in text:
        raise unittest.SkipTest('the kernel lets nobody use bpf() here: nothing was compared with it')
    assert ran(text, 'kernel') == 5000 and ' 0 verifier rejects, 0 differences' in text, text
    missing = ''.join(re.findall(r'(?:forms|types) occurred(.*)', text))
    assert not missing, f'the generator never comes to{missing} (docs/fuzzing.md: a template for each instruction, helper and map type)'


def test_core_and_interp_agree(work):
    text = fuzz('--from', 1, '--count', 300, '--executors', 'microcode')
    assert ran(text, 'microcode') == 300 and ' 0 differences' in text, text


def test_pipelines_and_interp_agree(work):
    text = fuzz('--from', 1, '--count', 60, '--executors', 'pipeline')
    assert ran(text, 'pipeline') == 60 and ' 0 differences' in text, text


def test_paths_left_to_the_host_and_interp_agree(work):
    if not os.path.exists(PATHS):
        raise unittest.SkipTest('the DPDK driver was left out of the build (build/meson-logs/meson-log.txt says why)')
    text = fuzz('--from', 1, '--count', 60, '--executors', 'driver', '--profile', 'paths', program=PATHS)
    assert ran(text, 'driver') == 60 and ' 0 differences' in text, text


def test_interp_stays_within_the_verifiers_states(work):
    text = fuzz('--from', 1, '--count', 1000, '--executors', 'states')
    assert ran(text, 'states') == 1000 and ' 0 differences' in text, text


def test_recording_holds(work):
    text = fuzz('--check')
    assert int(re.match(r'(\d+) recorded programs', text).group(1)) >= 4000, text


def test_recording_tells_another_result(work):
    with open(os.path.join(lib.ROOT, 'tests', 'fuzz', 'recording')) as f:
        lines = f.read().split('\n')[:40]
    seed, program, result = lines[-1].split()
    lines[-1] = f'{seed} {program} {int(result, 16) ^ 1:08x}'
    path = os.path.join(work, 'recording')
    with open(path, 'w') as f:
        f.write('\n'.join(lines) + '\n')
    text = fuzz(f'--check={path}', status=1)
    assert f'DIFFERENCE seed {seed}: interp gives other results' in text, text


def test_kept_cases_agree(work):
    assert TEXTS
    text = fuzz('--executors', 'kernel,microcode,pipeline', *TEXTS)
    assert f'{len(TEXTS)} texts, 0 differences' in text, text


def test_text_with_another_expectation_fails(work):
    path = os.path.join(work, 'case.txt')
    fuzz('--seed', 3, '--write', path)
    with open(path) as f:
        case = f.read()
    wrong, changes = re.subn(r'^packet 2 ret 0x', 'packet 2 ret 0x1', case, flags=re.M)
    assert changes == 1
    with open(path, 'w') as f:
        f.write(wrong)
    text = fuzz('--executors', 'interp', path, status=1)
    assert 'of the expectation is' in text and '1 texts, 1 differences' in text, text
    fuzz('--executors', 'interp', '--update', path)
    with open(path) as f:
        assert f.read() == case


def test_wrong_use_is_told(work):
    for args in (['--executors', 'abacus'], ['--count', 'many'], ['--profile', 'odd'], ['--write', 'x'], ['--check=/nowhere'],
                 ['/nowhere/case.txt']):
        fuzz(*args, status=2)
