/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/select.h"

#include <assert.h>

/* Selection of the ends of blocks: branches, copies for phis, exits. A block that only computes
 * results and ends the program is made for each of its predecessors, with what is constant there
 * folded. */

enum { FOLD_DEPTH = 12 };

/* --- exits --- */

static bool is_initial_end(const struct select *s, ir_ref ref)
{
    const struct ir_insn *in = &s->ir->insns[ref];
    uint64_t c = 0;

    for (uint32_t i = 0; in->op == IR_ALU && in->alu == SPEC_ALU_ADD && in->width == 64 && i < 2;
         i++) {
        const struct ir_insn *len = &s->ir->insns[select_value(s, in->args[i])];

        if (len->op == IR_INPUT && len->imm == SPEC_IN_LEN &&
            select_const(s, in->args[1 - i], &c) && c == SPEC_PKT_BASE)
            return true;
    }
    return false;
}

static struct select_arg arg_of(const struct select *s, ir_ref ref)
{
    struct select_arg arg = {.ref = select_value(s, ref)};

    if (select_const(s, arg.ref, &arg.value))
        arg.ref = IR_NONE;
    return arg;
}

static void operand_arg(struct select *s, struct mach_op *op, const struct select_arg *arg,
                        uint32_t width)
{
    if (arg->ref == IR_NONE)
        select_operand_const(s, op, arg->value, width);
    else
        select_operand_b(s, op, arg->ref, width);
}

static void emit_out(struct select *s, uint8_t index, const struct select_arg *arg)
{
    struct mach_op op = {.op = UCODE_OUT, .index = index, .effect = true};

    operand_arg(s, &op, arg, 64);
    select_emit(s, op);
}

/* What leaves begins with the metadata. */
static void emit_start(struct select *s, const struct select_arg *data,
                       const struct select_arg *meta)
{
    struct mach_op start = {.op = SPEC_ALU_SUB};
    struct mach_op out = {.op = UCODE_OUT, .effect = true};
    const struct select_arg fixed = {.value = data->value - meta->value};

    if (data->ref == IR_NONE && meta->ref == IR_NONE) {
        if ((int64_t)fixed.value < s->m->lowest_byte)
            s->m->lowest_byte = (int32_t)fixed.value;
        if (fixed.value != SPEC_PKT_BASE)
            emit_out(s, 0, &fixed);
        return;
    }
    s->m->unknown_headroom = true;
    if (meta->ref == IR_NONE && meta->value == 0) {
        emit_out(s, 0, data);
        return;
    }
    start.dst = select_temp(s, MACH_ALL_LANES);
    start.a = data->ref == IR_NONE ? select_const_reg(s, data->value) : select_reg(s, data->ref);
    operand_arg(s, &start, meta, 64);
    select_emit(s, start);
    out.b = start.dst;
    select_emit(s, out);
}

/* Writes the outputs that do not keep their initial values. */
static void emit_outs(struct select *s, const struct select_results *r)
{
    const struct select_arg *end = &r->arg[2];
    const struct select_arg *redirect = &r->arg[3];
    const struct select_arg *meta = &r->arg[4];
    const struct select_arg *events = &r->arg[5];

    emit_start(s, &r->arg[1], meta);
    if (end->ref == IR_NONE || !is_initial_end(s, end->ref))
        emit_out(s, 1, end);
    if (redirect->ref != IR_NONE || redirect->value != 0)
        emit_out(s, 2, redirect);
    if (meta->ref != IR_NONE || meta->value != 0)
        emit_out(s, 3, meta);
    if (events->ref != IR_NONE || events->value != 0)
        emit_out(s, 4, events);
}

static uint32_t exit_block(struct select *s, const struct select_results *r);

/* A selection between two constant return values is better two exits: one row instead of three. */
static bool end_with_two_exits(struct select *s, const struct select_arg *ret)
{
    const struct ir_insn *in = &s->ir->insns[ret->ref];
    bool invert = false;
    struct mach_op compare;
    uint32_t exits[2];
    struct mach_block *b;

    if (ret->ref == IR_NONE || in->op != IR_SELECT || arg_of(s, in->args[1]).ref != IR_NONE ||
        arg_of(s, in->args[2]).ref != IR_NONE)
        return false;
    compare = select_compare(s, select_condition(s, in->args[0], &invert));
    compare.block = s->block;
    for (uint32_t i = 0; i < 2; i++) {
        const struct select_results r = {.arg[0] = arg_of(s, in->args[1 + i]), .outs_done = true};

        exits[i] = exit_block(s, &r);
    }
    b = &s->m->blocks[s->block];
    b->last = mach_new_op(s->m, compare);
    b->term = MACH_TERM_BR;
    b->succ[0] = exits[invert];
    b->succ[1] = exits[!invert];
    b->succ_count = 2;
    return true;
}

static void end_with_exit(struct select *s, const struct select_results *r)
{
    struct mach_op op = {.op = UCODE_EXIT, .effect = true, .pc = s->pc, .block = s->block};

    if (!r->outs_done)
        emit_outs(s, r);
    if (end_with_two_exits(s, &r->arg[0]))
        return;
    operand_arg(s, &op, &r->arg[0], 32);
    s->m->blocks[s->block].last = mach_new_op(s->m, op);
    s->m->blocks[s->block].term = MACH_TERM_EXIT;
}

static bool same_results(const struct select_results *x, const struct select_results *y)
{
    for (uint32_t k = 0; k < SELECT_RESULTS; k++) {
        if (x->arg[k].ref != y->arg[k].ref || x->arg[k].value != y->arg[k].value)
            return false;
    }
    return x->outs_done == y->outs_done;
}

/* The block that ends the program with these results. */
static uint32_t exit_block(struct select *s, const struct select_results *r)
{
    const uint32_t here = s->block;
    const uint32_t block = s->m->block_count;

    for (uint32_t i = 0; i < s->exit_count; i++) {
        if (same_results(&s->exits[i].results, r))
            return s->exits[i].block;
    }
    s->exits =
        arena_grow(s->m->arena, s->exits, s->exit_count, &s->exit_capacity, sizeof(*s->exits));
    s->exits[s->exit_count++] = (struct select_exit){*r, block};
    mach_new_block(s->m);
    s->block = block;
    end_with_exit(s, r);
    s->block = here;
    return block;
}

/* --- exits for one edge --- */

/* Number of the edge in the successor's list of predecessors: the first for succ[0] if both go to
 * one block. */
static uint32_t edge_index(const struct select *s, ir_block from, uint32_t succ)
{
    const struct ir_block_data *b = &s->ir->blocks[from];
    const struct ir_block_data *to = &s->ir->blocks[b->succ[succ]];
    uint32_t skip = succ == 1 && b->succ[0] == b->succ[1];

    for (uint32_t i = 0; i < to->pred_count; i++) {
        if (to->preds[i] == from && skip-- == 0)
            return i;
    }
    assert(false);
    return 0;
}

/* What a value of a block is if the block is entered by one edge: a constant, or a value from
 * before. False: neither. */
static bool fold_on_edge(const struct select *s, ir_block block, uint32_t edge, ir_ref ref,
                         uint32_t depth, struct select_arg *out)
{
    const struct ir_insn *in = &s->ir->insns[ref = select_value(s, ref)];
    struct select_arg x[2] = {{0}};

    *out = arg_of(s, ref);
    if (out->ref == IR_NONE || in->block != block)
        return true;
    if (in->op == IR_PHI) {
        *out = arg_of(s, in->args[edge]);
        return true;
    }
    if (depth == 0 || (in->op != IR_ALU && in->op != IR_SELECT))
        return false;
    if (in->op == IR_SELECT)
        return fold_on_edge(s, block, edge, in->args[0], depth - 1, &x[0]) && x[0].ref == IR_NONE &&
               fold_on_edge(s, block, edge, in->args[x[0].value ? 1 : 2], depth - 1, out);
    for (uint32_t i = 0; i < in->nargs; i++) {
        if (!fold_on_edge(s, block, edge, in->args[i], depth - 1, &x[i]) || x[i].ref != IR_NONE)
            return false;
    }
    *out = (struct select_arg){
        .value = spec_alu_eval((enum spec_alu)in->alu, in->width, x[0].value, x[1].value)};
    return true;
}

/* Whether a block that is entered by one edge does nothing but end the program; with what results.
 */
static bool exits_on_edge(const struct select *s, ir_block from, uint32_t succ,
                          struct select_results *r)
{
    const ir_block to = s->ir->blocks[from].succ[succ];
    const struct ir_block_data *b = &s->ir->blocks[to];
    const struct ir_insn *last = &s->ir->insns[b->insns[b->count - 1]];
    const uint32_t edge = edge_index(s, from, succ);

    if (last->op != IR_EXIT)
        return false;
    for (uint32_t i = 0; i + 1 < b->count; i++) {
        const uint8_t op = s->ir->insns[b->insns[i]].op;

        if (op != IR_PHI && op != IR_CONST && op != IR_ALU && op != IR_SELECT)
            return false;
    }
    *r = (struct select_results){.outs_done = false};
    for (uint32_t i = 0; i < last->nargs; i++) {
        if (!fold_on_edge(s, to, edge, last->args[i], FOLD_DEPTH, &r->arg[i]))
            return false;
    }
    return true;
}

/* --- branches and jumps --- */

static void jump_to(struct select *s, uint32_t block, uint32_t target)
{
    struct mach_block *b = &s->m->blocks[block];

    b->term = MACH_TERM_JMP;
    b->succ[0] = target;
    b->succ_count = 1;
}

static void add_copies(struct select *s, uint32_t block, ir_block to, uint32_t edge)
{
    const struct ir_block_data *t = &s->ir->blocks[to];

    for (uint32_t i = 0; i < t->count && s->ir->insns[t->insns[i]].op == IR_PHI; i++) {
        const struct ir_insn *phi = &s->ir->insns[t->insns[i]];
        const struct select_arg src = arg_of(s, phi->args[edge]);
        struct mach_copy copy = {.dst = select_reg(s, t->insns[i]),
                                 .src = {.reg = MACH_NONE, .value = src.value},
                                 .pc = phi->pc};

        if (src.ref != IR_NONE)
            copy.src.reg = select_reg(s, src.ref);
        else if (!mach_const_is_single(src.value))
            copy.src.reg = select_const_reg(s, src.value);
        if (copy.src.reg != copy.dst)
            mach_add_copy(s->m, block, copy);
    }
}

/* The machine block that an edge of a two-way branch leads to. */
static uint32_t branch_target(struct select *s, ir_block from, uint32_t succ)
{
    const ir_block to = s->ir->blocks[from].succ[succ];
    struct select_results results;
    uint32_t split;

    if (exits_on_edge(s, from, succ, &results))
        return exit_block(s, &results);
    if (s->ir->insns[s->ir->blocks[to].insns[0]].op != IR_PHI)
        return to;
    split = mach_new_block(s->m);
    jump_to(s, split, to);
    add_copies(s, split, to, edge_index(s, from, succ));
    return split;
}

static void end_with_branch(struct select *s, ir_block from, ir_ref cond)
{
    bool invert = false;
    struct mach_op compare = select_compare(s, select_condition(s, cond, &invert));
    const uint32_t yes = branch_target(s, from, 0);
    const uint32_t no = branch_target(s, from, 1);
    struct mach_block *out = &s->m->blocks[s->block];

    if (yes == no) { /* the same exit */
        jump_to(s, s->block, yes);
        return;
    }
    compare.block = s->block;
    out->term = MACH_TERM_BR;
    out->succ[0] = invert ? no : yes;
    out->succ[1] = invert ? yes : no;
    out->succ_count = 2;
    out->last = mach_new_op(s->m, compare);
}

void select_end(struct select *s, ir_block from)
{
    const struct ir_block_data *b = &s->ir->blocks[from];
    const struct ir_insn *last = &s->ir->insns[b->insns[b->count - 1]];
    struct select_results results = {.outs_done = false};

    s->pc = last->pc;
    if (last->op == IR_EXIT) {
        for (uint32_t i = 0; i < last->nargs; i++)
            results.arg[i] = arg_of(s, last->args[i]);
        end_with_exit(s, &results);
    } else if (last->op == IR_BR) {
        end_with_branch(s, from, last->args[0]);
    } else if (exits_on_edge(s, from, 0, &results)) {
        end_with_exit(s, &results);
    } else {
        jump_to(s, s->block, b->succ[0]);
        add_copies(s, s->block, b->succ[0], edge_index(s, from, 0));
    }
}
