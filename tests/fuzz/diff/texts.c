/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/texts.h"

#include "host/ctl/exec_interp.h"
#include "tests/fuzz/diff/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first line that differs. */
static void show_difference(const char *want, const char *got)
{
    uint32_t line = 1;

    while (*want && *want == *got) {
        line += *want == '\n';
        want++;
        got++;
    }
    while (line > 1 && want[-1] != '\n') {
        want--;
        got--;
    }
    printf("      line %u of the expectation is\n      %.*s\n      not\n      %.*s\n", line,
           (int)strcspn(got, "\n"), got, (int)strcspn(want, "\n"), want);
}

/* Puts the text behind "--- expect" in the place of what stands there. */
static int rewrite(const char *path, const char *expectation)
{
    FILE *f = fopen(path, "r+");
    char line[1 << 16];
    int err = f ? 0 : -errno;

    while (!err && fgets(line, sizeof(line), f) && strcmp(line, "--- expect\n") != 0)
        ;
    /* between reading and writing a stream wants a place */
    if (f && (fseek(f, 0, SEEK_CUR) || ftruncate(fileno(f), ftell(f)) || fputs(expectation, f) < 0))
        err = -EIO;
    if (f && fclose(f))
        err = -errno;
    return err;
}

static bool told(const char *path, const char *executor, bool same, const char *why)
{
    printf("%s  %s on %s%s%s\n", same ? "pass" : "FAIL", path, executor, *why ? ": " : "", why);
    return same;
}

static uint32_t run_beside(const struct diff_case *c, struct job *job, const char *path,
                           const struct exec_ops *ops, struct arena *arena,
                           const struct diff_result *want)
{
    struct diff_result got;
    char why[EXEC_WHY_BYTES];
    const enum diff_status status = diff_run(c, job, ops, arena, &got, why);
    bool same = false;

    if (status == DIFF_UNFIT && ops->hardware) {
        printf("skip  %s on %s: %s\n", path, ops->name, why);
        return 0;
    }
    if (status == DIFF_RAN) {
        same = diff_same(c, want, &got, ops->redirect_hidden, why);
        if (same)
            *why = 0;
    }
    diff_result_free(&got);
    return !told(path, ops->name, same, why);
}

static uint32_t run_case(struct diff_case *c, const char *path, const char *expectation,
                         const struct exec_ops *const *executors, uint32_t count, bool update,
                         struct arena *arena)
{
    struct job *job = diff_job_open(c, arena);
    struct diff_result want;
    char why[EXEC_WHY_BYTES], *got;
    uint32_t failures = 0;

    if (diff_run(c, job, &exec_interp, arena, &want, why) != DIFF_RAN) {
        diff_result_free(&want);
        return !told(path, "interp", false, why);
    }
    got = text_expectation(c, &want);
    if (update) {
        failures += got && strcmp(got, expectation) != 0 && rewrite(path, got);
    } else {
        const bool same = got && !strcmp(got, expectation);

        failures += !told(path, "interp", same, "");
        if (!same && got)
            show_difference(expectation, got);
    }
    free(got);
    for (uint32_t i = 0; i < count; i++)
        failures += run_beside(c, job, path, executors[i], arena, &want);
    diff_result_free(&want);
    return failures;
}

uint32_t texts_run(const char *path, const struct campaign_options *o, bool update, int *err)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    struct diff_case *c = NULL;
    const char *expectation = NULL;
    uint32_t failures = 1;

    *err = text_read(path, arena, &sink, &c, &expectation);
    for (uint32_t i = 0; i < sink.count; i++)
        diag_write(stderr, &sink.records[i]);
    if (!*err) {
        campaign_case(o, c);
        failures = run_case(c, path, expectation, o->executors, o->executor_count, update, arena);
    }
    arena_close(arena);
    return failures;
}
