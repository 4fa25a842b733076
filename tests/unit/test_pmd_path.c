/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/executor.h"
#include "host/pmd/fallback/path.h"
#include "host/pmd/pmd.h"
#include "tests/common/pmd/bench.h"
#include "tests/common/sim_nic.h"

#include <errno.h>
#include <rte_ethdev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

/* A program of which the host has a path, on the simulated NIC: what becomes of a packet of the
 * path, and of those behind it, when it finds no descriptor, or the port or the program goes. What
 * the host sends comes back by the port's loopback. */

enum {
    RING = 64,
    MBUFS = 1023,
    BURST = 16,
    BEHIND = 12, /* packets that wait behind one of the path, and find room in the NIC */
    CLOCKS = 30000,
    QUIET = 40,
    TURNS = 4000,
    AT_KIND = 20, /* in a packet, behind its number: written by the host ... */
    OF_PATH = 1,
    AT_COUNT = 24, /* ... and by the program */
    AT_DIGIT = 28,
    DIGIT = 7,
};

/* Numbers all packets; those of the path have a digit, too, which the host alone can read. */
#define PROGRAM(name)                                                                              \
    ".program " name "\n.map total array 4 8 1\n"                                                  \
    "r6 = *(u32 *)(r1 + 0)\nr7 = *(u32 *)(r1 + 4)\nr2 = r6\nr2 += 64\nif r2 > r7 goto drop\n"      \
    "r8 = 0\nr3 = *(u8 *)(r6 + 20)\nif r3 != 1 goto count\n" PMD_BENCH_STRTOL                      \
    "r8 = *(u64 *)(r10 - 32)\ncount:\n"                                                            \
    "r3 = 0\n*(u32 *)(r10 - 4) = r3\nr2 = r10\nr2 += -4\nr1 = map[total] ll\n"                     \
    "call bpf_map_lookup_elem\nif r0 == 0 goto drop\n"                                             \
    "r3 = *(u64 *)(r0 + 0)\nr3 += 1\n*(u64 *)(r0 + 0) = r3\n"                                      \
    "*(u32 *)(r6 + 24) = r3\n*(u32 *)(r6 + 28) = r8\nr0 = 2\nexit\ndrop:\nr0 = 1\nexit\n"

struct bench {
    struct pmd *pmd;
    uint16_t port;
    char path[2][SIM_NIC_PATH_BYTES];
    uint32_t sent, received;
    uint32_t next;  /* the least number that may come */
    uint32_t count; /* of the last packet */
    uint32_t of_path;
};

const struct pmd_bench_size pmd_bench_size = {.mbufs = MBUFS, .room_bytes = 1024};

static void executor_and_reason(struct bench *b)
{
    struct rte_pmd_sluice_program_info info;

    assert_int_equal(rte_pmd_sluice_program_info(b->port, &info), 0);
    assert_string_equal(info.executor, "microcode");
    assert_non_null(strstr(info.reason, "bpf_strtol"));
}

static int open_bench(void **state)
{
    struct rte_eth_dev *eth = pmd_bench_sim(11, 10, RING);
    struct bench *b = calloc(1, sizeof(*b));

    *state = b;
    if (!eth)
        return 0;
    b->port = eth->data->port_id;
    b->pmd = pmd_of_port(b->port);
    assert_true(sim_nic_program(PROGRAM("first"), b->path[0]));
    assert_true(sim_nic_program(PROGRAM("second"), b->path[1]));
    pmd_bench_load(b->port, b->path[0]);
    executor_and_reason(b);
    assert_int_equal(rte_eth_dev_start(b->port), 0);
    return 0;
}

static int close_bench(void **state)
{
    struct bench *b = *state;

    if (b->pmd)
        pmd_bench_close(b->port);
    for (int i = 0; i < 2; i++)
        unlink(b->path[i]);
    free(b);
    return 0;
}

static uint64_t total(struct bench *b)
{
    return pmd_bench_value(b->port, "total", 0);
}

static void send_packets(struct bench *b, uint32_t count)
{
    pmd_bench_send_numbers(b->port, count, &b->sent);
}

static void send_of_path(struct bench *b)
{
    struct rte_mbuf *m = pmd_bench_packet(pmd_bench_pool(), PMD_BENCH_BYTES, 0x5a);
    uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);

    memcpy(data + PMD_BENCH_NUMBER_AT, &b->sent, sizeof(b->sent));
    data[AT_KIND] = OF_PATH;
    pmd_bench_send(b->port, &m, 1);
    b->sent++;
}

/* A burst: in order, none twice, the program's numbers in the order of packets. */
static uint32_t receive(struct bench *b)
{
    struct rte_mbuf *burst[BURST];
    const uint16_t n = rte_eth_rx_burst(b->port, 0, burst, BURST);

    for (uint16_t i = 0; i < n; i++) {
        const uint8_t *data = rte_pktmbuf_mtod(burst[i], const uint8_t *);
        const uint32_t number = pmd_bench_word(data, PMD_BENCH_NUMBER_AT);
        const bool of_path = data[AT_KIND] == OF_PATH;

        assert_int_equal(burst[i]->pkt_len, PMD_BENCH_BYTES);
        assert_true(number >= b->next);
        b->next = number + 1;
        assert_true(pmd_bench_word(data, AT_COUNT) > b->count);
        b->count = pmd_bench_word(data, AT_COUNT);
        assert_int_equal(pmd_bench_word(data, AT_DIGIT), of_path ? DIGIT : 0);
        b->of_path += of_path;
        b->received++;
        rte_pktmbuf_free(burst[i]);
    }
    return n;
}

/* Until nothing comes any more. */
static void receive_rest(struct bench *b)
{
    for (int quiet = 0; quiet < QUIET; quiet++)
        if (receive(b))
            quiet = 0;
}

/* Until a packet of the path has left the slot, which nobody runs. */
static void wait_for_held(struct bench *b)
{
    for (uint32_t i = 0; !pmd_path_held(&b->pmd->nic); i++) {
        assert_true(i < TURNS);
        nic_advance(&b->pmd->nic, 64);
    }
}

/* One of the path that waits, with others before and behind it. */
static void send_and_hold(struct bench *b)
{
    send_packets(b, BEHIND);
    send_of_path(b);
    send_packets(b, BEHIND);
    wait_for_held(b);
    nic_advance(&b->pmd->nic, CLOCKS);
    assert_true(pmd_path_held(&b->pmd->nic));
}

/* Packets come and go as if nothing had been: each is numbered once. */
static void check_well(struct bench *b)
{
    const uint64_t path = pmd_bench_counter(b->port, "rx_fallback_path_packets");
    const uint64_t missed = pmd_bench_counter(b->port, "rx_missed_errors");
    const uint64_t counted = total(b);
    const uint32_t before = b->received;

    for (int i = 0; i < 4; i++) {
        send_packets(b, BEHIND);
        send_of_path(b);
        send_packets(b, BEHIND);
        receive_rest(b);
    }
    assert_int_equal(b->received - before, 4 * (2 * BEHIND + 1));
    assert_int_equal(total(b) - counted, 4 * (2 * BEHIND + 1));
    assert_int_equal(b->count, total(b));
    assert_int_equal(pmd_bench_counter(b->port, "rx_fallback_path_packets") - path, 4);
    assert_int_equal(pmd_bench_counter(b->port, "rx_missed_errors"), missed);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_hung"), 0);
    assert_false(pmd_path_held(&b->pmd->nic));
}

/* Nobody receives until the ring is full, and then a packet of the path comes: it is lost, the
 * program has not seen it, and those behind it go on. */
static void test_path_packet_without_a_descriptor_is_lost_and_counted(void **state)
{
    struct bench *b = *state;

    sim_nic_needed();
    for (uint32_t i = 0; pmd_bench_counter(b->port, "rx_ring0_dropped") < BURST; i++) {
        assert_true(i < TURNS);
        send_packets(b, BURST);
        nic_advance(&b->pmd->nic, 2000);
    }
    nic_advance(&b->pmd->nic, CLOCKS);
    assert_int_equal(total(b), b->sent);
    send_of_path(b);
    send_packets(b, BEHIND);
    wait_for_held(b);
    nic_advance(&b->pmd->nic, CLOCKS);
    assert_int_equal(total(b), b->sent - BEHIND - 1); /* they wait */
    assert_int_equal(pmd_bench_counter(b->port, "rx_fallback_path_lost"), 0);
    receive_rest(b);
    assert_int_equal(b->received, RING + BEHIND);
    assert_int_equal(b->of_path, 0);
    assert_int_equal(total(b), b->sent - 1);
    assert_int_equal(pmd_bench_counter(b->port, "rx_fallback_path_lost"), 1);
    assert_int_equal(pmd_bench_counter(b->port, "rx_fallback_packets"), 0);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_pass"), b->sent - 1);
    assert_int_equal(pmd_bench_counter(b->port, "rx_missed_errors"), b->sent - b->received);
    check_well(b);
}

/* The same where the ring has descriptors that nobody fills: the pool has no buffers. */
static void test_path_packet_without_a_buffer_is_lost_and_counted(void **state)
{
    struct rte_mbuf *kept[MBUFS];
    struct bench *b = *state;
    uint32_t n;

    sim_nic_needed();
    for (uint32_t i = 0; i < RING / BURST + 1; i++) {
        send_packets(b, BURST);
        nic_advance(&b->pmd->nic, 2000);
    }
    send_of_path(b);
    send_packets(b, BEHIND);
    wait_for_held(b);
    n = rte_mempool_avail_count(pmd_bench_pool());
    assert_int_equal(rte_pktmbuf_alloc_bulk(pmd_bench_pool(), kept, n), 0);
    receive_rest(b);
    rte_pktmbuf_free_bulk(kept, n);
    receive_rest(b);
    assert_int_equal(pmd_bench_counter(b->port, "rx_fallback_path_lost"), 1);
    assert_int_equal(pmd_bench_counter(b->port, "rx_missed_errors"), b->sent - b->received);
    assert_int_equal(total(b), b->sent - 1);
    check_well(b);
}

/* The port stops while a packet of the path is in the core, on its way, or in its ring. */
static void test_path_packet_that_waits_when_the_port_stops_is_lost(void **state)
{
    struct bench *b = *state;

    sim_nic_needed();
    for (uint32_t i = 0; i < 12; i++) {
        if (i % 4 == 0) {
            send_and_hold(b);
        } else {
            send_packets(b, i);
            send_of_path(b);
            send_packets(b, BEHIND);
            nic_advance(&b->pmd->nic, i * 100);
        }
        assert_int_equal(rte_eth_dev_stop(b->port), 0);
        assert_int_equal(rte_eth_dev_start(b->port), 0);
        receive_rest(b);
        b->next = b->sent;
        check_well(b);
    }
    assert_int_equal(pmd_bench_counter(b->port, "rx_fallback_path_lost"), 0);
    assert_int_equal(pmd_bench_counter(b->port, "rx_errors"), 0);
}

/* Nothing is lost: it is run while the slot drains. */
static void test_path_packet_that_waits_is_run_before_the_program_goes(void **state)
{
    const struct rte_pmd_sluice_program none = {0};
    char why[EXEC_WHY_BYTES];
    struct bench *b = *state;
    uint64_t counted;

    sim_nic_needed();
    for (uint32_t i = 0; i < 6; i++) {
        const uint32_t before = b->received;

        send_and_hold(b);
        counted = total(b); /* in the slot, and those before the one of the path */
        assert_int_equal(counted, BEHIND);
        if (i % 2) {
            pmd_bench_load(b->port, b->path[1]); /* its maps begin anew */
            assert_int_equal(total(b), 0);
        } else {
            assert_int_equal(pmd_program_load(b->pmd, &none, why), 0);
        }
        assert_int_equal(pmd_bench_counter(b->port, "rx_fallback_path_packets"), i + 1);
        receive_rest(b);
        assert_int_equal(b->received - before, 2 * BEHIND + 1);
        assert_int_equal(b->count, 2 * BEHIND + 1);
        pmd_bench_load(b->port, b->path[0]);
        b->count = 0;
    }
    assert_int_equal(b->of_path, 6);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_pass"), b->sent);
    assert_int_equal(pmd_bench_counter(b->port, "rx_fallback_path_lost"), 0);
    assert_int_equal(pmd_bench_counter(b->port, "rx_missed_errors"), 0);
    check_well(b);
}

/* Swapped in place it can't be, and nothing happens; with its maps copied it is run before. */
static void test_path_packet_that_waits_is_run_before_a_swap(void **state)
{
    struct bench *b = *state;

    sim_nic_needed();
    for (uint32_t i = 0; i < 5; i++) {
        const struct rte_pmd_sluice_program what = {.path = b->path[1 - i % 2],
                                                    .executor = i == 4 ? "interp" : NULL};
        struct rte_pmd_sluice_swap done;
        char why[EXEC_WHY_BYTES];

        send_and_hold(b);
        assert_int_equal(rte_pmd_sluice_program_swap(b->port, &what, 0, &done, why, sizeof(why)),
                         -EXDEV);
        assert_non_null(strstr(why, "runs on the host's CPU"));
        assert_true(pmd_path_held(&b->pmd->nic));
        pmd_bench_swap(b->port, &what, RTE_PMD_SLUICE_SWAP_MIGRATE, &done);
        assert_int_equal(done.moved, 1);
        assert_int_equal(total(b), b->sent);
        receive_rest(b);
        assert_int_equal(b->received, b->sent);
        assert_int_equal(b->count, b->sent);
    }
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_pass"), b->sent);
    assert_int_equal(pmd_bench_counter(b->port, "rx_missed_errors"), 0);
    assert_int_equal(pmd_bench_counter(b->port, "rx_fallback_path_lost"), 0);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BENCH(test_path_packet_without_a_descriptor_is_lost_and_counted),
        ON_BENCH(test_path_packet_without_a_buffer_is_lost_and_counted),
        ON_BENCH(test_path_packet_that_waits_when_the_port_stops_is_lost),
        ON_BENCH(test_path_packet_that_waits_is_run_before_the_program_goes),
        ON_BENCH(test_path_packet_that_waits_is_run_before_a_swap),
    };

    return cmocka_run_group_tests(tests, pmd_bench_start, pmd_bench_end);
}
