/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_runtime/maps/internal.h"

#include <errno.h>
#include <string.h>

enum {
    BLOCK_ALIGN = 64,
    CPUMAP_QUEUE_MAX = 16384, /* kernel/bpf/cpumap.c: entries of a CPU's queue */
};

static const struct map_ops *const ops_table[] = {
    [SPEC_SOFT_NONE] = NULL,
    [SPEC_SOFT_ARRAY] = &map_array_ops,
    [SPEC_SOFT_HASH] = &map_hash_ops,
    [SPEC_SOFT_LPM] = &map_lpm_ops,
    [SPEC_SOFT_LRU] = &map_lru_ops,
    [SPEC_SOFT_FDARRAY] = &map_fdarray_ops,
    [SPEC_SOFT_QUEUE] = &map_queue_ops,
    [SPEC_SOFT_RINGBUF] = &map_ringbuf_ops,
    [SPEC_SOFT_BLOOM] = &map_bloom_ops,
};

static uint64_t align_up(uint64_t n, uint64_t to)
{
    return (n + to - 1) & ~(to - 1);
}

static uint32_t cpus_of(const struct map_def *def)
{
    return spec_map_type_table[def->type].percpu ? SPEC_QUEUES : 1;
}

bool map_flags_bad(const struct map_def *def, uint32_t allowed)
{
    const uint32_t host = MAP_F_RDONLY | MAP_F_WRONLY;
    const uint32_t prog = MAP_F_RDONLY_PROG | MAP_F_WRONLY_PROG;

    return (def->flags & ~allowed) || (def->flags & host) == host || (def->flags & prog) == prog;
}

size_t map_size_bytes(const struct map_def *def, const char **why)
{
    const struct map_ops *ops =
        def->type < SPEC_MAP_COUNT ? ops_table[spec_map_type_table[def->type].soft] : NULL;
    struct map_layout layout;
    uint64_t values;

    *why = ops ? NULL : "maps of this type are not supported";
    if (!*why && !def->max_entries)
        *why = "max_entries is 0";
    if (!*why)
        *why = ops->check(def);
    if (*why)
        return 0;
    layout = ops->layout(def);
    /* At most 2^33 entries of 2^32 bytes: the product is checked, the sum can't overflow after
     * that. */
    if (__builtin_mul_overflow(layout.entries, cpus_of(def) * align_up(def->value_bytes, 8),
                               &values) ||
        values > SIZE_MAX / 4) {
        *why = "the map is larger than the address space";
        return 0;
    }
    return (size_t)(align_up(sizeof(struct map), BLOCK_ALIGN) +
                    align_up(layout.table_bytes, BLOCK_ALIGN) + align_up(values, BLOCK_ALIGN));
}

struct map *map_init(void *memory, const struct map_def *def)
{
    struct map *map = memory;
    uint8_t *tables = (uint8_t *)memory + align_up(sizeof(*map), BLOCK_ALIGN);
    struct map_layout layout;

    map->def = *def;
    map->def.name = NULL;
    map->ops = ops_table[spec_map_type_table[def->type].soft];
    map->cpus = cpus_of(def);
    map->stride = (uint32_t)align_up(def->value_bytes, 8);
    layout = map->ops->layout(def);
    map->values = tables + align_up(layout.table_bytes, BLOCK_ALIGN);
    map->values_bytes = (size_t)layout.entries * map->cpus * map->stride;
    map->ops->init(map, tables);
    return map;
}

const struct map_def *map_definition(const struct map *map)
{
    return &map->def;
}

uint32_t map_cpus(const struct map *map)
{
    return map->cpus;
}

uint32_t map_stride_bytes(const struct map *map)
{
    return map->stride;
}

void map_value_range(const struct map *map, uintptr_t *first, uintptr_t *end)
{
    *first = (uintptr_t)map->values;
    *end = *first + map->values_bytes;
}

void map_set_lock(struct map *map, uint32_t offset)
{
    map->has_lock = true;
    map->lock_off = offset;
}

bool map_update_flags_bad(const struct map *map, uint64_t flags)
{
    return (flags & ~(uint64_t)MAP_UPDATE_LOCK) > SPEC_MAP_FLAG_EXIST ||
           (flags & MAP_UPDATE_LOCK && !map->has_lock);
}

void map_store(struct map *map, uint32_t entry, const void *value, uint32_t cpu)
{
    uint8_t *to = map_entry_value(map, entry);
    const uint8_t *from = value;

    if (cpu != MAP_ALL_CPUS) {
        to += (size_t)(map->cpus > 1 ? cpu : 0) * map->stride;
        memmove(to, value, map->def.value_bytes); /* a program may store a value over itself */
        if (map->has_lock)
            memset(to + map->lock_off, 0, MAP_LOCK_BYTES);
        return;
    }
    for (uint32_t c = 0; c < map->cpus; c++)
        memmove(to + (size_t)c * map->stride, from + (size_t)c * map->stride, map->def.value_bytes);
    if (map->has_lock) /* no per-CPU value has one */
        memset(to + map->lock_off, 0, MAP_LOCK_BYTES);
}

int map_check_target(const struct map *map, const void *value)
{
    uint32_t words[2] = {0, 0};

    memcpy(words, value, map->def.value_bytes < 8 ? map->def.value_bytes : 8);
    switch (map->def.type) {
    case SPEC_MAP_DEVMAP: /* a program for no device */
        return !words[0] && (int32_t)words[1] > 0 ? -EINVAL : 0;
    case SPEC_MAP_DEVMAP_HASH:
        return words[0] ? 0 : -EINVAL;
    case SPEC_MAP_CPUMAP:
        return words[0] > CPUMAP_QUEUE_MAX ? -EOVERFLOW : 0;
    default:
        return 0;
    }
}

void map_set_source(struct map *map, const struct map_source *source)
{
    map->source = source;
}

static void before(const struct map *map, const void *key)
{
    if (map->source)
        map->source->before(map->source->ctx, key);
}

static int after(const struct map *map, const void *key, int result)
{
    return map->source ? map->source->after(map->source->ctx, key, result) : result;
}

void *map_lookup(struct map *map, const void *key, uint32_t cpu)
{
    uint32_t entry;

    before(map, key);
    entry = map->ops->find(map, key);
    if (entry == MAP_NO_ENTRY)
        return NULL;
    if (map->ops->used)
        map->ops->used(map, entry);
    return map_entry_value(map, entry) + (size_t)(map->cpus > 1 ? cpu : 0) * map->stride;
}

int map_update(struct map *map, const void *key, const void *value, uint64_t flags, uint32_t cpu)
{
    before(map, key);
    return after(map, key, map->ops->update(map, key, value, flags, cpu));
}

int map_delete(struct map *map, const void *key)
{
    before(map, key);
    return after(map, key, map->ops->remove(map, key));
}

int map_host_lookup(struct map *map, const void *key, void *values)
{
    uint32_t entry;

    if (map->ops == &map_bloom_ops)
        return map_bloom_has(map, values) ? 0 : -ENOENT;
    entry = map->ops->find(map, key);
    if (entry == MAP_NO_ENTRY)
        return -ENOENT;
    memcpy(values, map_entry_value(map, entry), (size_t)map->cpus * map->stride);
    return 0;
}

int map_host_update(struct map *map, const void *key, const void *values, uint64_t flags)
{
    /* The system call looks for a spin lock before anything else. */
    if (flags & MAP_UPDATE_LOCK && !map->has_lock)
        return -EINVAL;
    return map->ops->update(map, key, values, flags, MAP_ALL_CPUS);
}

int map_source_put(struct map *map, const void *key, const void *values, uint32_t freed)
{
    if (map->ops == &map_hash_ops)
        map_hash_pass_over(map, freed);
    return map_host_update(map, key, values, SPEC_MAP_FLAG_ANY);
}

int map_host_delete(struct map *map, const void *key)
{
    return map->ops->remove(map, key);
}

int map_next_key(struct map *map, const void *key, void *next)
{
    return map->ops->next_key(map, key, next);
}

void map_walk_start(const struct map *map, struct map_walk *walk)
{
    (void)map;
    *walk = (struct map_walk){.entry = MAP_NO_ENTRY, .following = MAP_NO_ENTRY};
}

bool map_walk_next(struct map *map, struct map_walk *walk, uint32_t cpu, void *key, void **value)
{
    if (!map->ops->walk || walk->count == map->def.max_entries)
        return false;
    walk->entry = map->ops->walk(map, walk, key);
    if (walk->entry == MAP_NO_ENTRY)
        return false;
    walk->count++;
    *value = map_entry_value(map, walk->entry) + (size_t)(map->cpus > 1 ? cpu : 0) * map->stride;
    return true;
}
