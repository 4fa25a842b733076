/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/campaign.h"

#include "compiler/base/clock.h"
#include "host/ctl/exec_interp.h"
#include "host/ctl/exec_kernel.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Differential fuzzing: programs that always verify, on several executors, compared with interp.
 * Exit status: 0 no difference, 1 a difference (or a verifier that refuses a program), 2 usage. */

enum { EXIT_SAME, EXIT_DIFFERS, EXIT_USAGE };

enum { KEY_SEED = 1000, KEY_FROM, KEY_TIME, KEY_PACKETS, KEY_PROFILE, KEY_KEEP, KEY_STATS };

static const struct argp_option options[] = {
    {"count", 'n', "N", 0, "programs that all executors run (10000)", 0},
    {"executors", 't', "A,B,...", 0,
     "what is held against interp: kernel, microcode, pipeline (kernel)", 0},
    {"seed", KEY_SEED, "N", 0, "the program of this seed only, with its listing", 0},
    {"from", KEY_FROM, "N", 0, "the first seed (from the clock)", 0},
    {"jobs", 'j', "N", 0, "processes (2)", 0},
    {"time", KEY_TIME, "SECONDS", 0, "stop after so long", 0},
    {"packets", KEY_PACKETS, "N", 0, "packets for each program (8; 24 if hardware takes part)", 0},
    {"profile", KEY_PROFILE, "any|small", 0,
     "kind of programs (any; small if a pipeline takes part)", 0},
    {"findings", KEY_KEEP, "N", 0, "stop after so many differences (5)", 0},
    {"stats", KEY_STATS, NULL, 0, "how often each instruction form occurred", 0},
    {0},
};

struct settings {
    struct campaign_options campaign;
    bool one, stats, profile_given;
    uint64_t seed;
    const char *executors;
};

static uint64_t number(struct argp_state *state, const char *text, uint64_t most)
{
    char *end;
    unsigned long long v;

    errno = 0;
    v = strtoull(text, &end, 0);
    if (!*text || *end || errno || *text == '-' || v > most)
        argp_error(state, "%s is not a number up to %llu", text, (unsigned long long)most);
    return v;
}

static void choose_executors(struct argp_state *state, struct settings *s)
{
    char *list = strdup(s->executors), *rest = list, *name;

    while (rest && (name = strsep(&rest, ","))) {
        const struct exec_ops *ops = exec_find(name);

        if (!ops)
            argp_error(state, "there is no executor %s", name);
        else if (s->campaign.executor_count == STATS_EXECUTORS)
            argp_error(state, "too many executors");
        else if (ops != &exec_interp)
            s->campaign.executors[s->campaign.executor_count++] = ops;
    }
    free(list);
}

static enum gen_profile profile_of(struct argp_state *state, const char *name)
{
    for (int p = 0; p < GEN_PROFILE_COUNT; p++)
        if (!strcmp(gen_profile_names[p], name))
            return (enum gen_profile)p;
    argp_error(state, "there is no profile %s", name);
    return GEN_ANY;
}

/* What was not said. */
static void fill_in(struct argp_state *state, struct settings *s)
{
    struct campaign_options *o = &s->campaign;

    choose_executors(state, s);
    for (uint32_t i = 0; i < o->executor_count; i++) {
        if (o->executors[i]->hardware && !o->packets)
            o->packets = 24;
        if (!strcmp(o->executors[i]->name, "pipeline") && !s->profile_given)
            o->profile = GEN_SMALL;
    }
    if (!o->packets)
        o->packets = 8;
    if (!o->first)
        o->first = (uint64_t)time(NULL) * 1000000u;
    if (o->jobs > o->count)
        o->jobs = o->count ? (uint32_t)o->count : 1;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct settings *s = state->input;

    switch (key) {
    case 'n':
        s->campaign.count = number(state, arg, UINT32_MAX);
        break;
    case 't':
        s->executors = arg;
        break;
    case KEY_SEED:
        s->one = true;
        s->seed = number(state, arg, UINT64_MAX);
        break;
    case KEY_FROM:
        s->campaign.first = number(state, arg, UINT64_MAX);
        break;
    case 'j':
        s->campaign.jobs = (uint32_t)number(state, arg, CAMPAIGN_JOBS);
        if (!s->campaign.jobs)
            argp_error(state, "no processes, no programs");
        break;
    case KEY_TIME:
        s->campaign.seconds = number(state, arg, UINT32_MAX);
        break;
    case KEY_PACKETS:
        s->campaign.packets = (uint32_t)number(state, arg, 10000);
        break;
    case KEY_PROFILE:
        s->campaign.profile = profile_of(state, arg);
        s->profile_given = true;
        break;
    case KEY_KEEP:
        s->campaign.findings = (uint32_t)number(state, arg, UINT32_MAX);
        break;
    case KEY_STATS:
        s->stats = true;
        break;
    case ARGP_KEY_END:
        fill_in(state, s);
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "%s: no argument is expected", arg);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const char *executor_name(const struct campaign *c, uint32_t index)
{
    return index < c->options.executor_count ? c->options.executors[index]->name : "interp";
}

static void print_executors(const struct campaign *c, const struct stats *sum)
{
    printf("%-10s %9s %9s %12s %10s  reasons\n", "executor", "ran", "unfit", "differences",
           "ms a run");
    for (uint32_t i = 0; i < c->options.executor_count; i++) {
        const struct stats_executor *e = &sum->executors[i];

        printf("%-10s %9llu %9llu %12llu %10.2f ", c->options.executors[i]->name,
               (unsigned long long)e->ran, (unsigned long long)e->unfit,
               (unsigned long long)e->differences,
               e->ran ? (double)e->ns * 1e-6 / (double)(e->ran + e->unfit) : 0);
        for (int r = 0; r < STATS_REASONS && e->reasons[r].count; r++)
            printf(" %s %llu", e->reasons[r].code, (unsigned long long)e->reasons[r].count);
        printf("\n");
    }
}

static void print_findings(const struct campaign *c)
{
    const uint32_t n = c->finding_count < CAMPAIGN_FINDINGS ? c->finding_count : CAMPAIGN_FINDINGS;

    for (uint32_t i = 0; i < n; i++) {
        const struct campaign_finding *f = &c->findings[i];

        printf("DIFFERENCE %s: %s\n  ./dev fuzz --seed %llu --profile %s --packets %u --executors "
               "%s\n",
               executor_name(c, f->executor), f->why, (unsigned long long)f->seed,
               gen_profile_names[c->options.profile], c->options.packets,
               f->executor < c->options.executor_count ? executor_name(c, f->executor) : "kernel");
    }
}

/* Leaves the kernel out, and says so, where it can't be used. */
static void skip_kernel(struct campaign_options *o)
{
    struct ebpf_insn insns[] = {MOV_K(0, 2), EXIT()};
    struct arena *arena = arena_open();
    struct diff_case c = {.prog = {.insns = insns, .insn_count = 2}};
    char why[EXEC_WHY_BYTES];
    uint32_t kept = 0;

    diff_case_finish(&c, arena);
    for (uint32_t i = 0; i < o->executor_count; i++) {
        if (o->executors[i] == &exec_kernel && !diff_kernel_accepts(&c, why))
            printf("kernel: skipped: %s\n", why);
        else
            o->executors[kept++] = o->executors[i];
    }
    o->executor_count = kept;
    arena_close(arena);
}

static int campaign_main(struct settings *s)
{
    struct stats_forms *forms = stats_forms_open();
    struct stats sum = {0};
    struct campaign *c;
    double seconds;
    uint32_t findings;
    uint64_t start;

    skip_kernel(&s->campaign);
    printf("fuzz: seeds from %llu, profile %s, %u packets each, interp",
           (unsigned long long)s->campaign.first, gen_profile_names[s->campaign.profile],
           s->campaign.packets);
    for (uint32_t i = 0; i < s->campaign.executor_count; i++)
        printf(" against %s", s->campaign.executors[i]->name);
    printf("\n");
    start = clock_now_ns();
    c = forms ? campaign_run(&s->campaign, isatty(2)) : NULL;
    if (!c) {
        fprintf(stderr, "fuzz: no memory\n");
        return EXIT_USAGE;
    }
    seconds = (double)(clock_now_ns() - start) * 1e-9;
    for (uint32_t w = 0; w < c->options.jobs; w++)
        stats_add(&sum, &c->workers[w].stats);
    print_findings(c);
    stats_print(stdout, &sum, forms, s->stats);
    print_executors(c, &sum);
    findings = c->finding_count;
    printf("%llu programs (%.0f instructions each), %llu packets, %llu verifier rejects, %u "
           "differences, %.1f s\n",
           (unsigned long long)sum.programs,
           sum.programs ? (double)sum.insns / (double)sum.programs : 0.0,
           (unsigned long long)sum.packets, (unsigned long long)sum.rejected,
           (unsigned)(findings - (sum.rejected < findings ? sum.rejected : findings)), seconds);
    campaign_close(c);
    stats_forms_close(forms);
    return findings ? EXIT_DIFFERS : EXIT_SAME;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse,
        NULL,
        "Programs that always verify, made from seeds, on several executors beside interp.\v"
        "Exit status: 0 no difference, 1 a difference, 2 usage.",
        NULL,
        NULL,
        NULL};
    struct settings s = {.campaign = {.count = 10000, .jobs = 2, .findings = 5},
                         .executors = "kernel"};

    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &s);
    if (s.one) {
        s.campaign.first = s.seed;
        s.campaign.count = s.campaign.jobs = 1;
    }
    return campaign_main(&s);
}
