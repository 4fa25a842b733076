/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/select.h"

#include <assert.h>

/* Addresses. The arithmetic behind one is taken apart into a sum of values times constants, and put
 * together so that what is known late is added last; the constant part goes into the access. An
 * element of a per-CPU array, for example, costs a shift and an addition after its index is known.
 */

enum { TERM_DEPTH = 8, LATE_DEPTH = 64, LOOKUP_ROWS = 4 };

struct linear {
    struct select_term terms[SELECT_TERMS];
    uint32_t count;
    uint64_t constant;
};

static bool add_term(struct linear *l, ir_ref ref, uint64_t factor)
{
    for (uint32_t i = 0; i < l->count; i++) {
        if (l->terms[i].ref == ref) {
            l->terms[i].factor += factor;
            return true;
        }
    }
    if (l->count == SELECT_TERMS)
        return false;
    l->terms[l->count++] = (struct select_term){ref, factor};
    return true;
}

/* Adds factor times a value to a sum. False if it becomes too long; then the sum is not to be used.
 */
static bool collect(const struct select *s, struct linear *l, ir_ref ref, uint64_t factor,
                    uint32_t depth)
{
    const struct ir_insn *in = &s->ir->insns[ref = select_value(s, ref)];
    struct linear before = *l;
    uint64_t c = 0;

    if (select_const(s, ref, &c)) {
        l->constant += factor * c;
        return true;
    }
    if (depth > 0 && in->op == IR_ALU && in->width == 64) {
        const bool by_const = in->nargs == 2 && select_const(s, in->args[1], &c);
        bool fits = false;

        if (in->alu == SPEC_ALU_ADD)
            fits = collect(s, l, in->args[0], factor, depth - 1) &&
                   collect(s, l, in->args[1], factor, depth - 1);
        else if (in->alu == SPEC_ALU_SUB && by_const)
            fits = collect(s, l, in->args[0], factor, depth - 1) &&
                   collect(s, l, in->args[1], 0 - factor, depth - 1);
        else if (in->alu == SPEC_ALU_SHL && by_const)
            fits = collect(s, l, in->args[0], factor << (c & 63), depth - 1);
        else if (in->alu == SPEC_ALU_MUL && by_const)
            fits = collect(s, l, in->args[0], factor * c, depth - 1);
        if (fits)
            return true;
        *l = before;
    }
    return add_term(l, ref, factor);
}

/* Rows until a value is known, roughly. */
static uint32_t lateness(struct select *s, ir_ref ref, uint32_t depth)
{
    const struct ir_insn *in = &s->ir->insns[ref];
    uint32_t most = 0;

    if (in->op == IR_PHI || in->op == IR_CONST || depth == 0)
        return 0;
    if (s->late[ref] != 0)
        return s->late[ref];
    for (uint32_t i = 0; i < in->nargs; i++) {
        const uint32_t n = lateness(s, in->args[i], depth - 1);

        if (n > most)
            most = n;
    }
    s->late[ref] = (uint16_t)(most + (ir_is_lookup(in) ? LOOKUP_ROWS : 1));
    return s->late[ref];
}

/* --- sums --- */

struct part {
    mach_reg reg;
    uint32_t late;
};

static struct part scaled(struct select *s, const struct select_term *t)
{
    struct part p = {select_reg(s, t->ref), lateness(s, t->ref, LATE_DEPTH)};
    struct mach_op op = {.a = p.reg};

    if (t->factor == 1)
        return p;
    if ((t->factor & (t->factor - 1)) == 0) {
        op.op = SPEC_ALU_SHL;
        op.bimm = true;
        op.imm = __builtin_ctzll(t->factor);
    } else {
        op.op = SPEC_ALU_MUL;
        select_operand_const(s, &op, t->factor, 64);
    }
    op.dst = select_temp(s, ucode_op_lanes(op.op));
    select_emit(s, op);
    return (struct part){op.dst, p.late + 1};
}

static struct part take_earliest(struct part *parts, uint32_t *count)
{
    uint32_t best = 0;
    struct part p;

    for (uint32_t i = 1; i < *count; i++) {
        if (parts[i].late < parts[best].late)
            best = i;
    }
    p = parts[best];
    parts[best] = parts[--*count];
    return p;
}

static mach_reg sum(struct select *s, const struct linear *l, uint64_t high)
{
    struct part parts[SELECT_TERMS + 1];
    uint32_t count = 0;

    for (uint32_t i = 0; i < l->count; i++) {
        if (l->terms[i].factor != 0)
            parts[count++] = scaled(s, &l->terms[i]);
    }
    if (high != 0)
        parts[count++] = (struct part){select_const_reg(s, high), 0};
    if (count == 0)
        return 0;
    while (count > 1) {
        const struct part x = take_earliest(parts, &count);
        const struct part y = take_earliest(parts, &count);
        const mach_reg dst = select_temp(s, MACH_ALL_LANES);

        select_emit(s, (struct mach_op){.op = SPEC_ALU_ADD, .dst = dst, .a = x.reg, .b = y.reg});
        parts[count++] = (struct part){dst, (x.late > y.late ? x.late : y.late) + 1};
    }
    return parts[0].reg;
}

static bool same_sum(const struct select_sum *x, const struct linear *l, uint64_t high)
{
    if (x->count != l->count || x->high != high)
        return false;
    for (uint32_t i = 0; i < l->count; i++) {
        if (x->terms[i].ref != l->terms[i].ref || x->terms[i].factor != l->terms[i].factor)
            return false;
    }
    return true;
}

/* The register of a sum, perhaps one that a dominating block has computed. */
static mach_reg sum_reg(struct select *s, const struct linear *l, uint64_t high)
{
    struct select_sum new_sum = {.count = l->count, .high = high, .block = s->block};

    for (uint32_t i = 0; i < s->sum_count; i++) {
        if (same_sum(&s->sums[i], l, high) && ir_dominates(&s->dom, s->sums[i].block, s->block))
            return s->sums[i].reg;
    }
    for (uint32_t i = 0; i < l->count; i++)
        new_sum.terms[i] = l->terms[i];
    new_sum.reg = sum(s, l, high);
    s->sums = arena_grow(s->m->arena, s->sums, s->sum_count, &s->sum_capacity, sizeof(*s->sums));
    s->sums[s->sum_count++] = new_sum;
    return new_sum.reg;
}

struct select_address select_address(struct select *s, const struct ir_insn *in)
{
    struct linear l = {.constant = in->imm};
    struct select_address where;
    uint64_t high;

    if (!collect(s, &l, in->args[0], 1, TERM_DEPTH)) {
        l = (struct linear){.constant = in->imm};
        add_term(&l, select_value(s, in->args[0]), 1);
    }
    where.imm = (int32_t)(uint32_t)l.constant;
    high = l.constant - (uint64_t)(int64_t)where.imm;
    where.base = sum_reg(s, &l, high);
    where.absolute = where.base == 0;
    return where;
}
