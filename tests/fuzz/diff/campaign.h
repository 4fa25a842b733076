/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_DIFF_CAMPAIGN_H
#define SLUICE_TESTS_DIFF_CAMPAIGN_H

#include "tests/fuzz/diff/stats.h"

#include <stdatomic.h>

/* Many cases on several executors, by worker processes that share one piece of memory. */

enum { CAMPAIGN_JOBS = 64, CAMPAIGN_FINDINGS = 64, CAMPAIGN_WHY_BYTES = 512 };

struct campaign_options {
    uint64_t first; /* seed */
    uint64_t count; /* programs that all executors run */
    uint32_t jobs;
    uint32_t packets; /* of each program */
    enum gen_profile profile;
    uint64_t seconds;                                  /* 0: no limit */
    uint32_t findings;                                 /* stop after so many */
    bool verilator;                                    /* pipelines: not through Icarus */
    uint32_t cores;                                    /* microcode: VLIW cores; 0: one */
    const struct exec_ops *executors[STATS_EXECUTORS]; /* against interp */
    uint32_t executor_count;
};

struct campaign_finding {
    uint64_t seed;
    uint32_t executor; /* index in options; executor_count: none in particular */
    char why[CAMPAIGN_WHY_BYTES];
};

/* Shared by all workers: each counts in its own part. */
struct campaign_worker {
    _Atomic uint64_t seed; /* under way; 0: none */
    _Atomic uint64_t done;
    struct stats stats;
};

struct campaign {
    struct campaign_options options;
    uint64_t start_ns;
    _Atomic bool stop;
    _Atomic uint32_t finding_count; /* may exceed those that are kept */
    struct campaign_finding findings[CAMPAIGN_FINDINGS];
    struct campaign_worker workers[CAMPAIGN_JOBS];
};

/* Runs the campaign and fills in what it came to; progress tells how far it is, on a terminal. NULL
 * if it can't be started. campaign_close gives it back. */
struct campaign *campaign_run(const struct campaign_options *options, bool progress);
void campaign_close(struct campaign *c);

/* Sets what the campaign says of a case's run, beside what the case itself has. */
void campaign_case(const struct campaign_options *o, struct diff_case *c);

/* What a worker does. */
void campaign_work(struct campaign *c, uint32_t worker);
/* Notes a finding; the campaign stops after so many as the options say. */
void campaign_note(struct campaign *c, uint64_t seed, uint32_t executor, const char *why);
bool campaign_over(const struct campaign *c);

#endif
