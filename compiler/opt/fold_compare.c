/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/fold.h"

/* Rules for compares. The bounds check of a packet ends as a compare of the packet's length with a
 * constant. */

static const uint64_t low32 = UINT32_MAX;

/* x + v without wrapping, for unsigned compares. */
static bool is_plain_sum(const struct fold *c, ir_ref r, ir_ref *x, int64_t *v)
{
    const struct ir_insn *in = &c->f->insns[r];
    struct opt_range range;
    uint64_t k;

    if (in->op != IR_ALU || in->alu != SPEC_ALU_ADD || in->width != 64 ||
        !opt_is_const(c->f, in->args[1], &k))
        return false;
    range = fold_range(c, in->args[0]);
    *x = in->args[0];
    *v = (int64_t)k;
    if (*v < 0)
        return range.min >= 0 - k;
    return range.max <= UINT64_MAX - k;
}

/* (x + v1) op v2 */
static ir_ref fold_sum(struct fold *c, ir_ref r, uint64_t v2)
{
    const struct ir_insn *in = &c->f->insns[r];
    const bool equal = in->alu == SPEC_ALU_EQ || in->alu == SPEC_ALU_NE;
    const bool is_signed = in->alu >= SPEC_ALU_SGT && in->alu <= SPEC_ALU_SLE;
    uint64_t wanted;
    int64_t v1;
    ir_ref x;

    if (in->width != 64 || in->alu == SPEC_ALU_SET || is_signed ||
        !is_plain_sum(c, in->args[0], &x, &v1))
        return IR_NONE;
    wanted = v2 - (uint64_t)v1;
    /* No wrap on the right side either; else bounds decide the compare. */
    if (!equal && (v1 >= 0 ? v2 < (uint64_t)v1 : wanted < v2))
        return IR_NONE;
    fold_become(c, r, (enum spec_alu)in->alu, 64, x, opt_const(c->f, wanted));
    return IR_NONE;
}

/* (x + v) op (y + v) */
static void fold_sums(struct fold *c, ir_ref r)
{
    const struct ir_insn *in = &c->f->insns[r];
    int64_t vx;
    int64_t vy;
    ir_ref x;
    ir_ref y;

    if (in->width == 64 && in->alu <= SPEC_ALU_ULE && is_plain_sum(c, in->args[0], &x, &vx) &&
        is_plain_sum(c, in->args[1], &y, &vy) && vx == vy)
        fold_become(c, r, (enum spec_alu)in->alu, 64, x, y);
}

/* Compares of a compare's result with a constant. */
static ir_ref fold_of_bool(struct fold *c, ir_ref r, uint64_t v)
{
    const struct ir_insn *in = &c->f->insns[r];
    const ir_ref x = in->args[0];
    const struct ir_insn *inner = &c->f->insns[x];
    enum spec_alu inverse;
    bool truth;

    if ((in->alu != SPEC_ALU_EQ && in->alu != SPEC_ALU_NE) || v > 1 || fold_max(c, x) > 1)
        return IR_NONE;
    truth = (in->alu == SPEC_ALU_EQ) == (v == 1);
    if (truth)
        return x;
    if (!opt_is_compare(inner)) {
        if (v == 1) /* b != 1 */
            fold_become(c, r, SPEC_ALU_EQ, 64, x, opt_const(c->f, 0));
        return IR_NONE;
    }
    inverse = opt_compare_inverse((enum spec_alu)inner->alu);
    if (inverse != SPEC_ALU_NONE)
        fold_become(c, r, inverse, inner->width, inner->args[0], inner->args[1]);
    return IR_NONE;
}

/* A select of two values each of which decides the compare. */
static ir_ref fold_of_select(struct fold *c, ir_ref r)
{
    const struct ir_insn *in = &c->f->insns[r];
    const struct ir_insn *s = &c->f->insns[in->args[0]];
    const struct opt_range right = fold_range(c, in->args[1]);
    ir_ref zero;
    int yes;
    int no;

    if (s->op != IR_SELECT)
        return IR_NONE;
    yes = opt_decide((enum spec_alu)in->alu, in->width, fold_range(c, s->args[1]), right);
    no = opt_decide((enum spec_alu)in->alu, in->width, fold_range(c, s->args[2]), right);
    if (yes < 0 || no < 0)
        return IR_NONE;
    if (yes == no)
        return opt_const(c->f, (uint64_t)yes);
    zero = opt_const(c->f, 0);
    s = &c->f->insns[c->f->insns[r].args[0]];
    if (yes && fold_max(c, s->args[0]) <= 1)
        return s->args[0];
    fold_become(c, r, yes ? SPEC_ALU_NE : SPEC_ALU_EQ, 64, s->args[0], zero);
    return IR_NONE;
}

/* Equality of a swapped value with a constant needs no swap. */
static void fold_of_swap(struct fold *c, ir_ref r, uint64_t v)
{
    const struct ir_insn *in = &c->f->insns[r];
    const struct ir_insn *x = &c->f->insns[in->args[0]];
    uint64_t limit;

    if ((in->alu != SPEC_ALU_EQ && in->alu != SPEC_ALU_NE) || x->op != IR_ALU)
        return;
    if (x->alu != SPEC_ALU_BSWAP16 && x->alu != SPEC_ALU_BSWAP32 && x->alu != SPEC_ALU_BSWAP64)
        return;
    limit = x->alu == SPEC_ALU_BSWAP16 ? 0xffff : x->alu == SPEC_ALU_BSWAP32 ? low32 : UINT64_MAX;
    if (in->width == 32)
        v &= low32;
    if (fold_max(c, x->args[0]) > limit || v > limit ||
        (in->width == 32 && x->alu == SPEC_ALU_BSWAP64))
        return;
    fold_become(c, r, (enum spec_alu)in->alu, 64, x->args[0],
                opt_const(c->f, spec_alu_eval((enum spec_alu)x->alu, 64, v, 0)));
}

/* One form for compares with what lies next to the constant, and for those that only equality is
 * left of. */
static void fold_neighbours(struct fold *c, ir_ref r, uint64_t v)
{
    const struct ir_insn *in = &c->f->insns[r];
    const struct opt_range a = fold_range(c, in->args[0]);
    const uint64_t all = in->width == 64 ? UINT64_MAX : low32;

    v &= all;
    if (in->alu == SPEC_ALU_UGE && v)
        fold_become(c, r, SPEC_ALU_UGT, in->width, in->args[0], opt_const(c->f, v - 1));
    else if (in->alu == SPEC_ALU_ULE && v < all)
        fold_become(c, r, SPEC_ALU_ULT, in->width, in->args[0], opt_const(c->f, v + 1));
    else if (in->alu == SPEC_ALU_UGT && a.max <= all && a.min == v)
        fold_become(c, r, SPEC_ALU_NE, in->width, in->args[0], opt_const(c->f, v));
    else if (in->alu == SPEC_ALU_UGT && a.max <= all && v + 1 == a.max)
        fold_become(c, r, SPEC_ALU_EQ, in->width, in->args[0], opt_const(c->f, v + 1));
    else if (in->alu == SPEC_ALU_ULT && a.max <= all && a.max == v)
        fold_become(c, r, SPEC_ALU_NE, in->width, in->args[0], opt_const(c->f, v));
    else if (in->alu == SPEC_ALU_ULT && a.max <= all && v == a.min + 1)
        fold_become(c, r, SPEC_ALU_EQ, in->width, in->args[0], opt_const(c->f, v - 1));
}

/* Signed compares of values that are not negative are unsigned; 32-bit ones of short values are
 * 64-bit ones. */
static void fold_kind(struct fold *c, ir_ref r)
{
    struct ir_insn *in = &c->f->insns[r];
    const uint64_t a = fold_max(c, in->args[0]);
    const uint64_t b = fold_max(c, in->args[1]);
    const bool is_signed = in->alu >= SPEC_ALU_SGT && in->alu <= SPEC_ALU_SLE;
    const uint64_t half = in->width == 64 ? INT64_MAX : INT32_MAX;

    if (is_signed && a <= half && b <= half) {
        in->alu = (uint8_t)(in->alu - SPEC_ALU_SGT + SPEC_ALU_UGT);
        c->changed = true;
    }
    if (in->width == 32 && a <= low32 && b <= low32 && (!is_signed || (a <= half && b <= half))) {
        in->width = 64;
        c->changed = true;
    }
}

static void strip_operands(struct fold *c, ir_ref r)
{
    struct ir_insn *in = &c->f->insns[r];

    for (uint32_t a = 0; in->width == 32 && a < 2; a++) {
        const struct ir_insn *x = &c->f->insns[in->args[a]];

        if (x->op == IR_ALU &&
            ((x->alu == SPEC_ALU_MOV && x->width == 32) || x->alu == SPEC_ALU_SEXT32)) {
            in->args[a] = x->args[0];
            c->changed = true;
        }
    }
}

ir_ref fold_compare(struct fold *c, ir_ref r)
{
    struct ir_insn *in = &c->f->insns[r];
    uint64_t vx;
    uint64_t vy = 0;
    const bool left = opt_is_const(c->f, in->args[0], &vx);
    const bool right = opt_is_const(c->f, in->args[1], &vy);
    int known;
    ir_ref same;

    if (left && right)
        return opt_const(c->f, spec_alu_eval((enum spec_alu)in->alu, in->width, vx, vy));
    if (left) {
        fold_become(c, r, opt_compare_swapped((enum spec_alu)in->alu), in->width, in->args[1],
                    in->args[0]);
        return IR_NONE;
    }
    known = opt_decide((enum spec_alu)in->alu, in->width, fold_range(c, in->args[0]),
                       fold_range(c, in->args[1]));
    if (known < 0 && in->args[0] == in->args[1] && in->alu != SPEC_ALU_SET)
        known = (int)spec_alu_eval((enum spec_alu)in->alu, 64, 0, 0);
    if (known >= 0)
        return opt_const(c->f, (uint64_t)known);
    strip_operands(c, r);
    fold_kind(c, r);
    same = c->changed ? IR_NONE : fold_of_select(c, r);
    if (same != IR_NONE || c->changed)
        return same;
    if (!right) {
        fold_sums(c, r);
        return IR_NONE;
    }
    same = fold_of_bool(c, r, vy);
    if (same == IR_NONE && !c->changed)
        fold_sum(c, r, vy);
    if (same == IR_NONE && !c->changed)
        fold_of_swap(c, r, vy);
    if (same == IR_NONE && !c->changed)
        fold_neighbours(c, r, vy);
    return same;
}
