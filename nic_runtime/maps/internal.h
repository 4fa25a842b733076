/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_NIC_RUNTIME_MAPS_INTERNAL_H
#define SLUICE_NIC_RUNTIME_MAPS_INTERNAL_H

#include "nic_runtime/map.h"

/* What the map types share. A map is one block of memory: struct map, the type's own tables, then
 * the values. Every type numbers its entries, and entry e of CPU c has its value at values + (e *
 * cpus + c) * stride, as in the value memory of the hardware. */

#define MAP_NO_ENTRY UINT32_MAX
#define MAP_ALL_CPUS UINT32_MAX /* update: the values of all CPUs are given, one a stride */

/* Flags of maps and of updates (uapi/linux/bpf.h). */
enum {
    MAP_F_NO_PREALLOC = 1 << 0,
    MAP_F_NO_COMMON_LRU = 1 << 1,
    MAP_F_NUMA_NODE = 1 << 2,
    MAP_F_RDONLY = 1 << 3,
    MAP_F_WRONLY = 1 << 4,
    MAP_F_ZERO_SEED = 1 << 6,
    MAP_F_RDONLY_PROG = 1 << 7,
    MAP_F_WRONLY_PROG = 1 << 8,
    MAP_F_MMAPABLE = 1 << 10,
    MAP_F_PRESERVE_ELEMS = 1 << 11,
    MAP_F_ACCESS = MAP_F_RDONLY | MAP_F_WRONLY | MAP_F_RDONLY_PROG | MAP_F_WRONLY_PROG,
    MAP_UPDATE_LOCK = 1 << 2, /* BPF_F_LOCK */
    MAP_LOCK_BYTES = 4,       /* struct bpf_spin_lock */
};

/* Sizes of a map's parts. */
struct map_layout {
    uint64_t table_bytes; /* of the type's own tables */
    uint64_t entries;
};

struct map_ops {
    /* NULL if Linux takes the definition, else the reason. */
    const char *(*check)(const struct map_def *def);
    /* The parts' sizes; definitions are checked, so nothing overflows 64 bits. */
    struct map_layout (*layout)(const struct map_def *def);
    void (*init)(struct map *map, void *tables);
    uint32_t (*find)(const struct map *map, const void *key); /* entry, or MAP_NO_ENTRY */
    /* A program has looked an entry up; NULL if that changes nothing. */
    void (*used)(struct map *map, uint32_t entry);
    int (*update)(struct map *map, const void *key, const void *value, uint64_t flags,
                  uint32_t cpu);
    int (*remove)(struct map *map, const void *key);
    int (*next_key)(const struct map *map, const void *key, void *next);
    /* The entry after the one that was handed out last (MAP_NO_ENTRY: none was), or MAP_NO_ENTRY;
     * its key. NULL: programs don't walk over maps of the type. */
    uint32_t (*walk)(const struct map *map, struct map_walk *walk, void *key);
};

/* The entries of an LRU map in order of their last use (lru.c). */
struct map_lru {
    uint32_t *newer; /* of each entry, MAP_NO_ENTRY at the end */
    uint32_t *older;
    uint32_t newest;
    uint32_t oldest;
};

/* Tables of a hash map. Entries are chained by number, each in one chain: a bucket's or the free
 * list. */
struct map_hash {
    uint32_t *buckets; /* first entry, or MAP_NO_ENTRY */
    uint32_t *chain;   /* next entry of the same chain */
    uint8_t *keys;     /* entry e at e * key_stride */
    uint32_t key_stride;
    uint32_t bucket_mask;
    uint32_t free;      /* first free entry */
    uint32_t spare;     /* the entry that takes the next replaced value; not of per-CPU maps */
    struct map_lru lru; /* of LRU maps */
};

/* A node of an lpm_trie; its key, with the length, is at keys + node * key_bytes. */
struct map_lpm_node {
    uint32_t child[2]; /* child[0] links free nodes */
    uint32_t bits;     /* of the prefix */
};

struct map_lpm {
    struct map_lpm_node *nodes;
    uint8_t *keys;
    uint32_t root;
    uint32_t free;       /* first free entry */
    uint32_t free_forks; /* first free node without an entry */
    uint32_t spare;      /* the entry that takes the next replaced value */
};

/* The state of a queue or stack, which lies behind the values as in a device's memory
 * (spec_map_entries): so many values from entry first on, the oldest first. */
struct map_queue {
    uint32_t first;
    uint32_t count;
};

/* A ring buffer; positions only grow, and the host has consumed what lies before consumer. */
struct map_ring {
    uint8_t *data;
    uint64_t mask;
    uint64_t consumer;
    uint64_t producer;
    uint64_t lost; /* records that there was no room for */
};

/* A Bloom filter. */
struct map_bloom {
    uint64_t *bits;
    uint32_t mask; /* of a bit's number */
    uint32_t functions;
};

struct map {
    struct map_def def; /* its name is NULL */
    const struct map_ops *ops;
    uint32_t cpus;
    uint32_t stride;
    uint8_t *values;
    size_t values_bytes;
    bool has_lock;     /* each value has a struct bpf_spin_lock ... */
    uint32_t lock_off; /* ... there */
    const struct map_source *source; /* of what programs see; or NULL */
    union {
        struct map_hash hash;
        struct map_lpm lpm;
        struct map_queue *queue;
        struct map_ring ring;
        struct map_bloom bloom;
    };
};

extern const struct map_ops map_array_ops;
extern const struct map_ops map_hash_ops;
extern const struct map_ops map_lpm_ops;
extern const struct map_ops map_lru_ops;
extern const struct map_ops map_fdarray_ops;
extern const struct map_ops map_queue_ops;
extern const struct map_ops map_ringbuf_ops;
extern const struct map_ops map_bloom_ops;

/* Makes the first free entry one that is not among so many that were freed last. */
void map_hash_pass_over(struct map *map, uint32_t freed);

/* The first CPU's value of an entry. */
static inline uint8_t *map_entry_value(const struct map *map, uint32_t entry)
{
    return map->values + (size_t)entry * map->cpus * map->stride;
}

/* Writes an entry's value, or the values of all CPUs. */
void map_store(struct map *map, uint32_t entry, const void *value, uint32_t cpu);

/* An empty order; tables has 8 bytes for each entry. */
void map_lru_init(struct map_lru *lru, uint32_t *tables, uint32_t entries);
/* Makes an entry that is not in the order its newest. */
void map_lru_add(struct map_lru *lru, uint32_t entry);
void map_lru_remove(struct map_lru *lru, uint32_t entry);
/* Makes an entry of the order its newest. */
void map_lru_use(struct map_lru *lru, uint32_t entry);

/* What Linux asks of a value of a redirect map: 0, -EINVAL, -EOVERFLOW. */
int map_check_target(const struct map *map, const void *value);

/* Flags of an update that no hash or array takes; BPF_F_LOCK wants a lock in the values. */
bool map_update_flags_bad(const struct map *map, uint64_t flags);

/* Both of a pair of access flags, or flags beyond those allowed. */
bool map_flags_bad(const struct map_def *def, uint32_t allowed);

#endif
