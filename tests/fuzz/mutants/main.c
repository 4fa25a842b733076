/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/base/clock.h"
#include "compiler/ebpf/ebpf.h"
#include "tests/common/corpus.h"
#include "tests/common/linux_verdict.h"
#include "tests/common/random_program.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Real programs changed in one step, judged by our verifier and by Linux's: examples/ for -mcpu=v1
 * to v4, what xdp-tools installs, and the objects of the folders that are named. Or random ones.
 * Exit status: 0 Linux accepts all that we accept, and we all real programs that it accepts and
 * that use nothing that Sluice does not run; 1 not so; 2 usage. */

enum { JOBS_MAX = 16, NAME_BYTES = 300 };

static const struct argp_option options[] = {
    {"count", 'n', "N", 0, "mutants in all (20000)", 0},
    {"from", 'f', "N", 0, "the first seed (1)", 0},
    {"jobs", 'j', "N", 0, "processes (2)", 0},
    {"random", 'r', NULL, 0, "random programs in place of changed ones", 0},
    {"show", 's', "CODE", OPTION_ARG_OPTIONAL,
     "print what only the kernel accepts, or only with this code", 0},
    {"only", 'o', "PART", 0, "programs whose name contains this", 0},
    {0},
};

struct settings {
    uint32_t count, jobs;
    uint64_t from;
    const char *show, *only;
    bool random;
    char **folders;
    uint32_t folder_count;
};

struct figures {
    struct verdict_tally plain, mutants;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct settings *s = state->input;

    switch (key) {
    case 'n':
        s->count = (uint32_t)strtoul(arg, NULL, 0);
        return 0;
    case 'f':
        s->from = strtoull(arg, NULL, 0);
        return 0;
    case 'j':
        s->jobs = (uint32_t)strtoul(arg, NULL, 0);
        if (s->jobs < 1 || s->jobs > JOBS_MAX)
            argp_error(state, "from 1 to %d processes", JOBS_MAX);
        return 0;
    case 'r':
        s->random = true;
        return 0;
    case 's':
        s->show = arg ? arg : "";
        return 0;
    case 'o':
        s->only = arg;
        return 0;
    case ARGP_KEY_ARGS:
        s->folders = state->argv + state->next;
        s->folder_count = (uint32_t)(state->argc - state->next);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The programs that both accept get the same number of mutants each; which those are must be known
 * first. */
static uint32_t judge_programs(const struct settings *s, const struct corpus *c, bool *accepted,
                               struct verdict_tally *t)
{
    const struct verdict_talk talk = {stdout, s->show};
    uint32_t n = 0;

    for (uint32_t i = 0; i < c->count; i++) {
        const struct corpus_prog *p = &c->progs[i];
        int fds[SPEC_MAPS];

        if (s->only && !strstr(p->name, s->only))
            continue;
        verdict_open_maps(p->object, fds);
        accepted[i] = verdict_compare(t, &talk, p->name, p->object, p->prog, fds);
        n += accepted[i];
        verdict_close_maps(p->object, fds);
    }
    return n;
}

static void work(const struct settings *s, const struct corpus *c, const bool *accepted,
                 uint32_t programs, uint32_t job, struct verdict_tally *t)
{
    const struct verdict_talk talk = {stdout, s->show};
    uint32_t number = 0;

    for (uint32_t i = 0; i < c->count; i++) {
        const struct corpus_prog *p = &c->progs[i];
        const uint32_t count = s->count / programs + (number < s->count % programs);
        int fds[SPEC_MAPS];

        if (!accepted[i] || number++ % s->jobs != job)
            continue;
        verdict_open_maps(p->object, fds);
        if (verdict_compare_mutants(t, &talk, p->name, p->object, p->prog, fds, corpus_change,
                                    count, s->from * 1000003u + (uint64_t)i * 65536))
            _exit(1); /* the parent says so */
        verdict_close_maps(p->object, fds);
        fflush(stdout);
    }
}

static void work_random(const struct settings *s, uint32_t job, struct verdict_tally *t)
{
    const struct load_object *object = random_program_object();
    const struct verdict_talk talk = {stdout, s->show};
    int fds[SPEC_MAPS];

    verdict_open_maps(object, fds);
    for (uint64_t i = s->from + job; i < s->from + s->count; i += s->jobs) {
        struct arena *arena = arena_open();
        const struct load_prog prog = random_program(i, arena);
        char name[NAME_BYTES];

        snprintf(name, sizeof(name), "random program %llu", (unsigned long long)i);
        verdict_compare(t, &talk, name, object, &prog, fds);
        arena_close(arena);
    }
    verdict_close_maps(object, fds);
}

/* False if a worker did not come to its end. */
static bool run_jobs(const struct settings *s, const struct corpus *c, const bool *accepted,
                     uint32_t programs, struct verdict_tally *tallies)
{
    bool well = true;

    fflush(stdout);
    for (uint32_t j = 0; j < s->jobs; j++) {
        const pid_t pid = fork();

        if (pid < 0)
            well = false;
        if (pid)
            continue;
        if (s->random)
            work_random(s, j, &tallies[j]);
        else
            work(s, c, accepted, programs, j, &tallies[j]);
        fflush(stdout);
        _exit(0);
    }
    for (int status; wait(&status) > 0;)
        well = well && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return well;
}

/* Linux takes a real program, and we reject it: it uses nothing that Sluice does not run. */
static bool loses_programs(const struct verdict_tally *plain)
{
    for (uint32_t i = 0; i < plain->code_count; i++)
        if (!plain->codes[i].refused)
            return true;
    return false;
}

static int run(const struct settings *s, struct corpus *c)
{
    const uint64_t start = clock_now_ns();
    struct verdict_tally *tallies = mmap(NULL, sizeof(*tallies) * JOBS_MAX, PROT_READ | PROT_WRITE,
                                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool *accepted = calloc(c->count + 1, sizeof(*accepted));
    struct figures f = {0};
    uint32_t programs;
    bool well;

    if (tallies == MAP_FAILED || !accepted)
        return 2;
    programs = s->random ? 0 : judge_programs(s, c, accepted, &f.plain);
    if (!s->random)
        verdict_print(stdout, "programs", &f.plain);
    if (!programs && !s->random) {
        fprintf(stderr, "mutants: no program to change\n");
        return 2;
    }
    well = run_jobs(s, c, accepted, programs, tallies);
    for (uint32_t j = 0; j < s->jobs; j++)
        verdict_add(&f.mutants, &tallies[j]);
    verdict_print(stdout, s->random ? "random programs" : "mutants", &f.mutants);
    if (!s->random)
        printf("%u mutants of %u programs, ", f.mutants.programs, programs);
    printf("%.0f s%s\n", (double)(clock_now_ns() - start) * 1e-9,
           well ? "" : "; a process did not come to its end");
    free(accepted);
    return f.plain.ours_only || f.mutants.ours_only || loses_programs(&f.plain) || !well;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse,
        "[FOLDER...]",
        "One-step mutants of real programs, judged by Sluice's verifier and by Linux's.",
        NULL,
        NULL,
        NULL};
    struct settings s = {.count = 20000, .jobs = 2, .from = 1};
    static struct corpus c;
    const char *why;
    int status;

    argp_err_exit_status = 2;
    argp_parse(&argp, argc, argv, 0, NULL, &s);
    if (!verdict_kernel_is_here(&why)) {
        printf("mutants: skipped: no bpf() here (%s)\n", why);
        return 0;
    }
    if (s.random ? corpus_open_none(&c) : corpus_open_all(&c)) {
        fprintf(stderr, "mutants: no memory\n");
        return 2;
    }
    for (uint32_t i = 0; i < s.folder_count; i++)
        corpus_add_folder(&c, s.folders[i]);
    status = run(&s, &c);
    corpus_close(&c);
    return status;
}
