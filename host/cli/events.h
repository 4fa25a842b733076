/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_CLI_EVENTS_H
#define SLUICE_HOST_CLI_EVENTS_H

#include "host/cli/cli.h"

#include <stdio.h>

/* The events of a run, kept so that the next executor's can be held against them. */

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
