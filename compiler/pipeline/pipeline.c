/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/pipeline.h"

#include "compiler/pipeline/pipe.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>

int pipe_refuse(struct pipe_graph *g, const char *code, uint32_t pc, const char *format, ...)
{
    struct diag_where where = {.insn = DIAG_NO_INSN, .program = g->f->name};
    va_list args;

    if (pc != IR_NO_PC)
        where.insn = pc;
    if (pc != IR_NO_PC && pc < g->f->source_count) {
        where.source_file = g->f->sources[pc].file;
        where.source_line = g->f->sources[pc].line;
        where.source_text = g->f->sources[pc].text;
    }
    va_start(args, format);
    diag_add_args(g->sink, DIAG_ERROR, code, where, format, args);
    va_end(args);
    return -ENOTSUP;
}

uint32_t pipe_first_pc(const struct ir_func *f, ir_block b)
{
    for (uint32_t i = 0; i < f->blocks[b].count; i++) {
        if (f->insns[f->blocks[b].insns[i]].pc != IR_NO_PC)
            return f->insns[f->blocks[b].insns[i]].pc;
    }
    return IR_NO_PC;
}

/* The caller's function stays as it is: the first steps work on a copy. */
static struct ir_func *copy_func(struct arena *arena, const struct ir_func *f)
{
    struct ir_func *c = arena_memdup(arena, f, sizeof(*f));

    c->arena = arena;
    c->insns = arena_memdup(arena, f->insns, f->insn_count * sizeof(*f->insns));
    c->insn_capacity = f->insn_count;
    for (uint32_t i = 0; i < f->insn_count; i++) {
        if (f->insns[i].nargs)
            c->insns[i].args =
                arena_memdup(arena, f->insns[i].args, f->insns[i].nargs * sizeof(ir_ref));
    }
    c->blocks = arena_memdup(arena, f->blocks, f->block_count * sizeof(*f->blocks));
    c->block_capacity = f->block_count;
    for (uint32_t b = 0; b < f->block_count; b++) {
        struct ir_block_data *d = &c->blocks[b];

        if (d->count)
            d->insns = arena_memdup(arena, d->insns, d->count * sizeof(*d->insns));
        d->capacity = d->count;
        if (d->pred_count)
            d->preds = arena_memdup(arena, d->preds, d->pred_count * sizeof(*d->preds));
        d->pred_capacity = d->pred_count;
    }
    return c;
}

static struct pipe_options merge_options(const struct pipe_options *given)
{
    struct pipe_options o = {.size = sizeof(o)};

    if (given)
        memcpy(&o, given, given->size < sizeof(o) ? given->size : sizeof(o));
    o.size = sizeof(o);
    o.delay_levels = o.delay_levels ? o.delay_levels : SPEC_PIPE_DELAY_LEVELS;
    o.unit_levels = o.unit_levels ? o.unit_levels : SPEC_PIPE_UNIT_LEVELS;
    o.window_bytes = o.window_bytes ? o.window_bytes : SPEC_PIPE_WINDOW_BYTES;
    o.max_stages = o.max_stages ? o.max_stages : SPEC_PIPE_MAX_STAGES;
    return o;
}

/* Clocks that the egress takes for a packet of up to 64 bytes whose length stays as it was. */
static uint32_t egress_cycles(const struct pipe_graph *g)
{
    const struct pipe_node *data = &g->nodes[g->data];

    return data->kind == PIPE_K_CONST && data->imm == SPEC_PKT_BASE ? 1 : 2;
}

static void describe(struct pipe_graph *g, struct pipe_design *d)
{
    d->name = arena_strdup(g->arena, g->f->name);
    d->stages = g->stages;
    d->window_bytes = g->window_bytes;
    d->cycles_best = egress_cycles(g);
    d->event_beats = g->event_bytes / 64;
    d->packet_reads = pipe_far_accesses(g);
    if (d->packet_reads > d->cycles_best)
        d->cycles_best = d->packet_reads;
    d->map_count = g->f->map_count;
    d->maps = arena_array(g->arena, d->map_count, sizeof(*d->maps));
    for (uint32_t m = 0; m < d->map_count; m++) {
        struct pipe_map_plan *plan = &g->maps[m];

        plan->accesses = pipe_port_accesses(g, m);
        d->maps[m] = (struct pipe_map_info){.hazard = plan->hazard,
                                            .accesses = plan->accesses,
                                            .unit_levels = plan->fused ? plan->fused->levels : 0,
                                            .on_miss = plan->on_miss,
                                            .external_bytes =
                                                g->external[m] ? ir_map_bytes(&g->f->maps[m]) : 0,
                                            .why = plan->why,
                                            .why_apart = plan->why_apart};
        if (plan->hazard != PIPE_HAZARD_NONE) {
            d->maps[m].first_stage = plan->first_stage;
            d->maps[m].last_stage = plan->last_stage;
        }
        if (plan->accesses > d->cycles_best)
            d->cycles_best = plan->accesses;
    }
    d->cycles_same_key = d->cycles_best;
    for (uint32_t m = 0; m < d->map_count; m++) {
        d->maps[m].cycles = pipe_stretch_cycles(g, m);
        if (d->maps[m].accesses > d->maps[m].cycles)
            d->maps[m].cycles = d->maps[m].accesses;
        if (!d->maps[m].on_miss && d->maps[m].cycles > d->cycles_same_key)
            d->cycles_same_key = d->maps[m].cycles;
    }
}

static int run_steps(struct pipe_graph *g)
{
    int err = pipe_unroll(g);

    if (err)
        return err;
    pipe_coalesce(g);
    err = pipe_check_maps(g);
    if (!err)
        err = pipe_predicate(g);
    if (!err)
        err = pipe_lower(g);
    if (err)
        return err;
    pipe_const(g, 0); /* so that no node is made below */
    if (!pipe_order(g))
        return pipe_refuse(g, "PIPE0007", IR_NO_PC, "values depend on each other in a circle");
    pipe_demand(g);
    err = pipe_hazards(g);
    if (err)
        return err;
    err = pipe_schedule(g);
    if (err)
        return err;
    pipe_stretches(g);
    pipe_live(g);
    return 0;
}

static int make_graph(const struct ir_func *f, const struct pipe_options *o, struct arena *arena,
                      struct diag_sink *sink, struct pipe_graph **out)
{
    struct pipe_graph *g = arena_alloc(arena, sizeof(*g));

    *g = (struct pipe_graph){.f = copy_func(arena, f),
                             .arena = arena,
                             .sink = sink,
                             .delay_levels = o->delay_levels,
                             .unit_levels = o->unit_levels,
                             .window_limit = o->window_bytes,
                             .max_stages = o->max_stages,
                             .unordered = o->unordered,
                             .pc = IR_NO_PC};
    pipe_graph_open(g);
    *out = g;
    return run_steps(g);
}

int pipe_compile(const struct ir_func *f, const struct pipe_options *options, struct arena *arena,
                 struct diag_sink *sink, const struct pipe_design **out)
{
    struct pipe_options o = merge_options(options);
    struct pipe_graph *g;
    struct pipe_design *d;
    jmp_buf oom;
    int err;

    assert(f && arena && sink && out);
    if (setjmp(oom)) {
        arena_set_oom(arena, NULL);
        return -ENOMEM;
    }
    arena_set_oom(arena, &oom);
    err = make_graph(f, &o, arena, sink, &g);
    if (err == -EAGAIN) {
        o.unit_levels = 1;
        err = make_graph(f, &o, arena, sink, &g);
        assert(err != -EAGAIN && "nothing is fused");
    }
    if (!err) {
        d = arena_alloc(arena, sizeof(*d));
        describe(g, d);
        d->verilog = pipe_emit(g);
        d->listing = pipe_listing(g);
        *out = d;
    }
    arena_set_oom(arena, NULL);
    return err;
}
