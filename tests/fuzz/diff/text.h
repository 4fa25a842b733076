/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_DIFF_TEXT_H
#define SLUICE_TESTS_DIFF_TEXT_H

#include "tests/fuzz/diff/run.h"

/* A case as a text, tests/text/diff/NAME.txt: input and what interp gives in one file.
 *
 *   # run: diff                          first line; more of them may say what it is about
 *   options seed 5 ifindex 1 queue 0 idle 30 stall 10
 *   map m0 hash 4 8 3                    name, type, bytes of key and value, entries
 *   map m1 rodata 4 16 1 init 0102       data sections: rodata, data, bss; the rest is 0
 *   entry m0 00000000 0100000000000000   key and value; per-CPU maps: one for each CPU
 *   packet 1000 ffff...                  arrival time in ns, bytes
 *   --- program
 *   r0 = 2                               the assembler's form, maps by name
 *   exit                                 functions begin where calls go
 *   --- expect
 *   packet 0 ret 0x2 redirect 0x0 ffff...
 *   entry m0 00000000 0100000000000000   all maps afterwards
 */

/* Writes a case with what interp gave; title goes to the comment. */
void text_write(FILE *out, const struct diff_case *c, const struct diff_result *result,
                const char *title);

/* Reads a case. expectation is the text behind "--- expect". 0, or negative errno with the reason
 * in the sink. */
int text_read(const char *path, struct arena *arena, struct diag_sink *sink, struct diff_case **out,
              const char **expectation);

/* The text that belongs behind "--- expect"; the caller frees it. NULL if there is no memory. */
char *text_expectation(const struct diff_case *c, const struct diff_result *result);

#endif
