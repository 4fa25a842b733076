# SPDX-License-Identifier: BSD-3-Clause
"""Runs the text vectors of tests/vectors and writes docs/instructions.md from what they gave (./dev instructions)."""
import glob
import json
import os
import re
import subprocess
import tomllib

import lib

FOLDER = os.path.join(lib.ROOT, 'tests', 'vectors')
RUNNER = os.path.join(lib.BUILD, 'tests', 'vector-runner')
DOC = os.path.join(lib.ROOT, 'docs', 'instructions.md')
EXECUTORS = ['interp', 'microcode', 'pipeline', 'kernel']
# What the table has and no vector: with the reason.
ABSENT = {
    'LD_IMM64 3': 'the address of a variable of the kernel; there is none on a NIC',
    'CALL kernel function': 'functions of the kernel; there are none on a NIC',
    'LD ABS': 'the classic packet loads, which RFC 9669 deprecates and Linux does not allow in XDP programs',
    'LD IND': 'the classic packet loads, which RFC 9669 deprecates and Linux does not allow in XDP programs',
}


def table(name):
    with open(os.path.join(lib.ROOT, 'hw', 'spec', name + '.toml'), 'rb') as f:
        return tomllib.load(f)


def arithmetic(t):
    for row in t['alu']:
        if row['name'] == 'END':
            continue
        for width in (64, 32):
            sources = ['reg'] if row['off'] > 1 else ['reg', 'imm']
            if row['name'] == 'NEG':
                yield f'NEG{width}'
            elif not (row['off'] == 32 and width == 32):
                yield from (f'{row["name"]}{width} {source}' for source in sources)
    for kind in ('LE', 'BE', 'BSWAP'):
        yield from (f'{kind}{width}' for width in sorted({row['imm'] for row in t['end']}))


def control(t):
    for row in t['jmp']:
        if row['name'] == 'JA':
            yield from ('JA', 'JA32')
        elif row['name'] == 'CALL':
            yield from ('CALL helper', 'CALL function', 'CALL kernel function')
        elif row['name'] == 'EXIT':
            yield 'EXIT'
        else:
            yield from (f'{row["name"]}{width} {source}' for width in (64, 32) for source in ('reg', 'imm'))


def memory(t):
    sizes = [row['name'] for row in sorted(t['size'], key=lambda row: row['bytes'])]
    for row in t['mode']:
        if row['name'] == 'MEM':
            yield from (f'{kind} {size} MEM' for kind in ('LDX', 'STX', 'ST') for size in sizes)
        elif row['name'] == 'MEMSX':
            yield from (f'LDX {size} MEMSX' for size in sizes if size != 'DW')
        elif row['name'] == 'ATOMIC':
            for width in (64, 32):
                for a in table('alu')['atomic'][1:]:
                    yield f'ATOMIC{width} {a["name"]}'
                    if not a['name'].endswith('xchg'):
                        yield f'ATOMIC{width} {a["name"]} fetch'
        elif row['name'] == 'IMM':
            constants = [row['value'] for row in t['pseudo'] if not row['name'].endswith('CALL')]
            yield from (f'LD_IMM64 {v}' for v in [0] + constants)
        else:
            yield f'LD {row["name"]}'


def instructions():
    """Every instruction of hw/spec/ebpf.toml, as vector-runner names them."""
    t = table('ebpf')
    return list(arithmetic(t)) + list(control(t)) + list(memory(t))


def run(executors, parts=1):
    """The results of all vectors: {vector: {"cases", "uses", "results": {executor: result}}}."""
    files = sorted(glob.glob(os.path.join(FOLDER, '*.vec')))
    jobs = [subprocess.Popen([RUNNER, executors, *files[i::parts]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for i in range(parts)]
    vectors = {}
    for job in jobs:
        out, err = job.communicate(timeout=1200)
        assert job.returncode == 0, err
        for v in json.loads(out):
            v['results'] = {(r['executor'], r['mode']): r for r in v['results']}
            vectors[os.path.basename(v['vector'])[:-4]] = v
    assert len(vectors) == len(files)
    return vectors


def merge(*runs):
    merged = {}
    for vectors in runs:
        for name, v in vectors.items():
            merged.setdefault(name, dict(v, results={}))['results'].update(v['results'])
    return merged


def head_of(name):
    """A vector's first sentence and the instructions that it is for."""
    with open(os.path.join(FOLDER, name + '.vec')) as f:
        comments = re.findall(r'^# (.*)$', f.read().split('\n-- ')[0], re.M)[1:]
    subjects = [c[len('for: '):].split(', ') for c in comments if c.startswith('for: ')]
    return ' '.join(c for c in comments if not c.startswith('for: ')), subjects[0] if subjects else []


def told(v, executor):
    """What a vector did on an executor, for the table: the cases that gave what they should, or why none was run."""
    r = v['results'].get((executor, 'xdp')) or v['results'].get((executor, 'plug-in'))
    if r['failed'] or (r['why'] and executor != 'kernel'):
        return 'DIFFERS'
    if r['why']:
        code = re.search(r'\[(\w+)\]$', r['why'])
        return f'rejected ({code[1]})' if code else 'DIFFERS'
    return str(r['cases'])


def render(vectors):
    subjects = {name: head_of(name)[1] for name in vectors}
    lines = ['<!-- Generated from runs of tests/vectors: ./dev instructions. Do not edit. -->', '# Instructions', '',
             'Every instruction of RFC 9669 (`hw/spec/ebpf.toml`) and what its vectors in `tests/vectors` gave on each executor: the number of cases whose',
             'memory and result are what RFC 9669 says. A vector runs as an XDP program where the verifier takes it; otherwise as [the conformance',
             'plug-in](conformance.md) runs programs, and then the kernel column has the verifier\'s code.', '',
             '| instruction | vectors | ' + ' | '.join(EXECUTORS) + ' |', '| --- | --- |' + ' --- |' * len(EXECUTORS)]
    for i in instructions():
        names = [name for name in sorted(vectors) if i in subjects[name]]
        if i in ABSENT:
            lines.append(f'| `{i}` | none: {ABSENT[i]} |' + ' |' * len(EXECUTORS))
            continue
        cells = [', '.join(told(vectors[name], e) for name in names) for e in EXECUTORS]
        lines.append(f'| `{i}` | {", ".join(names)} | ' + ' | '.join(cells) + ' |')
    lines += ['', '## Vectors', '', '| vector | what | ' + ' | '.join(EXECUTORS) + ' |', '| --- | --- |' + ' --- |' * len(EXECUTORS)]
    for name in sorted(vectors):
        text = head_of(name)[0].replace('|', '\\|')
        lines.append(f'| {name} | {text} | ' + ' | '.join(told(vectors[name], e) for e in EXECUTORS) + ' |')
    return '\n'.join(lines) + '\n'


def main():
    text = render(merge(run('interp,kernel,microcode'), run('pipeline', parts=2)))
    with open(DOC, 'w') as f:
        f.write(text)
    assert 'DIFFERS' not in text, f'{DOC}: there are differences'


if __name__ == '__main__':
    main()
