/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/common/pmd/bench.h"

#include "host/ctl/executor.h"
#include "host/pmd/pmd.h"

#include <dev_driver.h>
#include <rte_malloc.h>

struct rte_mempool *pmd_bench_start(uint32_t mbufs, uint16_t room_bytes, char *option)
{
    char *args[] = {"test",
                    "--no-pci",
                    "--no-huge",
                    "-m",
                    "64",
                    "-l",
                    "0",
                    "--log-level=*:critical",
                    option ? option : "--no-telemetry",
                    "--no-shconf"};

    if (rte_eal_init(RTE_DIM(args), args) < 0)
        return NULL;
    return rte_pktmbuf_pool_create("test", mbufs, 0, 0,
                                   (uint16_t)(room_bytes + RTE_PKTMBUF_HEADROOM), 0);
}

int pmd_bench_end(struct rte_mempool *pool)
{
    rte_mempool_free(pool);
    return rte_eal_cleanup();
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

void pmd_bench_set_up(uint16_t port, uint16_t ring, struct rte_mempool *pool)
{
    const struct rte_eth_conf conf = {0};

    assert_int_equal(rte_eth_dev_configure(port, 1, 1, &conf), 0);
    assert_int_equal(rte_eth_rx_queue_setup(port, 0, ring, 0, NULL, pool), 0);
    assert_int_equal(rte_eth_tx_queue_setup(port, 0, ring, 0, NULL), 0);
}

void pmd_bench_load(uint16_t port, const char *path)
{
    const struct rte_pmd_sluice_program what = {.path = path};
    char why[EXEC_WHY_BYTES];

    if (rte_pmd_sluice_program_load(port, &what, why, sizeof(why)))
        fail_msg("%s", why);
}

void pmd_bench_close(uint16_t port, struct rte_mempool *pool, uint32_t mbufs)
{
    if (rte_eth_devices[port].data->dev_started)
        assert_int_equal(rte_eth_dev_stop(port), 0);
    assert_int_equal(rte_eth_dev_close(port), 0);
    assert_int_equal(rte_mempool_avail_count(pool), mbufs);
}

uint64_t pmd_bench_counter(uint16_t port, const char *name)
{
    uint64_t id, value = 0;

    assert_int_equal(rte_eth_xstats_get_id_by_name(port, name, &id), 0);
    assert_int_equal(rte_eth_xstats_get_by_id(port, &id, &value, 1), 1);
    return value;
}
