/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_runtime/maps/internal.h"

#include <errno.h>
#include <string.h>

/* Maps with any key: hash, percpu_hash, devmap_hash, lru_hash, lru_percpu_hash. Chained buckets, as
 * many as max_entries rounded up to a power of two; entries number max_entries, and one more (the
 * spare) where values are replaced out of place. Semantics: kernel/bpf/hashtab.c with
 * preallocation; devmap.c for devmap_hash. A full LRU map takes the entry that was not used for
 * longest; lru.c has their order.
 */

enum {
    PERCPU_VALUE_MAX = 32768,  /* PCPU_MIN_UNIT_SIZE */
    ENTRY_BYTES_MAX = 4 << 20, /* KMALLOC_MAX_SIZE */
    ENTRIES_MAX = 1 << 30,     /* so that bucket and entry numbers fit 32 bits */
};

static bool is_percpu(const struct map_def *def)
{
    return spec_map_type_table[def->type].percpu;
}

static bool is_target(const struct map_def *def)
{
    return spec_map_type_table[def->type].redirect;
}

static bool is_lru(const struct map_def *def)
{
    return spec_map_type_table[def->type].soft == SPEC_SOFT_LRU;
}

/* Flags that the type can have; those of LRU maps say how Linux spreads entries over CPUs. */
static uint32_t flags_allowed(const struct map_def *def)
{
    uint32_t flags = MAP_F_ZERO_SEED | MAP_F_ACCESS;

    flags |= is_lru(def) ? MAP_F_NO_COMMON_LRU : MAP_F_NO_PREALLOC;
    if (!is_percpu(def) && !(def->flags & MAP_F_NO_COMMON_LRU))
        flags |= MAP_F_NUMA_NODE;
    return flags;
}

static const char *hash_check(const struct map_def *def)
{
    if (def->max_entries > ENTRIES_MAX)
        return "max_entries is over 2^30";
    if (is_target(def)) {
        if (def->key_bytes != 4 || (def->value_bytes != 4 && def->value_bytes != 8))
            return "a devmap_hash has a key_size of 4 and a value_size of 4 or 8";
        if (map_flags_bad(def, MAP_F_NUMA_NODE | MAP_F_RDONLY | MAP_F_WRONLY))
            return "map_flags that a devmap_hash can't have";
        return NULL;
    }
    if (def->type == SPEC_MAP_HASH_OF_MAPS && def->value_bytes != 4)
        return "value_size of a map of maps is 4";
    if (map_flags_bad(def, flags_allowed(def)))
        return "map_flags that a hash can't have";
    if (!def->key_bytes || !def->value_bytes)
        return def->key_bytes ? "value_size is 0" : "key_size is 0";
    if (def->key_bytes > SPEC_KEY_MAX_BYTES)
        return "key_size is over 512 bytes: a program's stack holds no longer key";
    if (def->value_bytes > ENTRY_BYTES_MAX - SPEC_KEY_MAX_BYTES)
        return "value_size is over 4 MiB less the key";
    if (is_percpu(def) && def->value_bytes > PERCPU_VALUE_MAX)
        return "value_size of a per-CPU map is at most 32768";
    return NULL;
}

static uint32_t bucket_count(const struct map_def *def)
{
    uint32_t n = 1;

    while (n < def->max_entries)
        n *= 2;
    return n;
}

static uint32_t key_stride(const struct map_def *def)
{
    return (def->key_bytes + 3) & ~3u;
}

static uint32_t entry_count(const struct map_def *def)
{
    return def->max_entries + (is_percpu(def) ? 0 : 1);
}

static struct map_layout hash_layout(const struct map_def *def)
{
    const uint64_t entries = entry_count(def);

    return (struct map_layout){
        .entries = entries,
        .table_bytes = sizeof(uint32_t) * (bucket_count(def) + entries) +
                       sizeof(uint32_t) * (is_lru(def) ? 2 * entries : 0) +
                       entries * key_stride(def),
    };
}

static void hash_init(struct map *map, void *tables)
{
    struct map_hash *h = &map->hash;
    const uint32_t buckets = bucket_count(&map->def);
    const uint32_t entries = entry_count(&map->def);

    h->buckets = tables;
    h->chain = h->buckets + buckets;
    h->keys = (uint8_t *)(h->chain + entries);
    if (is_lru(&map->def)) {
        map_lru_init(&h->lru, h->chain + entries, entries);
        h->keys += 2 * sizeof(uint32_t) * (size_t)entries;
    }
    h->key_stride = key_stride(&map->def);
    h->bucket_mask = buckets - 1;
    memset(h->buckets, 0xff, (size_t)buckets * sizeof(uint32_t)); /* MAP_NO_ENTRY */
    for (uint32_t e = 0; e < map->def.max_entries; e++)
        h->chain[e] = e + 1 < map->def.max_entries ? e + 1 : MAP_NO_ENTRY;
    h->free = 0;
    h->spare = is_percpu(&map->def) ? MAP_NO_ENTRY : map->def.max_entries;
}

/* A multiplicative hash over 8-byte words; only the order of a walk depends on it. A multiplication
 * spreads bits upwards only, so the upper half comes down after each: keys may differ in the
 * highest bits of their last word alone, as addresses in network order do. */
static uint32_t bucket_of(const struct map *map, const uint8_t *key)
{
    uint64_t h = map->def.key_bytes;
    uint32_t left = map->def.key_bytes;

    for (; left >= 8; left -= 8, key += 8) {
        uint64_t word;

        memcpy(&word, key, 8);
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 32;
    }
    for (; left; left--, key++)
        h = (h ^ *key) * 0x9e3779b97f4a7c15u;
    h *= 0x9e3779b97f4a7c15u;
    h ^= h >> 32;
    return (uint32_t)h & map->hash.bucket_mask;
}

static uint8_t *key_of(const struct map *map, uint32_t entry)
{
    return map->hash.keys + (size_t)entry * map->hash.key_stride;
}

/* The link that names the key's entry, or the last link of its bucket, which is MAP_NO_ENTRY. */
static uint32_t *find_link(const struct map *map, uint32_t bucket, const void *key)
{
    uint32_t *link = &map->hash.buckets[bucket];

    while (*link != MAP_NO_ENTRY && memcmp(key_of(map, *link), key, map->def.key_bytes))
        link = &map->hash.chain[*link];
    return link;
}

static uint32_t hash_find(const struct map *map, const void *key)
{
    return *find_link(map, bucket_of(map, key), key);
}

static void link_first(struct map *map, uint32_t bucket, uint32_t entry)
{
    map->hash.chain[entry] = map->hash.buckets[bucket];
    map->hash.buckets[bucket] = entry;
    if (is_lru(&map->def))
        map_lru_add(&map->hash.lru, entry);
}

/* Takes the entry that a link names out of its bucket. */
static uint32_t unlink_entry(struct map *map, uint32_t *link)
{
    const uint32_t entry = *link;

    *link = map->hash.chain[entry];
    if (is_lru(&map->def))
        map_lru_remove(&map->hash.lru, entry);
    return entry;
}

static void free_entry(struct map *map, uint32_t entry)
{
    map->hash.chain[entry] = map->hash.free;
    map->hash.free = entry;
}

void map_hash_pass_over(struct map *map, uint32_t freed)
{
    struct map_hash *h = &map->hash;
    uint32_t *link = &h->free;
    uint32_t entry;

    for (; freed && *link != MAP_NO_ENTRY; freed--)
        link = &h->chain[*link];
    entry = *link;
    if (entry == MAP_NO_ENTRY)
        return;
    *link = h->chain[entry];
    free_entry(map, entry);
}

static void evict_oldest(struct map *map)
{
    const uint8_t *key = key_of(map, map->hash.lru.oldest);

    free_entry(map, unlink_entry(map, find_link(map, bucket_of(map, key), key)));
}

static int insert(struct map *map, uint32_t bucket, const void *key, const void *value,
                  uint32_t cpu)
{
    uint32_t entry;

    if (map->hash.free == MAP_NO_ENTRY && is_lru(&map->def))
        evict_oldest(map);
    entry = map->hash.free;
    if (entry == MAP_NO_ENTRY)
        return -E2BIG;
    map->hash.free = map->hash.chain[entry];
    for (uint32_t c = 0; c < map->cpus && map->cpus > 1 && cpu != MAP_ALL_CPUS; c++)
        if (c != cpu)
            memset(map_entry_value(map, entry) + (size_t)c * map->stride, 0, map->stride);
    memmove(key_of(map, entry), key, map->def.key_bytes);
    map_store(map, entry, value, cpu);
    link_first(map, bucket, entry);
    return 0;
}

/* The new value goes into the spare entry, and the old entry becomes the spare. */
static void replace(struct map *map, uint32_t bucket, uint32_t *link, const void *value,
                    uint32_t cpu)
{
    const uint32_t old = unlink_entry(map, link);
    const uint32_t entry = map->hash.spare;

    memcpy(key_of(map, entry), key_of(map, old), map->def.key_bytes);
    map_store(map, entry, value, cpu);
    link_first(map, bucket, entry);
    map->hash.spare = old;
}

static int hash_update(struct map *map, const void *key, const void *value, uint64_t flags,
                       uint32_t cpu)
{
    const uint32_t bucket = bucket_of(map, key);
    const uint64_t want = flags & ~(uint64_t)MAP_UPDATE_LOCK;
    uint32_t *link;
    int err;

    if (map_update_flags_bad(map, flags))
        return -EINVAL;
    err = map_check_target(map, value);
    if (err)
        return err;
    link = find_link(map, bucket, key);
    if (*link != MAP_NO_ENTRY && want == SPEC_MAP_FLAG_NOEXIST)
        return -EEXIST;
    if (*link == MAP_NO_ENTRY && want == SPEC_MAP_FLAG_EXIST && !is_target(&map->def))
        return -ENOENT;
    if (*link == MAP_NO_ENTRY)
        return insert(map, bucket, key, value, cpu);
    if (map->cpus == 1 && !(flags & MAP_UPDATE_LOCK)) {
        replace(map, bucket, link, value, cpu);
        return 0;
    }
    map_store(map, *link, value, cpu);
    if (is_lru(&map->def))
        map_lru_use(&map->hash.lru, *link);
    return 0;
}

static int hash_remove(struct map *map, const void *key)
{
    uint32_t *link = find_link(map, bucket_of(map, key), key);

    if (*link == MAP_NO_ENTRY)
        return -ENOENT;
    free_entry(map, unlink_entry(map, link));
    return 0;
}

static int hash_next_key(const struct map *map, const void *key, void *next)
{
    uint32_t bucket = key ? bucket_of(map, key) : 0;
    const uint32_t at = key ? hash_find(map, key) : MAP_NO_ENTRY;
    uint32_t entry;

    if (at != MAP_NO_ENTRY) {
        entry = map->hash.chain[at];
    } else { /* a key that is not there starts the walk again */
        bucket = 0;
        entry = map->hash.buckets[0];
    }
    while (entry == MAP_NO_ENTRY && bucket < map->hash.bucket_mask)
        entry = map->hash.buckets[++bucket];
    if (entry == MAP_NO_ENTRY)
        return -ENOENT;
    memcpy(next, key_of(map, entry), map->def.key_bytes);
    return 0;
}

static bool in_bucket(const struct map *map, uint32_t bucket, uint32_t entry)
{
    uint32_t e = map->hash.buckets[bucket];

    while (e != MAP_NO_ENTRY && e != entry)
        e = map->hash.chain[e];
    return e != MAP_NO_ENTRY;
}

static uint32_t hash_walk(const struct map *map, struct map_walk *walk, void *key)
{
    const struct map_hash *h = &map->hash;
    uint32_t entry = walk->following;

    if (walk->entry == MAP_NO_ENTRY)
        entry = h->buckets[0];
    else if (!in_bucket(map, walk->bucket, entry))
        entry = in_bucket(map, walk->bucket, walk->entry) ? h->chain[walk->entry] : MAP_NO_ENTRY;
    while (entry == MAP_NO_ENTRY && walk->bucket < h->bucket_mask)
        entry = h->buckets[++walk->bucket];
    if (entry == MAP_NO_ENTRY)
        return MAP_NO_ENTRY;
    walk->following = h->chain[entry];
    memcpy(key, key_of(map, entry), map->def.key_bytes);
    return entry;
}

const struct map_ops map_hash_ops = {
    .check = hash_check,
    .layout = hash_layout,
    .init = hash_init,
    .find = hash_find,
    .update = hash_update,
    .remove = hash_remove,
    .next_key = hash_next_key,
    .walk = hash_walk,
};

static void lru_used(struct map *map, uint32_t entry)
{
    map_lru_use(&map->hash.lru, entry);
}

const struct map_ops map_lru_ops = {
    .check = hash_check,
    .layout = hash_layout,
    .init = hash_init,
    .find = hash_find,
    .used = lru_used,
    .update = hash_update,
    .remove = hash_remove,
    .next_key = hash_next_key,
    .walk = hash_walk,
};
