/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/exec_states.h"

#include "host/ctl/exec_interp.h"
#include "nic_runtime/vm/state.h"
#include "tests/common/states.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { PLAIN, EXACT, KINDS };

struct held {
    struct exec exec; /* first member */
    struct exec *interp;
    struct arena *arena;
    struct states *states[KINDS]; /* EXACT: NULL where there are too many */
    struct states_run runs[KINDS];
    struct vm_observer observer;
    const struct exec_stream *stream;
};

static void held_close(struct exec *exec)
{
    struct held *h = (struct held *)exec;

    if (h->interp)
        exec_interp.close(h->interp);
    for (int k = 0; k < KINDS; k++)
        states_free(h->states[k]);
    arena_close(h->arena);
    free(h);
}

static void before(void *ctx, const struct vm *vm)
{
    struct held *h = ctx;

    if (vm->program->insns != h->exec.job->prog->insns)
        return; /* a tail call went on in another program, whose states nobody took */
    for (int k = 0; k < KINDS; k++)
        if (h->states[k])
            states_check(&h->runs[k], vm);
}

static int held_fits(struct job *job, char why[EXEC_WHY_BYTES])
{
    return exec_interp.fits(job, why);
}

static int take(struct held *h, char why[EXEC_WHY_BYTES])
{
    const struct verify_result *facts = NULL;
    int err = 0;

    for (int k = 0; k < KINDS; k++) {
        err = states_take(h->exec.job->object, h->exec.job->prog, k == EXACT, h->arena, &facts,
                          &h->states[k]);
        if (err != -E2BIG && err)
            break;
    }
    if (err == -E2BIG)
        err = 0;
    if (err)
        snprintf(why, EXEC_WHY_BYTES, "the states can't be taken (%d)", err);
    return err == -EACCES || err == -ENOTSUP ? -EINVAL : err;
}

static int held_open(struct job *job, const struct exec_options *options, struct exec **out,
                     char why[EXEC_WHY_BYTES])
{
    struct held *h = calloc(1, sizeof(*h));
    int err;

    if (!h)
        return -ENOMEM;
    h->exec = (struct exec){.ops = &exec_states, .job = job, .options = *options};
    h->arena = arena_open();
    err = h->arena ? exec_interp.open(job, options, &h->interp, why) : -ENOMEM;
    if (!err)
        err = take(h, why);
    if (err) {
        held_close(&h->exec);
        return err;
    }
    h->observer = (struct vm_observer){h, before, false};
    exec_interp_observe(h->interp, &h->observer);
    *out = &h->exec;
    return 0;
}

static int held_update(struct exec *exec, uint32_t map, const void *key, const void *values,
                       uint64_t flags)
{
    return exec_interp.map_update(((struct held *)exec)->interp, map, key, values, flags);
}

static int held_lookup(struct exec *exec, uint32_t map, const void *key, void *values)
{
    return exec_interp.map_lookup(((struct held *)exec)->interp, map, key, values);
}

static int held_delete(struct exec *exec, uint32_t map, const void *key)
{
    return exec_interp.map_delete(((struct held *)exec)->interp, map, key);
}

static int held_next_key(struct exec *exec, uint32_t map, const void *key, void *next)
{
    return exec_interp.map_next_key(((struct held *)exec)->interp, map, key, next);
}

static int held_pop(struct exec *exec, uint32_t map, void *values)
{
    return exec_interp.map_pop(((struct held *)exec)->interp, map, values);
}

static int held_walk(struct exec *exec, uint32_t map,
                     int (*visit)(void *ctx, const void *key, const void *values), void *ctx)
{
    return exec_interp.map_walk(((struct held *)exec)->interp, map, visit, ctx);
}

static bool next_packet(void *ctx, struct exec_packet *packet)
{
    struct held *h = ctx;

    for (int k = 0; k < KINDS; k++)
        states_start(&h->runs[k], h->states[k]);
    return h->stream->source(h->stream->ctx, packet);
}

static int take_packet(void *ctx, const struct exec_output *output)
{
    struct held *h = ctx;

    for (int k = 0; k < KINDS; k++)
        if (h->runs[k].failed)
            return -ERANGE;
    return h->stream->sink(h->stream->ctx, output);
}

static int held_run(struct exec *exec, const struct exec_stream *stream, struct exec_stats *stats,
                    char why[EXEC_WHY_BYTES])
{
    struct held *h = (struct held *)exec;
    const struct exec_stream mine = {h, next_packet, take_packet};
    int err;

    h->stream = stream;
    h->interp->options.listener = exec->options.listener;
    err = exec_interp.run(h->interp, &mine, stats, why);
    for (int k = 0; k < KINDS; k++)
        if (h->runs[k].failed) {
            snprintf(why, EXEC_WHY_BYTES, "%s", h->runs[k].why);
            return -ERANGE;
        }
    return err;
}

const struct exec_ops exec_states = {
    .name = "states",
    .fits = held_fits,
    .open = held_open,
    .map_update = held_update,
    .map_lookup = held_lookup,
    .map_delete = held_delete,
    .map_next_key = held_next_key,
    .map_pop = held_pop,
    .map_walk = held_walk,
    .run = held_run,
    .close = held_close,
};
