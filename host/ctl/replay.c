/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/replay.h"

#include <errno.h>
#include <string.h>

enum { PIECE = 64 }; /* bytes that a word of written bytes tells of */

/* A packet's event area, all of which has come. */
struct packet {
    const uint8_t *area;
    uint32_t queue;
    const struct vm_world *world;
};

static uint64_t word_at(const struct packet *p, uint32_t at)
{
    uint64_t v;

    memcpy(&v, p->area + at, sizeof(v));
    return v;
}

/* A number of bytes, at most so many, which may be in the area; false if there are more. */
static bool bytes_of(const struct packet *p, uint32_t most, uint32_t at, uint32_t *bytes)
{
    const uint64_t v = at ? word_at(p, at) : most;

    *bytes = (uint32_t)v;
    return v <= most;
}

static void tell(const struct packet *p, const struct vm_event *event)
{
    if (p->world->event)
        p->world->event(p->world->ctx, event);
}

/* The bytes of a record that the program wrote; the others stay what they are. */
static void fill(const struct ir_event_site *site, const struct packet *p, uint8_t *record)
{
    for (uint32_t i = 0; i < site->bytes; i++) {
        const uint32_t at = site->data + i;
        const uint32_t k = at / PIECE - site->data / PIECE;
        const uint64_t written =
            site->written_at[k] ? word_at(p, site->written_at[k]) : site->written[k];

        if (written >> (at % PIECE) & 1)
            record[i] = p->area[at];
    }
}

static int do_finish(struct replay *r, const struct ir_event_site *site, const struct packet *p)
{
    uint8_t *record = r->records[site->taken_by];
    struct map *map = r->maps[r->events->sites[site->taken_by].map];

    if (!record)
        return -EPROTO;
    fill(site, p, record);
    r->records[site->taken_by] = NULL;
    return map_ring_finish(map, (uintptr_t)record, site->kind == IR_EVENT_DISCARD) ? 0 : -EPROTO;
}

static int do_perf(const struct ir_event_site *site, const struct packet *p)
{
    uint32_t bytes, more;

    if (!bytes_of(p, site->bytes, site->bytes_at, &bytes) ||
        !bytes_of(p, site->more_bytes, site->more_at, &more))
        return -EPROTO;
    tell(p, &(struct vm_event){.map = site->map,
                               .cpu = p->queue,
                               .data = p->area + site->data,
                               .bytes = bytes,
                               .more = p->area + site->more,
                               .more_bytes = more});
    return 0;
}

static int do_print(const struct ir_event_site *site, const struct packet *p)
{
    uint64_t args[VM_PRINT_ARGS_MAX] = {0};
    char line[VM_PRINT_BYTES];

    if (site->bytes > sizeof(args))
        return -EPROTO;
    memcpy(args, p->area + site->data, site->bytes);
    if (vm_print(line, site->text, site->text_bytes, args, site->bytes / sizeof(args[0])))
        tell(p,
             &(struct vm_event){
                 .map = VM_NO_MAP, .cpu = p->queue, .data = line, .bytes = (uint32_t)strlen(line)});
    return 0;
}

static int do_site(struct replay *r, uint32_t number, const struct packet *p)
{
    const struct ir_event_site *site = &r->events->sites[number];
    uint32_t bytes;

    switch ((enum ir_event)site->kind) {
    case IR_EVENT_RESERVE:
        r->records[number] = map_ring_reserve(r->maps[site->map], site->bytes);
        return 0;
    case IR_EVENT_SUBMIT:
    case IR_EVENT_DISCARD:
        return do_finish(r, site, p);
    case IR_EVENT_OUTPUT:
        if (!bytes_of(p, site->bytes, site->bytes_at, &bytes))
            return -EPROTO;
        map_ring_output(r->maps[site->map], p->area + site->data, bytes);
        return 0;
    case IR_EVENT_PERF:
        return do_perf(site, p);
    case IR_EVENT_PRINT:
        return do_print(site, p);
    case IR_EVENT_NONE:
    case IR_EVENT_COUNT:
        break;
    }
    return -EPROTO;
}

int replay_packet(struct replay *r, const uint8_t *area, uint32_t bytes, uint32_t queue,
                  const struct vm_world *world)
{
    const struct packet p = {area, queue, world};
    uint64_t left;
    int err = 0;

    if (!bytes)
        return 0;
    if (bytes != PIECE * r->events->beats)
        return -EPROTO;
    left = word_at(&p, 0);
    if (!left || (r->events->count < SPEC_EVENT_SITES && left >> r->events->count))
        return -EPROTO;
    memset(r->records, 0, sizeof(r->records));
    for (; left && !err; left &= left - 1)
        err = do_site(r, (uint32_t)__builtin_ctzll(left), &p);
    for (uint32_t i = 0; i < r->events->count; i++) {
        if (!r->records[i])
            continue;
        err = -EPROTO; /* a record that nobody gave away would stop those behind it */
        map_ring_finish(r->maps[r->events->sites[i].map], (uintptr_t)r->records[i], true);
    }
    return err;
}
