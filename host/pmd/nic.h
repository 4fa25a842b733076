/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_PMD_NIC_H
#define SLUICE_PMD_NIC_H

#include "host/dev.h"
#include "hw/spec/gen/nic.h"

/* The registers of a NIC (hw/spec/nic.toml) over a device of host/dev.h; knows nothing of DPDK. All
 * that return int return 0 or negative errno; -ENODEV if the device is gone: its registers read as
 * all ones, or can't be reached. */

enum {
    NIC_QUEUES_MAX = 64,
    NIC_RETA_MAX = 128,
    NIC_KEY_BYTES = 40,
    NIC_FILTERS = 8,
    NIC_TARGETS = 64
};

struct nic {
    struct dev *dev;
    /* Addresses of blocks; 0: there is none. */
    uint32_t device;
    uint32_t rss;
    uint32_t verdict;
    uint32_t events;
    uint32_t mapdma;
    uint32_t slot;
    uint32_t port[DEV_NIC_PORTS];
    uint32_t rxq[NIC_QUEUES_MAX];
    uint32_t txq[NIC_QUEUES_MAX];
    uint32_t port_count;
    uint32_t rxq_count;
    uint32_t txq_count;
    uint32_t reta_size;
    uint64_t number_base; /* of packets: how many a device numbered in whose place this one is */
    bool gone;            /* has been found to be; stays so */
};

enum nic_port_flags { NIC_PORT_ON = 1, NIC_PORT_PROMISCUOUS = 2, NIC_PORT_ALLMULTI = 4 };

/* Finds the blocks. *why: the reason of a failure, a whole sentence without a full stop. -ENODEV,
 * -EPROTO if the list makes no sense, -EPROTONOSUPPORT if a block has another version. */
int nic_open(struct nic *nic, struct dev *dev, const char **why);

int nic_read(struct nic *nic, uint32_t addr, uint32_t *value);
int nic_write(struct nic *nic, uint32_t addr, uint32_t value);
/* A counter of 64 bits. Two threads must not read counters at once. */
int nic_counter(struct nic *nic, uint32_t addr, uint64_t *value);

/* Lets a simulated device go on; nothing on a board. */
static inline void nic_advance(const struct nic *nic, uint32_t clocks)
{
    if (nic->dev->ops->advance)
        nic->dev->ops->advance(nic->dev, clocks);
}

/* Waits for the device: lets a simulated one go on for so many clocks, sleeps on a board. */
void nic_wait(const struct nic *nic, uint32_t clocks);

/* Resets rings, ports and counters, not the slot, and sets the watchdog over the slot. -ETIMEDOUT.
 */
int nic_reset(struct nic *nic);
/* Whether the ports take packets. */
int nic_enable(struct nic *nic, bool on);
/* Of a port: flags of nic_port_flags, longest frame without FCS. */
int nic_port_set(struct nic *nic, uint32_t port, uint32_t flags, uint32_t max_bytes);
/* Of a port: its address. */
int nic_port_mac(struct nic *nic, uint32_t port, const uint8_t mac[6]);
/* Of a port: one of NIC_FILTERS more addresses; NULL: that one is free. */
int nic_port_filter(struct nic *nic, uint32_t port, uint32_t index, const uint8_t *mac);
int nic_port_link(struct nic *nic, uint32_t port, bool *up);

/* Puts a ring (the block at `queue`: RX, TX or events) in use: empty, of 1 << size_log2
 * descriptors at DMA address `base`, a multiple of 64. */
int nic_ring_start(struct nic *nic, uint32_t queue, uint64_t base, uint32_t size_log2);
/* ... out of use; returns when the device no longer touches its memory. -ETIMEDOUT: it may still.
 */
int nic_ring_stop(struct nic *nic, uint32_t queue);

/* What is hashed (the bits of RSS's CTRL), with which key, and the queue of each entry. */
int nic_rss_set(struct nic *nic, uint32_t types, const uint8_t key[NIC_KEY_BYTES]);
int nic_rss_table(struct nic *nic, const uint16_t *queues);

int nic_time(struct nic *nic, uint64_t *ns);
/* Packets that have left the slot since reset, which numbers them so: the next one has at least
 * this number. */
int nic_packets(struct nic *nic, uint64_t *packets);
/* Stops the program slot from starting packets, and waits for those inside. -ETIMEDOUT. */
int nic_slot_drain(struct nic *nic);
/* Lets it start packets again, with the program of bank 0. */
int nic_slot_start(struct nic *nic);
/* Waits until what has left the slot, and its events, are in host memory. -ETIMEDOUT. */
int nic_to_host_settle(struct nic *nic);

#endif
