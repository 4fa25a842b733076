/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_PMD_FALLBACK_H
#define SLUICE_PMD_FALLBACK_H

#include "host/ctl/shadow.h"
#include "host/pmd/pmd.h"
#include "hw/spec/gen/xdp.h"

/* A program that the device does not take, on the host's CPU in the RX burst; struct pmd_fallback
 * is there from pmd_init on, and on while such a program is loaded. */

/* Since the device was opened. */
struct pmd_fallback_counts {
    uint64_t packets; /* that the program saw, and bytes of what the RX ring had of them */
    uint64_t bytes;
    uint64_t host_packets; /* that the application got of these */
    uint64_t host_bytes;
    uint64_t ret[SPEC_VERDICTS];
    uint64_t redirect_lost; /* targets that are not there */
    uint64_t ring_off;      /* redirected to an RX ring that is not in use */
    uint64_t tx_dropped;    /* no room in the driver's TX ring */
    uint64_t path_packets;  /* of packets: of a program that leaves but a path to the host */
    uint64_t path_lost;     /* that came to such a path, and found no descriptor */
    struct pmd_fallback_queue {
        uint64_t packets; /* that were for this RX queue, and found room there */
        uint64_t bytes;
        uint64_t dropped;  /* and that found none, for nobody received */
        uint64_t captured; /* that came by this queue's ring */
        uint64_t captured_bytes;
    } queue[NIC_QUEUES_MAX];
};

int pmd_fallback_init(struct pmd *pmd);
void pmd_fallback_free(struct pmd *pmd); /* NULL-safe */
const struct pmd_fallback_counts *pmd_fallback_counts(const struct pmd *pmd);

enum { PMD_CAPTURE_INSNS = 24 };
/* What the slot runs meanwhile, as eBPF; its bytes. */
uint32_t pmd_fallback_capture(const struct pmd *pmd, uint64_t insns[PMD_CAPTURE_INSNS]);

/* Why no program can run on the host as the queues are, a whole sentence without a full stop; NULL:
 * it can. */
const char *pmd_fallback_refusal(const struct pmd *pmd);

/* Mark of captured packets, for a program that leaves paths to the host (ir.h). */
uint64_t pmd_fallback_mark(const struct pmd *pmd);

/* From here on packets that the slot captures are exec's, which stays the caller's; the slot is
 * drained, pmd->lock held. shadow: of exec, whose maps are those of the program in the slot, which
 * leaves paths to the host; or NULL: the slot captures all packets. */
int pmd_fallback_begin(struct pmd *pmd, struct exec *exec, struct shadow *shadow);
/* Runs what the slot has captured, and is off; likewise. */
void pmd_fallback_end(struct pmd *pmd);
/* Drains the slot, and runs packets without which it would not drain; likewise. */
int pmd_fallback_drain(struct pmd *pmd);
/* While the port starts, after its rings, and before it stops them. */
int pmd_fallback_start(struct pmd *pmd);
int pmd_fallback_stop(struct pmd *pmd);

/* The RX ring that has what a queue is to get: its own, or that of captured packets. */
struct pmd_rxq *pmd_fallback_ring(struct pmd_rxq *q);
/* Whether it is q's, so that packets come off q's ring by pmd_fallback_poll only. needs: q's lock,
 * for as long as that is to be so */
bool pmd_fallback_takes(const struct pmd_rxq *q);
/* Before a burst of a queue: if a program is on, runs what is captured, until so many packets wait
 * for this queue. Does nothing while another thread is at it. */
void pmd_fallback_poll(struct pmd_rxq *q, uint32_t wanted);
/* Lets the device send what programs on the host have sent so far, and looks for a packet that the
 * slot holds for a path. needs: the device's lock */
void pmd_fallback_kick(struct pmd *pmd);
/* A packet as the device gave it, with its metadata: it, or NULL if it was captured. Then it has
 * run, and waits for its queue's next burst or is gone. needs: q's lock; for a captured one, the
 * device's */
struct rte_mbuf *pmd_fallback_run(struct pmd_rxq *q, struct rte_mbuf *m, struct pmd_rx_take *d);

/* What the slot's program returns. */
enum { PMD_CAPTURE_RET = SPEC_XDP_REDIRECT };
/* What a program returns that leaves a packet to the host. */
enum { PMD_PATH_RET = SPEC_XDP_PASS };
/* Packets with that value, without those that are captured and wait to be run; false: no program
 * runs on the host. needs: the device's lock */
bool pmd_fallback_captured(struct pmd *pmd, uint32_t *ret, uint64_t *count);

#endif
