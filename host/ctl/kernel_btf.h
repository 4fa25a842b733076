/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_KERNEL_BTF_H
#define SLUICE_HOST_KERNEL_BTF_H

#include "hw/spec/gen/ebpf.h"

#include <bpf/bpf.h>

/* Types of functions, which the kernel asks for where a program calls back or goes on in another
 * from several functions. insns are as the kernel takes them. */

struct kernel_btf {
    int fd; /* -1: the program needs none */
    struct bpf_func_info *info;
    uint32_t count;
};

/* Of a map with a lock in its values, without which the kernel takes none. */
struct kernel_map_btf {
    int fd; /* negative errno: none; to be closed */
    uint32_t key, value;
};

/* Keys are bytes, or an int if there are 4; values have a bpf_spin_lock at lock_off. */
struct kernel_map_btf kernel_btf_of_lock(uint32_t key_bytes, uint32_t value_bytes,
                                         uint32_t lock_off);

/* 0 or negative errno. */
int kernel_btf_open(const struct ebpf_insn *insns, uint32_t count, struct kernel_btf *out);
void kernel_btf_close(struct kernel_btf *btf);

#endif
