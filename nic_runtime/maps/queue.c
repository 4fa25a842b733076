/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_runtime/maps/internal.h"

#include <errno.h>
#include <string.h>

/* queue and stack: values without keys, max_entries at most. The oldest is number first; the host
 * adds with an update, and takes or sees the next one with a deletion or a look-up, as programs do
 * with bpf_map_push_elem, pop and peek. Semantics: kernel/bpf/queue_stack_maps.c. */

enum { VALUE_MAX = (4 << 20) - 1 };

static const char *queue_check(const struct map_def *def)
{
    if (def->key_bytes)
        return "a queue or stack has no key";
    if (!def->value_bytes)
        return "value_size is 0";
    if (def->value_bytes > VALUE_MAX)
        return "value_size is over 4 MiB";
    if (map_flags_bad(def, MAP_F_NUMA_NODE | MAP_F_ACCESS))
        return "map_flags that a queue or stack can't have";
    return NULL;
}

static struct map_layout queue_layout(const struct map_def *def)
{
    return (struct map_layout){.entries = spec_map_entries(def->type, def->max_entries, 0)};
}

static void queue_init(struct map *map, void *tables)
{
    (void)tables;
    map->queue = (struct map_queue *)map_entry_value(map, map->def.max_entries);
}

/* The entry of value number n, the oldest being 0. */
static uint32_t place(const struct map *map, uint32_t n)
{
    const uint64_t at = (uint64_t)map->queue->first + n;

    return (uint32_t)(at < map->def.max_entries ? at : at - map->def.max_entries);
}

/* The entry that is taken next. */
static uint32_t queue_find(const struct map *map, const void *key)
{
    const struct map_queue *q = map->queue;

    (void)key;
    if (!q->count)
        return MAP_NO_ENTRY;
    return place(map, map->def.type == SPEC_MAP_STACK ? q->count - 1 : 0);
}

static int queue_update(struct map *map, const void *key, const void *value, uint64_t flags,
                        uint32_t cpu)
{
    struct map_queue *q = map->queue;

    (void)key;
    if (flags == SPEC_MAP_FLAG_NOEXIST || flags > SPEC_MAP_FLAG_EXIST)
        return -EINVAL;
    if (q->count == map->def.max_entries) {
        if (flags != SPEC_MAP_FLAG_EXIST)
            return -E2BIG;
        q->first = place(map, 1); /* the oldest makes room */
        q->count--;
    }
    map_store(map, place(map, q->count++), value, cpu);
    return 0;
}

static int queue_remove(struct map *map, const void *key)
{
    struct map_queue *q = map->queue;

    (void)key;
    if (!q->count)
        return -ENOENT;
    if (map->def.type == SPEC_MAP_QUEUE)
        q->first = place(map, 1);
    q->count--;
    return 0;
}

static int queue_next_key(const struct map *map, const void *key, void *next)
{
    (void)map, (void)key, (void)next;
    return -EINVAL;
}

int map_host_value(struct map *map, uint32_t number, void *values)
{
    if (map->ops != &map_queue_ops || number >= map->queue->count)
        return -ENOENT;
    memcpy(values, map_entry_value(map, place(map, number)), map->stride);
    return 0;
}

const struct map_ops map_queue_ops = {
    .check = queue_check,
    .layout = queue_layout,
    .init = queue_init,
    .find = queue_find,
    .update = queue_update,
    .remove = queue_remove,
    .next_key = queue_next_key,
};
