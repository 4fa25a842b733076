/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/exec_driver.h"

#include "host/ctl/exec_interp.h"
#include "tests/fuzz/diff/driver_trial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct held {
    struct exec exec; /* first member */
    struct exec *interp;
    struct arena *arena;
    struct trial_entry *entries;
    uint32_t entry_count, entry_capacity;
    struct diff_packet *packets;
    uint32_t packet_count, packet_capacity;
    const struct exec_stream *stream;
};

static void driver_close(struct exec *exec)
{
    struct held *h = (struct held *)exec;

    if (h->interp)
        exec_interp.close(h->interp);
    arena_close(h->arena);
    free(h);
}

static int driver_fits(struct job *job, char why[EXEC_WHY_BYTES])
{
    return exec_interp.fits(job, why);
}

/* One in WHOLE programs of which nothing runs in the slot is taken, too. */
static int takes(struct job *job, uint64_t seed, struct arena *arena, char why[EXEC_WHY_BYTES])
{
    enum { WHOLE = 16 };
    struct job_options options = job->options;
    struct job *paths;

    if (!exec_find("microcode")->fits(job, why)) {
        snprintf(why, EXEC_WHY_BYTES, "the device takes it");
        return -ENOTSUP;
    }
    options.paths = true;
    options.mark = 1;
    paths = job_open(job->object, job->prog, &options, arena);
    if (!paths)
        return -ENOMEM;
    if (!exec_find("microcode")->fits(paths, why) && paths->ir->path_count)
        return 0;
    return seed % WHOLE ? -ENOTSUP : 0;
}

static int driver_open(struct job *job, const struct exec_options *options, struct exec **out,
                       char why[EXEC_WHY_BYTES])
{
    struct held *h = calloc(1, sizeof(*h));
    int err;

    if (!h)
        return -ENOMEM;
    h->exec = (struct exec){.ops = &exec_driver, .job = job, .options = *options};
    h->arena = arena_open();
    err = h->arena ? takes(job, options->seed, h->arena, why) : -ENOMEM;
    if (!err)
        err = exec_interp.open(job, options, &h->interp, why);
    if (err) {
        driver_close(&h->exec);
        return err;
    }
    *out = &h->exec;
    return 0;
}

/* Kept for the others, too. */
static int driver_update(struct exec *exec, uint32_t map, const void *key, const void *values,
                         uint64_t flags)
{
    struct held *h = (struct held *)exec;
    const struct load_map *m = &exec->job->object->maps[map];

    h->entries =
        arena_grow(h->arena, h->entries, h->entry_count, &h->entry_capacity, sizeof(*h->entries));
    h->entries[h->entry_count++] =
        (struct trial_entry){map, arena_memdup(h->arena, key, m->key_bytes),
                             arena_memdup(h->arena, values, diff_map_values_bytes(m)), flags};
    return exec_interp.map_update(h->interp, map, key, values, flags);
}

static int driver_lookup(struct exec *exec, uint32_t map, const void *key, void *values)
{
    return exec_interp.map_lookup(((struct held *)exec)->interp, map, key, values);
}

static int driver_delete(struct exec *exec, uint32_t map, const void *key)
{
    return exec_interp.map_delete(((struct held *)exec)->interp, map, key);
}

static int driver_next_key(struct exec *exec, uint32_t map, const void *key, void *next)
{
    return exec_interp.map_next_key(((struct held *)exec)->interp, map, key, next);
}

static int driver_pop(struct exec *exec, uint32_t map, void *values)
{
    return exec_interp.map_pop(((struct held *)exec)->interp, map, values);
}

static int driver_walk(struct exec *exec, uint32_t map,
                       int (*visit)(void *ctx, const void *key, const void *values), void *ctx)
{
    return exec_interp.map_walk(((struct held *)exec)->interp, map, visit, ctx);
}

static bool next_packet(void *ctx, struct exec_packet *packet)
{
    struct held *h = ctx;

    if (!h->stream->source(h->stream->ctx, packet))
        return false;
    h->packets =
        arena_grow(h->arena, h->packets, h->packet_count, &h->packet_capacity, sizeof(*h->packets));
    h->packets[h->packet_count++] = (struct diff_packet){
        arena_memdup(h->arena, packet->data, packet->len), packet->len, packet->time_ns};
    return true;
}

static int take_packet(void *ctx, const struct exec_output *output)
{
    const struct held *h = ctx;

    return h->stream->sink(h->stream->ctx, output);
}

static int driver_run(struct exec *exec, const struct exec_stream *stream, struct exec_stats *stats,
                      char why[EXEC_WHY_BYTES])
{
    struct held *h = (struct held *)exec;
    const struct exec_stream mine = {h, next_packet, take_packet};
    struct trial_input in;
    int err;

    h->stream = stream;
    h->packet_count = 0;
    h->interp->options.listener = exec->options.listener;
    err = exec_interp.run(h->interp, &mine, stats, why);
    in = (struct trial_input){.job = exec->job,
                              .options = &exec->options,
                              .packets = h->packets,
                              .packet_count = h->packet_count,
                              .entries = h->entries,
                              .entry_count = h->entry_count};
    return err ? err : driver_trial(&in, h->arena, why);
}

const struct exec_ops exec_driver = {
    .name = "driver",
    .hardware = true,
    .fits = driver_fits,
    .open = driver_open,
    .map_update = driver_update,
    .map_lookup = driver_lookup,
    .map_delete = driver_delete,
    .map_next_key = driver_next_key,
    .map_pop = driver_pop,
    .map_walk = driver_walk,
    .run = driver_run,
    .close = driver_close,
};
