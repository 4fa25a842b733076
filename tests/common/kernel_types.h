/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_KERNEL_TYPES_H
#define SLUICE_TESTS_KERNEL_TYPES_H

#include "compiler/load/load.h"

#include <linux/bpf.h>

/* The types (BTF) without which Linux takes no callback. */

/* Of a program: each function is static and returns int. *info: an entry for each subprogram, to be
 * freed. A file descriptor, or negative. */
int kernel_types_of_prog(const struct load_prog *prog, struct bpf_func_info **info);

#endif
