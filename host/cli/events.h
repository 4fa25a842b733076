/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_CLI_EVENTS_H
#define SLUICE_HOST_CLI_EVENTS_H

#include "host/cli/cli.h"

#include <stdio.h>

/* The events of a run: written as JSON lines, or kept so that the next executor's can be held
 * against them. */

/* Writes one: {"i", "map", "cpu" of perf events, "data" as hexadecimal digits}, or {"i", "print"}.
 * 0 or negative errno. */
int events_write(FILE *file, const struct load_object *object, const struct exec_event *event);

/* Writes how many records a ring buffer lost in the run: {"map", "lost"}. 0 or negative errno. */
int events_write_lost(FILE *file, const struct load_object *object, uint32_t map, uint64_t lost);

struct event_log {
    struct exec_event *list;
    size_t count, capacity;
    uint8_t **bytes; /* data of each */
};

void event_log_close(struct event_log *log); /* also of a zeroed one */
/* 0 or -ENOMEM. */
int event_log_add(struct event_log *log, const struct exec_event *event);

/* Holds an executor's events against the reference's, and appends what differs, at most max rows in
 * all; the number of differences. Lines that were printed count if prints does. */
uint64_t event_log_differs(const struct event_log *expected, const struct event_log *got,
                           const struct load_object *object, const char *executor, bool prints,
                           json_t *differences, size_t max);

#endif
