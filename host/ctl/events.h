/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_EVENTS_H
#define SLUICE_HOST_EVENTS_H

#include "host/ctl/executor.h"
#include "nic_runtime/vm.h"

/* The events of one packet, until all of them are there: they go to the listener by map, in the
 * order of the object's maps, and within a map in the order in which they were made. */

struct events {
    struct exec_event *list;
    uint32_t count, capacity;
    uint8_t *bytes; /* the data of all, one behind the other */
    size_t used, room;
    int err; /* -ENOMEM once an event was lost */
};

void events_close(struct events *events); /* also of a zeroed one */

/* Keeps a copy; more are bytes behind the data. */
void events_add(struct events *events, struct exec_event event, const void *more,
                uint32_t more_bytes);

/* What a program tells: a vm_world's event, whose ctx is the struct events. */
void events_take(void *ctx, const struct vm_event *event);

/* The host takes the records of ring buffers after each packet; then all goes to the listener. maps
 * may have NULL. */
int events_end(struct events *events, struct map *const *maps, uint32_t map_count,
               const struct exec_listener *listener, uint64_t packet);

/* Hands them over as those of a packet, and forgets them. 0 or what the listener gave. */
int events_flush(struct events *events, const struct exec_listener *listener, uint64_t packet);

#endif
