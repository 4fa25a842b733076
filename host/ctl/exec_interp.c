/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/exec_interp.h"

#include "compiler/base/clock.h"
#include "host/ctl/hostmap.h"
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

        if (map_size_bytes(&def, &reason))
            continue;
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
    vm->exec = (struct exec){&exec_interp, job, *options};
    vm->buf = calloc(1, SPEC_PKT_JUMBO_END);
    err = vm->buf ? make_maps(vm, job->object) : -ENOMEM;
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

static int interp_map_update(struct exec *exec, uint32_t map, const void *key, const void *values)
{
    struct interp *vm = (struct interp *)exec;

    return map_host_update(vm->maps[map], key, values, SPEC_MAP_FLAG_ANY);
}

static int interp_map_lookup(struct exec *exec, uint32_t map, const void *key, void *values)
{
    struct interp *vm = (struct interp *)exec;

    return map_host_lookup(vm->maps[map], key, values);
}

static int interp_map_walk(struct exec *exec, uint32_t map,
                           int (*visit)(void *ctx, const void *key, const void *values), void *ctx)
{
    return hostmap_walk(&((struct interp *)exec)->host[map], visit, ctx);
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
    packet.rand = vm_rand_seed(vm->exec.options.seed, in->index);
    packet.ifindex = vm->exec.options.ifindex ? vm->exec.options.ifindex : 1;
    packet.queue = exec_queue(&vm->exec.options, in->index);
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
    return 0;
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
    .map_walk = interp_map_walk,
    .run = interp_run,
    .close = interp_close,
};
