/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_PMD_REMOTE_H
#define SLUICE_PMD_REMOTE_H

#include "host/pmd/pmd.h"
#include "host/pmd/process/peer.h"

/* The device in a secondary process: all that it does is asked of the primary process (peer.h).
 * struct pmd is the primary's, though it lies in shared memory; nothing here looks at it. */

struct pmd_remote;

/* Makes the port of that name, which the primary process has, a port of this one. 0 or negative
 * errno, and a line in the log. */
int pmd_remote_probe(struct rte_device *device, const char *name);
/* Undoes it; nothing if it is no port. */
int pmd_remote_remove(const struct rte_device *device);

/* Of a port of this process, or NULL: this is the primary process, or the port is none of ours. */
struct pmd_remote *pmd_remote_of(uint16_t port_id);

/* A request, and what comes back. */
struct pmd_ask {
    enum pmd_peer_op op;
    uint32_t number;
    uint32_t arg;
    const void *in;
    uint32_t in_bytes;
    void *out; /* of out_bytes */
    uint32_t out_bytes;
    uint32_t got; /* bytes that came back */
};

/* Asks the primary process: what it says, -ENODEV if it is gone, -EMSGSIZE if out has no room. */
int pmd_remote_ask(struct pmd_remote *remote, struct pmd_ask *ask);

/* remote_api.c: rte_pmd_sluice.h in a secondary process. */
int pmd_remote_program(struct pmd_remote *remote, enum pmd_peer_op op, uint32_t flags,
                       const struct rte_pmd_sluice_program *what, struct rte_pmd_sluice_swap *done,
                       char *why, size_t why_bytes);
int pmd_remote_program_info(struct pmd_remote *remote, struct rte_pmd_sluice_program_info *info);
int pmd_remote_map(struct pmd_remote *remote, enum pmd_peer_op op, const char *map, const void *key,
                   void *values);
int pmd_remote_events_poll(struct pmd_remote *remote);
int pmd_remote_events_lost(struct pmd_remote *remote, const char *map, uint64_t *records);

#endif
