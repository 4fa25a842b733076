/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/exec_kernel.h"

#include "compiler/ebpf/ebpf.h"
#include "host/ctl/events.h"
#include "host/ctl/kernel.h"
#include "host/ctl/netfile.h"
#include "hw/spec/gen/helpers.h"
#include "nic_runtime/vm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Linux's own BPF behind the executors' interface. */

_Static_assert((int)EXEC_WHY_BYTES == (int)KERNEL_WHY_BYTES, "reasons have one size");

struct kernel_exec {
    struct exec exec; /* first member */
    struct kernel *kernel;
    struct events events; /* of the packet that runs */
};

/* For each instruction the context field that it loads, as far as the kernel's test run can't be
 * given it; NULL if there is no memory. */
static uint8_t *context_fields(const struct job *job)
{
    uint8_t *fields = calloc(job->prog->insn_count + 1, 1);

    for (uint32_t c = 0; fields && c < job->facts->context_count; c++) {
        const struct verify_context *context = &job->facts->contexts[c];
        const struct load_subprog *sub = &job->prog->subprogs[context->subprog];

        for (uint32_t i = 0; i < sub->count; i++) {
            const struct verify_pointer *p = &context->facts[i].access;

            if (p->region == VERIFY_REGION_CTX && p->off_min >= SPEC_CTX_INGRESS_IFINDEX)
                fields[sub->start + i] = (uint8_t)p->off_min;
        }
    }
    return fields;
}

static int unlike(const struct job *job, uint32_t insn, const char *what, char why[EXEC_WHY_BYTES])
{
    const struct diag d = {.severity = DIAG_ERROR,
                           .code = "FIT0002",
                           .where = load_where(job->object, job->prog, insn),
                           .message = what};

    exec_why(why, &d, -ENOTSUP);
    return -ENOTSUP;
}

/* A call whose result Linux leaves open, or that asks for a CPU where it means a queue. */
static int check_call(const struct job *job, uint32_t context, uint32_t at,
                      char why[EXEC_WHY_BYTES])
{
    const struct verify_context *c = &job->facts->contexts[context];
    const struct load_subprog *sub = &job->prog->subprogs[c->subprog];
    const struct verify_arg *args =
        at >= sub->start && at < sub->start + sub->count ? c->facts[at - sub->start].args : NULL;

    if (!args)
        return 0;
    if (job->prog->insns[at].imm == SPEC_HELPER_MAP_LOOKUP_PERCPU_ELEM)
        return unlike(
            job, at,
            "bpf_map_lookup_percpu_elem takes an RX queue here, and a CPU of this machine "
            "in Linux",
            why);
    for (uint32_t m = 0; m < job->object->map_count && m < 64; m++) {
        const struct load_map *map = &job->object->maps[m];

        if (args[0].maps >> m & 1 && spec_map_type_table[map->type].soft != SPEC_SOFT_ARRAY &&
            map->max_entries > 1)
            return unlike(job, at,
                          "bpf_for_each_map_elem walks over a hash, and Linux has an order of its "
                          "own",
                          why);
    }
    return 0;
}

static int check_calls(const struct job *job, char why[EXEC_WHY_BYTES])
{
    int err = 0;

    for (uint32_t at = 0; at < job->prog->insn_count && !err;
         at += ebpf_slots(&job->prog->insns[at])) {
        const struct ebpf_insn *i = &job->prog->insns[at];

        if (!ebpf_is_helper_call(i) || (i->imm != SPEC_HELPER_MAP_LOOKUP_PERCPU_ELEM &&
                                        i->imm != SPEC_HELPER_FOR_EACH_MAP_ELEM))
            continue;
        for (uint32_t c = 0; c < job->facts->context_count && !err; c++)
            err = check_call(job, c, at, why);
    }
    return err;
}

static int open_kernel(struct job *job, uint32_t queue, struct kernel **out,
                       char why[EXEC_WHY_BYTES])
{
    uint8_t *fields;
    int err = job_do(job, JOB_VERIFY);

    if (err) {
        exec_why(why, job_reason(job, JOB_VERIFY), err);
        return err;
    }
    err = exec_fits_any(job, "kernel", why);
    if (!err)
        err = check_calls(job, why);
    if (err)
        return err;
    fields = context_fields(job);
    if (!fields)
        return -ENOMEM;
    err = kernel_open(job->object, job->prog, fields, queue, out, why);
    free(fields);
    return err;
}

static int exec_kernel_fits(struct job *job, char why[EXEC_WHY_BYTES])
{
    struct kernel *kernel = NULL;
    int err = open_kernel(job, 0, &kernel, why);

    kernel_close(kernel);
    return err;
}

static bool asks_for_network(const struct ebpf_insn *i)
{
    return ebpf_is_helper_call(i) &&
           (i->imm == SPEC_HELPER_FIB_LOOKUP || i->imm == SPEC_HELPER_CHECK_MTU);
}

/* Gives the kernel the network that any program of the object may ask for. */
static int set_network(struct kernel_exec *k, char why[EXEC_WHY_BYTES])
{
    const struct exec_options *options = &k->exec.options;
    const struct load_object *o = k->exec.job->object;
    const struct net *net = options->net;
    bool asks = false;

    for (uint32_t p = 0; p < o->prog_count; p++)
        for (uint32_t at = 0; at < o->progs[p].insn_count; at += ebpf_slots(&o->progs[p].insns[at]))
            asks |= asks_for_network(&o->progs[p].insns[at]);
    if (!asks)
        return 0;
    if (!net)
        net = netfile_default(options->ifindex ? options->ifindex : 1, k->exec.job->arena);
    return net ? kernel_set_net(k->kernel, net, why) : -ENOMEM;
}

static int exec_kernel_open(struct job *job, const struct exec_options *options, struct exec **out,
                            char why[EXEC_WHY_BYTES])
{
    struct kernel_exec *k;
    int err;

    if (options->queues > 1) {
        snprintf(why, EXEC_WHY_BYTES, "test runs are all on one CPU, not on %u in turn",
                 options->queues);
        return -ENOTSUP;
    }
    k = calloc(1, sizeof(*k));
    if (!k)
        return -ENOMEM;
    k->exec = (struct exec){.ops = &exec_kernel, .job = job, .options = *options};
    err = open_kernel(job, options->queue, &k->kernel, why);
    if (!err)
        err = set_network(k, why);
    if (err) {
        kernel_close(k->kernel);
        free(k);
        return err;
    }
    *out = &k->exec;
    return 0;
}

static void exec_kernel_close(struct exec *exec)
{
    events_close(&((struct kernel_exec *)exec)->events);
    kernel_close(((struct kernel_exec *)exec)->kernel);
    free(exec);
}

/* Loads the program that a map of programs shall name: value is its number + 1, or 0. */
static int add_program(struct kernel_exec *k, const void *value)
{
    char why[KERNEL_WHY_BYTES];
    struct job *job;
    uint8_t *fields;
    uint32_t number;
    int err;

    memcpy(&number, value, sizeof(number));
    if (!number || kernel_has_program(k->kernel, number - 1))
        return 0;
    job = job_other(k->exec.job, number - 1);
    if (!job)
        return -EACCES;
    fields = context_fields(job);
    if (!fields)
        return -ENOMEM;
    err = kernel_add_program(k->kernel, number - 1, fields, why);
    free(fields);
    if (err)
        k->exec.job->other_why = arena_strdup(job->arena, why);
    return err ? -EACCES : 0;
}

static int exec_kernel_update(struct exec *exec, uint32_t map, const void *key, const void *values,
                              uint64_t flags)
{
    if (exec->job->object->maps[map].type == SPEC_MAP_PROG_ARRAY) {
        const int err = add_program((struct kernel_exec *)exec, values);

        if (err)
            return err;
    }
    return kernel_map_update(((struct kernel_exec *)exec)->kernel, map, key, values, flags);
}

static int exec_kernel_lookup(struct exec *exec, uint32_t map, const void *key, void *values)
{
    return kernel_map_lookup(((struct kernel_exec *)exec)->kernel, map, key, values);
}

static int exec_kernel_delete(struct exec *exec, uint32_t map, const void *key)
{
    return kernel_map_delete(((struct kernel_exec *)exec)->kernel, map, key);
}

static int exec_kernel_next_key(struct exec *exec, uint32_t map, const void *key, void *next)
{
    return kernel_map_next_key(((struct kernel_exec *)exec)->kernel, map, key, next);
}

static int exec_kernel_pop(struct exec *exec, uint32_t map, void *values)
{
    return kernel_map_pop(((struct kernel_exec *)exec)->kernel, map, values);
}

static int exec_kernel_walk(struct exec *exec, uint32_t map,
                            int (*visit)(void *ctx, const void *key, const void *values), void *ctx)
{
    return kernel_map_walk(((struct kernel_exec *)exec)->kernel, map, visit, ctx);
}

static uint64_t exec_kernel_lost(struct exec *exec, uint32_t map)
{
    return kernel_lost(((struct kernel_exec *)exec)->kernel, map);
}

static void take_event(void *ctx, uint32_t map, const void *data, uint32_t bytes, bool padded)
{
    struct kernel_exec *k = ctx;

    events_add(&k->events,
               (struct exec_event){.map = map,
                                   .cpu = padded ? k->exec.options.queue : 0,
                                   .data = data,
                                   .len = bytes,
                                   .padded = padded},
               NULL, 0);
}

static int tell_events(struct kernel_exec *k, uint64_t packet, char why[EXEC_WHY_BYTES])
{
    const int err = kernel_events(k->kernel, take_event, k);

    if (err == -ENOBUFS)
        snprintf(why, EXEC_WHY_BYTES,
                 "packet %llu: the kernel lost perf events: it made more than fit into the buffer "
                 "from which they are taken after each packet",
                 (unsigned long long)packet);
    return err ? err : events_flush(&k->events, k->exec.options.listener, packet);
}

static int run_packets(struct kernel_exec *k, const struct exec_stream *stream,
                       struct exec_stats *stats, char why[EXEC_WHY_BYTES])
{
    const struct exec_options *o = &k->exec.options;
    struct exec_packet in;

    while (stream->source(stream->ctx, &in)) {
        const struct kernel_packet packet = {
            .data = in.data,
            .len = in.len,
            .time_ns = in.time_ns,
            .rand = exec_rand(o, &in),
            .ifindex = o->ifindex ? o->ifindex : 1,
            .egress = o->egress ? o->egress : 1,
        };
        struct kernel_result result;
        struct exec_output out;
        int err = kernel_run(k->kernel, &packet, &result, why);

        if (!err)
            err = tell_events(k, in.index, why);
        if (err)
            return err;
        out = (struct exec_output){.ret = result.ret,
                                   .data = result.data,
                                   .len = result.len,
                                   .meta_bytes = result.meta_bytes,
                                   .ns = result.ns};
        err = stream->sink(stream->ctx, &out);
        if (err)
            return err;
        stats->packets++;
        stats->ns += result.ns;
    }
    return 0;
}

static int exec_kernel_run(struct exec *exec, const struct exec_stream *stream,
                           struct exec_stats *stats, char why[EXEC_WHY_BYTES])
{
    struct kernel_exec *k = (struct kernel_exec *)exec;
    int err = kernel_begin(k->kernel, why);

    *stats = (struct exec_stats){0};
    if (err)
        return err;
    err = run_packets(k, stream, stats, why);
    kernel_end(k->kernel);
    return err;
}

const struct exec_ops exec_kernel = {
    .name = "kernel",
    .redirect_hidden = true,
    .prints_hidden = true,
    .fits = exec_kernel_fits,
    .open = exec_kernel_open,
    .map_update = exec_kernel_update,
    .map_lookup = exec_kernel_lookup,
    .map_delete = exec_kernel_delete,
    .map_next_key = exec_kernel_next_key,
    .map_pop = exec_kernel_pop,
    .map_walk = exec_kernel_walk,
    .lost = exec_kernel_lost,
    .run = exec_kernel_run,
    .close = exec_kernel_close,
};
