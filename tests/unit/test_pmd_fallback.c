/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/pmd.h"
#include "tests/common/pmd/bench.h"
#include "tests/common/sim_nic.h"

#include <rte_ethdev.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Programs on the host's CPU: what becomes of packets and their buffers. What the host sends comes
 * back by the port's loopback. */

enum { RING = 128, MBUFS = 1023, COUNT = 16, TRIES = 100000, WELL = 0x77 };

const struct pmd_bench_size pmd_bench_size = {.mbufs = MBUFS, .room_bytes = 1024};

struct bench {
    struct pmd *pmd;
    uint16_t port;
};

static int open_bench(void **state)
{
    struct rte_eth_dev *eth = pmd_bench_sim(5, 10, RING);
    struct bench *b = calloc(1, sizeof(*b));

    *state = b;
    if (eth)
        *b = (struct bench){.pmd = pmd_of_port(eth->data->port_id), .port = eth->data->port_id};
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

static void start_on_host(struct bench *b, const char *text)
{
    b->pmd->offload = PMD_OFFLOAD_NEVER;
    pmd_bench_load_text(b->port, text);
    assert_int_equal(rte_eth_dev_start(b->port), 0);
}

static struct rte_mbuf *next_packet(struct bench *b)
{
    struct rte_mbuf *m;

    for (uint32_t i = 0; !rte_eth_rx_burst(b->port, 0, &m, 1); i++)
        assert_true(i < TRIES);
    return m;
}

/* A program on the host sends packets, which nobody has told the device yet when another one takes
 * over: they leave, come back by the loopback, and the other one has them. */
static void test_packets_sent_on_the_host_leave_before_another_program(void **state)
{
    static const char back[] = ".program back\nr0 = 3\nexit\n";
    static const char well[] =
        ".program well\nr6 = *(u32 *)(r1 + 0)\nr7 = *(u32 *)(r1 + 4)\nr2 = r6\nr2 += 64\n"
        "if r2 > r7 goto drop\nr3 = 0x77\n*(u8 *)(r6 + 24) = r3\nr0 = 2\nexit\ndrop:\nr0 = 1\n"
        "exit\n";
    struct bench *b = *state;
    uint32_t sent = 0;

    sim_nic_needed();
    start_on_host(b, back);
    pmd_bench_send_numbers(b->port, COUNT, &sent);
    for (int i = 0; pmd_bench_counter(b->port, "rx_ring0_packets") < COUNT; i++) {
        assert_true(i < 1000);
        nic_advance(&b->pmd->nic, 100);
    }
    b->pmd->offload = PMD_OFFLOAD_PREFER;
    pmd_bench_load_text(b->port, well);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct rte_mbuf *m = next_packet(b);
        const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);

        assert_int_equal(data[24], WELL);
        assert_int_equal(pmd_bench_word(data, PMD_BENCH_NUMBER_AT), i);
        rte_pktmbuf_free(m);
    }
    assert_int_equal(pmd_bench_counter(b->port, "rx_fallback_tx"), COUNT);
}

/* A packet of two buffers, of which one is left. */
static void test_packet_cut_on_the_host_gives_buffers_back(void **state)
{
    static const char cut[] = ".program cut\nr2 = -1300\ncall bpf_xdp_adjust_tail\nr0 = 2\nexit\n";
    struct bench *b = *state;
    struct rte_mbuf *m;

    sim_nic_needed();
    start_on_host(b, cut);
    m = pmd_bench_packet(pmd_bench_pool(), 700, 0x11);
    assert_int_equal(rte_pktmbuf_chain(m, pmd_bench_packet(pmd_bench_pool(), 700, 0x22)), 0);
    pmd_bench_send(b->port, &m, 1);
    m = next_packet(b);
    assert_int_equal(m->pkt_len, 100);
    assert_int_equal(m->nb_segs, 1);
    assert_null(m->next);
    rte_pktmbuf_free(m);
    assert_int_equal(pmd_bench_counter(b->port, "rx_fallback_packets"), 1);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BENCH(test_packets_sent_on_the_host_leave_before_another_program),
        ON_BENCH(test_packet_cut_on_the_host_gives_buffers_back),
    };

    return cmocka_run_group_tests(tests, pmd_bench_start, pmd_bench_end);
}
