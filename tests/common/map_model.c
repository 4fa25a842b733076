/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/map_model.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { F_LOCK = 4, LENGTH_BYTES = 4, CPUMAP_MOST = 16384 };

static bool holds_numbers(const struct map_model *m) /* of programs, maps, events: 0 is none */
{
    return spec_map_type_table[m->def.type].soft == SPEC_SOFT_FDARRAY;
}

static bool is_lpm(const struct map_model *m)
{
    return m->def.type == SPEC_MAP_LPM_TRIE;
}

static bool is_lru(const struct map_model *m)
{
    return spec_map_type_table[m->def.type].soft == SPEC_SOFT_LRU;
}

static bool is_target(const struct map_model *m)
{
    return spec_map_type_table[m->def.type].redirect;
}

bool map_model_is_array(const struct map_model *m)
{
    return spec_map_type_table[m->def.type].soft == SPEC_SOFT_ARRAY || holds_numbers(m);
}

int map_model_open(struct map_model *m, const struct map_def *def, int lock)
{
    assert(def->key_bytes <= MODEL_KEY_MAX && def->value_bytes <= MODEL_VALUE_MAX);
    *m = (struct map_model){.def = *def, .lock = lock};
    m->cpus = spec_map_type_table[def->type].percpu ? SPEC_QUEUES : 1;
    m->stride = (def->value_bytes + 7) & ~7u;
    m->entries = calloc(def->max_entries, sizeof(*m->entries));
    if (!m->entries)
        return -ENOMEM;
    if (map_model_is_array(m)) {
        m->count = def->max_entries;
        for (uint32_t i = 0; i < m->count; i++)
            memcpy(m->entries[i].key, &i, sizeof(i));
    }
    return 0;
}

void map_model_close(struct map_model *m)
{
    free(m->entries);
    m->entries = NULL;
}

static uint32_t number(const uint8_t *bytes)
{
    uint32_t n;

    memcpy(&n, bytes, sizeof(n));
    return n;
}

static uint32_t max_bits(const struct map_model *m)
{
    return 8 * (m->def.key_bytes - LENGTH_BYTES);
}

/* Whether the first bits of two keys are the same. */
static bool same_bits(const uint8_t *a, const uint8_t *b, uint32_t bits)
{
    for (uint32_t i = 0; i < bits; i++)
        if ((a[LENGTH_BYTES + i / 8] ^ b[LENGTH_BYTES + i / 8]) & 0x80 >> i % 8)
            return false;
    return true;
}

static bool same_key(const struct map_model *m, const uint8_t *a, const uint8_t *b)
{
    if (!is_lpm(m))
        return !memcmp(a, b, m->def.key_bytes);
    return number(a) == number(b) && number(a) <= max_bits(m) && same_bits(a, b, number(a));
}

struct model_entry *map_model_exact(struct map_model *m, const uint8_t *key)
{
    if (map_model_is_array(m))
        return number(key) < m->count ? &m->entries[number(key)] : NULL;
    for (uint32_t i = 0; i < m->count; i++)
        if (same_key(m, m->entries[i].key, key))
            return &m->entries[i];
    return NULL;
}

static struct model_entry *longest_prefix(struct map_model *m, const uint8_t *key)
{
    struct model_entry *best = NULL;

    for (uint32_t i = 0; i < m->count && number(key) <= max_bits(m); i++) {
        struct model_entry *e = &m->entries[i];
        const uint32_t bits = number(e->key);

        if (bits <= number(key) && same_bits(e->key, key, bits) &&
            (!best || bits > number(best->key)))
            best = e;
    }
    return best;
}

struct model_entry *map_model_find(struct map_model *m, const uint8_t *key)
{
    struct model_entry *e = is_lpm(m) ? longest_prefix(m, key) : map_model_exact(m, key);

    return e && holds_numbers(m) && !number(e->values) ? NULL : e;
}

void map_model_used(struct map_model *m, struct model_entry *entry)
{
    entry->used = ++m->clock;
}

static void store(struct map_model *m, struct model_entry *e, const uint8_t *values, int cpu)
{
    for (uint32_t c = 0; c < m->cpus; c++) {
        uint8_t *to = e->values + c * m->stride;

        if (cpu == MODEL_HOST)
            memcpy(to, values + c * m->stride, m->def.value_bytes);
        else if (m->cpus == 1 || c == (uint32_t)cpu)
            memcpy(to, values, m->def.value_bytes);
        if (m->lock != MODEL_NO_LOCK)
            memset(to + m->lock, 0, 4);
    }
    map_model_used(m, e);
}

/* What is wrong with flags, before it is known whether there is an entry; 0: nothing. */
static int check_flags(const struct map_model *m, uint64_t flags, int cpu)
{
    const bool lock = flags & F_LOCK;

    if (lock && m->lock == MODEL_NO_LOCK && (cpu == MODEL_HOST || !map_model_is_array(m)))
        return -EINVAL;
    if (holds_numbers(m))
        return flags ? -EINVAL : 0;
    return (flags & ~(uint64_t)F_LOCK) > 2 ? -EINVAL : 0;
}

static int check_target(const struct map_model *m, const uint8_t *values)
{
    const uint32_t target = number(values);

    switch (m->def.type) {
    case SPEC_MAP_DEVMAP: /* a program without a device */
        return m->def.value_bytes == 8 && !target && (int32_t)number(values + 4) > 0 ? -EINVAL : 0;
    case SPEC_MAP_DEVMAP_HASH:
        return target ? 0 : -EINVAL;
    case SPEC_MAP_CPUMAP:
        return target > CPUMAP_MOST ? -EOVERFLOW : 0;
    default:
        return 0;
    }
}

static int update_array(struct map_model *m, const uint8_t *key, const uint8_t *values,
                        uint64_t flags, int cpu)
{
    struct model_entry *e = map_model_exact(m, key);
    int err;

    if (!e)
        return -E2BIG;
    if (flags & SPEC_MAP_FLAG_NOEXIST)
        return -EEXIST;
    if (flags & F_LOCK && m->lock == MODEL_NO_LOCK)
        return -EINVAL;
    err = check_target(m, values);
    if (!err)
        store(m, e, values, cpu);
    return err;
}

static struct model_entry *oldest(struct map_model *m)
{
    struct model_entry *e = m->entries;

    for (uint32_t i = 1; i < m->count; i++)
        if (m->entries[i].used < e->used)
            e = &m->entries[i];
    return e;
}

static void take_out(struct map_model *m, struct model_entry *e)
{
    *e = m->entries[--m->count];
}

int map_model_update(struct map_model *m, const uint8_t *key, const uint8_t *values, uint64_t flags,
                     int cpu)
{
    const uint64_t want = flags & ~(uint64_t)F_LOCK;
    int err = check_flags(m, flags, cpu);
    struct model_entry *e;

    if (err)
        return err;
    if (map_model_is_array(m))
        return update_array(m, key, values, flags, cpu);
    if (is_lpm(m) && (flags & F_LOCK || number(key) > max_bits(m)))
        return -EINVAL;
    err = check_target(m, values);
    if (err)
        return err;
    e = map_model_exact(m, key);
    if (e && want == SPEC_MAP_FLAG_NOEXIST)
        return -EEXIST;
    if (!e && want == SPEC_MAP_FLAG_EXIST && !is_target(m))
        return -ENOENT;
    if (!e && m->count == m->def.max_entries) {
        if (!is_lru(m))
            return is_lpm(m) ? -ENOSPC : -E2BIG;
        take_out(m, oldest(m));
        m->evicted++;
    }
    if (!e) {
        e = &m->entries[m->count++];
        memset(e, 0, sizeof(*e));
    }
    memcpy(e->key, key, m->def.key_bytes);
    store(m, e, values, cpu);
    return 0;
}

int map_model_remove(struct map_model *m, const uint8_t *key)
{
    struct model_entry *e = map_model_exact(m, key);

    if (is_lpm(m) && number(key) > max_bits(m))
        return -EINVAL;
    if (holds_numbers(m) && !e)
        return -E2BIG;
    if (holds_numbers(m) && !number(e->values))
        return -ENOENT;
    if (map_model_is_array(m)) {
        if (!holds_numbers(m) && (!is_target(m) || !e))
            return -EINVAL;
        memset(e->values, 0, sizeof(e->values));
        return 0;
    }
    if (!e)
        return -ENOENT;
    take_out(m, e);
    return 0;
}
