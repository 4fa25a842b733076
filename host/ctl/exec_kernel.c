/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/exec_kernel.h"

#include "compiler/ebpf/ebpf.h"
#include "host/ctl/kernel.h"
#include "hw/spec/gen/xdp.h"
#include "nic_runtime/vm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Linux's BPF behind the executors' interface. */

struct kernel_exec {
    struct exec exec; /* first member */
    struct kernel *kernel;
};

_Static_assert((int)KERNEL_WHY_BYTES == (int)EXEC_WHY_BYTES, "reasons have one size");

/* Which field of struct xdp_md each instruction loads, by what the verifier found out. */
static void find_ctx_fields(const struct job *job, uint8_t *fields)
{
    const struct verify_result *v = job->facts;

    for (uint32_t c = 0; c < v->context_count; c++) {
        const struct load_subprog *s = &job->prog->subprogs[v->contexts[c].subprog];

        for (uint32_t i = 0; i < s->count; i++) {
            const struct verify_fact *f = &v->contexts[c].facts[i];

            if (f->reached && ebpf_is_load(&job->prog->insns[s->start + i]) &&
                f->access.region == VERIFY_REGION_CTX && f->access.off_min >= 0 &&
                f->access.off_min <= SPEC_CTX_EGRESS_IFINDEX)
                fields[s->start + i] = (uint8_t)f->access.off_min;
        }
    }
}

static int open_kernel(struct job *job, uint32_t queue, struct kernel **out,
                       char why[EXEC_WHY_BYTES])
{
    int err = job_do(job, JOB_VERIFY);
    uint8_t *fields;

    if (err) {
        exec_why(why, job_reason(job, JOB_VERIFY), err);
        return err;
    }
    fields = calloc(job->prog->insn_count + 1, 1);
    if (!fields) {
        snprintf(why, EXEC_WHY_BYTES, "no memory");
        return -ENOMEM;
    }
    find_ctx_fields(job, fields);
    err = kernel_open(job->object, job->prog, fields, queue, out, why);
    free(fields);
    return err;
}

static int kernel_exec_fits(struct job *job, char why[EXEC_WHY_BYTES])
{
    struct kernel *kernel = NULL;
    int err = open_kernel(job, 0, &kernel, why);

    kernel_close(kernel);
    return err;
}

static int kernel_exec_open(struct job *job, const struct exec_options *options, struct exec **out,
                            char why[EXEC_WHY_BYTES])
{
    struct kernel_exec *e = calloc(1, sizeof(*e));
    int err;

    if (!e) {
        snprintf(why, EXEC_WHY_BYTES, "no memory");
        return -ENOMEM;
    }
    e->exec = (struct exec){&exec_kernel, job, *options};
    err = open_kernel(job, options->queue, &e->kernel, why);
    if (err) {
        free(e);
        return err;
    }
    *out = &e->exec;
    return 0;
}

static void kernel_exec_close(struct exec *exec)
{
    struct kernel_exec *e = (struct kernel_exec *)exec;

    kernel_close(e->kernel);
    free(e);
}

static int kernel_exec_update(struct exec *exec, uint32_t map, const void *key, const void *values)
{
    return kernel_map_update(((struct kernel_exec *)exec)->kernel, map, key, values);
}

static int kernel_exec_lookup(struct exec *exec, uint32_t map, const void *key, void *values)
{
    return kernel_map_lookup(((struct kernel_exec *)exec)->kernel, map, key, values);
}

static int kernel_exec_walk(struct exec *exec, uint32_t map,
                            int (*visit)(void *ctx, const void *key, const void *values), void *ctx)
{
    return kernel_map_walk(((struct kernel_exec *)exec)->kernel, map, visit, ctx);
}

static int run_stream(struct kernel_exec *e, const struct exec_stream *stream,
                      struct exec_stats *stats, char why[EXEC_WHY_BYTES])
{
    const struct exec_options *o = &e->exec.options;
    struct exec_packet in;

    while (stream->source(stream->ctx, &in)) {
        const struct kernel_packet packet = {in.data, in.len, in.time_ns,
                                             vm_rand_seed(o->seed, in.index),
                                             o->ifindex ? o->ifindex : 1};
        struct kernel_result result;
        struct exec_output out = {0};
        int err = kernel_run(e->kernel, &packet, &result, why);

        if (err)
            return err;
        out.ret = result.ret;
        out.data = result.data;
        out.len = result.len;
        out.ns = result.ns;
        err = stream->sink(stream->ctx, &out);
        if (err)
            return err;
        stats->packets++;
        stats->ns += result.ns;
    }
    return 0;
}

static int kernel_exec_run(struct exec *exec, const struct exec_stream *stream,
                           struct exec_stats *stats, char why[EXEC_WHY_BYTES])
{
    struct kernel_exec *e = (struct kernel_exec *)exec;
    int err = kernel_begin(e->kernel, why);

    if (err)
        return err;
    *stats = (struct exec_stats){0};
    err = run_stream(e, stream, stats, why);
    kernel_end(e->kernel);
    return err;
}

const struct exec_ops exec_kernel = {
    .name = "kernel",
    .redirect_hidden = true,
    .fits = kernel_exec_fits,
    .open = kernel_exec_open,
    .map_update = kernel_exec_update,
    .map_lookup = kernel_exec_lookup,
    .map_walk = kernel_exec_walk,
    .run = kernel_exec_run,
    .close = kernel_exec_close,
};
