/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/pmd.h"
#include "host/pmd/process/serve.h"
#include "tests/common/pmd/bench.h"
#include "tests/common/soft_nic.h"

#include <errno.h>
#include <poll.h>
#include <rte_ethdev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* The primary process' side of what secondary processes ask for, with the test in their place. */

enum { RING = 32, MBUFS = 255, ROOM = 640, BURST = 64, PATIENCE_MS = 60000 };

const struct pmd_bench_size pmd_bench_size = {.mbufs = MBUFS, .room_bytes = ROOM};

struct bench {
    struct soft_nic *soft;
    struct rte_eth_dev *eth;
    uint16_t port;
    struct pmd_line line; /* a secondary's end */
};

static struct pmd_line open_line(const struct bench *b)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(pmd_serve_line(pmd_of_port(b->port), pair[0]), 0);
    return (struct pmd_line){.fd = pair[1]};
}

static int open_bench(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));

    b->soft = soft_nic_open();
    b->eth = pmd_bench_open(soft_nic_dev(b->soft));
    b->port = b->eth->data->port_id;
    pmd_bench_set_up(b->port, RING);
    assert_int_equal(rte_eth_dev_start(b->port), 0);
    b->line = open_line(b);
    *state = b;
    return 0;
}

static void close_device(struct bench *b)
{
    assert_int_equal(soft_nic_stray(b->soft), 0);
    if (b->eth->data->dev_started)
        assert_int_equal(rte_eth_dev_stop(b->port), 0);
    assert_int_equal(rte_eth_dev_close(b->port), 0);
    b->eth = NULL;
}

/* Whatever happened: closes, and all buffers are back. */
static int close_bench(void **state)
{
    struct bench *b = *state;

    if (b->eth)
        close_device(b);
    pmd_line_close(&b->line);
    assert_int_equal(rte_mempool_avail_count(pmd_bench_pool()), MBUFS);
    free(b);
    return 0;
}

static void ask(struct bench *b, enum pmd_peer_op op, uint32_t number, uint32_t arg, const void *in,
                uint32_t bytes)
{
    const struct pmd_peer_head head = {.op = op, .number = number, .arg = arg, .bytes = bytes};

    assert_int_equal(pmd_line_put(&b->line, &head, in), 0);
}

/* The answer's result; its bytes are as many as wanted. */
static int told(struct bench *b, uint32_t wanted, void *out)
{
    struct pmd_peer_head head;
    const uint8_t *bytes;

    assert_int_equal(pmd_line_get(&b->line, &head, &bytes), 0);
    assert_int_equal(head.bytes, wanted);
    if (wanted)
        memcpy(out, bytes, wanted);
    return head.result;
}

static void receive(struct bench *b, uint32_t count)
{
    static const uint8_t data[100] = {1, 2, 3};
    const struct soft_packet p = {.data = data, .bytes = sizeof(data)};

    for (uint32_t i = 0; i < count; i++)
        assert_true(soft_nic_receive(b->soft, 0, &p));
}

static void wait_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* --- queues --- */

static void test_bursts_carry_packets_both_ways(void **state)
{
    struct bench *b = *state;
    struct rte_mbuf *m[BURST];
    uint8_t sent[SOFT_PACKET_BYTES];
    uint32_t port;

    receive(b, 3);
    ask(b, PMD_PEER_RX_COUNT, 0, 0, NULL, 0);
    assert_int_equal(told(b, 0, NULL), 3);
    ask(b, PMD_PEER_RX, 0, 2, NULL, 0);
    assert_int_equal(told(b, 2 * sizeof(m[0]), m), 2);
    ask(b, PMD_PEER_RX, 0, BURST, NULL, 0);
    assert_int_equal(told(b, sizeof(m[0]), m + 2), 1);
    assert_int_equal(m[2]->pkt_len, 100);
    ask(b, PMD_PEER_RX, 0, BURST, NULL, 0);
    assert_int_equal(told(b, 0, NULL), 0);
    ask(b, PMD_PEER_TX, 0, 0, m, 3 * sizeof(m[0]));
    assert_int_equal(told(b, 0, NULL), 3);
    ask(b, PMD_PEER_TX_STATUS, 0, 1, NULL, 0);
    assert_int_equal(told(b, 0, NULL), RTE_ETH_TX_DESC_FULL);
    for (int i = 0; i < 3; i++)
        assert_int_equal(soft_nic_send(b->soft, 0, false, sent, &port), 100);
    assert_int_equal(sent[2], 3);
    ask(b, PMD_PEER_TX_CLEAN, 0, 0, NULL, 0);
    assert_int_equal(told(b, 0, NULL), 3);
}

static void test_full_ring_takes_what_it_has_room_for(void **state)
{
    struct bench *b = *state;
    struct rte_mbuf *m[BURST];

    assert_int_equal(rte_pktmbuf_alloc_bulk(pmd_bench_pool(), m, BURST), 0);
    for (int i = 0; i < BURST; i++)
        assert_non_null(rte_pktmbuf_append(m[i], 64));
    ask(b, PMD_PEER_TX, 0, 0, m, sizeof(m));
    assert_int_equal(told(b, 0, NULL), RING);
    rte_pktmbuf_free_bulk(m + RING, BURST - RING);
}

static void test_stopped_port_gives_and_takes_nothing(void **state)
{
    struct bench *b = *state;
    struct rte_mbuf *m;

    assert_int_equal(rte_pktmbuf_alloc_bulk(pmd_bench_pool(), &m, 1), 0);
    assert_non_null(rte_pktmbuf_append(m, 64));
    assert_int_equal(rte_eth_dev_stop(b->port), 0);
    ask(b, PMD_PEER_RX, 0, BURST, NULL, 0);
    assert_int_equal(told(b, 0, NULL), 0);
    ask(b, PMD_PEER_TX, 0, 0, &m, sizeof(m));
    assert_int_equal(told(b, 0, NULL), 0);
    ask(b, PMD_PEER_RX_STATUS, 0, 0, NULL, 0);
    assert_int_equal(told(b, 0, NULL), -EINVAL);
    assert_int_equal(rte_eth_dev_start(b->port), 0);
    ask(b, PMD_PEER_TX, 0, 0, &m, sizeof(m));
    assert_int_equal(told(b, 0, NULL), 1);
}

/* --- ends --- */

/* It had asked, and died before it read the answer. */
static void test_packets_that_a_dead_secondary_has_not_read_come_back(void **state)
{
    struct bench *b = *state;
    struct pollfd answered = {.fd = b->line.fd, .events = POLLIN};
    const uint32_t before = rte_mempool_avail_count(pmd_bench_pool());
    int turns = 0;

    receive(b, 5);
    ask(b, PMD_PEER_RX, 0, BURST, NULL, 0);
    assert_int_equal(poll(&answered, 1, PATIENCE_MS), 1);
    assert_int_equal(rte_mempool_avail_count(pmd_bench_pool()), before);
    pmd_line_close(&b->line);
    while (rte_mempool_avail_count(pmd_bench_pool()) == before && turns++ < PATIENCE_MS / 6)
        wait_a_little();
    close_device(b);
    assert_int_equal(rte_mempool_avail_count(pmd_bench_pool()), MBUFS);
}

static void test_packets_that_a_secondary_has_read_are_its_own(void **state)
{
    struct bench *b = *state;
    struct rte_mbuf *m[5];

    receive(b, 5);
    ask(b, PMD_PEER_RX, 0, BURST, NULL, 0);
    assert_int_equal(told(b, sizeof(m), m), 5);
    pmd_line_close(&b->line);
    close_device(b);
    assert_int_equal(rte_mempool_avail_count(pmd_bench_pool()), MBUFS - 5);
    rte_pktmbuf_free_bulk(m, 5);
}

static void test_device_that_closes_ends_its_lines(void **state)
{
    struct bench *b = *state;
    struct pmd_peer_head head;
    const uint8_t *bytes;

    close_device(b);
    assert_int_equal(pmd_line_get(&b->line, &head, &bytes), -EPIPE);
    head = (struct pmd_peer_head){.op = PMD_PEER_LINK};
    assert_int_equal(pmd_line_put(&b->line, &head, NULL), -EPIPE);
}

/* More of them, one after the other, than there may be at once. */
static void test_lines_that_have_ended_make_room(void **state)
{
    struct bench *b = *state;

    for (int i = 0; i < 160; i++) {
        struct pmd_peer_head head = {.op = PMD_PEER_LINK};
        const uint8_t *bytes;
        struct pmd_line line = open_line(b);

        assert_int_equal(pmd_line_put(&line, &head, NULL), 0);
        assert_int_equal(pmd_line_get(&line, &head, &bytes), 0);
        assert_int_equal(head.bytes, sizeof(struct rte_eth_link));
        pmd_line_close(&line);
        if (i % 32 == 31)
            wait_a_little();
    }
}

/* --- what makes no sense --- */

static void test_requests_that_make_no_sense_are_refused(void **state)
{
    static const struct {
        uint32_t op, number, arg, bytes;
        int result;
    } requests[] = {
        {PMD_PEER_COUNT, 0, 0, 0, -EINVAL},
        {UINT32_MAX, 0, 0, 0, -EINVAL},
        {PMD_PEER_RX, 1, 32, 0, 0},
        {PMD_PEER_TX, UINT32_MAX, 0, 8, 0},
        {PMD_PEER_TX, 0, 0, 12, -EINVAL},
        {PMD_PEER_TX, 0, 0, 8 * (PMD_PEER_BURST + 1), -EINVAL},
        {PMD_PEER_RX_COUNT, 1, 0, 0, -EINVAL},
        {PMD_PEER_RX_STATUS, 0, UINT32_MAX, 0, -EINVAL},
        {PMD_PEER_RXQ_INFO, 1, 0, 0, -EINVAL},
        {PMD_PEER_TXQ_INFO, UINT32_MAX, 0, 0, -EINVAL},
        {PMD_PEER_REGS, 0, UINT32_MAX, 0, -EINVAL},
        {PMD_PEER_RETA, 0, 1 << 16, 0, -EINVAL},
        {PMD_PEER_MAP_SIZES, 0, 0, sizeof(struct pmd_peer_map) - 1, -EINVAL},
        {PMD_PEER_MAP_LOOKUP, 0, 0, sizeof(struct pmd_peer_map), -EINVAL},
        {PMD_PEER_MAP_UPDATE, 0, 0, sizeof(struct pmd_peer_map), -EINVAL},
        {PMD_PEER_EVENTS_LOST, 0, 0, sizeof(struct pmd_peer_map), -EINVAL},
        {PMD_PEER_PROGRAM_LOAD, 0, 0, sizeof(struct pmd_peer_program) - 1, -EINVAL},
    };
    static uint8_t bytes[1 << 14]; /* names without an end */
    struct bench *b = *state;

    memset(bytes, 'x', sizeof(bytes));
    for (uint32_t i = 0; i < RTE_DIM(requests); i++) {
        ask(b, requests[i].op, requests[i].number, requests[i].arg, bytes, requests[i].bytes);
        assert_int_equal(told(b, 0, NULL), requests[i].result);
    }
}

static void test_program_without_an_end_of_its_name_is_refused(void **state)
{
    struct bench *b = *state;
    struct pmd_peer_program *p = malloc(sizeof(*p));
    struct pmd_peer_swap swap;

    memset(p, 'x', sizeof(*p));
    ask(b, PMD_PEER_PROGRAM_LOAD, 0, 0, p, sizeof(*p));
    assert_int_equal(told(b, sizeof(swap), &swap), -EINVAL);
    memset(p, 0, sizeof(*p));
    snprintf(p->path, sizeof(p->path), "/missing.o");
    ask(b, PMD_PEER_PROGRAM_LOAD, 0, 0, p, sizeof(*p));
    assert_true(told(b, sizeof(swap), &swap) < 0);
    assert_true(*swap.why); /* this device has no core */
    free(p);
}

static void test_request_of_a_length_that_can_not_be_ends_the_line(void **state)
{
    const struct pmd_peer_head head = {.op = PMD_PEER_TX, .bytes = PMD_PEER_BYTES_MAX + 1};
    struct bench *b = *state;
    struct pollfd ended = {.fd = b->line.fd, .events = POLLIN};
    struct pmd_peer_head answer;
    const uint8_t *bytes;

    assert_int_equal(send(b->line.fd, &head, sizeof(head), 0), sizeof(head));
    assert_int_equal(poll(&ended, 1, PATIENCE_MS / 6), 1);
    assert_int_equal(pmd_line_get(&b->line, &answer, &bytes), -EPIPE);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BENCH(test_bursts_carry_packets_both_ways),
        ON_BENCH(test_full_ring_takes_what_it_has_room_for),
        ON_BENCH(test_stopped_port_gives_and_takes_nothing),
        ON_BENCH(test_packets_that_a_dead_secondary_has_not_read_come_back),
        ON_BENCH(test_packets_that_a_secondary_has_read_are_its_own),
        ON_BENCH(test_device_that_closes_ends_its_lines),
        ON_BENCH(test_lines_that_have_ended_make_room),
        ON_BENCH(test_requests_that_make_no_sense_are_refused),
        ON_BENCH(test_program_without_an_end_of_its_name_is_refused),
        ON_BENCH(test_request_of_a_length_that_can_not_be_ends_the_line),
    };

    return cmocka_run_group_tests(tests, pmd_bench_start, pmd_bench_end);
}
