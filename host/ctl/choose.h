/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_CHOOSE_H
#define SLUICE_HOST_CHOOSE_H

#include "host/ctl/executor.h"

/* Picking a program of an object and an executor for it. */

/* The executors to try, the best first: hardware at a packet a clock, hardware, software. */
#define CHOOSE_BEST "pipeline,microcode,interp"

/* The object's program of that name (NULL: its first), or NULL. */
const struct load_prog *choose_program(const struct load_object *object, const char *name);

/* Takes the first name off a list of executors with commas between them. 0 and the executor (NULL:
 * the list is empty), or -ENOENT if there is none of that name, with the reason. */
int choose_next(const char **list, const struct exec_ops **out, char why[EXEC_WHY_BYTES]);

/* Is told of an executor that was passed over. */
typedef void choose_passed_fn(void *ctx, const char *executor, const char *why);

/* The first executor of a list that a program fits. 0; -ENOENT as choose_next; what the last one's
 * fits gave, with its reason, if it fits none. passed may be NULL. */
int choose_executor(struct job *job, const char *list, choose_passed_fn *passed, void *ctx,
                    const struct exec_ops **out, char why[EXEC_WHY_BYTES]);

#endif
