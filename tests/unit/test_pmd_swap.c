/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/executor.h"
#include "host/pmd/pmd.h"
#include "tests/common/pmd/bench.h"
#include "tests/common/pmd/counting.h"
#include "tests/common/sim_nic.h"

#include <errno.h>
#include <pthread.h>
#include <rte_ethdev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* Programs that replace each other in the simulated NIC while packets flow, through the driver's
 * calls. What the host sends comes back by the port's loopback, so each packet is known.
 * SLUICE_SWAPS: how many swaps; fewer without it. */

enum {
    RING = 128,
    MBUFS = 1023,
    BURST = 16,
    BURSTS = 4, /* that are sent before a swap */
    FLOWS = 4,
    PACKET_BYTES = 70,
    SWAPS = 30,
    NIC_CORES = 4, /* of the model that ./dev build makes: a swap is between packets of them all */
    A_ID = 0xa1,
    B_ID = 0xb2,
    HOST_KEY = 1000, /* of entries that only the host makes */
};

struct bench {
    struct pmd *pmd;
    uint16_t port;
    char path[4][SIM_NIC_PATH_BYTES];
    uint32_t sequence[FLOWS], expected[FLOWS]; /* next to send, to come */
    uint32_t packets[2];                       /* of program a, b */
    uint32_t setting;                          /* last one seen */
    uint32_t sent, received;
    uint8_t *who; /* by packet, in the order in which they were sent */
};

const struct pmd_bench_size pmd_bench_size = {.mbufs = MBUFS, .room_bytes = 1024};

static int open_bench(void **state)
{
    struct rte_eth_dev *eth = pmd_bench_sim(5, 10, RING);
    struct bench *b = calloc(1, sizeof(*b));
    uint32_t cores = 0;

    *state = b;
    if (!eth)
        return 0;
    assert_true(sim_nic_program(program_a, b->path[0]));
    assert_true(sim_nic_program(program_b, b->path[1]));
    assert_true(sim_nic_program(program_other, b->path[2]));
    assert_true(sim_nic_program(program_path, b->path[3]));
    b->port = eth->data->port_id;
    b->pmd = pmd_of_port(b->port);
    assert_int_equal(nic_read(&b->pmd->nic, b->pmd->nic.slot + SPEC_CSR_CORES, &cores), 0);
    assert_int_equal(cores, NIC_CORES);
    return 0;
}

static int close_bench(void **state)
{
    struct bench *b = *state;

    if (b->pmd)
        pmd_bench_close(b->port);
    for (uint32_t i = 0; i < 4; i++)
        unlink(b->path[i]);
    free(b);
    return 0;
}

/* --- packets --- */

static void send_burst(struct bench *b, uint16_t count)
{
    struct rte_mbuf *burst[BURST];

    for (uint16_t i = 0; i < count; i++) {
        const uint32_t flow = b->sent++ % FLOWS;
        uint8_t *data;

        burst[i] = pmd_bench_packet(pmd_bench_pool(), PACKET_BYTES, 0);
        data = rte_pktmbuf_mtod(burst[i], uint8_t *);
        data[AT_FLOW] = (uint8_t)flow;
        data[AT_PATH] = b->sent % 8 == 5;
        memcpy(data + AT_SEQUENCE, &b->sequence[flow], sizeof(uint32_t));
        b->sequence[flow]++;
    }
    pmd_bench_send(b->port, burst, count);
}

/* A packet that has come: wholly one program's, in order, and counted after those before it. */
static void check(struct bench *b, const struct rte_mbuf *m)
{
    const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
    const int info = b->pmd->fields.info;
    const uint32_t flow = data[AT_FLOW], id = data[AT_FIRST];
    const uint32_t setting = pmd_bench_word(data, AT_SETTING);

    assert_int_equal(m->pkt_len, PACKET_BYTES);
    assert_int_equal(RTE_MBUF_DYNFIELD(m, (size_t)info, const struct rte_pmd_sluice_info *)->number,
                     (uint16_t)b->received);
    assert_true(id == A_ID || id == B_ID);
    assert_int_equal(data[AT_LAST], id);
    assert_true(flow < FLOWS);
    assert_int_equal(pmd_bench_word(data, AT_SEQUENCE), b->expected[flow]);
    b->expected[flow]++;
    assert_int_equal(pmd_bench_word(data, AT_COUNT), b->expected[flow]);
    assert_true(setting >= b->setting);
    b->setting = setting;
    b->packets[id == B_ID]++;
    if (b->who)
        b->who[(b->expected[flow] - 1) * FLOWS + flow] = (uint8_t)id;
    b->received++;
}

static void receive(struct bench *b)
{
    struct rte_mbuf *burst[BURST];
    const uint16_t n = rte_eth_rx_burst(b->port, 0, burst, BURST);

    for (uint16_t i = 0; i < n; i++) {
        check(b, burst[i]);
        rte_pktmbuf_free(burst[i]);
    }
}

static void receive_all(struct bench *b)
{
    for (uint32_t i = 0; b->received < b->sent; i++) {
        assert_true(i < 100000);
        receive(b);
    }
}

/* --- programs and maps --- */

static void swap_to(struct bench *b, uint32_t program, uint32_t flags,
                    struct rte_pmd_sluice_swap *done)
{
    const struct rte_pmd_sluice_program what = {.path = b->path[program]};

    pmd_bench_swap(b->port, &what, flags, done);
}

static void put(struct bench *b, const char *map, uint32_t key, uint64_t value)
{
    assert_int_equal(rte_pmd_sluice_map_update(b->port, map, &key, &value), 0);
}

static void start(struct bench *b)
{
    pmd_bench_load(b->port, b->path[0]);
    assert_int_equal(rte_eth_dev_start(b->port), 0);
}

/* Everything adds up: packets, and what both programs and the host have put into maps. */
static void check_all(struct bench *b, uint32_t host_entries)
{
    assert_int_equal(b->packets[0] + b->packets[1], b->sent);
    for (uint32_t f = 0; f < FLOWS; f++) {
        assert_int_equal(b->expected[f], b->sequence[f]);
        assert_int_equal(pmd_bench_value(b->port, "shared", f), b->sequence[f]);
        assert_int_equal(pmd_bench_value(b->port, "flows", f), b->sequence[f]);
    }
    for (uint32_t i = 0; i < host_entries; i++)
        assert_int_equal(pmd_bench_value(b->port, "flows", HOST_KEY + i), i);
    assert_int_equal(pmd_bench_value(b->port, "of_a", 0), b->packets[0]);
    assert_int_equal(pmd_bench_value(b->port, "of_b", 0), b->packets[1]);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_pass"), b->sent);
    assert_int_equal(pmd_bench_counter(b->port, "rx_missed_errors"), 0);
    assert_int_equal(pmd_bench_counter(b->port, "rx_errors"), 0);
}

/* How often the program changes from packet to packet. */
static uint32_t changes(const struct bench *b)
{
    uint32_t n = 0;

    for (uint32_t i = 1; i < b->sent; i++)
        n += b->who[i] != b->who[i - 1];
    return n;
}

static void test_swaps_under_load_lose_mix_and_forget_nothing(void **state)
{
    const char *wanted = getenv("SLUICE_SWAPS");
    const uint32_t swaps = wanted ? (uint32_t)atoi(wanted) : SWAPS;
    struct bench *b = *state;
    struct rte_pmd_sluice_swap done;
    uint64_t inside = 0;
    uint32_t *before, waited = 0;

    sim_nic_needed();
    before = calloc(swaps, sizeof(*before));
    b->who = calloc((BURSTS + 1) * BURST, swaps);
    start(b);
    for (uint32_t i = 0; i < swaps; i++) {
        put(b, "setting", 0, i);
        if (i < 32)
            put(b, "flows", HOST_KEY + i, i);
        for (uint32_t k = 0; k < BURSTS; k++)
            send_burst(b, BURST);
        nic_advance(&b->pmd->nic, (i * 37) % 400);
        inside += b->sent - b->received;
        before[i] = b->sent;
        swap_to(b, 1 - i % 2, 0, &done);
        assert_true(done.in_place);
        assert_int_equal(done.stayed, 3);
        assert_int_equal(done.moved, 3);
        assert_int_equal(done.fresh, 0);
        send_burst(b, BURST);
        put(b, "setting", 0, i + 1);
        receive(b);
        while (b->sent - b->received > BURST)
            receive(b);
    }
    receive_all(b);
    check_all(b, swaps < 32 ? swaps : 32);
    assert_true(b->packets[0] > swaps && b->packets[1] > swaps);
    assert_int_equal(changes(b), swaps);
    for (uint32_t i = 0; i < swaps; i++) /* the last that was sent before */
        waited += b->who[before[i] - 1] == (i % 2 ? A_ID : B_ID);
    assert_true(waited > swaps / 2);
    print_message("%u swaps, %u packets, %.1f sent and not received when one began; %u took over "
                  "in the midst of those\n",
                  swaps, b->sent, (double)inside / swaps, waited);
    free(b->who);
    free(before);
}

/* Maps that can't stay: refused, and the program goes on; on request they are copied. */
static void test_maps_that_cannot_stay_are_copied_on_request_only(void **state)
{
    struct bench *b = *state;
    const struct rte_pmd_sluice_program what = {.path = b->path[2]};
    struct rte_pmd_sluice_swap done;
    char why[EXEC_WHY_BYTES];
    uint32_t key = 1;
    uint64_t value;

    sim_nic_needed();
    start(b);
    send_burst(b, BURST);
    receive_all(b);
    send_burst(b, BURST); /* are under way meanwhile */
    assert_int_equal(rte_pmd_sluice_program_swap(b->port, &what, 0, &done, why, sizeof(why)),
                     -EXDEV);
    assert_non_null(strstr(why, "another map of its number"));
    receive_all(b);
    assert_int_equal(b->packets[0], 2 * BURST);
    swap_to(b, 2, RTE_PMD_SLUICE_SWAP_MIGRATE, &done);
    assert_int_equal(done.in_place, 0);
    assert_int_equal(done.moved, 2);
    assert_int_equal(done.fresh, 1);
    for (uint32_t f = 0; f < FLOWS; f++)
        assert_int_equal(pmd_bench_value(b->port, "shared", f), b->sequence[f]);
    assert_int_equal(rte_pmd_sluice_map_lookup(b->port, "flows", &key, &value), -ENOENT);
    swap_to(b, 0, RTE_PMD_SLUICE_SWAP_MIGRATE, &done);
    for (uint32_t f = 0; f < FLOWS; f++) /* the array went to and fro, the hash begins anew */
        assert_int_equal(pmd_bench_value(b->port, "shared", f), b->sequence[f]);
    send_burst(b, BURST);
    receive_all(b);
    assert_int_equal(pmd_bench_value(b->port, "flows", 1), BURST / FLOWS);
}

/* To the host's CPU and back: packets wait, and what maps hold goes with the program. */
static void test_programs_move_between_device_and_host(void **state)
{
    struct bench *b = *state;
    const struct rte_pmd_sluice_program what = {.path = b->path[1]};
    struct rte_pmd_sluice_swap done;
    char why[EXEC_WHY_BYTES];

    sim_nic_needed();
    start(b);
    for (uint32_t i = 0; i < 4; i++) {
        send_burst(b, BURST);
        b->pmd->offload = i % 2 ? PMD_OFFLOAD_PREFER : PMD_OFFLOAD_NEVER;
        assert_int_equal(rte_pmd_sluice_program_swap(b->port, &what, 0, NULL, why, sizeof(why)),
                         -EXDEV);
        assert_non_null(strstr(why, "on the host's CPU"));
        swap_to(b, 1 - i % 2, RTE_PMD_SLUICE_SWAP_MIGRATE, &done);
        assert_int_equal(done.in_place, 0);
        assert_int_equal(done.moved, 6);
        send_burst(b, BURST);
        receive_all(b);
        for (uint32_t f = 0; f < FLOWS; f++) {
            assert_int_equal(pmd_bench_value(b->port, "shared", f), b->sequence[f]);
            assert_int_equal(pmd_bench_value(b->port, "flows", f), b->sequence[f]);
        }
    }
    assert_int_equal(b->packets[0] + b->packets[1], 8 * BURST);
    assert_int_equal(pmd_bench_value(b->port, "of_a", 0), b->packets[0]);
    assert_int_equal(pmd_bench_value(b->port, "of_b", 0), b->packets[1]);
    assert_true(b->packets[0] >= 2 * BURST && b->packets[1] >= 2 * BURST);
}

static void swap_on(struct bench *b, uint32_t program, const char *executor,
                    struct rte_pmd_sluice_swap *done)
{
    const struct rte_pmd_sluice_program what = {.path = b->path[program], .executor = executor};

    pmd_bench_swap(b->port, &what, RTE_PMD_SLUICE_SWAP_MIGRATE, done);
    pmd_bench_executor_is(b->port, executor);
}

/* The slot becomes another one while packets are everywhere: those at the wire wait, all others are
 * the old program's. */
static void test_programs_move_between_core_pipelines_and_host(void **state)
{
    static const char *const ways[] = {"pipeline", "interp",   "microcode",
                                       "pipeline", "pipeline", "interp"};
    struct bench *b = *state;
    struct rte_pmd_sluice_swap done;
    uint64_t time = 0, last = 0, bytes = 0;
    struct rte_eth_stats stats;

    sim_nic_needed();
    b->pmd->core_model = strdup(sim_nic_model());
    start(b);
    for (uint32_t i = 0; i < RTE_DIM(ways); i++) {
        put(b, "setting", 0, i);
        put(b, "flows", HOST_KEY + i, i);
        for (uint32_t k = 0; k < BURSTS; k++)
            send_burst(b, BURST);
        nic_advance(&b->pmd->nic, i * 97 % 400);
        assert_int_equal(nic_time(&b->pmd->nic, &last), 0);
        swap_on(b, 1 - i % 2, ways[i], &done);
        assert_int_equal(done.in_place, 0);
        assert_int_equal(done.moved, 6);
        assert_int_equal(nic_time(&b->pmd->nic, &time), 0);
        assert_true(time > last);
        put(b, "setting", 0, i + 1);
        send_burst(b, BURST);
        receive_all(b);
        assert_int_equal(rte_eth_stats_get(b->port, &stats), 0);
        assert_int_equal(stats.ipackets, b->sent);
        assert_int_equal(stats.opackets, b->sent);
        assert_true(stats.ibytes > bytes);
        bytes = stats.ibytes;
    }
    check_all(b, RTE_DIM(ways));
}

/* What the device is told to become in place of what it should. */
static const char *no_model;
static const struct dev_ops *ops;

static int open_no_model(struct dev *dev, const char *model, char *why, size_t why_bytes)
{
    (void)model;
    return ops->reopen(dev, no_model, why, why_bytes);
}

/* Packets are under way, the program goes on with all of them, and the reason says why. */
static void fail_to_become(struct bench *b, const char *executor, const char *before)
{
    const struct rte_pmd_sluice_program what = {.path = b->path[1], .executor = executor};
    char why[EXEC_WHY_BYTES];
    struct dev_ops others;
    int err;

    ops = b->pmd->dev->ops;
    others = *ops;
    others.reopen = open_no_model;
    for (uint32_t k = 0; k < BURSTS; k++)
        send_burst(b, BURST);
    b->pmd->dev->ops = &others;
    err = rte_pmd_sluice_program_swap(b->port, &what, RTE_PMD_SLUICE_SWAP_MIGRATE, NULL, why,
                                      sizeof(why));
    b->pmd->dev->ops = ops;
    assert_true(err < 0 && err != -EIO);
    assert_non_null(strstr(why, no_model));
    pmd_bench_executor_is(b->port, before);
    send_burst(b, BURST);
    receive_all(b);
    assert_int_equal(pmd_bench_value(b->port, "of_a", 0), b->sent);
}

static void test_model_that_is_none_leaves_the_program_where_it_is(void **state)
{
    struct bench *b = *state;
    struct rte_pmd_sluice_swap done;
    uint64_t of_path;

    sim_nic_needed();
    b->pmd->core_model = strdup(sim_nic_model());
    pmd_bench_load(b->port, b->path[3]);
    assert_int_equal(rte_eth_dev_start(b->port), 0);
    for (uint32_t i = 0; i < 2; i++) {
        /* a file that is no library, and a library that is no model */
        no_model = i ? SLUICE_BUILD_ROOT "/sluice-sim.so" : b->path[0];
        fail_to_become(b, "pipeline", "microcode");
        of_path = pmd_bench_counter(b->port, "rx_fallback_path_packets");
        assert_int_equal(of_path, b->sent / 8);
    }
    swap_on(b, 0, "interp", &done);
    fail_to_become(b, "pipeline", "interp");
    swap_on(b, 0, "pipeline", &done);
    fail_to_become(b, "microcode", "pipeline");
    check_all(b, 0);
    assert_int_equal(pmd_bench_counter(b->port, "rx_fallback_path_packets"), of_path);
}

/* Swaps beside an application that polls. */
struct changer {
    struct bench *b;
    atomic_uint changes;
    atomic_int err;
    char why[EXEC_WHY_BYTES];
};

static const char *const executors[] = {"pipeline", "microcode", "pipeline", "interp", "microcode"};

static void *change_slots(void *arg)
{
    struct changer *c = arg;

    for (uint32_t i = 0; i < RTE_DIM(executors) && !c->err; i++) {
        const struct rte_pmd_sluice_program what = {.path = c->b->path[1 - i % 2],
                                                    .executor = executors[i]};

        c->err = rte_pmd_sluice_program_swap(c->b->port, &what, RTE_PMD_SLUICE_SWAP_MIGRATE, NULL,
                                             c->why, sizeof(c->why));
        atomic_fetch_add(&c->changes, 1);
    }
    return NULL;
}

static void test_application_polls_on_while_slots_change(void **state)
{
    struct bench *b = *state;
    struct changer c = {.b = b};
    pthread_t thread;

    sim_nic_needed();
    b->pmd->core_model = strdup(sim_nic_model());
    start(b);
    assert_int_equal(pthread_create(&thread, NULL, change_slots, &c), 0);
    while (atomic_load(&c.changes) < RTE_DIM(executors) && !c.err) {
        if (b->sent - b->received < 2 * BURST)
            send_burst(b, BURST);
        receive(b);
    }
    pthread_join(thread, NULL);
    if (c.err)
        fail_msg("%s", c.why);
    send_burst(b, BURST);
    receive_all(b);
    check_all(b, 0);
    pmd_bench_executor_is(b->port, "microcode");
    assert_true(b->packets[0] && b->packets[1]);
}

/* A program that is loaded anew finds nothing of what was there before. */
static void test_load_begins_with_empty_maps(void **state)
{
    struct bench *b = *state;
    const struct rte_pmd_sluice_program what = {.path = b->path[1]};
    char why[EXEC_WHY_BYTES];

    sim_nic_needed();
    start(b);
    send_burst(b, BURST);
    receive_all(b);
    assert_int_equal(rte_pmd_sluice_program_load(b->port, &what, why, sizeof(why)), 0);
    for (uint32_t f = 0; f < FLOWS; f++)
        assert_int_equal(pmd_bench_value(b->port, "shared", f), 0);
    memset(b->expected, 0, sizeof(b->expected));
    memset(b->sequence, 0, sizeof(b->sequence));
    send_burst(b, BURST);
    receive_all(b);
    assert_int_equal(b->packets[1], BURST);
}

/* Keys one after the other, on the device and on the host: arrays by index, of a hash all. */
static void test_keys_of_maps_are_walked(void **state)
{
    struct bench *b = *state;
    struct rte_pmd_sluice_swap done;
    uint32_t key = 99;

    sim_nic_needed();
    start(b);
    send_burst(b, BURST);
    receive_all(b);
    for (uint32_t on_host = 0; on_host < 2; on_host++) {
        uint64_t seen = 0, other;

        assert_int_equal(rte_pmd_sluice_map_next_key(b->port, "shared", NULL, &key), 0);
        for (uint32_t f = 0; f + 1 < FLOWS; f++) {
            assert_int_equal(key, f);
            assert_int_equal(rte_pmd_sluice_map_next_key(b->port, "shared", &key, &key), 0);
        }
        assert_int_equal(rte_pmd_sluice_map_next_key(b->port, "flows", NULL, &key), 0);
        for (uint32_t n = 0; n < FLOWS; n++) {
            assert_true(key < FLOWS && !(seen >> key & 1));
            seen |= UINT64_C(1) << key;
            assert_int_equal(rte_pmd_sluice_map_next_key(b->port, "flows", &key, &key),
                             n + 1 < FLOWS ? 0 : -ENOENT);
        }
        key = 1000; /* has no entry: the first one again */
        assert_int_equal(rte_pmd_sluice_map_next_key(b->port, "flows", &key, &key), 0);
        assert_int_equal(rte_pmd_sluice_map_next_key(b->port, "flows", NULL, &other), 0);
        assert_memory_equal(&key, &other, sizeof(key));
        assert_int_equal(rte_pmd_sluice_map_next_key(b->port, "nosuch", NULL, &key), -ENXIO);
        assert_int_equal(rte_pmd_sluice_map_next_key(99, "flows", NULL, &key), -ENODEV);
        b->pmd->offload = PMD_OFFLOAD_NEVER;
        swap_to(b, 1, RTE_PMD_SLUICE_SWAP_MIGRATE, &done);
    }
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BENCH(test_swaps_under_load_lose_mix_and_forget_nothing),
        ON_BENCH(test_maps_that_cannot_stay_are_copied_on_request_only),
        ON_BENCH(test_programs_move_between_device_and_host),
        ON_BENCH(test_programs_move_between_core_pipelines_and_host),
        ON_BENCH(test_model_that_is_none_leaves_the_program_where_it_is),
        ON_BENCH(test_application_polls_on_while_slots_change),
        ON_BENCH(test_load_begins_with_empty_maps),
        ON_BENCH(test_keys_of_maps_are_walked),
    };

    setenv("MODEL_OPT", "-O0", 0); /* of pipelines, for which a few packets run */
    return cmocka_run_group_tests(tests, pmd_bench_start, pmd_bench_end);
}
