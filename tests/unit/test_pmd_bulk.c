/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/executor.h"
#include "host/pmd/pmd.h"
#include "host/pmd/program/program.h"
#include "tests/common/pmd/bench.h"
#include "tests/common/sim_nic.h"

#include <errno.h>
#include <rte_ethdev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* What maps hold, read and written by the simulated NIC's own DMA and through its mailbox: both
 * must see the same. */

enum { HASH = 500, LRU = 150, PERCPU = 60, ARRAY = 300, BIG = 5, VALUE_MAX = 8192 };

#define LOOK(name)                                                                                 \
    "r2 = r10\nr2 += -4\nr1 = map[" name                                                           \
    "] ll\ncall bpf_map_lookup_elem\nif r0 == 0 goto next_" name                                   \
    "\nr3 = *(u8 *)(r0 + 0)\nnext_" name ":\n"

static const char program[] =
    ".program all\n.map array array 4 12 300\n.map big array 4 1000 5\n.map hash hash 4 40 500\n"
    ".map percpu percpu_hash 4 24 60\n.map lru lru_hash 4 8 150\n"
    "r3 = 0\n*(u32 *)(r10 - 4) = r3\n" LOOK("array") LOOK("big") LOOK("hash") LOOK("percpu")
        LOOK("lru") "r0 = 2\nexit\n";

struct bench {
    struct pmd *pmd;
    uint16_t port;
};

const struct pmd_bench_size pmd_bench_size = {.mbufs = 63, .room_bytes = 1024};

static int open_bench(void **state)
{
    struct rte_eth_dev *eth = pmd_bench_sim(5, 10, 32);
    struct bench *b = calloc(1, sizeof(*b));

    *state = b;
    if (!eth)
        return 0;
    b->port = eth->data->port_id;
    b->pmd = pmd_of_port(b->port);
    pmd_bench_load_text(b->port, program);
    return 0;
}

static int close_bench(void **state)
{
    struct bench *b = *state;

    if (b->pmd)
        pmd_bench_close(b->port);
    free(b);
    return 0;
}

/* A walk's entries: their number, and a sum over keys and values that knows their order. */
struct seen {
    uint32_t count;
    uint64_t sum;
    uint32_t key_bytes, value_bytes;
    bool with_values;
};

static uint64_t mix(uint64_t sum, const void *data, uint32_t bytes)
{
    const uint8_t *at = data;

    while (bytes--)
        sum = (sum ^ *at++) * UINT64_C(0x100000001b3);
    return sum;
}

static int see(void *ctx, const void *key, const void *values)
{
    struct seen *s = ctx;

    s->count++;
    s->sum = mix(mix(s->sum, key, s->key_bytes), values, s->value_bytes);
    return 0;
}

static struct seen walk(const struct bench *b, const char *map)
{
    struct exec *exec = b->pmd->program->exec;
    struct seen s = {.sum = UINT64_C(0xcbf29ce484222325)};
    uint32_t index, most;

    assert_int_equal(pmd_map_find(b->pmd->program, map, &index), 0);
    assert_int_equal(rte_pmd_sluice_map_sizes(b->port, map, &s.key_bytes, &s.value_bytes, &most),
                     0);
    assert_int_equal(exec->ops->map_walk(exec, index, see, &s), 0);
    return s;
}

static void fill(const struct bench *b, const char *map, uint32_t entries, uint32_t step)
{
    uint8_t values[VALUE_MAX], back[VALUE_MAX];
    uint32_t key_bytes, value_bytes, most;

    assert_int_equal(rte_pmd_sluice_map_sizes(b->port, map, &key_bytes, &value_bytes, &most), 0);
    assert_true(value_bytes <= sizeof(values));
    for (uint32_t i = 0; i < entries; i++) {
        const uint32_t key = i * step;

        for (uint32_t k = 0; k < value_bytes; k++)
            values[k] = (uint8_t)(key * 31 + k * 7 + (k >> 8));
        assert_int_equal(rte_pmd_sluice_map_update(b->port, map, &key, values), 0);
        if (i % 16 == 0) {
            assert_int_equal(rte_pmd_sluice_map_lookup(b->port, map, &key, back), 0);
            assert_memory_equal(back, values, value_bytes);
        }
    }
}

static void test_maps_hold_the_same_by_dma_and_by_mailbox(void **state)
{
    static const struct {
        const char *name;
        uint32_t entries, step, left;
    } maps[] = {{"array", ARRAY, 1, ARRAY},
                {"big", BIG, 1, BIG},
                {"hash", HASH, 7919, HASH - HASH / 3},
                {"percpu", PERCPU, 3, PERCPU - PERCPU / 3},
                {"lru", LRU, 11, LRU - LRU / 3}};
    const struct bench *b = *state;

    sim_nic_needed();
    assert_non_null(b->pmd->dev->bulk);
    for (uint32_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        const struct dev_bulk *bulk = b->pmd->dev->bulk;
        struct seen by_dma, by_mailbox;

        fill(b, maps[i].name, maps[i].entries, maps[i].step);
        for (uint32_t k = 2; maps[i].step > 1 && k < maps[i].entries; k += 3) {
            const uint32_t key = k * maps[i].step;

            assert_int_equal(rte_pmd_sluice_map_delete(b->port, maps[i].name, &key), 0);
        }
        memset(bulk->memory, 0x5a, bulk->bytes);
        by_dma = walk(b, maps[i].name);
        assert_int_not_equal(*(uint64_t *)bulk->memory, UINT64_C(0x5a5a5a5a5a5a5a5a));
        b->pmd->dev->bulk = NULL;
        by_mailbox = walk(b, maps[i].name);
        b->pmd->dev->bulk = bulk;
        assert_int_equal(by_dma.count, maps[i].left);
        assert_int_equal(by_mailbox.count, maps[i].left);
        assert_true(by_dma.sum == by_mailbox.sum);
    }
}

/* Memory that the device can't reach is an error, and nothing hangs. */
static void test_maps_by_dma_to_no_memory_is_an_error(void **state)
{
    const struct bench *b = *state;
    struct dev_bulk lost;
    const struct dev_bulk *bulk;
    struct seen s = {.key_bytes = 4, .value_bytes = 40};
    struct exec *exec;
    uint32_t index;

    sim_nic_needed();
    fill(b, "hash", HASH, 3);
    exec = b->pmd->program->exec;
    bulk = b->pmd->dev->bulk;
    lost = *bulk;
    lost.addr = UINT64_C(1) << 52;
    assert_int_equal(pmd_map_find(b->pmd->program, "hash", &index), 0);
    b->pmd->dev->bulk = &lost;
    assert_int_equal(exec->ops->map_walk(exec, index, see, &s), -EIO);
    assert_int_equal(s.count, 0);
    b->pmd->dev->bulk = bulk;
    assert_int_equal(walk(b, "hash").count, HASH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_maps_hold_the_same_by_dma_and_by_mailbox, open_bench,
                                        close_bench),
        cmocka_unit_test_setup_teardown(test_maps_by_dma_to_no_memory_is_an_error, open_bench,
                                        close_bench),
    };

    return cmocka_run_group_tests(tests, pmd_bench_start, pmd_bench_end);
}
