/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TEST_SOFT_NIC_H
#define SLUICE_TEST_SOFT_NIC_H

#include "host/dev.h"

/* A NIC in software that keeps to hw/spec/nic.toml, for tests of its driver: two ports, two rings
 * of each kind. The test says what comes in, and when what was given is sent. */

enum { SOFT_RINGS = 2, SOFT_PORTS = 2, SOFT_PACKET_BYTES = 16384 };

struct soft_nic;

struct soft_nic *soft_nic_open(void);
/* Its dev's close gives it back. */
struct dev *soft_nic_dev(struct soft_nic *nic);
/* Whether it says that it can be let go on, as a simulated device does: so its driver waits for it
 * without sleeping. A board otherwise, as it is at first. */
void soft_nic_simulated(struct soft_nic *nic, bool simulated);
/* Registers read as all ones from now on, and writes go nowhere. */
void soft_nic_remove(struct soft_nic *nic);
/* Any word of the registers, for faults. */
uint32_t *soft_nic_word(struct soft_nic *nic, uint32_t addr);
/* Accesses to memory that was not mapped. */
uint32_t soft_nic_stray(const struct soft_nic *nic);

/* A packet with metadata in front, and what is said of it. */
struct soft_packet {
    const uint8_t *data;
    uint32_t bytes; /* with metadata */
    uint32_t meta;
    uint8_t ret;
    uint8_t port;
    bool hashed;
    uint32_t hash;
    uint16_t number;
    uint64_t time;
    uint64_t redirect;
    /* faults: added to what the first descriptor says */
    int32_t len_fault;
    int32_t total_fault;
};

/* Writes a packet to an RX ring: whether there was room. */
bool soft_nic_receive(struct soft_nic *nic, uint32_t queue, const struct soft_packet *packet);

/* Takes the next packet of a TX ring, and gives its descriptors back, as not sent if bad: its
 * bytes, or 0 if there is none. */
uint32_t soft_nic_send(struct soft_nic *nic, uint32_t queue, bool bad,
                       uint8_t data[SOFT_PACKET_BYTES], uint32_t *port);

#endif
