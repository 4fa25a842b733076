/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/record.h"

#include "host/ctl/exec_interp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOLD_MAX = 10 };

struct player {
    struct gen *gen;
    struct arena *arena;
    struct diff_case *c;
    struct job *job;
    char why[EXEC_WHY_BYTES];
};

static int player_open(struct player *p)
{
    *p = (struct player){.gen = gen_open(), .arena = arena_open()};
    return p->gen && p->arena ? 0 : -ENOMEM;
}

static void player_close(struct player *p)
{
    gen_close(p->gen);
    arena_close(p->arena);
}

static void make(struct player *p, uint64_t seed, const struct record_options *o)
{
    arena_reset(p->arena);
    p->c = gen_case(p->gen, seed, o->profile, o->packets, p->arena);
    p->job = diff_job_open(p->c, p->arena);
}

static uint32_t short_hash(uint64_t h)
{
    return (uint32_t)(h ^ h >> 32);
}

/* Runs the case on interp; false with p->why if that can't be. */
static bool play(struct player *p, struct diff_result *out)
{
    return diff_run(p->c, p->job, &exec_interp, p->arena, out, p->why) == DIFF_RAN;
}

static bool kernel_agrees(struct player *p, const struct exec_ops *kernel,
                          const struct diff_result *want)
{
    struct diff_result got;
    const bool same = diff_run(p->c, p->job, kernel, p->arena, &got, p->why) == DIFF_RAN &&
                      diff_same(p->c, want, &got, kernel->redirect_hidden, p->why);

    diff_result_free(&got);
    return same;
}

uint32_t record_write(const char *path, const struct record_options *o,
                      const struct exec_ops *kernel, int *err)
{
    FILE *out = fopen(path, "w");
    struct player p;
    uint32_t failures = 0;

    *err = out ? player_open(&p) : -errno;
    if (*err)
        return 1;
    fprintf(out, "# Seed, hash of the program with its inputs, hash of its results; made by ./dev "
                 "fuzz --record.\n");
    fprintf(out, "profile %s packets %u checked-with %s\n", gen_profile_names[o->profile],
            o->packets, kernel ? kernel->name : "interp-alone");
    for (uint64_t seed = o->first; seed < o->first + o->count; seed++) {
        struct diff_result result;

        make(&p, seed, o);
        if (play(&p, &result) && (!kernel || kernel_agrees(&p, kernel, &result))) {
            fprintf(out, "%" PRIu64 " %08x %08x\n", seed, short_hash(diff_case_hash(p.c)),
                    short_hash(diff_result_hash(&result)));
        } else {
            failures++;
            fprintf(stderr, "seed %" PRIu64 ": %s\n", seed, p.why);
        }
        diff_result_free(&result);
    }
    player_close(&p);
    if (fclose(out))
        *err = -errno;
    return failures;
}

/* One line of a recording: what differs, or NULL. */
static const char *check_line(struct player *p, const struct record_options *o, uint64_t seed,
                              uint32_t program, uint32_t results)
{
    struct diff_result result = {0};
    const char *what = NULL;

    make(p, seed, o);
    if (short_hash(diff_case_hash(p->c)) != program)
        what = "the generator makes another program; if it was changed: ./dev fuzz --record";
    else if (!play(p, &result))
        what = p->why;
    else if (short_hash(diff_result_hash(&result)) != results)
        what = "interp gives other results";
    diff_result_free(&result);
    return what;
}

static int read_head(FILE *in, struct record_options *o)
{
    char line[256], profile[16];

    while (fgets(line, sizeof(line), in)) {
        if (*line == '#')
            continue;
        if (sscanf(line, "profile %15s packets %u", profile, &o->packets) != 2)
            return -EINVAL;
        for (int i = 0; i < GEN_PROFILE_COUNT; i++)
            if (!strcmp(gen_profile_names[i], profile)) {
                o->profile = (enum gen_profile)i;
                return 0;
            }
        return -EINVAL;
    }
    return -EINVAL;
}

uint32_t record_check(const char *path, uint64_t *count, int *err)
{
    FILE *in = fopen(path, "r");
    struct record_options o = {0};
    struct player p;
    uint32_t failures = 0, program, results;
    uint64_t seed;

    *count = 0;
    *err = in ? read_head(in, &o) : -errno;
    if (!*err)
        *err = player_open(&p);
    if (*err) {
        if (in)
            fclose(in);
        return 1;
    }
    while (fscanf(in, "%" SCNu64 " %8" SCNx32 " %8" SCNx32 "\n", &seed, &program, &results) == 3) {
        const char *what = check_line(&p, &o, seed, program, results);

        (*count)++;
        if (what && failures++ < TOLD_MAX)
            printf("DIFFERENCE seed %" PRIu64 ": %s\n", seed, what);
    }
    if (!feof(in))
        *err = -EINVAL;
    fclose(in);
    player_close(&p);
    return failures;
}
