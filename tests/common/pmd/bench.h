/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_PMD_BENCH_H
#define SLUICE_TESTS_PMD_BENCH_H

#include "host/dev.h"

#include <rte_ethdev.h>

/* What tests of the DPDK driver begin and end with; for cmocka. */

/* EAL without a bus or hugepages, and a pool of mbufs with so much room behind the headroom: NULL
 * where it does not start. option: one more for EAL, or NULL. */
struct rte_mempool *pmd_bench_start(uint32_t mbufs, uint16_t room_bytes, char *option);
int pmd_bench_end(struct rte_mempool *pool);

/* Makes a device a port, as a bus would. */
struct rte_eth_dev *pmd_bench_open(struct dev *dev);
/* One queue each way. */
void pmd_bench_set_up(uint16_t port, uint16_t ring, struct rte_mempool *pool);
/* Loads a program in place of the present one; maps hold what the file says. */
void pmd_bench_load(uint16_t port, const char *path);
/* Stops and closes a port: all of so many mbufs are back. */
void pmd_bench_close(uint16_t port, struct rte_mempool *pool, uint32_t mbufs);

/* An extended statistic. */
uint64_t pmd_bench_counter(uint16_t port, const char *name);

#endif
