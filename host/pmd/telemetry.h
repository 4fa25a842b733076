/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_PMD_TELEMETRY_H
#define SLUICE_PMD_TELEMETRY_H

#include "host/ctl/executor.h"
#include "host/pmd/pmd.h"

#include <rte_telemetry.h>

/* What the commands on the telemetry socket share. */

enum {
    PMD_FIELDS_MAX = 6, /* behind the port's number */
    /* An answer has 16 KiB as text, of which telemetry tells its clients; bytes are two digits. */
    PMD_ANSWER_BYTES = 7168,
};

/* A command under way. */
struct pmd_call {
    struct pmd *pmd;
    char *fields[PMD_FIELDS_MAX];
    uint32_t count;
    uint64_t generation;         /* 0, or that of the program that is meant */
    struct rte_tel_data *answer; /* a dictionary */
    char why[EXEC_WHY_BYTES];    /* of a failure; empty: its errno says it all */
};

/* Leaves a reason; returns err. */
int pmd_refuse(struct pmd_call *c, int err, const char *text);
/* Digits to a number. */
bool pmd_take_number(const char *text, uint32_t most, uint32_t *number);
/* Whether the program that is meant is the one that runs; with the device locked. 0, or -ESTALE. */
int pmd_same_program(struct pmd_call *c);
/* Digits to exactly so many bytes. 0, or -EINVAL with the reason. */
int pmd_take_bytes(struct pmd_call *c, const char *what, const char *text, uint32_t count,
                   void *out);

/* Text in pieces, since telemetry cuts strings: a string, or an array of them. */
void pmd_put_text(struct rte_tel_data *answer, const char *name, const char *text);
void pmd_put_number(struct rte_tel_data *answer, const char *name, uint64_t value);
/* Bytes as digits, in pieces. The last of an answer: what it takes can't be given back here. */
int pmd_put_bytes(struct rte_tel_data *answer, const char *name, const uint8_t *bytes,
                  uint32_t count);

/* telemetry_maps.c: 0, or negative errno with or without a reason. needs: the device's lock */
int pmd_map_info(struct pmd_call *c);
int pmd_map_lookup(struct pmd_call *c);
int pmd_map_update(struct pmd_call *c);
int pmd_map_delete(struct pmd_call *c);
int pmd_map_dump(struct pmd_call *c);
int pmd_map_next(struct pmd_call *c);
int pmd_map_take(struct pmd_call *c);
int pmd_map_lost(struct pmd_call *c);
int pmd_map_update_batch(struct pmd_call *c);
int pmd_map_delete_batch(struct pmd_call *c);

#endif
