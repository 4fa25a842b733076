/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/shrink.h"

#include "host/ctl/exec_interp.h"
#include "host/ctl/exec_kernel.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whether a case shows a fault: run apart, so that a crash or an endless loop ends nothing else. */

/* A program that the verifier takes ends within milliseconds, a simulated device within seconds. */
enum { SOFTWARE_SECONDS = 5, HARDWARE_SECONDS = 120 };

struct verdict {
    enum shrink_fault fault;
    char why[EXEC_WHY_BYTES];
};

static void note(struct verdict *v, enum shrink_fault fault, const char *why)
{
    v->fault = fault;
    snprintf(v->why, sizeof(v->why), "%s", why);
}

static void judge_beside(const struct diff_case *c, struct job *job, const struct exec_ops *ops,
                         struct arena *arena, const struct diff_result *want, struct verdict *v)
{
    struct diff_result got;
    char why[EXEC_WHY_BYTES];
    const enum diff_status status = diff_run(c, job, ops, arena, &got, why);

    if (status == DIFF_UNFIT && !ops->hardware)
        note(v, FAULT_KERNELS, why);
    else if (status == DIFF_BROKEN)
        note(v, FAULT_DIFFERS, why);
    else if (status == DIFF_RAN && !diff_same(c, want, &got, ops->redirect_hidden, why))
        note(v, FAULT_DIFFERS, why);
}

/* The same again with everything at other addresses: a program that gives a pointer away gives
 * another result. */
static bool moves(const struct diff_case *c, struct job *job, struct arena *arena,
                  const struct diff_result *want)
{
    volatile uint8_t deeper[4096] = {0};
    struct exec *held = NULL;
    struct diff_result again;
    char why[EXEC_WHY_BYTES];
    bool same;

    if (exec_open(&exec_interp, job, &c->options, &held, why))
        return true;
    same = diff_run(c, job, &exec_interp, arena, &again, why) == DIFF_RAN &&
           diff_same(c, want, &again, deeper[17] != 0, why);
    diff_result_free(&again);
    exec_close(held);
    return !same;
}

static void judge(const struct diff_case *c, const struct exec_ops *ops, struct verdict *v)
{
    struct arena *arena = arena_open();
    struct job *job = diff_job_open(c, arena);
    struct diff_result want;
    char why[EXEC_WHY_BYTES], theirs[EXEC_WHY_BYTES];
    const enum diff_status status = diff_run(c, job, &exec_interp, arena, &want, why);

    if (status == DIFF_BROKEN)
        note(v, FAULT_DIFFERS, why);
    else if (status == DIFF_REJECTED && diff_kernel_accepts(c, theirs))
        note(v, FAULT_OURS, why);
    else if (status == DIFF_RAN && ops && !moves(c, job, arena, &want))
        judge_beside(c, job, ops, arena, &want, v);
}

enum shrink_fault shrink_judge(const struct diff_case *c, const struct exec_ops *ops,
                               char why[EXEC_WHY_BYTES])
{
    struct verdict *v =
        mmap(NULL, sizeof(*v), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    enum shrink_fault fault = FAULT_NONE;
    int status = 0;
    pid_t pid;

    if (v == MAP_FAILED)
        return FAULT_NONE;
    fflush(NULL);
    pid = fork();
    if (!pid) {
        alarm(ops && ops->hardware ? HARDWARE_SECONDS : SOFTWARE_SECONDS);
        judge(c, ops, v);
        _exit(0);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    fault = v->fault;
    memcpy(why, v->why, EXEC_WHY_BYTES);
    if (pid > 0 && WIFSIGNALED(status)) {
        fault = FAULT_CRASH;
        snprintf(why, EXEC_WHY_BYTES, "the process that ran it ended by signal %d",
                 WTERMSIG(status));
    }
    munmap(v, sizeof(*v));
    return fault;
}
