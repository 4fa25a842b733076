/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/choose.h"
#include "host/ctl/exec_device.h"
#include "host/ctl/netfile.h"
#include "host/dev.h"
#include "host/lib/internal.h"
#include "hw/spec/gen/csr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Programs on executors. */

int lib_lock_open(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attr;
    int err = -pthread_mutexattr_init(&attr);

    if (err)
        return err;
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
    err = -pthread_mutex_init(lock, &attr);
    pthread_mutexattr_destroy(&attr);
    return err;
}

int lib_lock(pthread_mutex_t *lock)
{
    return -pthread_mutex_lock(lock);
}

void lib_unlock(pthread_mutex_t *lock)
{
    pthread_mutex_unlock(lock);
}

void lib_loaded_hold(struct sluice_loaded *loaded)
{
    atomic_fetch_add(&loaded->holders, 1);
}

void lib_loaded_drop(struct sluice_loaded *l)
{
    if (!l || atomic_fetch_sub(&l->holders, 1) != 1)
        return;
    exec_close(l->exec);
    lib_port_drop(l->target);
    free(l->image);
    arena_close(l->arena);
    lib_object_drop(l->object);
    pthread_mutex_destroy(&l->lock);
    free(l->scratch);
    free(l->maps);
    free(l->out);
    free(l);
}

static enum sluice_event_kind kind_of(const struct sluice_loaded *l, const struct exec_event *e)
{
    if (e->map == EXEC_NO_MAP)
        return SLUICE_EVENT_PRINT;
    return l->file->maps[e->map].type == SPEC_MAP_RINGBUF ? SLUICE_EVENT_RINGBUF
                                                          : SLUICE_EVENT_PERF;
}

static int take_event(void *ctx, const struct exec_event *e)
{
    struct sluice_loaded *l = ctx;
    const struct sluice_event out = {
        .size = sizeof(out),
        .kind = kind_of(l, e),
        .cpu = e->cpu,
        .packet = e->packet,
        .map = e->map == EXEC_NO_MAP ? NULL : l->file->maps[e->map].name,
        .data = e->data,
        .data_len = e->len,
        .padded = e->padded,
    };

    l->stats.events++;
    return l->event ? l->event(l->event_ctx, &out) : 0;
}

/* The number of a program or map of one object in another one of the same file, + 1; 0: none. */
static uint32_t number_in(const struct load_object *to, const struct load_object *from,
                          bool programs, uint32_t number)
{
    const uint32_t count = programs ? to->prog_count : to->map_count;

    if (!number || number > (programs ? from->prog_count : from->map_count))
        return 0;
    for (uint32_t i = 0; i < count; i++)
        if (programs ? !strcmp(to->progs[i].name, from->progs[number - 1].name)
                     : !strcmp(to->maps[i].name, from->maps[number - 1].name))
            return i + 1;
    return 0;
}

uint32_t lib_number_of_id(const struct sluice_loaded *l, bool programs, uint32_t id)
{
    return number_in(l->file, l->object->file, programs, id);
}

uint32_t lib_id_of_number(const struct sluice_loaded *l, bool programs, uint32_t number)
{
    return number_in(l->object->file, l->file, programs, number);
}

static int make_maps(struct sluice_loaded *l)
{
    size_t values = 0;

    l->maps = calloc(l->file->map_count + 1, sizeof(*l->maps));
    if (!l->maps)
        return -ENOMEM;
    for (uint32_t i = 0; i < l->file->map_count; i++) {
        const struct load_map *m = &l->file->maps[i];
        const size_t bytes = (((size_t)m->value_bytes + 7) & ~(size_t)7) * SPEC_QUEUES;

        lib_map_make(&l->maps[i], m, i);
        l->maps[i].loaded = l;
        l->maps[i].id = lib_id_of_number(l, false, i + 1);
        values = bytes > values ? bytes : values;
        if (m->key_bytes > l->key_room)
            l->key_room = m->key_bytes;
    }
    l->key_room = (l->key_room + 15) & ~(size_t)15;
    l->scratch = calloc(1, l->key_room + values + 1);
    return l->scratch ? 0 : -ENOMEM;
}

/* Everything but the executor. */
static int make_loaded(const struct sluice_program *program, struct sluice_loaded **out)
{
    struct sluice_loaded *l = calloc(1, sizeof(*l));
    int err;

    if (!l)
        return -ENOMEM;
    err = lib_lock_open(&l->lock);
    if (err) {
        free(l);
        return err;
    }
    atomic_init(&l->holders, 1);
    atomic_init(&l->port, 0);
    l->object = program->object;
    lib_object_hold(l->object);
    l->arena = arena_open();
    l->job = l->arena ? lib_job(program, l->arena) : NULL;
    err = l->job ? 0 : -ENOMEM;
    if (!err) {
        l->file = l->job->object;
        err = make_maps(l);
    }
    if (err) {
        lib_loaded_drop(l);
        return err;
    }
    *out = l;
    return 0;
}

/* Opens the first executor of the list that can be; those before it are notes. */
static int open_first(struct sluice_loaded *l, const char *list, const struct exec_options *options,
                      const struct sluice_sink *sink)
{
    const char *const program = l->job->prog->name;
    char why[EXEC_WHY_BYTES] = "no executor is named";
    const struct exec_ops *ops = NULL;
    int err = -ENOENT;

    while (*list) {
        const bool last = !strchr(list, ',');

        *why = 0;
        err = choose_next(&list, &ops, why);
        if (!err)
            err = exec_open(ops, l->job, options, &l->exec, why);
        if (!err || !ops)
            break;
        lib_say(sink, last ? SLUICE_ERROR : SLUICE_NOTE, "LIB0002", program,
                "can't be loaded on %s: %s", ops->name, *why ? why : strerror(-err));
        if (err == -ENOMEM)
            break;
    }
    if (err && !ops)
        lib_say(sink, SLUICE_ERROR, "LIB0003", program, "%s", why);
    return err;
}

/* In this process: not on a device of another one. */
static int load_here(struct sluice_loaded *l, const struct sluice_load_opts *opts,
                     const struct sluice_sink *sink)
{
    struct exec_options options = {.size = sizeof(options),
                                   .seed = opts->seed,
                                   .ifindex = l->ifindex,
                                   .queue = l->queue,
                                   .listener = &l->listener,
                                   .memory_min_clocks = EXEC_MEMORY_MIN_CLOCKS,
                                   .memory_max_clocks = EXEC_MEMORY_MAX_CLOCKS};
    char why[EXEC_WHY_BYTES];
    const int err =
        opts->fib ? netfile_read(opts->fib, l->arena, &options.net, why, sizeof(why)) : 0;

    if (err) {
        lib_say(sink, SLUICE_ERROR, "LIB0004", NULL, "%s", why);
        return err;
    }
    return open_first(l, opts->executor ? opts->executor : CHOOSE_BEST, &options, sink);
}

int sluice_load(const struct sluice_program *program, const struct sluice_load_opts *user,
                struct sluice_loaded **out)
{
    struct sluice_load_opts opts;
    struct sluice_sink sink;
    struct sluice_loaded *l;
    int err = lib_options(&opts, sizeof(opts), user);

    if (!err)
        err = lib_sink(opts.sink, &sink);
    if (err || !program || !out)
        return err ? err : -EINVAL;
    if (opts.queue >= SPEC_QUEUES) {
        lib_say(&sink, SLUICE_ERROR, "LIB0005", NULL, "queue %u: there are %d, from 0", opts.queue,
                SPEC_QUEUES);
        return -EINVAL;
    }
    err = make_loaded(program, &l);
    if (err)
        return err;
    l->event = opts.event;
    l->event_ctx = opts.event_ctx;
    l->listener = (struct exec_listener){l, take_event};
    l->ifindex = opts.ifindex ? opts.ifindex : 1;
    l->queue = opts.queue;
    err = job_do(l->job, JOB_VERIFY);
    lib_tell_all(&sink, &l->job->sinks[JOB_VERIFY]);
    if (!err)
        err = opts.port ? lib_device_load(l, &opts, &sink) : load_here(l, &opts, &sink);
    if (err) {
        lib_loaded_drop(l);
        return err;
    }
    *out = l;
    return 0;
}

void sluice_unload(struct sluice_loaded *loaded)
{
    lib_loaded_drop(loaded);
}

const char *sluice_loaded_executor(const struct sluice_loaded *loaded)
{
    if (!loaded)
        return NULL;
    return loaded->exec ? loaded->exec->ops->name : *loaded->executor ? loaded->executor : NULL;
}

const char *sluice_loaded_name(const struct sluice_loaded *loaded)
{
    return loaded ? loaded->job->prog->name : NULL;
}

struct sluice_map *sluice_loaded_next_map(const struct sluice_loaded *loaded,
                                          const struct sluice_map *prev)
{
    const size_t i = prev && loaded ? (size_t)(prev - loaded->maps) + 1 : 0;

    return loaded && i < loaded->file->map_count ? &loaded->maps[i] : NULL;
}

struct sluice_map *sluice_loaded_find_map_by_name(const struct sluice_loaded *loaded,
                                                  const char *name)
{
    for (uint32_t i = 0; loaded && name && i < loaded->file->map_count; i++)
        if (!strcmp(loaded->file->maps[i].name, name))
            return &loaded->maps[i];
    return NULL;
}

int sluice_loaded_stats(struct sluice_loaded *loaded, struct sluice_stats *stats)
{
    int err = !loaded || !stats ? -EINVAL : loaded->target ? -EOPNOTSUPP : lib_lock(&loaded->lock);

    if (err)
        return err;
    err = lib_answer(stats, &loaded->stats, sizeof(loaded->stats));
    lib_unlock(&loaded->lock);
    return err;
}

/* Of the device that the program is attached to, unless the host runs it. */
static int remote_info(struct sluice_loaded *loaded, struct sluice_device_info *info)
{
    struct sluice_port *port = loaded->target;
    struct sluice_loaded *attached;
    const struct exec_ops *ops;
    int err = lib_port_enter(port, &attached);

    if (err)
        return err;
    ops = attached == loaded ? exec_find(loaded->executor) : NULL;
    err = ops && ops->hardware ? lib_device_registers(port->device, info) : -ENODEV;
    lib_port_leave(port);
    return err;
}

static int read_info(struct dev *dev, struct sluice_device_info *info)
{
    const struct {
        uint32_t addr;
        uint32_t *to;
    } registers[] = {
        {SPEC_CSR_ID, &info->id},
        {SPEC_CSR_VERSION, &info->version},
        {SPEC_CSR_KIND, &info->kind},
        {SPEC_CSR_STAGES, &info->stages},
        {SPEC_CSR_COUNT_IN, &info->packets_in},
        {SPEC_CSR_COUNT_OUT, &info->packets_out},
        {SPEC_CSR_COUNT_STALL, &info->stalls},
        {SPEC_CSR_COUNT_ROWS, &info->rows},
        {SPEC_CSR_EXT_LINES, &info->ext_lines},
    };
    int err = 0;

    for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]) && !err; i++)
        err = dev->ops->read32(dev, registers[i].addr, registers[i].to);
    return err;
}

int sluice_loaded_device_info(struct sluice_loaded *loaded, struct sluice_device_info *info)
{
    struct sluice_device_info out = {.size = sizeof(out)};
    int err = loaded && info ? 0 : -EINVAL;

    if (!err && loaded->target) {
        err = remote_info(loaded, &out);
        return err ? err : lib_answer(info, &out, sizeof(out));
    }
    if (!err)
        err = lib_lock(&loaded->lock);
    if (err)
        return err;
    err = loaded->exec->ops->hardware ? read_info(exec_device_dev(loaded->exec), &out) : -ENODEV;
    lib_unlock(&loaded->lock);
    return err ? err : lib_answer(info, &out, sizeof(out));
}
