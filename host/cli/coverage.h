/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_CLI_COVERAGE_H
#define SLUICE_HOST_CLI_COVERAGE_H

#include "host/ctl/executor.h"

#include <stdio.h>

/* How often each instruction of a program ran on interp, and each way out of its conditional jumps:
 * what a capture and the contents of the maps reach. */

struct coverage;

/* Counts what an executor runs from now on; it must be interp. NULL if there is no memory. */
struct coverage *coverage_open(struct exec *interp);
void coverage_close(struct coverage *coverage); /* NULL-safe; before the executor is closed */

/* Writes the counts as one JSON document; docs/programs.md says what is in it. 0 or negative errno.
 */
int coverage_write(FILE *file, const struct coverage *coverage);

#endif
