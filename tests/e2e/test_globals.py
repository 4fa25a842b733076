# SPDX-License-Identifier: BSD-3-Clause
"""Global functions, which Linux verifies on their own for all that their types allow; static ones with their callers."""
import json
import os

import lib

HEAD = '''// SPDX-License-Identifier: BSD-3-Clause
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct pair { __u32 a, b; };
__u64 table[16];
char _license[] SEC("license") = "GPL";
'''
# (the function, its call, the code of the rejection or None): each as Linux 6.18 has it
CASES = {
    'index_unchecked': ('int g(__u32 i) { return table[i]; }', 'g(ctx->rx_queue_index & 15)', 'VFY0054'),
    'index_checked': ('int g(__u32 i) { return i < 16 ? table[i] : 0; }', 'g(ctx->rx_queue_index)', None),
    'memory_unchecked': ('int g(struct pair *p) { return p->a + p->b; }', 'g(&pair)', 'VFY0040'),
    'memory_checked': ('int g(struct pair *p) { return p ? p->a + p->b : 0; }', 'g(&pair)', None),
    'memory_nonnull': ('int g(struct pair *p __attribute__((btf_decl_tag("arg:nonnull")))) { return p->a + p->b; }', 'g(&pair)', None),
    'context': ('int g(struct xdp_md *c) { return c->ingress_ifindex; }', 'g(ctx)', None),
    'void_pointer': ('int g(void *d) { return d != 0; }', 'g((void *)(long)ctx->data)', 'VFY0084'),
}


def source(name):
    function, call, _ = CASES[name]
    return HEAD + f'''__attribute__((noinline)) {function}
SEC("xdp") int f(struct xdp_md *ctx)
{{
    struct pair pair = {{ctx->rx_queue_index, 3}};
    return ({call}) + pair.a > 1000 ? XDP_DROP : XDP_PASS;
}}
'''


def test_global_functions_are_verified_on_their_own(work):
    for name, (function, _, code) in CASES.items():
        for linkage in ('', 'static '):
            path = os.path.join(work, name + '.c')
            with open(path, 'w') as f:
                f.write(source(name).replace(function, linkage + function))
            obj = lib.clang(path, os.path.join(work, name + '.o'), 'clang-19')
            wanted = None if linkage else code
            j = json.loads(lib.sluice('check', obj, '--json', status=3 if wanted else 0).stdout)
            assert j.get('code') == wanted, (name, linkage, j)


def test_global_function_without_btf_is_static(work):
    path = os.path.join(work, 'f.c')
    with open(path, 'w') as f:
        f.write(source('memory_unchecked'))
    assert json.loads(lib.sluice('check', lib.clang(path, os.path.join(work, 'f.o'), 'clang-19', debug=False), '--json').stdout)['accepted']
