/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/exec_device.h"

#include "host/ctl/device.h"
#include "host/ctl/exec_device_maps.h"
#include "host/ctl/lockstep.h"
#include "host/ctl/model.h"
#include "host/ctl/netfile.h"
#include "host/ctl/nettable.h"
#include "host/ctl/swap.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The hardware executors: a program compiled for a device, the simulated device opened and loaded,
 * packets streamed. */

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
    device_exec_close_maps(d);
    events_close(&d->events);
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
        d->exec = (struct exec){.ops = ops, .job = job, .options = *options};
    return d;
}

static int put_entry(void *ctx, uint32_t map, const void *key, const void *value)
{
    struct device_exec *d = ctx;

    if (d->exec.kept >> map & 1)
        return 0;
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
        err = device_exec_open_maps(d);
    if (!err)
        err = fill_tables(d, why);
    if (!err && !d->exec.options.dev)
        err = device_start(d->dev);
    if (err) {
        if (!*why)
            snprintf(why, EXEC_WHY_BYTES, "the device can't be started: %s", strerror(-err));
        device_close(&d->exec);
        return err;
    }
    d->replay = (struct replay){.events = &d->exec.job->ir->events, .maps = d->maps};
    d->world = (struct vm_world){.ctx = &d->events, .event = events_take};
    *out = &d->exec;
    return 0;
}

static const struct ucode_image *beside_of(const struct device_exec *d)
{
    const struct exec *beside = d->exec.options.beside;

    return beside ? beside->job->microcode : NULL;
}

/* Into a device that is as after reset, or one where something ran, or still runs. */
static int load_image(struct device_exec *d, char why[EXEC_WHY_BYTES])
{
    struct job *job = d->exec.job;
    const struct exec *beside = d->exec.options.beside;
    struct device_load load = {.beside = beside_of(d)};
    uint64_t bytes[SPEC_HW_MAPS];
    int err = beside ? swap_place(beside, job, &load.stay, why) : 0;

    for (uint32_t i = 0; i < job->ir->map_count; i++)
        bytes[i] = ir_map_bytes(&job->ir->maps[i]);
    if (d->exec.options.dev)
        load.map_bytes = bytes;
    if (beside)
        load.bank = 1 - ((const struct device_exec *)beside)->bank;
    load.image = job->microcode;
    d->bank = load.bank;
    d->exec.kept = load.stay;
    return err ? err : device_load_microcode(d->dev, &load);
}

int exec_device_switch(struct exec *exec)
{
    struct device_exec *d = (struct device_exec *)exec;
    const struct device_load load = {
        .image = exec->job->microcode, .bank = d->bank, .beside = beside_of(d)};

    return device_switch(d->dev, &load);
}

static int microcode_open(struct job *job, const struct exec_options *options, struct exec **out,
                          char why[EXEC_WHY_BYTES])
{
    char model[MODEL_PATH_BYTES];
    struct device_exec *d;
    int err = microcode_fits(job, why);

    if (!err && !options->dev)
        err = model_core(options->waves != NULL, options->cores, model, why, EXEC_WHY_BYTES);
    if (err)
        return err;
    d = new_exec(&exec_microcode, job, options);
    if (!d)
        return -ENOMEM;
    *why = 0;
    d->dev = options->dev;
    err = d->dev ? 0 : open_device(d, model, why);
    if (!err)
        err = load_image(d, why);
    if (err == -ENXIO && options->cores > 1) {
        snprintf(why, EXEC_WHY_BYTES,
                 "several cores have no external memory, and maps of the program are to lie there; "
                 "one core has");
        err = -ENOTSUP;
    } else if (err == -ENXIO) {
        snprintf(why, EXEC_WHY_BYTES,
                 "the device has no external memory, and maps of the program are to lie there");
    }
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
    if (!err && !options->dev)
        err = model_build(job->pipeline->verilog, kind, model, why, EXEC_WHY_BYTES);
    if (err)
        return err;
    d = new_exec(&exec_pipeline, job, options);
    if (!d)
        return -ENOMEM;
    *why = 0;
    d->dev = options->dev;
    return finish_open(d, d->dev ? 0 : open_device(d, model, why), out, why);
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
                                  .rand = exec_rand(o, &in),
                                  .ifindex = o->ifindex ? o->ifindex : 1,
                                  .egress = o->egress ? o->egress : 1,
                                  .queue = exec_queue(o, in.index),
                                  .number = in.index};
    if (o->lockstep)
        run->error = lockstep_packet_in(o->lockstep, packet, in.index);
    return !run->error;
}

/* What the packet told, as events. */
int exec_device_event(struct exec *exec, const uint8_t *area, uint32_t bytes, uint32_t queue,
                      uint64_t number)
{
    struct device_exec *d = (struct device_exec *)exec;
    const int err = replay_packet(&d->replay, area, bytes, queue, &d->world);
    const int told = events_end(&d->events, d->maps, exec->job->object->map_count,
                                err ? NULL : exec->options.listener, number);

    return err ? err : told;
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
        err = exec_device_event(&run->d->exec, output->events, output->event_bytes,
                                exec_queue(&run->d->exec.options, output->number), output->number);
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

    return device_exec_is_soft(exec, map) ? 0 : device_exec_walk(exec, map, pass_over, NULL);
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

    device_exec_maps_changed(d);
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
