/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/job.h"

#include "compiler/base/clock.h"
#include "compiler/ir/build.h"

#include <errno.h>
#include <string.h>

static int do_verify(struct job *job, struct diag_sink *sink)
{
    return verify_program(job->object, job->prog, &job->options.verify, job->arena, sink,
                          &job->facts);
}

static int do_ir(struct job *job, struct diag_sink *sink)
{
    int err = ir_build(job->object, job->prog, job->facts, job->arena, sink, &job->ir);

    return err ? err : opt_run(job->ir, &job->options.opt, sink);
}

static int do_microcode(struct job *job, struct diag_sink *sink)
{
    const int err = ucode_compile(job->ir, job->arena, sink, &job->microcode);

    if (!err && job->options.unordered)
        job->microcode = ucode_image_unordered(job->microcode, job->arena);
    return err;
}

static int do_pipeline(struct job *job, struct diag_sink *sink)
{
    return pipe_compile(job->ir, &job->options.pipe, job->arena, sink, &job->pipeline);
}

/* Each step with the one before it (itself: none). */
static const struct {
    int (*run)(struct job *job, struct diag_sink *sink);
    enum job_step before;
} steps[JOB_STEP_COUNT] = {
    [JOB_VERIFY] = {do_verify, JOB_VERIFY},
    [JOB_IR] = {do_ir, JOB_VERIFY},
    [JOB_MICROCODE] = {do_microcode, JOB_IR},
    [JOB_PIPELINE] = {do_pipeline, JOB_IR},
};

struct job *job_open(const struct load_object *object, const struct load_prog *prog,
                     const struct job_options *options, struct arena *arena)
{
    struct job *job = arena_alloc(arena, sizeof(*job));

    if (!job)
        return NULL;
    job->arena = arena;
    job->object = object;
    job->prog = prog;
    if (options)
        job->options = *options;
    job->options.opt.size = sizeof(job->options.opt);
    job->options.pipe.size = sizeof(job->options.pipe);
    job->options.pipe.unordered |= job->options.unordered;
    job->options.verify.size = sizeof(job->options.verify);
    for (int i = 0; i < JOB_STEP_COUNT; i++)
        job->sinks[i] = diag_sink_make(arena);
    return job;
}

int job_do(struct job *job, enum job_step step)
{
    jmp_buf oom;
    uint64_t start;
    int err;

    if (job->done[step])
        return job->outcome[step];
    if (steps[step].before != step) {
        err = job_do(job, steps[step].before);
        if (err)
            return err;
    }
    job->done[step] = true;
    job->outcome[step] = -ENOMEM;
    start = clock_now_ns();
    if (setjmp(oom) == 0) {
        arena_set_oom(job->arena, &oom);
        job->outcome[step] = steps[step].run(job, &job->sinks[step]);
    }
    arena_set_oom(job->arena, NULL);
    job->step_ns[step] = clock_now_ns() - start;
    return job->outcome[step];
}

const struct diag *job_reason(const struct job *job, enum job_step step)
{
    const enum job_step before = steps[step].before;
    const struct diag *d = before == step ? NULL : job_reason(job, before);

    return d ? d : diag_first_error(&job->sinks[step]);
}

struct job *job_other(struct job *job, uint32_t number)
{
    const struct load_object *o = job->object;
    const struct diag *reason;
    struct job **other;

    job->other_why = "there is no such program in the object";
    if (number >= o->prog_count)
        return NULL;
    job->other_why = &o->progs[number] == job->prog ? NULL : "no memory";
    if (&o->progs[number] == job->prog)
        return job;
    if (!job->others)
        job->others = arena_array(job->arena, o->prog_count, sizeof(*job->others));
    if (!job->others)
        return NULL;
    other = &job->others[number];
    if (!*other)
        *other = job_open(o, &o->progs[number], &job->options, job->arena);
    if (!*other || job_do(*other, JOB_VERIFY) == -ENOMEM)
        return NULL;
    reason = job_reason(*other, JOB_VERIFY);
    job->other_why = reason ? reason->message : NULL;
    return reason ? NULL : *other;
}

bool job_inner_fits(const struct load_object *object, uint32_t map, uint32_t inner)
{
    const struct load_map *want = load_inner(&object->maps[map]);
    const struct load_map *m = inner < object->map_count ? &object->maps[inner] : NULL;
    const bool sized = m && spec_map_type_table[m->type].soft == SPEC_SOFT_ARRAY;

    return want && m && m->type == want->type && m->key_bytes == want->key_bytes &&
           m->value_bytes == want->value_bytes && m->flags == want->flags &&
           load_has_lock(m) == load_has_lock(want) &&
           (!load_has_lock(m) || m->fields->lock_off == want->fields->lock_off) &&
           (!sized || m->max_entries == want->max_entries);
}

bool job_holds_programs(const struct load_map *map)
{
    return map->type == SPEC_MAP_PROG_ARRAY;
}

bool job_holds_maps(const struct load_map *map)
{
    return map->type == SPEC_MAP_ARRAY_OF_MAPS || map->type == SPEC_MAP_HASH_OF_MAPS;
}

struct map_def job_map_def(const struct load_object *object, uint32_t index)
{
    const struct load_map *m = &object->maps[index];

    return (struct map_def){.name = m->name,
                            .type = m->type,
                            .key_bytes = m->key_bytes,
                            .value_bytes = m->value_bytes,
                            .max_entries = m->max_entries,
                            .flags = m->flags};
}
