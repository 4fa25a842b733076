/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_DIFF_FINDING_H
#define SLUICE_TESTS_DIFF_FINDING_H

#include "tests/fuzz/diff/shrink.h"

#include "tests/fuzz/diff/gen.h"

/* What is done with a difference: it is shown again, shrunk, and written as a text (text.h). */

/* Prints the program of a case with its maps. */
void finding_list(FILE *out, const struct diff_case *c);

/* Writes a case with what interp gives to a file. 0 or negative errno. */
int finding_write(const struct diff_case *c, const char *path, const char *title);

/* Shrinks what is wrong with the case on ops (NULL: on interp, or in the verifiers) and writes it
 * to path; tells on out what came of it. False if the case shows nothing when it runs again. */
bool finding_shrink(FILE *out, const struct diff_case *c, const struct exec_ops *ops,
                    uint32_t seconds, const char *path);

#endif
