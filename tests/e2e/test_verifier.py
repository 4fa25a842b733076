# SPDX-License-Identifier: BSD-3-Clause
"""What verification takes, in instructions and memory (times are in ./dev bench verify)."""
import json
import os

import lib


def check(*args, status=0):
    return json.loads(lib.sluice('check', '--json', *args, status=status).stdout)['programs'][0]


def test_large_balancer_is_verified_with_little(work):
    obj = os.path.join(work, 'balancer.o')
    lib.clang(os.path.join(lib.ROOT, 'tests', 'progs', 'verify', 'balancer.bpf.c'), obj)
    p = check(obj)
    assert p['accepted'] and p['instructions'] > 2500, p
    assert p['processed'] < 250000 and p['peak_bytes'] < 100 << 20 and p['states'] > 1000 and p['ns'] > 0, p


def test_real_programs_take_few_steps(work):
    objects = ['/usr/lib/x86_64-linux-gnu/bpf/xdpfilt_alw_all.o']
    for obj in [o for o in objects if os.path.exists(o)]:
        p = check(obj)
        assert p['accepted'] and p['processed'] < 80000, p  # Linux 6.18: 81,905


def test_walk_of_many_ways_stays_below_the_limit(work):
    obj = os.path.join(work, 'options.o')
    lib.clang(os.path.join(lib.ROOT, 'tests', 'progs', 'verify', 'options.bpf.c'), obj)
    lib.sluice('run', obj, '-t', 'interp', '-r', lib.traffic('tiny', '--count', 4))  # about 29,000 instructions; Linux 6.18 gives up at a million


def test_million_instructions_are_the_limit(work):
    obj = os.path.join(work, 'long.o')
    source = os.path.join(work, 'long.bpf.c')
    with open(source, 'w') as f:
        f.write('''#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("xdp") int rounds(struct xdp_md *ctx)
{
    unsigned x = ctx->rx_queue_index;

    for (volatile unsigned long i = 0; i < 1ul << 20; i++)
        x = x * 5 + 1;
    return x & 1 ? XDP_PASS : XDP_DROP;
}
char LICENSE[] SEC("license") = "GPL";
''')
    lib.clang(source, obj)
    p = check(obj, status=3)
    assert p['code'] == 'VFY0091' and 'bound it by a smaller constant' in p['message'] and p['line'] in (7, 8), p
    assert p['processed'] == 1000001 and p['peak_bytes'] < 100 << 20, p


def test_states_are_printed_as_linux_prints_them(work):
    """Each expectation is a part of what Linux 6.18 prints at log level 2."""
    source = os.path.join(work, 'log.bpf.c')
    with open(source, 'w') as f:
        f.write('''#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("xdp") int log_it(struct xdp_md *ctx)
{
    unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

    if (data + 14 > end)
        return XDP_DROP;
    return data[12] & 15;
}
char LICENSE[] SEC("license") = "GPL";
''')
    obj = lib.clang(source, os.path.join(work, 'log.o'))
    lines = lib.sluice('check', '-v', obj).stderr.split('\n')
    text = [' '.join(line.split()) for line in lines]
    for wanted in ['0: R1=ctx() R10=fp0',
                   '; if (data + 14 > end) @ log.bpf.c:7',
                   '=pkt(r=0)',
                   '=pkt(off=14,r=14)',
                   'R0=scalar(smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff))',
                   'R0=scalar(smin=smin32=0,smax=umax=smax32=umax32=15,var_off=(0x0; 0xf))',
                   'from 5 to 8: R0=1 ',
                   'insns (limit 1000000) total_states ']:
        assert any(wanted in line for line in text), (wanted, text)
