/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/executor.h"
#include "host/pmd/events.h"
#include "host/pmd/pmd.h"
#include "tests/common/pmd/bench.h"
#include "tests/common/sim_nic.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* What programs tell, through the driver's calls, on the simulated NIC. What the host sends comes
 * back by the port's loopback, so each packet's events are known. */

enum {
    RING = 512,
    MBUFS = 2047,
    BURST = 16,
    PACKETS = 100,
    SAMPLE_BYTES = 20, /* of the packet behind a perf event's own */
    EVENTS = 4,        /* of a packet, where the program tells everything */
    RECORD = 77,       /* what the second record has beside the number */
    EVENT_RING = 256,
};

#define START(name)                                                                                \
    ".program " name "\n.map samples perf_event_array 4 4 4\n.map ring ringbuf 0 0 4096\n"         \
    ".map total array 4 8 1\n.bytes .rodata 0x6e6f20256400\n" /* "no %d" */                        \
    "r8 = r1\nr6 = *(u32 *)(r1 + 0)\nr7 = *(u32 *)(r1 + 4)\nr2 = r6\nr2 += 64\n"                   \
    "if r2 > r7 goto drop\n"                                                                       \
    "r9 = *(u32 *)(r6 + 16)\n*(u64 *)(r10 - 16) = r9\nr3 = 77\n*(u64 *)(r10 - 8) = r3\n"           \
    "r3 = 0\n*(u32 *)(r10 - 20) = r3\nr2 = r10\nr2 += -20\nr1 = map[total] ll\n"                   \
    "call bpf_map_lookup_elem\nif r0 == 0 goto drop\nr1 = 1\nlock *(u64 *)(r0 + 0) += r1\n"
#define RECORD_OF(bytes)                                                                           \
    "r1 = map[ring] ll\nr2 = r10\nr2 += -16\nr3 = " bytes "\nr4 = 0\ncall bpf_ringbuf_output\n"
#define END "r0 = 2\nexit\ndrop:\nr0 = 1\nexit\n"

/* A record, a sample with 20 bytes of the packet, a line, another record, and one too many. */
static const char all[] = START("all") RECORD_OF(
    "8") "r1 = r8\nr2 = map[samples] ll\nr3 = 0x14ffffffff ll\n"
         "r4 = r10\nr4 += -16\nr5 = 8\ncall bpf_perf_event_output\n"
         "r1 = map[.rodata][0] ll\nr2 = 6\nr3 = r9\n"
         "call bpf_trace_printk\n" RECORD_OF(
             "16") "r1 = map[ring] ll\nr2 = 4090\nr3 = 0\ncall bpf_ringbuf_reserve\n"
                   "if r0 == 0 goto none\nr1 = r0\nr2 = 0\ncall bpf_ringbuf_discard\nnone:\n" END;

/* One record. */
static const char one[] = START("one") RECORD_OF("8") END;

struct bench {
    struct pmd *pmd;
    uint16_t port;
    char path[2][SIM_NIC_PATH_BYTES];
    uint32_t sent, received;
    /* what was told */
    uint32_t told, next; /* the next packet whose events come */
    uint64_t time_ns, total;
    int load, swap, poll;
};

const struct pmd_bench_size pmd_bench_size = {.mbufs = MBUFS, .room_bytes = 1024};

static int open_bench(void **state)
{
    struct rte_eth_dev *eth = pmd_bench_sim(7, 5, RING);
    struct bench *b = calloc(1, sizeof(*b));

    *state = b;
    if (!eth)
        return 0;
    assert_true(sim_nic_program(all, b->path[0]));
    assert_true(sim_nic_program(one, b->path[1]));
    b->port = eth->data->port_id;
    b->pmd = pmd_of_port(b->port);
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

/* On the device, or it is another way that events take. */
static void start(struct bench *b, uint32_t program)
{
    struct rte_pmd_sluice_program_info info;

    sim_nic_needed();
    pmd_bench_load(b->port, b->path[program]);
    assert_int_equal(rte_pmd_sluice_program_info(b->port, &info), 0);
    assert_string_equal(info.reason, "");
    assert_string_equal(info.executor, "microcode");
    assert_int_equal(rte_eth_dev_start(b->port), 0);
}

/* A burst: all packets in order. */
static uint32_t receive(struct bench *b)
{
    struct rte_mbuf *burst[BURST];
    const uint16_t n = rte_eth_rx_burst(b->port, 0, burst, BURST);

    for (uint16_t i = 0; i < n; i++) {
        const uint8_t *data = rte_pktmbuf_mtod(burst[i], const uint8_t *);

        assert_int_equal(burst[i]->pkt_len, PMD_BENCH_BYTES);
        assert_memory_equal(data + PMD_BENCH_NUMBER_AT, &b->received, sizeof(b->received));
        b->received++;
        rte_pktmbuf_free(burst[i]);
    }
    return n;
}

static void receive_all(struct bench *b)
{
    for (uint32_t i = 0; b->received < b->sent; i++) {
        assert_true(i < 100000);
        receive(b);
    }
}

/* --- who is told --- */

/* The events of `all`: those of a packet map by map, and lines last. */
static void hear(uint16_t port, const struct rte_pmd_sluice_event *event, void *arg)
{
    static const struct {
        const char *map;
        uint32_t bytes;
    } expected[EVENTS] = {{"samples", 8 + SAMPLE_BYTES}, {"ring", 8}, {"ring", 16}, {NULL, 0}};
    struct bench *b = arg;
    const uint32_t nth = b->told % EVENTS;
    const uint64_t packet = b->told / EVENTS, key = 0;
    uint64_t words[2];
    char line[32];

    assert_int_equal(port, b->port);
    assert_int_equal(event->packet, packet);
    assert_int_equal(event->cpu, 0);
    assert_true(nth ? event->time_ns == b->time_ns : event->time_ns > b->time_ns);
    b->time_ns = event->time_ns;
    if (expected[nth].map)
        assert_string_equal(event->map, expected[nth].map);
    else
        assert_null(event->map);
    if (!expected[nth].map) {
        snprintf(line, sizeof(line), "no %u", (uint32_t)packet);
        assert_int_equal(event->bytes, strlen(line));
        assert_memory_equal(event->data, line, event->bytes);
    } else {
        assert_int_equal(event->bytes, expected[nth].bytes);
        memcpy(words, event->data, RTE_MIN(event->bytes, sizeof(words)));
        assert_int_equal(words[0], packet);
        if (nth == 2)
            assert_int_equal(words[1], RECORD);
        for (uint32_t i = 8; !nth && i < 8 + PMD_BENCH_NUMBER_AT; i++)
            assert_int_equal(((const uint8_t *)event->data)[i], 0x5a);
    }
    b->told++;
    assert_int_equal(rte_pmd_sluice_map_lookup(port, "total", &key, &b->total), 0);
}

static void test_events_come_to_the_callback_in_order_before_their_packets(void **state)
{
    struct bench *b = *state;
    uint64_t lost = 99;

    start(b, 0);
    assert_int_equal(rte_pmd_sluice_events(b->port, hear, b), 0);
    for (uint32_t i = 0; i < PACKETS / BURST; i++) {
        pmd_bench_send_numbers(b->port, BURST, &b->sent);
        for (uint32_t k = 0; b->received < b->sent; k++) {
            assert_true(k < 100000);
            receive(b);
            assert_true(b->told >= EVENTS * b->received);
        }
    }
    assert_int_equal(b->told, EVENTS * b->sent);
    assert_int_equal(b->total, b->sent);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_events"), EVENTS * b->sent);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_events_bad"), 0);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_events_lost"), 0);
    /* each packet asked for a record that its ring buffer can't have room for */
    assert_int_equal(rte_pmd_sluice_events_lost(b->port, "ring", &lost), 0);
    assert_int_equal(lost, b->sent);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_ringbuf_lost"), b->sent);
    /* a program that is loaded anew begins at 0, what the port has lost stays */
    pmd_bench_load(b->port, b->path[0]);
    assert_int_equal(rte_pmd_sluice_events_lost(b->port, "ring", &lost), 0);
    assert_int_equal(lost, 0);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_ringbuf_lost"), b->sent);
}

static void count(uint16_t port, const struct rte_pmd_sluice_event *event, void *arg)
{
    struct bench *b = arg;
    uint64_t number;

    (void)port;
    assert_int_equal(event->bytes, sizeof(number));
    memcpy(&number, event->data, sizeof(number));
    assert_true(number >= b->next);
    b->next = (uint32_t)number + 1;
    b->told++;
}

static void test_events_are_polled_for_where_nobody_receives(void **state)
{
    struct bench *b = *state;
    uint32_t packets = 0;

    start(b, 1);
    assert_int_equal(rte_pmd_sluice_events(b->port, count, b), 0);
    assert_int_equal(rte_pmd_sluice_events_poll(b->port), 0);
    pmd_bench_send_numbers(b->port, PACKETS, &b->sent);
    assert_int_equal(b->told, 0); /* sending hands on nothing */
    for (uint32_t i = 0; packets < PACKETS; i++) {
        const int n = rte_pmd_sluice_events_poll(b->port);

        assert_true(n >= 0 && i < 100000);
        packets += (uint32_t)n;
        assert_int_equal(b->told, packets);
    }
    assert_int_equal(packets, PACKETS);
    assert_int_equal(b->next, PACKETS);
    receive_all(b);
    assert_int_equal(b->told, PACKETS);
    /* nobody is told: they are counted only */
    assert_int_equal(rte_pmd_sluice_events(b->port, NULL, NULL), 0);
    pmd_bench_send_numbers(b->port, BURST, &b->sent);
    receive_all(b);
    assert_int_equal(b->told, PACKETS);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_events"), PACKETS + BURST);
}

static void interfere(uint16_t port, const struct rte_pmd_sluice_event *event, void *arg)
{
    struct bench *b = arg;
    const struct rte_pmd_sluice_program what = {.path = b->path[1]};
    char why[EXEC_WHY_BYTES] = "";

    (void)event;
    b->told++;
    b->load = rte_pmd_sluice_program_load(port, &what, why, sizeof(why));
    assert_int_not_equal(why[0], 0);
    b->swap = rte_pmd_sluice_program_swap(port, &what, 0, NULL, why, sizeof(why));
    b->poll = rte_pmd_sluice_events_poll(port);
}

static void test_events_callback_can_not_take_its_program_away(void **state)
{
    struct bench *b = *state;

    start(b, 1);
    b->poll = -1;
    assert_int_equal(rte_pmd_sluice_events(b->port, interfere, b), 0);
    pmd_bench_send_numbers(b->port, BURST, &b->sent);
    receive_all(b);
    assert_int_equal(b->told, BURST); /* each once, though it polls */
    assert_int_equal(b->load, -EBUSY);
    assert_int_equal(b->swap, -EBUSY);
    assert_int_equal(b->poll, 0);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_events_bad"), 0);
    assert_int_equal(rte_pmd_sluice_events(b->port, count, b), 0);
    b->told = 0;
    pmd_bench_send_numbers(b->port, BURST, &b->sent);
    receive_all(b);
    assert_int_equal(b->told, BURST);
}

/* --- no room --- */

/* Nobody receives or polls: so many areas as the ring has places stay, the others are counted, and
 * nothing else is lost. */
static void test_events_beyond_the_ring_are_counted_and_packets_stay(void **state)
{
    struct bench *b = *state;
    const uint32_t packets = EVENT_RING + 144;
    uint64_t value = 0;

    start(b, 1);
    assert_int_equal(rte_pmd_sluice_events(b->port, count, b), 0);
    pmd_bench_send_numbers(b->port, packets, &b->sent);
    for (uint32_t i = 0; value < packets; i++) {
        assert_true(i < 100000);
        nic_advance(&b->pmd->nic, 1000);
        value = pmd_bench_counter(b->port, "rx_program_pass");
    }
    assert_int_equal(b->told, 0);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_events_lost"), packets - EVENT_RING);
    receive_all(b);
    assert_int_equal(b->told, EVENT_RING);
    assert_int_equal(b->next, EVENT_RING); /* those of the first packets */
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_events"), EVENT_RING);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_events_bad"), 0);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_ringbuf_lost"), 0);
    assert_int_equal(pmd_bench_counter(b->port, "rx_missed_errors"), 0);
    assert_int_equal(pmd_bench_counter(b->port, "rx_errors"), 0);
    assert_int_equal(pmd_bench_value(b->port, "total", 0), packets);
    /* there is room again */
    pmd_bench_send_numbers(b->port, BURST, &b->sent);
    receive_all(b);
    assert_int_equal(b->told, EVENT_RING + BURST);
    assert_int_equal(b->next, packets + BURST);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_events_lost"), packets - EVENT_RING);
}

/* --- who asks for what is not there --- */

static void test_events_of_no_port_no_ring_buffer_or_a_file_are_refused(void **state)
{
    struct bench *b = *state;
    char path[] = "/tmp/sluice-test-XXXXXX";
    uint64_t lost = 5;
    int fd;

    start(b, 0);
    assert_int_equal(rte_pmd_sluice_events(RTE_MAX_ETHPORTS - 1, hear, b), -ENODEV);
    assert_int_equal(rte_pmd_sluice_events_poll(RTE_MAX_ETHPORTS - 1), -ENODEV);
    assert_int_equal(rte_pmd_sluice_events_lost(RTE_MAX_ETHPORTS - 1, "ring", &lost), -ENODEV);
    assert_int_equal(rte_pmd_sluice_events_lost(b->port, "none", &lost), -ENXIO);
    assert_int_equal(rte_pmd_sluice_events_lost(b->port, "samples", &lost), -EOPNOTSUPP);
    assert_int_equal(lost, 5);
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(pmd_events_file(b->pmd, path), 0);
    assert_int_equal(rte_pmd_sluice_events(b->port, hear, b), -EBUSY);
    pmd_bench_send_numbers(b->port, 1, &b->sent);
    receive_all(b);
    assert_int_equal(b->told, 0);
    assert_true(lseek(fd, 0, SEEK_END) > 0);
    close(fd);
    unlink(path);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BENCH(test_events_come_to_the_callback_in_order_before_their_packets),
        ON_BENCH(test_events_are_polled_for_where_nobody_receives),
        ON_BENCH(test_events_callback_can_not_take_its_program_away),
        ON_BENCH(test_events_beyond_the_ring_are_counted_and_packets_stay),
        ON_BENCH(test_events_of_no_port_no_ring_buffer_or_a_file_are_refused),
    };

    return cmocka_run_group_tests(tests, pmd_bench_start, pmd_bench_end);
}
