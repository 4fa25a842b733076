/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_LOAD_CHECK_H
#define SLUICE_TESTS_LOAD_CHECK_H

#include "compiler/load/load.h"
#include "tests/common/elf_image.h"

#include <linux/bpf.h>

/* For tests of the loader. Failures are reported by cmocka. */

/* An arena, its sink and what was loaded. */
struct load_check {
    struct arena *arena;
    struct diag_sink sink;
    const struct load_object *object;
};

/* Loads an image that must be right. */
struct load_check load_check_accept(const struct elf_image *image);
/* Loads bytes that must be refused, with that error, first code, and a text in its message. */
void load_check_reject_bytes(const void *data, size_t bytes, int err, const char *code,
                             const char *text);
void load_check_reject(const struct elf_image *image, int err, const char *code, const char *text);
void load_check_close(struct load_check *check);

/* A section "xdp" with a program "prog": the given instructions, or return XDP_PASS. Returns the
 * section. */
uint32_t load_check_program(struct elf_image *image, const struct ebpf_insn *insns, size_t bytes);

#endif
