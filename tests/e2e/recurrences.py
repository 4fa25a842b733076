#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Random small recurrences on values of maps, several in a program, as atomic units and behind locks, beside the interpreter.

usage: recurrences.py [FIRST [COUNT]]    so many programs, from a seed on
"""
import json
import os
import random
import struct
import sys
import tempfile

import lib

HEAD = '''#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct request { __u8 ethernet[14]; __u8 key; __u8 op; __u32 a; __u32 b; } __attribute__((packed));
'''
TYPES = ('__u64', '__u32', '__u16', '__u8')


def expression(rng, fields, depth):
    if depth == 0 or rng.random() < 0.25:
        return rng.choice([f'v->{rng.choice(fields)}'] * 3 + ['a', 'b', 'now', f'{rng.choice((1, 3, 255, 1000, 65536, 0xfffffff0))}ull'])
    x, y = (expression(rng, fields, depth - 1) for _ in range(2))
    return rng.choice((f'({x} + {y})', f'({x} - {y})', f'({x} ^ {y})', f'({x} & {y})', f'({x} | {y})', f'({x} > {y} ? {y} : {x})',
                       f'((__s64)({x}) < (__s64)({y}) ? {x} : {y})', f'(({x}) << {rng.randrange(20)})', f'(({x}) >> {rng.randrange(30)})', f'(({x}) * {rng.choice((3, 5, 7, 10, 12))})'))


def statement(rng, fields):
    f = rng.choice(fields)
    x = expression(rng, fields, rng.randrange(1, 3))
    condition = f'{expression(rng, fields, 1)} {rng.choice(("<", ">=", "==", "!="))} {expression(rng, fields, 1)}'
    other = f'v->{rng.choice(fields)} = {expression(rng, fields, 1)};'
    return rng.choice((f'v->{f} = {x};', f'if ({condition}) v->{f} = {x};', f'if ({condition}) {{ v->{f} = {x}; {other} }} else {{ {other} }}', f'v->{f} += {x};'))


def program(rng, count):
    """Source of a program with so many maps, each with a recurrence of its own; the values' sizes differ."""
    maps, calls = [], []
    for n in range(count):
        types = [rng.choice(TYPES) for _ in range(rng.randrange(1, 5))]
        fields = [f'f{i}' for i in range(len(types))]
        members = ' '.join(f'{t} {f};' for t, f in zip(types, fields))
        kind = rng.choice(('ARRAY', 'ARRAY', 'PERCPU_ARRAY'))
        body = '\n    '.join(statement(rng, fields) for _ in range(rng.randrange(1, 4)))
        maps.append(f'struct v{n} {{ {members} }};\nstruct {{ __uint(type, BPF_MAP_TYPE_{kind}); __uint(max_entries, 8); __type(key, __u32); '
                    f'__type(value, struct v{n}); }} m{n} SEC(".maps");\n'
                    f'static __always_inline __u64 step{n}(__u32 k, __u64 a, __u64 b, __u64 now)\n{{\n    struct v{n} *v = bpf_map_lookup_elem(&m{n}, &k);\n\n'
                    f'    if (!v)\n        return 0;\n    {body}\n    return v->{rng.choice(fields)};\n}}\n')
        calls.append(f'    sum = sum * 2 + step{n}(k, r->a, r->b, now); asm volatile("" : "+r"(sum) :: "memory");')
    return HEAD + ''.join(maps) + ('SEC("xdp") int recur(struct xdp_md *ctx)\n{\n    struct request *r = (void *)(long)ctx->data;\n'
                                   '    __u64 sum = 0, now = bpf_ktime_get_ns();\n    __u32 k;\n\n    if ((void *)(r + 1) > (void *)(long)ctx->data_end)\n'
                                   '        return XDP_PASS;\n    k = r->key & 7;\n' + '\n'.join(calls) +
                                   '\n    r->a = (__u32)sum;\n    r->b = sum >> 32;\n    return XDP_TX;\n}\nchar LICENSE[] SEC("license") = "GPL";\n')


def capture(path, rng, count):
    when = 10**9
    with open(path, 'wb') as f:
        f.write(struct.pack('<IHHiIII', 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
        for _ in range(count):
            when += rng.choice((0, 1, 5, 700))
            data = bytes(12) + b'\x88\xb5' + struct.pack('<BBII', rng.choice((0, 0, 0, 1, rng.randrange(8))), 0, rng.choice((0, 1, 7, rng.getrandbits(32))), rng.getrandbits(rng.choice((1, 8, 32)))) + bytes(36)
            f.write(struct.pack('<IIII', when // 10**9, when % 10**9, 60, 60) + data)
    return path


def run(work, obj, executor, packets, *options):
    trace, maps = os.path.join(work, 'trace'), os.path.join(work, 'maps')
    lib.sluice('run', obj, '-t', executor, '-r', packets, '--trace', trace, '--maps-out', maps, '--queues', 2, '--no-progress', *options)
    with open(trace) as t, open(maps) as m:
        return [{k: v for k, v in json.loads(line).items() if k != 'cycles'} for line in t], json.load(m)


def try_seed(work, seed, maps=10, packets=1500):
    """Units, and all maps of the program; raises if one of the ways differs from the interpreter."""
    rng = random.Random(seed)
    source, obj = os.path.join(work, 'recur.c'), os.path.join(work, 'recur.o')
    with open(source, 'w') as f:
        f.write(program(rng, maps))
    lib.clang(source, obj)
    traffic = capture(os.path.join(work, 'recur.pcap'), rng, packets)
    expected = run(work, obj, 'interp', traffic)
    for levels in (64, 1):
        for pace in ((), ('--stall', 30, '--idle', 20, '--seed', seed, '--poll-maps')):
            got = run(work, obj, 'pipeline', traffic, '--unit-levels', levels, *pace)
            assert got == expected, f'seed {seed}, units of up to {levels} levels, {pace}: differs'
    lib.sluice('compile', obj, '-t', 'pipeline', '-o', os.path.join(work, 'out'), '--unit-levels', 64)
    with open(os.path.join(work, 'out', 'recur.pipeline.cost.json')) as f:
        units = [m['atomic_unit'] for m in json.load(f)['maps'] if m['name'].startswith('m')]
    return sum(units), len(units)


def main():
    first, count = (int(a) for a in (sys.argv[1:] + ['1', '5'][len(sys.argv) - 1:])[:2])
    for seed in range(first, first + count):
        with tempfile.TemporaryDirectory(prefix='sluice-recurrences-') as work:
            print('seed %d: %d of %d maps are atomic units; all agree' % (seed, *try_seed(work, seed)), flush=True)


if __name__ == '__main__':
    main()
