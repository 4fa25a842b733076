/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/map_trial.h"

#include "tests/common/map_model.h"
#include "tests/common/random.h"
#include "tests/common/soft_maps.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WALK_EVERY = 500, /* operations between walks, on average */
    F_LOCK = 4,
    F_NO_PREALLOC = 1,
};

#define PLAIN(trial_name, type, key, value, entries, flags)                                        \
    {                                                                                              \
        (trial_name), {"m", (type), (key), (value), (entries), (flags), 0}, MODEL_NO_LOCK          \
    }

const struct map_trial map_trials[] = {
    PLAIN("array", SPEC_MAP_ARRAY, 4, 13, 97, 0),
    {"array with a lock", {"m", SPEC_MAP_ARRAY, 4, 20, 33, 0, 0}, 16},
    PLAIN("percpu_array", SPEC_MAP_PERCPU_ARRAY, 4, 20, 33, 0),
    PLAIN("hash", SPEC_MAP_HASH, 13, 24, 100, 0),
    PLAIN("hash of one entry", SPEC_MAP_HASH, 2, 1, 1, 0),
    PLAIN("hash without preallocation", SPEC_MAP_HASH, 8, 17, 64, F_NO_PREALLOC),
    {"hash with a lock", {"m", SPEC_MAP_HASH, 4, 24, 50, 0, 0}, 8},
    PLAIN("percpu_hash", SPEC_MAP_PERCPU_HASH, 6, 12, 50, 0),
    PLAIN("lru_hash", SPEC_MAP_LRU_HASH, 16, 8, 70, 0),
    PLAIN("lru_hash of one entry", SPEC_MAP_LRU_HASH, 4, 8, 1, 0),
    PLAIN("lru_percpu_hash", SPEC_MAP_LRU_PERCPU_HASH, 4, 12, 40, 0),
    PLAIN("lpm_trie, IPv4", SPEC_MAP_LPM_TRIE, 8, 13, 100, F_NO_PREALLOC),
    PLAIN("lpm_trie, IPv6", SPEC_MAP_LPM_TRIE, 20, 8, 64, F_NO_PREALLOC),
    PLAIN("array_of_maps", SPEC_MAP_ARRAY_OF_MAPS, 4, 4, 20, 0),
    PLAIN("hash_of_maps", SPEC_MAP_HASH_OF_MAPS, 7, 4, 30, 0),
    PLAIN("prog_array", SPEC_MAP_PROG_ARRAY, 4, 4, 20, 0),
    PLAIN("perf_event_array", SPEC_MAP_PERF_EVENT_ARRAY, 4, 4, 8, 0),
    PLAIN("devmap", SPEC_MAP_DEVMAP, 4, 8, 20, 0),
    PLAIN("devmap_hash", SPEC_MAP_DEVMAP_HASH, 4, 8, 20, 0),
    PLAIN("cpumap", SPEC_MAP_CPUMAP, 4, 4, 16, 0),
    PLAIN("xskmap", SPEC_MAP_XSKMAP, 4, 4, 16, 0),
    PLAIN("queue", SPEC_MAP_QUEUE, 0, 13, 7, 0),
    PLAIN("stack", SPEC_MAP_STACK, 0, 8, 31, 0),
    PLAIN("ringbuf", SPEC_MAP_RINGBUF, 0, 0, 4096, 0),
    PLAIN("ringbuf of two pages", SPEC_MAP_RINGBUF, 0, 0, 8192, 0),
    PLAIN("bloom_filter", SPEC_MAP_BLOOM_FILTER, 0, 8, 4096, 0),
    {"bloom_filter, 3 functions", {"m", SPEC_MAP_BLOOM_FILTER, 0, 13, 2000, 0, 3}, MODEL_NO_LOCK},
};

const uint32_t map_trial_count = sizeof(map_trials) / sizeof(map_trials[0]);

bool map_trial_wrong(struct map_trial_state *t, const char *format, ...)
{
    char text[400];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    snprintf(t->why, t->why_bytes, "operation %llu: %s", (unsigned long long)t->counts->operations,
             text);
    return false;
}

bool map_trial_result(struct map_trial_state *t, const char *what, int got, int expected)
{
    t->counts->changes += !got;
    t->counts->refused += !!got;
    return got == expected || map_trial_wrong(t, "%s gives %d, not %d", what, got, expected);
}

/* --- maps with keys ---------------------------------------------------------------------- */

struct keyed {
    struct map_trial_state *t;
    struct map_model model;
    uint8_t key[MODEL_KEY_MAX];
    uint8_t values[SPEC_QUEUES * MODEL_VALUE_MAX];
};

/* Keys are a half more than fit, and now and then one that is no index. */
static void random_key(struct keyed *k)
{
    const struct map_def *def = k->t->def;
    uint64_t *seed = &k->t->seed;
    uint32_t n = random_below(seed, def->max_entries + def->max_entries / 2 + 2);

    if (map_model_is_array(&k->model) && random_below(seed, 8))
        n %= def->max_entries;
    for (uint32_t i = 0; i < def->key_bytes; i++)
        k->key[i] = (uint8_t)(def->key_bytes == 4 ? 0 : n * 7 >> i % 3);
    memcpy(k->key, &n, def->key_bytes < 4 ? def->key_bytes : 4);
    if (random_below(seed, 100) == 0)
        memset(k->key, 0xff, def->key_bytes);
}

/* Prefixes within each other that differ in a bit, also behind their ends; a length that is too
 * long now and then. */
static void random_prefix(struct keyed *k)
{
    uint64_t *seed = &k->t->seed;
    const uint32_t bytes = k->t->def->key_bytes - 4;
    uint32_t bits = random_below(seed, 8 * bytes + 1);

    if (random_below(seed, 4))
        bits = (bits + 7) & ~7u;
    if (random_below(seed, 60) == 0)
        bits = 8 * bytes + random_below(seed, 3);
    memcpy(k->key, &bits, 4);
    for (uint32_t i = 0; i < bytes; i++)
        k->key[4 + i] = i & 1 ? 0xc0 : 0x05;
    k->key[4 + random_below(seed, bytes)] ^= (uint8_t)(0x80 >> random_below(seed, 8));
}

static void random_values(struct keyed *k)
{
    uint64_t *seed = &k->t->seed;

    memset(k->values, 0, sizeof(k->values));
    for (uint32_t c = 0; c < k->model.cpus; c++)
        for (uint32_t i = 0; i < k->t->def->value_bytes; i++)
            k->values[c * k->model.stride + i] = (uint8_t)random_next(seed);
    if (k->t->def->value_bytes == 8 || k->t->def->value_bytes == 4) { /* targets, good and bad */
        const uint32_t words[2] = {random_below(seed, 3) ? random_below(seed, 20000) : 0,
                                   random_below(seed, 4) ? 0 : 7};

        memcpy(k->values, words, k->t->def->value_bytes);
    }
}

static bool same_value(struct keyed *k, const struct model_entry *e, const uint8_t *values,
                       const char *who)
{
    const int lock = k->model.lock;

    for (uint32_t c = 0; c < k->model.cpus; c++) {
        const uint32_t at = c * k->model.stride;

        if (memcmp(e->values + at, values + at, k->t->def->value_bytes))
            return map_trial_wrong(k->t, "%s has another value of CPU %u", who, c);
    }
    if (lock != MODEL_NO_LOCK &&
        (values[lock] | values[lock + 1] | values[lock + 2] | values[lock + 3]))
        return map_trial_wrong(k->t, "%s has bytes in the lock", who);
    return true;
}

/* A program looks up and, as programs do, writes through the pointer that it gets. */
static bool program_lookup(struct keyed *k)
{
    uint64_t *seed = &k->t->seed;
    const uint32_t cpu = random_below(seed, SPEC_QUEUES);
    const uint32_t own = k->model.cpus > 1 ? cpu * k->model.stride : 0;
    struct model_entry *e = map_model_find(&k->model, k->key);
    uint8_t *value = map_lookup(k->t->map, k->key, cpu);
    const bool writes = random_below(seed, 2) && !spec_map_type_table[k->t->def->type].redirect &&
                        spec_map_type_table[k->t->def->type].soft != SPEC_SOFT_FDARRAY;

    k->t->counts->hits += e != NULL;
    k->t->counts->misses += !e;
    if (!e || !value)
        return !e == !value || map_trial_wrong(k->t, value ? "a program finds what is not there"
                                                           : "a program does not find an entry");
    map_model_used(&k->model, e);
    if (memcmp(value, e->values + own, k->t->def->value_bytes))
        return map_trial_wrong(k->t, "a program sees another value of CPU %u", cpu);
    if (writes && k->model.lock == MODEL_NO_LOCK) {
        value[0]++;
        e->values[own]++;
    }
    return true;
}

static bool host_lookup(struct keyed *k)
{
    const struct model_entry *e = map_model_find(&k->model, k->key);
    uint8_t values[SPEC_QUEUES * MODEL_VALUE_MAX];
    const int err = map_host_lookup(k->t->map, k->key, values);

    k->t->counts->hits += e != NULL;
    k->t->counts->misses += !e;
    if (err != (e ? 0 : -ENOENT))
        return map_trial_wrong(k->t, "the host's look-up gives %d", err);
    return !e || same_value(k, e, values, "the host's look-up");
}

static bool update(struct keyed *k, bool host)
{
    static const uint64_t flags[] = {0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8, UINT64_C(1) << 32};
    uint64_t *seed = &k->t->seed;
    const uint64_t flag = random_below(seed, 3) ? 0 : flags[random_below(seed, 14)];
    const uint32_t cpu = random_below(seed, SPEC_QUEUES);

    random_values(k);
    if (host)
        return map_trial_result(k->t, "the host's update",
                                map_host_update(k->t->map, k->key, k->values, flag),
                                map_model_update(&k->model, k->key, k->values, flag, MODEL_HOST));
    return map_trial_result(k->t, "a program's update",
                            map_update(k->t->map, k->key, k->values, flag, cpu),
                            map_model_update(&k->model, k->key, k->values, flag, (int)cpu));
}

static bool removal(struct keyed *k, bool host)
{
    return map_trial_result(k->t, host ? "the host's deletion" : "a program's deletion",
                            host ? map_host_delete(k->t->map, k->key)
                                 : map_delete(k->t->map, k->key),
                            map_model_remove(&k->model, k->key));
}

/* --- walks ------------------------------------------------------------------------------- */

static void forget_walk(struct keyed *k)
{
    for (uint32_t i = 0; i < k->model.count; i++)
        k->model.entries[i].seen = false;
}

/* An entry of a walk: in the model, and for the first time. */
static bool walk_entry(struct keyed *k, const uint8_t *key)
{
    struct model_entry *e = map_model_exact(&k->model, key);

    if (!e)
        return map_trial_wrong(k->t, "a walk gives an entry that is not there");
    if (e->seen)
        return map_trial_wrong(k->t, "a walk gives an entry twice");
    e->seen = true;
    return true;
}

/* The host walks over all keys; some it deletes behind it. */
static bool host_walk(struct keyed *k, bool deleting)
{
    const bool numbers = spec_map_type_table[k->t->def->type].soft == SPEC_SOFT_FDARRAY;
    const uint32_t expected = k->model.count;
    uint8_t key[MODEL_KEY_MAX], next[MODEL_KEY_MAX], values[sizeof(k->values)];
    uint32_t count = 0;
    int err;

    forget_walk(k);
    for (err = map_next_key(k->t->map, NULL, key); !err; count++) {
        if (!walk_entry(k, key))
            return false;
        err = map_host_lookup(k->t->map, key, values);
        if (err && (!numbers || map_model_find(&k->model, key)))
            return map_trial_wrong(k->t, "a key of a walk is not found: %d", err);
        /* of a prefix a look-up finds itself: nothing is longer than the key */
        if (!err && !same_value(k, map_model_find(&k->model, key), values, "a walk"))
            return false;
        err = map_next_key(k->t->map, key, next);
        if (deleting && random_below(&k->t->seed, 3) == 0) {
            memcpy(k->key, key, sizeof(k->key));
            if (!removal(k, true))
                return false;
        }
        memcpy(key, next, sizeof(key));
    }
    if (err != -ENOENT || count != expected)
        return map_trial_wrong(k->t, "a walk ends with %d after %u of %u entries", err, count,
                               expected);
    return true;
}

/* A program walks (bpf_for_each_map_elem), and deletes entries that it is given. */
static bool program_walk(struct keyed *k)
{
    const uint32_t expected = k->model.count;
    const uint32_t cpu = random_below(&k->t->seed, SPEC_QUEUES);
    struct map_walk walk;
    uint8_t key[MODEL_KEY_MAX];
    uint32_t count = 0;
    void *value;

    forget_walk(k);
    map_walk_start(k->t->map, &walk);
    for (; map_walk_next(k->t->map, &walk, cpu, key, &value); count++) {
        const struct model_entry *e = map_model_exact(&k->model, key);
        const uint32_t own = k->model.cpus > 1 ? cpu * k->model.stride : 0;

        if (!walk_entry(k, key))
            return false;
        if (memcmp(value, e->values + own, k->t->def->value_bytes))
            return map_trial_wrong(k->t, "a program's walk has another value");
        if (random_below(&k->t->seed, 5) == 0) {
            memcpy(k->key, key, sizeof(k->key));
            if (!removal(k, false))
                return false;
        }
    }
    return count == expected ||
           map_trial_wrong(k->t, "a program's walk has %u of %u entries", count, expected);
}

static bool walk(struct keyed *k)
{
    const bool keys = !map_model_is_array(&k->model);
    const uint32_t what = random_below(&k->t->seed, 6);

    k->t->counts->walks++;
    if (what == 0 && keys)
        return host_walk(k, true);
    if (what == 1 && spec_map_type_table[k->t->def->type].soft != SPEC_SOFT_FDARRAY &&
        k->t->def->type != SPEC_MAP_LPM_TRIE)
        return program_walk(k);
    return host_walk(k, false);
}

/* For a while entries are hardly deleted, so that the map is full; then again they are. */
static bool one_operation(struct keyed *k)
{
    const bool growing = k->t->counts->operations >> 11 & 1;
    uint32_t what = random_below(&k->t->seed, 10);

    if (k->t->def->type == SPEC_MAP_LPM_TRIE)
        random_prefix(k);
    else
        random_key(k);
    if (what >= 8 && growing && random_below(&k->t->seed, 8))
        what -= 2;
    switch (what) {
    case 0:
    case 1:
    case 2:
        return program_lookup(k);
    case 3:
        return host_lookup(k);
    case 4:
    case 5:
        return update(k, false);
    case 6:
    case 7:
        return update(k, true);
    case 8:
        return removal(k, false);
    default:
        return removal(k, true);
    }
}

static bool run_keyed(struct map_trial_state *t, int lock, uint64_t operations)
{
    struct keyed k = {.t = t};
    bool fine;

    if (map_model_open(&k.model, t->def, lock))
        return map_trial_wrong(t, "no memory");
    for (fine = true; fine && t->counts->operations < operations;) {
        t->counts->operations++;
        fine = one_operation(&k);
        if (fine && random_below(&t->seed, WALK_EVERY) == 0)
            fine = walk(&k);
    }
    if (fine)
        fine = host_walk(&k, false);
    t->counts->evicted = k.model.evicted;
    map_model_close(&k.model);
    return fine;
}

bool map_trial_run(const struct map_trial *trial, uint64_t operations, uint64_t seed,
                   struct map_trial_counts *counts, char *why, size_t why_bytes)
{
    const char *bad = NULL;
    struct map_trial_state t = {.map = soft_map_make(&trial->def, &bad),
                                .def = &trial->def,
                                .seed = seed,
                                .counts = counts,
                                .why = why,
                                .why_bytes = why_bytes};
    bool fine;

    *counts = (struct map_trial_counts){0};
    if (!t.map)
        return map_trial_wrong(&t, "%s", bad);
    if (trial->lock != MODEL_NO_LOCK)
        map_set_lock(t.map, (uint32_t)trial->lock);
    switch (spec_map_type_table[trial->def.type].soft) {
    case SPEC_SOFT_QUEUE:
        fine = map_trial_queue(&t, operations);
        break;
    case SPEC_SOFT_RINGBUF:
        fine = map_trial_ring(&t, operations);
        break;
    case SPEC_SOFT_BLOOM:
        fine = map_trial_bloom(&t, operations);
        break;
    default:
        fine = run_keyed(&t, trial->lock, operations);
    }
    free(t.map);
    return fine;
}
