/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_PMD_SERVE_H
#define SLUICE_PMD_SERVE_H

#include "host/pmd/pmd.h"
#include "host/pmd/process/peer.h"

/* The primary process' side of peer.h: for each line that a secondary process has opened, a thread
 * does what is asked. Rings, programs and locks are touched by this process only, so a secondary
 * that dies, wherever it was, holds nothing of the device but packets that it has received. */

/* From here on secondary processes may open lines: 0, -ENOMEM, or what DPDK says to an action of
 * this name. Without files that processes share (--no-shconf) there are none, which is no error. */
int pmd_serve_open(struct pmd *pmd);
/* Ends all lines and waits for what is under way; NULL-safe inside. Not with the device's lock
 * held, nor from a callback of events. */
void pmd_serve_close(struct pmd *pmd);
/* A line whose other end somebody has; fd becomes the device's own, also on failure. */
int pmd_serve_line(struct pmd *pmd, int fd);

/* Around a start or stop of the port: no secondary's burst is under way meanwhile. Before the
 * device's lock. */
void pmd_serve_hold(struct pmd *pmd);
void pmd_serve_release(struct pmd *pmd);

/* serve_ops.c: a request under way, and room that stays for the next one. */
struct pmd_request {
    struct pmd *pmd;
    struct rte_eth_dev *eth_dev;
    struct pmd_peer_head head;
    const uint8_t *in; /* head.bytes */
    uint8_t *out;      /* of the answer; may be NULL if there are none */
    size_t room;
    uint32_t out_bytes;
    uint32_t given; /* packets whose addresses are the answer: nobody's until it is read */
};

/* Does it: the result, and the answer's bytes. */
int pmd_serve_act(struct pmd_request *request);
/* Around what it does with a queue; a port that starts or stops waits. */
void pmd_serve_enter(struct pmd *pmd);
void pmd_serve_leave(struct pmd *pmd);

#endif
