/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void events_close(struct events *events)
{
    free(events->list);
    free(events->bytes);
    *events = (struct events){0};
}

static bool make_room(struct events *e, size_t bytes)
{
    if (e->count == e->capacity) {
        const uint32_t larger = e->capacity ? e->capacity * 2 : 16;
        void *grown = realloc(e->list, larger * sizeof(*e->list));

        if (!grown)
            return false;
        e->list = grown;
        e->capacity = larger;
    }
    if (e->room - e->used < bytes) {
        const size_t larger = (e->used + bytes) * 2;
        uint8_t *grown = realloc(e->bytes, larger);

        if (!grown)
            return false;
        e->bytes = grown;
        e->room = larger;
    }
    return true;
}

void events_add(struct events *events, struct exec_event event, const void *more,
                uint32_t more_bytes)
{
    if (!make_room(events, (size_t)event.len + more_bytes + 1)) {
        events->err = -ENOMEM;
        return;
    }
    if (event.len)
        memcpy(events->bytes + events->used, event.data, event.len);
    if (more_bytes)
        memcpy(events->bytes + events->used + event.len, more, more_bytes);
    event.len += more_bytes;
    event.data = NULL; /* set when all are there: the bytes may move */
    events->used += event.len;
    events->list[events->count++] = event;
}

/* A sort that keeps the order of equals; there are few, and mostly in order already. */
static void sort_by_map(struct exec_event *list, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        const struct exec_event event = list[i];
        uint32_t k = i;

        for (; k && list[k - 1].map > event.map; k--)
            list[k] = list[k - 1];
        list[k] = event;
    }
}

int events_flush(struct events *events, const struct exec_listener *listener, uint64_t packet)
{
    const uint8_t *at = events->bytes;
    int err = events->err;

    for (uint32_t i = 0; i < events->count; i++) {
        events->list[i].data = at;
        events->list[i].packet = packet;
        at += events->list[i].len;
    }
    sort_by_map(events->list, events->count);
    for (uint32_t i = 0; i < events->count && listener && !err; i++)
        err = listener->event(listener->ctx, &events->list[i]);
    events->count = 0;
    events->used = 0;
    return err;
}

void events_take(void *ctx, const struct vm_event *e)
{
    events_add(ctx,
               (struct exec_event){.map = e->map == VM_NO_MAP ? EXEC_NO_MAP : e->map,
                                   .cpu = e->cpu,
                                   .data = e->data,
                                   .len = e->bytes},
               e->more, e->more_bytes);
}

int events_end(struct events *events, struct map *const *maps, uint32_t map_count,
               const struct exec_listener *listener, uint64_t packet)
{
    for (uint32_t i = 0; i < map_count; i++) {
        struct exec_event event = {.map = i};
        const void *data;

        while (maps[i] && map_ring_next(maps[i], &data, &event.len)) {
            event.data = data;
            events_add(events, event, NULL, 0);
        }
    }
    return events_flush(events, listener, packet);
}
