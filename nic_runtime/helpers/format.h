/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_NIC_RUNTIME_FORMAT_H
#define SLUICE_NIC_RUNTIME_FORMAT_H

#include "nic_runtime/vm/state.h"

/* Text as bpf_trace_printk, bpf_trace_vprintk and bpf_snprintf make it. Semantics:
 * kernel/bpf/helpers.c (bpf_bprintf_prepare) and lib/vsprintf.c of Linux. */

enum {
    FORMAT_ARGS_MAX = 12,   /* MAX_BPRINTF_VARARGS */
    FORMAT_TEXT_MAX = 1024, /* MAX_BPRINTF_BUF: of what is traced, with its end */
    FORMAT_BYTES_MAX = 512, /* MAX_BPRINTF_BIN_ARGS: of a call's arguments and strings */
};

/* A format with the arguments' values, and the strings that they lead to. */
struct format {
    const char *text;
    uint32_t bytes; /* of the text, without its end */
    uint32_t count;
    uint64_t args[FORMAT_ARGS_MAX]; /* of a string: where in strings it begins */
    char strings[FORMAT_BYTES_MAX];
};

/* Reads a format of at most so many bytes, and what the arguments lead to. 0; -EINVAL: it has no
 * end, something that Linux doesn't take, or more conversions than there are arguments; -ENOSPC:
 * the strings are too long. */
int format_prepare(struct format *f, struct vm *vm, const char *text, uint32_t bytes,
                   const uint64_t *args, uint32_t count);

/* Writes the text and a zero byte into room bytes (0: nothing), cut off at the end. The length that
 * it would have. */
uint64_t format_print(const struct format *f, char *to, uint64_t room);

#endif
