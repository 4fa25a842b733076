/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_KERNEL_TYPES_H
#define SLUICE_TESTS_KERNEL_TYPES_H

#include "compiler/load/load.h"

#include <linux/bpf.h>

/* The types (BTF) without which Linux takes no lock in a map's values and no callback. */

struct kernel_types {
    int fd; /* negative: none; to be closed */
    uint32_t key, value;
};

/* Of a map: keys are bytes, or an int if there are 4; values have a bpf_spin_lock at lock_off. */
struct kernel_types kernel_types_of_value(uint32_t key_bytes, uint32_t value_bytes,
                                          uint32_t lock_off);
/* Of a program: each function is static and returns int. *info: an entry for each subprogram, to be
 * freed. A file descriptor, or negative. */
int kernel_types_of_prog(const struct load_prog *prog, struct bpf_func_info **info);

#endif
