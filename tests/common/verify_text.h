/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_VERIFY_TEXT_H
#define SLUICE_TESTS_VERIFY_TEXT_H

#include "compiler/load/load.h"

/* A program for the verifier in one file, tests/text/verify/NAME.test:
 *
 *   # run: verify
 *   map flows hash 4 8 16                  name, type, bytes of key and value, entries
 *   map table array 4 8 1 flags 0x80       ... and flags
 *   map .rodata rodata 4 8 1 data 0102     read-only data; the rest is 0
 *   section xdp/devmap                     of the program, if it is not xdp
 *   global 1 number memory 8               the second function is global, with these arguments (also: ctx, nonnull 8, other, void)
 *   registers, loads, ... in the assembler's form; functions begin where calls go
 *   --- expect
 *   accepted                               or: rejected VFY0051
 *   part of the message                    any number of lines; of an accepted program facts:
 *   4: r3 most 3                           what call 4 gets in r3 is at most 3 (none: not known)
 *   4: r3 is 3                             ... is always 3
 *   5: result is any                       what instruction 5 gives is not always the same
 */
enum { VERIFY_TEXT_PARTS = 8 };

struct verify_text {
    const struct load_object *object; /* with one program */
    bool accepted;
    const char *code; /* of the rejection */
    const char *parts[VERIFY_TEXT_PARTS];
    uint32_t part_count;
};

/* Reads a file. 0, or -EINVAL, -ENOENT with the reason in the sink. */
int verify_text_read(const char *path, struct arena *arena, struct diag_sink *sink,
                     struct verify_text *out);

/* Visits the .test files of tests/text/verify in the order of their names. */
void verify_text_each(void (*visit)(const char *path, void *ctx), void *ctx);

#endif
