/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_EVENTFILE_H
#define SLUICE_HOST_EVENTFILE_H

#include "host/ctl/executor.h"

#include <jansson.h>
#include <stdio.h>

/* Events as JSON lines. */

/* One: {"i", "map", "cpu" of perf events, "data" as hexadecimal digits}, or {"i", "print"}. */
json_t *eventfile_json(const struct load_object *object, const struct exec_event *event);

/* Writes that as a line. 0 or negative errno. */
int eventfile_write(FILE *file, const struct load_object *object, const struct exec_event *event);

/* Writes how many records a ring buffer lost in the run: {"map", "lost"}. 0 or negative errno. */
int eventfile_write_lost(FILE *file, const struct load_object *object, uint32_t map, uint64_t lost);

#endif
