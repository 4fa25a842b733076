/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/verify.h"

#include "compiler/base/clock.h"
#include "compiler/verify/internal.h"

static void allocate(struct verifier *v)
{
    const uint32_t n = v->prog->insn_count;

    v->result = arena_alloc(v->arena, sizeof(*v->result));
    v->result->stack_bytes = arena_array(v->arena, v->prog->subprog_count, sizeof(uint32_t));
    v->result->trip_max = arena_array(v->arena, n, sizeof(uint32_t));
    v->points = arena_array(v->scratch, n, sizeof(*v->points));
    v->places = arena_array(v->scratch, n, sizeof(*v->places));
    v->joins = arena_array(v->scratch, n, sizeof(*v->joins));
    v->live = arena_array(v->scratch, n + 1, sizeof(*v->live));
    v->pointer_used = arena_array(v->scratch, n, sizeof(*v->pointer_used));
    v->loop_heads = arena_array(v->scratch, n, sizeof(*v->loop_heads));
}

static int run(struct verifier *v)
{
    int err;

    allocate(v);
    if (v->prog->refusal) {
        diag_repeat(v->sink, v->prog->refusal);
        return -ENOTSUP;
    }
    err = verify_structure(v);
    if (!err)
        err = verify_stack_depth(v); /* of the call tree alone: nothing is known of stacks yet */
    if (err)
        return err;
    verify_liveness(v);
    err = verify_explore(v);
    if (!err)
        err = verify_stack_depth(v);
    if (err)
        return err;
    verify_facts_finish(v);
    if (v->observer)
        v->observer->accepted(v->observer->ctx, v);
    return 0;
}

/* Verifies from a function on: the program, or a global function on its own. */
static int verify_from(const struct load_object *object, const struct load_prog *prog,
                       uint32_t entry, const struct verify_options *options, struct arena *arena,
                       struct diag_sink *sink, struct verify_result **out)
{
    const uint64_t begin = clock_now_ns();
    struct arena *scratch = arena_open();
    struct verifier *v = scratch ? arena_alloc(scratch, sizeof(*v)) : NULL;
    jmp_buf oom;
    int err;

    if (!v) {
        arena_close(scratch);
        return -ENOMEM;
    }
    v->prog = prog;
    v->entry = entry;
    v->log = options ? options->log : NULL;
    v->observer = options && !entry ? options->observer : NULL;
    v->exact = options && options->exact;
    v->max_insns = options && options->max_insns ? options->max_insns : SPEC_INSNS_PROCESSED;
    v->arena = arena;
    v->scratch = scratch;
    v->sink = sink;
    if (setjmp(oom)) { /* no message: the sink may live in the arena that ran out */
        arena_set_oom(arena, NULL);
        arena_close(v->scratch);
        return -ENOMEM;
    }
    arena_set_oom(scratch, &oom);
    arena_set_oom(arena, &oom);
    v->own_maps = object->map_count;
    v->object = verify_inner_object(object, scratch);
    if (entry)
        v->object = verify_global_object(v->object, &prog->subprogs[entry], scratch);
    err = run(v);
    verify_log_end(v);
    arena_set_oom(arena, NULL);
    v->result->peak_bytes = arena_used_bytes(scratch);
    v->result->ns = clock_now_ns() - begin;
    *out = v->result;
    arena_close(scratch);
    return err;
}

/* Notes which global functions a verification called. */
static void note_called(const struct load_prog *prog, const struct verify_result *r, bool *called)
{
    for (uint32_t i = 0; r && i < r->context_count; i++)
        called[r->contexts[i].subprog] = prog->subprogs[r->contexts[i].subprog].global;
}

static void add_counts(struct verify_result *total, const struct verify_result *own)
{
    total->processed += own->processed;
    total->states += own->states;
    total->ns += own->ns;
    if (total->peak_bytes < own->peak_bytes)
        total->peak_bytes = own->peak_bytes;
}

/* Linux verifies a global function for whatever its arguments' types allow, if some path calls it.
 * What that finds out is of no use: calls are known better by their callers. */
static int verify_globals(const struct load_object *object, const struct load_prog *prog,
                          const struct verify_options *options, struct diag_sink *sink,
                          struct verify_result *total)
{
    struct arena *scratch = arena_open();
    bool *called = scratch ? arena_array(scratch, prog->subprog_count, sizeof(*called)) : NULL;
    bool *done = called ? arena_array(scratch, prog->subprog_count, sizeof(*done)) : NULL;
    int err = done ? 0 : -ENOMEM;
    bool more = !err;

    if (!err)
        note_called(prog, total, called);
    while (more && !err) {
        more = false;
        for (uint32_t i = 1; i < prog->subprog_count && !err; i++) {
            struct verify_result *own = NULL;
            struct arena *arena;

            if (!called[i] || done[i])
                continue;
            arena = arena_open();
            err = arena ? verify_from(object, prog, i, options, arena, sink, &own) : -ENOMEM;
            if (own)
                add_counts(total, own);
            if (!err)
                note_called(prog, own, called);
            done[i] = more = true;
            arena_close(arena);
        }
    }
    arena_close(scratch);
    return err;
}

int verify_program(const struct load_object *object, const struct load_prog *prog,
                   const struct verify_options *options, struct arena *arena,
                   struct diag_sink *sink, const struct verify_result **out)
{
    struct verify_result *result = NULL;
    int err = verify_from(object, prog, 0, options, arena, sink, &result);

    if (!err)
        err = verify_globals(object, prog, options, sink, result);
    if (result)
        *out = result;
    return err;
}
