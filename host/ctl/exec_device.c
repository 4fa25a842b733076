/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/exec_device.h"

#include "host/ctl/device.h"
#include "host/ctl/hostmap.h"
#include "host/ctl/keylist.h"
#include "host/ctl/lockstep.h"
#include "host/ctl/model.h"
#include "host/ctl/netfile.h"
#include "host/ctl/nettable.h"
#include "host/ctl/replay.h"
#include "nic_runtime/vm.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The hardware executors: a program compiled for a device, the simulated device opened and loaded,
 * packets streamed. */

struct device_exec {
    struct exec exec; /* first member */
    struct dev *dev;
    void *plugin;
    struct hostmap *soft; /* by number: maps that the device does not hold, as the program names
                             none of them, or what it tells of them comes with the packets */
    struct map **maps;    /* of soft, or NULL */
    struct keylist *keys; /* by number: for walks by key over maps that the device holds */
    struct replay replay;
    struct events events; /* of the packet that has come */
    struct vm_world world;
};

/* The packets of a run on their way between the two stream interfaces. */
struct device_run {
    struct device_exec *d;
    const struct exec_stream *stream;
    int error;       /* of the source */
    uint32_t polled; /* maps that have been read meanwhile */
};

/* The first map of which nobody says what it holds, though tail calls read it; or NULL. */
static const struct load_map *open_map(const struct job *job)
{
    for (uint32_t i = 0; i < job->tails.tail_count; i++)
        if (job->tails.tails[i].slot == IR_ANY_SLOT)
            return &job->object->maps[job->tails.tails[i].map];
    return NULL;
}

/* A refusal may be due to programs that will never be in a map. */
static void add_guess(const struct job *job, char why[EXEC_WHY_BYTES])
{
    const struct load_map *map = open_map(job);
    const size_t n = strlen(why);

    if (map)
        snprintf(why + n, EXEC_WHY_BYTES - n,
                 "; with any program of the object in map %s: --maps-in says which it holds",
                 map->name);
}

static int fits_step(struct job *job, enum job_step step, const char *executor,
                     char why[EXEC_WHY_BYTES])
{
    int err = job_do(job, JOB_VERIFY);

    if (!err)
        err = job_do(job, JOB_LINK);
    for (uint32_t i = 0; !err && i < job->tails.part_count; i++)
        if (exec_fits_any(job->parts[i], executor, why))
            return -ENOTSUP;
    if (!err)
        err = job_do(job, step);
    if (err) {
        exec_why(why, job_reason(job, step), err);
        add_guess(job, why);
    }
    return err;
}

static int microcode_fits(struct job *job, char why[EXEC_WHY_BYTES])
{
    return fits_step(job, JOB_MICROCODE, "microcode", why);
}

static int pipeline_fits(struct job *job, char why[EXEC_WHY_BYTES])
{
    return fits_step(job, JOB_PIPELINE, "pipeline", why);
}

static void device_close(struct exec *exec)
{
    struct device_exec *d = (struct device_exec *)exec;

    if (d->dev && !exec->options.dev)
        d->dev->ops->close(d->dev);
    if (d->plugin)
        dlclose(d->plugin);
    for (uint32_t i = 0; d->soft && i < exec->job->object->map_count; i++)
        hostmap_close(&d->soft[i]);
    for (uint32_t i = 0; d->keys && i < exec->job->object->map_count; i++)
        keylist_close(&d->keys[i]);
    events_close(&d->events);
    free(d->keys);
    free(d->maps);
    free(d->soft);
    free(d);
}

/* Loads the simulation and opens a device with the model. */
static int open_device(struct device_exec *d, const char *model, char why[EXEC_WHY_BYTES])
{
    const struct exec_options *o = &d->exec.options;
    const struct dev_sim_options options = {
        .size = sizeof(options),
        .model = model,
        .waves = o->waves,
        .seed = o->seed,
        .idle_percent = o->idle_percent,
        .stall_percent = o->stall_percent,
        .memory_bytes = d->exec.job->options.memory_bytes,
        .memory_min_clocks = o->memory_min_clocks,
        .memory_max_clocks = o->memory_max_clocks,
    };
    char path[MODEL_PATH_BYTES];
    dev_sim_open_fn open;
    int err = model_plugin(path, why, EXEC_WHY_BYTES);

    if (err)
        return err;
    d->plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    open = d->plugin ? (dev_sim_open_fn)dlsym(d->plugin, DEV_SIM_OPEN) : NULL;
    if (!open) {
        snprintf(why, EXEC_WHY_BYTES, "the simulation can't be loaded: %s", dlerror());
        return -ENOENT;
    }
    return open(&options, &d->dev, why, EXEC_WHY_BYTES);
}

struct dev *exec_device_dev(const struct exec *exec)
{
    return ((const struct device_exec *)exec)->dev;
}

static struct device_exec *new_exec(const struct exec_ops *ops, struct job *job,
                                    const struct exec_options *options)
{
    struct device_exec *d = calloc(1, sizeof(*d));

    if (d)
        d->exec = (struct exec){ops, job, *options};
    return d;
}

/* Maps of types that are not supported at all are left out: nobody can fill them. */
static int make_soft_maps(struct device_exec *d)
{
    const struct job *job = d->exec.job;
    int err = 0;

    d->soft = calloc(job->object->map_count + 1, sizeof(*d->soft));
    d->maps = calloc(job->object->map_count + 1, sizeof(struct map *));
    d->keys = calloc(job->object->map_count + 1, sizeof(*d->keys));
    if (!d->soft || !d->maps || !d->keys)
        return -ENOMEM;
    for (uint32_t i = 0; i < job->object->map_count && err != -ENOMEM; i++) {
        if (job->ir->maps[i].engine == SPEC_ENGINE_NONE)
            err = hostmap_open(&d->soft[i], job->object, i);
        d->maps[i] = d->soft[i].map;
    }
    d->replay = (struct replay){.events = &job->ir->events, .maps = d->maps};
    d->world = (struct vm_world){.ctx = &d->events, .event = events_take};
    return err == -ENOMEM ? err : 0;
}

static int put_entry(void *ctx, uint32_t map, const void *key, const void *value)
{
    struct device_exec *d = ctx;

    return device_map_update(d->dev, map, &d->exec.job->ir->maps[map], key, value,
                             SPEC_MAP_FLAG_ANY);
}

/* The host's tables that the program asks. */
static int fill_tables(struct device_exec *d, char why[EXEC_WHY_BYTES])
{
    const struct exec_options *o = &d->exec.options;
    const struct net *net =
        o->net ? o->net : netfile_default(o->ifindex ? o->ifindex : 1, d->exec.job->arena);

    return net ? nettable_fill(d->exec.job->ir, net, put_entry, d, why, EXEC_WHY_BYTES) : -ENOMEM;
}

static int finish_open(struct device_exec *d, int err, struct exec **out, char why[EXEC_WHY_BYTES])
{
    if (!err)
        err = make_soft_maps(d);
    if (!err)
        err = fill_tables(d, why);
    if (!err)
        err = device_start(d->dev);
    if (err) {
        if (!*why)
            snprintf(why, EXEC_WHY_BYTES, "the device can't be started: %s", strerror(-err));
        device_close(&d->exec);
        return err;
    }
    *out = &d->exec;
    return 0;
}

static int microcode_open(struct job *job, const struct exec_options *options, struct exec **out,
                          char why[EXEC_WHY_BYTES])
{
    char model[MODEL_PATH_BYTES];
    struct device_exec *d;
    int err = microcode_fits(job, why);

    if (!err && !options->dev)
        err = model_core(options->waves != NULL, model, why, EXEC_WHY_BYTES);
    if (err)
        return err;
    d = new_exec(&exec_microcode, job, options);
    if (!d)
        return -ENOMEM;
    *why = 0;
    d->dev = options->dev;
    err = d->dev ? 0 : open_device(d, model, why);
    if (!err)
        err = device_load_microcode(d->dev, job->microcode);
    if (err == -ENXIO)
        snprintf(why, EXEC_WHY_BYTES,
                 "the device has no external memory, and maps of the program are to lie there");
    return finish_open(d, err, out, why);
}

static int pipeline_open(struct job *job, const struct exec_options *options, struct exec **out,
                         char why[EXEC_WHY_BYTES])
{
    const enum model_kind kind = options->icarus  ? MODEL_ICARUS
                                 : options->waves ? MODEL_TRACED
                                                  : MODEL_VERILATOR;
    char model[MODEL_PATH_BYTES];
    struct device_exec *d;
    int err = pipeline_fits(job, why);

    for (uint32_t m = 0; !err && options->icarus && m < job->pipeline->map_count; m++) {
        if (job->pipeline->maps[m].external_bytes) {
            snprintf(
                why, EXEC_WHY_BYTES,
                "map %s lies in external memory, which there is none of under Icarus Verilog; use "
                "Verilator, or --map-memory %s=chip",
                job->ir->maps[m].name, job->ir->maps[m].name);
            err = -ENOTSUP;
        }
    }
    if (!err)
        err = model_build(job->pipeline->verilog, kind, model, why, EXEC_WHY_BYTES);
    if (err)
        return err;
    d = new_exec(&exec_pipeline, job, options);
    if (!d)
        return -ENOMEM;
    *why = 0;
    return finish_open(d, open_device(d, model, why), out, why);
}

static const struct ir_map *map_of(const struct exec *exec, uint32_t map)
{
    return &exec->job->ir->maps[map];
}

/* The host's own copy of a map that the device does not hold, or NULL. */
static struct hostmap *soft_of(const struct exec *exec, uint32_t map)
{
    struct device_exec *d = (struct device_exec *)(uintptr_t)exec;

    return map_of(exec, map)->engine == SPEC_ENGINE_NONE ? &d->soft[map] : NULL;
}

/* Whether a map that the device holds has keys of its own, not indices. */
static bool is_keyed(const struct exec *exec, uint32_t map)
{
    const uint32_t engine = map_of(exec, map)->engine;

    return engine != SPEC_ENGINE_NONE && engine != SPEC_ENGINE_VMEM;
}

/* The lock's word is 0 whatever the host gives. */
static int update_locked(struct device_exec *d, uint32_t map, const void *key, const void *value,
                         uint64_t flags)
{
    const struct load_map *m = &d->exec.job->object->maps[map];
    const struct ir_map *i = map_of(&d->exec, map);
    uint8_t *copy = malloc(i->stride_bytes);
    int err = -ENOMEM;

    if (copy) {
        memcpy(copy, value, i->stride_bytes);
        memset(copy + m->fields->lock_off, 0, sizeof(uint32_t));
        err = device_map_update(d->dev, map, i, key, copy, flags);
    }
    free(copy);
    return err;
}

/* What a map of programs or maps gets must be known to the linked programs. */
static int check_held(struct exec *exec, uint32_t map, const void *key, const void *values)
{
    const struct load_map *m = &exec->job->object->maps[map];
    uint32_t number, slot;

    memcpy(&number, values, sizeof(number));
    if (job_holds_maps(m))
        return job_takes_map(exec->job, map, number);
    if (!job_holds_programs(m) || soft_of(exec, map))
        return 0;
    memcpy(&slot, key, sizeof(slot));
    return job_takes_program(exec->job, map, slot, number);
}

static int device_exec_update(struct exec *exec, uint32_t map, const void *key, const void *values,
                              uint64_t flags)
{
    struct device_exec *d = (struct device_exec *)exec;
    const struct hostmap *soft = soft_of(exec, map);
    const bool lock = load_has_lock(&exec->job->object->maps[map]);
    int err = check_held(exec, map, key, values);

    if (err)
        return err;
    if (soft)
        return soft->map ? map_host_update(soft->map, key, values, flags) : -ENOTSUP;
    if (lock) /* no packet runs: nobody can tell in place from elsewhere */
        err = update_locked(d, map, key, values, flags & ~(uint64_t)BPF_F_LOCK);
    else
        err = device_map_update(d->dev, map, map_of(exec, map), key, values, flags);
    if (!err && is_keyed(exec, map))
        keylist_note(&d->keys[map], key);
    return err;
}

static int device_exec_delete(struct exec *exec, uint32_t map, const void *key)
{
    const struct hostmap *soft = soft_of(exec, map);

    return soft ? hostmap_delete(soft, key)
                : device_map_delete(((struct device_exec *)exec)->dev, map, map_of(exec, map), key);
}

static int device_exec_pop(struct exec *exec, uint32_t map, void *values)
{
    const struct hostmap *soft = soft_of(exec, map);

    return soft ? hostmap_pop(soft, values)
                : device_map_pop(((struct device_exec *)exec)->dev, map, map_of(exec, map), values);
}

static int add_key(void *ctx, const void *key, const void *values)
{
    (void)values;
    return keylist_add(ctx, key);
}

/* The list of a map's keys, made again if it may lack some. */
static int list_keys(struct device_exec *d, uint32_t map)
{
    const struct ir_map *m = map_of(&d->exec, map);
    struct keylist *l = &d->keys[map];
    int err;

    if (l->valid)
        return 0;
    keylist_start(l, m->key_bytes, m->type == SPEC_MAP_LPM_TRIE);
    err = device_map_keys(d->dev, map, m, add_key, l);
    if (!err)
        keylist_end(l);
    return err;
}

/* The mailbox names entries by number, and an entry changes its number when its value is replaced:
 * the walk goes by a list of the keys, past those that are gone. */
static int next_listed(struct device_exec *d, uint32_t map, const void *key, void *next)
{
    const struct ir_map *m = map_of(&d->exec, map);
    const struct keylist *l = &d->keys[map];
    int err = key ? device_map_has(d->dev, map, m, key) : -ENOENT;
    const void *at;
    bool known;

    if (err && err != -ENOENT)
        return err;
    known = !err;
    err = list_keys(d, map);
    if (err)
        return err;
    for (uint32_t i = known ? keylist_after(l, key) : 0; (at = keylist_key(l, i)); i++) {
        err = device_map_has(d->dev, map, m, at);
        if (err == -ENOENT)
            continue;
        if (!err)
            memcpy(next, at, m->key_bytes);
        return err;
    }
    return -ENOENT;
}

static int device_exec_next_key(struct exec *exec, uint32_t map, const void *key, void *next)
{
    const struct hostmap *soft = soft_of(exec, map);
    const struct ir_map *m = map_of(exec, map);
    uint32_t index;

    if (soft)
        return hostmap_next_key(soft, key, next);
    if (!m->key_bytes)
        return m->type == SPEC_MAP_BLOOM_FILTER ? -EOPNOTSUPP : -EINVAL;
    if (is_keyed(exec, map))
        return next_listed((struct device_exec *)exec, map, key, next);
    index = UINT32_MAX;
    if (key)
        memcpy(&index, key, sizeof(index));
    index = index < m->max_entries ? index + 1 : 0;
    if (index == m->max_entries)
        return -ENOENT;
    memcpy(next, &index, sizeof(index));
    return 0;
}

static int device_exec_lookup(struct exec *exec, uint32_t map, const void *key, void *values)
{
    const struct hostmap *soft = soft_of(exec, map);

    if (soft)
        return soft->map ? map_host_lookup(soft->map, key, values) : -ENOTSUP;
    return device_map_lookup(((struct device_exec *)exec)->dev, map, map_of(exec, map), key,
                             values);
}

static int device_exec_walk(struct exec *exec, uint32_t map,
                            int (*visit)(void *ctx, const void *key, const void *values), void *ctx)
{
    const struct hostmap *soft = soft_of(exec, map);

    if (soft)
        return soft->map ? hostmap_walk(soft, visit, ctx) : 0;
    return device_map_walk(((struct device_exec *)exec)->dev, map, map_of(exec, map), visit, ctx);
}

static uint64_t device_exec_lost(struct exec *exec, uint32_t map)
{
    const struct map *m = ((struct device_exec *)exec)->maps[map];

    return m ? map_ring_lost(m) : 0;
}

static bool next_packet(void *ctx, struct dev_packet *packet)
{
    struct device_run *run = ctx;
    const struct exec_options *o = &run->d->exec.options;
    struct exec_packet in;

    if (!run->stream->source(run->stream->ctx, &in))
        return false;
    *packet = (struct dev_packet){.data = in.data,
                                  .len = in.len,
                                  .time_ns = in.time_ns,
                                  .rand = vm_rand_seed(o->seed, in.index),
                                  .ifindex = o->ifindex ? o->ifindex : 1,
                                  .egress = o->egress ? o->egress : 1,
                                  .queue = exec_queue(o, in.index),
                                  .number = in.index};
    if (o->lockstep)
        run->error = lockstep_packet_in(o->lockstep, packet, in.index);
    return !run->error;
}

/* What the packet told, as events. */
static int take_events(struct device_exec *d, const struct dev_output *o)
{
    const struct exec_options *options = &d->exec.options;
    const int err = replay_packet(&d->replay, o->events, o->event_bytes,
                                  exec_queue(options, o->number), &d->world);

    return err ? err
               : events_end(&d->events, d->maps, d->exec.job->object->map_count, options->listener,
                            o->number);
}

static int take_packet(void *ctx, const struct dev_output *output)
{
    struct device_run *run = ctx;
    struct lockstep *lockstep = run->d->exec.options.lockstep;
    int err = lockstep ? lockstep_packet_out(lockstep, output) : 0;
    const struct exec_output out = {
        .ret = output->ret,
        .redirect = output->redirect,
        .data = output->data,
        .len = output->len,
        .meta_bytes = output->meta_bytes,
        .cycles = output->latency_cycles,
    };

    if (!err && run->d->exec.job->ir->events.count)
        err = take_events(run->d, output);
    return err ? err : run->stream->sink(run->stream->ctx, &out);
}

static int take_row(void *ctx, const uint32_t *words)
{
    const struct device_run *run = ctx;

    return lockstep_row(run->d->exec.options.lockstep, words);
}

static int pass_over(void *ctx, const void *key, const void *values)
{
    (void)ctx;
    (void)key;
    (void)values;
    return 0;
}

/* Reads the next map, so that the host's mailbox and the packets meet at it. */
static int poll_map(void *ctx)
{
    struct device_run *run = ctx;
    struct exec *exec = &run->d->exec;
    const uint32_t map = run->polled++ % exec->job->ir->map_count;

    return soft_of(exec, map) ? 0 : device_exec_walk(exec, map, pass_over, NULL);
}

static int device_run(struct exec *exec, const struct exec_stream *stream, struct exec_stats *stats,
                      char why[EXEC_WHY_BYTES])
{
    struct device_exec *d = (struct device_exec *)exec;
    struct device_run run = {d, stream, 0, 0};
    const struct dev_stream dev_stream = {
        .ctx = &run,
        .source = next_packet,
        .sink = take_packet,
        .row = exec->options.lockstep ? take_row : NULL,
        .poll = exec->options.poll_maps && exec->job->ir->map_count ? poll_map : NULL,
    };
    struct dev_stream_stats s = {0};
    int err = d->dev->ops->stream ? d->dev->ops->stream(d->dev, &dev_stream, &s) : -ENOSYS;

    for (uint32_t i = 0; i < exec->job->object->map_count; i++)
        d->keys[i].valid = false; /* packets may have added some */
    err = err ? err : run.error;
    if (err == -ETIMEDOUT)
        snprintf(why, EXEC_WHY_BYTES,
                 "the device stopped making progress: this is a bug in Sluice");
    else if (err == -EPROTO)
        snprintf(why, EXEC_WHY_BYTES,
                 "the device gave a packet that contradicts its own length or its program: this is "
                 "a bug in "
                 "Sluice");
    else if (err == -EILSEQ)
        snprintf(why, EXEC_WHY_BYTES, "the device and its model differ");
    else if (err == -ENOSYS)
        snprintf(why, EXEC_WHY_BYTES, "the device takes its packets from its own ports");
    else if (err == -ENOTSUP)
        snprintf(why, EXEC_WHY_BYTES, "the device does not tell which rows it retires");
    else if (err)
        snprintf(why, EXEC_WHY_BYTES, "the run on the device failed: %s", strerror(-err));
    if (!err)
        *stats = (struct exec_stats){.packets = s.packets, .cycles = s.cycles};
    return err;
}

const struct exec_ops exec_microcode = {
    .name = "microcode",
    .hardware = true,
    .fits = microcode_fits,
    .open = microcode_open,
    .map_update = device_exec_update,
    .map_lookup = device_exec_lookup,
    .map_delete = device_exec_delete,
    .map_next_key = device_exec_next_key,
    .map_pop = device_exec_pop,
    .map_walk = device_exec_walk,
    .lost = device_exec_lost,
    .run = device_run,
    .close = device_close,
};

const struct exec_ops exec_pipeline = {
    .name = "pipeline",
    .hardware = true,
    .fits = pipeline_fits,
    .open = pipeline_open,
    .map_update = device_exec_update,
    .map_lookup = device_exec_lookup,
    .map_delete = device_exec_delete,
    .map_next_key = device_exec_next_key,
    .map_pop = device_exec_pop,
    .map_walk = device_exec_walk,
    .lost = device_exec_lost,
    .run = device_run,
    .close = device_close,
};
