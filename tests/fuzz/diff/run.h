/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_DIFF_RUN_H
#define SLUICE_TESTS_DIFF_RUN_H

#include "host/ctl/snapshot.h"
#include "tests/fuzz/diff/case.h"

/* Runs cases on executors and holds what they give against each other. */

struct diff_packet_result {
    uint32_t ret;
    uint64_t redirect;
    uint8_t *bytes;
    uint32_t len;
    uint64_t told; /* a hash of its metadata and events */
};

/* What one executor made of a case. */
struct diff_result {
    struct diff_packet_result *packets;
    uint32_t packet_count;
    struct snapshot *maps;
    uint32_t map_count;
};

enum diff_status {
    DIFF_RAN,
    DIFF_UNFIT,    /* the program does not fit the executor */
    DIFF_REJECTED, /* a verifier refuses it */
    DIFF_BROKEN,   /* the run failed: a finding by itself */
    DIFF_STATUS_COUNT
};

/* Runs all packets of the job's case; job is the case's program on its way. The packets' bytes are
 * the arena's, the maps must be given back by diff_result_free. Unless it ran, why has a reason. */
enum diff_status diff_run(const struct diff_case *c, struct job *job, const struct exec_ops *ops,
                          struct arena *arena, struct diff_result *out, char why[EXEC_WHY_BYTES]);
void diff_result_free(struct diff_result *result); /* also of a zeroed one */

/* True if both gave the same; else *why tells the first difference. hidden: do not compare redirect
 * targets. */
bool diff_same(const struct diff_case *c, const struct diff_result *want,
               const struct diff_result *got, bool hidden, char why[EXEC_WHY_BYTES]);

/* The same of one map. */
bool diff_same_map(const char *name, const struct snapshot *want, const struct snapshot *got,
                   char why[EXEC_WHY_BYTES]);

/* A number for all that a result says, and one for all that a case says. */
uint64_t diff_result_hash(const struct diff_result *result);
uint64_t diff_case_hash(const struct diff_case *c);

/* True if the kernel's verifier takes the program; else why has its reason. */
bool diff_kernel_accepts(const struct diff_case *c, char why[EXEC_WHY_BYTES]);

/* The job of a case's program; maps of programs and maps hold what the entries say. NULL if there
 * is no memory. */
struct job *diff_job_open(const struct diff_case *c, struct arena *arena);

/* The steps of diff_run, for executors that keep something from case to case. */
enum diff_status diff_run_opened(const struct diff_case *c, struct exec *exec, struct arena *arena,
                                 struct diff_result *out, char why[EXEC_WHY_BYTES]);

#endif
