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

static int load_and_free(struct btf *btf)
{
    uint32_t bytes;
    const void *raw = btf__raw_data(btf, &bytes);
    const int fd = bpf_btf_load(raw, bytes, NULL);

    btf__free(btf);
    return fd;
}

static int add_bytes(struct btf *btf, int byte, int index, uint32_t bytes)
{
    return btf__add_array(btf, index, byte, bytes);
}

struct kernel_map_btf kernel_btf_of_lock(uint32_t key_bytes, uint32_t value_bytes,
                                         uint32_t lock_off)
{
    enum { LOCK_BYTES = 4 };
    struct btf *btf = btf__new_empty();
    const int word = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
    const int byte = btf__add_int(btf, "char", 1, 0);
    const uint32_t after = lock_off + LOCK_BYTES;
    const int before = add_bytes(btf, byte, word, lock_off);
    const int rest = add_bytes(btf, byte, word, value_bytes - after);
    const int key = key_bytes == 4 ? word : add_bytes(btf, byte, word, key_bytes);
    const int lock = btf__add_struct(btf, "bpf_spin_lock", LOCK_BYTES);
    int value;

    btf__add_field(btf, "val", word, 0, 0);
    value = btf__add_struct(btf, "value", value_bytes);
    if (lock_off)
        btf__add_field(btf, "before", before, 0, 0);
    btf__add_field(btf, "lock", lock, lock_off * 8, 0);
    if (value_bytes > after)
        btf__add_field(btf, "rest", rest, after * 8, 0);
    return (struct kernel_map_btf){load_and_free(btf), (uint32_t)key, (uint32_t)value};
}
