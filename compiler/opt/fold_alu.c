/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/fold.h"

/* Rules for arithmetic that is not a compare. */

static const uint64_t low32 = UINT32_MAX;

static bool is_const(const struct fold *c, ir_ref r, uint64_t *v)
{
    return opt_is_const(c->f, r, v);
}

static bool is_commutative(enum spec_alu alu)
{
    return spec_alu_table[alu].commutative;
}

static bool is_power_of_two(uint64_t v)
{
    return v && (v & (v - 1)) == 0;
}

/* x at the instruction's width: x itself if nothing is cut off. */
static ir_ref whole(struct fold *c, ir_ref r, ir_ref x)
{
    if (c->f->insns[r].width == 64 || fold_max(c, x) <= low32)
        return x;
    if (c->f->insns[r].alu != SPEC_ALU_MOV)
        fold_become(c, r, SPEC_ALU_MOV, 32, x, IR_NONE);
    return IR_NONE;
}

static ir_ref constant(struct fold *c, uint64_t v)
{
    return opt_const(c->f, v);
}

/* --- one operand -------------------------------------------------------------------------- */

/* Swapping twice, and extensions of values that are short enough. */
static ir_ref fold_unary(struct fold *c, ir_ref r)
{
    const struct ir_insn *in = &c->f->insns[r];
    const struct ir_insn *x = &c->f->insns[in->args[0]];
    const uint64_t max = fold_max(c, in->args[0]);

    switch (in->alu) {
    case SPEC_ALU_MOV:
        return whole(c, r, in->args[0]);
    case SPEC_ALU_SEXT8:
        return max < 0x80 ? in->args[0] : IR_NONE;
    case SPEC_ALU_SEXT16:
        return max < 0x8000 ? in->args[0] : IR_NONE;
    case SPEC_ALU_SEXT32:
        return max < UINT64_C(0x80000000) ? in->args[0] : IR_NONE;
    case SPEC_ALU_BSWAP16:
    case SPEC_ALU_BSWAP32:
    case SPEC_ALU_BSWAP64:
        if (x->op != IR_ALU || x->alu != in->alu)
            return IR_NONE;
        if (in->alu == SPEC_ALU_BSWAP64)
            return x->args[0];
        fold_become(c, r, SPEC_ALU_AND, 64, x->args[0],
                    constant(c, in->alu == SPEC_ALU_BSWAP16 ? 0xffff : low32));
        return IR_NONE;
    default: /* arithmetic of two operands */
        return IR_NONE;
    }
}

/* Operands of 32-bit arithmetic lose what only sets their upper halves. */
static void strip_operands(struct fold *c, ir_ref r)
{
    struct ir_insn *in = &c->f->insns[r];

    if (in->width != 32)
        return;
    for (uint32_t a = 0; a < in->nargs; a++) {
        const struct ir_insn *x = &c->f->insns[in->args[a]];
        uint64_t mask;

        if (x->op != IR_ALU)
            continue;
        if ((x->alu == SPEC_ALU_MOV && x->width == 32) || x->alu == SPEC_ALU_SEXT32 ||
            (x->alu == SPEC_ALU_AND && x->width == 64 && is_const(c, x->args[1], &mask) &&
             (mask & low32) == low32)) {
            in->args[a] = x->args[0];
            c->changed = true;
        }
    }
}

/* --- two operands ------------------------------------------------------------------------- */

/* The same operand twice. */
static ir_ref fold_same(struct fold *c, ir_ref r)
{
    const struct ir_insn *in = &c->f->insns[r];

    switch (in->alu) {
    case SPEC_ALU_SUB:
    case SPEC_ALU_XOR:
        return constant(c, 0);
    case SPEC_ALU_AND:
    case SPEC_ALU_OR:
        return whole(c, r, in->args[0]);
    default: /* nothing special */
        return IR_NONE;
    }
}

/* x op v, where the constant alone says what to do. */
static ir_ref fold_with_const(struct fold *c, ir_ref r, uint64_t v)
{
    const struct ir_insn *in = &c->f->insns[r];
    const ir_ref x = in->args[0];
    const uint8_t width = in->width;
    const uint64_t max = fold_max(c, x);
    const uint64_t all = width == 64 ? UINT64_MAX : low32;

    v &= all;
    switch (in->alu) {
    case SPEC_ALU_SUB:
        /* Negative in 64 bits also at width 32: ranges know this form. */
        fold_become(c, r, SPEC_ALU_ADD, width, x,
                    constant(c, width == 64 ? 0 - v : (uint64_t) - (int64_t)(int32_t)v));
        return IR_NONE;
    case SPEC_ALU_ADD:
    case SPEC_ALU_XOR:
        return v == 0 ? whole(c, r, x) : IR_NONE;
    case SPEC_ALU_OR:
        return v == 0 ? whole(c, r, x) : v == all ? constant(c, all) : IR_NONE;
    case SPEC_ALU_AND:
        if (v == 0)
            return constant(c, 0);
        /* A mask without holes below the value's highest bit. */
        if ((v & (v + 1)) == 0 && (max <= v || (width == 32 && v == low32)))
            return whole(c, r, x);
        return IR_NONE;
    case SPEC_ALU_SHL:
    case SPEC_ALU_LSHR:
    case SPEC_ALU_ASHR:
        return (v & (width - 1)) == 0 ? whole(c, r, x) : IR_NONE;
    case SPEC_ALU_MUL:
        if (v <= 1)
            return v ? whole(c, r, x) : constant(c, 0);
        if (is_power_of_two(v))
            fold_become(c, r, SPEC_ALU_SHL, width, x, constant(c, (uint64_t)__builtin_ctzll(v)));
        return IR_NONE;
    case SPEC_ALU_UDIV:
        if (v <= 1)
            return v ? whole(c, r, x) : constant(c, 0);
        if (is_power_of_two(v))
            fold_become(c, r, SPEC_ALU_LSHR, width, x, constant(c, (uint64_t)__builtin_ctzll(v)));
        return IR_NONE;
    case SPEC_ALU_UMOD:
        if (v <= 1)
            return v ? constant(c, 0) : whole(c, r, x);
        if (is_power_of_two(v))
            fold_become(c, r, SPEC_ALU_AND, width, x, constant(c, v - 1));
        return IR_NONE;
    default: /* nothing special */
        return IR_NONE;
    }
}

/* (x op v1) op v2 */
static void fold_nested(struct fold *c, ir_ref r, uint64_t v2)
{
    const struct ir_insn *in = &c->f->insns[r];
    const struct ir_insn *x = &c->f->insns[in->args[0]];
    const uint8_t width = in->width;
    uint64_t v1;

    if (x->op != IR_ALU || x->alu != in->alu || x->width != width || x->nargs != 2 ||
        !is_const(c, x->args[1], &v1))
        return;
    switch (in->alu) {
    case SPEC_ALU_ADD:
        v1 += v2;
        fold_become(c, r, SPEC_ALU_ADD, width, x->args[0],
                    constant(c, width == 64 ? v1 : (uint64_t)(int64_t)(int32_t)v1));
        return;
    case SPEC_ALU_AND:
    case SPEC_ALU_OR:
    case SPEC_ALU_XOR:
        fold_become(c, r, (enum spec_alu)in->alu, width, x->args[0],
                    constant(c, spec_alu_eval((enum spec_alu)in->alu, 64, v1, v2)));
        return;
    case SPEC_ALU_SHL:
    case SPEC_ALU_LSHR:
        v1 = (v1 & (width - 1u)) + (v2 & (width - 1u));
        if (v1 < width)
            fold_become(c, r, (enum spec_alu)in->alu, width, x->args[0], constant(c, v1));
        return;
    default: /* not associative */
        return;
    }
}

/* ((x >> v) & m) << v */
static void fold_window(struct fold *c, ir_ref r, uint64_t v)
{
    const struct ir_insn *in = &c->f->insns[r];
    const struct ir_insn *x = &c->f->insns[in->args[0]];
    const struct ir_insn *y = &c->f->insns[x->args[0]];
    uint64_t mask;
    uint64_t v1;

    if (y->op == IR_ALU && y->alu == SPEC_ALU_LSHR && y->width == 64 &&
        is_const(c, x->args[1], &mask) && is_const(c, y->args[1], &v1) && v < 64 && v1 == v)
        fold_become(c, r, SPEC_ALU_AND, 64, y->args[0], constant(c, mask << v));
}

/* Shifts there and back are masks; a mask may cover all that a shift leaves. */
static ir_ref fold_mask(struct fold *c, ir_ref r, uint64_t v)
{
    const struct ir_insn *in = &c->f->insns[r];
    const struct ir_insn *x = &c->f->insns[in->args[0]];
    uint64_t v1;

    if (in->width != 64 || x->op != IR_ALU || x->width != 64 || x->nargs != 2 ||
        !is_const(c, x->args[1], &v1))
        return IR_NONE;
    if (in->alu == SPEC_ALU_LSHR && x->alu == SPEC_ALU_SHL && (v & 63) == (v1 & 63)) {
        fold_become(c, r, SPEC_ALU_AND, 64, x->args[0], constant(c, UINT64_MAX >> (v & 63)));
    } else if (in->alu == SPEC_ALU_SHL && x->alu == SPEC_ALU_LSHR && (v & 63) == (v1 & 63)) {
        fold_become(c, r, SPEC_ALU_AND, 64, x->args[0], constant(c, UINT64_MAX << (v & 63)));
    } else if (in->alu == SPEC_ALU_SHL && x->alu == SPEC_ALU_AND) {
        fold_window(c, r, v);
    } else if (in->alu == SPEC_ALU_AND && x->alu == SPEC_ALU_SHL) {
        const uint64_t covered = v | ((UINT64_C(1) << (v1 & 63)) - 1);

        if ((covered & (covered + 1)) == 0 && fold_max(c, in->args[0]) <= covered)
            return in->args[0];
    }
    return IR_NONE;
}

/* (x & ~m) | (x & m), as stack bytes that are taken apart and put together again leave it. */
static ir_ref fold_reunion(struct fold *c, ir_ref r)
{
    const struct ir_insn *in = &c->f->insns[r];
    const struct ir_insn *x = &c->f->insns[in->args[0]];
    const struct ir_insn *y = &c->f->insns[in->args[1]];
    uint64_t mx;
    uint64_t my;

    if (in->alu != SPEC_ALU_OR || in->width != 64 || x->op != IR_ALU || y->op != IR_ALU)
        return IR_NONE;
    if (x->alu != SPEC_ALU_AND || y->alu != SPEC_ALU_AND || x->width != 64 || y->width != 64 ||
        x->args[0] != y->args[0] || !is_const(c, x->args[1], &mx) || !is_const(c, y->args[1], &my))
        return IR_NONE;
    if ((mx | my) == UINT64_MAX || fold_max(c, x->args[0]) <= ((mx | my) & ~((mx | my) + 1)))
        return x->args[0];
    fold_become(c, r, SPEC_ALU_AND, 64, x->args[0], constant(c, mx | my));
    return IR_NONE;
}

/* 32-bit arithmetic that can't be told from 64-bit arithmetic becomes that: fewer forms to compare.
 */
static void widen(struct fold *c, ir_ref r)
{
    struct ir_insn *in = &c->f->insns[r];
    const struct opt_range a = fold_range(c, in->args[0]);
    const struct opt_range b = fold_range(c, in->args[1]);
    bool same = false;

    if (in->width != 32 || a.max > low32)
        return;
    switch (in->alu) {
    case SPEC_ALU_ADD:
        same = b.max <= low32 && a.max + b.max <= low32;
        same |= b.min == b.max && (int64_t)b.min < 0 && a.min >= 0 - b.min;
        break;
    case SPEC_ALU_SUB:
        same = a.min >= b.max;
        break;
    case SPEC_ALU_AND:
        same = true;
        break;
    case SPEC_ALU_OR:
    case SPEC_ALU_XOR:
    case SPEC_ALU_UDIV:
    case SPEC_ALU_UMOD:
        same = b.max <= low32;
        break;
    case SPEC_ALU_MUL:
        same = b.max <= low32 && a.max * b.max <= low32;
        break;
    case SPEC_ALU_SHL:
        same = b.min == b.max && b.max < 32 && a.max << b.max <= low32;
        break;
    case SPEC_ALU_LSHR:
        same = b.max < 32;
        break;
    default: /* differs, or not worth it */
        break;
    }
    if (!same)
        return;
    in->width = 64;
    c->changed = true;
}

ir_ref fold_alu(struct fold *c, ir_ref r)
{
    struct ir_insn *in = &c->f->insns[r];
    const bool binary = in->nargs == 2;
    uint64_t vx;
    uint64_t vy = 0;
    const bool right = binary && is_const(c, in->args[1], &vy);
    ir_ref same;

    if (is_const(c, in->args[0], &vx) && (!binary || right))
        return constant(c, spec_alu_eval((enum spec_alu)in->alu, in->width, vx, vy));
    strip_operands(c, r);
    if (!binary)
        return fold_unary(c, r);
    if (!right && is_commutative((enum spec_alu)in->alu) && is_const(c, in->args[0], &vy)) {
        in->args[0] = in->args[1];
        in->args[1] = constant(c, vy);
        c->changed = true;
        return IR_NONE;
    }
    if (in->args[0] == in->args[1]) {
        same = fold_same(c, r);
        if (same != IR_NONE || c->changed)
            return same;
    }
    same = right ? fold_with_const(c, r, vy) : IR_NONE;
    if (same == IR_NONE && right && !c->changed)
        fold_nested(c, r, vy);
    if (same == IR_NONE && right && !c->changed)
        same = fold_mask(c, r, vy);
    if (same == IR_NONE && !c->changed)
        same = fold_reunion(c, r);
    if (same == IR_NONE && !c->changed)
        widen(c, r);
    return same;
}
