/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/kernel_btf.h"

#include "compiler/ebpf/ebpf.h"
#include "hw/spec/gen/helpers.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The instruction at which a function starts that this one calls or names, or -1. */
static int64_t function_of(const struct ebpf_insn *i, uint32_t at)
{
    return ebpf_is_subprog_call(i) || ebpf_is_function_address(i) ? (int64_t)at + i->imm + 1 : -1;
}

/* Marks where functions start; how many. *typed: the kernel wants their types. */
static uint32_t mark_functions(const struct ebpf_insn *insns, uint32_t count, uint8_t *starts,
                               bool *typed)
{
    bool tail_call = false;
    uint32_t functions = 1;

    starts[0] = 1;
    *typed = false;
    for (uint32_t at = 0; at < count; at += ebpf_slots(&insns[at])) {
        const int64_t to = function_of(&insns[at], at);

        if (to >= 0 && to < count && !starts[to]) {
            starts[to] = 1;
            functions++;
        }
        *typed |= ebpf_is_function_address(&insns[at]);
        tail_call |= ebpf_is_helper_call(&insns[at]) && insns[at].imm == SPEC_HELPER_TAIL_CALL;
    }
    *typed |= tail_call && functions > 1;
    return functions;
}

/* Functions of numbers that return one; all but the first are static, as without types. */
static int make_types(struct kernel_btf *out, const uint8_t *starts, uint32_t count)
{
    struct btf *btf = btf__new_empty();
    const int number = btf ? btf__add_int(btf, "int", 4, BTF_INT_SIGNED) : -ENOMEM;
    const int proto = btf ? btf__add_func_proto(btf, number) : -ENOMEM;
    const void *raw;
    uint32_t bytes;

    for (uint32_t at = 0; btf && at < count; at++) {
        char name[24];
        int id;

        if (!starts[at])
            continue;
        snprintf(name, sizeof(name), "function%u", at);
        id = btf__add_func(btf, name, at ? BTF_FUNC_STATIC : BTF_FUNC_GLOBAL, proto);
        out->info[out->count++] = (struct bpf_func_info){at, (uint32_t)id};
    }
    raw = btf ? btf__raw_data(btf, &bytes) : NULL;
    out->fd = raw ? bpf_btf_load(raw, bytes, NULL) : -ENOMEM;
    btf__free(btf);
    return out->fd < 0 ? out->fd : 0;
}

int kernel_btf_open(const struct ebpf_insn *insns, uint32_t count, struct kernel_btf *out)
{
    uint8_t *starts = calloc((size_t)count + 1, 1);
    uint32_t functions;
    bool typed;
    int err = 0;

    *out = (struct kernel_btf){.fd = -1};
    if (!starts)
        return -ENOMEM;
    functions = mark_functions(insns, count, starts, &typed);
    if (typed) {
        out->info = calloc(functions, sizeof(*out->info));
        err = out->info ? make_types(out, starts, count) : -ENOMEM;
    }
    free(starts);
    if (err)
        kernel_btf_close(out);
    return err;
}

void kernel_btf_close(struct kernel_btf *btf)
{
    if (btf->fd >= 0)
        close(btf->fd);
    free(btf->info);
    *btf = (struct kernel_btf){.fd = -1};
}
