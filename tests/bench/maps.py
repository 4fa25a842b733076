#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""./dev bench maps: nanoseconds an operation of the software's maps beside Linux's, as a table in Markdown. One XDP program an operation
(map_ops.bpf.c), which does it 256 times a packet, runs on interp and in the kernel (BPF_PROG_TEST_RUN); the same loop without the
operation is subtracted. Maps are full (an lru_hash to a quarter: Linux evicts early), keys in random order; the best of some runs."""
import json
import os
import struct
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'e2e'))
import lib  # noqa: E402

ROUNDS, PACKETS, TRIES = 256, 20, 7
VALUE = 3  # of all entries
SIZES = 1024, 65536
OPERATIONS = {'hit': 'look-up, found and read', 'miss': 'look-up, not found', 'update': 'update', 'replace': 'deletion and update'}
NO_PREALLOC = 1
TYPES = [  # name, key bytes behind a prefix's length, flags
    ('array', (4,), 0),
    ('percpu_array', (4,), 0),
    ('hash', (4, 16), 0),
    ('lru_hash', (4, 16), 0),
    ('lpm_trie', (4, 16), NO_PREALLOC),
]


def key(kind, key_bytes, n):
    words = key_bytes // 4
    if kind == 'lpm_trie':
        return struct.pack('<I', 24) + struct.pack('>I', n << 8) + bytes(key_bytes - 4)
    return struct.pack(f'<{words}I', n, *range(1, words))


def contents(kind, key_bytes, entries, path):
    value = '0x' + struct.pack('<Q', VALUE).hex()
    with open(path, 'w') as f:
        json.dump({'entries': [{'key': '0x' + key(kind, key_bytes, n).hex(), 'value': value} for n in range(entries)]}, f)
    return path


def cost(obj, executor, program, maps, capture):
    """ns a round, the best of some runs. Look-ups must have found all their entries, or none."""
    out = os.path.join(os.path.dirname(maps), 'after.json')
    run = lambda *more: json.loads(lib.sluice('run', obj, '-t', executor, '-p', program, '-r', capture, '--maps-in', maps, '--json', *more).stdout)
    first = run('--maps-out', out)
    with open(out) as f:
        bss = next(v for name, v in json.load(f).items() if name.endswith('.bss'))
    seen = int.from_bytes(bytes(int(b, 16) for b in bss[0]['value']), 'little')
    assert seen == (VALUE * ROUNDS * PACKETS if program == 'hit' else 0), (obj, executor, program, seen)
    return min(r['ns_per_packet'] for r in [first] + [run() for _ in range(TRIES - 1)]) / ROUNDS


def rows(kind, key_bytes, flags, entries, work, capture, executors):
    prefix = kind == 'lpm_trie'
    obj = lib.clang(os.path.join(ROOT, 'tests', 'bench', 'map_ops.bpf.c'), os.path.join(work, f'{kind}-{key_bytes}-{entries}.o'),
                    defines=[f'-DTYPE=BPF_MAP_TYPE_{kind.upper()}', f'-DENTRIES={entries}', f'-DROOM={entries * (4 if kind == "lru_hash" else 1)}', f'-DKEY_WORDS={key_bytes // 4 + prefix}', f'-DFLAGS={flags}',
                             *(['-DPREFIXES'] if prefix else [])])
    maps = contents(kind, key_bytes, entries, os.path.join(work, 'maps.json'))
    alone = {e: cost(obj, e, 'none', maps, capture) for e in executors}
    for operation, title in OPERATIONS.items():
        if operation == 'replace' and 'array' in kind:
            continue
        ns = {e: cost(obj, e, operation, maps, capture) - alone[e] for e in executors}
        both = len(ns) == 2
        yield [kind, entries, key_bytes, title, f'{ns["interp"]:.1f}', f'{ns["kernel"]:.1f}' if both else '-',
               f'{ns["interp"] / ns["kernel"]:.2f}' if both and ns['kernel'] > 0 else '-']


def main(part=''):
    executors = ['interp', 'kernel'] if lib.kernel_allowed() else ['interp']
    if len(executors) == 1:
        print('kernel: skipped: no bpf() here\n')
    print('| map | entries | key bytes | operation | Sluice ns | Linux ns | Sluice / Linux |\n|' + ' --- |' * 7)
    capture = lib.traffic(f'map-ops-{PACKETS}', '--count', PACKETS, '--size', 64)
    with tempfile.TemporaryDirectory() as work:
        for kind, sizes, flags in TYPES:
            for entries in SIZES if part in kind else ():
                for key_bytes in sizes:
                    for row in rows(kind, key_bytes, flags, entries, work, capture, executors):
                        print('| ' + ' | '.join(str(c) for c in row) + ' |', flush=True)


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
