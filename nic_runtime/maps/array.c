/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_runtime/maps/internal.h"

#include <errno.h>
#include <string.h>

/* Maps whose key is an index: array, percpu_array, devmap, cpumap, xskmap. Every entry exists and
 * starts as zeros; an entry of a redirect map is a target if the first word of its value is not 0.
 * Semantics: kernel/bpf/arraymap.c, and for updates of redirect maps devmap.c, cpumap.c and
 * net/xdp/xskmap.c. */

enum {
    PERCPU_VALUE_MAX = 32768,  /* PCPU_MIN_UNIT_SIZE */
    CPUMAP_ENTRIES_MAX = 8192, /* NR_CPUS of the largest x86-64 kernels */
};

static const char *check_target_array(const struct map_def *def)
{
    const bool devmap = def->type == SPEC_MAP_DEVMAP;
    const uint32_t access = MAP_F_RDONLY | MAP_F_WRONLY;

    if (def->value_bytes != 4 && (def->type == SPEC_MAP_XSKMAP || def->value_bytes != 8))
        return def->type == SPEC_MAP_XSKMAP ? "value_size of an xskmap is 4"
                                            : "value_size of a devmap or cpumap is 4 or 8";
    if (map_flags_bad(def, MAP_F_NUMA_NODE | (def->type == SPEC_MAP_CPUMAP ? 0 : access)))
        return devmap ? "map_flags that a devmap can't have" : "map_flags that this map can't have";
    if (def->type == SPEC_MAP_CPUMAP && def->max_entries > CPUMAP_ENTRIES_MAX)
        return "max_entries of a cpumap is at most 8192";
    return NULL;
}

static const char *array_check(const struct map_def *def)
{
    const bool percpu = def->type == SPEC_MAP_PERCPU_ARRAY;

    if (def->key_bytes != 4)
        return "key_size of an array is 4";
    if (!def->value_bytes)
        return "value_size is 0";
    if (spec_map_type_table[def->type].redirect)
        return check_target_array(def);
    if (map_flags_bad(def, MAP_F_ACCESS | (percpu ? 0 : MAP_F_NUMA_NODE | MAP_F_MMAPABLE)))
        return "map_flags that an array can't have";
    if (def->value_bytes > INT32_MAX)
        return "value_size is over 2 GiB";
    if (percpu && def->value_bytes > PERCPU_VALUE_MAX)
        return "value_size of a per-CPU map is at most 32768";
    return NULL;
}

static struct map_layout array_layout(const struct map_def *def)
{
    return (struct map_layout){.entries = def->max_entries};
}

static void array_init(struct map *map, void *tables)
{
    (void)map;
    (void)tables;
}

static uint32_t array_find(const struct map *map, const void *key)
{
    uint32_t index;

    memcpy(&index, key, sizeof(index));
    return index < map->def.max_entries ? index : MAP_NO_ENTRY;
}

static int array_update(struct map *map, const void *key, const void *value, uint64_t flags,
                        uint32_t cpu)
{
    const uint32_t entry = array_find(map, key);
    int err;

    if ((flags & ~(uint64_t)MAP_UPDATE_LOCK) > SPEC_MAP_FLAG_EXIST)
        return -EINVAL;
    if (entry == MAP_NO_ENTRY)
        return -E2BIG;
    if (flags & SPEC_MAP_FLAG_NOEXIST)
        return -EEXIST;
    if (flags & MAP_UPDATE_LOCK && !map->has_lock)
        return -EINVAL;
    err = map_check_target(map, value);
    if (!err)
        map_store(map, entry, value, cpu);
    return err;
}

static int array_remove(struct map *map, const void *key)
{
    const uint32_t entry = array_find(map, key);

    if (!spec_map_type_table[map->def.type].redirect || entry == MAP_NO_ENTRY)
        return -EINVAL;
    memset(map_entry_value(map, entry), 0, map->stride);
    return 0;
}

static int array_next_key(const struct map *map, const void *key, void *next)
{
    uint32_t index = key ? array_find(map, key) : MAP_NO_ENTRY;

    index = index == MAP_NO_ENTRY ? 0 : index + 1;
    if (index == map->def.max_entries)
        return -ENOENT;
    memcpy(next, &index, sizeof(index));
    return 0;
}

static uint32_t array_walk(const struct map *map, struct map_walk *walk, void *key)
{
    const uint32_t index = walk->count; /* below max_entries */

    (void)map;
    memcpy(key, &index, sizeof(index));
    return index;
}

const struct map_ops map_array_ops = {
    .check = array_check,
    .layout = array_layout,
    .init = array_init,
    .find = array_find,
    .update = array_update,
    .remove = array_remove,
    .next_key = array_next_key,
    .walk = array_walk,
};
