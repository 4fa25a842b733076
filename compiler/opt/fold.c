/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/rules.h"

/* Constants, algebra, copies, and compares that bounds decide: the rules are those of rules.c.
 *
 * needs: nothing. keeps: control flow, except that the sides of a branch may change places.
 *
 * After it: constants stand on the right; sums of a constant are additions; addresses carry their
 * constant part in imm, and the offset bounds of packet accesses are as tight as the address's
 * bounds make them. */

struct fold {
    struct ir_func *f;
    struct opt_rewriter *rewriter;
    ir_ref *to; /* what a value is replaced by */
    uint32_t to_count;
    bool changed;
};

static struct opt_range fold_range(const struct fold *c, ir_ref r)
{
    return opt_rewriter_range(c->rewriter, r);
}

/* --- values ------------------------------------------------------------------------------- */

/* Constants stand on the right. */
static bool put_in_order(struct fold *c, ir_ref r)
{
    const struct ir_insn *in = &c->f->insns[r];
    const ir_ref left = in->args[0];
    ir_ref right;
    uint64_t v;

    if (in->nargs != 2 || !opt_is_const(c->f, left, &v))
        return false;
    right = in->args[1];
    if (opt_is_compare(in))
        opt_become(c->f, r, opt_compare_swapped((enum spec_alu)in->alu), in->width, right, left);
    else if (spec_alu_table[in->alu].commutative)
        opt_become(c->f, r, (enum spec_alu)in->alu, in->width, right, opt_const(c->f, v));
    else
        return false;
    return true;
}

/* 32-bit arithmetic reads the low halves of its operands only. */
static void strip_operands(struct fold *c, struct ir_insn *in)
{
    for (uint32_t a = 0; in->width == 32 && a < in->nargs; a++) {
        const ir_ref low = opt_rewrite_low(c->rewriter, in->args[a], 32);

        c->changed |= low != in->args[a];
        in->args[a] = low;
    }
}

static ir_ref fold_alu(struct fold *c, ir_ref r)
{
    struct ir_insn *in = &c->f->insns[r];
    uint64_t vx;
    uint64_t vy = 0;

    if (opt_is_const(c->f, in->args[0], &vx) &&
        (in->nargs == 1 || opt_is_const(c->f, in->args[1], &vy)))
        return opt_const(c->f, spec_alu_eval((enum spec_alu)in->alu, in->width, vx, vy));
    if (put_in_order(c, r)) {
        c->changed = true;
        return IR_NONE;
    }
    if (opt_is_compare(in)) {
        const int known = opt_decide((enum spec_alu)in->alu, in->width, fold_range(c, in->args[0]),
                                     fold_range(c, in->args[1]));

        if (known >= 0)
            return opt_const(c->f, (uint64_t)known);
    }
    strip_operands(c, in);
    return opt_rewrite(c->rewriter, r, &c->changed);
}

static ir_ref fold_select(struct fold *c, ir_ref r)
{
    struct ir_insn *in = &c->f->insns[r];
    bool inverse = false;
    const ir_ref cond = opt_rewrite_test(c->rewriter, in->args[0], &inverse);

    c->changed |= cond != in->args[0];
    in->args[0] = cond;
    if (inverse) {
        const ir_ref yes = in->args[1];

        in->args[1] = in->args[2];
        in->args[2] = yes;
    }
    return opt_rewrite(c->rewriter, r, &c->changed);
}

static ir_ref fold_phi(const struct fold *c, ir_ref r)
{
    const struct ir_insn *in = &c->f->insns[r];
    ir_ref one = IR_NONE;

    for (uint32_t a = 0; a < in->nargs; a++) {
        if (in->args[a] == r || in->args[a] == one)
            continue;
        if (one != IR_NONE)
            return IR_NONE;
        one = in->args[a];
    }
    return one;
}

static void fold_branch(struct fold *c, ir_ref r)
{
    struct ir_insn *in = &c->f->insns[r];
    struct ir_block_data *block = &c->f->blocks[in->block];
    bool inverse = false;
    const ir_ref cond = opt_rewrite_test(c->rewriter, in->args[0], &inverse);

    if (cond == in->args[0])
        return;
    in->args[0] = cond;
    if (inverse) {
        const ir_block t = block->succ[0];

        block->succ[0] = block->succ[1];
        block->succ[1] = t;
    }
    c->changed = true;
}

/* --- memory ------------------------------------------------------------------------------- */

/* x + constant: x, with *sum raised. */
static ir_ref split_sum(const struct fold *c, ir_ref r, int64_t *sum)
{
    const struct ir_insn *in = &c->f->insns[r];
    uint64_t v;

    if (in->op != IR_ALU || in->width != 64 || in->alu != SPEC_ALU_ADD ||
        !opt_is_const(c->f, in->args[1], &v))
        return r;
    *sum = (int64_t)((uint64_t)*sum + v);
    return in->args[0];
}

static void fold_address(struct fold *c, ir_ref r)
{
    struct ir_insn *in = &c->f->insns[r];
    const int64_t limit = in->op == IR_ATOMIC ? INT16_MAX : INT32_MAX;
    int64_t sum = (int64_t)in->imm;
    ir_ref base = split_sum(c, in->args[0], &sum);
    uint64_t v;

    if (opt_is_const(c->f, base, &v) && in->region != IR_REGION_MAP && v) {
        sum = (int64_t)((uint64_t)sum + v);
        base = opt_const(c->f, 0);
        in = &c->f->insns[r];
    } else if (opt_is_const(c->f, base, &v) && (uint32_t)v) {
        sum = (int64_t)((uint64_t)sum + (uint32_t)v);
        base = opt_const(c->f, v & ~(uint64_t)UINT32_MAX);
        in = &c->f->insns[r];
    }
    if (base == in->args[0] || sum > limit || sum < -limit)
        return;
    in->args[0] = base;
    in->imm = (uint64_t)sum;
    c->changed = true;
}

/* Offsets of a packet or stack access can't lie outside of what the address may be. */
static void tighten_offsets(struct fold *c, ir_ref r)
{
    struct ir_insn *in = &c->f->insns[r];
    const struct opt_range base = fold_range(c, in->args[0]);
    const int64_t imm = (int64_t)in->imm;

    if (in->region == IR_REGION_MAP || base.max > INT32_MAX || imm > INT32_MAX || imm < -INT32_MAX)
        return;
    if ((int64_t)base.min + imm > in->off_max || (int64_t)base.max + imm < in->off_min)
        return; /* not executed: the verifier and the bounds see different paths */
    if ((int64_t)base.min + imm > in->off_min) {
        in->off_min = (int32_t)((int64_t)base.min + imm);
        c->changed = true;
    }
    if ((int64_t)base.max + imm < in->off_max) {
        in->off_max = (int32_t)((int64_t)base.max + imm);
        c->changed = true;
    }
}

/* A store takes the low bytes of its value only. */
static void strip_stored(struct fold *c, ir_ref r)
{
    struct ir_insn *in = &c->f->insns[r];
    const ir_ref low = opt_rewrite_low(c->rewriter, in->args[1], 8u * in->size);

    c->changed |= low != in->args[1];
    in->args[1] = low;
}

static void fold_zero(struct fold *c, ir_ref r)
{
    struct ir_insn *in = &c->f->insns[r];

    if (fold_range(c, in->args[0]).min < fold_range(c, in->args[1]).max)
        return;
    in->op = IR_NOP; /* nothing to zero */
    in->nargs = 0;
    c->changed = true;
}

/* --- the walk ----------------------------------------------------------------------------- */

static ir_ref fold_insn(struct fold *c, ir_ref r)
{
    const struct ir_insn *in = &c->f->insns[r];

    switch ((enum ir_op)in->op) {
    case IR_ALU:
        return fold_alu(c, r);
    case IR_SELECT:
        return fold_select(c, r);
    case IR_PHI:
        return fold_phi(c, r);
    case IR_BR:
        fold_branch(c, r);
        break;
    case IR_LOAD:
    case IR_STORE:
    case IR_ATOMIC:
        fold_address(c, r);
        tighten_offsets(c, r);
        if (c->f->insns[r].op == IR_STORE)
            strip_stored(c, r);
        break;
    case IR_PKT_ZERO:
        fold_zero(c, r);
        break;
    case IR_NOP:
    case IR_CONST:
    case IR_INPUT:
    case IR_MAP_LOOKUP:
    case IR_MAP_USE:
    case IR_MAP_UPDATE:
    case IR_MAP_DELETE:
    case IR_HOST:
    case IR_JMP:
    case IR_EXIT:
    case IR_OP_COUNT:
        break;
    }
    return IR_NONE;
}

static ir_ref resolve(const struct fold *c, ir_ref r)
{
    while (r < c->to_count && c->to[r] != IR_NONE)
        r = c->to[r];
    return r;
}

static void fold_one(struct fold *c, ir_ref r)
{
    enum { TRIES = 8 }; /* one rule may make room for another */
    const struct ir_insn *in = &c->f->insns[r];

    for (uint32_t a = 0; a < in->nargs; a++)
        in->args[a] = resolve(c, in->args[a]);
    for (uint32_t i = 0; i < TRIES; i++) {
        const bool before = c->changed;
        ir_ref same;

        c->changed = false;
        same = fold_insn(c, r);
        if (same != IR_NONE && same != r) {
            c->to[r] = same;
            c->changed = true;
            return;
        }
        if (!c->changed) {
            c->changed = before;
            return;
        }
    }
}

bool opt_fold(struct ir_func *f, struct arena *scratch)
{
    struct fold c = {.f = f, .to_count = f->insn_count};

    c.rewriter = opt_rewriter_make(f, opt_ranges(f, scratch), f->insn_count, scratch);
    c.to = arena_array(scratch, c.to_count, sizeof(*c.to));
    for (ir_block b = 0; b < f->block_count; b++) {
        /* A new constant moves the rest of the entry back by one: some are visited twice. */
        for (uint32_t i = 0; i < f->blocks[b].count; i++) {
            const ir_ref r = f->blocks[b].insns[i];

            if (r < c.to_count && c.to[r] == IR_NONE)
                fold_one(&c, r);
        }
    }
    if (c.changed) {
        ir_ref *to = arena_array(scratch, f->insn_count, sizeof(*to));

        for (ir_ref r = 0; r < c.to_count; r++)
            to[r] = c.to[r];
        opt_substitute(f, to);
        for (ir_ref r = 1; r < c.to_count; r++)
            if (c.to[r] != IR_NONE)
                f->insns[r].op = IR_NOP;
        ir_compact(f);
    }
    return c.changed;
}
