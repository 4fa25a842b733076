/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/report.h"

#include "compiler/base/clock.h"

#include <stdio.h>

void report_start(const struct campaign_options *o)
{
    printf("fuzz: seeds from %llu, profile %s, %u packets each, interp",
           (unsigned long long)o->first, gen_profile_names[o->profile], o->packets);
    for (uint32_t i = 0; i < o->executor_count; i++)
        printf(" against %s", o->executors[i]->name);
    printf("\n");
    fflush(stdout);
}

const char *report_executor(const struct campaign *c, uint32_t executor)
{
    return executor < c->options.executor_count ? c->options.executors[executor]->name : "interp";
}

void report_finding(const struct campaign *c, uint32_t index)
{
    const struct campaign_finding *f = &c->findings[index];
    const char *name = report_executor(c, f->executor);

    printf("DIFFERENCE %s: %s\n  ./dev fuzz --seed %llu --profile %s --packets %u --executors %s",
           name, f->why, (unsigned long long)f->seed, gen_profile_names[c->options.profile],
           c->options.packets, name);
    if (c->options.cores > 1)
        printf(" --cores %u", c->options.cores);
    printf("\n");
    fflush(stdout);
}

static void print_executors(const struct campaign *c, const struct stats *sum)
{
    printf("%-10s %9s %9s %12s %10s  reasons\n", "executor", "ran", "unfit", "differences",
           "ms a run");
    for (uint32_t i = 0; i < c->options.executor_count; i++) {
        const struct stats_executor *e = &sum->executors[i];
        const uint64_t runs = e->ran + e->unfit;

        printf("%-10s %9llu %9llu %12llu %10.2f ", c->options.executors[i]->name,
               (unsigned long long)e->ran, (unsigned long long)e->unfit,
               (unsigned long long)e->differences, runs ? (double)e->ns * 1e-6 / (double)runs : 0);
        for (int r = 0; r < STATS_REASONS && e->reasons[r].count; r++)
            printf(" %s %llu", e->reasons[r].code, (unsigned long long)e->reasons[r].count);
        printf("\n");
    }
}

void report_end(const struct campaign *c, const struct stats_forms *forms, bool all)
{
    const double seconds = (double)(clock_now_ns() - c->start_ns) * 1e-9;
    const uint64_t findings = c->finding_count;
    struct stats sum = {0};

    for (uint32_t w = 0; w < c->options.jobs; w++)
        stats_add(&sum, &c->workers[w].stats);
    stats_print(stdout, &sum, forms, all);
    print_executors(c, &sum);
    printf("%llu programs (%.0f instructions each), %llu packets, %llu verifier rejects, %llu "
           "differences, %.1f s\n",
           (unsigned long long)sum.programs,
           sum.programs ? (double)sum.insns / (double)sum.programs : 0.0,
           (unsigned long long)sum.packets, (unsigned long long)sum.rejected,
           (unsigned long long)(findings - (sum.rejected < findings ? sum.rejected : findings)),
           seconds);
}
