/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_runtime/maps/internal.h"

#include <errno.h>
#include <string.h>

/* ringbuf: records in the order in which programs made them, for the host. Positions, headers of 8
 * bytes and the space that records take are those of kernel/bpf/ringbuf.c, so that a full buffer is
 * full alike. A record that reaches over the end goes on behind it, as in Linux, where the pages
 * are mapped twice: the memory is twice the size, and what lies behind the end is copied while the
 * record is under way. So a program that does not write all of a record sees, and tells, the same
 * leavings as on Linux, headers among them. */

enum {
    HEADER_BYTES = 8,
    PAGE = 4096,
    HEAD_PAGES = 3,  /* of struct bpf_ringbuf, in front of the data */
    QUERY_AVAIL = 0, /* BPF_RB_AVAIL_DATA and on */
    QUERY_SIZE = 1,
    QUERY_CONSUMER = 2,
    QUERY_PRODUCER = 3,
    BUSY = 1u << 31,
    DISCARDED = 1 << 30,
    RECORD_MAX = UINT32_MAX / 4,
};

static const char *ringbuf_check(const struct map_def *def)
{
    if (def->key_bytes || def->value_bytes)
        return "a ringbuf has neither key_size nor value_size";
    if (map_flags_bad(def, MAP_F_NUMA_NODE))
        return "map_flags that a ringbuf can't have";
    if (def->max_entries & (def->max_entries - 1) || def->max_entries % PAGE)
        return "max_entries of a ringbuf is a power of two of bytes, and at least a page (4096)";
    return NULL;
}

static struct map_layout ringbuf_layout(const struct map_def *def)
{
    return (struct map_layout){.table_bytes = 2 * (uint64_t)def->max_entries};
}

static void ringbuf_init(struct map *map, void *tables)
{
    map->ring = (struct map_ring){.data = tables, .mask = map->def.max_entries - 1};
}

static uint32_t ringbuf_find(const struct map *map, const void *key)
{
    (void)map;
    (void)key;
    return MAP_NO_ENTRY;
}

static int ringbuf_update(struct map *map, const void *key, const void *value, uint64_t flags,
                          uint32_t cpu)
{
    (void)map, (void)key, (void)value, (void)flags, (void)cpu;
    return -ENOTSUP;
}

static int ringbuf_remove(struct map *map, const void *key)
{
    (void)map;
    (void)key;
    return -ENOTSUP;
}

static int ringbuf_next_key(const struct map *map, const void *key, void *next)
{
    (void)map, (void)key, (void)next;
    return -ENOENT;
}

static uint64_t room_for(uint32_t bytes)
{
    return ((uint64_t)bytes + HEADER_BYTES + 7) & ~UINT64_C(7);
}

/* Bytes of a record that lie behind the end; its header never does. */
static size_t behind_end(const struct map_ring *r, const uint8_t *at, uint32_t bytes)
{
    const uint64_t end = (uint64_t)(at - r->data) + room_for(bytes);

    return end > r->mask + 1 ? (size_t)(end - r->mask - 1) : 0;
}

void *map_ring_reserve(struct map *map, uint32_t bytes)
{
    struct map_ring *r = &map->ring;
    const uint32_t offset = (uint32_t)(r->producer & r->mask);
    const uint32_t header[2] = {bytes | BUSY, HEAD_PAGES + offset / PAGE};
    uint8_t *at = r->data + offset;

    if (bytes > RECORD_MAX || r->producer + room_for(bytes) - r->consumer > r->mask) {
        r->lost++;
        return NULL;
    }
    memcpy(r->data + r->mask + 1, r->data, behind_end(r, at, bytes));
    memcpy(at, header, sizeof(header));
    r->producer += room_for(bytes);
    return at + HEADER_BYTES;
}

static void commit(struct map_ring *r, void *record, bool discard)
{
    uint8_t *at = (uint8_t *)record - HEADER_BYTES;
    uint32_t header;

    memcpy(&header, at, sizeof(header));
    memcpy(r->data, r->data + r->mask + 1, behind_end(r, at, header & ~(uint32_t)BUSY));
    header = (header & ~(uint32_t)BUSY) | (discard ? (uint32_t)DISCARDED : 0);
    memcpy(at, &header, sizeof(header));
}

int map_ring_output(struct map *map, const void *data, uint32_t bytes)
{
    void *record = map_ring_reserve(map, bytes);

    if (!record)
        return -EAGAIN;
    memcpy(record, data, bytes);
    commit(&map->ring, record, false);
    return 0;
}

void map_ring_range(const struct map *map, uintptr_t *first, uintptr_t *end)
{
    const bool ring = map->ops == &map_ringbuf_ops;

    *first = ring ? (uintptr_t)map->ring.data : 0;
    *end = ring ? *first + 2 * (map->ring.mask + 1) : 0;
}

bool map_ring_finish(struct map *map, uintptr_t record, bool discard)
{
    uintptr_t first, end;
    uint32_t header;

    map_ring_range(map, &first, &end);
    if (record % 8 || record - first >= end - first || record - first < HEADER_BYTES)
        return false;
    memcpy(&header, (const uint8_t *)record - HEADER_BYTES, sizeof(header));
    if (!(header & BUSY))
        return false;
    commit(&map->ring, (void *)record, discard);
    return true;
}

uint64_t map_ring_lost(const struct map *map)
{
    return map->ops == &map_ringbuf_ops ? map->ring.lost : 0;
}

uint64_t map_ring_query(const struct map *map, uint64_t what)
{
    const struct map_ring *r = &map->ring;

    switch (what) {
    case QUERY_AVAIL:
        return r->producer - r->consumer;
    case QUERY_SIZE:
        return map->def.max_entries;
    case QUERY_CONSUMER:
        return r->consumer;
    case QUERY_PRODUCER:
        return r->producer;
    default:
        return 0;
    }
}

bool map_ring_next(struct map *map, const void **data, uint32_t *bytes)
{
    struct map_ring *r = &map->ring;

    while (map->ops == &map_ringbuf_ops && r->consumer < r->producer) {
        const uint8_t *at = r->data + (r->consumer & r->mask);
        uint32_t header;

        memcpy(&header, at, sizeof(header));
        if (header & BUSY)
            return false;
        *bytes = header & ~(uint32_t)DISCARDED;
        *data = at + HEADER_BYTES;
        if (room_for(*bytes) > r->producer - r->consumer)
            return false;
        r->consumer += room_for(*bytes);
        if (!(header & DISCARDED))
            return true;
    }
    return false;
}

const struct map_ops map_ringbuf_ops = {
    .check = ringbuf_check,
    .layout = ringbuf_layout,
    .init = ringbuf_init,
    .find = ringbuf_find,
    .update = ringbuf_update,
    .remove = ringbuf_remove,
    .next_key = ringbuf_next_key,
};
