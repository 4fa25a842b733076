/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_LIBRARY_H
#define SLUICE_TESTS_LIBRARY_H

#include "host/sluice.h"

/* What the tests of the library begin with; for cmocka. */

/* An object made of a program's text (text_object.h). */
struct sluice_object *library_open(const char *text);
/* Its first program on an executor. */
struct sluice_loaded *library_load(const struct sluice_object *object, const char *executor);

#endif
