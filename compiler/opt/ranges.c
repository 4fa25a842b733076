/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/internal.h"

/* Bounds of values, without regard to where they are used. */

enum { PATIENCE = 4 }; /* rounds after which a phi that still grows is taken for unbounded */

static const uint64_t low32 = UINT32_MAX;

static bool is_empty(struct opt_range r)
{
    return r.min > r.max;
}

static struct opt_range exactly(uint64_t v)
{
    return (struct opt_range){v, v};
}

static struct opt_range up_to(uint64_t max)
{
    return (struct opt_range){0, max};
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* All bits below the highest one set. */
static uint64_t fill(uint64_t v)
{
    return v ? UINT64_MAX >> __builtin_clzll(v) : 0;
}

static struct opt_range join(struct opt_range a, struct opt_range b)
{
    if (is_empty(a))
        return b;
    if (is_empty(b))
        return a;
    return (struct opt_range){min_u64(a.min, b.min), a.max > b.max ? a.max : b.max};
}

static struct opt_range add(struct opt_range a, struct opt_range b)
{
    uint64_t max;

    if (b.min == b.max && (int64_t)b.min < 0 && a.min >= 0 - b.min)
        return (struct opt_range){a.min + b.min, a.max + b.min};
    if (__builtin_add_overflow(a.max, b.max, &max))
        return OPT_RANGE_FULL;
    return (struct opt_range){a.min + b.min, max};
}

static struct opt_range shift_left(struct opt_range a, struct opt_range b, uint32_t width)
{
    const uint64_t k = b.min & (width - 1);

    if (b.min != b.max || a.max << k >> k != a.max)
        return OPT_RANGE_FULL;
    return (struct opt_range){a.min << k, a.max << k};
}

static struct opt_range shift_right(struct opt_range a, struct opt_range b, uint32_t width)
{
    const uint64_t k = b.min & (width - 1);

    if (b.min != b.max)
        return up_to(a.max);
    return (struct opt_range){a.min >> k, a.max >> k};
}

static struct opt_range multiply(struct opt_range a, struct opt_range b)
{
    uint64_t max;

    if (__builtin_mul_overflow(a.max, b.max, &max))
        return OPT_RANGE_FULL;
    return (struct opt_range){a.min * b.min, max};
}

static struct opt_range sign_extend(struct opt_range a, uint32_t bits)
{
    return a.max < UINT64_C(1) << (bits - 1) ? a : OPT_RANGE_FULL;
}

/* The result of 64-bit arithmetic on values that fit the width. */
static struct opt_range alu_range(enum spec_alu alu, uint32_t width, struct opt_range a,
                                  struct opt_range b)
{
    switch (alu) {
    case SPEC_ALU_ADD:
        return add(a, b);
    case SPEC_ALU_SUB:
        return a.min >= b.max ? (struct opt_range){a.min - b.max, a.max - b.min} : OPT_RANGE_FULL;
    case SPEC_ALU_MUL:
        return multiply(a, b);
    case SPEC_ALU_UDIV:
        return b.min ? (struct opt_range){a.min / b.max, a.max / b.min} : up_to(a.max);
    case SPEC_ALU_UMOD:
        return b.min ? up_to(min_u64(a.max, b.max - 1)) : up_to(a.max);
    case SPEC_ALU_AND:
        return up_to(min_u64(a.max, b.max));
    case SPEC_ALU_OR:
        return (struct opt_range){a.min > b.min ? a.min : b.min, fill(a.max | b.max)};
    case SPEC_ALU_XOR:
        return up_to(fill(a.max | b.max));
    case SPEC_ALU_SHL:
        return shift_left(a, b, width);
    case SPEC_ALU_LSHR:
        return shift_right(a, b, width);
    case SPEC_ALU_ASHR:
        return a.max >> (width - 1) ? OPT_RANGE_FULL : shift_right(a, b, width);
    case SPEC_ALU_MOV:
        return a;
    case SPEC_ALU_SEXT8:
        return sign_extend(a, 8);
    case SPEC_ALU_SEXT16:
        return sign_extend(a, 16);
    case SPEC_ALU_SEXT32:
        return sign_extend(a, 32);
    case SPEC_ALU_BSWAP16:
        return up_to(UINT16_MAX);
    case SPEC_ALU_BSWAP32:
        return up_to(UINT32_MAX);
    case SPEC_ALU_EQ:
    case SPEC_ALU_NE:
    case SPEC_ALU_UGT:
    case SPEC_ALU_UGE:
    case SPEC_ALU_ULT:
    case SPEC_ALU_ULE:
    case SPEC_ALU_SGT:
    case SPEC_ALU_SGE:
    case SPEC_ALU_SLT:
    case SPEC_ALU_SLE:
    case SPEC_ALU_SET:
        return up_to(1);
    case SPEC_ALU_SDIV:
    case SPEC_ALU_SMOD:
    case SPEC_ALU_BSWAP64:
    case SPEC_ALU_NONE:
    case SPEC_ALU_COUNT:
        break;
    }
    return OPT_RANGE_FULL;
}

static struct opt_range alu_of(const struct ir_insn *in, const struct opt_range *known)
{
    struct opt_range a = known[in->args[0]];
    struct opt_range b = in->nargs > 1 ? known[in->args[1]] : exactly(0);
    struct opt_range r;

    if (is_empty(a) || is_empty(b))
        return (struct opt_range){1, 0};
    if (in->width == 32) {
        if (b.min == b.max)
            b = exactly(b.min & low32);
        a = a.max > low32 ? up_to(low32) : a;
        b = b.max > low32 ? up_to(low32) : b;
        /* A constant that is negative at this width. */
        if (in->alu == SPEC_ALU_ADD && b.min == b.max && b.min >> 31)
            b = exactly(b.min | ~low32);
    }
    r = alu_range((enum spec_alu)in->alu, in->width, a, b);
    return in->width == 32 && r.max > low32 ? up_to(low32) : r;
}

static struct opt_range input_range(uint64_t which)
{
    switch ((enum spec_input)which) {
    case SPEC_IN_LEN:
        return (struct opt_range){SPEC_PKT_MIN_BYTES, SPEC_PKT_MAX_BYTES};
    case SPEC_IN_QUEUE:
        return up_to(UINT16_MAX);
    case SPEC_IN_RAND:
        return (struct opt_range){1, UINT32_MAX};
    case SPEC_IN_IFINDEX:
    case SPEC_IN_EGRESS:
        return up_to(UINT32_MAX);
    case SPEC_IN_TIME:
    case SPEC_IN_COUNT:
        break;
    }
    return OPT_RANGE_FULL;
}

struct opt_range opt_range_of(const struct ir_func *f, const struct opt_range *known, ir_ref r)
{
    const struct ir_insn *in = &f->insns[r];
    struct opt_range e = {1, 0};

    switch ((enum ir_op)in->op) {
    case IR_CONST:
        return exactly(in->imm);
    case IR_INPUT:
        return input_range(in->imm);
    case IR_ALU:
        return alu_of(in, known);
    case IR_SELECT:
        return join(known[in->args[1]], known[in->args[2]]);
    case IR_PHI:
        for (uint32_t a = 0; a < in->nargs; a++)
            e = join(e, known[in->args[a]]);
        return e;
    case IR_LOAD:
    case IR_ATOMIC:
        return up_to(opt_low_bytes(UINT64_MAX, in->size));
    case IR_NOP:
    case IR_STORE:
    case IR_MAP_LOOKUP:
    case IR_MAP_USE:
    case IR_MAP_UPDATE:
    case IR_MAP_DELETE:
    case IR_PKT_ZERO:
    case IR_HOST:
    case IR_JMP:
    case IR_BR:
    case IR_EXIT:
    case IR_OP_COUNT:
        break;
    }
    return OPT_RANGE_FULL;
}

struct opt_range *opt_ranges(const struct ir_func *f, struct arena *scratch)
{
    struct opt_range *known = arena_array(scratch, f->insn_count, sizeof(*known));
    bool changed = true;

    for (ir_ref r = 0; r < f->insn_count; r++)
        known[r] = (struct opt_range){1, 0};
    for (uint32_t round = 0; changed; round++) {
        changed = false;
        for (ir_block b = 0; b < f->block_count; b++) {
            for (uint32_t i = 0; i < f->blocks[b].count; i++) {
                const ir_ref r = f->blocks[b].insns[i];
                struct opt_range e = opt_range_of(f, known, r);

                if (e.min == known[r].min && e.max == known[r].max)
                    continue;
                if (round >= PATIENCE && f->insns[r].op == IR_PHI) {
                    if (known[r].max == UINT64_MAX && known[r].min == 0)
                        continue;
                    e = OPT_RANGE_FULL;
                }
                known[r] = e;
                changed = true;
            }
        }
    }
    for (ir_ref r = 0; r < f->insn_count; r++)
        if (is_empty(known[r]))
            known[r] = OPT_RANGE_FULL; /* not reached: nothing is claimed */
    return known;
}

static int decide_unsigned(enum spec_alu alu, struct opt_range a, struct opt_range b)
{
    int inverse;

    if (alu == SPEC_ALU_EQ) {
        if (a.max < b.min || b.max < a.min)
            return 0;
        return a.min == a.max && b.min == b.max ? 1 : -1;
    }
    if (alu == SPEC_ALU_UGT || alu == SPEC_ALU_SGT)
        return a.min > b.max ? 1 : a.max <= b.min ? 0 : -1;
    if (alu == SPEC_ALU_ULT || alu == SPEC_ALU_SLT)
        return decide_unsigned(SPEC_ALU_UGT, b, a);
    if (alu == SPEC_ALU_SET)
        return a.max == 0 || b.max == 0 ? 0 : -1;
    inverse = decide_unsigned(opt_compare_inverse(alu), a, b);
    return inverse < 0 ? -1 : !inverse;
}

int opt_decide(enum spec_alu alu, uint32_t width, struct opt_range a, struct opt_range b)
{
    const bool is_signed = alu >= SPEC_ALU_SGT && alu <= SPEC_ALU_SLE;
    const uint64_t limit = UINT64_MAX >> (64 - width) >> is_signed;

    if (is_empty(a) || is_empty(b) || a.max > limit || b.max > limit)
        return -1;
    return decide_unsigned(alu, a, b);
}
