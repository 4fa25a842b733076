/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_TEXT_OBJECT_H
#define SLUICE_TESTS_TEXT_OBJECT_H

#include <stddef.h>

/* A program's text (compiler/load/load.h) as an ELF object in memory, which the caller frees; NULL
 * if it can't be made. */
void *text_object(const char *text, size_t *bytes);

#endif
