# SPDX-License-Identifier: BSD-3-Clause
"""Random programs that always verify, on every executor beside interp (docs/fuzzing.md): a short run of each, with fixed seeds."""
import os
import re
import subprocess

import lib

FUZZ = os.path.join(lib.BUILD, 'tests', 'fuzz', 'diff', 'sluice-fuzz')


def fuzz(*args, status=0, timeout=900):
    p = subprocess.run([FUZZ, *map(str, args)], capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)
    assert p.returncode == status, f'sluice-fuzz {args}: exit status {p.returncode}, wanted {status}\n{p.stdout[-4000:]}\n{p.stderr[-2000:]}'
    return p.stdout


def ran(text, executor):
    return int(re.search(rf'^{executor} +(\d+) ', text, re.M).group(1))


def test_kernel_and_interp_agree(work):
    text = fuzz('--from', 1, '--count', 5000)
    if 'kernel: skipped' in text:
        print('skip  the kernel lets nobody use bpf() here: nothing was compared with it')
        return
    assert ran(text, 'kernel') == 5000 and ' 0 verifier rejects, 0 differences' in text, text
    missing = re.search(r'forms occurred(.*)', text).group(1)
    assert not missing, f'the generator has got shallow: {missing}'


def test_core_and_interp_agree(work):
    text = fuzz('--from', 1, '--count', 300, '--executors', 'microcode')
    assert ran(text, 'microcode') == 300 and ' 0 differences' in text, text


def test_wrong_use_is_told(work):
    for args in (['--executors', 'abacus'], ['--count', 'many'], ['--profile', 'odd'], ['more']):
        fuzz(*args, status=2)
