/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/fold.h"

/* Constants, algebra, copies, and compares that bounds decide.
 *
 * needs: nothing. keeps: control flow, except that the sides of a branch may change places.
 *
 * After it: constants stand on the right; sums of a constant are additions; addresses carry their
 * constant part in imm, and the offset bounds of packet accesses are as tight as the address's
 * bounds make them. */

void fold_become(struct fold *c, ir_ref r, enum spec_alu alu, uint8_t width, ir_ref x, ir_ref y)
{
    struct ir_insn *in = &c->f->insns[r];
    const uint32_t n = spec_alu_table[alu].arity;

    in->op = IR_ALU;
    in->alu = (uint8_t)alu;
    in->width = width;
    if (in->nargs < n)
        in->args = arena_array(c->f->arena, n, sizeof(*in->args));
    in->nargs = (uint16_t)n;
    in->args[0] = x;
    if (n > 1)
        in->args[1] = y;
    c->changed = true;
}

/* --- select, phi -------------------------------------------------------------------------- */

/* The condition without a test that changes nothing: v for v != 0; *inverse for v == 0. */
static ir_ref strip_test(const struct fold *c, ir_ref cond, bool *inverse)
{
    const struct ir_func *f = c->f;
    uint64_t v;

    for (;;) {
        const struct ir_insn *in = &f->insns[cond];

        if (in->op != IR_ALU || (in->alu != SPEC_ALU_NE && in->alu != SPEC_ALU_EQ) ||
            !opt_is_const(f, in->args[1], &v) || v != 0 ||
            (in->width == 32 && fold_max(c, in->args[0]) > UINT32_MAX))
            return cond;
        *inverse ^= in->alu == SPEC_ALU_EQ;
        cond = in->args[0];
    }
}

static ir_ref fold_select(struct fold *c, ir_ref r)
{
    struct ir_insn *in = &c->f->insns[r];
    const ir_ref yes = in->args[1];
    const ir_ref no = in->args[2];
    bool inverse = false;
    const ir_ref cond = strip_test(c, in->args[0], &inverse);
    const struct opt_range range = fold_range(c, cond);
    uint64_t vy;
    uint64_t vn;

    if (yes == no)
        return yes;
    if (range.min > 0)
        return inverse ? no : yes;
    if (range.max == 0)
        return inverse ? yes : no;
    if (cond != in->args[0]) {
        in->args[0] = cond;
        in->args[1] = inverse ? no : yes;
        in->args[2] = inverse ? yes : no;
        c->changed = true;
        return IR_NONE;
    }
    if (!opt_is_const(c->f, yes, &vy) || !opt_is_const(c->f, no, &vn))
        return IR_NONE;
    if (vy == 1 && vn == 0 && range.max <= 1)
        return cond;
    if (vy == 1 && vn == 0)
        fold_become(c, r, SPEC_ALU_NE, 64, cond, no);
    else if (vy == 0 && vn == 1)
        fold_become(c, r, SPEC_ALU_EQ, 64, cond, yes);
    return IR_NONE;
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
    const ir_ref cond = strip_test(c, in->args[0], &inverse);

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

/* Masks and extensions of a stored value whose low bytes stay the same. */
static void strip_stored(struct fold *c, ir_ref r)
{
    struct ir_insn *in = &c->f->insns[r];
    const struct ir_insn *v = &c->f->insns[in->args[1]];
    const uint64_t low = opt_low_bytes(UINT64_MAX, in->size);
    uint64_t mask;
    bool same = false;

    if (v->op != IR_ALU)
        return;
    if (v->alu == SPEC_ALU_AND && opt_is_const(c->f, v->args[1], &mask))
        same = (mask & low) == low && (v->width == 64 || in->size <= 4);
    else if (v->alu == SPEC_ALU_MOV || v->alu == SPEC_ALU_SEXT32)
        same = in->size <= 4;
    else if (v->alu == SPEC_ALU_SEXT16)
        same = in->size <= 2;
    else if (v->alu == SPEC_ALU_SEXT8)
        same = in->size == 1;
    if (!same)
        return;
    in->args[1] = v->args[0];
    c->changed = true;
}

static void fold_zero(struct fold *c, ir_ref r)
{
    struct ir_insn *in = &c->f->insns[r];

    if (fold_range(c, in->args[0]).min < fold_max(c, in->args[1]))
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
        return opt_is_compare(in) ? fold_compare(c, r) : fold_alu(c, r);
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
    case IR_MAP_UPDATE:
    case IR_MAP_DELETE:
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
    struct fold c = {.f = f, .known_count = f->insn_count, .to_count = f->insn_count};

    c.known = opt_ranges(f, scratch);
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
