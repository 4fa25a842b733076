/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/job.h"

#include "compiler/base/clock.h"

#include <errno.h>
#include <string.h>

static int do_verify(struct job *job, struct diag_sink *sink)
{
    return verify_program(job->object, job->prog, &job->options.verify, job->arena, sink,
                          &job->facts);
}

/* --- programs that tail calls go on in --- */

static bool names_values_of(const struct load_value *values, uint32_t count, uint32_t map)
{
    for (uint32_t i = 0; i < count; i++)
        if (values[i].map == map)
            return true;
    return false;
}

/* What the maps of programs may hold, as tails whose part is the program's number in the object. */
static uint32_t list_tails(struct job *job, struct ir_tail *out)
{
    const struct load_object *o = job->object;
    const struct job_options *options = &job->options;
    uint32_t count = 0;

    for (uint32_t i = 0; i < o->value_count + options->value_count; i++) {
        const struct load_value *v =
            i < o->value_count ? &o->values[i] : &options->values[i - o->value_count];

        if (job_holds_programs(&o->maps[v->map]))
            out[count++] = (struct ir_tail){v->map, v->slot, v->target, v->target + 1};
    }
    for (uint32_t m = 0; m < o->map_count && !options->values_known; m++) {
        if (!job_holds_programs(&o->maps[m]) || names_values_of(o->values, o->value_count, m) ||
            names_values_of(options->values, options->value_count, m))
            continue;
        for (uint32_t p = 0; p < o->prog_count; p++)
            if (&o->progs[p] != job->prog)
                out[count++] = (struct ir_tail){m, IR_ANY_SLOT, p, p + 1};
    }
    return count;
}

static uint32_t part_of(const struct job *job, const struct load_prog *prog)
{
    for (uint32_t i = 0; i < job->tails.part_count; i++)
        if (job->tails.parts[i].prog == prog)
            return i;
    return UINT32_MAX;
}

/* Adds a program that a part may go on in. One that can't be run is none, unless somebody puts it
 * into the map on purpose. */
static int add_part(struct job *job, struct ir_part *parts, const struct ir_tail *tail,
                    struct diag_sink *sink)
{
    const struct load_prog *prog = &job->object->progs[tail->part];
    struct job *other;

    if (part_of(job, prog) != UINT32_MAX)
        return 0;
    other = job_other(job, tail->part);
    if (!other && tail->slot == IR_ANY_SLOT)
        return 0;
    if (!other) {
        diag_add(sink, DIAG_ERROR, "FIT0002", load_where(job->object, prog, 0),
                 "program %s, which is in map %s, can't be run: %s", prog->name,
                 job->object->maps[tail->map].name, job->other_why);
        return -ENOTSUP;
    }
    job->parts[job->tails.part_count] = other;
    parts[job->tails.part_count++] = (struct ir_part){prog, other->facts};
    return 0;
}

/* What the maps of maps may hold, as ir_tails.holds. */
static uint64_t *list_held(struct job *job)
{
    const struct load_object *o = job->object;
    const struct job_options *options = &job->options;
    uint64_t *holds = arena_array(job->arena, o->map_count + 1, sizeof(*holds));

    for (uint32_t i = 0; i < o->value_count + options->value_count; i++) {
        const struct load_value *v =
            i < o->value_count ? &o->values[i] : &options->values[i - o->value_count];

        if (job_holds_maps(&o->maps[v->map]) && job_inner_fits(o, v->map, v->target))
            holds[v->map] |= UINT64_C(1) << v->target;
    }
    for (uint32_t m = 0; m < o->map_count && !options->values_known; m++) {
        if (!job_holds_maps(&o->maps[m]) || names_values_of(o->values, o->value_count, m) ||
            names_values_of(options->values, options->value_count, m))
            continue;
        for (uint32_t i = 0; i < o->map_count; i++)
            holds[m] |= (uint64_t)job_inner_fits(o, m, i) << i;
    }
    return holds;
}

/* Finds all programs that this one may come to, and all maps that it may find in others. */
static int link_programs(struct job *job, struct diag_sink *sink)
{
    const struct load_object *o = job->object;
    const size_t most =
        o->value_count + job->options.value_count + (size_t)o->map_count * o->prog_count;
    struct ir_tail *all = arena_array(job->arena, most + 1, sizeof(*all));
    struct ir_tail *tails = arena_array(job->arena, most + 1, sizeof(*tails));
    struct ir_part *parts = arena_array(job->arena, o->prog_count + 1, sizeof(*parts));
    const uint32_t count = list_tails(job, all);
    int err = 0;

    job->parts = arena_array(job->arena, o->prog_count + 1, sizeof(struct job *));
    job->parts[0] = job;
    parts[0] = (struct ir_part){job->prog, job->facts};
    job->tails =
        (struct ir_tails){.parts = parts,
                          .part_count = 1,
                          .tails = tails,
                          .holds = list_held(job),
                          .paths = job->options.paths,
                          .mark = job->options.mark};
    for (uint32_t i = 0; i < job->tails.part_count; i++)
        for (uint32_t t = 0; t < count && !err; t++)
            if (ir_may_tail(&parts[i], &all[t]))
                err = add_part(job, parts, &all[t], sink);
    for (uint32_t t = 0; t < count; t++) {
        const uint32_t part = part_of(job, &o->progs[all[t].part]);

        if (part == UINT32_MAX)
            continue;
        tails[job->tails.tail_count] = all[t];
        tails[job->tails.tail_count++].part = part;
    }
    return err;
}

static void set_memories(struct job *job)
{
    const struct job_options *o = &job->options;

    job->ir->ext_bytes = o->memory_bytes;
    for (uint32_t i = 0; i < o->memory_count; i++)
        for (uint32_t k = 0; k < job->ir->map_count; k++)
            if (!o->memories[i].map || !strcmp(o->memories[i].map, job->ir->maps[k].name))
                job->ir->maps[k].memory = (uint8_t)o->memories[i].memory;
}

static int do_ir(struct job *job, struct diag_sink *sink)
{
    int err = ir_build_tails(job->object, &job->tails, job->arena, sink, &job->ir);

    if (!err)
        set_memories(job);
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
    [JOB_VERIFY] = {do_verify, JOB_VERIFY}, [JOB_LINK] = {link_programs, JOB_VERIFY},
    [JOB_IR] = {do_ir, JOB_LINK},           [JOB_MICROCODE] = {do_microcode, JOB_IR},
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

int job_takes_program(struct job *job, uint32_t map, uint32_t slot, uint32_t value)
{
    const struct ir_tail any = {.map = map, .slot = slot};
    bool found = false;

    if (!value)
        return 0;
    if (!job_other(job, value - 1))
        return -EACCES;
    for (uint32_t i = 0; i < job->tails.tail_count; i++) {
        const struct ir_tail *t = &job->tails.tails[i];

        if (t->map == map && t->value == value && (t->slot == slot || t->slot == IR_ANY_SLOT))
            return 0;
    }
    for (uint32_t i = 0; i < job->tails.part_count; i++)
        found |= ir_may_tail(&job->tails.parts[i], &any);
    if (!found)
        return 0; /* nobody looks there */
    job->other_why = "the device was not given it for this slot: name it there when the program is "
                     "loaded (--maps-in)";
    return -EACCES;
}

int job_takes_map(struct job *job, uint32_t map, uint32_t value)
{
    if (!job_inner_fits(job->object, map, value - 1))
        return -EINVAL;
    if (job->ir->maps[map].engine == SPEC_ENGINE_NONE || job->tails.holds[map] >> (value - 1) & 1)
        return 0;
    job->other_why = "the device was not given it for this map: name it there when the program is "
                     "loaded (--maps-in)";
    return -EACCES;
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

bool job_same_definition(const struct load_map *a, const struct load_map *b)
{
    return !strcmp(a->name, b->name) && a->kind == b->kind && a->type == b->type &&
           a->key_bytes == b->key_bytes && a->value_bytes == b->value_bytes &&
           a->max_entries == b->max_entries && a->flags == b->flags;
}

struct map_def job_map_def(const struct load_object *object, uint32_t index)
{
    const struct load_map *m = &object->maps[index];

    return (struct map_def){.name = m->name,
                            .type = m->type,
                            .key_bytes = m->key_bytes,
                            .value_bytes = m->value_bytes,
                            .max_entries = m->max_entries,
                            .flags = m->flags,
                            .extra = load_extra(m)};
}
