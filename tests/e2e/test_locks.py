# SPDX-License-Identifier: BSD-3-Clause
"""Where Linux finds a bpf_spin_lock by its type: among variables, in values, within structs and arrays; and where it does not."""
import json
import os
import shutil
import subprocess

import lib

HEAD = '''// SPDX-License-Identifier: BSD-3-Clause
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#define X SEC(".data.x")
#define HIDDEN __attribute__((visibility("hidden")))
char _license[] SEC("license") = "GPL";
static int n;
'''
BODY = '''
SEC("xdp") int f(struct xdp_md *ctx)
{
    bpf_spin_lock((void *)LOCK);
    n++;
    MORE;
    bpf_spin_unlock((void *)LOCK);
    return XDP_PASS;
}
'''
KEEP = 'asm volatile("" ::"r"(%s))'
MAP = 'struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct v); } m SEC(".maps");'
MAP_BODY = '''
SEC("xdp") int f(struct xdp_md *ctx)
{
    int key = 0;
    struct v *v = bpf_map_lookup_elem(&m, &key);
    if (!v)
        return XDP_PASS;
    bpf_spin_lock((void *)LOCK);
    v->a++;
    bpf_spin_unlock((void *)LOCK);
    return XDP_PASS;
}
'''
L = 'struct bpf_spin_lock'
# (variables, the lock, more to do while it is held, the code of the rejection or None): each as Linux 6.18 has it
CASES = {
    'static': (f'static {L} l;', '&l', '', None),
    'global': (f'{L} l; long other;', '&l', 'other++', None),
    'private': (f'X HIDDEN int a = 1; X HIDDEN {L} l;', '&l', 'a++', None),
    'private_static': (f'X static int a = 1; X static {L} l;', '&l', 'a++', None),
    'behind_others': (f'static long a[5]; static {L} l;', '&l', 'a[ctx->rx_queue_index & 3]++', None),
    'in_function': ('', '&l', '', None),
    'member': (f'static struct {{ int a; {L} l; int b; }} s;', '&s.l', 's.b++', None),
    'nested': (f'static struct {{ int a; struct {{ int b; {L} l; }} t; }} s;', '&s.t.l', 's.a++', None),
    'anonymous': (f'static struct {{ int a; struct {{ {L} l; }}; }} s;', '&s.l', 's.a++', None),
    'array_of_one': (f'static {L} l[1];', '&l[0]', '', None),
    'array_of_one_struct': (f'static struct {{ int a; {L} l; }} s[1];', '&s[0].l', 's[0].a++', None),
    'array_of_two': (f'static {L} l[2];', '&l[0]', '', 'VFY0108'),
    'array_of_two_structs': (f'static struct {{ int a; {L} l; }} s[2];', '&s[0].l', 's[1].a++', 'VFY0108'),
    'two': (f'static {L} l, k;', '&l', KEEP % '&k', 'VFY0108'),
    'two_sections': (f'static {L} l; X static {L} k;', '&l', KEEP % '&k', None),
    'union': (f'static union {{ int a; {L} l; }} s;', '&s.l', '', 'VFY0108'),
    'typedef': (f'typedef {L} lock_t; static lock_t l;', '&l', '', 'VFY0108'),
    'member_by_typedef': (f'typedef {L} lock_t; static struct {{ int a; lock_t l; }} s;', '&s.l', 's.a++', 'VFY0108'),
    'struct_by_typedef': (f'typedef struct {{ int a; {L} l; }} t; static t s;', '&s.l', 's.a++', 'VFY0108'),
    'volatile': (f'static volatile {L} l;', '&l', '', 'VFY0108'),
    'constant': (f'static const volatile {L} l;', '&l', '', 'VFY0108'),
    'lock_read': (f'static {L} l;', '&l', '*(volatile int *)&l', 'VFY0104'),
    'lock_written_in_part': (f'static {L} l;', '&l', '*((volatile char *)&l + 3) = 1', 'VFY0104'),
    'beside_the_lock': (f'static {L} l; static long a[4];', '&n', 'a[0]++; ' + KEEP % '&l', 'VFY0108'),
    'no_lock_held': (f'static {L} l; X static {L} k;', '&k), bpf_spin_unlock((void *)&l', '', 'VFY0109'),
    'value_nested': (f'struct v {{ int a; struct {{ int b; {L} l; }} t; }};', '&v->t.l', None, None),
    'value_typedef': (f'typedef {L} lock_t; struct v {{ int a; lock_t l; }};', '&v->l', None, 'VFY0108'),
    'value_two': (f'struct v {{ int a; {L} l, k; }};', '&v->l', None, 'VFY0108'),
    'value_unaligned': (f'struct v {{ short a; {L} l; }} __attribute__((packed));', '&v->l', None, 'VFY0108'),
}


def build(work, name):
    variables, lock, more, _ = CASES[name]
    body = MAP + MAP_BODY if more is None else BODY.replace('MORE', more)
    if name == 'in_function':
        body = body.replace('{\n', f'{{\n    static {L} l;\n', 1)
    path = os.path.join(work, name + '.c')
    with open(path, 'w') as f:
        f.write(HEAD + variables + '\n' + body.replace('LOCK', lock))
    return lib.clang(path, os.path.join(work, name + '.o'))


def linux_takes(obj):
    """Whether Linux loads an object through libbpf; None where that can't be asked."""
    pin = f'/sys/fs/bpf/sluice-test-{os.getpid()}'
    if not shutil.which('bpftool') or not os.path.ismount('/sys/fs/bpf') or not lib.kernel_allowed():
        return None
    taken = subprocess.run(['bpftool', 'prog', 'load', obj, pin, 'type', 'xdp'], capture_output=True).returncode == 0
    if taken:
        os.unlink(pin)
    return taken


def test_locks_are_found_where_linux_finds_them(work):
    for name, (_, _, _, code) in CASES.items():
        obj = build(work, name)
        j = json.loads(lib.sluice('check', obj, '--json', status=3 if code else 0).stdout)
        assert j.get('code') == code, (name, j)
        taken = linux_takes(obj)
        assert taken is None or taken == (not code), (name, 'Linux takes it' if taken else 'Linux refuses it')


def test_variables_of_a_kernels_type_are_refused_by_name(work):
    path = os.path.join(work, 'timer.c')
    with open(path, 'w') as f:
        f.write(HEAD + 'static struct bpf_timer t; SEC("xdp") int f(struct xdp_md *ctx) { n++; return *(volatile int *)&t; }')
    j = json.loads(lib.sluice('check', lib.clang(path, os.path.join(work, 'timer.o')), '--json', status=3).stdout)
    assert j['code'] == 'VFY0072' and 'bpf_timer' in j['message'], j
