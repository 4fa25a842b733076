/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_DIFF_CASE_H
#define SLUICE_TESTS_DIFF_CASE_H

#include "host/ctl/executor.h"

#include <stdio.h>

/* One program with all that its run depends on. Made from a seed (gen.h), read from a file
 * (text.h), or cut out of another case (shrink.h). */

/* What a map holds before the first packet. */
struct diff_entry {
    uint32_t map;
    const uint8_t *key;
    const uint8_t *values; /* of all CPUs, each value_bytes rounded up to 8 */
};

struct diff_packet {
    const uint8_t *bytes;
    uint32_t len;
    uint64_t time_ns;
};

enum { DIFF_OTHERS = 3 };

struct diff_case {
    uint64_t seed; /* 0: not made from one */
    struct load_object object;
    union {
        struct load_prog prog;                   /* the program, and behind it ... */
        struct load_prog progs[1 + DIFF_OTHERS]; /* ... those that maps of programs may hold, too */
    };
    uint32_t other_count;
    struct diff_entry *entries;
    uint32_t entry_count;
    struct diff_packet *packets;
    uint32_t packet_count;
    struct exec_options options; /* plain data only: no paths */
};

/* CPUs and bytes of all values of an entry. */
static inline uint32_t diff_map_cpus(const struct load_map *m)
{
    return spec_map_type_table[m->type].percpu ? SPEC_QUEUES : 1;
}

static inline uint32_t diff_map_stride(const struct load_map *m)
{
    return (m->value_bytes + 7) & ~7u;
}

static inline uint32_t diff_map_values_bytes(const struct load_map *m)
{
    return diff_map_cpus(m) * diff_map_stride(m);
}

/* Makes the programs' object point at them and cuts them into functions where its calls go. */
void diff_case_finish(struct diff_case *c, struct arena *arena);

/* Random numbers that depend on nothing but the seed (splitmix64). */
struct diff_rng {
    uint64_t state;
};

static inline uint64_t diff_next(struct diff_rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static inline uint32_t diff_below(struct diff_rng *r, uint32_t n)
{
    return (uint32_t)((diff_next(r) >> 32) * n >> 32);
}

/* FNV-1a, 64 bits. */
#define DIFF_HASH_START 0xcbf29ce484222325u
static inline uint64_t diff_hash(uint64_t h, const void *data, size_t bytes)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < bytes; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

#endif
