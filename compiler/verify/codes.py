#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes docs/messages.md: the verifier's codes from codes.toml.

usage: codes.py DOC_FILE"""
import os
import sys
import tomllib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEAD = '''<!-- made by ./dev gen from compiler/verify/codes.toml; do not edit -->
# What the verifier says

A message names the instruction and its source line, what was tried, what is known of the registers and where that was set, and what would
make it right. Its code, in brackets, stays the same from version to version: `sluice check --json` gives it as `code`. The command ends
with status 3. Programs that show a code: `grep -l 'rejected VFY0040' tests/text/verify/*`; each of them is judged by Linux's verifier too.

`sluice check -v` prints what is known after each instruction, as Linux's log of level 2 does.
'''


def groups():
    with open(os.path.join(ROOT, 'compiler', 'verify', 'codes.toml'), 'rb') as f:
        return tomllib.load(f)['group']


def page():
    out = [HEAD]
    for g in groups():
        out.append(f'## {g["name"]}\n\n| code | what is wrong | what makes it right |\n| --- | --- | --- |')
        for c in sorted(g['codes'], key=lambda c: c['code']):
            out.append(f'| {c["code"]} | {c["what"]} | {c["do"]} |')
        out.append('')
    return '\n'.join(out).rstrip('\n') + '\n'


if __name__ == '__main__':
    with open(sys.argv[1], 'w') as f:
        f.write(page())
