/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_NIC_RUNTIME_MAP_H
#define SLUICE_NIC_RUNTIME_MAP_H

#include "hw/spec/gen/limits.h"
#include "hw/spec/gen/map_types.h"

#include <stdbool.h>
#include <stddef.h>

/* Maps in software: one operations table, one file a type (nic_runtime/maps/). Semantics and errors
 * are Linux's (kernel/bpf/arraymap.c, hashtab.c). All memory is taken when a map is made; the
 * packet path allocates nothing. */

struct map_def {
    const char *name;
    uint32_t type; /* enum spec_map_type */
    uint32_t key_bytes;
    uint32_t value_bytes;
    uint32_t max_entries;
    uint32_t flags; /* BPF_F_NO_PREALLOC, BPF_F_RDONLY_PROG, ... */
    uint32_t extra; /* map_extra: of a Bloom filter, how many hash functions it has (0: 5) */
};

struct map;

/* Bytes that map_init needs for a definition; 0 if the definition is bad: then *why names the
 * reason. */
size_t map_size_bytes(const struct map_def *def, const char **why);
/* Makes an empty map in zeroed memory of map_size_bytes, aligned to 64. The definition is copied
 * except for its name. */
struct map *map_init(void *memory, const struct map_def *def);

/* Says that each value of a hash or array has a struct bpf_spin_lock at this offset. Its 4 bytes
 * are 0 whatever is stored, as Linux shows them to the host, and updates may have BPF_F_LOCK. To be
 * called before anything is put in. */
void map_set_lock(struct map *map, uint32_t offset);

const struct map_def *map_definition(const struct map *map);
/* Values an entry: SPEC_QUEUES for per-CPU types, else 1. */
uint32_t map_cpus(const struct map *map);
/* Bytes from one CPU's value to the next: value_bytes rounded up to 8. */
uint32_t map_stride_bytes(const struct map *map);

/* The program's side; cpu is the packet's RX queue. lookup gives NULL if there is no such entry.
 * update: 0, -EINVAL (flags), -EEXIST, -ENOENT, -E2BIG; delete: 0, -ENOENT, -EINVAL (arrays).
 * A hash map that replaces a value does so in a spare element, as Linux's preallocated hash does: a
 * pointer to the old value stays usable but no longer belongs to the key; freed elements are reused
 * last in, first out. Per-CPU hash maps replace in place, and so does BPF_F_LOCK. */
void *map_lookup(struct map *map, const void *key, uint32_t cpu);
int map_update(struct map *map, const void *key, const void *value, uint64_t flags, uint32_t cpu);
int map_delete(struct map *map, const void *key);

/* Where the entries of a hash or array really are, if this map is but what a program sees of them
 * for a while: asked before a program looks up, updates or deletes a key, and told of what came of
 * the last two, whose result may then be another one. NULL ends it. */
struct map_source {
    void *ctx;
    void (*before)(void *ctx, const void *key);
    int (*after)(void *ctx, const void *key, int result);
};

void map_set_source(struct map *map, const struct map_source *source);
/* Puts an entry of the source there, for all CPUs, as map_host_update does. A new element of a hash
 * is none of the `freed` that were freed last, to which the program may still have pointers. */
int map_source_put(struct map *map, const void *key, const void *values, uint32_t freed);

/* Whether a Bloom filter says that it has a value; false of other maps. */
bool map_bloom_has(const struct map *map, const void *value);
/* Hash function number `function` of a Bloom filter; its low bits are the number of a bit. */
uint32_t map_bloom_hash(const void *value, uint32_t value_bytes, uint32_t function);

/* The host's side: values of all CPUs, map_cpus * map_stride_bytes long. A Bloom filter is asked
 * for the value that lies there. */
int map_host_lookup(struct map *map, const void *key, void *values);
int map_host_update(struct map *map, const void *key, const void *values, uint64_t flags);
int map_host_delete(struct map *map, const void *key);
/* The next key after key (NULL: the first) in walking order: arrays by index; hashes by bucket,
 * then chain. 0 or -ENOENT after the last one. */
int map_next_key(struct map *map, const void *key, void *next);

/* A walk over the entries of an array or hash for bpf_for_each_map_elem, in walking order, while
 * entries come and go. What comes next in a bucket is settled before an entry is handed out; if it
 * has left the bucket by then, the walk goes on behind the entry itself, or, if that has left too,
 * with the next bucket. At most max_entries entries are handed out. */
struct map_walk {
    uint32_t bucket;
    uint32_t entry;     /* handed out last */
    uint32_t following; /* what then came next in its bucket */
    uint32_t count;     /* of those handed out */
};

void map_walk_start(const struct map *map, struct map_walk *walk);
/* The next entry's key, which is copied, and its value for a CPU. False: no more. */
bool map_walk_next(struct map *map, struct map_walk *walk, uint32_t cpu, void *key, void **value);

/* Values of maps without keys (queue, stack), the oldest first: number counts them. 0 or -ENOENT.
 */
int map_host_value(struct map *map, uint32_t number, void *values);

/* Ring buffers. reserve: NULL if there is no room; the record is the caller's to fill and to
 * commit. output: 0 or -EAGAIN. query: as bpf_ringbuf_query. */
void *map_ring_reserve(struct map *map, uint32_t bytes);
int map_ring_output(struct map *map, const void *data, uint32_t bytes);
uint64_t map_ring_query(const struct map *map, uint64_t what);
/* Records that were refused for lack of room since the map was made; 0 of other maps. */
uint64_t map_ring_lost(const struct map *map);
/* Commits the record at an address; false if there is none that is under way. */
bool map_ring_finish(struct map *map, uintptr_t record, bool discard);
/* The memory that has a ring buffer's records; nothing of other maps. */
void map_ring_range(const struct map *map, uintptr_t *first, uintptr_t *end);
/* The host's side: the next record, which is then consumed; it may be read until a program makes
 * the next one. False: no more, or the map is no ring buffer. */
bool map_ring_next(struct map *map, const void **data, uint32_t *bytes);

/* The bounds of the memory that holds a map's values, for checked access by the interpreter. */
void map_value_range(const struct map *map, uintptr_t *first, uintptr_t *end);

#endif
