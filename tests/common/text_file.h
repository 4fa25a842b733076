/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_TEXT_FILE_H
#define SLUICE_TESTS_TEXT_FILE_H

#include "compiler/base/arena.h"

/* Tests whose input and expectation stand in one text file. */

struct ir_func;

/* The whole file, ended by a 0. NULL, with errno set, if it can't be read. */
char *text_file_read(const char *path, struct arena *arena);

/* The paths of the folder's files whose names end so, sorted; owned by the arena. Returns how many,
 * 0 also if there is no such folder. */
uint32_t text_file_list(const char *folder, const char *ending, struct arena *arena,
                        const char ***paths);

/* What ir_print writes. */
char *text_of_ir(const struct ir_func *f, struct arena *arena);

#endif
