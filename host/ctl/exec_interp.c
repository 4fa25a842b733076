/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/exec_interp.h"

#include "compiler/base/clock.h"
#include "host/ctl/events.h"
#include "host/ctl/hostmap.h"
#include "host/ctl/netfile.h"
#include "nic_runtime/vm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The golden model behind the executors' interface. */

struct interp {
    struct exec exec; /* first member */
    struct hostmap *host;
    struct map **maps; /* of host, as the interpreter wants them */
    uint32_t map_count;
    struct vm_program program;
    /* Programs that maps of programs name, by number; NULL: not named so far. */
    const struct vm_program **others;
    struct vm_world world;
    struct events events;               /* of the packet that runs */
    const struct vm_observer *observer; /* NULL: none */
    uint8_t *buf;
};

static int interp_fits(struct job *job, char why[EXEC_WHY_BYTES])
{
    const struct load_object *o = job->object;
    int err = job_do(job, JOB_VERIFY);

    if (err) {
        exec_why(why, job_reason(job, JOB_VERIFY), err);
        return err;
    }
    err = exec_fits_software(job, "interp", why);
    if (err)
        return err;
    for (uint32_t i = 0; i < o->map_count; i++) {
        const struct map_def def = job_map_def(o, i);
        const char *reason = NULL;

        if (map_size_bytes(&def, &reason) || spec_map_type_table[def.type].soft == SPEC_SOFT_NONE)
            continue; /* of another type it is another program's: this one doesn't use it */
        snprintf(why, EXEC_WHY_BYTES, "map %s: %s", def.name, reason);
        return -ENOTSUP;
    }
    return 0;
}

static void interp_close(struct exec *exec)
{
    struct interp *vm = (struct interp *)exec;

    for (uint32_t i = 0; i < vm->map_count; i++)
        hostmap_close(&vm->host[i]);
    for (uint32_t i = 0; vm->others && i < vm->exec.job->object->prog_count; i++)
        free((void *)(uintptr_t)vm->others[i]);
    free(vm->others);
    events_close(&vm->events);
    free(vm->host);
    free(vm->maps);
    free(vm->buf);
    free(vm);
}

static int make_maps(struct interp *vm, const struct load_object *object)
{
    vm->maps = calloc(object->map_count + 1, sizeof(*vm->maps));
    vm->host = calloc(object->map_count + 1, sizeof(*vm->host));
    if (!vm->maps || !vm->host)
        return -ENOMEM;
    for (; vm->map_count < object->map_count; vm->map_count++) {
        const int err = hostmap_open(&vm->host[vm->map_count], object, vm->map_count);

        if (err)
            return err;
        vm->maps[vm->map_count] = vm->host[vm->map_count].map;
    }
    return 0;
}

static int make_world(struct interp *vm, const struct load_object *object)
{
    const struct exec_options *o = &vm->exec.options;

    vm->others = calloc(object->prog_count + 1, sizeof(*vm->others));
    vm->world = (struct vm_world){.programs = vm->others,
                                  .program_count = object->prog_count,
                                  .ctx = &vm->events,
                                  .event = events_take,
                                  .net = o->net};
    if (!o->net)
        vm->world.net = netfile_default(o->ifindex ? o->ifindex : 1, vm->exec.job->arena);
    return vm->others && vm->world.net ? 0 : -ENOMEM;
}

/* A program that a map of programs shall name: value is its number + 1, or 0. */
static int take_program(struct interp *vm, const void *value)
{
    char why[EXEC_WHY_BYTES];
    struct vm_program *program;
    uint32_t number;
    struct job *job;

    memcpy(&number, value, sizeof(number));
    if (!number || (number <= vm->world.program_count && vm->others[number - 1]))
        return 0;
    job = job_other(vm->exec.job, number - 1);
    if (!job)
        return -EACCES;
    if (exec_fits_software(job, "interp", why)) {
        vm->exec.job->other_why = arena_strdup(job->arena, why);
        return -EACCES;
    }
    program = malloc(sizeof(*program));
    if (!program)
        return -ENOMEM;
    *program =
        (struct vm_program){job->prog->insns, job->prog->insn_count, vm->maps, vm->map_count};
    vm->others[number - 1] = program;
    return 0;
}

static int interp_open(struct job *job, const struct exec_options *options, struct exec **out,
                       char why[EXEC_WHY_BYTES])
{
    struct interp *vm;
    int err = interp_fits(job, why);

    if (err)
        return err;
    vm = calloc(1, sizeof(*vm));
    if (!vm)
        return -ENOMEM;
    vm->exec = (struct exec){.ops = &exec_interp, .job = job, .options = *options};
    vm->buf = calloc(1, SPEC_PKT_JUMBO_END);
    err = vm->buf ? make_maps(vm, job->object) : -ENOMEM;
    if (!err)
        err = make_world(vm, job->object);
    if (err) {
        snprintf(why, EXEC_WHY_BYTES, "no memory for the maps");
        interp_close(&vm->exec);
        return err;
    }
    vm->program =
        (struct vm_program){job->prog->insns, job->prog->insn_count, vm->maps, vm->map_count};
    *out = &vm->exec;
    return 0;
}

static int interp_map_update(struct exec *exec, uint32_t map, const void *key, const void *values,
                             uint64_t flags)
{
    struct interp *vm = (struct interp *)exec;
    const uint32_t type = exec->job->object->maps[map].type;
    int err = 0;

    if (!vm->maps[map] || type == SPEC_MAP_PERF_EVENT_ARRAY)
        return -ENOTSUP;
    if (type == SPEC_MAP_PROG_ARRAY)
        err = take_program(vm, values);
    if (job_holds_maps(&exec->job->object->maps[map])) {
        uint32_t number;

        memcpy(&number, values, sizeof(number));
        if (!job_inner_fits(exec->job->object, map, number - 1))
            return -EINVAL;
    }
    return err ? err : map_host_update(vm->maps[map], key, values, flags);
}

static int interp_map_lookup(struct exec *exec, uint32_t map, const void *key, void *values)
{
    struct interp *vm = (struct interp *)exec;

    return vm->maps[map] ? map_host_lookup(vm->maps[map], key, values) : -ENOENT;
}

static int interp_map_delete(struct exec *exec, uint32_t map, const void *key)
{
    return hostmap_delete(&((struct interp *)exec)->host[map], key);
}

static int interp_map_next_key(struct exec *exec, uint32_t map, const void *key, void *next)
{
    return hostmap_next_key(&((struct interp *)exec)->host[map], key, next);
}

static int interp_map_pop(struct exec *exec, uint32_t map, void *values)
{
    return hostmap_pop(&((struct interp *)exec)->host[map], values);
}

static int interp_map_walk(struct exec *exec, uint32_t map,
                           int (*visit)(void *ctx, const void *key, const void *values), void *ctx)
{
    return hostmap_walk(&((struct interp *)exec)->host[map], visit, ctx);
}

static uint64_t interp_lost(struct exec *exec, uint32_t map)
{
    const struct interp *vm = (const struct interp *)exec;

    return vm->maps[map] ? map_ring_lost(vm->maps[map]) : 0;
}

static int run_packet(struct interp *vm, const struct exec_packet *in, struct exec_output *out,
                      char why[EXEC_WHY_BYTES])
{
    struct vm_packet packet = {0};
    struct vm_result result;
    enum vm_fault fault;
    uint32_t insn = 0;
    uint64_t start;

    vm_packet_init(&packet, vm->buf, in->data, in->len);
    packet.time_ns = in->time_ns;
    packet.rand = exec_rand(&vm->exec.options, in);
    packet.ifindex = vm->exec.options.ifindex ? vm->exec.options.ifindex : 1;
    packet.egress = vm->exec.options.egress ? vm->exec.options.egress : 1;
    packet.queue = exec_queue(&vm->exec.options, in->index);
    packet.world = &vm->world;
    start = clock_now_ns();
    fault = vm->observer ? vm_run_observed(&vm->program, &packet, 0, vm->observer, &result, &insn)
                         : vm_run(&vm->program, &packet, 0, &result, &insn);
    out->ns = clock_now_ns() - start;
    if (fault) {
        snprintf(why, EXEC_WHY_BYTES,
                 "packet %llu: the verified program faulted (%d) at instruction %u: this is a bug "
                 "in Sluice",
                 (unsigned long long)in->index, (int)fault, insn);
        return -EFAULT;
    }
    out->ret = result.ret;
    out->redirect = result.redirect;
    out->data = packet.buf + packet.data;
    out->len = packet.data_end - packet.data;
    out->meta_bytes = packet.data - packet.data_meta;
    return events_end(&vm->events, vm->maps, vm->map_count, vm->exec.options.listener, in->index);
}

static int interp_run(struct exec *exec, const struct exec_stream *stream, struct exec_stats *stats,
                      char why[EXEC_WHY_BYTES])
{
    struct interp *vm = (struct interp *)exec;
    struct exec_packet in;

    *stats = (struct exec_stats){0};
    while (stream->source(stream->ctx, &in)) {
        struct exec_output out = {0};
        int err = run_packet(vm, &in, &out, why);

        if (!err)
            err = stream->sink(stream->ctx, &out);
        if (err)
            return err;
        stats->packets++;
        stats->ns += out.ns;
    }
    return 0;
}

struct map *const *exec_interp_maps(const struct exec *exec, uint32_t *count)
{
    const struct interp *vm = (const struct interp *)exec;

    *count = vm->map_count;
    return vm->maps;
}

void exec_interp_observe(struct exec *exec, const struct vm_observer *observer)
{
    ((struct interp *)exec)->observer = observer;
}

const struct exec_ops exec_interp = {
    .name = "interp",
    .fits = interp_fits,
    .open = interp_open,
    .map_update = interp_map_update,
    .map_lookup = interp_map_lookup,
    .map_delete = interp_map_delete,
    .map_next_key = interp_map_next_key,
    .map_pop = interp_map_pop,
    .map_walk = interp_map_walk,
    .lost = interp_lost,
    .run = interp_run,
    .close = interp_close,
};
