/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/select.h"

#include <assert.h>

/* IR to machine operations. Constants become immediates where they fit, compares go into the
 * branches and selections that use them, address arithmetic into the accesses. The result is SSA,
 * with phis as copies on the edges. */

enum { SHARED_PREDS_MAX = 3 }; /* see pick_predicate */

ir_ref select_value(const struct select *s, ir_ref ref)
{
    const struct ir_insn *in = &s->ir->insns[ref];

    while (in->op == IR_ALU && in->alu == SPEC_ALU_MOV && in->width == 64) {
        ref = in->args[0];
        in = &s->ir->insns[ref];
    }
    return ref;
}

bool select_const(const struct select *s, ir_ref ref, uint64_t *value)
{
    const struct ir_insn *in = &s->ir->insns[select_value(s, ref)];

    if (in->op != IR_CONST)
        return false;
    *value = in->imm;
    return true;
}

uint32_t select_emit(struct select *s, struct mach_op op)
{
    uint32_t at;

    op.pc = s->pc;
    at = mach_new_op(s->m, op);
    mach_append(s->m, s->block, at);
    return at;
}

mach_reg select_temp(struct select *s, uint8_t lanes)
{
    return mach_new_reg(s->m, lanes);
}

/* All constants stand in the entry block; mach_sink takes them to where they are needed. */
mach_reg select_const_reg(struct select *s, uint64_t value)
{
    struct mach_op op;
    mach_reg reg;

    if (value == 0)
        return 0;
    for (uint32_t i = 0; i < s->const_count; i++) {
        if (s->consts[i].value == value)
            return s->consts[i].reg;
    }
    if (mach_const_is_single(value)) {
        op = mach_const_op(mach_new_reg(s->m, MACH_ALL_LANES), value);
    } else {
        const mach_reg low = select_const_reg(s, value & UINT32_MAX);

        op = (struct mach_op){.op = UCODE_MOVHI,
                              .a = low,
                              .imm = (int32_t)(uint32_t)(value >> 32),
                              .dst = mach_new_reg(s->m, MACH_ALL_LANES)};
    }
    op.pc = s->pc;
    reg = op.dst;
    mach_append(s->m, 0, mach_new_op(s->m, op));
    s->consts =
        arena_grow(s->m->arena, s->consts, s->const_count, &s->const_capacity, sizeof(*s->consts));
    s->consts[s->const_count++] = (struct select_const){value, reg};
    return reg;
}

mach_reg select_reg(struct select *s, ir_ref ref)
{
    uint64_t c;

    ref = select_value(s, ref);
    if (select_const(s, ref, &c))
        return select_const_reg(s, c);
    if (s->regs[ref] == MACH_NONE)
        s->regs[ref] = mach_new_reg(s->m, MACH_ALL_LANES);
    return s->regs[ref];
}

mach_reg select_result(struct select *s, ir_ref ref, uint8_t lanes)
{
    const mach_reg reg = select_reg(s, ref);

    s->m->vregs[reg].lanes = lanes;
    return reg;
}

void select_operand_b(struct select *s, struct mach_op *op, ir_ref ref, uint32_t width)
{
    uint64_t c;

    if (!select_const(s, ref, &c)) {
        op->b = select_reg(s, ref);
        return;
    }
    if (width == 32)
        c = (uint64_t)(int64_t)(int32_t)(uint32_t)c;
    if (c != 0 && !mach_imm_fits(c)) {
        op->b = select_const_reg(s, c);
        return;
    }
    op->bimm = true;
    op->imm = (int32_t)c;
}

/* --- compares
 * --------------------------------------------------------------------------------------------- */

static uint8_t exchanged(uint8_t alu)
{
    switch (alu) {
    case SPEC_ALU_UGT:
        return SPEC_ALU_ULT;
    case SPEC_ALU_UGE:
        return SPEC_ALU_ULE;
    case SPEC_ALU_ULT:
        return SPEC_ALU_UGT;
    case SPEC_ALU_ULE:
        return SPEC_ALU_UGE;
    case SPEC_ALU_SGT:
        return SPEC_ALU_SLT;
    case SPEC_ALU_SGE:
        return SPEC_ALU_SLE;
    case SPEC_ALU_SLT:
        return SPEC_ALU_SGT;
    case SPEC_ALU_SLE:
        return SPEC_ALU_SGE;
    default:
        return alu; /* EQ, NE, SET */
    }
}

static bool is_compare(const struct ir_insn *in)
{
    return in->op == IR_ALU && spec_alu_table[in->alu].cls == SPEC_ALU_CLASS_CMP;
}

/* The compare behind a condition, through "compare == 0" and its like, which *invert counts. */
static ir_ref condition(const struct select *s, ir_ref ref, bool *invert)
{
    for (;;) {
        const struct ir_insn *in = &s->ir->insns[ref = select_value(s, ref)];
        uint64_t c;

        if (in->op != IR_ALU || in->nargs != 2 || !select_const(s, in->args[1], &c) ||
            !is_compare(&s->ir->insns[select_value(s, in->args[0])]))
            return ref;
        if ((in->alu == SPEC_ALU_EQ && c == 0) || (in->alu == SPEC_ALU_XOR && c == 1) ||
            (in->alu == SPEC_ALU_NE && c == 1))
            *invert = !*invert;
        else if (!((in->alu == SPEC_ALU_NE && c == 0) || (in->alu == SPEC_ALU_EQ && c == 1) ||
                   (in->alu == SPEC_ALU_AND && c == 1)))
            return ref;
        ref = in->args[0];
    }
}

/* The compare operation of a condition, in no block yet. */
static struct mach_op compare_op(struct select *s, ir_ref ref)
{
    const struct ir_insn *in = &s->ir->insns[ref];
    struct mach_op op = {.pc = s->pc, .op = SPEC_ALU_NE, .bimm = true};
    uint64_t c;

    if (!is_compare(in)) {
        op.a = select_reg(s, ref);
        return op;
    }
    op.bimm = false;
    op.op = in->alu;
    op.w32 = in->width == 32;
    if (select_const(s, in->args[0], &c) && !select_const(s, in->args[1], &c)) {
        op.op = exchanged(op.op);
        op.a = select_reg(s, in->args[1]);
        select_operand_b(s, &op, in->args[0], in->width);
    } else {
        op.a = select_reg(s, in->args[0]);
        select_operand_b(s, &op, in->args[1], in->width);
    }
    return op;
}

/* A predicate that holds a condition, computed in the block that is being filled. Several
 * selections share one, but no more than SHARED_PREDS_MAX such predicates are made in a block: then
 * the scheduler always finds one of the predicates free for the others, and cannot run into a dead
 * end. */
static uint32_t pick_predicate(struct select *s, ir_ref ref)
{
    struct select_pred *p = &s->preds[ref];
    struct mach_op op;

    if (p->block == s->block + 1 && (p->shared || s->shared_preds < SHARED_PREDS_MAX)) {
        s->shared_preds += !p->shared;
        p->shared = true;
        return p->pred;
    }
    op = compare_op(s, ref);
    op.pdst = s->m->pred_count++;
    select_emit(s, op);
    *p = (struct select_pred){.block = s->block + 1, .pred = op.pdst};
    return op.pdst;
}

static void select_compare(struct select *s, ir_ref ref)
{
    bool invert = false;
    const uint32_t pred = pick_predicate(s, condition(s, ref, &invert));

    select_emit(s, (struct mach_op){.op = UCODE_SEL,
                                    .dst = select_result(s, ref, MACH_ALL_LANES),
                                    .pred = pred,
                                    .pneg = !invert,
                                    .bimm = true,
                                    .imm = 1});
}

static void select_select(struct select *s, ir_ref ref)
{
    const struct ir_insn *in = &s->ir->insns[ref];
    struct mach_op op = {.op = UCODE_SEL, .dst = select_result(s, ref, MACH_ALL_LANES)};
    ir_ref yes = in->args[1];
    ir_ref no = in->args[2];
    bool invert = false;
    uint64_t c;
    uint64_t d;

    op.pred = pick_predicate(s, condition(s, in->args[0], &invert));
    /* the first operand is a register: better a value, or zero */
    if (select_const(s, yes, &c) && (!select_const(s, no, &d) || (c != 0 && d == 0))) {
        yes = in->args[2];
        no = in->args[1];
        invert = !invert;
    }
    op.pneg = invert;
    op.a = select_reg(s, yes);
    select_operand_b(s, &op, no, 64);
    select_emit(s, op);
}

/* --- arithmetic
 * --------------------------------------------------------------------------------------------- */

static void select_alu(struct select *s, ir_ref ref)
{
    const struct ir_insn *in = &s->ir->insns[ref];
    const struct spec_alu_row *row = &spec_alu_table[in->alu];
    struct mach_op op = {.op = in->alu, .w32 = in->width == 32};
    ir_ref first = in->args[0];
    ir_ref second = in->nargs > 1 ? in->args[1] : IR_NONE;
    uint64_t c;

    if (row->cls == SPEC_ALU_CLASS_CMP) {
        select_compare(s, ref);
        return;
    }
    if (row->cls == SPEC_ALU_CLASS_DIV) {
        select_divide(s, ref);
        return;
    }
    if (in->alu == SPEC_ALU_MOV && !op.w32)
        return; /* see select_value */
    if (row->arity == 2 && row->commutative && select_const(s, first, &c)) {
        first = in->args[1];
        second = in->args[0];
    }
    op.dst = select_result(s, ref, ucode_op_lanes(op.op));
    op.a = select_reg(s, first);
    if (row->arity == 2)
        select_operand_b(s, &op, second, in->width);
    select_emit(s, op);
}

static void select_insn(struct select *s, ir_ref ref)
{
    const struct ir_insn *in = &s->ir->insns[ref];

    s->pc = in->pc;
    switch ((enum ir_op)in->op) {
    case IR_INPUT:
        select_emit(s, (struct mach_op){.op = UCODE_IN,
                                        .dst = select_result(s, ref, MACH_ALL_LANES),
                                        .imm = (int32_t)in->imm});
        break;
    case IR_ALU:
        select_alu(s, ref);
        break;
    case IR_SELECT:
        select_select(s, ref);
        break;
    case IR_LOAD:
        select_load(s, ref);
        break;
    case IR_STORE:
        select_store(s, ref);
        break;
    case IR_ATOMIC:
        select_atomic(s, ref);
        break;
    case IR_MAP_LOOKUP:
    case IR_MAP_UPDATE:
    case IR_MAP_DELETE:
        select_map_op(s, ref);
        break;
    case IR_PKT_ZERO:
        select_pkt_zero(s, ref);
        break;
    case IR_NOP:
    case IR_CONST:
    case IR_PHI:
    case IR_JMP:
    case IR_BR:
    case IR_EXIT:
    case IR_OP_COUNT:
        break;
    }
}

/* --- the ends of blocks
 * --------------------------------------------------------------------------------------- */

static bool is_initial_end(const struct select *s, ir_ref ref)
{
    const struct ir_insn *in = &s->ir->insns[select_value(s, ref)];
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

static void emit_out(struct select *s, uint8_t index, ir_ref ref)
{
    struct mach_op op = {.op = UCODE_OUT, .index = index, .effect = true};

    select_operand_b(s, &op, ref, 64);
    select_emit(s, op);
}

/* Writes the outputs that do not keep their initial values. */
static void emit_outs(struct select *s, const ir_ref args[4])
{
    uint64_t c = 0;

    if (!select_const(s, args[1], &c))
        s->m->unknown_headroom = true;
    else if ((int64_t)c < s->m->lowest_byte)
        s->m->lowest_byte = (int32_t)c;
    if (!select_const(s, args[1], &c) || c != SPEC_PKT_BASE)
        emit_out(s, 0, args[1]);
    if (!is_initial_end(s, args[2]))
        emit_out(s, 1, args[2]);
    if (!select_const(s, args[3], &c) || c != 0)
        emit_out(s, 2, args[3]);
}

static void emit_exit(struct select *s, ir_ref ret)
{
    struct mach_op op = {.op = UCODE_EXIT, .effect = true, .pc = s->pc, .block = s->block};

    select_operand_b(s, &op, ret, 32);
    s->m->blocks[s->block].last = mach_new_op(s->m, op);
    s->m->blocks[s->block].term = MACH_TERM_EXIT;
}

static uint32_t exit_block(struct select *s, const ir_ref args[4], uint32_t pc);

/* A selection between two return values is better two exits: one row instead of three. */
static bool end_with_two_exits(struct select *s, ir_ref ret)
{
    const struct ir_insn *in = &s->ir->insns[ret];
    const uint32_t pc = s->pc;
    ir_ref args[4] = {IR_NONE, IR_NONE, IR_NONE, IR_NONE};
    bool invert = false;
    struct mach_op compare;
    uint32_t exits[2];
    uint64_t c;

    if (in->op != IR_SELECT)
        return false;
    for (uint32_t i = 0; i < 2; i++) {
        if (!select_const(s, in->args[1 + i], &c))
            return false;
    }
    compare = compare_op(s, condition(s, in->args[0], &invert));
    for (uint32_t i = 0; i < 2; i++) {
        args[0] = select_value(s, in->args[1 + i]);
        exits[i] = exit_block(s, args, pc);
    }
    compare.block = s->block;
    s->m->blocks[s->block].last = mach_new_op(s->m, compare);
    s->m->blocks[s->block].term = MACH_TERM_BR;
    s->m->blocks[s->block].succ[0] = exits[invert];
    s->m->blocks[s->block].succ[1] = exits[!invert];
    s->m->blocks[s->block].succ_count = 2;
    return true;
}

/* Ends the block that is being filled. */
static void end_with_exit(struct select *s, const ir_ref args[4], uint32_t pc)
{
    s->pc = pc;
    if (args[1] != IR_NONE)
        emit_outs(s, args);
    if (!end_with_two_exits(s, select_value(s, args[0])))
        emit_exit(s, args[0]);
}

/* Whether an IR block does nothing but end the program; then the exit is made for each of its
 * predecessors. */
static bool only_exits(const struct select *s, ir_block block)
{
    const struct ir_block_data *b = &s->ir->blocks[block];

    for (uint32_t i = 0; i + 1 < b->count; i++) {
        const uint8_t op = s->ir->insns[b->insns[i]].op;

        if (op != IR_PHI && op != IR_CONST)
            return false;
    }
    return b->count > 0 && s->ir->insns[b->insns[b->count - 1]].op == IR_EXIT;
}

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

/* The operands of an exit-only block's exit for one edge. */
static void exit_args(const struct select *s, ir_block block, uint32_t edge, ir_ref args[4])
{
    const struct ir_block_data *b = &s->ir->blocks[block];
    const struct ir_insn *exit = &s->ir->insns[b->insns[b->count - 1]];

    for (uint32_t i = 0; i < 4; i++) {
        ir_ref ref = select_value(s, exit->args[i]);
        const struct ir_insn *in = &s->ir->insns[ref];

        if (in->op == IR_PHI && in->block == block)
            ref = select_value(s, in->args[edge]);
        args[i] = ref;
    }
}

/* The block that ends the program with these results; with IR_NONE for the last three, they are set
 * already. */
static uint32_t exit_block(struct select *s, const ir_ref args[4], uint32_t pc)
{
    const uint32_t here = s->block;
    struct select_exit e;

    for (uint32_t i = 0; i < s->exit_count; i++) {
        bool same = true;

        for (uint32_t k = 0; k < 4; k++) {
            uint64_t c = 0;
            uint64_t d = 1;
            const ir_ref x = s->exits[i].args[k];

            same &=
                x == args[k] || (select_const(s, x, &c) && select_const(s, args[k], &d) && c == d);
        }
        if (same)
            return s->exits[i].block;
    }
    for (uint32_t k = 0; k < 4; k++)
        e.args[k] = args[k];
    e.block = mach_new_block(s->m);
    s->block = e.block;
    end_with_exit(s, args, pc);
    s->block = here;
    s->exits =
        arena_grow(s->m->arena, s->exits, s->exit_count, &s->exit_capacity, sizeof(*s->exits));
    s->exits[s->exit_count++] = e;
    return e.block;
}

static void add_copies(struct select *s, uint32_t block, ir_block to, uint32_t edge)
{
    const struct ir_block_data *t = &s->ir->blocks[to];

    for (uint32_t i = 0; i < t->count && s->ir->insns[t->insns[i]].op == IR_PHI; i++) {
        const struct ir_insn *phi = &s->ir->insns[t->insns[i]];
        const ir_ref src = select_value(s, phi->args[edge]);
        struct mach_copy copy = {
            .dst = select_reg(s, t->insns[i]), .src.reg = MACH_NONE, .pc = phi->pc};

        if (!select_const(s, src, &copy.src.value))
            copy.src.reg = select_reg(s, src);
        else if (!mach_const_is_single(copy.src.value))
            copy.src.reg = select_const_reg(s, copy.src.value);
        if (copy.src.reg != copy.dst)
            mach_add_copy(s->m, block, copy);
    }
}

/* The machine block that an edge of a two-way branch leads to. */
static uint32_t branch_target(struct select *s, ir_block from, uint32_t succ)
{
    const ir_block to = s->ir->blocks[from].succ[succ];
    const uint32_t edge = edge_index(s, from, succ);
    const struct ir_block_data *t = &s->ir->blocks[to];
    ir_ref args[4];
    uint32_t split;

    if (only_exits(s, to)) {
        exit_args(s, to, edge, args);
        return exit_block(s, args, s->ir->insns[t->insns[t->count - 1]].pc);
    }
    if (s->ir->insns[t->insns[0]].op != IR_PHI)
        return to;
    split = mach_new_block(s->m);
    s->m->blocks[split].term = MACH_TERM_JMP;
    s->m->blocks[split].succ[0] = to;
    s->m->blocks[split].succ_count = 1;
    add_copies(s, split, to, edge);
    return split;
}

static void end_with_branch(struct select *s, ir_block from)
{
    const struct ir_block_data *b = &s->ir->blocks[from];
    bool invert = false;
    const ir_ref ref = condition(s, s->ir->insns[b->insns[b->count - 1]].args[0], &invert);
    const struct mach_op compare = compare_op(s, ref);
    const uint32_t yes = branch_target(s, from, 0);
    const uint32_t no = branch_target(s, from, 1);
    struct mach_block *out;

    if (yes == no) { /* the same exit */
        out = &s->m->blocks[s->block];
        out->term = MACH_TERM_JMP;
        out->succ[0] = yes;
        out->succ_count = 1;
        return;
    }
    out = &s->m->blocks[s->block];
    out->term = MACH_TERM_BR;
    out->succ[0] = invert ? no : yes;
    out->succ[1] = invert ? yes : no;
    out->succ_count = 2;
    out->last = mach_new_op(s->m, compare);
    s->m->ops[out->last].block = s->block;
}

static void end_block(struct select *s, ir_block from)
{
    const struct ir_block_data *b = &s->ir->blocks[from];
    const struct ir_insn *last = &s->ir->insns[b->insns[b->count - 1]];
    ir_ref args[4];

    s->pc = last->pc;
    if (last->op == IR_EXIT) {
        for (uint32_t i = 0; i < 4; i++)
            args[i] = last->args[i];
        end_with_exit(s, args, last->pc);
    } else if (last->op == IR_BR) {
        end_with_branch(s, from);
    } else if (only_exits(s, b->succ[0])) {
        const struct ir_block_data *t = &s->ir->blocks[b->succ[0]];

        exit_args(s, b->succ[0], edge_index(s, from, 0), args);
        end_with_exit(s, args, s->ir->insns[t->insns[t->count - 1]].pc);
    } else {
        s->m->blocks[s->block].term = MACH_TERM_JMP;
        s->m->blocks[s->block].succ[0] = b->succ[0];
        s->m->blocks[s->block].succ_count = 1;
        add_copies(s, s->block, b->succ[0], edge_index(s, from, 0));
    }
}

/* A result of a long operation that nobody wants needs no slot. */
static void drop_unused_results(struct mach *m)
{
    for (uint32_t i = 0; i < m->rpo_count; i++) {
        const struct mach_block *b = &m->blocks[m->rpo[i]];

        for (uint32_t k = 0; k < b->count; k++) {
            struct mach_op *op = &m->ops[b->ops[k]];

            if (op->op == UCODE_RES && m->vregs[op->dst].uses == 0) {
                op->op = MACH_AWAIT;
                op->dst = 0;
            } else if (op->op == UCODE_ATMAP && op->dst != 0 && m->vregs[op->dst].uses == 0) {
                op->dst = 0;
            }
        }
    }
    mach_count_uses(m);
}

void mach_select(struct mach *m)
{
    struct select s = {.m = m, .ir = m->ir};

    s.regs = arena_array(m->arena, m->ir->insn_count, sizeof(*s.regs));
    s.preds = arena_array(m->arena, m->ir->insn_count, sizeof(*s.preds));
    for (uint32_t i = 0; i < m->ir->insn_count; i++)
        s.regs[i] = MACH_NONE;
    mach_new_reg(m, 0);                  /* register 0 */
    mach_new_op(m, (struct mach_op){0}); /* operation 0 is not used */
    m->pred_count = 1;
    m->lowest_byte = SPEC_PKT_BASE;
    for (uint32_t b = 0; b < m->ir->block_count; b++)
        mach_new_block(m);
    for (uint32_t b = 0; b < m->ir->block_count; b++) {
        const struct ir_block_data *from = &m->ir->blocks[b];

        s.block = b;
        s.shared_preds = 0;
        m->blocks[b].trip_max = from->trip_max;
        if (only_exits(&s, b) && b != 0)
            continue; /* made with its predecessors */
        for (uint32_t i = 0; i < from->count; i++)
            select_insn(&s, from->insns[i]);
        end_block(&s, b);
    }
    mach_analyse_flow(m);
    mach_remove_dead(m);
    drop_unused_results(m);
}
