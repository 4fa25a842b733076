/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_runtime/maps/internal.h"

#include <errno.h>
#include <string.h>

/* bloom_filter: values that were pushed are there; of others some seem to be. Which ones depends on
 * the hash functions: those of kernel/bpf/bloom_filter.c (the number of bits, and Bob Jenkins' hash
 * as include/linux/jhash.h has it) with the seed 0, which Linux takes with BPF_F_ZERO_SEED. */

enum {
    VALUE_MAX = 4 << 20, /* KMALLOC_MAX_SIZE */
    FUNCTIONS_MAX = 15,
    WORD_BITS = 64,
};

#define HASH_START UINT32_C(0xdeadbeef)

static const char *bloom_check(const struct map_def *def)
{
    if (def->key_bytes)
        return "a Bloom filter has no key";
    if (!def->value_bytes)
        return "value_size is 0";
    if (def->value_bytes > VALUE_MAX)
        return "value_size is over 4 MiB";
    if (def->extra > FUNCTIONS_MAX)
        return "map_extra of a Bloom filter is the number of its hash functions, at most 15";
    if (map_flags_bad(def, MAP_F_NUMA_NODE | MAP_F_ZERO_SEED | MAP_F_ACCESS))
        return "map_flags that a Bloom filter can't have";
    return NULL;
}

/* The bits are all that there is of values: so many as they fill, at least one. */
static struct map_layout bloom_layout(const struct map_def *def)
{
    const uint64_t bytes =
        WORD_BITS / 8 * spec_map_entries(def->type, def->max_entries, def->extra);
    const uint64_t stride = ((uint64_t)def->value_bytes + 7) & ~UINT64_C(7);

    return (struct map_layout){.entries = (bytes + stride - 1) / stride};
}

static void bloom_init(struct map *map, void *tables)
{
    (void)tables;
    map->bloom = (struct map_bloom){(uint64_t *)(void *)map->values,
                                    spec_bloom_mask(map->def.max_entries, map->def.extra),
                                    spec_bloom_functions(map->def.extra)};
}

static uint32_t rotate(uint32_t v, uint32_t by)
{
    return v << by | v >> (32 - by);
}

static void mix(uint32_t h[3])
{
    static const uint8_t by[6] = {4, 6, 8, 16, 19, 4};

    for (uint32_t i = 0; i < 6; i++) {
        uint32_t *x = &h[i % 3];
        uint32_t *y = &h[(i + 1) % 3];
        uint32_t *z = &h[(i + 2) % 3];

        *x = (*x - *z) ^ rotate(*z, by[i]);
        *z += *y;
    }
}

static void finish(uint32_t h[3])
{
    static const uint8_t by[7] = {14, 11, 25, 16, 4, 14, 24};

    for (uint32_t i = 0; i < 7; i++) {
        uint32_t *x = &h[(i + 2) % 3];
        const uint32_t y = h[(i + 1) % 3];

        *x = (*x ^ y) - rotate(y, by[i]);
    }
}

uint32_t map_bloom_hash(const void *of, uint32_t bytes, uint32_t seed)
{
    const uint8_t *value = of;
    const uint32_t start = HASH_START + bytes + seed;
    uint32_t h[3] = {start, start, start};

    for (;;) {
        const uint32_t n = bytes < 12 ? bytes : 12;
        uint32_t words[3] = {0, 0, 0};

        memcpy(words, value, n);
        for (uint32_t i = 0; i < 3; i++)
            h[i] += words[i];
        if (bytes <= 12)
            break;
        mix(h);
        bytes -= 12;
        value += 12;
    }
    finish(h);
    return h[2];
}

/* Whether all bits of a value are set; sets them. */
static bool visit(const struct map *map, const void *value, bool set)
{
    const struct map_bloom *b = &map->bloom;

    for (uint32_t i = 0; i < b->functions; i++) {
        const uint32_t bit = map_bloom_hash(value, map->def.value_bytes, i) & b->mask;
        const uint64_t one = UINT64_C(1) << bit % WORD_BITS;

        if (set)
            b->bits[bit / WORD_BITS] |= one;
        else if (!(b->bits[bit / WORD_BITS] & one))
            return false;
    }
    return true;
}

bool map_bloom_has(const struct map *map, const void *value)
{
    return map->ops == &map_bloom_ops && visit(map, value, false);
}

static uint32_t bloom_find(const struct map *map, const void *key)
{
    (void)map, (void)key;
    return MAP_NO_ENTRY;
}

static int bloom_update(struct map *map, const void *key, const void *value, uint64_t flags,
                        uint32_t cpu)
{
    (void)key, (void)cpu;
    if (flags != SPEC_MAP_FLAG_ANY)
        return -EINVAL;
    visit(map, value, true);
    return 0;
}

static int bloom_remove(struct map *map, const void *key)
{
    (void)map, (void)key;
    return -EOPNOTSUPP;
}

static int bloom_next_key(const struct map *map, const void *key, void *next)
{
    (void)map, (void)key, (void)next;
    return -EOPNOTSUPP;
}

const struct map_ops map_bloom_ops = {
    .check = bloom_check,
    .layout = bloom_layout,
    .init = bloom_init,
    .find = bloom_find,
    .update = bloom_update,
    .remove = bloom_remove,
    .next_key = bloom_next_key,
};
