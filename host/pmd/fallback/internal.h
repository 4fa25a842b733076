/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_PMD_FALLBACK_INTERNAL_H
#define SLUICE_PMD_FALLBACK_INTERNAL_H

#include "host/pmd/fallback/fallback.h"
#include "host/pmd/fallback/way.h"

#include <stdatomic.h>

/* A program that the device does not take runs here, on a CPU that polls any RX queue, one packet
 * after the other as the device numbered them. The slot meanwhile runs a program of the driver's
 * own (capture.c), which redirects every packet to the first RX ring and puts what a program may
 * ask of it (struct pmd_capture) in front as metadata. So packets of all queues come in the one
 * order that they are to be run in (run.c); then each waits for its queue's next burst, in struct
 * pmd_rxq. What the program sends leaves by a TX ring of the driver's own.
 *
 * A program of which the device does not take a path alone runs in the slot, and there puts the
 * same metadata in front of packets that come to it. Such a packet comes by its own queue's ring,
 * and is run against the device's maps (host/ctl/shadow.h), while packets behind it wait for what
 * it does (path.h).
 *
 * Who runs packets holds the device's lock, as whoever looks at the program's maps does; another
 * queue's thread that finds it taken has what waits for its queue, and goes on. Locks are taken in
 * this order: the device's, that of the packet's RX ring, that of another one. */

/* Whose packets are run here. */
enum { FALLBACK_OFF, FALLBACK_WHOLE, FALLBACK_PATHS };

/* Metadata that the slot's program puts in front of each packet. The mark tells these packets from
 * those of a program that ran in the slot before. */
struct pmd_capture {
    uint64_t mark;
    uint32_t rand; /* the first number that the packet's generator gives */
    uint32_t ifindex;
    uint32_t queue;
};
enum { CAPTURE_BYTES = 20 };
enum { CAPTURE_TARGET = 0x534c4342 }; /* what the slot's program redirects to */

/* capture.c: whether a packet, as the device gave it, was captured under this mark; its metadata.
 */
bool pmd_capture_read(const struct rte_mbuf *m, const struct pmd_rx_take *d, uint64_t mark,
                      struct pmd_capture *capture);

struct pmd_fallback {
    pthread_mutex_t *lock;    /* the device's; of all below, too */
    atomic_int on;            /* FALLBACK_OFF, ...; changed with the RX queues' locks held, too */
    struct shadow *shadow;    /* FALLBACK_PATHS: of exec's maps */
    struct nic_target target; /* of what the slot's program redirects */
    struct exec *exec;        /* the program's */
    uint64_t number;          /* of the last packet, or of one before it */
    uint64_t mark;
    struct nic_ways ways;
    struct pmd_txq *txq;             /* while the port is started */
    uint64_t all_base, dropped_base; /* of the device, when its slot's program came */
    uint64_t captured;               /* packets of that one that came here since */
    struct pmd_fallback_counts counts;
    bool held; /* the packet of a path has run, and what it sends is not in the port yet */
    bool told;                                          /* of a fault */
    uint8_t packet[SPEC_PKT_MAX_BYTES + CAPTURE_BYTES]; /* that run.c has at hand */
};

/* fallback.c: lets packets behind one of a path go on, once the port has what that one sends, for
 * ports send packets in the order in which they came (nic_port_tx); otherwise a later call does. */
void pmd_fallback_let_go(struct pmd_fallback *f, struct nic *nic);

#endif
