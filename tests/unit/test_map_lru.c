/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nic_runtime/map.h"
#include "tests/common/random.h"
#include "tests/common/soft_maps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The rule by which LRU maps evict (docs/maps.md), against a model that keeps a plain list of keys
 * in order of their last use. */

enum { ENTRIES = 37, KEYS = 60, OPERATIONS = 100000 };

struct model {
    uint32_t keys[ENTRIES]; /* least recently used first */
    uint64_t values[KEYS];
    uint32_t count;
};

static uint64_t seed;

static uint32_t below(uint32_t n)
{
    return random_below(&seed, n);
}

static struct map *make(uint32_t type, uint32_t entries)
{
    const struct map_def def = {"m", type, 4, 8, entries, 0, 0};
    const char *why = NULL;
    struct map *map = soft_map_make(&def, &why);

    assert_non_null(map);
    return map;
}

static uint32_t place(const struct model *m, uint32_t key)
{
    uint32_t i = 0;

    while (i < m->count && m->keys[i] != key)
        i++;
    return i;
}

static void take_out(struct model *m, uint32_t at)
{
    memmove(&m->keys[at], &m->keys[at + 1], (m->count - at - 1) * sizeof(m->keys[0]));
    m->count--;
}

static void make_newest(struct model *m, uint32_t key)
{
    const uint32_t at = place(m, key);

    if (at < m->count)
        take_out(m, at);
    else if (m->count == ENTRIES)
        take_out(m, 0);
    m->keys[m->count++] = key;
}

static int model_update(struct model *m, uint32_t key, uint64_t value, uint64_t flags)
{
    const bool there = place(m, key) < m->count;

    if (flags > SPEC_MAP_FLAG_EXIST)
        return -EINVAL;
    if (there && flags == SPEC_MAP_FLAG_NOEXIST)
        return -EEXIST;
    if (!there && flags == SPEC_MAP_FLAG_EXIST)
        return -ENOENT;
    make_newest(m, key);
    m->values[key] = value;
    return 0;
}

static void one_operation(struct model *m, struct map *map, uint32_t cpu)
{
    const uint32_t key = below(KEYS);
    const uint32_t at = place(m, key);
    uint64_t values[SPEC_QUEUES] = {below(1000), 1, 2, 3};
    const uint64_t flags = below(4);

    switch (below(6)) {
    case 0:
    case 1:
        assert_int_equal(map_update(map, &key, values, flags, cpu),
                         model_update(m, key, values[0], flags));
        return;
    case 2:
        assert_int_equal(map_host_update(map, &key, values, flags),
                         model_update(m, key, values[0], flags));
        return;
    case 3:
        assert_int_equal(map_delete(map, &key), at < m->count ? 0 : -ENOENT);
        if (at < m->count && below(4) == 0)
            take_out(m, at);
        else if (at < m->count)
            model_update(m, key, values[0], 0), map_update(map, &key, values, 0, cpu);
        return;
    case 4: /* the host's look-ups change nothing */
        assert_int_equal(map_host_lookup(map, &key, values), at < m->count ? 0 : -ENOENT);
        return;
    default: {
        const uint64_t *value = map_lookup(map, &key, cpu);

        assert_int_equal(value != NULL, at < m->count);
        if (value) {
            assert_true(*value == m->values[key]);
            make_newest(m, key);
        }
        return;
    }
    }
}

static void compare(const struct model *m, struct map *map)
{
    uint64_t values[SPEC_QUEUES];
    uint32_t count = 0, key;

    for (uint32_t i = 0; i < m->count; i++)
        assert_int_equal(map_host_lookup(map, &m->keys[i], values), 0);
    for (int err = map_next_key(map, NULL, &key); !err; err = map_next_key(map, &key, &key))
        count++;
    assert_int_equal(count, m->count);
}

static void run_type(uint32_t type)
{
    struct map *map = make(type, ENTRIES);
    struct model m = {.count = 0};

    seed = type;
    for (uint32_t i = 0; i < OPERATIONS; i++) {
        one_operation(&m, map, 0);
        compare(&m, map);
    }
    free(map);
}

static void test_lru_hash_evicts_least_recently_used(void **state)
{
    (void)state;
    run_type(SPEC_MAP_LRU_HASH);
}

static void test_lru_percpu_hash_evicts_least_recently_used(void **state)
{
    (void)state;
    run_type(SPEC_MAP_LRU_PERCPU_HASH);
}

static void test_lru_replacing_in_full_map_evicts_nothing(void **state)
{
    struct map *map = make(SPEC_MAP_LRU_HASH, 2);
    const uint32_t keys[] = {1, 2, 3};
    uint64_t value = 7, *old;

    (void)state;
    map_update(map, &keys[0], &value, 0, 0);
    map_update(map, &keys[1], &value, 0, 0);
    old = map_lookup(map, &keys[0], 0);
    value = 8;
    assert_int_equal(map_update(map, &keys[0], &value, SPEC_MAP_FLAG_EXIST, 0), 0);
    assert_true(*old == 7); /* as in a hash: the old value is still there to be read */
    assert_non_null(map_lookup(map, &keys[1], 0));
    assert_int_equal(map_update(map, &keys[2], &value, SPEC_MAP_FLAG_EXIST, 0), -ENOENT);
    assert_int_equal(map_update(map, &keys[1], &value, SPEC_MAP_FLAG_NOEXIST, 0), -EEXIST);
    assert_non_null(map_lookup(map, &keys[0], 0));
    assert_int_equal(map_update(map, &keys[2], &value, 0, 0), 0);
    assert_null(map_lookup(map, &keys[1], 0));
    free(map);
}

static void test_lru_percpu_hash_entry_taken_over_is_clear(void **state)
{
    struct map *map = make(SPEC_MAP_LRU_PERCPU_HASH, 1);
    uint64_t values[SPEC_QUEUES] = {1, 2, 3, 4};
    const uint32_t keys[] = {1, 2};

    (void)state;
    map_host_update(map, &keys[0], values, 0);
    assert_int_equal(map_update(map, &keys[1], &(uint64_t){9}, 0, 2), 0);
    assert_int_equal(map_host_lookup(map, &keys[0], values), -ENOENT);
    assert_int_equal(map_host_lookup(map, &keys[1], values), 0);
    assert_true(values[0] == 0 && values[1] == 0 && values[2] == 9 && values[3] == 0);
    free(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lru_hash_evicts_least_recently_used),
        cmocka_unit_test(test_lru_percpu_hash_evicts_least_recently_used),
        cmocka_unit_test(test_lru_replacing_in_full_map_evicts_nothing),
        cmocka_unit_test(test_lru_percpu_hash_entry_taken_over_is_clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
