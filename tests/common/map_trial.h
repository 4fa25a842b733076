/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_MAP_TRIAL_H
#define SLUICE_TESTS_MAP_TRIAL_H

#include "nic_runtime/map.h"

/* Random operations on one map of the software's, by programs and by the host in turn, each held
 * against a model: map_model.h for maps with keys, map_trial_bare.c for those without. */

struct map_trial {
    const char *name;
    struct map_def def;
    int lock; /* offset of a bpf_spin_lock in the values, or MODEL_NO_LOCK */
};

/* What has happened. */
struct map_trial_counts {
    uint64_t operations;
    uint64_t hits, misses; /* of look-ups */
    uint64_t changes;      /* updates, deletions, pushes, records that were done */
    uint64_t refused;      /* ... and those that gave an error */
    uint64_t walks;        /* over all entries, each compared */
    uint64_t evicted;      /* by LRU maps */
};

extern const struct map_trial map_trials[];
extern const uint32_t map_trial_count;

/* So many operations. True: all as the model says; else why names the first that is not, with its
 * number. The same seed gives the same operations. */
bool map_trial_run(const struct map_trial *trial, uint64_t operations, uint64_t seed,
                   struct map_trial_counts *counts, char *why, size_t why_bytes);

/* A trial under way, shared by the files that run them. */
struct map_trial_state {
    struct map *map;
    const struct map_def *def;
    uint64_t seed;
    struct map_trial_counts *counts;
    char *why;
    size_t why_bytes;
};

/* Says what is wrong with the operation under way; false. */
bool map_trial_wrong(struct map_trial_state *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Counts a change; false and a reason if its result is not the expected one. */
bool map_trial_result(struct map_trial_state *t, const char *what, int got, int expected);

/* Those of maps without keys: all operations. */
bool map_trial_queue(struct map_trial_state *t, uint64_t operations);
bool map_trial_ring(struct map_trial_state *t, uint64_t operations);
bool map_trial_bloom(struct map_trial_state *t, uint64_t operations);

#endif
