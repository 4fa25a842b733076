# SPDX-License-Identifier: BSD-3-Clause
"""Every diagnostic code that the sources can give occurs in a test, or here with the reason why it can't."""
import filecmp
import os
import re
import subprocess
import sys
import tomllib

from test_structure import ROOT, files, text

CODE = re.compile(r'(?<![A-Z0-9_])(?:ASM|IR|IRB|LIB|LOAD|OPT|PIPE|UCODE|VFY)[0-9]{4}(?![0-9])')

# No input is known that gives these; each stands where an error would otherwise go unsaid.
EXCEPTIONS = {
    'LIB0001': 'the loader says why it does not read an object, but when memory ends',
    'LIB0008': 'what one executor holds the others take, as far as is known; a device may break',
    'UCODE0010': 'scheduling and spilling in turn ended, or ran out of stack (UCODE0003), for every program that was tried',
}


def codes(folders, endings):
    found = {}
    for path in files(*endings):
        if path.startswith(folders):
            for code in CODE.findall(text(path)):
                found.setdefault(code, path)
    return found


def test_every_code_has_a_test(work):
    given = codes(('compiler/', 'host/', 'nic_runtime/', 'sim/'), ('.c', '.h', '.cpp'))
    tests = codes(('tests/unit/', 'tests/text/', 'tests/e2e/', 'tests/device/', 'tests/common/', 'tests/fuzz/'), ('.c', '.h', '.py', '.test', '.ir', '.txt'))
    assert len(given) > 100, 'the sources name their codes in another way now'
    bad = [f'{c} ({given[c]}) is in no test' for c in sorted(given) if c not in tests and c not in EXCEPTIONS]
    bad += [f'{c} has a test and stands among the exceptions' for c in sorted(EXCEPTIONS) if c in tests]
    bad += [f'{c} stands among the exceptions, but no source gives it' for c in sorted(EXCEPTIONS) if c not in given]
    bad += [f'{c} ({tests[c]}) is expected by a test, but no source gives it' for c in sorted(tests) if c not in given]
    assert not bad, '\n'.join(bad)


def test_every_code_of_the_verifier_is_explained(work):
    """compiler/verify/codes.toml has a row for each code of the sources, and docs/messages.md is made from it."""
    with open(os.path.join(ROOT, 'compiler', 'verify', 'codes.toml'), 'rb') as f:
        rows = [c for g in tomllib.load(f)['group'] for c in g['codes']]
    names = [c['code'] for c in rows]
    given = {c for c in codes(('compiler/verify/',), ('.c',)) if c.startswith('VFY')}
    assert sorted(names) == sorted(given), (sorted(given - set(names)), sorted(set(names) - given))
    assert all(c['what'] and c['do'] for c in rows)
    made = os.path.join(work, 'messages.md')
    subprocess.run([sys.executable, os.path.join(ROOT, 'compiler', 'verify', 'codes.py'), made], check=True)
    assert filecmp.cmp(made, os.path.join(ROOT, 'docs', 'messages.md'), False), 'docs/messages.md is stale: ./dev gen'
