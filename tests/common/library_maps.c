/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/common/library_maps.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

static void use_hash(struct sluice_loaded *l)
{
    struct sluice_map *m = sluice_loaded_find_map_by_name(l, "hash");
    uint8_t value[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, got[13];
    uint32_t key = 1, next = 0;

    memset(got, 0xee, sizeof(got));
    assert_int_equal(sluice_map_lookup_elem(m, &key, 4, got, 12, 0), -ENOENT);
    assert_int_equal(sluice_map_update_elem(m, &key, 4, value, 12, BPF_EXIST), -ENOENT);
    assert_int_equal(sluice_map_update_elem(m, &key, 4, value, 12, BPF_NOEXIST), 0);
    assert_int_equal(sluice_map_update_elem(m, &key, 4, value, 12, BPF_NOEXIST), -EEXIST);
    assert_int_equal(sluice_map_update_elem(m, &key, 4, value, 12, 8), -EINVAL);
    assert_int_equal(sluice_map_lookup_elem(m, &key, 4, got, 12, 0), 0);
    assert_memory_equal(got, value, 12);
    assert_int_equal(got[12], 0xee); /* not a byte more */
    for (key = 2; key < 7; key++)
        assert_int_equal(sluice_map_update_elem(m, &key, 4, value, 12, BPF_ANY), 0);
    assert_int_equal(sluice_map_update_elem(m, &key, 4, value, 12, BPF_ANY), -E2BIG);
    key = 3;
    assert_int_equal(sluice_map_lookup_and_delete_elem(m, &key, 4, got, 12, 0), 0);
    assert_int_equal(sluice_map_delete_elem(m, &key, 4, 0), -ENOENT);
    key = 1;
    assert_int_equal(sluice_map_delete_elem(m, &key, 4, 0), 0);
    assert_int_equal(sluice_map_get_next_key(m, NULL, &next, 4), 0);
    assert_true(next == 2 || (next >= 4 && next <= 6));
}

static void use_others(struct sluice_loaded *l)
{
    struct sluice_map *array = sluice_loaded_find_map_by_name(l, "array");
    struct sluice_map *cpus = sluice_loaded_find_map_by_name(l, "cpus");
    struct sluice_map *queue = sluice_loaded_find_map_by_name(l, "queue");
    struct sluice_map *rodata = sluice_loaded_find_map_by_name(l, ".rodata");
    uint64_t each[4] = {1, 2, 3, 4}, got[4] = {0}, value = 5;
    uint32_t key = 3;

    assert_int_equal(sluice_map_update_elem(array, &key, 4, &value, 8, BPF_ANY), -E2BIG);
    assert_int_equal(sluice_map_lookup_elem(array, &key, 4, &value, 8, 0), -ENOENT);
    key = 0;
    assert_int_equal(sluice_map_delete_elem(array, &key, 4, 0), -EINVAL);
    assert_int_equal(sluice_map_update_elem(array, &key, 4, &value, 8, BPF_NOEXIST), -EEXIST);
    assert_int_equal(sluice_map_update_elem(cpus, &key, 4, each, 32, BPF_ANY), 0);
    assert_int_equal(sluice_map_lookup_elem(cpus, &key, 4, got, 32, 0), 0);
    assert_memory_equal(got, each, 32);
    for (value = 1; value < 5; value++)
        assert_int_equal(sluice_map_update_elem(queue, NULL, 0, &value, 8, 0), 0);
    assert_int_equal(sluice_map_update_elem(queue, NULL, 0, &value, 8, 0), -E2BIG);
    assert_int_equal(sluice_map_update_elem(queue, NULL, 0, &value, 8, BPF_EXIST), 0);
    assert_int_equal(sluice_map_lookup_elem(queue, NULL, 0, &value, 8, 0), 0);
    assert_int_equal(value, 2);
    assert_int_equal(sluice_map_lookup_and_delete_elem(queue, NULL, 0, &value, 8, 0), 0);
    assert_int_equal(value, 2);
    assert_int_equal(sluice_map_get_next_key(queue, NULL, &value, 0), -EINVAL);
    assert_int_equal(sluice_map_delete_elem(queue, NULL, 0, 0), -EINVAL);
    assert_int_equal(sluice_map_lookup_elem(rodata, &key, 4, &value, 8, 0), 0);
    assert_int_equal(value, 2);
    assert_int_equal(sluice_map_update_elem(rodata, &key, 4, &value, 8, 0), -EPERM);
}

static void use_batches(struct sluice_loaded *l)
{
    struct sluice_map *m = sluice_loaded_find_map_by_name(l, "hash");
    uint32_t keys[8] = {10, 11, 12, 13, 14, 15, 16, 17}, got[8], count = 6, seen = 0;
    uint8_t values[8][12] = {{1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}}, back[8][12];

    while (!sluice_map_get_next_key(m, NULL, got, 4))
        assert_int_equal(sluice_map_delete_elem(m, got, 4, 0), 0);
    assert_int_equal(sluice_map_update_batch(m, keys, values, &count, 0), 0);
    count = 8;
    assert_int_equal(sluice_map_update_batch(m, keys, values, &count, 0), -E2BIG);
    assert_int_equal(count, 6);
    count = 4;
    assert_int_equal(sluice_map_lookup_batch(m, NULL, got, back, &count), 0);
    assert_int_equal(count, 4);
    count = 4;
    assert_int_equal(sluice_map_lookup_batch(m, &got[3], got + 4, back[4], &count), -ENOENT);
    assert_int_equal(count, 2);
    for (uint32_t i = 0; i < 6; i++) {
        assert_true(got[i] >= 10 && got[i] < 16);
        assert_int_equal(back[i][0], got[i] - 9);
        seen |= 1u << (got[i] - 10);
    }
    assert_int_equal(seen, 0x3f);
    count = 7;
    assert_int_equal(sluice_map_delete_batch(m, keys, &count), -ENOENT);
    assert_int_equal(count, 6);
    count = 1;
    assert_int_equal(sluice_map_lookup_batch(m, NULL, got, back, &count), -ENOENT);
    assert_int_equal(count, 0);
}

void library_use_maps(struct sluice_loaded *l)
{
    use_hash(l);
    use_others(l);
    use_batches(l);
}
