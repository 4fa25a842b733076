/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/rtl/core/maps.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t stride(const struct soft_map *m)
{
    return m->desc[SPEC_MAPDESC_STRIDE];
}

static uint64_t value_offset(const struct soft_map *m, uint32_t entry, uint32_t cpu)
{
    return ((uint64_t)entry * m->desc[SPEC_MAPDESC_CPUS] + cpu) * stride(m);
}

static int soft_access(void *ctx, uint64_t pointer, uint32_t size, uint64_t *value, bool write)
{
    struct soft_maps *s = ctx;
    const uint64_t map = (pointer >> SPEC_MAPPTR_SHIFT) - 1;
    const uint64_t offset = pointer & UINT32_MAX;

    if (map >= s->count || offset + size > s->maps[map].value_bytes)
        return -EFAULT;
    if (write) {
        memcpy(s->maps[map].values + offset, value, size);
    } else {
        *value = 0;
        memcpy(value, s->maps[map].values + offset, size);
    }
    return 0;
}

static uint32_t find(const struct soft_map *m, const uint64_t *key)
{
    for (uint32_t i = 0; i <= m->desc[SPEC_MAPDESC_MAX_ENTRIES]; i++)
        if (m->entries[i].used &&
            memcmp(m->entries[i].key, key, m->desc[SPEC_MAPDESC_KEY_BYTES]) == 0)
            return i;
    return UINT32_MAX;
}

static uint64_t soft_lookup(void *ctx, uint32_t map, uint32_t cpu, const uint64_t *key)
{
    const struct soft_map *m = &((struct soft_maps *)ctx)->maps[map];
    const uint32_t entry = find(m, key);

    if (entry == UINT32_MAX)
        return 0;
    return (uint64_t)(map + 1) << SPEC_MAPPTR_SHIFT | value_offset(m, entry, cpu);
}

static void occupy(struct soft_map *m, uint32_t entry, const uint64_t *key)
{
    m->entries[entry].used = true;
    memcpy(m->entries[entry].key, key, m->desc[SPEC_MAPDESC_KEY_BYTES]);
}

static int64_t soft_update(void *ctx, uint32_t map, uint32_t cpu, uint64_t flags,
                           const uint64_t *key, const uint64_t *value)
{
    struct soft_map *m = &((struct soft_maps *)ctx)->maps[map];
    const uint32_t cpus = m->desc[SPEC_MAPDESC_CPUS];
    const uint32_t old = find(m, key);
    uint32_t entry = old;

    if (flags > 2)
        return -EINVAL;
    if (old != UINT32_MAX && flags == 1)
        return -EEXIST;
    if (old == UINT32_MAX && flags == 2)
        return -ENOENT;
    if (old == UINT32_MAX) {
        if (m->in_use == m->desc[SPEC_MAPDESC_MAX_ENTRIES])
            return -E2BIG;
        entry = m->free_count ? m->free_list[--m->free_count] : m->fresh++;
        m->in_use++;
        occupy(m, entry, key);
        memset(m->values + value_offset(m, entry, 0), 0, stride(m) * cpus);
    } else if (cpus == 1) {
        entry = m->spare;
        m->spare = old;
        m->entries[old].used = false;
        occupy(m, entry, key);
    }
    memcpy(m->values + value_offset(m, entry, cpu), value, stride(m));
    return 0;
}

static int64_t soft_erase(void *ctx, uint32_t map, uint32_t cpu, const uint64_t *key)
{
    struct soft_map *m = &((struct soft_maps *)ctx)->maps[map];
    const uint32_t entry = find(m, key);

    (void)cpu;
    if (entry == UINT32_MAX)
        return -ENOENT;
    m->entries[entry].used = false;
    m->free_list[m->free_count++] = entry;
    m->in_use--;
    return 0;
}

void soft_maps_init(struct soft_maps *m)
{
    memset(m, 0, sizeof(*m));
    m->ops = (struct ir_maps_ops){.ctx = m,
                                  .access = soft_access,
                                  .lookup = soft_lookup,
                                  .update = soft_update,
                                  .erase = soft_erase};
}

void soft_maps_free(struct soft_maps *m)
{
    for (uint32_t i = 0; i < m->count; i++)
        free(m->maps[i].values);
}

uint32_t soft_maps_add(struct soft_maps *s, uint32_t engine, uint32_t key_bytes,
                       uint32_t value_bytes, uint32_t max_entries, uint32_t cpus)
{
    struct soft_map *m = &s->maps[s->count];
    const uint32_t owned = max_entries + spec_engine_has_keys(engine);

    assert(s->count < MAPS_MAX && owned <= MAPS_ENTRIES_MAX);
    m->desc[SPEC_MAPDESC_ENGINE] = engine;
    m->desc[SPEC_MAPDESC_KEY_BYTES] = key_bytes;
    m->desc[SPEC_MAPDESC_VALUE_BYTES] = value_bytes;
    m->desc[SPEC_MAPDESC_STRIDE] = (value_bytes + 7) & ~7u;
    m->desc[SPEC_MAPDESC_MAX_ENTRIES] = max_entries;
    m->desc[SPEC_MAPDESC_CPUS] = cpus;
    m->desc[SPEC_MAPDESC_VMEM_BASE] = s->vmem_bytes;
    m->value_bytes = (uint64_t)owned * cpus * stride(m);
    s->vmem_bytes += (uint32_t)m->value_bytes;
    m->values = calloc(1, m->value_bytes);
    assert(m->values);
    if (spec_engine_has_keys(engine)) {
        m->desc[SPEC_MAPDESC_ENTRY_BASE] = s->hash_entries;
        m->desc[SPEC_MAPDESC_BUCKET_BASE] = s->hash_buckets;
        m->desc[SPEC_MAPDESC_BUCKET_MASK] = 3;
        s->hash_entries += owned;
        s->hash_buckets += 4;
        m->spare = max_entries;
    }
    return s->count++;
}
