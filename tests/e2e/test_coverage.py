# SPDX-License-Identifier: BSD-3-Clause
"""sluice run --coverage: what a capture reaches of a program."""
import json
import os

import lib

PROGRAM = '''.program steps
.section xdp
.license GPL
.map table hash 2 4 8
   0: r2 = *(u32 *)(r1 +0)
   1: r3 = *(u32 *)(r1 +4)
   2: r4 = r2
   3: r4 += 14
   4: w0 = 1
   5: if r4 > r3 goto pc+12
   6: r1 = *(u16 *)(r2 +12)
   7: *(u16 *)(r10 -2) = r1
   8: if w1 == 0x608 goto pc+9
   9: r2 = r10
  10: r2 += -2
  11: r1 = map[table] ll
  13: call bpf_map_lookup_elem#1
  14: w1 = 3
  15: if r0 == 0x0 goto pc+1
  16: w1 = 2
  17: w0 = w1
  18: exit
'''


def coverage(work, *options):
    source, obj, path = (os.path.join(work, name) for name in ('steps.s', 'steps.o', 'coverage.json'))
    with open(source, 'w') as f:
        f.write(PROGRAM)
    lib.sluice('asm', source, '-o', obj)
    capture = lib.traffic('coverage-300', '--count', 300, '--flows', 50, '--malformed', 0, '--mix', 'tcp=40,arp=20')
    lib.sluice('run', obj, '-r', capture, '--coverage', path, *options)
    with open(path) as f:
        return json.load(f)


def test_coverage_counts_instructions_and_ways(work):
    found = coverage(work)
    program, = found['programs']
    insns = program['insns']
    arp = insns[8][0][0]
    assert program['name'] == 'steps' and insns[0] == [300, 0] and insns[12] is None, insns
    assert insns[5] == [[0, -1], [300, 0]] and 30 < arp < 200, insns  # no packet is too short
    assert insns[8][1][0] == insns[13][0] == 300 - arp == insns[15][0][0], insns
    assert sorted((insns[8][0][1], insns[8][1][1]))[0] == 0 < max(insns[8][0][1], insns[8][1][1]), insns
    assert insns[16] == [0, -1] == insns[15][1] and insns[18] == [300, 0], insns
    # what ld_imm64 has behind it is no instruction; number 16 and two ways are missing
    assert [program[n] for n in ('reachable', 'executed', 'ways', 'taken')] == [18, 17, 6, 4], program
    assert found['keys'] == {'table': ['0800']}, found['keys']


def test_coverage_follows_what_maps_hold(work):
    path = os.path.join(work, 'maps.json')
    with open(path, 'w') as f:
        json.dump({'table': [lib.entry(b'\x08\x00', bytes(4))]}, f)
    program, = coverage(work, '--maps-in', path)['programs']
    assert program['insns'][16][0] == program['insns'][13][0] and program['taken'] == 4, program


def test_coverage_is_of_interp_only(work):
    p = lib.sluice('run', lib.example('drop'), '-t', 'microcode', '-r', lib.traffic('tiny', '--count', 4), '--coverage', os.path.join(work, 'c'), status=2)
    assert 'microcode counts no instructions; --coverage needs -t interp' in p.stderr, p.stderr


CALLBACK = '''#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
static int add(__u32 i, __u64 *sum) { if (i & 1) *sum += 3; else *sum += 5; return 0; }
SEC("xdp") int sums(struct xdp_md *ctx) { __u64 sum = 0; bpf_loop(4, add, &sum, 0); return sum == 16 ? XDP_DROP : XDP_PASS; }
char _license[] SEC("license") = "GPL";
'''


def test_coverage_is_of_callbacks_too(work):
    source, path = os.path.join(work, 'sums.bpf.c'), os.path.join(work, 'coverage.json')
    with open(source, 'w') as f:
        f.write(CALLBACK)
    obj = lib.clang(source, os.path.join(work, 'sums.o'))
    lib.sluice('run', obj, '-r', lib.mixed(100), '--coverage', path)
    with open(path) as f:
        p = json.load(f)['programs'][0]
    runs = [i[0] if isinstance(i[0], int) else i[0][0] + i[1][0] for i in p['insns'] if i]
    assert runs.count(400) >= 4 and 200 in runs, p  # four rounds a packet; each way twice
