/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/map_trial.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ./dev maps: a million random operations on a map of each type, by programs and the host, each
 * held against a model. Exit status: 0 no difference, 1 differences, 2 usage. */

struct options {
    uint64_t operations;
    uint64_t seed;
    const char *part; /* of the trials' names */
};

static int usage(FILE *to)
{
    fprintf(to, "usage: sluice-maps [--count OPERATIONS] [--seed N] [PART OF A TYPE'S NAME]\n");
    return to == stdout ? 0 : 2;
}

static bool number_of(const char *text, uint64_t *out)
{
    char *end = NULL;

    *out = text ? strtoull(text, &end, 0) : 0;
    return text && *text && !*end;
}

/* False: they are wrong. */
static bool read_options(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--count") || !strcmp(argv[i], "--seed")) {
            uint64_t *to = !strcmp(argv[i], "--count") ? &o->operations : &o->seed;

            if (!number_of(i + 1 < argc ? argv[i + 1] : NULL, to))
                return false;
            i++;
        } else if (argv[i][0] == '-') {
            return false;
        } else {
            o->part = argv[i];
        }
    }
    return true;
}

static bool run(const struct map_trial *trial, const struct options *o)
{
    struct map_trial_counts c;
    char why[512] = "";
    const bool fine = map_trial_run(trial, o->operations, o->seed, &c, why, sizeof(why));

    printf("%-28s %10" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64
           " %9" PRIu64 "\n",
           trial->name, c.operations, c.hits, c.misses, c.changes, c.refused, c.evicted, c.walks);
    if (!fine)
        printf("FAIL %s, seed %" PRIu64 ": %s\n", trial->name, o->seed, why);
    fflush(stdout);
    return fine;
}

int main(int argc, char **argv)
{
    struct options o = {.operations = 1000000, .seed = 1, .part = ""};
    uint32_t ran = 0, failed = 0;

    if (argc > 1 && !strcmp(argv[1], "--help"))
        return usage(stdout);
    if (!read_options(argc, argv, &o))
        return usage(stderr);
    printf("%-28s %10s %9s %9s %9s %9s %9s %9s\n", "type", "operations", "found", "not found",
           "changes", "refused", "evicted", "walks");
    for (uint32_t i = 0; i < map_trial_count; i++) {
        if (!strstr(map_trials[i].name, o.part))
            continue;
        ran++;
        failed += !run(&map_trials[i], &o);
    }
    if (!ran) {
        fprintf(stderr, "sluice-maps: no type's name contains \"%s\"\n", o.part);
        return 2;
    }
    printf("%u passed, %u failed\n", ran - failed, failed);
    return failed != 0;
}
