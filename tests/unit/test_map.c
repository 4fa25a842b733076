/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nic_runtime/map.h"
#include "nic_runtime/maps/internal.h"
#include "tests/common/random.h"
#include "tests/common/soft_maps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Maps without a kernel to compare with: what map.h promises. */

enum {
    LOCK = 4,
    ANY = SPEC_MAP_FLAG_ANY,
    NOEXIST = SPEC_MAP_FLAG_NOEXIST,
    EXIST = SPEC_MAP_FLAG_EXIST
};

static struct map *make(uint32_t type, uint32_t key_bytes, uint32_t value_bytes, uint32_t entries)
{
    const struct map_def def = {"m", type, key_bytes, value_bytes, entries, 0, 0};
    const char *why = NULL;
    struct map *map = soft_map_make(&def, &why);

    assert_non_null(map);
    return map;
}

/* A map is the block that it was made in. */
static void drop(struct map *map)
{
    free(map);
}

static int put(struct map *map, uint32_t key, uint64_t value, uint64_t flags)
{
    return map_update(map, &key, &value, flags, 0);
}

static uint64_t *get(struct map *map, uint32_t key)
{
    return map_lookup(map, &key, 0);
}

static void test_map_array_update_checks_in_linux_order(void **state)
{
    struct map *m = make(SPEC_MAP_ARRAY, 4, 8, 3);
    const uint32_t key = 1;

    (void)state;
    assert_int_equal(put(m, 1, 5, ANY), 0);
    assert_int_equal(put(m, 1, 6, EXIST), 0);
    assert_int_equal(put(m, 3, 5, 3), -EINVAL);      /* flags before the index */
    assert_int_equal(put(m, 3, 5, NOEXIST), -E2BIG); /* the index before the entry's existence */
    assert_int_equal(put(m, 2, 5, NOEXIST), -EEXIST);
    assert_int_equal(put(m, 2, 5, LOCK | NOEXIST), -EEXIST);
    assert_int_equal(put(m, 2, 5, LOCK), -EINVAL);
    assert_int_equal(put(m, 2, 5, 1ull << 32), -EINVAL);
    assert_int_equal(map_delete(m, &key), -EINVAL);
    assert_true(*get(m, 1) == 6);
    assert_null(get(m, 3));
    drop(m);
}

static void test_map_hash_holds_max_entries(void **state)
{
    struct map *m = make(SPEC_MAP_HASH, 4, 8, 100);
    uint32_t key = 7;

    (void)state;
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(put(m, i * 1024, i, NOEXIST), 0);
    assert_int_equal(put(m, 7, 1, ANY), -E2BIG);
    assert_int_equal(put(m, 1024, 77, ANY), 0); /* replacing needs no room */
    assert_int_equal(put(m, 1024, 78, NOEXIST), -EEXIST);
    assert_int_equal(put(m, 7, 1, EXIST), -ENOENT);
    assert_int_equal(put(m, 7, 1, 3), -EINVAL);
    assert_int_equal(put(m, 1024, 1, LOCK), -EINVAL);
    assert_int_equal(map_delete(m, &key), -ENOENT);
    for (uint32_t i = 0; i < 100; i++)
        assert_true(*get(m, i * 1024) == (i == 1 ? 77 : i));
    key = 1024;
    assert_int_equal(map_delete(m, &key), 0);
    assert_null(get(m, 1024));
    assert_int_equal(put(m, 7, 1, ANY), 0);
    drop(m);
}

static void test_map_hash_entries_taken_in_order(void **state)
{
    struct map *m = make(SPEC_MAP_HASH, 4, 8, 3);
    uintptr_t first, end;
    uint32_t key = 11;

    (void)state;
    map_value_range(m, &first, &end);
    assert_int_equal(end - first, 4 * 8); /* one spare entry */
    put(m, 10, 0, ANY);
    put(m, 11, 0, ANY);
    assert_int_equal((uintptr_t)get(m, 10), first);
    assert_int_equal((uintptr_t)get(m, 11), first + 8);
    assert_int_equal(map_delete(m, &key), 0);
    key = 10;
    assert_int_equal(map_delete(m, &key), 0);
    put(m, 12, 0, ANY); /* last in, first out */
    put(m, 13, 0, ANY);
    put(m, 14, 0, ANY);
    assert_int_equal((uintptr_t)get(m, 12), first);
    assert_int_equal((uintptr_t)get(m, 13), first + 8);
    assert_int_equal((uintptr_t)get(m, 14), first + 16);
    drop(m);
}

static void test_map_hash_replaces_in_spare_entry(void **state)
{
    struct map *m = make(SPEC_MAP_HASH, 4, 8, 2);
    uint64_t *old;

    (void)state;
    put(m, 1, 100, ANY);
    put(m, 2, 200, ANY);
    old = get(m, 1);
    put(m, 1, 101, ANY);
    assert_ptr_not_equal(get(m, 1), old);
    assert_true(*old == 100 && *get(m, 1) == 101); /* the old value is still there to be read */
    put(m, 2, 201, ANY);
    assert_ptr_equal(get(m, 2), old); /* the next replacement takes its place */
    drop(m);
}

static void test_map_percpu_hash_update_by_program_clears_other_cpus(void **state)
{
    struct map *m = make(SPEC_MAP_PERCPU_HASH, 4, 8, 2);
    uint64_t values[SPEC_QUEUES] = {1, 2, 3, 4};
    const uint32_t key = 5;
    const uint64_t seven = 7;
    void *place;

    (void)state;
    assert_int_equal(map_cpus(m), SPEC_QUEUES);
    assert_int_equal(map_host_update(m, &key, values, ANY), 0);
    place = map_lookup(m, &key, 2);
    assert_int_equal(map_update(m, &key, &seven, ANY, 2), 0); /* in place, others stay */
    assert_ptr_equal(map_lookup(m, &key, 2), place);
    assert_int_equal(map_host_lookup(m, &key, values), 0);
    assert_true(values[0] == 1 && values[1] == 2 && values[2] == 7 && values[3] == 4);
    assert_int_equal(map_delete(m, &key), 0);
    assert_int_equal(map_update(m, &key, &seven, ANY, 1), 0); /* the same entry again, fresh */
    assert_int_equal(map_host_lookup(m, &key, values), 0);
    assert_true(values[0] == 0 && values[1] == 7 && values[2] == 0 && values[3] == 0);
    drop(m);
}

static void test_map_percpu_array_values_apart(void **state)
{
    struct map *m = make(SPEC_MAP_PERCPU_ARRAY, 4, 3, 2);
    uint8_t values[SPEC_QUEUES * 8];
    const uint32_t key = 1;

    (void)state;
    assert_int_equal(map_stride_bytes(m), 8);
    for (uint32_t cpu = 0; cpu < SPEC_QUEUES; cpu++)
        assert_int_equal(map_update(m, &key, &(uint32_t){0x010101 * (cpu + 1)}, ANY, cpu), 0);
    assert_int_equal(map_host_lookup(m, &key, values), 0);
    for (uint32_t cpu = 0; cpu < SPEC_QUEUES; cpu++) {
        assert_int_equal(values[8 * cpu + 2], cpu + 1);
        assert_int_equal(values[8 * cpu + 3], 0); /* padding */
        assert_int_equal(*(uint8_t *)map_lookup(m, &key, cpu), cpu + 1);
    }
    drop(m);
}

static void test_map_walk_visits_each_key_once(void **state)
{
    struct map *m = make(SPEC_MAP_HASH, 4, 8, 300);
    uint8_t seen[300] = {0};
    uint32_t key, count = 0;
    int err;

    (void)state;
    assert_int_equal(map_next_key(m, NULL, &key), -ENOENT);
    for (uint32_t i = 0; i < 300; i++)
        put(m, i, i, ANY);
    for (err = map_next_key(m, NULL, &key); !err; err = map_next_key(m, &key, &key)) {
        assert_true(key < 300 && !seen[key]);
        seen[key] = 1;
        count++;
    }
    assert_int_equal(err, -ENOENT);
    assert_int_equal(count, 300);
    key = 5000; /* not there: from the start */
    assert_int_equal(map_next_key(m, &key, &key), 0);
    drop(m);
}

static void test_map_walk_of_array_is_by_index(void **state)
{
    struct map *m = make(SPEC_MAP_ARRAY, 4, 8, 3);
    uint32_t key = 9;

    (void)state;
    assert_int_equal(map_next_key(m, NULL, &key), 0);
    assert_int_equal(key, 0);
    assert_int_equal(map_next_key(m, &key, &key), 0);
    assert_int_equal(map_next_key(m, &key, &key), 0);
    assert_int_equal(key, 2);
    assert_int_equal(map_next_key(m, &key, &key), -ENOENT);
    key = 3;
    assert_int_equal(map_next_key(m, &key, &key), 0);
    assert_int_equal(key, 0);
    drop(m);
}

static void test_map_cpumap_queue_has_a_most(void **state)
{
    struct map *m = make(SPEC_MAP_CPUMAP, 4, 4, 2);
    const uint32_t key = 1, most = 16384, more = most + 1;
    uint32_t value[2] = {0}; /* a stride */

    (void)state;
    assert_int_equal(map_host_update(m, &key, &most, ANY), 0);
    assert_int_equal(map_host_update(m, &key, &more, ANY), -EOVERFLOW);
    assert_int_equal(map_host_lookup(m, &key, value), 0);
    assert_int_equal(value[0], most);
    drop(m);
}

static void test_map_hash_tells_keys_apart_by_any_byte(void **state)
{
    static const uint32_t sizes[] = {1, 3, 4, 7, 8, 13};

    (void)state;
    for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct map *m = make(SPEC_MAP_HASH, sizes[i], 8, 1);
        uint8_t key[16] = {0};
        const uint64_t value = 5;

        assert_int_equal(map_update(m, key, &value, ANY, 0), 0);
        for (uint32_t at = 0; at < sizes[i]; at++) {
            key[at] = 1;
            assert_null(map_lookup(m, key, 0));
            key[at] = 0;
        }
        key[sizes[i]] = 1; /* beyond the key */
        assert_non_null(map_lookup(m, key, 0));
        drop(m);
    }
}

static void test_map_devmap_target_checks(void **state)
{
    struct map *m = make(SPEC_MAP_DEVMAP, 4, 8, 2);
    struct map *h = make(SPEC_MAP_DEVMAP_HASH, 4, 4, 2);
    const uint32_t key = 1, none[2] = {0, 9}, lo[2] = {1, 0};
    uint32_t value[2] = {5, 5};

    (void)state;
    assert_int_equal(map_host_update(m, &key, none, ANY), -EINVAL);
    assert_int_equal(map_host_update(m, &key, lo, ANY), 0);
    assert_int_equal(map_host_delete(m, &key), 0);
    assert_int_equal(map_host_lookup(m, &key, value), 0);
    assert_int_equal(value[0] | value[1], 0);
    assert_int_equal(map_host_update(h, &key, none, ANY), -EINVAL);
    assert_int_equal(map_host_update(h, &key, lo, EXIST), 0); /* as Linux: EXIST is not looked at */
    assert_int_equal(map_host_update(h, &key, lo, NOEXIST), -EEXIST);
    drop(m);
    drop(h);
}

/* BPF_F_LOCK changes a value where it lies, other updates don't; the lock's bytes stay 0. */
static void test_map_locked_update_seen_through_old_pointer(void **state)
{
    const struct map_def def = {"m", SPEC_MAP_HASH, 4, 8, 2, 0, 0};
    const uint32_t key = 1, first[2] = {77, 1}, second[2] = {77, 2}, third[2] = {77, 3};
    _Alignas(64) uint8_t memory[4096] = {0};
    const char *why = NULL;
    uint32_t *value;
    struct map *map;

    (void)state;
    assert_in_range(map_size_bytes(&def, &why), 1, sizeof(memory));
    map = map_init(memory, &def);
    map_set_lock(map, 0);
    assert_int_equal(map_update(map, &key, first, 4, 0), 0);
    value = map_lookup(map, &key, 0);
    assert_non_null(value);
    assert_int_equal(value[0], 0);
    assert_int_equal(map_update(map, &key, second, 4 | SPEC_MAP_FLAG_EXIST, 0), 0);
    assert_int_equal(value[1], 2);
    assert_int_equal(map_update(map, &key, third, SPEC_MAP_FLAG_ANY, 0), 0);
    assert_int_equal(value[1], 2);
    value = map_lookup(map, &key, 0);
    assert_int_equal(value[0], 0);
    assert_int_equal(value[1], 3);
    assert_int_equal(map_update(map, &key, third, 4 | SPEC_MAP_FLAG_NOEXIST, 0), -EEXIST);
}

/* A walk goes on where it was, whatever the callback removes and inserts, and comes to an end. */
static void test_map_walk_ends_while_entries_come_and_go(void **state)
{
    enum { ENTRIES = 32 };
    const struct map_def def = {"m", SPEC_MAP_HASH, 4, 8, ENTRIES, 0, 0};
    static _Alignas(64) uint8_t memory[16384];
    uint64_t random = 1;

    (void)state;
    for (uint32_t round = 0; round < 3000; round++) {
        struct map *map;
        struct map_walk walk;
        uint32_t key, count = 0, there = 0;
        void *value;

        memset(memory, 0, sizeof(memory));
        map = map_init(memory, &def);
        for (uint32_t k = 0; k < ENTRIES / 2 + round % 16; k++)
            there += !map_update(map, &k, &random, SPEC_MAP_FLAG_ANY, 0);
        map_walk_start(map, &walk);
        while (map_walk_next(map, &walk, 0, &key, &value)) {
            count++;
            assert_ptr_equal(map_lookup(map, &key, 0), value); /* it is there */
            for (uint32_t n = 0; n < round % 3; n++) {
                const uint32_t other = random_below(&random, 32);

                if (random_below(&random, 2))
                    map_delete(map, &other);
                else
                    map_update(map, &other, &random, SPEC_MAP_FLAG_ANY, 0);
            }
            if (round % 3 == 1) /* itself */
                map_delete(map, &key);
        }
        assert_in_range(count, round % 3 ? 1 : there, round % 3 ? ENTRIES : there);
        assert_int_equal(walk.count, count);
    }
}

static void test_map_bad_definition_refused_with_reason(void **state)
{
    static const struct map_def bad[] = {
        {"m", SPEC_MAP_ARRAY, 8, 8, 1, 0, 0},
        {"m", SPEC_MAP_ARRAY, 4, 0, 1, 0, 0},
        {"m", SPEC_MAP_ARRAY, 4, 8, 0, 0, 0},
        {"m", SPEC_MAP_ARRAY, 4, 8, 1, 1, 0},               /* BPF_F_NO_PREALLOC */
        {"m", SPEC_MAP_ARRAY, 4, 8, 1, 1 << 7 | 1 << 8, 0}, /* neither read nor written */
        {"m", SPEC_MAP_HASH, 0, 8, 1, 0, 0},
        {"m", SPEC_MAP_HASH, 4, 0, 1, 0, 0},
        {"m", SPEC_MAP_HASH, 513, 8, 1, 0, 0},
        {"m", SPEC_MAP_HASH, 4, 8, UINT32_MAX, 0, 0},
        {"m", SPEC_MAP_HASH, 4, 8, 1, 1 << 10, 0}, /* BPF_F_MMAPABLE */
        {"m", SPEC_MAP_PERCPU_ARRAY, 4, 32769, 1, 0, 0},
        {"m", SPEC_MAP_DEVMAP, 4, 12, 1, 0, 0},
        {"m", SPEC_MAP_XSKMAP, 4, 8, 1, 0, 0},
        {"m", SPEC_MAP_CPUMAP, 4, 4, 100000, 0, 0},
        {"m", SPEC_MAP_LRU_HASH, 4, 4, 1, 1, 0},               /* BPF_F_NO_PREALLOC */
        {"m", SPEC_MAP_LRU_HASH, 4, 4, 1, 1 << 1 | 1 << 2, 0}, /* NO_COMMON_LRU, NUMA_NODE */
        {"m", SPEC_MAP_HASH, 4, 4, 1, 1 << 1, 0},              /* BPF_F_NO_COMMON_LRU */
        {"m", SPEC_MAP_COUNT, 4, 4, 1, 0, 0},
        {"m", UINT32_MAX, 4, 4, 1, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *why = NULL;

        assert_int_equal(map_size_bytes(&bad[i], &why), 0);
        assert_non_null(why);
        assert_true(strlen(why) > 5);
    }
}

/* The longest chain of a hash map's buckets. */
static uint32_t longest_chain(const struct map *m)
{
    uint32_t most = 0;

    for (uint32_t b = 0; b <= m->hash.bucket_mask; b++) {
        uint32_t length = 0;

        for (uint32_t e = m->hash.buckets[b]; e != MAP_NO_ENTRY; e = m->hash.chain[e])
            length++;
        most = length > most ? length : most;
    }
    return most;
}

/* Keys that differ in two bytes only, wherever they lie, as addresses in network order do. */
static void test_map_hash_spreads_keys_that_differ_in_two_bytes(void **state)
{
    (void)state;
    for (uint32_t key_bytes = 4; key_bytes <= 40; key_bytes += 4) {
        for (uint32_t at = 0; at + 2 <= key_bytes; at++) {
            struct map *m = make(SPEC_MAP_HASH, key_bytes, 8, 4096);
            const uint64_t value = 0;

            for (uint32_t i = 0; i < 4096; i++) {
                uint8_t key[40] = {0};

                key[at] = (uint8_t)(i >> 6);
                key[at + 1] = (uint8_t)(i << 2);
                assert_int_equal(map_update(m, key, &value, ANY, 0), 0);
            }
            assert_in_range(longest_chain(m), 1, 16);
            drop(m);
        }
    }
}

/* What a program does not write of a record is what lay there: a record that reached over the end
 * has left bytes in front, and headers have the page they lie on behind the 3 of Linux's own. */
static void test_map_ring_record_over_the_end_leaves_bytes_in_front(void **state)
{
    struct map *m = make(SPEC_MAP_RINGBUF, 0, 0, 4096);
    uint8_t data[4096];
    const void *record;
    uint32_t bytes, page;
    uint8_t *reserved;

    (void)state;
    memset(data, 0xef, sizeof(data));
    assert_int_equal(map_ring_output(m, data, 4000), 0); /* with its header 4008 */
    assert_true(map_ring_next(m, &record, &bytes));
    memset(data, 0xab, sizeof(data));
    assert_int_equal(map_ring_output(m, data, 200), 0); /* to 4216, which is 120 */
    assert_true(map_ring_next(m, &record, &bytes));
    memset(data, 0xcd, sizeof(data));
    assert_int_equal(map_ring_output(m, data, 4096 - 120 - 8), 0); /* to the end */
    assert_true(map_ring_next(m, &record, &bytes));
    reserved = map_ring_reserve(m, 200);
    assert_non_null(reserved);
    for (uint32_t i = 0; i < 112; i++)
        assert_int_equal(reserved[i], 0xab);
    memcpy(&page, reserved - 4, sizeof(page));
    assert_int_equal(page, 3);
    drop(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map_array_update_checks_in_linux_order),
        cmocka_unit_test(test_map_hash_holds_max_entries),
        cmocka_unit_test(test_map_hash_entries_taken_in_order),
        cmocka_unit_test(test_map_hash_replaces_in_spare_entry),
        cmocka_unit_test(test_map_percpu_hash_update_by_program_clears_other_cpus),
        cmocka_unit_test(test_map_percpu_array_values_apart),
        cmocka_unit_test(test_map_walk_visits_each_key_once),
        cmocka_unit_test(test_map_walk_of_array_is_by_index),
        cmocka_unit_test(test_map_hash_tells_keys_apart_by_any_byte),
        cmocka_unit_test(test_map_hash_spreads_keys_that_differ_in_two_bytes),
        cmocka_unit_test(test_map_cpumap_queue_has_a_most),
        cmocka_unit_test(test_map_devmap_target_checks),
        cmocka_unit_test(test_map_locked_update_seen_through_old_pointer),
        cmocka_unit_test(test_map_walk_ends_while_entries_come_and_go),
        cmocka_unit_test(test_map_bad_definition_refused_with_reason),
        cmocka_unit_test(test_map_ring_record_over_the_end_leaves_bytes_in_front),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
