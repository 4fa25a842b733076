/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/events.h"

#include "host/cli/record.h"
#include "host/ctl/eventfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void event_log_close(struct event_log *log)
{
    for (size_t i = 0; i < log->count; i++)
        free(log->bytes[i]);
    free(log->bytes);
    free(log->list);
    *log = (struct event_log){0};
}

int event_log_add(struct event_log *log, const struct exec_event *event)
{
    uint8_t *bytes;

    if (log->count == log->capacity) {
        const size_t larger = log->capacity ? log->capacity * 2 : 64;
        struct exec_event *list = realloc(log->list, larger * sizeof(*list));
        uint8_t **data;

        if (!list)
            return -ENOMEM;
        log->list = list;
        data = realloc(log->bytes, larger * sizeof(*data));
        if (!data)
            return -ENOMEM;
        log->bytes = data;
        log->capacity = larger;
    }
    bytes = malloc((size_t)event->len + 1);
    if (!bytes)
        return -ENOMEM;
    memcpy(bytes, event->data, event->len);
    log->bytes[log->count] = bytes;
    log->list[log->count] = *event;
    log->list[log->count++].data = bytes;
    return 0;
}

/* Linux fills a perf event up so that its length and a word of 4 bytes are a multiple of 8. */
static uint32_t length(const struct exec_event *e, bool padded)
{
    return padded && !e->padded ? ((e->len + 4 + 7) & ~7u) - 4 : e->len;
}

static bool same_event(const struct exec_event *a, const struct exec_event *b)
{
    const bool padded = a->padded || b->padded;
    const uint32_t both = a->len < b->len ? a->len : b->len;

    return a->packet == b->packet && a->map == b->map && a->cpu == b->cpu &&
           length(a, padded) == length(b, padded) && !memcmp(a->data, b->data, both);
}

/* The next event that counts, from number i on, or NULL. */
static const struct exec_event *next_event(const struct event_log *log, size_t *i, bool prints)
{
    while (*i < log->count && log->list[*i].map == EXEC_NO_MAP && !prints)
        ++*i;
    return *i < log->count ? &log->list[(*i)++] : NULL;
}

uint64_t event_log_differs(const struct event_log *expected, const struct event_log *got,
                           const struct load_object *object, const char *executor, bool prints,
                           json_t *differences, size_t max)
{
    uint64_t count = 0;
    size_t i = 0, k = 0;

    for (;;) {
        const struct exec_event *a = next_event(expected, &i, prints);
        const struct exec_event *b = next_event(got, &k, prints);

        if (!a && !b)
            return count;
        if (a && b && same_event(a, b))
            continue;
        count++;
        record_note(differences, max, json_integer((json_int_t)(a ? a : b)->packet), executor,
                    "event", a ? eventfile_json(object, a) : json_null(),
                    b ? eventfile_json(object, b) : json_null());
        if (!a || !b || a->packet != b->packet) /* out of step: what follows says nothing */
            return count;
    }
}
