#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes docs/messages.md: the verifier's codes from codes.toml, and the texts of tests/text/verify that show each.

usage: codes.py DOC_FILE"""
import glob
import os
import re
import sys
import tomllib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHOWN = 3  # texts that are named for a code

HEAD = '''<!-- made by ./dev gen from compiler/verify/codes.toml and tests/text/verify; do not edit -->
# What the verifier says

A message names the instruction and its source line, what was tried, what is known of the registers and where that was set, and what would
make it right. Its code, in brackets, stays the same from version to version: `sluice check --json` gives it as `code`. The command ends
with status 3. Each code has programs in `tests/text/verify` that show it, each of them judged by Linux's verifier too.

`sluice check -v` prints what is known after each instruction, as Linux's log of level 2 does.
'''


def groups():
    with open(os.path.join(ROOT, 'compiler', 'verify', 'codes.toml'), 'rb') as f:
        return tomllib.load(f)['group']


def texts():
    """code -> names of the texts that expect it"""
    found = {}
    for path in sorted(glob.glob(os.path.join(ROOT, 'tests', 'text', 'verify', '*.test'))):
        with open(path) as f:
            m = re.search(r'^rejected (VFY\d{4})', f.read(), re.M)
        if m:
            found.setdefault(m[1], []).append(os.path.basename(path)[:-5])
    return found


def page():
    shown, out = texts(), [HEAD]
    for g in groups():
        out.append(f'## {g["name"]}\n\n| code | what is wrong | what makes it right | texts |\n| --- | --- | --- | --- |')
        for c in sorted(g['codes'], key=lambda c: c['code']):
            names = shown.get(c['code'], [])
            links = ', '.join(f'[{n}](../tests/text/verify/{n}.test)' for n in names[:SHOWN])
            out.append(f'| {c["code"]} | {c["what"]} | {c["do"]} | {links}{", ..." if len(names) > SHOWN else ""} |')
        out.append('')
    return '\n'.join(out).rstrip('\n') + '\n'


if __name__ == '__main__':
    with open(sys.argv[1], 'w') as f:
        f.write(page())
