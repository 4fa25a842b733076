/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_runtime/maps/internal.h"

#include <errno.h>
#include <string.h>

/* Arrays whose entries name something of the host's: prog_array (a program's number + 1),
 * array_of_maps (a map's) and perf_event_array (always there, for each queue). An entry of 0 is
 * none. Semantics: kernel/bpf/arraymap.c, fd_array_map_alloc_check and
 * bpf_fd_array_map_update_elem. */

static const char *fdarray_check(const struct map_def *def)
{
    const uint32_t preserve = def->type == SPEC_MAP_PERF_EVENT_ARRAY ? MAP_F_PRESERVE_ELEMS : 0;

    if (def->key_bytes != 4)
        return "key_size of an array is 4";
    if (def->value_bytes != 4)
        return "value_size of a map of programs or events is 4";
    if (map_flags_bad(def, MAP_F_NUMA_NODE | MAP_F_RDONLY | MAP_F_WRONLY | preserve))
        return "map_flags that a map of programs or events can't have";
    return NULL;
}

static struct map_layout fdarray_layout(const struct map_def *def)
{
    return (struct map_layout){.entries = def->max_entries};
}

static void fdarray_init(struct map *map, void *tables)
{
    (void)map;
    (void)tables;
}

static uint32_t index_of(const struct map *map, const void *key)
{
    uint32_t index;

    memcpy(&index, key, sizeof(index));
    return index < map->def.max_entries ? index : MAP_NO_ENTRY;
}

static bool is_empty(const struct map *map, uint32_t entry)
{
    uint32_t value;

    memcpy(&value, map_entry_value(map, entry), sizeof(value));
    return value == 0;
}

static uint32_t fdarray_find(const struct map *map, const void *key)
{
    const uint32_t entry = index_of(map, key);

    return entry == MAP_NO_ENTRY || is_empty(map, entry) ? MAP_NO_ENTRY : entry;
}

static int fdarray_update(struct map *map, const void *key, const void *value, uint64_t flags,
                          uint32_t cpu)
{
    const uint32_t entry = index_of(map, key);

    if (flags != SPEC_MAP_FLAG_ANY)
        return -EINVAL;
    if (entry == MAP_NO_ENTRY)
        return -E2BIG;
    map_store(map, entry, value, cpu);
    return 0;
}

static int fdarray_remove(struct map *map, const void *key)
{
    const uint32_t entry = index_of(map, key);

    if (entry == MAP_NO_ENTRY)
        return -E2BIG;
    if (is_empty(map, entry))
        return -ENOENT;
    memset(map_entry_value(map, entry), 0, map->stride);
    return 0;
}

static int fdarray_next_key(const struct map *map, const void *key, void *next)
{
    uint32_t index = key ? index_of(map, key) : MAP_NO_ENTRY;

    index = index == MAP_NO_ENTRY ? 0 : index + 1;
    if (index == map->def.max_entries)
        return -ENOENT;
    memcpy(next, &index, sizeof(index));
    return 0;
}

const struct map_ops map_fdarray_ops = {
    .check = fdarray_check,
    .layout = fdarray_layout,
    .init = fdarray_init,
    .find = fdarray_find,
    .update = fdarray_update,
    .remove = fdarray_remove,
    .next_key = fdarray_next_key,
};
