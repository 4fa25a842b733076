/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_DIFF_RECORD_H
#define SLUICE_TESTS_DIFF_RECORD_H

#include "tests/fuzz/diff/gen.h"
#include "tests/fuzz/diff/run.h"

/* A recording: for each of many seeds a hash of the program with its inputs and a hash of what came
 * of it, made where interp and the kernel agree. It holds interp to these results on machines
 * without bpf(). */

struct record_options {
    uint64_t first, count;
    enum gen_profile profile;
    uint32_t packets;
};

/* Writes a recording; kernel may be NULL: then nothing but interp stands behind it. The number of
 * programs that could not be recorded, told on stderr; *err if the file can't be written. */
uint32_t record_write(const char *path, const struct record_options *o,
                      const struct exec_ops *kernel, int *err);

/* Runs all that a recording holds on interp. The number of programs that gave something else, told
 * on stdout; *err if it can't be read. *count is the number of programs. */
uint32_t record_check(const char *path, uint64_t *count, int *err);

#endif
