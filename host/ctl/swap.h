/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_SWAP_H
#define SLUICE_HOST_SWAP_H

#include "host/ctl/executor.h"

/* A program in place of another one, and what their maps hold.
 *
 * Maps are the same if name and definition are; those of data sections only if both programs come
 * from one file and begin alike. Never handed on are read-only data, ring buffers, perf events'
 * arrays, and maps of programs and maps, whose numbers mean something else in another program. */

/* What became of the new program's maps. */
struct swap_report {
    uint32_t stayed; /* on the device, where they were, while packets went on */
    uint32_t moved;  /* copied */
    uint32_t fresh;  /* hold what the object gives them */
};

/* Microcode on a device that has other ports than the executor's (exec_options.dev): loads `to`,
 * for which microcode is made, beside the program of `from`, and lets it take over between two
 * packets. Maps that both have on the device stay as they are. *out is the new executor; `from`
 * still has to be closed. -EXDEV, with nothing changed: a map can't stay where it is. After any
 * other error packets may have been run by either program; `from` runs if *out is NULL. */
int swap_beside(struct exec *from, struct job *to, const struct exec_options *options,
                struct exec **out, struct swap_report *report, char why[EXEC_WHY_BYTES]);

/* swap_place.c: gives the maps of `to`, microcode of the device on which `from` runs, places there.
 * 0 and *stay, by bit those that both have; or -EXDEV and why they can't be there together. */
int swap_place(const struct exec *from, struct job *to, uint32_t *stay, char why[EXEC_WHY_BYTES]);

#define SWAP_NO_MAP UINT32_MAX

/* Whether map i of one program is map k of another one. */
bool swap_same_map(const struct job *from, uint32_t i, const struct job *to, uint32_t k);
/* The map of `from` whose contents map k of `to` gets, or SWAP_NO_MAP. */
uint32_t swap_source(const struct job *from, const struct job *to, uint32_t k);
/* Whether the device has the map: microcode is made. */
static inline bool swap_on_device(const struct job *job, uint32_t map)
{
    return map < job->microcode->map_count && job->microcode->mapdesc[map][SPEC_MAPDESC_ENGINE];
}

/* Contents on their way from one executor to another one, of which no packet runs. */
struct swap_saved;
/* Reads the maps of `from` that are the same in `to`. -EOPNOTSUPP if one is a Bloom filter, whose
 * values nobody can read back; *out is NULL on failure. */
int swap_save(struct exec *from, const struct job *to, struct swap_saved **out,
              char why[EXEC_WHY_BYTES]);
/* Puts them into `to`, as exec_open has left it. */
int swap_restore(const struct swap_saved *saved, struct exec *to, struct swap_report *report,
                 char why[EXEC_WHY_BYTES]);
void swap_free(struct swap_saved *saved); /* NULL-safe */

#endif
