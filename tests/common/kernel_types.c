/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/kernel_types.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <stdio.h>
#include <stdlib.h>

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

struct kernel_types kernel_types_of_value(uint32_t key_bytes, uint32_t value_bytes,
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
    return (struct kernel_types){load_and_free(btf), (uint32_t)key, (uint32_t)value};
}

int kernel_types_of_prog(const struct load_prog *prog, struct bpf_func_info **info)
{
    struct btf *btf = btf__new_empty();
    const int word = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
    const int proto = btf__add_func_proto(btf, word);

    *info = calloc(prog->subprog_count, sizeof(**info));
    for (uint32_t i = 0; i < prog->subprog_count; i++) {
        char name[24];
        int id;

        snprintf(name, sizeof(name), "function%u", i);
        id = btf__add_func(btf, name, i ? BTF_FUNC_STATIC : BTF_FUNC_GLOBAL, proto);
        (*info)[i] = (struct bpf_func_info){prog->subprogs[i].start, (uint32_t)id};
    }
    return load_and_free(btf);
}
