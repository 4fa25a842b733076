/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/scalar.h"

/* Comparisons: whether their outcome is known, and what each outcome says of the operands. */

/* The bounds that a comparison of one width looks at, as 64-bit numbers. */
struct view {
    struct tnum bits;
    uint64_t umin, umax;
    int64_t smin, smax;
};

static struct view view_of(const struct scalar *s, bool is32)
{
    if (is32)
        return (struct view){tnum_low(s->bits), s->umin32, s->umax32, s->smin32, s->smax32};
    return (struct view){s->bits, s->umin, s->umax, s->smin, s->smax};
}

uint8_t scalar_flip(uint8_t code)
{
    return ebpf_jmp_swapped[code >> 4];
}

static bool apart32(const struct scalar *a, const struct scalar *b)
{
    return a->umin32 > b->umax32 || a->umax32 < b->umin32 || a->smin32 > b->smax32 ||
           a->smax32 < b->smin32;
}

static int equal(bool is32, const struct scalar *a, const struct scalar *b)
{
    const struct view x = view_of(a, is32), y = view_of(b, is32);

    if (tnum_is_const(x.bits) && tnum_is_const(y.bits))
        return x.bits.value == y.bits.value;
    if (!tnum_overlaps(x.bits, y.bits) || x.umin > y.umax || x.umax < y.umin || x.smin > y.smax ||
        x.smax < y.smin)
        return 0;
    return !is32 && apart32(a, b) ? 0 : -1;
}

static int test_bits(bool is32, const struct scalar *a, const struct scalar *b)
{
    struct tnum x = view_of(a, is32).bits, y = view_of(b, is32).bits;

    if (!tnum_is_const(y)) {
        const struct tnum t = x;

        x = y;
        y = t;
    }
    if (!tnum_is_const(y))
        return -1;
    if (x.value & y.value)
        return 1;
    return (x.value | x.mask) & y.value ? -1 : 0;
}

static int less_unsigned(const struct view *a, const struct view *b, bool or_equal)
{
    if (or_equal ? a->umax <= b->umin : a->umax < b->umin)
        return 1;
    if (or_equal ? a->umin > b->umax : a->umin >= b->umax)
        return 0;
    return -1;
}

static int less_signed(const struct view *a, const struct view *b, bool or_equal)
{
    if (or_equal ? a->smax <= b->smin : a->smax < b->smin)
        return 1;
    if (or_equal ? a->smin > b->smax : a->smin >= b->smax)
        return 0;
    return -1;
}

static int by_bounds(uint8_t code, bool is32, const struct scalar *a, const struct scalar *b)
{
    const struct view x = view_of(a, is32), y = view_of(b, is32);
    int known;

    switch (code) {
    case EBPF_JMP_JEQ:
        return equal(is32, a, b);
    case EBPF_JMP_JNE:
        known = equal(is32, a, b);
        return known < 0 ? -1 : !known;
    case EBPF_JMP_JSET:
        return test_bits(is32, a, b);
    case EBPF_JMP_JLT:
        return less_unsigned(&x, &y, false);
    case EBPF_JMP_JLE:
        return less_unsigned(&x, &y, true);
    case EBPF_JMP_JGT:
        return less_unsigned(&y, &x, false);
    case EBPF_JMP_JGE:
        return less_unsigned(&y, &x, true);
    case EBPF_JMP_JSLT:
        return less_signed(&x, &y, false);
    case EBPF_JMP_JSLE:
        return less_signed(&x, &y, true);
    case EBPF_JMP_JSGT:
        return less_signed(&y, &x, false);
    case EBPF_JMP_JSGE:
        return less_signed(&y, &x, true);
    default:
        return -1;
    }
}

/* ---- refinement ---- */

static void set_low_bits(struct scalar *s, struct tnum low)
{
    s->bits = tnum_join_halves(s->bits, low);
}

/* Both are the same number: each knows what either knew. */
static void refine_equal(bool is32, struct scalar *a, struct scalar *b)
{
    struct scalar m = *a;

    m.umin32 = a->umin32 > b->umin32 ? a->umin32 : b->umin32;
    m.umax32 = a->umax32 < b->umax32 ? a->umax32 : b->umax32;
    m.smin32 = a->smin32 > b->smin32 ? a->smin32 : b->smin32;
    m.smax32 = a->smax32 < b->smax32 ? a->smax32 : b->smax32;
    if (is32) {
        const struct tnum low = tnum_meet(tnum_low(a->bits), tnum_low(b->bits));
        struct scalar n = *b;

        set_low_bits(&m, low);
        set_low_bits(&n, low);
        n.umin32 = m.umin32;
        n.umax32 = m.umax32;
        n.smin32 = m.smin32;
        n.smax32 = m.smax32;
        *a = m;
        *b = n;
        return;
    }
    m.umin32 = a->umin32;
    m.umax32 = a->umax32;
    m.smin32 = a->smin32;
    m.smax32 = a->smax32;
    m.bits = tnum_meet(a->bits, b->bits);
    m.umin = a->umin > b->umin ? a->umin : b->umin;
    m.umax = a->umax < b->umax ? a->umax : b->umax;
    m.smin = a->smin > b->smin ? a->smin : b->smin;
    m.smax = a->smax < b->smax ? a->smax : b->smax;
    *a = m;
    b->bits = m.bits;
    b->umin = m.umin;
    b->umax = m.umax;
    b->smin = m.smin;
    b->smax = m.smax;
}

/* a is not the constant: it can't be at either end of its ranges. */
static void refine_unequal(bool is32, struct scalar *a, uint64_t value)
{
    if (is32) {
        a->umin32 += a->umin32 == (uint32_t)value;
        a->umax32 -= a->umax32 == (uint32_t)value;
        a->smin32 += a->smin32 == (int32_t)value && a->smin32 < INT32_MAX;
        a->smax32 -= a->smax32 == (int32_t)value && a->smax32 > INT32_MIN;
    } else {
        a->umin += a->umin == value;
        a->umax -= a->umax == value;
        a->smin += a->smin == (int64_t)value && a->smin < INT64_MAX;
        a->smax -= a->smax == (int64_t)value && a->smax > INT64_MIN;
    }
}

/* Some bit of value is set in a, which says which one only if there is just one; or none is. */
static void refine_bits(bool is32, bool set, struct scalar *a, uint64_t value)
{
    if (set && (value & (value - 1)) == 0) {
        if (is32)
            set_low_bits(a, tnum_or(tnum_low(a->bits), tnum_const((uint32_t)value)));
        else
            a->bits = tnum_or(a->bits, tnum_const(value));
    } else if (!set) {
        if (is32)
            set_low_bits(a, tnum_and(tnum_low(a->bits), tnum_const(~value)));
        else
            a->bits = tnum_and(a->bits, tnum_const(~value));
        scalar_forget64(a);
        scalar_forget32(a);
    }
}

static void refine_unsigned_less(bool is32, bool strict, struct scalar *a, struct scalar *b)
{
    if (is32) {
        const uint32_t most = b->umax32 - strict, least = a->umin32 + strict;

        a->umax32 = a->umax32 < most ? a->umax32 : most;
        b->umin32 = b->umin32 > least ? b->umin32 : least;
    } else {
        const uint64_t most = b->umax - strict, least = a->umin + strict;

        a->umax = a->umax < most ? a->umax : most;
        b->umin = b->umin > least ? b->umin : least;
    }
}

static void refine_signed_less(bool is32, bool strict, struct scalar *a, struct scalar *b)
{
    if (is32) {
        const int32_t most = b->smax32 - strict, least = a->smin32 + strict;

        a->smax32 = a->smax32 < most ? a->smax32 : most;
        b->smin32 = b->smin32 > least ? b->smin32 : least;
    } else {
        const int64_t most = b->smax - strict, least = a->smin + strict;

        a->smax = a->smax < most ? a->smax : most;
        b->smin = b->smin > least ? b->smin : least;
    }
}

/* A comparison with a constant on either side. */
static void refine_by_const(uint8_t code, bool is32, bool taken, struct scalar *a, struct scalar *b)
{
    struct scalar *unknown = a;
    const struct scalar *known = b;
    uint64_t value;

    if (!tnum_is_const(view_of(b, is32).bits)) {
        unknown = b;
        known = a;
    }
    if (!tnum_is_const(view_of(known, is32).bits))
        return;
    value = view_of(known, is32).bits.value;
    if (code == EBPF_JMP_JSET)
        refine_bits(is32, taken, unknown, value);
    else
        refine_unequal(is32, unknown, value);
}

/* Each view on its own, not yet sharpened by the others. */
static void refine_views(uint8_t code, bool is32, bool taken, struct scalar *a, struct scalar *b)
{
    const uint8_t holds = taken ? code : ebpf_jmp_inverse[code >> 4];

    switch (holds) {
    case EBPF_JMP_JEQ:
        refine_equal(is32, a, b);
        break;
    case EBPF_JMP_JNE:
    case EBPF_JMP_JSET:
        refine_by_const(holds, is32, taken, a, b);
        break;
    case EBPF_JMP_JLT:
    case EBPF_JMP_JLE:
        refine_unsigned_less(is32, holds == EBPF_JMP_JLT, a, b);
        break;
    case EBPF_JMP_JGT:
    case EBPF_JMP_JGE:
        refine_unsigned_less(is32, holds == EBPF_JMP_JGT, b, a);
        break;
    case EBPF_JMP_JSLT:
    case EBPF_JMP_JSLE:
        refine_signed_less(is32, holds == EBPF_JMP_JSLT, a, b);
        break;
    case EBPF_JMP_JSGT:
    case EBPF_JMP_JSGE:
        refine_signed_less(is32, holds == EBPF_JMP_JSGT, b, a);
        break;
    default:
        break;
    }
}

static void refine(uint8_t code, bool is32, bool taken, struct scalar *a, struct scalar *b)
{
    refine_views(code, is32, taken, a, b);
    scalar_sync(a);
    scalar_sync(b);
}

void scalar_refine(uint8_t code, bool is32, bool taken, struct scalar *a, struct scalar *b)
{
    refine(code, is32, taken, a, b);
    if (scalar_is_broken(a))
        *a = scalar_unknown();
    if (scalar_is_broken(b))
        *b = scalar_unknown();
}

/* What an outcome says of the operands contradicts what is known of them. */
static bool is_impossible(uint8_t code, bool is32, bool taken, const struct scalar *a,
                          const struct scalar *b)
{
    struct scalar x = *a, y = *b;

    refine(code, is32, taken, &x, &y);
    return scalar_is_broken(&x) || scalar_is_broken(&y);
}

int scalar_branch(uint8_t code, bool is32, const struct scalar *a, const struct scalar *b)
{
    const int known = by_bounds(code, is32, a, b);

    if (known >= 0)
        return known;
    if (is_impossible(code, is32, true, a, b))
        return 0;
    return is_impossible(code, is32, false, a, b) ? 1 : -1;
}
