/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_DIFF_DRIVER_NIC_H
#define SLUICE_TESTS_DIFF_DRIVER_NIC_H

#include "host/pmd/pmd.h"
#include "tests/fuzz/diff/case.h"

/* A simulated NIC as a port of DPDK, its wires captures in a folder of its own. Nothing here knows
 * of programs. */

enum { DRIVER_QUEUES = 4, DRIVER_PORTS = 2 };

struct driver_nic {
    struct rte_eth_dev *eth;
    struct pmd *pmd;
    struct rte_mempool *pools[DRIVER_QUEUES];
    uint16_t port;
    uint16_t queues; /* in use */
    char folder[64];
};

/* Opens it, with packets that wait at port 0, and sets everything up but the program: how, follows
 * from the generator. 0 or negative errno with a reason. */
int driver_nic_open(struct driver_nic *n, const struct diff_packet *packets, uint32_t count,
                    struct diff_rng *rng, char why[EXEC_WHY_BYTES]);
/* 0, or -EBUSY if buffers are missing. What was not opened is passed over. */
int driver_nic_close(struct driver_nic *n);
/* Takes its captures away. */
void driver_nic_remove(struct driver_nic *n);

uint64_t driver_nic_counter(const struct driver_nic *n, const char *name);
/* Frames that have left by a port; false: the capture can't be read. The port is closed. */
bool driver_nic_wire(const struct driver_nic *n, uint32_t port, struct arena *arena,
                     struct diff_packet **frames, uint32_t *count);

#endif
