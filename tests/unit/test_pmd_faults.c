/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/executor.h"
#include "host/pmd/pmd.h"
#include "hw/spec/gen/csr.h"
#include "hw/spec/gen/xdp.h"
#include "tests/common/pmd/bench.h"
#include "tests/common/sim_nic.h"

#include <errno.h>
#include <rte_ethdev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* What goes wrong around the simulated NIC, through the driver: each fault ends in an error or a
 * count, costs no packet that is not counted, and what comes after it is as it should be. What the
 * host sends comes back by the port's loopback. */

enum { RING = 64, MBUFS = 1023, BURST = 16 };

/* Counts, and says which count a packet has. */
static const char program[] = ".program count\n.map total array 4 8 1\n"
                              "r6 = *(u32 *)(r1 + 0)\nr7 = *(u32 *)(r1 + 4)\nr2 = r6\nr2 += 64\n"
                              "if r2 > r7 goto drop\n"
                              "r3 = 0\n*(u32 *)(r10 - 4) = r3\nr2 = r10\nr2 += -4\n"
                              "r1 = map[total] ll\ncall bpf_map_lookup_elem\n"
                              "if r0 == 0 goto drop\n"
                              "r3 = *(u64 *)(r0 + 0)\nr3 += 1\n*(u64 *)(r0 + 0) = r3\n"
                              "*(u32 *)(r6 + 24) = r3\n"
                              "r0 = 2\nexit\ndrop:\nr0 = 1\nexit\n";

struct bench {
    struct dev *dev;
    struct rte_eth_dev *eth;
    struct pmd *pmd;
    uint16_t port;
    char path[SIM_NIC_PATH_BYTES];
    uint32_t sent, received, gaps;
    uint32_t next; /* number of the next packet, if none is lost */
};

const struct pmd_bench_size pmd_bench_size = {.mbufs = MBUFS, .room_bytes = 1024};

static int open_bench(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));

    *state = b;
    b->eth = pmd_bench_sim(3, 5, RING);
    if (!b->eth)
        return 0;
    assert_true(sim_nic_program(program, b->path));
    b->port = b->eth->data->port_id;
    b->pmd = pmd_of_port(b->port);
    b->dev = b->pmd->nic.dev;
    pmd_bench_load(b->port, b->path);
    assert_int_equal(rte_eth_dev_start(b->port), 0);
    return 0;
}

static int close_bench(void **state)
{
    struct bench *b = *state;

    if (b->eth) {
        pmd_bench_close(b->port);
        unlink(b->path);
    }
    free(b);
    return 0;
}

static uint64_t total(struct bench *b)
{
    return pmd_bench_value(b->port, "total", 0);
}

static uint32_t receive(struct bench *b)
{
    struct rte_mbuf *burst[BURST];
    const uint16_t n = rte_eth_rx_burst(b->port, 0, burst, BURST);

    for (uint16_t i = 0; i < n; i++) {
        const uint8_t *data = rte_pktmbuf_mtod(burst[i], const uint8_t *);
        uint32_t number;

        memcpy(&number, data + PMD_BENCH_NUMBER_AT, sizeof(number));
        assert_int_equal(burst[i]->pkt_len, PMD_BENCH_BYTES);
        for (uint32_t k = 32; k < PMD_BENCH_BYTES; k++)
            assert_int_equal(data[k], 0x5a);
        assert_true(number >= b->next); /* in order, none twice */
        b->gaps += number - b->next;
        b->next = number + 1;
        b->received++;
        rte_pktmbuf_free(burst[i]);
    }
    return n;
}

/* Until nothing comes any more. */
static void receive_rest(struct bench *b)
{
    for (int quiet = 0; quiet < 40; quiet++)
        if (receive(b))
            quiet = 0;
}

/* Packets come and go as if nothing had been. */
static void check_well(struct bench *b)
{
    const uint32_t before = b->received, gaps = b->gaps;
    const uint64_t counted = total(b);

    b->next = b->sent;
    for (int i = 0; i < 4; i++) {
        pmd_bench_send_numbers(b->port, BURST, &b->sent);
        receive_rest(b);
    }
    assert_int_equal(b->received - before, 4 * BURST);
    assert_int_equal(b->gaps, gaps);
    assert_int_equal(total(b) - counted, 4 * BURST);
}

static void test_host_that_stops_reading_loses_what_is_counted(void **state)
{
    struct bench *b = *state;
    struct rte_eth_stats stats;

    sim_nic_needed();
    for (int i = 0; i < 20; i++) { /* ten times what the ring holds */
        pmd_bench_send_numbers(b->port, 2 * BURST, &b->sent);
        nic_advance(&b->pmd->nic, 2000);
    }
    nic_advance(&b->pmd->nic, 20000);
    receive_rest(b);
    assert_int_equal(rte_eth_stats_get(b->port, &stats), 0);
    assert_true(b->received >= RING && b->received < b->sent);
    assert_int_equal(b->received + stats.imissed, b->sent);
    assert_int_equal(pmd_bench_counter(b->port, "rx_ring0_dropped"), stats.imissed);
    assert_int_equal(total(b), b->sent);
    check_well(b);
}

/* Memory that no device may reach: an error of DMA, the packet is not sent, and counted. */
static void test_packet_in_memory_that_is_not_mapped_is_counted(void **state)
{
    static struct rte_mbuf_ext_shared_info shared;
    struct bench *b = *state;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct rte_eth_stats stats;
    struct rte_mbuf *m;

    sim_nic_needed();
    assert_true(page != MAP_FAILED);
    pmd_bench_send_numbers(b->port, BURST, &b->sent);
    m = rte_pktmbuf_alloc(pmd_bench_pool());
    shared.free_cb = (rte_mbuf_extbuf_free_callback_t)(void (*)(void))rte_mbuf_ext_refcnt_read;
    rte_mbuf_ext_refcnt_set(&shared, 2); /* never freed by DPDK */
    rte_pktmbuf_attach_extbuf(m, page, (uintptr_t)page, 4096, &shared);
    m->data_off = 0;
    assert_non_null(rte_pktmbuf_append(m, PMD_BENCH_BYTES));
    assert_int_equal(rte_eth_tx_burst(b->port, 0, &m, 1), 1);
    pmd_bench_send_numbers(b->port, BURST, &b->sent);
    receive_rest(b);
    assert_int_equal(b->received, 2 * BURST);
    assert_int_equal(b->gaps, 0);
    assert_true(pmd_bench_counter(b->port, "dma_errors") > 0);
    assert_int_equal(pmd_bench_counter(b->port, "tx_ring0_bad"), 1);
    assert_int_equal(rte_eth_stats_get(b->port, &stats), 0);
    assert_int_equal(stats.opackets, 2 * BURST);
    check_well(b);
    assert_int_equal(rte_eth_stats_reset(b->port), 0);
    assert_int_equal(pmd_bench_counter(b->port, "dma_errors"), 0);
    munmap(page, 4096);
}

/* What the driver would never write: descriptors of no bytes, of more than a packet has, for a port
 * that is not there, and a packet of too many of them. */
static void test_descriptors_that_make_no_sense_are_counted(void **state)
{
    enum {
        FEW = 14,
        MANY = PMD_TX_BUFFERS + 3,
        DESCRIPTORS = 3 + MANY,
        FLAGS = PMD_FLAG_DONE | PMD_FLAG_LAST | PMD_TX_FLAG_BAD,
    };
    struct bench *b = *state;
    struct rte_mbuf *m;
    struct pmd_txq *q;
    uint64_t memory;
    uint32_t n = 0;

    sim_nic_needed();
    q = b->eth->data->tx_queues[0];
    pmd_bench_send_numbers(b->port, BURST, &b->sent);
    receive_rest(b);
    assert_true(pmd_tx_clean(q, 0) >= 0);
    assert_int_equal(q->done, q->given);
    m = rte_pktmbuf_alloc(pmd_bench_pool());
    memory = rte_mbuf_data_iova_default(m);
    for (; n < DESCRIPTORS; n++) {
        const uint32_t port = n == 2 ? 9 : 0, bytes = n == 0 ? 0 : n == 1 ? 16000 : FEW + 50;
        const bool last = n < 3 || n == DESCRIPTORS - 1;
        volatile struct pmd_tx_desc *d = &q->ring[(uint16_t)(q->given + n) & q->mask];

        d->addr = memory;
        d->len = bytes;
        rte_io_wmb();
        d->flags = (last ? PMD_FLAG_LAST : 0) | port << PMD_FLAG_PORT_SHIFT;
    }
    assert_int_equal(
        nic_write(&b->pmd->nic, b->pmd->nic.txq[0] + SPEC_TXQ_TAIL, (uint16_t)(q->given + n)), 0);
    nic_advance(&b->pmd->nic, 4000);
    for (uint32_t i = 0; i < n; i++) /* each packet's last one comes back */
        if (i < 3 || i == n - 1)
            assert_int_equal(q->ring[(uint16_t)(q->given + i) & q->mask].flags & FLAGS, FLAGS);
    assert_int_equal(pmd_bench_counter(b->port, "tx_ring0_bad"), 4);
    assert_int_equal(pmd_bench_counter(b->port, "tx_port0_packets"), BURST);
    q->given = q->done = (uint16_t)(q->given + n); /* as if the driver had given them */
    check_well(b);
    rte_pktmbuf_free(m);
}

/* The row that the program of bank 0 begins with. */
static void write_row(struct bench *b, struct ucode_slot slot)
{
    const struct ucode_row row = {.slots = {[1] = slot}};
    uint32_t words[UCODE_ROW_WORDS];

    ucode_encode_row(&row, words);
    assert_int_equal(nic_write(&b->pmd->nic, SPEC_BAR_SLOT + SPEC_CSR_PROG_ROW, 0), 0);
    assert_int_equal(b->dev->ops->write_words(b->dev, SPEC_BAR_SLOT + SPEC_CSR_PROG_WORD, words,
                                              UCODE_ROW_WORDS),
                     0);
    assert_int_equal(nic_write(&b->pmd->nic, SPEC_BAR_SLOT + SPEC_CSR_PROG_COMMIT, 1), 0);
}

static void swap_in_place(struct bench *b)
{
    const struct rte_pmd_sluice_program what = {.path = b->path};

    pmd_bench_swap(b->port, &what, 0, NULL);
}

enum { NIC_CORES = 4 }; /* of the model that ./dev build makes */

static const struct ucode_slot to_itself = {.op = UCODE_JMP, .br = true, .tgt = 0};

/* Program memory that has gone bad: the row that it begins with jumps to itself. Whoever runs it
 * ends by the limit of rows; the next program works. */
static void test_program_that_runs_for_ever_is_ended_and_counted(void **state)
{
    struct bench *b = *state;
    uint32_t cores = 0;

    sim_nic_needed();
    assert_int_equal(nic_read(&b->pmd->nic, b->pmd->nic.slot + SPEC_CSR_CORES, &cores), 0);
    assert_int_equal(cores, NIC_CORES);
    write_row(b, to_itself);
    pmd_bench_send_numbers(
        b->port, 2 * BURST,
        &b->sent); /* so that all cores have some: CONTEXTS packets each in turn */
    receive_rest(b);
    assert_int_equal(b->received, 0);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_limited"), 2 * BURST);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_aborted"), 2 * BURST);
    assert_int_equal(total(b), 0);
    swap_in_place(b);
    check_well(b);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_limited"), 2 * BURST);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_hung"), 0);
}

/* The same without a limit: the slot lets nothing go. That is told, and the host's own packets go
 * on; when the row is sound again, so do the others. */
static void test_slot_that_hangs_is_told(void **state)
{
    struct bench *b = *state;
    struct nic *nic;

    sim_nic_needed();
    nic = &b->pmd->nic;
    assert_int_equal(nic_write(nic, nic->device + SPEC_NIC_WATCHDOG, 3000), 0);
    assert_int_equal(nic_write(nic, nic->slot + SPEC_CSR_ROW_LIMIT, 0), 0);
    write_row(b, to_itself);
    pmd_bench_send_numbers(b->port, BURST, &b->sent);
    nic_advance(nic, 8000);
    receive_rest(b);
    assert_int_equal(b->received, 0);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_hung"), 1);
    assert_int_equal(pmd_bench_counter(b->port, "tx_port0_packets"), BURST);
    write_row(b, (struct ucode_slot){.op = UCODE_EXIT, .bimm = true, .imm = SPEC_XDP_PASS});
    receive_rest(b);
    assert_int_equal(b->received, BURST);
    assert_int_equal(b->gaps, 0);
    assert_int_equal(pmd_bench_counter(b->port, "rx_program_limited"), 0);
    swap_in_place(b);
    check_well(b);
}

/* The port stops and starts while packets are everywhere. */
static void test_restart_amid_traffic_loses_what_was_under_way_only(void **state)
{
    struct bench *b = *state;

    sim_nic_needed();
    for (int i = 0; i < 5; i++) {
        pmd_bench_send_numbers(b->port, 3 * BURST, &b->sent);
        receive(b);
        assert_int_equal(rte_eth_dev_stop(b->port), 0);
        assert_int_equal(rte_eth_dev_start(b->port), 0);
        receive_rest(b);
        assert_true(b->sent - b->received - b->gaps <= 3 * BURST);
        check_well(b);
    }
}

/* The board is pulled while a program is swapped. */
static int read_ones(struct dev *dev, uint32_t addr, uint32_t *words, uint32_t count)
{
    (void)dev;
    (void)addr;
    for (uint32_t i = 0; i < count; i++)
        words[i] = UINT32_MAX;
    return 0;
}

static int read_one(struct dev *dev, uint32_t addr, uint32_t *value)
{
    return read_ones(dev, addr, value, 1);
}

static int write_nothing(struct dev *dev, uint32_t addr, const uint32_t *words, uint32_t count)
{
    (void)dev;
    (void)addr;
    (void)words;
    (void)count;
    return 0;
}

static int write_nowhere(struct dev *dev, uint32_t addr, uint32_t value)
{
    return write_nothing(dev, addr, &value, 1);
}

static void test_device_that_goes_away_under_a_program_says_so(void **state)
{
    struct bench *b = *state;
    const struct rte_pmd_sluice_program what = {.path = b->path};
    const uint32_t key = 0;
    const struct dev_ops *ops;
    struct dev_ops gone;
    uint64_t value;
    char why[EXEC_WHY_BYTES];

    sim_nic_needed();
    ops = b->dev->ops;
    gone = *ops;
    pmd_bench_send_numbers(b->port, BURST, &b->sent);
    receive_rest(b);
    gone.read32 = read_one;
    gone.read_words = read_ones;
    gone.write32 = write_nowhere;
    gone.write_words = write_nothing;
    b->dev->ops = &gone;
    assert_int_equal(rte_pmd_sluice_map_lookup(b->port, "total", &key, &value), -ENODEV);
    assert_int_not_equal(rte_pmd_sluice_program_swap(b->port, &what, 0, NULL, why, sizeof(why)), 0);
    assert_int_not_equal(why[0], 0);
    assert_int_not_equal(rte_pmd_sluice_program_load(b->port, &what, why, sizeof(why)), 0);
    assert_int_not_equal(why[0], 0);
    assert_int_equal(rte_eth_dev_is_removed(b->port), 1);
    assert_int_equal(rte_eth_dev_stop(b->port), 0);
    b->dev->ops = ops;
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BENCH(test_host_that_stops_reading_loses_what_is_counted),
        ON_BENCH(test_packet_in_memory_that_is_not_mapped_is_counted),
        ON_BENCH(test_descriptors_that_make_no_sense_are_counted),
        ON_BENCH(test_program_that_runs_for_ever_is_ended_and_counted),
        ON_BENCH(test_slot_that_hangs_is_told),
        ON_BENCH(test_restart_amid_traffic_loses_what_was_under_way_only),
        ON_BENCH(test_device_that_goes_away_under_a_program_says_so),
    };

    return cmocka_run_group_tests(tests, pmd_bench_start, pmd_bench_end);
}
