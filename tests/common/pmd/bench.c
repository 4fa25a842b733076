/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/common/pmd/bench.h"

#include "host/ctl/executor.h"
#include "host/pmd/pmd.h"
#include "tests/common/sim_nic.h"

#include <dev_driver.h>
#include <rte_ip.h>
#include <rte_malloc.h>
#include <rte_udp.h>
#include <unistd.h>

enum { CLOCKS = 64, TRIES = 100000 };

int pmd_bench_start_with(char *option)
{
    char *args[] = {"test", "--no-pci",   "--no-huge", "-m",
                    "64",   "-l",         "0",         "--log-level=*:critical",
                    option, "--no-shconf"};

    if (rte_eal_init(RTE_DIM(args), args) < 0)
        return -1;
    return pmd_bench_new_pool("test", pmd_bench_size.mbufs) ? 0 : -1;
}

int pmd_bench_start(void **state)
{
    (void)state;
    return pmd_bench_start_with("--no-telemetry");
}

int pmd_bench_end(void **state)
{
    (void)state;
    rte_mempool_free(pmd_bench_pool());
    return rte_eal_cleanup();
}

struct rte_mempool *pmd_bench_pool(void)
{
    return rte_mempool_lookup("test");
}

struct rte_mempool *pmd_bench_new_pool(const char *name, uint32_t mbufs)
{
    return rte_pktmbuf_pool_create(name, mbufs, 0, 0,
                                   (uint16_t)(pmd_bench_size.room_bytes + RTE_PKTMBUF_HEADROOM), 0);
}

struct rte_eth_dev *pmd_bench_open(struct dev *dev)
{
    /* what a bus would have found */
    static const struct rte_driver driver = {.name = "net_sluice"};
    static struct rte_device device = {.name = "test", .driver = &driver};
    struct rte_eth_dev *eth = rte_eth_dev_allocate("test");

    eth->data->dev_private = rte_zmalloc("test", sizeof(struct pmd), 0);
    eth->device = &device;
    assert_int_equal(pmd_init(eth, dev, NULL), 0);
    rte_eth_dev_probing_finish(eth);
    return eth;
}

void pmd_bench_set_up(uint16_t port, uint16_t ring)
{
    const struct rte_eth_conf conf = {0};

    assert_int_equal(rte_eth_dev_configure(port, 1, 1, &conf), 0);
    assert_int_equal(rte_eth_rx_queue_setup(port, 0, ring, 0, NULL, pmd_bench_pool()), 0);
    assert_int_equal(rte_eth_tx_queue_setup(port, 0, ring, 0, NULL), 0);
}

struct rte_eth_dev *pmd_bench_sim(uint64_t seed, uint32_t stall_percent, uint16_t ring)
{
    struct rte_eth_dev *eth;
    struct dev *dev;

    if (!sim_nic_there())
        return NULL;
    dev = sim_nic_open(seed, stall_percent);
    assert_non_null(dev);
    eth = pmd_bench_open(dev);
    pmd_bench_set_up(eth->data->port_id, ring);
    assert_int_equal(rte_eth_promiscuous_enable(eth->data->port_id), 0);
    return eth;
}

void pmd_bench_close(uint16_t port)
{
    if (rte_eth_devices[port].data->dev_started)
        assert_int_equal(rte_eth_dev_stop(port), 0);
    assert_int_equal(rte_eth_dev_close(port), 0);
    assert_int_equal(rte_mempool_avail_count(pmd_bench_pool()), pmd_bench_size.mbufs);
}

/* --- programs --- */

void pmd_bench_load(uint16_t port, const char *path)
{
    const struct rte_pmd_sluice_program what = {.path = path};
    char why[EXEC_WHY_BYTES];

    if (rte_pmd_sluice_program_load(port, &what, why, sizeof(why)))
        fail_msg("%s", why);
}

void pmd_bench_load_text(uint16_t port, const char *text)
{
    char path[SIM_NIC_PATH_BYTES];

    assert_true(sim_nic_program(text, path));
    pmd_bench_load(port, path);
    unlink(path);
}

void pmd_bench_swap(uint16_t port, const struct rte_pmd_sluice_program *what, uint32_t flags,
                    struct rte_pmd_sluice_swap *done)
{
    char why[EXEC_WHY_BYTES];

    if (rte_pmd_sluice_program_swap(port, what, flags, done, why, sizeof(why)))
        fail_msg("%s", why);
}

void pmd_bench_executor_is(uint16_t port, const char *executor)
{
    struct rte_pmd_sluice_program_info info;

    assert_int_equal(rte_pmd_sluice_program_info(port, &info), 0);
    assert_string_equal(info.executor, executor);
}

/* --- packets --- */

struct rte_mbuf *pmd_bench_packet(struct rte_mempool *pool, uint16_t bytes, uint8_t fill)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

    assert_non_null(m);
    memset(rte_pktmbuf_append(m, bytes), fill, bytes);
    return m;
}

struct rte_mbuf *pmd_bench_udp(uint16_t bytes, uint32_t flow)
{
    struct rte_mbuf *m = pmd_bench_packet(pmd_bench_pool(), bytes, 0);
    struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
    struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(eth + 1);
    struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);

    eth->ether_type = rte_cpu_to_be_16(flow ? RTE_ETHER_TYPE_IPV4 : 0x88b5);
    ip->version_ihl = 0x45;
    ip->total_length = rte_cpu_to_be_16((uint16_t)(bytes - sizeof(*eth)));
    ip->next_proto_id = IPPROTO_UDP;
    ip->src_addr = rte_cpu_to_be_32(0x0a000000 + flow * 77);
    ip->dst_addr = rte_cpu_to_be_32(0x0a010000);
    udp->src_port = rte_cpu_to_be_16((uint16_t)(1000 + flow * 13));
    udp->dst_port = rte_cpu_to_be_16(53);
    return m;
}

void pmd_bench_send(uint16_t port, struct rte_mbuf **packets, uint16_t count)
{
    uint32_t tries = 0;
    uint16_t done = 0;

    while ((done = (uint16_t)(done + rte_eth_tx_burst(port, 0, packets + done,
                                                      (uint16_t)(count - done)))) < count) {
        assert_true(tries++ < TRIES);
        nic_advance(&pmd_of_port(port)->nic, CLOCKS);
    }
}

void pmd_bench_send_numbers(uint16_t port, uint32_t count, uint32_t *next)
{
    for (uint32_t i = 0; i < count; i++, (*next)++) {
        struct rte_mbuf *m = pmd_bench_packet(pmd_bench_pool(), PMD_BENCH_BYTES, 0x5a);

        memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, PMD_BENCH_NUMBER_AT), next, sizeof(*next));
        pmd_bench_send(port, &m, 1);
    }
}

uint32_t pmd_bench_word(const uint8_t *data, uint32_t at)
{
    uint32_t word;

    memcpy(&word, data + at, sizeof(word));
    return word;
}

uint64_t pmd_bench_value(uint16_t port, const char *map, uint32_t key)
{
    uint64_t value = 0;

    assert_int_equal(rte_pmd_sluice_map_lookup(port, map, &key, &value), 0);
    return value;
}

uint64_t pmd_bench_counter(uint16_t port, const char *name)
{
    uint64_t id, value = 0;

    assert_int_equal(rte_eth_xstats_get_id_by_name(port, name, &id), 0);
    assert_int_equal(rte_eth_xstats_get_by_id(port, &id, &value, 1), 1);
    return value;
}
