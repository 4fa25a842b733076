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

void select_operand_const(struct select *s, struct mach_op *op, uint64_t value, uint32_t width)
{
    if (width == 32)
        value = (uint64_t)(int64_t)(int32_t)(uint32_t)value;
    if (mach_imm_fits(value)) {
        op->bimm = true;
        op->imm = (int32_t)value;
    } else {
        op->b = select_const_reg(s, value);
    }
}

void select_operand_b(struct select *s, struct mach_op *op, ir_ref ref, uint32_t width)
{
    uint64_t c;

    if (select_const(s, ref, &c))
        select_operand_const(s, op, c, width);
    else
        op->b = select_reg(s, ref);
}

/* --- compares --- */

static bool is_compare(const struct ir_insn *in)
{
    return in->op == IR_ALU && spec_alu_table[in->alu].cls == SPEC_ALU_CLASS_CMP;
}

ir_ref select_condition(const struct select *s, ir_ref ref, bool *invert)
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

struct mach_op select_compare(struct select *s, ir_ref ref)
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
        op.op = spec_alu_table[op.op].swapped;
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
    op = select_compare(s, ref);
    op.pdst = s->m->pred_count++;
    select_emit(s, op);
    *p = (struct select_pred){.block = s->block + 1, .pred = op.pdst};
    return op.pdst;
}

static void select_compared(struct select *s, ir_ref ref)
{
    bool invert = false;
    const uint32_t pred = pick_predicate(s, select_condition(s, ref, &invert));

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

    op.pred = pick_predicate(s, select_condition(s, in->args[0], &invert));
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

/* --- arithmetic --- */

static void select_alu(struct select *s, ir_ref ref)
{
    const struct ir_insn *in = &s->ir->insns[ref];
    const struct spec_alu_row *row = &spec_alu_table[in->alu];
    struct mach_op op = {.op = in->alu, .w32 = in->width == 32};
    ir_ref first = in->args[0];
    ir_ref second = in->nargs > 1 ? in->args[1] : IR_NONE;
    uint64_t c;

    if (row->cls == SPEC_ALU_CLASS_CMP) {
        select_compared(s, ref);
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
    case IR_MAP_USE:
    case IR_MAP_UPDATE:
    case IR_MAP_DELETE:
        select_map_op(s, ref);
        break;
    case IR_PKT_ZERO:
        select_pkt_zero(s, ref);
        break;
    case IR_HOST:
        select_emit(s, (struct mach_op){.op = UCODE_OUT,
                                        .index = UCODE_OUT_HOLD,
                                        .bimm = true,
                                        .imm = 1,
                                        .effect = true,
                                        .need = s->m->need[ref]});
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

    s.dom = ir_dominators(m->arena, m->ir);
    s.late = arena_array(m->arena, m->ir->insn_count, sizeof(*s.late));
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
        for (uint32_t i = 0; i < from->count; i++)
            select_insn(&s, from->insns[i]);
        select_end(&s, b);
    }
    mach_analyse_flow(m);
    mach_remove_dead(m);
    drop_unused_results(m);
}
