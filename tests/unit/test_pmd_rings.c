/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/executor.h"
#include "host/pmd/pmd.h"
#include "hw/spec/gen/csr.h"
#include "hw/spec/gen/limits.h"
#include "tests/common/pmd/bench.h"
#include "tests/common/soft_nic.h"

#include <errno.h>
#include <rte_ethdev.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The driver's rings against a NIC in software (tests/common/soft_nic.h). */

enum { RING = 32, MBUFS = 255, ROOM = 640, BURST = 64 };

const struct pmd_bench_size pmd_bench_size = {.mbufs = MBUFS, .room_bytes = ROOM};

struct bench {
    struct soft_nic *soft;
    struct rte_eth_dev *eth;
    uint16_t port;
};

static void start(struct bench *b)
{
    pmd_bench_set_up(b->port, RING);
    assert_int_equal(rte_eth_dev_start(b->port), 0);
}

static int open_bench(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));

    b->soft = soft_nic_open();
    b->eth = pmd_bench_open(soft_nic_dev(b->soft));
    b->port = b->eth->data->port_id;
    start(b);
    *state = b;
    return 0;
}

/* Whatever happened: closes, and all buffers are back. */
static int close_bench(void **state)
{
    struct bench *b = *state;

    assert_int_equal(soft_nic_stray(b->soft), 0);
    pmd_bench_close(b->port);
    free(b);
    return 0;
}

static void fill(uint8_t *data, uint32_t bytes, uint32_t seed)
{
    for (uint32_t i = 0; i < bytes; i++)
        data[i] = (uint8_t)(seed * 31 + i * 7 + (i >> 8));
}

/* The bytes of a packet of several buffers. */
static uint32_t gather(const struct rte_mbuf *m, uint8_t *data)
{
    uint32_t n = 0;

    for (; m; m = m->next) {
        memcpy(data + n, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len);
        n += m->data_len;
    }
    return n;
}

/* --- RX --- */

static void test_rx_one_buffer_has_all_that_is_said_of_it(void **state)
{
    struct bench *b = *state;
    uint8_t data[100];
    const struct soft_packet p = {.data = data,
                                  .bytes = 100,
                                  .meta = 8,
                                  .ret = 2,
                                  .port = 1,
                                  .hashed = true,
                                  .hash = 0xfeedf00d,
                                  .number = 0xabcd,
                                  .redirect = UINT64_C(0x123456789abcdef0)};
    const struct pmd_fields *f = &pmd_of_port(b->port)->fields;
    const struct rte_pmd_sluice_info *info;
    struct rte_mbuf *m;

    fill(data, sizeof(data), 1);
    assert_true(soft_nic_receive(b->soft, 0, &p));
    assert_int_equal(rte_eth_rx_burst(b->port, 0, &m, 1), 1);
    assert_int_equal(m->pkt_len, 92);
    assert_int_equal(m->data_len, 92);
    assert_int_equal(m->nb_segs, 1);
    assert_int_equal(m->port, b->port);
    assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *), data + 8, 92);
    assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *) - 8, data, 8);
    assert_true(m->ol_flags & RTE_MBUF_F_RX_RSS_HASH);
    assert_int_equal(m->hash.rss, 0xfeedf00d);
    assert_true(m->ol_flags & f->info_flag);
    info = RTE_MBUF_DYNFIELD(m, (size_t)f->info, const struct rte_pmd_sluice_info *);
    assert_true(info->redirect == p.redirect && info->number == 0xabcd && info->meta_bytes == 8 &&
                info->ret == 2 && info->port == 1);
    rte_pktmbuf_free(m);
    assert_int_equal(rte_eth_rx_burst(b->port, 0, &m, 1), 0);
}

static void test_rx_packet_of_several_buffers_is_one_packet(void **state)
{
    static const uint32_t sizes[] = {ROOM - 1, ROOM, ROOM + 1, 2 * ROOM, 2 * ROOM + 9, 9216};
    struct bench *b = *state;
    uint8_t data[9216], got[9216];

    for (uint32_t i = 0; i < RTE_DIM(sizes); i++) {
        const struct soft_packet p = {.data = data, .bytes = sizes[i]};
        struct rte_mbuf *m;

        fill(data, sizes[i], i);
        assert_true(soft_nic_receive(b->soft, 0, &p));
        assert_int_equal(rte_eth_rx_burst(b->port, 0, &m, 1), 1);
        assert_int_equal(m->pkt_len, sizes[i]);
        assert_int_equal(m->nb_segs, (sizes[i] + ROOM - 1) / ROOM);
        assert_int_equal(gather(m, got), sizes[i]);
        assert_memory_equal(got, data, sizes[i]);
        rte_mbuf_sanity_check(m, 1);
        rte_pktmbuf_free(m);
    }
}

/* Ethernet, up to two tags, IPv4 or IPv6, a transport: types of DPDK, for which the application has
 * not asked for less. */
static void test_rx_packets_have_types(void **state)
{
    static const struct {
        uint32_t types;
        uint8_t at12[34]; /* of the frame, from its EtherType on */
    } rows[] = {
        {RTE_PTYPE_L2_ETHER | RTE_PTYPE_L3_IPV4 | RTE_PTYPE_L4_TCP, {8, 0, 0x45, [11] = 6}},
        {RTE_PTYPE_L2_ETHER | RTE_PTYPE_L3_IPV4_EXT | RTE_PTYPE_L4_UDP, {8, 0, 0x46, [11] = 17}},
        {RTE_PTYPE_L2_ETHER | RTE_PTYPE_L3_IPV4 | RTE_PTYPE_L4_FRAG,
         {8, 0, 0x45, [8] = 0x20, [9] = 1, [11] = 17}},
        {RTE_PTYPE_L2_ETHER_VLAN | RTE_PTYPE_L3_IPV6 | RTE_PTYPE_L4_UDP,
         {0x81, 0, 0, 7, 0x86, 0xdd, 0x60, [12] = 17}},
        {RTE_PTYPE_L2_ETHER_QINQ | RTE_PTYPE_L3_IPV4,
         {0x88, 0xa8, 0, 7, 0x81, 0, 0, 8, 8, 0, 0x45, [19] = 1}},
        {RTE_PTYPE_L2_ETHER, {8, 6}},
    };
    struct bench *b = *state;
    uint32_t supported[16];
    struct rte_eth_burst_mode mode;
    struct rte_mbuf *m;
    uint8_t data[80];
    const struct soft_packet p = {.data = data, .bytes = sizeof(data), .meta = 4};
    const int count = rte_eth_dev_get_supported_ptypes(b->port, RTE_PTYPE_ALL_MASK, supported,
                                                       RTE_DIM(supported));

    assert_in_range(count, 1, RTE_DIM(supported));
    for (uint32_t i = 0; i < 2 * RTE_DIM(rows); i++) {
        const uint32_t types = rows[i % RTE_DIM(rows)].types;

        if (i == RTE_DIM(rows)) /* from here on no transport */
            assert_int_equal(
                rte_eth_dev_set_ptypes(b->port, RTE_PTYPE_L2_MASK | RTE_PTYPE_L3_MASK, NULL, 0), 0);
        memset(data, 0, sizeof(data));
        memcpy(data + 4 + 12, rows[i % RTE_DIM(rows)].at12, sizeof(rows[0].at12));
        assert_true(soft_nic_receive(b->soft, 0, &p));
        assert_int_equal(rte_eth_rx_burst(b->port, 0, &m, 1), 1);
        assert_int_equal(m->packet_type,
                         i < RTE_DIM(rows) ? types : types & ~(uint32_t)RTE_PTYPE_L4_MASK);
        for (uint32_t mask = 0xf; mask <= 0xf00; mask <<= 4) {
            bool known = !(types & mask);

            for (int k = 0; k < count; k++)
                known |= supported[k] == (types & mask);
            assert_true(known);
        }
        rte_pktmbuf_free(m);
    }
    assert_int_equal(rte_eth_rx_burst_mode_get(b->port, 0, &mode), 0);
    assert_string_equal(mode.info, "Scalar");
    assert_int_equal(rte_eth_tx_burst_mode_get(b->port, 0, &mode), 0);
}

/* Counts go round at 2^16 while the ring is full and empty in turn. */
static void test_rx_full_ring_drops_and_goes_on_round_the_counts(void **state)
{
    struct bench *b = *state;
    struct rte_eth_stats stats;
    uint8_t data[64];
    uint32_t taken = 0, dropped = 0;
    const struct soft_packet p = {.data = data, .bytes = 64};

    fill(data, sizeof(data), 5);
    while (taken < 70000) {
        struct rte_mbuf *m[BURST];
        uint32_t n = 0;

        while (soft_nic_receive(b->soft, 0, &p))
            n++;
        dropped++;
        assert_int_equal(n, RING);
        assert_int_equal(rte_eth_rx_queue_count(b->port, 0), RING);
        assert_int_equal(rte_eth_rx_burst(b->port, 0, m, BURST), n);
        rte_pktmbuf_free_bulk(m, n);
        taken += n;
    }
    assert_int_equal(rte_eth_stats_get(b->port, &stats), 0);
    assert_int_equal(stats.ipackets, taken);
    assert_int_equal(stats.imissed, dropped);
    assert_int_equal(stats.ierrors, 0);
}

static void test_rx_empty_pool_is_counted_and_fills_up_later(void **state)
{
    struct bench *b = *state;
    struct rte_mbuf *kept[MBUFS], *m[BURST];
    uint8_t data[64] = {0};
    const struct soft_packet p = {.data = data, .bytes = 64};
    struct rte_eth_stats stats;
    const uint32_t n = rte_mempool_avail_count(pmd_bench_pool());

    assert_int_equal(rte_pktmbuf_alloc_bulk(pmd_bench_pool(), kept, n), 0);
    for (uint32_t i = 0; i < RING; i++)
        assert_true(soft_nic_receive(b->soft, 0, &p));
    assert_int_equal(rte_eth_rx_burst(b->port, 0, m, BURST), RING);
    assert_false(soft_nic_receive(b->soft, 0, &p));
    assert_int_equal(rte_eth_stats_get(b->port, &stats), 0);
    assert_true(stats.rx_nombuf > 0);
    rte_pktmbuf_free_bulk(m, RING);
    rte_pktmbuf_free_bulk(kept, n);
    assert_int_equal(rte_eth_rx_burst(b->port, 0, m, BURST), 0);
    assert_true(soft_nic_receive(b->soft, 0, &p));
    assert_int_equal(rte_eth_rx_burst(b->port, 0, m, BURST), 1);
    rte_pktmbuf_free(m[0]);
}

static void test_rx_ring_never_waits_for_more_than_it_has(void **state)
{
    static const uint32_t sizes[] = {64, SPEC_PKT_MAX_BYTES};
    static const uint16_t wanted[] = {1, RING, 2 * RING};
    struct bench *b = *state;
    static uint8_t data[SPEC_PKT_MAX_BYTES];
    struct rte_mbuf *m;

    for (uint32_t w = 0; w < RTE_DIM(wanted); w++) {
        const struct rte_eth_rxconf conf = {.rx_free_thresh = wanted[w]};

        assert_int_equal(rte_eth_dev_stop(b->port), 0);
        assert_int_equal(rte_eth_rx_queue_setup(b->port, 0, RING, 0, &conf, pmd_bench_pool()), 0);
        assert_int_equal(rte_eth_dev_start(b->port), 0);
        for (uint32_t i = 0; i < 2 * RTE_DIM(sizes) * RING; i++) {
            const struct soft_packet p = {.data = data, .bytes = sizes[i % RTE_DIM(sizes)]};

            assert_true(soft_nic_receive(b->soft, 0, &p));
            assert_int_equal(rte_eth_rx_burst(b->port, 0, &m, 1), 1);
            assert_int_equal(m->pkt_len, p.bytes);
            rte_pktmbuf_free(m);
        }
    }
}

static void test_rx_descriptors_that_lie_lose_their_packet_only(void **state)
{
    static const struct soft_packet bad[] = {
        {.bytes = 100, .len_fault = 1},         {.bytes = 100, .len_fault = -100},
        {.bytes = 100, .len_fault = 60000},     {.bytes = 100, .total_fault = 1},
        {.bytes = 100, .total_fault = -100},    {.bytes = 100, .meta = 100},
        {.bytes = 100, .meta = 60000},          {.bytes = 1500, .len_fault = -600},
        {.bytes = 1500, .len_fault = ROOM + 1}, {.bytes = 1500, .meta = ROOM},
    };
    struct bench *b = *state;
    uint8_t data[1500];
    struct rte_eth_stats stats;
    struct rte_mbuf *m[BURST];

    fill(data, sizeof(data), 9);
    for (uint32_t i = 0; i < RTE_DIM(bad); i++) {
        const struct soft_packet good = {.data = data, .bytes = 700 + i};
        struct soft_packet p = bad[i];
        uint8_t got[1500];

        p.data = data;
        assert_true(soft_nic_receive(b->soft, 0, &p));
        assert_true(soft_nic_receive(b->soft, 0, &good));
        assert_int_equal(rte_eth_rx_burst(b->port, 0, m, BURST), 1);
        assert_int_equal(gather(m[0], got), good.bytes);
        assert_memory_equal(got, data, good.bytes);
        rte_pktmbuf_free(m[0]);
        assert_int_equal(rte_eth_stats_get(b->port, &stats), 0);
        assert_int_equal(stats.ierrors, i + 1);
    }
}

/* --- TX --- */

/* A packet of so many buffers. */
static struct rte_mbuf *packet_of(const uint8_t *data, uint32_t bytes, uint32_t buffers)
{
    struct rte_mbuf *head = NULL;

    for (uint32_t i = 0; i < buffers; i++) {
        const uint32_t from = bytes * i / buffers, to = bytes * (i + 1) / buffers;
        struct rte_mbuf *m = rte_pktmbuf_alloc(pmd_bench_pool());

        assert_non_null(m);
        memcpy(rte_pktmbuf_append(m, (uint16_t)(to - from)), data + from, to - from);
        if (head)
            assert_int_equal(rte_pktmbuf_chain(head, m), 0);
        else
            head = m;
    }
    return head;
}

static void test_tx_packets_of_any_buffers_leave_as_they_are(void **state)
{
    struct bench *b = *state;
    uint8_t data[9216], got[SOFT_PACKET_BYTES];
    uint32_t port, sent = 0;

    for (uint32_t round = 0; round < 6000; round++) {
        const uint32_t buffers = 1 + round % 16, bytes = 14 + (round * 37) % (500 * buffers);
        struct rte_mbuf *m;

        fill(data, bytes, round);
        m = packet_of(data, bytes, buffers);
        assert_int_equal(rte_eth_tx_burst(b->port, 0, &m, 1), 1);
        assert_int_equal(soft_nic_send(b->soft, 0, false, got, &port), bytes);
        assert_memory_equal(got, data, bytes);
        assert_int_equal(port, 0);
        sent += RTE_MIN(buffers, bytes);
    }
    assert_true(sent > 1 << 15);
}

static void test_tx_full_ring_takes_what_it_has_room_for(void **state)
{
    struct bench *b = *state;
    uint8_t data[64], got[SOFT_PACKET_BYTES];
    uint32_t port, left = 0;
    struct rte_mbuf *m[BURST];

    fill(data, sizeof(data), 3);
    for (uint32_t round = 0; round < 3000; round++) {
        for (uint32_t i = 0; i < BURST; i++)
            m[i] = packet_of(data, 64, 1);
        assert_int_equal(rte_eth_tx_burst(b->port, 0, m, BURST), RING);
        assert_int_equal(rte_eth_tx_burst(b->port, 0, m + RING, BURST - RING), 0);
        rte_pktmbuf_free_bulk(m + RING, BURST - RING);
        while (soft_nic_send(b->soft, 0, false, got, &port))
            left++;
    }
    assert_int_equal(left, 3000 * RING);
}

static void test_tx_packets_that_can_not_be_sent_are_counted_and_freed(void **state)
{
    struct bench *b = *state;
    uint8_t data[SPEC_PKT_MAX_BYTES + 16] = {0}, got[SOFT_PACKET_BYTES];
    struct rte_eth_stats stats;
    uint32_t port;
    struct rte_mbuf *m[] = {packet_of(data, 13, 1), packet_of(data, 100, 17),
                            packet_of(data, SPEC_PKT_MAX_BYTES + 16, 16), packet_of(data, 14, 1)};

    assert_int_equal(rte_eth_tx_prepare(b->port, 0, m, 4), 0);
    assert_int_equal(rte_eth_tx_burst(b->port, 0, m, 4), 4);
    assert_int_equal(soft_nic_send(b->soft, 0, true, got, &port), 14);
    assert_int_equal(soft_nic_send(b->soft, 0, false, got, &port), 0);
    assert_int_equal(rte_eth_tx_done_cleanup(b->port, 0, 0), 1);
    assert_int_equal(rte_eth_stats_get(b->port, &stats), 0);
    assert_int_equal(stats.oerrors, 4);
}

static void test_tx_leaves_through_the_port_that_it_names(void **state)
{
    struct bench *b = *state;
    const struct pmd_fields *f = &pmd_of_port(b->port)->fields;
    uint8_t data[64] = {0}, got[SOFT_PACKET_BYTES];
    uint32_t port;
    struct rte_mbuf *m = packet_of(data, 64, 2);

    RTE_MBUF_DYNFIELD(m, (size_t)f->info, struct rte_pmd_sluice_info *)->port = 1;
    m->ol_flags |= f->egress_flag;
    assert_int_equal(rte_eth_tx_burst(b->port, 0, &m, 1), 1);
    assert_int_equal(soft_nic_send(b->soft, 0, false, got, &port), 64);
    assert_int_equal(port, 1);
}

/* --- the device --- */

static void test_start_and_stop_again_and_again_lose_no_buffer(void **state)
{
    struct bench *b = *state;
    uint8_t data[1500] = {0};
    const struct soft_packet p = {.data = data, .bytes = 1500};

    for (int i = 0; i < 50; i++) {
        struct rte_mbuf *m = packet_of(data, 64, 1);

        soft_nic_simulated(b->soft, i > 0); /* once as on a board: the driver sleeps */
        assert_true(soft_nic_receive(b->soft, 0, &p));
        assert_int_equal(rte_eth_tx_burst(b->port, 0, &m, 1), 1);
        assert_int_equal(rte_eth_dev_stop(b->port), 0);
        assert_int_equal(rte_mempool_avail_count(pmd_bench_pool()), MBUFS);
        assert_false(soft_nic_receive(b->soft, 0, &p));
        if (i % 2)
            start(b);
        else
            assert_int_equal(rte_eth_dev_start(b->port), 0);
    }
}

static void test_errors_of_queues_that_are_set_up_again_stay_counted(void **state)
{
    static const struct soft_packet bad = {
        .data = (const uint8_t *)"x", .bytes = 1, .len_fault = 9};
    struct bench *b = *state;
    uint8_t data[64] = {0};
    struct rte_eth_stats stats;

    for (uint32_t round = 1; round <= 3; round++) {
        struct rte_mbuf *m = packet_of(data, 13, 1);

        assert_int_equal(rte_eth_tx_burst(b->port, 0, &m, 1), 1);
        assert_true(soft_nic_receive(b->soft, 0, &bad));
        assert_int_equal(rte_eth_rx_burst(b->port, 0, &m, 1), 0);
        assert_int_equal(rte_eth_dev_stop(b->port), 0);
        start(b);
        assert_int_equal(rte_eth_stats_get(b->port, &stats), 0);
        assert_int_equal(stats.oerrors, round);
        assert_int_equal(stats.ierrors, round);
    }
    assert_int_equal(rte_eth_stats_reset(b->port), 0);
    assert_int_equal(rte_eth_dev_stop(b->port), 0);
    start(b);
    assert_int_equal(rte_eth_stats_get(b->port, &stats), 0);
    assert_int_equal(stats.oerrors, 0);
    assert_int_equal(stats.ierrors, 0);
}

static void test_queues_that_are_to_start_later_are_refused(void **state)
{
    static const struct rte_eth_rxconf rx = {.rx_deferred_start = 1};
    static const struct rte_eth_txconf tx = {.tx_deferred_start = 1};
    struct bench *b = *state;

    assert_int_equal(rte_eth_dev_stop(b->port), 0);
    assert_int_equal(rte_eth_rx_queue_setup(b->port, 0, RING, 0, &rx, pmd_bench_pool()), -ENOTSUP);
    assert_int_equal(rte_eth_tx_queue_setup(b->port, 0, RING, 0, &tx), -ENOTSUP);
    start(b);
}

/* A program on the host sends a packet in the buffers that it came in, or as many. */
static void test_buffers_of_which_the_longest_packet_wants_too_many_are_refused(void **state)
{
    const uint16_t enough = SPEC_PKT_MAX_BYTES / PMD_TX_BUFFERS;
    struct bench *b = *state;

    assert_int_equal(rte_eth_dev_stop(b->port), 0);
    for (uint16_t less = 0; less < 2; less++) {
        struct rte_mempool *small = rte_pktmbuf_pool_create(
            "small", 63, 0, 0, (uint16_t)(RTE_PKTMBUF_HEADROOM + enough - less), 0);

        assert_non_null(small);
        assert_int_equal(rte_eth_rx_queue_setup(b->port, 0, RING, 0, NULL, small),
                         less ? -EINVAL : 0);
        assert_int_equal(rte_eth_rx_queue_setup(b->port, 0, RING, 0, NULL, pmd_bench_pool()), 0);
        rte_mempool_free(small);
    }
    start(b);
}

static void test_device_that_is_gone_says_so_and_closes(void **state)
{
    struct bench *b = *state;
    uint8_t data[64] = {0};
    struct rte_mbuf *m = packet_of(data, 64, 1);
    struct rte_eth_link link;
    struct rte_eth_stats stats;

    soft_nic_remove(b->soft);
    assert_int_equal(rte_eth_tx_burst(b->port, 0, &m, 1), 1);
    assert_int_equal(rte_eth_rx_burst(b->port, 0, &m, 1), 0);
    assert_int_equal(rte_eth_link_get_nowait(b->port, &link), 0);
    assert_int_equal(link.link_status, RTE_ETH_LINK_DOWN);
    assert_int_equal(rte_eth_dev_is_removed(b->port), 1);
    assert_int_equal(rte_eth_stats_get(b->port, &stats), -EIO);
    assert_int_equal(rte_eth_dev_stop(b->port), 0);
    assert_int_equal(rte_mempool_avail_count(pmd_bench_pool()), MBUFS);
}

static void assert_program(struct pmd *pmd, const char *expected)
{
    char name[PMD_NAME_BYTES];

    pmd_program_name(pmd, name, sizeof(name));
    assert_string_equal(name, expected);
}

static void test_program_over_a_slot_that_does_not_drain_is_gone(void **state)
{
    struct bench *b = *state;
    struct pmd *pmd = pmd_of_port(b->port);
    const struct rte_pmd_sluice_program all = {0};
    char why[EXEC_WHY_BYTES];

    assert_int_equal(pmd_program_load(pmd, &all, why), 0);
    assert_program(pmd, "raw");
    soft_nic_simulated(b->soft, true);            /* so that waiting in vain is short */
    *soft_nic_word(b->soft, SPEC_CSR_STATUS) = 1; /* busy */
    assert_int_equal(pmd_program_load(pmd, &all, why), -EIO);
    assert_non_null(strstr(why, "does not finish"));
    assert_program(pmd, "none");
    *soft_nic_word(b->soft, SPEC_CSR_STATUS) = 0;
    assert_int_equal(pmd_program_load(pmd, &all, why), 0);
    assert_program(pmd, "raw");
}

static void test_list_of_blocks_that_makes_no_sense_is_refused(void **state)
{
    static const struct {
        uint32_t addr;
        uint32_t value;
        int err;
    } faults[] = {
        {SPEC_BAR_LIST, UINT32_MAX, -ENODEV},
        {SPEC_BAR_LIST + SPEC_BLOCK_VERSION, 9, -EPROTONOSUPPORT},
        {SPEC_BAR_LIST + SPEC_BLOCK_NEXT, 0, -EPROTO},
        {SPEC_BAR_LIST + SPEC_BLOCK_NEXT, SPEC_BAR_LIST, -EPROTO},
        {SPEC_BAR_LIST + SPEC_BLOCK_NEXT, 0xfffffffc, -EPROTO},
        {SPEC_BAR_LIST + SPEC_BLOCK_NEXT, 3, -EPROTO},
        {0x11000 + SPEC_PORT_NUMBER, 1, -EPROTO},
        {0x12000 + SPEC_RXQ_NUMBER, 4000, -EPROTO},
        {0x16000 + SPEC_RSS_TABLE_MASK, 255, -EPROTO},
        {0, 0, -EPROTO},
    };

    (void)state;
    for (uint32_t i = 0; i < RTE_DIM(faults); i++) {
        struct soft_nic *soft = soft_nic_open();
        struct nic nic;
        const char *why = NULL;

        assert_int_equal(nic_open(&nic, soft_nic_dev(soft), &why), 0);
        assert_null(why);
        *soft_nic_word(soft, faults[i].addr) = faults[i].value;
        assert_int_equal(nic_open(&nic, soft_nic_dev(soft), &why), faults[i].err);
        assert_non_null(why);
        soft_nic_dev(soft)->ops->close(soft_nic_dev(soft));
    }
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BENCH(test_rx_one_buffer_has_all_that_is_said_of_it),
        ON_BENCH(test_rx_packet_of_several_buffers_is_one_packet),
        ON_BENCH(test_rx_packets_have_types),
        ON_BENCH(test_rx_full_ring_drops_and_goes_on_round_the_counts),
        ON_BENCH(test_rx_empty_pool_is_counted_and_fills_up_later),
        ON_BENCH(test_rx_ring_never_waits_for_more_than_it_has),
        ON_BENCH(test_rx_descriptors_that_lie_lose_their_packet_only),
        ON_BENCH(test_tx_packets_of_any_buffers_leave_as_they_are),
        ON_BENCH(test_tx_full_ring_takes_what_it_has_room_for),
        ON_BENCH(test_tx_packets_that_can_not_be_sent_are_counted_and_freed),
        ON_BENCH(test_tx_leaves_through_the_port_that_it_names),
        ON_BENCH(test_start_and_stop_again_and_again_lose_no_buffer),
        ON_BENCH(test_errors_of_queues_that_are_set_up_again_stay_counted),
        ON_BENCH(test_buffers_of_which_the_longest_packet_wants_too_many_are_refused),
        ON_BENCH(test_queues_that_are_to_start_later_are_refused),
        ON_BENCH(test_device_that_is_gone_says_so_and_closes),
        ON_BENCH(test_program_over_a_slot_that_does_not_drain_is_gone),
        cmocka_unit_test(test_list_of_blocks_that_makes_no_sense_is_refused),
    };

    return cmocka_run_group_tests(tests, pmd_bench_start, pmd_bench_end);
}
