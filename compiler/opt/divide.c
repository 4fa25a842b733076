/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/internal.h"

#include <assert.h>

/* Division and remainder by a constant become multiplication and shift: a divider takes a clock a
 * bit, a multiplier 4 clocks in all.
 *
 * needs: nothing. keeps: control flow.
 *
 * After Granlund and Montgomery, "Division by invariant integers using multiplication" (1994). For
 * m = ceil(2^s / d) and e = m * d - 2^s, floor(x * m / 2^s) is floor(x / d) for every x from 0 to
 * max if e * max < 2^s: the product is too large by x * e / (d * 2^s), which is then less than 1/d.
 * The less is known of x, the longer m is. Results are those of RFC 9669 (section 4.1), for a
 * divisor of 0 and for overflow too. */

typedef unsigned __int128 u128;

/* A place to put instructions: before one that is there already. */
struct divide {
    struct ir_func *f;
    ir_block block;
    uint32_t position;
    uint32_t pc;
};

/* An unsigned value and its largest. */
struct bounded {
    ir_ref ref;
    uint64_t max;
};

static ir_ref emit(struct divide *c, enum spec_alu alu, uint8_t width, ir_ref a, ir_ref b)
{
    const ir_ref args[2] = {a, b};
    const struct ir_insn in = {
        .op = IR_ALU, .alu = (uint8_t)alu, .width = width, .block = c->block, .pc = c->pc};
    const ir_ref r = ir_new(c->f, in, args, spec_alu_table[alu].arity);

    ir_insert(c->f, c->block, c->position++, r);
    return r;
}

/* A new constant moves what follows it in the entry. */
static ir_ref constant(struct divide *c, uint64_t v)
{
    const uint32_t before = c->f->blocks[c->block].count;
    const ir_ref r = opt_const(c->f, v);

    c->position += c->f->blocks[c->block].count - before;
    return r;
}

static ir_ref emit_const(struct divide *c, enum spec_alu alu, ir_ref a, uint64_t v)
{
    const ir_ref k = constant(c, v);

    return emit(c, alu, 64, a, k);
}

static struct bounded shift_right(struct divide *c, struct bounded x, uint32_t by)
{
    if (by == 0)
        return x;
    return (struct bounded){emit_const(c, SPEC_ALU_LSHR, x.ref, by), x.max >> by};
}

/* The upper 64 bits of x * m, of 32-bit halves. No sum wraps: (2^32 - 1)^2 + 2 * (2^32 - 1) is
 * 2^64 - 1. */
static ir_ref multiply_high(struct divide *c, struct bounded x, uint64_t m)
{
    const uint64_t low = m & UINT32_MAX;
    const bool is_long = x.max > UINT32_MAX;
    const ir_ref x0 = is_long ? emit_const(c, SPEC_ALU_AND, x.ref, UINT32_MAX) : x.ref;
    const ir_ref p00 = emit_const(c, SPEC_ALU_MUL, x0, low);
    const ir_ref p01 = emit_const(c, SPEC_ALU_MUL, x0, m >> 32);
    const ir_ref carry = emit_const(c, SPEC_ALU_LSHR, p00, 32);
    const ir_ref middle = emit(c, SPEC_ALU_ADD, 64, p01, carry);
    ir_ref top = emit_const(c, SPEC_ALU_LSHR, middle, 32);
    ir_ref x1, p10, p11, lower, sum;

    if (!is_long)
        return top;
    x1 = emit_const(c, SPEC_ALU_LSHR, x.ref, 32);
    p10 = emit_const(c, SPEC_ALU_MUL, x1, low);
    p11 = emit_const(c, SPEC_ALU_MUL, x1, m >> 32);
    lower = emit_const(c, SPEC_ALU_AND, middle, UINT32_MAX);
    sum = emit(c, SPEC_ALU_ADD, 64, p10, lower);
    sum = emit_const(c, SPEC_ALU_LSHR, sum, 32);
    top = emit(c, SPEC_ALU_ADD, 64, p11, top);
    return emit(c, SPEC_ALU_ADD, 64, top, sum);
}

/* ceil(2^s / d), if it serves all x up to max. */
static bool find_factor(uint32_t s, uint64_t d, uint64_t max, u128 *m)
{
    const u128 power = (u128)1 << s;
    u128 error;

    *m = (power + d - 1) / d;
    error = *m * d - power;
    return error == 0 || max <= (power - 1) / error;
}

/* x * m fits 64 bits. */
static bool quotient_by_product(struct divide *c, struct bounded x, uint64_t d, struct bounded *q)
{
    for (uint32_t s = 0; s < 64; s++) {
        u128 m;

        if (!find_factor(s, d, x.max, &m))
            continue;
        if (m * x.max > UINT64_MAX)
            return false; /* a larger s makes m larger */
        *q =
            shift_right(c, (struct bounded){emit_const(c, SPEC_ALU_MUL, x.ref, (uint64_t)m), 0}, s);
        return true;
    }
    return false;
}

/* m is 2^bits + low, with x of so many bits: t = x * low / 2^bits, and x + t without its carry. */
static struct bounded quotient_by_long_factor(struct divide *c, struct bounded x, uint64_t d)
{
    const uint32_t bits = x.max > UINT32_MAX ? 64 : 32;
    uint32_t s = bits;
    ir_ref t, rest;
    u128 m;

    while (!find_factor(s, d, x.max, &m))
        s++;
    assert(s > bits && m >> bits == 1);
    m -= (u128)1 << bits;
    if (bits == 64)
        t = multiply_high(c, x, (uint64_t)m);
    else
        t = emit_const(c, SPEC_ALU_LSHR, emit_const(c, SPEC_ALU_MUL, x.ref, (uint64_t)m), 32);
    rest = emit(c, SPEC_ALU_SUB, 64, x.ref, t);
    rest = emit_const(c, SPEC_ALU_LSHR, rest, 1);
    rest = emit(c, SPEC_ALU_ADD, 64, rest, t);
    return shift_right(c, (struct bounded){rest, 0}, s - bits - 1);
}

/* floor(x / d) */
static struct bounded quotient(struct divide *c, struct bounded x, uint64_t d)
{
    const uint32_t zeros = (uint32_t)__builtin_ctzll(d);
    struct bounded q;

    assert(d);
    if (x.max < d)
        return (struct bounded){constant(c, 0), 0};
    if (d >> zeros == 1)
        return shift_right(c, x, zeros);
    if (d > x.max / 2)
        return (struct bounded){emit_const(c, SPEC_ALU_UGE, x.ref, d), 1};
    if (quotient_by_product(c, x, d, &q))
        return q;
    x = shift_right(c, x, zeros);
    d >>= zeros;
    if (zeros && quotient_by_product(c, x, d, &q))
        return q;
    for (uint32_t s = 64; s < 128; s++) {
        u128 m;

        if (x.max <= UINT32_MAX)
            break; /* what is left takes one product more with a long factor than with this */
        if (!find_factor(s, d, x.max, &m))
            continue;
        if (m > UINT64_MAX)
            break;
        q.ref = multiply_high(c, x, (uint64_t)m);
        return shift_right(c, q, s - 64);
    }
    return quotient_by_long_factor(c, x, d);
}

static ir_ref remainder_of(struct divide *c, struct bounded x, uint64_t d)
{
    ir_ref q;

    if ((d & (d - 1)) == 0)
        return emit_const(c, SPEC_ALU_AND, x.ref, d - 1);
    q = quotient(c, x, d).ref;
    return emit(c, SPEC_ALU_SUB, 64, x.ref, emit_const(c, SPEC_ALU_MUL, q, d));
}

/* x, or -x where sign is all ones. */
static ir_ref negate_if(struct divide *c, ir_ref x, ir_ref sign)
{
    return emit(c, SPEC_ALU_SUB, 64, emit(c, SPEC_ALU_XOR, 64, x, sign), sign);
}

/* Signed, by magnitudes. The remainder has the dividend's sign. */
static ir_ref divide_signed(struct divide *c, bool remainder, uint8_t width, ir_ref x, int64_t d)
{
    const uint64_t magnitude = d < 0 ? 0 - (uint64_t)d : (uint64_t)d;
    const ir_ref whole = width == 32 ? emit(c, SPEC_ALU_SEXT32, 64, x, IR_NONE) : x;
    const ir_ref sign = emit_const(c, SPEC_ALU_ASHR, whole, 63);
    const struct bounded a = {negate_if(c, whole, sign), UINT64_C(1) << (width - 1)};
    const ir_ref y = remainder ? remainder_of(c, a, magnitude) : quotient(c, a, magnitude).ref;

    if (remainder || d > 0)
        return negate_if(c, y, sign);
    return negate_if(c, y, emit_const(c, SPEC_ALU_XOR, sign, UINT64_MAX));
}

/* The value of r, or IR_NONE if it stays as it is. */
static ir_ref replace(struct ir_func *f, ir_ref r, ir_block b, uint32_t position,
                      const struct opt_range *known)
{
    const struct ir_insn in = f->insns[r];
    const uint64_t all = in.width == 32 ? UINT32_MAX : UINT64_MAX;
    const bool remainder = in.alu == SPEC_ALU_UMOD || in.alu == SPEC_ALU_SMOD;
    bool is_signed = in.alu == SPEC_ALU_SDIV || in.alu == SPEC_ALU_SMOD;
    struct divide c = {.f = f, .block = b, .position = position, .pc = in.pc};
    struct bounded x = {in.args[0], known[in.args[0]].max};
    int64_t by;
    uint64_t d;
    ir_ref y;

    if (!opt_is_const(f, in.args[1], &d))
        return IR_NONE;
    d &= all;
    by = in.width == 32 ? (int32_t)(uint32_t)d : (int64_t)d;
    if (is_signed && by > 0 && x.max <= all >> 1)
        is_signed = false; /* neither operand is negative */
    if (x.max > all)
        x = (struct bounded){emit(&c, SPEC_ALU_MOV, 32, x.ref, IR_NONE), all};
    if (d == 0)
        return remainder ? x.ref : constant(&c, 0);
    if (is_signed)
        y = divide_signed(&c, remainder, in.width, x.ref, by);
    else
        y = remainder ? remainder_of(&c, x, d) : quotient(&c, x, d).ref;
    return is_signed && in.width == 32 ? emit(&c, SPEC_ALU_MOV, 32, y, IR_NONE) : y;
}

bool opt_divide(struct ir_func *f, struct arena *scratch)
{
    const struct opt_range *known = opt_ranges(f, scratch);
    const uint32_t count = f->insn_count;
    ir_ref *old = arena_array(scratch, count, sizeof(*old));
    ir_ref *to;
    bool changed = false;

    for (ir_block b = 0; b < f->block_count; b++) {
        for (uint32_t i = 0; i < f->blocks[b].count; i++) {
            const ir_ref r = f->blocks[b].insns[i];

            /* What this pass makes is no division. */
            if (r >= count || old[r] != IR_NONE || f->insns[r].op != IR_ALU ||
                spec_alu_table[f->insns[r].alu].cls != SPEC_ALU_CLASS_DIV)
                continue;
            old[r] = replace(f, r, b, i, known);
            changed |= old[r] != IR_NONE;
        }
    }
    if (!changed)
        return false;
    to = arena_array(scratch, f->insn_count, sizeof(*to));
    for (ir_ref r = 1; r < count; r++)
        to[r] = old[r];
    opt_substitute(f, to);
    for (ir_ref r = 1; r < count; r++)
        if (to[r] != IR_NONE)
            f->insns[r].op = IR_NOP;
    ir_compact(f);
    return true;
}
