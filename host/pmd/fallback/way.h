/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_PMD_WAY_H
#define SLUICE_PMD_WAY_H

#include "host/pmd/nic.h"

/* What decides, beside the program, where packets go. */
struct nic_ways {
    uint64_t redirect[NIC_TARGETS];
    uint32_t means[NIC_TARGETS];
    uint32_t ifindex[DEV_NIC_PORTS];
    uint32_t port_count;
    uint32_t rxq_count;
    uint32_t to_host;
};

struct nic_way {
    enum spec_way_to to;
    uint32_t number; /* of the port or RX ring */
};

int nic_ways_read(struct nic *nic, struct nic_ways *ways);

/* bpf_redirect's word for an interface is this and its number (hw/spec/xdp.toml). */
#define NIC_BY_IFINDEX (UINT64_C(1) << 63)

/* An entry of the table of redirect words that the driver has. */
struct nic_target {
    bool used;
    uint32_t index;
};

/* Lets a redirect word mean an RX ring, in an entry that is free; nothing if there is one already.
 * -ENOSPC. */
int nic_target_set(struct nic *nic, uint64_t redirect, uint32_t ring, struct nic_target *target);
void nic_target_clear(struct nic *nic, struct nic_target *target);
/* The way of a packet from a port, hashed to a queue, by what its program returned. */
struct nic_way nic_way_of(const struct nic_ways *ways, uint32_t ret, uint64_t redirect,
                          uint32_t port, uint32_t queue);

#endif
