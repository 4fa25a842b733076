/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_PMD_SLOT_H
#define SLUICE_PMD_SLOT_H

#include "host/pmd/pmd.h"
#include "host/pmd/program/settings.h"

/* Another slot in a simulated device that runs: the NIC around it is the same for the application,
 * whose queues, settings and counters go on. A board's slot is configured by its vendor's tools. */

/* A change under way; the device's lock is held from begin to end. */
struct pmd_slot_change {
    struct nic_settings settings;
    uint64_t *counters; /* of the device that goes */
    uint64_t packets;   /* that it numbered */
    uint64_t time_ns;
};

/* Whether the device can be another one. */
static inline bool pmd_slot_changes(const struct pmd *pmd)
{
    return pmd->dev->ops->reopen && pmd->core_model;
}
/* Whether the slot is a pipeline. */
int pmd_slot_is_pipeline(struct pmd *pmd, bool *pipeline);

/* Frames wait at the wires from now on, packets that the application sends with it; those inside go
 * where they belong. Negative errno, with a reason: the device goes on as before. */
int pmd_slot_begin(struct pmd *pmd, struct pmd_slot_change *c, char *why);
/* Waits once more, after the host has sent what it had. */
int pmd_slot_rest(struct pmd *pmd, char *why);
/* The device is another model, its slot without a program, rings and settings are what they were.
 * Negative errno: it is as it was; -EIO: it can't be used any more. */
int pmd_slot_reopen(struct pmd *pmd, struct pmd_slot_change *c, const char *model, char *why);
/* Packets go on. */
int pmd_slot_end(struct pmd *pmd, struct pmd_slot_change *c);

#endif
