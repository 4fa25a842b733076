/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/conformance/conformance.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A program compiled for the runs that were watched, on a hardware executor. */

enum {
    WORD = 8,
    /* A pipeline reaches so much of a packet; more goes into a map. */
    PACKET_MEMORY_MAX = SPEC_PIPE_WINDOW_BYTES - 16,
    STAGES_MAX = 4000,   /* of the pipelines that are made here */
    QUICK_CLOCKS = 1000, /* of a packet's way through one that takes seconds to simulate */
    DIVIDER_CLOCKS = 66, /* docs/hardware.md */
};

struct conf_device {
    struct arena *arena;
    struct conf_program *p;
    struct conf_narrow narrow;
    struct job *job;
    struct exec *exec;
    uint32_t memory_bytes;
    uint8_t *packet;
    uint32_t packet_bytes;
};

/* --- one run ------------------------------------------------------------------------------ */

struct trip {
    struct conf_device *d;
    bool sent;
    uint32_t ret;
    uint32_t got_bytes;
};

static bool give(void *ctx, struct exec_packet *packet)
{
    struct trip *t = ctx;

    if (t->sent)
        return false;
    t->sent = true;
    *packet = (struct exec_packet){.data = t->d->packet, .len = t->d->packet_bytes};
    return true;
}

static int take(void *ctx, const struct exec_output *output)
{
    struct trip *t = ctx;

    t->ret = output->ret;
    t->got_bytes = output->len;
    if (output->len <= t->d->packet_bytes)
        memcpy(t->d->packet, output->data, output->len);
    return 0;
}

static bool has_map(const struct conf_device *d)
{
    return d->narrow.raw.map != VERIFY_MAP_NONE;
}

static int put_words(struct conf_device *d, const struct conf_run *run)
{
    int err = 0;

    for (uint32_t at = 0; at < run->bytes && !err; at += WORD) {
        const uint32_t key = at / WORD;
        const uint32_t left = run->bytes - at;
        uint8_t value[WORD] = {0};

        memcpy(value, run->memory + at, left < WORD ? left : WORD);
        err = d->exec->ops->map_update(d->exec, d->narrow.raw.map, &key, value, SPEC_MAP_FLAG_ANY);
    }
    return err;
}

static int get_words(struct conf_device *d, struct conf_run *run)
{
    int err = 0;

    for (uint32_t at = 0; at <= d->narrow.raw.result_at && !err; at += WORD) {
        const uint32_t key = at / WORD;
        uint8_t value[WORD];

        err = d->exec->ops->map_lookup(d->exec, d->narrow.raw.map, &key, value);
        if (err)
            break;
        if (at == d->narrow.raw.result_at)
            memcpy(&run->r0, value, WORD);
        else
            memcpy(run->memory + at, value, run->bytes - at < WORD ? run->bytes - at : WORD);
    }
    return err;
}

int conf_device_run(struct conf_device *d, struct conf_run *run, char why[EXEC_WHY_BYTES])
{
    struct trip t = {.d = d};
    const struct exec_stream stream = {&t, give, take};
    struct exec_stats stats;
    int err = 0;

    if (run->bytes != d->memory_bytes) {
        snprintf(why, EXEC_WHY_BYTES, "the program was compiled for a memory of %u bytes",
                 d->memory_bytes);
        return -EINVAL;
    }
    memset(d->packet, 0, d->packet_bytes);
    if (has_map(d))
        err = put_words(d, run);
    else if (run->bytes)
        memcpy(d->packet, run->memory, run->bytes);
    *why = 0;
    if (!err)
        err = d->exec->ops->run(d->exec, &stream, &stats, why);
    if (!err && has_map(d)) {
        err = get_words(d, run);
    } else if (!err) {
        if (run->bytes)
            memcpy(run->memory, d->packet, run->bytes);
        memcpy(&run->r0, d->packet + d->narrow.raw.result_at, WORD);
    }
    if (!err && (t.got_bytes != d->packet_bytes || t.ret != (uint32_t)run->r0)) {
        snprintf(why, EXEC_WHY_BYTES,
                 "%u bytes and the value 0x%x came back, and r0 as 0x%llx: this is a bug in Sluice",
                 t.got_bytes, t.ret, (unsigned long long)run->r0);
        return -EPROTO;
    }
    if (err && !*why)
        snprintf(why, EXEC_WHY_BYTES, "the memory can't be moved to the device and back: %s",
                 strerror(-err));
    return err;
}

/* --- compiling ---------------------------------------------------------------------------- */

/* The stack frames of some way down the call tree do not fit the executors' stack. */
static bool stack_too_deep(const struct conf_observation *seen)
{
    for (uint32_t k = 0; k < seen->count; k++) {
        int64_t bytes = 0;
        uint32_t c = k;

        for (;;) {
            bytes += (-seen->contexts[c].lowest + 7) & ~7;
            if (!seen->contexts[c].depth)
                break;
            c = seen->contexts[c].parent;
        }
        if (bytes > SPEC_STACK_BYTES)
            return true;
    }
    return false;
}

static int build(struct conf_device *d, bool hidden, char why[EXEC_WHY_BYTES])
{
    const struct job_options options = {.size = sizeof(options),
                                        .pipe = {.max_stages = STAGES_MAX}};
    struct conf_narrow *n = &d->narrow;
    int err;

    n->raw.hidden = hidden;
    d->job = job_open(n->object, n->prog, &options, d->arena);
    if (!d->job)
        return -ENOMEM;
    d->job->done[JOB_VERIFY] = true;
    d->job->facts = &n->facts;
    d->job->done[JOB_IR] = true;
    err = ir_build_raw(n->object, n->prog, &n->facts, &n->raw, d->arena, &d->job->sinks[JOB_IR],
                       &d->job->ir);
    if (!err)
        err = opt_run(d->job->ir, &d->job->options.opt, &d->job->sinks[JOB_IR]);
    if (err)
        exec_why(why, job_reason(d->job, JOB_IR), err);
    return err;
}

/* Is the pipeline short enough to be simulated in seconds? */
static bool is_quick(const struct conf_device *d)
{
    const struct pipe_design *design = d->job->pipeline;
    uint32_t clocks = design->stages;

    for (const char *at = design->verilog; (at = strstr(at, "pipe_div #")); at++)
        clocks += DIVIDER_CLOCKS;
    return clocks <= QUICK_CLOCKS;
}

/* The compiler is not to know constants, so that hardware computes with them; it is to know them
 * where the pipeline gets too long otherwise, because it repeats a loop's body. */
static int build_for(struct conf_device *d, bool pipeline, char why[EXEC_WHY_BYTES])
{
    int err = build(d, true, why);

    if (!pipeline || (!err && !job_do(d->job, JOB_PIPELINE) && is_quick(d)))
        return err;
    return build(d, false, why);
}

static int open_device(struct conf_device *d, const struct conf_run *runs, uint32_t count,
                       const struct exec_ops *ops, bool icarus, char why[EXEC_WHY_BYTES])
{
    const struct exec_options options = {.size = sizeof(options), .icarus = icarus};
    struct conf_run *copies = arena_array(d->arena, count, sizeof(*copies));
    struct conf_observation seen;
    bool one_memory;
    int err;

    for (uint32_t i = 0; i < count; i++) {
        copies[i] = runs[i];
        copies[i].memory = arena_alloc(d->arena, runs[i].bytes + 1u);
        if (runs[i].bytes)
            memcpy(copies[i].memory, runs[i].memory, runs[i].bytes);
    }
    err = conf_observe(d->p, copies, count, d->arena, &seen, why);
    if (err)
        return err;
    one_memory = seen.one_memory || stack_too_deep(&seen) || d->memory_bytes > PACKET_MEMORY_MAX;
    err = conf_narrow(d->p, &seen, d->memory_bytes, one_memory, d->arena, &d->narrow, why);
    if (err)
        return err;
    d->packet_bytes = has_map(d) ? SPEC_PKT_MIN_BYTES : d->narrow.raw.result_at + WORD;
    d->packet = arena_alloc(d->arena, d->packet_bytes);
    err = build_for(d, ops == exec_find("pipeline"), why);
    if (err)
        return err;
    return exec_open(ops, d->job, &options, &d->exec, why);
}

int conf_device_open(struct conf_program *p, const struct conf_run *runs, uint32_t count,
                     const char *executor, bool icarus, struct conf_device **out,
                     char why[EXEC_WHY_BYTES])
{
    const struct exec_ops *ops = exec_find(executor);
    struct conf_device *d = calloc(1, sizeof(*d));
    jmp_buf oom;
    int err = -ENOMEM;

    snprintf(why, EXEC_WHY_BYTES, "no memory");
    if (!d)
        return err;
    d->p = p;
    d->memory_bytes = count ? runs[0].bytes : 0;
    d->arena = arena_open();
    if (d->arena && ops && ops->hardware) {
        arena_set_oom(d->arena, &oom);
        if (setjmp(oom) == 0)
            err = open_device(d, runs, count, ops, icarus, why);
        arena_set_oom(d->arena, NULL);
    } else if (d->arena) {
        snprintf(why, EXEC_WHY_BYTES, "there is no hardware executor %s", executor);
        err = -EINVAL;
    }
    if (err) {
        conf_device_close(d);
        return err;
    }
    *out = d;
    return 0;
}

void conf_device_close(struct conf_device *d)
{
    if (!d)
        return;
    exec_close(d->exec);
    arena_close(d->arena);
    free(d);
}
