/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/base/clock.h"
#include "host/ctl/exec_interp.h"
#include "tests/fuzz/diff/campaign.h"
#include "tests/fuzz/diff/scratch.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What one worker of a campaign does: a case after the other, each on interp and on the other
 * executors. */

struct worker {
    struct campaign *campaign;
    struct campaign_worker *shared;
    struct gen *gen;
    struct stats_forms *forms;
    struct arena *arena;
    struct scratch scratch;
};

/* A program that was made to verify does not: says who refuses it. */
static void note_rejected(struct worker *w, const struct diff_case *c, const char *reason)
{
    char theirs[EXEC_WHY_BYTES], why[CAMPAIGN_WHY_BYTES];
    const bool accepted = diff_kernel_accepts(c, theirs);

    snprintf(why, sizeof(why), "Sluice's verifier rejects it, the kernel's %s: %.400s",
             accepted ? "accepts it" : "is not there or rejects it too", reason);
    w->shared->stats.rejected++;
    campaign_note(w->campaign, c->seed, w->campaign->options.executor_count, why);
}

static void note_kernel_rejects(struct worker *w, const struct diff_case *c, uint32_t index,
                                const char *reason)
{
    char why[CAMPAIGN_WHY_BYTES];

    w->shared->stats.rejected++;
    snprintf(why, sizeof(why), "Sluice's verifier accepts it, and: %.400s", reason);
    campaign_note(w->campaign, c->seed, index, why);
}

/* Runs the case on one executor beside interp. True if it ran there. */
static bool run_beside(struct worker *w, const struct diff_case *c, struct job *job, uint32_t index,
                       const struct diff_result *want)
{
    const struct exec_ops *ops = w->campaign->options.executors[index];
    struct stats_executor *e = &w->shared->stats.executors[index];
    const uint64_t start = clock_now_ns();
    struct diff_result got;
    char why[EXEC_WHY_BYTES];
    const enum diff_status status = diff_run(c, job, ops, w->arena, &got, why);

    e->ns += clock_now_ns() - start;
    if (status == DIFF_UNFIT && ops->hardware) {
        stats_unfit(e, why);
    } else if (status == DIFF_UNFIT || status == DIFF_REJECTED) {
        note_kernel_rejects(w, c, index, why);
    } else if (status == DIFF_BROKEN || !diff_same(c, want, &got, ops->redirect_hidden, why)) {
        e->differences++;
        campaign_note(w->campaign, c->seed, index, why);
    }
    e->ran += status == DIFF_RAN;
    diff_result_free(&got);
    return status == DIFF_RAN;
}

/* One case; true if all executors ran it. */
static bool one_case(struct worker *w, uint64_t seed)
{
    const struct campaign_options *o = &w->campaign->options;
    struct diff_result want;
    struct diff_case *c;
    struct job *job;
    char why[EXEC_WHY_BYTES];
    enum diff_status status;
    bool all = true;

    arena_reset(w->arena);
    c = gen_case(w->gen, seed, o->profile, o->packets, w->arena);
    campaign_case(o, c);
    job = diff_job_open(c, w->arena);
    stats_case(&w->shared->stats, w->forms, c, gen_counts(w->gen));
    status = diff_run(c, job, &exec_interp, w->arena, &want, why);
    if (status == DIFF_REJECTED)
        note_rejected(w, c, why);
    else if (status != DIFF_RAN)
        campaign_note(w->campaign, seed, o->executor_count, why);
    else
        stats_result(&w->shared->stats, c, &want);
    for (uint32_t i = 0; i < o->executor_count && status == DIFF_RAN; i++)
        all = run_beside(w, c, job, i, &want) && all;
    diff_result_free(&want);
    if (w->scratch.path[0])
        scratch_clean(&w->scratch);
    return all;
}

/* Keeps each worker on a CPU of its own: the kernel's programs run where their thread is. */
static void choose_cpu(uint32_t worker)
{
    cpu_set_t all, one;
    uint32_t n = 0, at = 0;

    if (sched_getaffinity(0, sizeof(all), &all))
        return;
    worker %= (uint32_t)CPU_COUNT(&all);
    for (at = 0; at < CPU_SETSIZE; at++)
        if (CPU_ISSET(at, &all) && n++ == worker)
            break;
    CPU_ZERO(&one);
    CPU_SET(at, &one);
    sched_setaffinity(0, sizeof(one), &one);
}

/* Whether each case has models of its own, which go with it; a core's serves all. */
static bool makes_models(const struct campaign_options *o)
{
    for (uint32_t i = 0; i < o->executor_count; i++)
        if (!strcmp(o->executors[i]->name, "pipeline"))
            return true;
    return false;
}

void campaign_work(struct campaign *c, uint32_t worker)
{
    const struct campaign_options *o = &c->options;
    struct worker w = {.campaign = c, .shared = &c->workers[worker]};
    /* programs of this worker */
    const uint64_t wanted = o->count / o->jobs + (worker < o->count % o->jobs);

    w.gen = gen_open();
    w.forms = stats_forms_open();
    w.arena = arena_open();
    if ((makes_models(o) && scratch_open(&w.scratch)) || !w.gen || !w.forms || !w.arena)
        campaign_note(c, 0, o->executor_count, "a worker has no memory, or no folder under /tmp");
    else
        choose_cpu(worker);
    for (uint64_t seed = o->first + worker; w.arena && w.forms && w.gen; seed += o->jobs) {
        if (w.shared->done >= wanted || campaign_over(c))
            break;
        w.shared->seed = seed;
        w.shared->done += one_case(&w, seed);
        w.shared->seed = 0;
    }
    scratch_close(&w.scratch);
    gen_close(w.gen);
    stats_forms_close(w.forms);
    arena_close(w.arena);
}
