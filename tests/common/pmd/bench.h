/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_PMD_BENCH_H
#define SLUICE_TESTS_PMD_BENCH_H

#include "host/dev.h"
#include "host/pmd/rte_pmd_sluice.h"

#include <rte_ethdev.h>

/* What tests of the DPDK driver begin and end with, and what they do again and again; for cmocka.
 */

/* The mbufs that a test program has, and their room behind the headroom. Each defines this. */
extern const struct pmd_bench_size {
    uint32_t mbufs;
    uint16_t room_bytes;
} pmd_bench_size;

/* Group's fixtures: EAL without a bus or hugepages, and the pool of those mbufs. */
int pmd_bench_start(void **state);
int pmd_bench_end(void **state);
/* The first with one more option for EAL. */
int pmd_bench_start_with(char *option);
struct rte_mempool *pmd_bench_pool(void);
/* One more of so many mbufs of that size: NULL if there is no memory. */
struct rte_mempool *pmd_bench_new_pool(const char *name, uint32_t mbufs);

/* Makes a device a port, as a bus would. */
struct rte_eth_dev *pmd_bench_open(struct dev *dev);
/* One queue each way. */
void pmd_bench_set_up(uint16_t port, uint16_t ring);
/* The simulated NIC as a port with one queue each way that gets all packets; the options are those
 * of sim_nic_open. NULL: this build has no model of it. */
struct rte_eth_dev *pmd_bench_sim(uint64_t seed, uint32_t stall_percent, uint16_t ring);
/* Stops and closes a port: all mbufs are back. */
void pmd_bench_close(uint16_t port);

/* Loads a program in place of the present one; maps hold what the file says. */
void pmd_bench_load(uint16_t port, const char *path);
/* The same from a text (compiler/load/load.h). */
void pmd_bench_load_text(uint16_t port, const char *text);
/* Swaps in a program. */
void pmd_bench_swap(uint16_t port, const struct rte_pmd_sluice_program *what, uint32_t flags,
                    struct rte_pmd_sluice_swap *done);
/* Whether the program runs there. */
void pmd_bench_executor_is(uint16_t port, const char *executor);

/* A packet with all bytes alike. */
struct rte_mbuf *pmd_bench_packet(struct rte_mempool *pool, uint16_t bytes, uint8_t fill);
/* A UDP packet of a flow; of flow 0 it is none, so that RSS does not hash it. */
struct rte_mbuf *pmd_bench_udp(uint16_t bytes, uint32_t flow);
/* Sends them; the device goes on where the ring has no room. */
void pmd_bench_send(uint16_t port, struct rte_mbuf **packets, uint16_t count);
/* A word of a packet, in the order of the host's bytes. */
uint32_t pmd_bench_word(const uint8_t *data, uint32_t at);

/* Packets of 80 bytes 0x5a, which are numbered behind their head. */
enum { PMD_BENCH_BYTES = 80, PMD_BENCH_NUMBER_AT = 16 };
void pmd_bench_send_numbers(uint16_t port, uint32_t count, uint32_t *next);

/* In a program's text, what no device has: the number 7 of a text, at r10 - 32. r1 to r4 go. */
#define PMD_BENCH_STRTOL                                                                           \
    "r3 = 55\n*(u64 *)(r10 - 24) = r3\nr1 = r10\nr1 += -24\nr2 = 8\nr3 = 0\nr4 = r10\n"            \
    "r4 += -32\ncall bpf_strtol\n"

/* The value of 8 bytes that a map has for a number of 4. */
uint64_t pmd_bench_value(uint16_t port, const char *map, uint32_t key);
/* An extended statistic. */
uint64_t pmd_bench_counter(uint16_t port, const char *name);

#endif
