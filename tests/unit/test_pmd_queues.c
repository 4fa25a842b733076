/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/executor.h"
#include "host/pmd/fallback/fallback.h"
#include "host/pmd/fallback/way.h"
#include "host/pmd/pmd.h"
#include "hw/spec/gen/xdp.h"
#include "tests/common/pmd/bench.h"
#include "tests/common/sim_nic.h"

#include <errno.h>
#include <pthread.h>
#include <rte_ethdev.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* A program on the host with several RX queues, beside the same program in the slot of the
 * simulated NIC: what each queue gets is the same, in the same order. What the host sends comes
 * back by the port's loopback. */

enum {
    QUEUES = 4,
    RING = 128,
    MBUFS = 511,
    SENDERS = 1023,
    BURST = 16,
    PACKETS = 320,
    FLOWS = 23,
    PACKET_BYTES = 90,
    TARGET = 77, /* that the program redirects to: a queue, by the device's table */
    TARGET_QUEUE = 1,
    /* offsets in a packet: what the host writes ... */
    AT_FLOW = 60,
    AT_SEQUENCE = 64,
    /* ... and the program */
    AT_COUNT = 68,
    AT_CPU = 72,
    AT_FLOW_COUNT = 76,
};

/* Numbers packets by a map of one entry, so that no two may change places; drops some, and
 * redirects some. */
#define ORDER(name, path)                                                                          \
    ".program " name "\n.map all array 4 8 1\n.map flows hash 4 8 64\n"                            \
    "r9 = r1\nr6 = *(u32 *)(r1 + 0)\nr7 = *(u32 *)(r1 + 4)\nr2 = r6\nr2 += 84\n"                   \
    "if r2 > r7 goto drop\n" path "r3 = 0\n*(u32 *)(r10 - 4) = r3\nr2 = r10\nr2 += -4\n"           \
    "r1 = map[all] ll\ncall bpf_map_lookup_elem\nif r0 == 0 goto drop\n"                           \
    "r8 = *(u64 *)(r0 + 0)\nr8 += 1\n*(u64 *)(r0 + 0) = r8\n*(u32 *)(r6 + 68) = r8\n"              \
    "r3 = *(u32 *)(r9 + 16)\n*(u32 *)(r6 + 72) = r3\n"                                             \
    "r3 = *(u32 *)(r6 + 60)\n*(u32 *)(r10 - 4) = r3\n"                                             \
    "r2 = r10\nr2 += -4\nr1 = map[flows] ll\ncall bpf_map_lookup_elem\nif r0 != 0 goto there\n"    \
    "r3 = 1\n*(u64 *)(r10 - 16) = r3\nr2 = r10\nr2 += -4\nr3 = r10\nr3 += -16\nr4 = 0\n"           \
    "r1 = map[flows] ll\ncall bpf_map_update_elem\ngoto end\n"                                     \
    "there:\nr3 = *(u64 *)(r0 + 0)\nr3 += 1\n*(u64 *)(r0 + 0) = r3\n*(u32 *)(r6 + 76) = r3\n"      \
    "end:\nr3 = r8\nr3 &= 15\nif r3 == 7 goto drop\nif r3 == 9 goto move\nr0 = 2\nexit\n"          \
    "move:\nr1 = 77\nr2 = 0\ncall bpf_redirect\nexit\n"                                            \
    "drop:\nr0 = 1\nexit\n"

/* What no device has, for flows 1, 5, 9, ... */
#define FOR_SOME "r3 = *(u32 *)(r6 + 60)\nr3 &= 3\nif r3 != 1 goto on\n" PMD_BENCH_STRTOL "on:\n"

enum program { WHOLE, PATH, PROGRAMS };
static const char *const programs[PROGRAMS] = {ORDER("order", ""), ORDER("path", FOR_SOME)};

struct bench {
    struct rte_eth_dev *eth;
    uint16_t port;
    char path[PROGRAMS][SIM_NIC_PATH_BYTES];
    uint32_t sequence[FLOWS]; /* next to send */
    uint32_t sent;
    atomic_uint taken; /* by all queues */
    struct got {
        uint32_t count;
        struct {
            uint32_t hash, bytes;
            uint8_t ret;
            uint8_t data[PACKET_BYTES];
        } packets[PACKETS];
    } got[QUEUES];
};

static struct rte_mempool *pools[QUEUES];

const struct pmd_bench_size pmd_bench_size = {.mbufs = SENDERS, .room_bytes = 1024};

static int start_pools(void **state)
{
    int err = pmd_bench_start(state);

    for (uint32_t i = 0; !err && i < QUEUES; i++) {
        const char name[] = {'q', (char)('0' + i), 0};

        pools[i] = pmd_bench_new_pool(name, MBUFS);
        err = pools[i] ? 0 : -1;
    }
    return err;
}

static int end_pools(void **state)
{
    for (uint32_t i = 0; i < QUEUES; i++)
        rte_mempool_free(pools[i]);
    return pmd_bench_end(state);
}

static struct pmd *pmd_of(const struct bench *b)
{
    return b->eth->data->dev_private;
}

static void open_port(struct bench *b, uint16_t queues)
{
    const struct rte_eth_conf conf = {
        .rxmode = {.mq_mode = RTE_ETH_MQ_RX_RSS},
        .rx_adv_conf = {.rss_conf = {.rss_hf = RTE_ETH_RSS_NONFRAG_IPV4_UDP}}};
    struct dev *dev = sim_nic_open(5, 10);

    assert_non_null(dev);
    b->eth = pmd_bench_open(dev);
    b->port = b->eth->data->port_id;
    assert_int_equal(rte_eth_dev_configure(b->port, queues, 1, &conf), 0);
    for (uint16_t i = 0; i < queues; i++)
        assert_int_equal(rte_eth_rx_queue_setup(b->port, i, RING, 0, NULL, pools[i]), 0);
    assert_int_equal(rte_eth_tx_queue_setup(b->port, 0, RING, 0, NULL), 0);
    assert_int_equal(rte_eth_promiscuous_enable(b->port), 0);
}

/* All buffers are back, whatever waited where. */
static void close_port(struct bench *b)
{
    pmd_bench_close(b->port);
    for (uint32_t i = 0; i < QUEUES; i++)
        assert_int_equal(rte_mempool_avail_count(pools[i]), MBUFS);
    memset(b->sequence, 0, sizeof(b->sequence));
    memset(b->got, 0, sizeof(b->got));
    b->sent = 0;
    b->taken = 0;
}

static int open_bench(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));

    *state = b;
    for (uint32_t i = 0; i < PROGRAMS && sim_nic_there(); i++)
        assert_true(sim_nic_program(programs[i], b->path[i]));
    return 0;
}

static int close_bench(void **state)
{
    struct bench *b = *state;

    for (uint32_t i = 0; i < PROGRAMS; i++)
        unlink(b->path[i]);
    free(b);
    return 0;
}

static void load(struct bench *b, enum program program, enum pmd_offload offload)
{
    struct pmd *pmd = pmd_of(b);
    struct nic_target target = {0};

    assert_int_equal(nic_target_set(&pmd->nic, NIC_BY_IFINDEX | TARGET, TARGET_QUEUE, &target), 0);
    pmd->offload = offload;
    pmd_bench_load(b->port, b->path[program]);
    pmd_bench_executor_is(b->port, offload == PMD_OFFLOAD_NEVER ? "interp" : "microcode");
    assert_int_equal(rte_eth_dev_start(b->port), 0);
}

static void swap(struct bench *b, enum pmd_offload offload)
{
    const struct rte_pmd_sluice_program what = {.path = b->path[WHOLE]};

    pmd_of(b)->offload = offload;
    pmd_bench_swap(b->port, &what, RTE_PMD_SLUICE_SWAP_MIGRATE, NULL);
}

/* --- packets --- */

static struct rte_mbuf *packet_of(uint32_t flow, uint32_t sequence)
{
    struct rte_mbuf *m = pmd_bench_udp(PACKET_BYTES, flow);
    uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);

    memcpy(data + AT_FLOW, &flow, sizeof(flow));
    memcpy(data + AT_SEQUENCE, &sequence, sizeof(sequence));
    return m;
}

static void send_burst(struct bench *b)
{
    struct rte_mbuf *burst[BURST];

    for (uint32_t i = 0; i < BURST; i++) {
        const uint32_t flow = (b->sent++ * 7) % FLOWS;

        burst[i] = packet_of(flow, b->sequence[flow]++);
    }
    pmd_bench_send(b->port, burst, BURST);
}

/* Notes what a queue gets; the buffers are of its own pool, and wait is as said before. */
static uint32_t receive(struct bench *b, uint16_t queue, uint16_t most)
{
    const int info = pmd_of(b)->fields.info;
    struct got *g = &b->got[queue];
    struct rte_mbuf *burst[BURST];
    const uint16_t n = rte_eth_rx_burst(b->port, queue, burst, most);

    for (uint16_t i = 0; i < n; i++) {
        struct rte_mbuf *m = burst[i];

        assert_ptr_equal(m->pool, pools[queue]);
        assert_true(g->count < PACKETS && m->data_len <= PACKET_BYTES);
        g->packets[g->count].bytes = m->pkt_len;
        g->packets[g->count].hash = m->ol_flags & RTE_MBUF_F_RX_RSS_HASH ? m->hash.rss : 0;
        g->packets[g->count].ret =
            RTE_MBUF_DYNFIELD(m, (size_t)info, const struct rte_pmd_sluice_info *)->ret;
        memcpy(g->packets[g->count].data, rte_pktmbuf_mtod(m, void *), m->data_len);
        g->count++;
        rte_pktmbuf_free(m);
    }
    atomic_fetch_add(&b->taken, n);
    return n;
}

static uint32_t received(const struct bench *b)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < QUEUES; i++)
        n += b->got[i].count;
    return n;
}

/* Of each 16 packets the program drops one. */
static uint32_t to_come(const struct bench *b)
{
    return b->sent - (b->sent + 8) / 16;
}

static void receive_all(struct bench *b, uint16_t queues)
{
    for (uint32_t i = 0; received(b) < to_come(b); i++) {
        assert_true(i < 100000);
        receive(b, (uint16_t)(i * 7 % queues), (uint16_t)(1 + i % BURST));
    }
}

static void exchange(struct bench *b, uint16_t queues)
{
    while (b->sent < PACKETS) {
        send_burst(b);
        receive(b, (uint16_t)(b->sent / 16 % queues), BURST);
        while (b->sent - received(b) > RING)
            for (uint16_t q = 0; q < queues; q++)
                receive(b, q, BURST);
    }
    receive_all(b, queues);
}

/* Counters add up: those of the device, and those of queues. */
static void check_counters(struct bench *b, uint16_t queues)
{
    struct rte_eth_stats stats;

    assert_int_equal(pmd_bench_value(b->port, "all", 0), b->sent);
    assert_int_equal(rte_eth_stats_get(b->port, &stats), 0);
    assert_int_equal(stats.ipackets, received(b));
    assert_int_equal(stats.ibytes, received(b) * PACKET_BYTES);
    assert_int_equal(stats.imissed + stats.ierrors + stats.rx_nombuf, 0);
    for (uint16_t q = 0; q < queues; q++) {
        assert_int_equal(stats.q_ipackets[q], b->got[q].count);
        assert_int_equal(stats.q_ibytes[q], b->got[q].count * PACKET_BYTES);
    }
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_drop"), (b->sent + 8) / 16);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_redirect"), (b->sent + 6) / 16);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_pass"),
                     b->sent - (b->sent + 8) / 16 - (b->sent + 6) / 16);
}

static void run(struct bench *b, uint16_t queues, enum program program, enum pmd_offload offload)
{
    open_port(b, queues);
    load(b, program, offload);
    exchange(b, queues);
    check_counters(b, queues);
}

/* On the host each queue gets what it gets with the program in the slot, which may leave a path of
 * it to the host. */
static void compare(struct bench *b, uint16_t queues, enum program program)
{
    struct got *wanted = calloc(QUEUES, sizeof(*wanted));
    uint32_t hashed = 0;

    run(b, queues, program, program == WHOLE ? PMD_OFFLOAD_REQUIRE : PMD_OFFLOAD_PREFER);
    if (program == PATH)
        assert_in_range(pmd_bench_counter(b->port, "rx_fallback_path_packets"), PACKETS / 8,
                        PACKETS / 2);
    assert_int_equal(pmd_bench_counter(b->port, "rx_fallback_packets"),
                     pmd_bench_counter(b->port, "rx_fallback_path_packets"));
    memcpy(wanted, b->got, sizeof(b->got));
    close_port(b);
    run(b, queues, program, PMD_OFFLOAD_NEVER);
    assert_int_equal(pmd_bench_counter(b->port, "rx_fallback_packets"), PACKETS);
    for (uint16_t q = 0; q < queues; q++) {
        /* a queue that is not there gets nothing from the table either */
        assert_true(b->got[q].count > PACKETS / 16);
        assert_int_equal(b->got[q].count, wanted[q].count);
        assert_memory_equal(&b->got[q], &wanted[q], sizeof(*wanted));
        for (uint32_t i = 0; i < b->got[q].count; i++)
            hashed += b->got[q].packets[i].hash != 0;
    }
    assert_in_range(hashed, PACKETS / 2, PACKETS - 1);
    close_port(b);
    free(wanted);
}

static void test_queues_get_what_the_device_gives_them(void **state)
{
    sim_nic_needed();
    for (uint16_t queues = 2; queues <= QUEUES; queues += 2)
        compare(*state, queues, WHOLE);
}

static void test_queues_get_the_same_where_the_host_has_a_path(void **state)
{
    sim_nic_needed();
    for (uint16_t queues = 2; queues <= QUEUES; queues += 2)
        compare(*state, queues, PATH);
}

/* Whatever came: in each queue in the order of arrival, no packet twice, none run out of order. */
static void check_order(const struct bench *b, uint16_t queues)
{
    bool seen[PACKETS + 1] = {false};

    for (uint16_t q = 0; q < queues; q++) {
        uint32_t last = 0, next[FLOWS] = {0};

        for (uint32_t i = 0; i < b->got[q].count; i++) {
            const uint8_t *data = b->got[q].packets[i].data;
            const uint32_t flow = pmd_bench_word(data, AT_FLOW),
                           count = pmd_bench_word(data, AT_COUNT);

            assert_true(count > last && count <= PACKETS && flow < FLOWS && !seen[count]);
            assert_int_equal((count - 1) * 7 % FLOWS, flow);
            assert_true(pmd_bench_word(data, AT_SEQUENCE) >= next[flow]);
            assert_int_equal(pmd_bench_word(data, AT_SEQUENCE), (count - 1) / FLOWS);
            next[flow] = pmd_bench_word(data, AT_SEQUENCE) + 1;
            last = count;
            seen[count] = true;
        }
    }
}

/* --- a thread a queue --- */

struct reader {
    struct bench *b;
    uint16_t queue;
    pthread_t thread;
    atomic_bool *end;
};

static void *read_queue(void *arg)
{
    struct reader *r = arg;

    while (!atomic_load(r->end))
        if (!receive(r->b, r->queue, BURST))
            sched_yield();
    return NULL;
}

/* Packets that have run on the host. */
static uint32_t have_run(const struct bench *b)
{
    struct pmd *pmd = pmd_of(b);
    uint32_t n;

    pthread_mutex_lock(&pmd->lock);
    n = (uint32_t)pmd_fallback_counts(pmd)->packets;
    pthread_mutex_unlock(&pmd->lock);
    return n;
}

/* Sends, but no more than find descriptors. */
static void send_all(struct bench *b)
{
    while (b->sent < PACKETS)
        if (to_come(b) - atomic_load(&b->taken) < RING - BURST)
            send_burst(b);
        else
            sched_yield();
}

static void read_by_threads(struct bench *b, enum program program, enum pmd_offload offload)
{
    struct reader readers[QUEUES];
    atomic_bool end = false;

    open_port(b, QUEUES);
    load(b, program, offload);
    for (uint16_t q = 0; q < QUEUES; q++) {
        readers[q] = (struct reader){.b = b, .queue = q, .end = &end};
        assert_int_equal(pthread_create(&readers[q].thread, NULL, read_queue, &readers[q]), 0);
    }
    send_all(b);
    atomic_store(&end, true);
    for (uint16_t q = 0; q < QUEUES; q++)
        assert_int_equal(pthread_join(readers[q].thread, NULL), 0);
    receive_all(b, QUEUES);
    check_order(b, QUEUES);
    check_counters(b, QUEUES);
    close_port(b);
}

static void test_threads_of_several_queues_run_packets_in_order(void **state)
{
    sim_nic_needed();
    read_by_threads(*state, WHOLE, PMD_OFFLOAD_NEVER);
}

static void test_threads_of_several_queues_run_a_path_in_order(void **state)
{
    sim_nic_needed();
    read_by_threads(*state, PATH, PMD_OFFLOAD_PREFER);
}

/* A queue whose reader does not come: its packets wait as far as there is room, and others' go on.
 */
static void test_queue_that_nobody_reads_loses_its_own_packets_only(void **state)
{
    struct bench *b = *state;
    struct rte_eth_stats stats;
    uint32_t others = 0;

    sim_nic_needed();
    open_port(b, 2);
    load(b, WHOLE, PMD_OFFLOAD_NEVER);
    for (uint32_t i = 0; have_run(b) < PACKETS; i++) {
        assert_true(i < 100000);
        if (b->sent < PACKETS && b->sent - have_run(b) < RING - BURST)
            send_burst(b);
        others += receive(b, 1, BURST);
    }
    others += receive(b, 1, BURST);
    assert_int_equal(rte_eth_rx_queue_count(b->port, 0), RING);
    assert_int_equal(rte_eth_rx_descriptor_status(b->port, 0, RING - 1), RTE_ETH_RX_DESC_DONE);
    assert_int_equal(rte_eth_rx_queue_count(b->port, 1), 0);
    assert_int_equal(rte_eth_rx_descriptor_status(b->port, 1, 0), RTE_ETH_RX_DESC_AVAIL);
    assert_int_equal(rte_eth_stats_get(b->port, &stats), 0);
    assert_true(stats.q_errors[0] > 0);
    assert_int_equal(stats.imissed, stats.q_errors[0]);
    assert_int_equal(pmd_bench_counter(b->port, "rx_fallback_queue0_dropped"), stats.q_errors[0]);
    assert_int_equal(others + RING + stats.q_errors[0], to_come(b));
    while (receive(b, 0, BURST))
        ;
    assert_int_equal(b->got[0].count, RING);
    assert_int_equal(received(b) + stats.q_errors[0], to_come(b));
    check_order(b, 2);
    for (uint32_t i = 0; i < 4; i++) { /* what waits when the port stops is given back */
        send_burst(b);
        receive(b, 1, BURST);
    }
    close_port(b);
}

/* Packets of the path that come by a queue whose reader does not come are run by the other one's,
 * and lost where that one's ring is full: nobody waits for them. */
static void test_path_of_a_queue_that_nobody_reads_holds_no_other_up(void **state)
{
    struct bench *b = *state;
    uint32_t dropped;
    struct rte_eth_stats stats;
    uint64_t all, lost;

    sim_nic_needed();
    open_port(b, 2);
    load(b, PATH, PMD_OFFLOAD_PREFER);
    for (uint32_t quiet = 0; quiet < 40; quiet++) {
        if (b->sent < PACKETS)
            send_burst(b);
        if (receive(b, 1, BURST) || b->sent < PACKETS)
            quiet = 0;
    }
    lost = pmd_bench_counter(b->port, "rx_fallback_path_lost");
    all = pmd_bench_value(b->port, "all", 0);
    assert_int_equal(all, b->sent - lost);
    assert_in_range(lost, 1, PACKETS / 8);
    dropped = (uint32_t)(all + 8) / 16; /* by the program */
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_drop"), dropped);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_pass") +
                         pmd_bench_counter(b->port, "rx_program_redirect"),
                     all - dropped);
    while (receive(b, 0, BURST))
        ;
    assert_int_equal(rte_eth_stats_get(b->port, &stats), 0);
    assert_in_range(b->got[0].count, RING - RING / 8, RING); /* the program drops some */
    assert_int_equal(received(b) + stats.imissed, b->sent - dropped);
    assert_int_equal(stats.ierrors + stats.rx_nombuf, 0);
    close_port(b);
}

/* What the path sends to another queue comes behind packets before it, which may wait there. */
static void test_path_redirects_a_packet_behind_those_that_wait(void **state)
{
    struct bench *b = *state;

    sim_nic_needed();
    open_port(b, 2);
    load(b, PATH, PMD_OFFLOAD_PREFER);
    while (b->sent < PACKETS) {
        send_burst(b);
        nic_advance(&pmd_of(b)->nic, 4000);
        receive(b, 0, BURST);
        while (b->sent % (6 * BURST) == 0 && receive(b, 1, BURST))
            ;
    }
    receive_all(b, 2);
    check_order(b, 2);
    check_counters(b, 2);
    close_port(b);
}

/* Entries of the device's table of redirect words: the test's own, and one while a program is on
 * the host. */
static uint32_t targets(struct bench *b)
{
    struct nic_ways ways;
    uint32_t n = 0;

    assert_int_equal(nic_ways_read(&pmd_of(b)->nic, &ways), 0);
    for (uint32_t i = 0; i < NIC_TARGETS; i++)
        n += ways.means[i] != 0;
    return n;
}

/* To the host and back while packets wait everywhere. */
static void test_programs_move_to_and_fro_below_several_queues(void **state)
{
    struct bench *b = *state;

    sim_nic_needed();
    open_port(b, QUEUES);
    load(b, WHOLE, PMD_OFFLOAD_PREFER);
    for (uint32_t i = 0; b->sent < PACKETS; i++) {
        send_burst(b);
        nic_advance(&pmd_of(b)->nic, i * 37 % 400);
        swap(b, i % 2 ? PMD_OFFLOAD_PREFER : PMD_OFFLOAD_NEVER);
        assert_int_equal(targets(b), i % 2 ? 1 : 2);
        send_burst(b);
        receive(b, (uint16_t)(i % QUEUES), 5);
        while (b->sent - received(b) > RING / 2)
            for (uint16_t q = 0; q < QUEUES; q++)
                receive(b, q, 3);
    }
    receive_all(b, QUEUES);
    check_order(b, QUEUES);
    check_counters(b, QUEUES);
    assert_true(pmd_bench_counter(b->port, "rx_fallback_packets") > PACKETS / 8);
    assert_true(pmd_bench_counter(b->port, "rx_fallback_packets") < PACKETS - PACKETS / 8);
    close_port(b);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BENCH(test_queues_get_what_the_device_gives_them),
        ON_BENCH(test_queues_get_the_same_where_the_host_has_a_path),
        ON_BENCH(test_threads_of_several_queues_run_packets_in_order),
        ON_BENCH(test_threads_of_several_queues_run_a_path_in_order),
        ON_BENCH(test_path_redirects_a_packet_behind_those_that_wait),
        ON_BENCH(test_path_of_a_queue_that_nobody_reads_holds_no_other_up),
        ON_BENCH(test_queue_that_nobody_reads_loses_its_own_packets_only),
        ON_BENCH(test_programs_move_to_and_fro_below_several_queues),
    };

    return cmocka_run_group_tests(tests, start_pools, end_pools);
}
