/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/campaign.h"

#include "compiler/base/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A case takes milliseconds in software, and some seconds on a simulated device. */
enum { TICK_MS = 100, BAR = 30, SOFTWARE_SECONDS = 30, HARDWARE_SECONDS = 300 };

void campaign_note(struct campaign *c, uint64_t seed, uint32_t executor, const char *why)
{
    const uint32_t n = atomic_fetch_add(&c->finding_count, 1);

    if (n < CAMPAIGN_FINDINGS) {
        c->findings[n].seed = seed;
        c->findings[n].executor = executor;
        snprintf(c->findings[n].why, sizeof(c->findings[n].why), "%s", why);
    }
    if (n + 1 >= c->options.findings)
        c->stop = true;
}

void campaign_case(const struct campaign_options *o, struct diff_case *c)
{
    c->options.icarus = !o->verilator;
    c->options.cores = o->cores;
}

bool campaign_over(const struct campaign *c)
{
    return c->stop ||
           (c->options.seconds && clock_now_ns() - c->start_ns > c->options.seconds * 1000000000u);
}

static uint64_t done(const struct campaign *c)
{
    uint64_t sum = 0;

    for (uint32_t w = 0; w < c->options.jobs; w++)
        sum += c->workers[w].done;
    return sum;
}

static void show_progress(const struct campaign *c)
{
    const double seconds = (double)(clock_now_ns() - c->start_ns) * 1e-9;
    const uint64_t n = done(c);
    const int full = (int)(c->options.count ? n * BAR / c->options.count : 0);
    char bar[BAR + 1];

    memset(bar, '.', BAR);
    memset(bar, '#', (size_t)full);
    bar[BAR] = 0;
    fprintf(stderr, "\r[%s] %llu of %llu programs, %.0f a second, %u findings ", bar,
            (unsigned long long)n, (unsigned long long)c->options.count,
            seconds > 0 ? (double)n / seconds : 0.0, (unsigned)c->finding_count);
    fflush(stderr);
}

/* What a worker was seen to be at. */
struct watch {
    uint64_t seed;
    uint64_t since_ns;
    bool stuck;
};

/* A worker ended: by itself, or by a fault, which is a finding. */
static void note_end(struct campaign *c, pid_t pid, int status, pid_t *pids,
                     const struct watch *watches)
{
    char why[CAMPAIGN_WHY_BYTES];

    for (uint32_t w = 0; w < c->options.jobs; w++) {
        if (pids[w] != pid)
            continue;
        pids[w] = 0;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            return;
        snprintf(why, sizeof(why), "the process that ran it ended with %s %d%s",
                 WIFSIGNALED(status) ? "signal" : "status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                 watches[w].stuck ? ": it was at it for too long" : "");
        campaign_note(c, c->workers[w].seed, c->options.executor_count, why);
    }
}

/* Ends workers that are at one case for too long: note_end then tells. */
static void end_stuck(struct campaign *c, const pid_t *pids, struct watch *watches)
{
    uint64_t limit = SOFTWARE_SECONDS;

    for (uint32_t i = 0; i < c->options.executor_count; i++)
        if (c->options.executors[i]->hardware)
            limit = HARDWARE_SECONDS;
    for (uint32_t w = 0; w < c->options.jobs; w++) {
        const uint64_t seed = c->workers[w].seed, now = clock_now_ns();

        if (seed != watches[w].seed || !seed)
            watches[w] = (struct watch){seed, now, false};
        else if (pids[w] && now - watches[w].since_ns > limit * 1000000000u)
            watches[w].stuck = !kill(pids[w], SIGKILL);
    }
}

static pid_t start_worker(struct campaign *c, uint32_t worker)
{
    const pid_t parent = getpid();
    const pid_t pid = fork();

    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() == parent)
        campaign_work(c, worker);
    fflush(NULL);
    _exit(0);
}

struct campaign *campaign_run(const struct campaign_options *options, bool progress)
{
    struct campaign *c =
        mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct watch watches[CAMPAIGN_JOBS] = {0};
    pid_t pids[CAMPAIGN_JOBS] = {0};
    uint32_t running = 0;

    if (c == MAP_FAILED)
        return NULL;
    c->options = *options;
    c->start_ns = clock_now_ns();
    fflush(NULL);
    for (uint32_t w = 0; w < options->jobs; w++) {
        pids[w] = start_worker(c, w);
        running += pids[w] > 0;
    }
    while (running) {
        int status;
        const pid_t pid = waitpid(-1, &status, WNOHANG);

        if (pid > 0) {
            running--;
            note_end(c, pid, status, pids, watches);
            continue;
        }
        poll(NULL, 0, TICK_MS);
        end_stuck(c, pids, watches);
        if (progress)
            show_progress(c);
    }
    if (progress)
        fprintf(stderr, "\r%*s\r", BAR + 70, "");
    return c;
}

void campaign_close(struct campaign *c)
{
    munmap(c, sizeof(*c));
}
