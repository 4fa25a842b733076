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

/* 0 or negative errno. */
int kernel_btf_open(const struct ebpf_insn *insns, uint32_t count, struct kernel_btf *out);
void kernel_btf_close(struct kernel_btf *btf);

#endif
