/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/finding.h"

#include "host/ctl/exec_interp.h"
#include "tests/fuzz/diff/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const faults[FAULT_COUNT] = {
    [FAULT_NONE] = "nothing",
    [FAULT_DIFFERS] = "a difference",
    [FAULT_OURS] = "rejected by Sluice's verifier, accepted by the kernel's",
    [FAULT_KERNELS] = "accepted by Sluice's verifier, rejected by the kernel's",
    [FAULT_CRASH] = "a crash",
};

void finding_list(FILE *out, const struct diff_case *c)
{
    const struct diff_result nothing = {0};

    text_write(out, c, &nothing, "the case as it was made");
}

int finding_write(const struct diff_case *c, const char *path, const char *title)
{
    struct arena *arena = arena_open();
    struct job *job = arena ? diff_job_open(c, arena) : NULL;
    struct diff_result result = {0};
    char why[EXEC_WHY_BYTES] = "";
    FILE *out = job ? fopen(path, "w") : NULL;
    int err = out ? 0 : errno ? -errno : -ENOMEM;

    if (out) {
        /* a case that interp does not take has no expectation */
        if (diff_run(c, job, &exec_interp, arena, &result, why) != DIFF_RAN)
            diff_result_free(&result);
        text_write(out, c, &result, title);
        if (fclose(out))
            err = -errno;
    }
    diff_result_free(&result);
    arena_close(arena);
    return err;
}

bool finding_shrink(FILE *out, const struct diff_case *c, const struct exec_ops *ops,
                    uint32_t seconds, const char *path)
{
    struct arena *arena = arena_open();
    char why[EXEC_WHY_BYTES], title[EXEC_WHY_BYTES + 128];
    enum shrink_fault fault = shrink_judge(c, ops, why);
    struct diff_case *small;
    int err;

    if (fault == FAULT_NONE) {
        fprintf(out, "  it does not show again\n");
        arena_close(arena);
        return false;
    }
    fprintf(out, "  shows again: %s: %s\n", faults[fault], why);
    fflush(out);
    small = shrink_case(c, ops, fault, seconds, arena);
    shrink_judge(small, ops, why);
    snprintf(title, sizeof(title), "seed %llu, %s: %s: %s", (unsigned long long)c->seed,
             ops ? ops->name : "interp", faults[fault], why);
    err = finding_write(small, path, title);
    if (err)
        fprintf(out, "  %s can't be written: %s\n", path, strerror(-err));
    else
        fprintf(out, "  shrunk from %u to %u instructions, %u packets, %u entries: %s\n",
                c->prog.insn_count, small->prog.insn_count, small->packet_count, small->entry_count,
                path);
    fprintf(out, "  %s: %s\n", faults[fault], why);
    arena_close(arena);
    return true;
}
