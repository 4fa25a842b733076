/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/pointers.h"
#include "compiler/pipeline/pipe.h"

#include <assert.h>
#include <errno.h>

/* The IR's instructions become nodes, block after block in topological order; what has an effect
 * gets its block's predicate, phis become selects. */

/* Does block b run whenever block d does? All paths from d must come to b. */
static bool post_dominates(const struct pipe_graph *g, ir_block b, ir_block d, bool *avoids)
{
    /* avoids[x]: some path from x to an exit does not touch b */
    for (uint32_t i = g->order_count; i-- > g->position[d];) {
        const ir_block x = g->order[i];
        const struct ir_block_data *data = &g->f->blocks[x];

        avoids[x] = false;
        if (x == b)
            continue;
        avoids[x] = data->succ_count == 0;
        for (uint32_t s = 0; s < data->succ_count; s++)
            avoids[x] = avoids[x] || avoids[data->succ[s]];
    }
    return !avoids[d];
}

static pipe_ref block_predicate(struct pipe_graph *g, ir_block b, bool *scratch)
{
    pipe_ref on = pipe_const(g, 0);

    if (b == g->order[0])
        return pipe_const(g, 1);
    if (post_dominates(g, b, g->idom[b], scratch))
        return g->on[g->idom[b]];
    for (uint32_t i = 0; i < g->f->blocks[b].pred_count; i++)
        on = pipe_or(g, on, pipe_edge(g, b, i));
    return on;
}

static pipe_ref arg(const struct pipe_graph *g, const struct ir_insn *in, uint32_t i)
{
    return g->value_of[in->args[i]];
}

/* Values that come together: of each the predicate, in the order in which the predicates become
 * known. */
static pipe_ref join(struct pipe_graph *g, ir_block b, const struct ir_insn *phi)
{
    const uint32_t n = g->f->blocks[b].pred_count;
    const ir_block *preds = g->f->blocks[b].preds;
    const pipe_ref base = g->on[g->idom[b]];
    bool *done = arena_array(g->arena, n, sizeof(*done));
    pipe_ref result = PIPE_NONE;

    for (uint32_t k = 0; k < n; k++) {
        uint32_t first = n;
        pipe_ref on;

        for (uint32_t i = 0; i < n; i++) {
            if (!done[i] && (first == n || g->position[preds[i]] < g->position[preds[first]]))
                first = i;
        }
        done[first] = true;
        if (g->position[preds[first]] == UINT32_MAX)
            continue;
        on = pipe_relative(g, pipe_edge(g, b, first), base);
        result = result ? pipe_select(g, on, arg(g, phi, first), result) : arg(g, phi, first);
    }
    return result ? result : pipe_const(g, 0);
}

static int lower_const(struct pipe_graph *g, const struct ir_insn *in, pipe_ref *out)
{
    *out = pipe_const(g, in->imm);
    return 0;
}

static int lower_input(struct pipe_graph *g, const struct ir_insn *in, pipe_ref *out)
{
    if (in->imm >= SPEC_IN_COUNT)
        return pipe_refuse(g, "PIPE0007", in->pc, "input %llu is not known",
                           (unsigned long long)in->imm);
    *out = pipe_meta(g, (uint32_t)in->imm);
    return 0;
}

static int lower_alu(struct pipe_graph *g, const struct ir_insn *in, pipe_ref *out)
{
    *out = pipe_alu(g, (enum spec_alu)in->alu, in->width, arg(g, in, 0),
                    in->nargs > 1 ? arg(g, in, 1) : PIPE_NONE);
    return 0;
}

static int lower_select(struct pipe_graph *g, const struct ir_insn *in, pipe_ref *out)
{
    *out = pipe_select(g, pipe_truth(g, arg(g, in, 0)), arg(g, in, 1), arg(g, in, 2));
    return 0;
}

static int lower_load(struct pipe_graph *g, const struct ir_insn *in, pipe_ref *out)
{
    return in->region == IR_REGION_MAP ? pipe_map_load(g, in, out) : pipe_window_load(g, in, out);
}

static int lower_store(struct pipe_graph *g, const struct ir_insn *in, pipe_ref *out)
{
    (void)out;
    return in->region == IR_REGION_MAP ? pipe_map_store(g, in) : pipe_window_store(g, in);
}

/* A hash engine's answer is {byte offset of the value, status}, both 32 bits. */
static int lower_hash(struct pipe_graph *g, const struct ir_insn *in, pipe_ref *out)
{
    static const uint8_t kinds[IR_OP_COUNT] = {[IR_MAP_LOOKUP] = PIPE_K_LOOKUP,
                                               [IR_MAP_USE] = PIPE_K_USE,
                                               [IR_MAP_UPDATE] = PIPE_K_UPDATE,
                                               [IR_MAP_DELETE] = PIPE_K_DELETE};
    const struct pipe_node n = {.kind = kinds[in->op], .map = in->map, .bits = 64};
    pipe_ref *args = arena_array(g->arena, in->nargs + 1u, sizeof(*args));
    pipe_ref answer;
    pipe_ref status;
    int err = pipe_check_map(g, in->pc, in->map, true);

    if (err)
        return err;
    args[0] = g->on[in->block];
    for (uint32_t i = 0; i < in->nargs; i++)
        args[i + 1] = arg(g, in, i);
    answer = pipe_unit(g, n, args, in->nargs + 1u);
    status = pipe_slice(g, answer, 0, 1); /* errno values are small */
    if (ir_is_lookup(in)) {
        const pipe_ref tag = pipe_const(g, (uint64_t)(in->map + 1) << SPEC_MAPPTR_SHIFT);
        const pipe_ref pointer = pipe_alu(g, SPEC_ALU_OR, 64, pipe_slice(g, answer, 4, 4), tag);

        *out = pipe_select(g, pipe_not(g, pipe_truth(g, status)), pointer, pipe_const(g, 0));
    } else {
        *out = pipe_alu(g, SPEC_ALU_SUB, 64, pipe_const(g, 0), status);
    }
    return 0;
}

static int lower_zero(struct pipe_graph *g, const struct ir_insn *in, pipe_ref *out)
{
    (void)out;
    pipe_window_zero(g, g->on[in->block], arg(g, in, 0), arg(g, in, 1));
    return 0;
}

/* Exits merge as phis do: the last one's values win where its predicate holds. What leaves begins
 * with the metadata. */
static int lower_exit(struct pipe_graph *g, const struct ir_insn *in, pipe_ref *out)
{
    pipe_ref *const fields[] = {&g->ret, &g->data, &g->data_end, &g->redirect, &g->meta, &g->told};
    const pipe_ref on = g->on[in->block];
    const pipe_ref meta = in->nargs > 4 ? arg(g, in, 4) : pipe_const(g, 0);
    const pipe_ref start = pipe_alu(g, SPEC_ALU_SUB, 32, arg(g, in, 1), meta);
    const pipe_ref values[] = {pipe_slice(g, arg(g, in, 0), 0, 4),
                               pipe_slice(g, start, 0, 2),
                               pipe_slice(g, arg(g, in, 2), 0, 2),
                               arg(g, in, 3),
                               pipe_slice(g, meta, 0, 1),
                               in->nargs > 5 ? pipe_truth(g, arg(g, in, 5)) : pipe_const(g, 0)};

    (void)out;
    for (uint32_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        *fields[i] = *fields[i] ? pipe_select(g, on, values[i], *fields[i]) : values[i];
    return 0;
}

static int lower_host(struct pipe_graph *g, const struct ir_insn *in, pipe_ref *out)
{
    (void)out;
    return pipe_refuse(g, "PIPE0010", in->pc,
                       "a path is left to the host, which pipelines do not do");
}

static int lower_nothing(struct pipe_graph *g, const struct ir_insn *in, pipe_ref *out)
{
    (void)g;
    (void)in;
    (void)out;
    return 0;
}

typedef int (*lower_fn)(struct pipe_graph *g, const struct ir_insn *in, pipe_ref *out);

static const lower_fn lower_op[IR_OP_COUNT] = {
    [IR_NOP] = lower_nothing,     [IR_CONST] = lower_const,   [IR_INPUT] = lower_input,
    [IR_ALU] = lower_alu,         [IR_SELECT] = lower_select, [IR_PHI] = lower_nothing,
    [IR_LOAD] = lower_load,       [IR_STORE] = lower_store,   [IR_ATOMIC] = pipe_map_atomic,
    [IR_MAP_LOOKUP] = lower_hash, [IR_MAP_USE] = lower_hash,  [IR_MAP_UPDATE] = lower_hash,
    [IR_MAP_DELETE] = lower_hash, [IR_PKT_ZERO] = lower_zero, [IR_JMP] = lower_nothing,
    [IR_BR] = lower_nothing,      [IR_EXIT] = lower_exit,     [IR_HOST] = lower_host,
};

/* The first node made for an IR value carries its name. */
static void name_value(struct pipe_graph *g, pipe_ref node, ir_ref value)
{
    if (!g->nodes[node].value)
        g->nodes[node].value = value;
}

static int lower_block(struct pipe_graph *g, ir_block b, bool *scratch)
{
    const struct ir_block_data *data = &g->f->blocks[b];

    g->block = b;
    g->pc = IR_NO_PC;
    for (uint32_t i = 0; i < data->count && g->pc == IR_NO_PC; i++)
        g->pc = g->f->insns[data->insns[i]].pc;
    g->on[b] = block_predicate(g, b, scratch);
    if (g->nodes[g->on[b]].block == IR_NO_BLOCK)
        g->nodes[g->on[b]].block = b;
    if (g->on[b] == pipe_const(g, 0)) { /* never runs */
        for (uint32_t i = 0; i < data->count; i++)
            g->value_of[data->insns[i]] = g->on[b];
        return 0;
    }
    for (uint32_t i = 0; i < data->count; i++) {
        const struct ir_insn *in = &g->f->insns[data->insns[i]];
        pipe_ref out = PIPE_NONE;
        int err;

        g->pc = in->pc;
        if (in->op == IR_PHI)
            out = join(g, b, in);
        err = lower_op[in->op](g, in, &out);
        if (err)
            return err;
        g->value_of[data->insns[i]] = out;
        if (out)
            name_value(g, out, data->insns[i]);
    }
    return 0;
}

int pipe_lower(struct pipe_graph *g)
{
    bool *scratch = arena_array(g->arena, g->f->block_count, sizeof(*scratch));
    int err;

    g->value_of = arena_array(g->arena, g->f->insn_count, sizeof(*g->value_of));
    g->value_of[IR_NONE] = pipe_const(g, 0);
    g->pointers = ir_pointers(g->f, g->arena);
    g->zero_from = pipe_const(g, 0xffff);
    pipe_window_open(g);
    for (uint32_t i = 0; i < g->order_count; i++) {
        err = lower_block(g, g->order[i], scratch);
        if (err)
            return err;
    }
    g->pc = IR_NO_PC;
    g->len = pipe_meta(g, SPEC_IN_LEN);
    if (!g->ret)
        return pipe_refuse(g, "PIPE0007", IR_NO_PC, "the program has no exit");
    return pipe_window_close(g);
}
