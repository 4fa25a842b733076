#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Random programs whose packets collide in maps: C made from a seed, with look-ups, accesses of values in pieces, atomics, updates and
deletions in any order and in loops, also through pointers to entries that are gone.

usage: hazards_random.py [--count N] [--seed N] [--pipelines N] [--keep FOLDER]
    N programs on the core in lock-step, the first few of them as pipelines too; differences are told with their seed
"""
import argparse
import collections
import os
import random
import shutil
import sys
import tempfile
import time

import hazards
import lib

HEAD = '''/* Made by tests/e2e/hazards_random.py from seed %s. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "request.h"

struct value {
    __u64 a;
    __u32 b;
    __u16 c;
    __u8 d;
    __u8 e;
    __u64 f;
};
'''
FIELDS = {'a': 64, 'b': 32, 'c': 16, 'd': 8, 'e': 8, 'f': 64}
TYPES = ('ARRAY', 'HASH', 'HASH', 'HASH', 'PERCPU_ARRAY', 'PERCPU_HASH')


class Generator:
    def __init__(self, seed):
        self.rng = random.Random(f'hazards {seed}')
        self.lines = []
        self.marks = 0
        self.names = 0
        self.loop = None  # the variable of the loop that is being written
        self.maps = [(f'm{i}', self.rng.choice(TYPES), self.rng.choice((4, 8, 64))) for i in range(self.rng.choice((1, 1, 2, 3)))]

    def put(self, depth, text):
        self.lines.append('    ' * depth + text)

    def mark(self, depth):
        """Something of its own, so that clang joins no two stores."""
        self.marks += 1
        self.put(depth, f'asm volatile("# {self.marks}" ::: "memory");')

    def fresh(self, prefix):
        self.names += 1
        return f'{prefix}{self.names}'

    def key(self, m):
        _, kind, entries = m
        text = self.rng.choice(('key', 'key', 'key', 'key ^ 1', 'key + op % 2', 'key / 2', '3'))
        if self.loop and self.rng.random() < 0.5:
            text += f' + {self.loop}'
        return f'({text}) % {entries}' if 'ARRAY' in kind or entries < 64 and self.rng.random() < 0.5 else text

    def number(self):
        return self.rng.choice(('operand', 'acc', 'acc + operand', 'acc * 3', 'op', str(self.rng.randrange(1, 9))))

    def access(self, depth, p):
        field = self.rng.choice(list(FIELDS))
        at = f'((volatile struct value *){p})->{field}'
        what = self.rng.randrange(6)
        if what == 0:
            self.put(depth, f'acc = acc * 5 + {at};')
        elif what == 1:
            self.put(depth, f'{at} = {self.number()};')
        elif what == 2:
            self.put(depth, f'{at} = {at} * 3 + {self.number()};')
        elif what == 3 and FIELDS[field] >= 32:
            name = self.rng.choice(('__sync_fetch_and_add', '__sync_fetch_and_xor', '__sync_fetch_and_or', '__sync_lock_test_and_set'))
            keep = self.rng.random() < 0.6 or 'lock' in name
            self.put(depth, ('acc += ' if keep else '') + f'{name}(&{p}->{field}, {self.number()});')
        elif what == 4:
            self.put(depth, f'__sync_fetch_and_add(&{p}->a, {self.number()});')
        else:
            self.put(depth, f'acc ^= {at};')
        self.mark(depth)

    def key_op(self, depth, m):
        if 'ARRAY' in m[1]:
            return
        k = self.fresh('k')
        self.put(depth, f'__u32 {k} = {self.key(m)};')
        if self.rng.random() < 0.35:
            self.put(depth, f'acc = acc * 7 + (__u64)bpf_map_delete_elem(&{m[0]}, &{k});')
        else:
            v = self.fresh('v')
            self.put(depth, f'struct value {v} = {{.a = {self.number()}, .b = (__u32)acc, .c = op, .f = operand}};')
            flags = self.rng.choice(('BPF_ANY', 'BPF_ANY', 'BPF_NOEXIST', 'BPF_EXIST'))
            self.put(depth, f'acc = acc * 7 + (__u64)bpf_map_update_elem(&{m[0]}, &{k}, &{v}, {flags});')
        self.mark(depth)

    def insert(self, m):
        """Entries to find: a packet in two inserts first."""
        if 'ARRAY' in m[1] or self.rng.random() < 0.2:
            return
        self.put(1, f'if (op & {1 << self.rng.randrange(4)}) {{')
        self.put(2, f'__u32 k = {self.key(m)};')
        self.put(2, 'struct value v = {.a = operand, .b = op, .d = 3};')
        self.put(2, f'acc += (__u64)bpf_map_update_elem(&{m[0]}, &k, &v, {self.rng.choice(("BPF_ANY", "BPF_NOEXIST"))});')
        self.put(1, '}')

    def body(self, depth, pointers, budget):
        while budget > 0:
            budget -= 1
            m = self.rng.choice(self.maps)
            what = self.rng.random()
            if pointers and what < 0.45:
                self.access(depth, self.rng.choice(pointers))
            elif what < 0.60:
                self.key_op(depth, m)
            elif what < 0.72 and depth < 4:
                self.put(depth, f'if (op & {1 << self.rng.randrange(4)}) {{')
                self.body(depth + 1, list(pointers), max(1, budget // 2))
                self.put(depth, '} else {')
                self.body(depth + 1, list(pointers), max(1, budget // 2))
                self.put(depth, '}')
                budget //= 2
            elif what < 0.82 and depth < 3 and not self.loop:
                self.loop = self.fresh('i')
                self.put(0, '#pragma clang loop unroll(disable)')
                self.put(depth, f'for (__u32 {self.loop} = 0; {self.loop} < {self.rng.choice(("3", "2", "1 + (op & 1)"))}; {self.loop}++) {{')
                self.body(depth + 1, list(pointers), max(2, budget // 2))
                self.put(depth, '}')
                self.loop = None
                budget //= 2
            elif depth < 4:
                p, k = self.fresh('p'), self.fresh('k')
                self.put(depth, f'__u32 {k} = {self.key(m)};')
                self.put(depth, f'struct value *{p} = bpf_map_lookup_elem(&{m[0]}, &{k});')
                self.put(depth, f'if ({p}) {{')
                self.body(depth + 1, [*pointers, p], max(self.rng.randrange(2, 5), budget - budget // 3))
                self.put(depth, '}')
                budget //= 3

    def text(self, seed):
        for m in self.maps:
            self.insert(m)
        self.body(1, [], self.rng.randrange(4, 11))
        out = HEAD % seed
        for name, kind, entries in self.maps:
            out += (f'\nstruct {{\n    __uint(type, BPF_MAP_TYPE_{kind});\n    __uint(max_entries, {entries});\n    __type(key, __u32);\n'
                    f'    __type(value, struct value);\n}} {name} SEC(".maps");\n')
        return (out + '\nSEC("xdp")\nint random_hazards(struct xdp_md *ctx)\n{\n    struct request *r = (struct request *)(long)ctx->data;\n'
                '    __u64 acc, operand;\n    __u32 op, key;\n\n    if ((void *)(r + 1) > (void *)(long)ctx->data_end)\n        return XDP_ABORTED;\n'
                '    op = r->op;\n    key = r->key;\n    operand = r->operand;\n    acc = operand;\n' + '\n'.join(self.lines) +
                '\n    r->result = acc;\n    return XDP_TX;\n}\n\nchar LICENSE[] SEC("license") = "GPL";\n')


def make(work, seed):
    source = os.path.join(work, f'random{seed}.c')
    with open(source, 'w') as f:
        f.write(Generator(seed).text(seed))
    return lib.clang(source, source[:-1] + 'o', includes=[hazards.SOURCES])


def fits(obj):
    p, = hazards.json.loads(lib.sluice('check', obj, '--json', status=None).stdout)['programs']
    return {name: '' if e['fits'] else e['reason'] for name, e in p['executors'].items()} if p['accepted'] else None


def run_programs(work, seeds, pipelines=0, tell=print):
    """Programs on the core in lock-step, the first few that fit as pipelines too. (failed seeds, counts of what ran and what did not)."""
    failed, ran = [], collections.Counter()
    for seed in seeds:
        obj = make(work, seed)
        executors = fits(obj)
        if executors is None:
            ran['rejected'] += 1
            continue
        for executor, distances, options in (('microcode', range(1, 13), ('--lockstep',)), ('pipeline', range(1, 33), ())):
            if executor == 'pipeline' and ran[executor] >= pipelines:
                continue
            if executors[executor]:
                ran[executors[executor].split(': ')[-1]] += 1
                continue
            ran[executor] += 1
            try:
                hazards.agree(work, obj, ['array_rmw'], executor, distances, 8, hazards.PACES[:1] + hazards.PACES[3:4], seed, *options)
            except AssertionError as e:
                failed.append((seed, executor))
                tell(f'seed {seed}, {executor}: {str(e)[-3000:]}')
    return failed, ran


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--count', type=int, default=100)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--pipelines', type=int, default=0)
    parser.add_argument('--keep')
    a = parser.parse_args()
    start = time.time()
    work = a.keep or tempfile.mkdtemp(prefix='sluice-hazards-')
    os.makedirs(work, exist_ok=True)
    failed, ran = run_programs(work, range(a.seed, a.seed + a.count), a.pipelines)
    if not a.keep:
        shutil.rmtree(work)
    for reason, n in ran.most_common():
        if reason not in ('microcode', 'pipeline'):
            print(f'{n} times not run: {reason}')
    print(f'random hazards: {ran["microcode"]} programs on the core, {ran["pipeline"]} pipelines, {time.time() - start:.0f} s: ' +
          (f'failed: {failed}' if failed else 'no difference'))
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
