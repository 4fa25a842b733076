/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_DIFF_STATS_H
#define SLUICE_TESTS_DIFF_STATS_H

#include "tests/fuzz/diff/gen.h"
#include "tests/fuzz/diff/run.h"

/* What a campaign went through, so that it can be seen how deep it is. Plain memory: workers count
 * in a shared one. */

enum {
    STATS_EXECUTORS = 8,
    STATS_REASONS = 24,
    STATS_FORMS = 512,
    STATS_VERDICTS = 6, /* the five, and other values */
};

struct stats_executor {
    uint64_t ran, unfit, differences;
    uint64_t ns;
    struct {
        char code[16];
        uint64_t count;
    } reasons[STATS_REASONS]; /* of unfit programs */
};

struct stats {
    uint64_t programs, packets, insns, functions;
    uint64_t rejected; /* by a verifier: must be 0 */
    uint64_t verdicts[STATS_VERDICTS];
    uint64_t changed_packets, changed_maps, entries;
    uint64_t map_types[SPEC_MAP_COUNT];
    uint64_t templates[GEN_TEMPLATE_COUNT]; /* programs with it */
    uint64_t forms[STATS_FORMS];            /* instructions of each form */
    struct stats_executor executors[STATS_EXECUTORS];
};

/* The forms of instructions; NULL if there is no memory. */
struct stats_forms;
struct stats_forms *stats_forms_open(void);
void stats_forms_close(struct stats_forms *f);

/* Counts a program, and what interp made of it. */
void stats_case(struct stats *s, const struct stats_forms *f, const struct diff_case *c,
                const uint32_t *templates);
void stats_result(struct stats *s, const struct diff_case *c, const struct diff_result *result);
/* Counts a program that did not fit; the reason's code stands in brackets at its end. */
void stats_unfit(struct stats_executor *e, const char *why);
void stats_add(struct stats *sum, const struct stats *other);

/* Prints templates, verdicts and instruction forms; those that never came by name. */
void stats_print(FILE *out, const struct stats *s, const struct stats_forms *f, bool all);

#endif
