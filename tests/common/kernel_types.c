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
