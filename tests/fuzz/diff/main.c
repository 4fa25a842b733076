/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/exec_interp.h"
#include "host/ctl/exec_kernel.h"
#include "tests/fuzz/diff/exec_driver.h"
#include "tests/fuzz/diff/exec_states.h"
#include "tests/fuzz/diff/finding.h"
#include "tests/fuzz/diff/record.h"
#include "tests/fuzz/diff/report.h"
#include "tests/fuzz/diff/scratch.h"
#include "tests/fuzz/diff/text.h"
#include "tests/fuzz/diff/texts.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Differential fuzzing: programs that always verify, on several executors, compared with interp.
 * Exit status: 0 no difference, 1 a difference (or a verifier that refuses a program), 2 usage. */

enum { EXIT_SAME, EXIT_DIFFERS, EXIT_USAGE };

enum {
    KEY_SEED = 1000,
    KEY_FROM,
    KEY_TIME,
    KEY_PACKETS,
    KEY_PROFILE,
    KEY_FINDINGS,
    KEY_STATS,
    KEY_OUT,
    KEY_SHRINK,
    KEY_VERILATOR,
    KEY_CORES,
    KEY_WRITE,
    KEY_UPDATE,
    KEY_REDUCE,
    KEY_RECORD,
    KEY_CHECK
};

enum {
    RECORD_COUNT = 4000,
    RECORD_FIRST = 1,
    SHRINK_SECONDS = 60,
    SHRUNK_MAX = 3,
    PATH_BYTES = 4096
};

/* Beside those of the command line. */
static const struct exec_ops *const own_executors[] = {
    &exec_states,
#ifdef SLUICE_FUZZ_DRIVER
    &exec_driver,
#endif
};

static const char recording[] = SLUICE_SOURCE_ROOT "/tests/fuzz/recording";

static const struct argp_option options[] = {
    {"count", 'n', "N", 0, "programs that all executors run (10000)", 0},
    {"executors", 't', "A,B,...", 0,
     "what is held against interp: kernel, microcode, pipeline, and states: each step of interp "
     "against the verifier's states; in sluice-paths driver: the NIC under the DPDK driver; or "
     "interp: it alone (kernel)",
     0},
    {"seed", KEY_SEED, "N", 0, "the program of this seed only", 0},
    {"from", KEY_FROM, "N", 0, "the first seed (from the clock)", 0},
    {"jobs", 'j', "N", 0, "processes (2)", 0},
    {"time", KEY_TIME, "SECONDS", 0, "stop after so long", 0},
    {"packets", KEY_PACKETS, "N", 0, "packets for each program (8; 24 if hardware takes part)", 0},
    {"profile", KEY_PROFILE, "any|small|trie|paths", 0, "kind of programs (any)", 0},
    {"verilator", KEY_VERILATOR, NULL, 0, "simulate pipelines with Verilator instead of Icarus", 0},
    {"cores", KEY_CORES, "N", 0, "microcode: VLIW cores that take packets in turn (1)", 0},
    {"findings", KEY_FINDINGS, "N", 0, "stop after so many differences (3); they are shrunk", 0},
    {"shrink", KEY_SHRINK, "SECONDS", 0, "seconds that shrinking one may take; 0: none (60)", 0},
    {"out", KEY_OUT, "DIR", 0, "where shrunk cases go (build/fuzz)", 0},
    {"stats", KEY_STATS, NULL, 0, "how often each instruction form occurred", 0},
    {"write", KEY_WRITE, "FILE", 0, "with --seed: write the case as a text, run nothing else", 0},
    {"update", KEY_UPDATE, NULL, 0, "with texts: write what interp gives as their expectation", 0},
    {"reduce", KEY_REDUCE, NULL, 0, "with texts: shrink each that differs, to build/fuzz/NAME", 0},
    {"record", KEY_RECORD, "FILE", OPTION_ARG_OPTIONAL,
     "make the recording of hashes (tests/fuzz/recording)", 0},
    {"check", KEY_CHECK, "FILE", OPTION_ARG_OPTIONAL, "hold interp against the recording", 0},
    {0},
};

struct settings {
    struct campaign_options campaign;
    bool one, stats, count_given, update, reduce;
    const char *executors, *out, *write, *record, *check;
    const char **texts;
    uint32_t text_count;
    uint32_t shrink_seconds;
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

        for (size_t i = 0; i < sizeof(own_executors) / sizeof(own_executors[0]); i++)
            if (!strcmp(name, own_executors[i]->name))
                ops = own_executors[i];

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
    }
    if (!o->packets)
        o->packets = 8;
    if (!o->first && !s->one)
        o->first = s->record ? RECORD_FIRST : (uint64_t)time(NULL) * 1000000u;
    if (!s->count_given)
        o->count = s->record ? RECORD_COUNT : 10000;
    if (s->one)
        o->count = o->jobs = 1;
    if (o->jobs > o->count)
        o->jobs = o->count ? (uint32_t)o->count : 1;
    for (uint32_t i = 0; o->cores > 1 && i < o->executor_count; i++)
        if (!strcmp(o->executors[i]->name, "pipeline"))
            argp_error(state, "--cores goes without pipelines: their models come and go");
    if (s->write && !s->one)
        argp_error(state, "--write needs --seed");
    if ((s->update || s->reduce) && !s->text_count)
        argp_error(state, "--update and --reduce need texts");
}

static error_t parse_mode(int key, char *arg, struct argp_state *state)
{
    struct settings *s = state->input;

    switch (key) {
    case KEY_STATS:
        s->stats = true;
        break;
    case KEY_OUT:
        s->out = arg;
        break;
    case KEY_SHRINK:
        s->shrink_seconds = (uint32_t)number(state, arg, UINT32_MAX);
        break;
    case KEY_VERILATOR:
        s->campaign.verilator = true;
        break;
    case KEY_CORES:
        s->campaign.cores = (uint32_t)number(state, arg, SPEC_CORES_MAX);
        if (!s->campaign.cores || (s->campaign.cores & (s->campaign.cores - 1)))
            argp_error(state, "%s cores can't take packets in turn: 1, 2, 4 or 8 can", arg);
        break;
    case KEY_WRITE:
        s->write = arg;
        break;
    case KEY_UPDATE:
        s->update = true;
        break;
    case KEY_REDUCE:
        s->reduce = true;
        break;
    case KEY_RECORD:
        s->record = arg ? arg : recording;
        break;
    case KEY_CHECK:
        s->check = arg ? arg : recording;
        break;
    case ARGP_KEY_ARGS:
        s->texts = (const char **)(state->argv + state->next);
        s->text_count = (uint32_t)(state->argc - state->next);
        break;
    case ARGP_KEY_END:
        fill_in(state, s);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct settings *s = state->input;

    switch (key) {
    case 'n':
        s->campaign.count = number(state, arg, UINT32_MAX);
        s->count_given = true;
        break;
    case 't':
        s->executors = arg;
        break;
    case KEY_SEED:
        s->one = true;
        s->campaign.first = number(state, arg, UINT64_MAX);
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
        break;
    case KEY_FINDINGS:
        s->campaign.findings = (uint32_t)number(state, arg, UINT32_MAX);
        break;
    default:
        return parse_mode(key, arg, state);
    }
    return 0;
}

/* ---- modes ---- */

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

static int check_recording(const char *path)
{
    uint64_t count;
    int err;
    const uint32_t failures = record_check(path, &count, &err);

    if (err) {
        fprintf(stderr, "fuzz: %s: %s\n", path, strerror(-err));
        return EXIT_USAGE;
    }
    printf("%llu recorded programs on interp, %u differences\n", (unsigned long long)count,
           failures);
    return failures || !count ? EXIT_DIFFERS : EXIT_SAME;
}

static int make_recording(const struct settings *s)
{
    const struct campaign_options *c = &s->campaign;
    const struct record_options o = {c->first, c->count, c->profile, c->packets};
    int err;
    const uint32_t failures =
        record_write(s->record, &o, c->executor_count ? &exec_kernel : NULL, &err);

    if (err) {
        fprintf(stderr, "fuzz: %s: %s\n", s->record, strerror(-err));
        return EXIT_USAGE;
    }
    printf("%llu programs recorded in %s, %u left out\n", (unsigned long long)(c->count - failures),
           s->record, failures);
    return failures ? EXIT_DIFFERS : EXIT_SAME;
}

/* Shrinks a text that shows something on the first executor, or in the verifiers. */
static int reduce_text(const struct settings *s, const char *path)
{
    const struct exec_ops *ops = s->campaign.executor_count ? s->campaign.executors[0] : NULL;
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const char *expectation, *name = strrchr(path, '/');
    struct diff_case *c;
    char out[PATH_BYTES];
    int err = text_read(path, arena, &sink, &c, &expectation);

    for (uint32_t i = 0; i < sink.count; i++)
        diag_write(stderr, &sink.records[i]);
    if (!err) {
        campaign_case(&s->campaign, c);
        mkdir(s->out, 0777);
        snprintf(out, sizeof(out), "%s/%s", s->out, name ? name + 1 : path);
        printf("%s\n", path);
        finding_shrink(stdout, c, ops, s->shrink_seconds, out);
    }
    arena_close(arena);
    return err;
}

static int run_texts(const struct settings *s)
{
    uint32_t failures = 0;
    int err;

    for (uint32_t i = 0; i < s->text_count; i++) {
        if (s->reduce) {
            if (reduce_text(s, s->texts[i]))
                return EXIT_USAGE;
            continue;
        }
        failures += texts_run(s->texts[i], &s->campaign, s->update, &err);
        if (err)
            return EXIT_USAGE;
    }
    printf("%u texts, %u differences\n", s->text_count, failures);
    return failures ? EXIT_DIFFERS : EXIT_SAME;
}

static void shrink_finding(const struct settings *s, const struct campaign_finding *f,
                           struct gen *gen)
{
    const struct campaign_options *o = &s->campaign;
    const struct exec_ops *ops = f->executor < o->executor_count ? o->executors[f->executor] : NULL;
    struct arena *arena = arena_open();
    char path[PATH_BYTES];
    struct diff_case *c = gen_case(gen, f->seed, o->profile, o->packets, arena);

    campaign_case(o, c);
    mkdir(s->out, 0777);
    snprintf(path, sizeof(path), "%s/%s-%llu.txt", s->out, ops ? ops->name : "interp",
             (unsigned long long)f->seed);
    finding_shrink(stdout, c, ops, s->shrink_seconds, path);
    arena_close(arena);
}

static int run_campaign(const struct settings *s)
{
    struct stats_forms *forms = stats_forms_open();
    struct gen *gen = gen_open();
    struct campaign *c;
    uint32_t findings;

    if (!s->campaign.executor_count && strcmp(s->executors, exec_interp.name) != 0) {
        printf("fuzz: nothing to hold interp against but the recording\n");
        return check_recording(recording);
    }
    report_start(&s->campaign);
    c = forms && gen ? campaign_run(&s->campaign, isatty(2)) : NULL;
    if (!c) {
        fprintf(stderr, "fuzz: no memory\n");
        return EXIT_USAGE;
    }
    findings = c->finding_count;
    for (uint32_t i = 0; i < findings && i < CAMPAIGN_FINDINGS; i++) {
        report_finding(c, i);
        if (s->shrink_seconds && i < SHRUNK_MAX)
            shrink_finding(s, &c->findings[i], gen);
    }
    report_end(c, forms, s->stats);
    campaign_close(c);
    stats_forms_close(forms);
    gen_close(gen);
    return findings ? EXIT_DIFFERS : EXIT_SAME;
}

static int write_case(const struct settings *s)
{
    struct gen *gen = gen_open();
    struct arena *arena = arena_open();
    const struct campaign_options *o = &s->campaign;
    char title[64];
    int err;

    snprintf(title, sizeof(title), "seed %llu, profile %s", (unsigned long long)o->first,
             gen_profile_names[o->profile]);
    err = finding_write(gen_case(gen, o->first, o->profile, o->packets, arena), s->write, title);
    if (err)
        fprintf(stderr, "fuzz: %s: %s\n", s->write, strerror(-err));
    arena_close(arena);
    gen_close(gen);
    return err ? EXIT_USAGE : EXIT_SAME;
}

static int run(struct settings *s)
{
    if (s->check)
        return check_recording(s->check);
    if (s->write)
        return write_case(s);
    skip_kernel(&s->campaign);
    if (s->record)
        return make_recording(s);
    return s->text_count ? run_texts(s) : run_campaign(s);
}

int main(int argc, char **argv)
{
    static const struct argp argp = {options,
                                     parse,
                                     "[TEXT...]",
                                     "Programs that always verify, made from seeds, on several "
                                     "executors beside interp. Or texts: cases that were "
                                     "kept (tests/text/diff).\v"
                                     "Exit status: 0 no difference, 1 a difference, 2 usage.",
                                     NULL,
                                     NULL,
                                     NULL};
    struct settings s = {.campaign = {.jobs = 2, .findings = 3},
                         .executors = "kernel",
                         .out = SLUICE_BUILD_ROOT "/fuzz",
                         .shrink_seconds = SHRINK_SECONDS};
    struct scratch scratch = {0};
    int status;

    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &s);
    if (scratch_open(&scratch)) {
        fprintf(stderr, "fuzz: no folder for models under /tmp: %s\n", strerror(errno));
        return EXIT_USAGE;
    }
    status = run(&s);
    scratch_close(&scratch);
    return status;
}
