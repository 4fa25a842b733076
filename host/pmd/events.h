/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_PMD_EVENTS_H
#define SLUICE_PMD_EVENTS_H

#include "host/ctl/executor.h"
#include "host/pmd/pmd.h"

/* What programs tell (perf events, records of ring buffers, lines): the ring to which the device
 * writes packets' event areas, and the application's ear. They need the device's lock where
 * they don't say that they take it. */

/* From when the device is there: 0 or -ENOMEM. */
int pmd_events_open(struct pmd *pmd);

/* Whether the caller is one of the application's callbacks. Takes the lock itself. */
bool pmd_events_telling(struct pmd *pmd);

/* Sees to it that the ring is there if a program makes events: 0; or -ENOTSUP or another
 * negative errno, and why. Takes the lock itself. */
int pmd_events_ready(struct pmd *pmd, const struct job *job, char why[EXEC_WHY_BYTES]);

/* Who executors of the device's programs, whichever they are, tell of events. It belongs to the
 * device. */
const struct exec_listener *pmd_events_listener(const struct pmd *pmd);

/* Hands on what has come. Events of a packet that a burst has found are among that. Returns how
 * many packets they are of; 0 within a callback. */
uint32_t pmd_events_take(struct pmd *pmd);
/* The same, but takes the lock itself if something has come. */
void pmd_events_burst(struct pmd *pmd);

/* Around the run of a program on the host, which tells of a packet that came at that time. */
void pmd_events_begin(struct pmd *pmd, uint64_t time_ns);
void pmd_events_done(struct pmd *pmd);

/* Hands on all that packets told that have left the slot. 0, -EBUSY within a callback, -ETIMEDOUT:
 * they are still on their way to memory. */
int pmd_events_settle(struct pmd *pmd);

/* Sets the ring up, if there is one, in a device that takes the other one's place; nothing has been
 * on its way. */
int pmd_events_restart(struct pmd *pmd);

/* The program goes: what its ring buffers lost is kept. */
void pmd_events_end(struct pmd *pmd);

/* Events are written to a file, as JSON lines, from now on. -EBUSY: another device writes it, or
 * negative errno. */
int pmd_events_file(struct pmd *pmd, const char *path);

/* The ring goes, and later the rest; both also where there is nothing. */
void pmd_events_stop(struct pmd *pmd);
void pmd_events_close(struct pmd *pmd);

/* Counters in software, in the order of the table in stats.c. */
enum pmd_events_count {
    PMD_EVENTS_TOLD,    /* events handed on */
    PMD_EVENTS_BAD,     /* packets whose area made no sense, or could not be handed on */
    PMD_EVENTS_RECORDS, /* that ring buffers had no room for */
    PMD_EVENTS_COUNT
};
uint64_t pmd_events_counter(struct pmd *pmd, enum pmd_events_count which);

#endif
