/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/scalar.h"

#include <string.h>

struct scalar scalar_unknown(void)
{
    struct scalar s = {.bits = TNUM_UNKNOWN};

    scalar_forget64(&s);
    scalar_forget32(&s);
    return s;
}

struct scalar scalar_const(uint64_t value)
{
    return (struct scalar){.bits = tnum_const(value),
                           .umin = value,
                           .umax = value,
                           .smin = (int64_t)value,
                           .smax = (int64_t)value,
                           .umin32 = (uint32_t)value,
                           .umax32 = (uint32_t)value,
                           .smin32 = (int32_t)value,
                           .smax32 = (int32_t)value};
}

void scalar_forget64(struct scalar *s)
{
    s->umin = 0;
    s->umax = UINT64_MAX;
    s->smin = INT64_MIN;
    s->smax = INT64_MAX;
}

void scalar_forget32(struct scalar *s)
{
    s->umin32 = 0;
    s->umax32 = UINT32_MAX;
    s->smin32 = INT32_MIN;
    s->smax32 = INT32_MAX;
}

/* ---- sharpening: bounds meet further bounds ---- */

static void meet_u64(struct scalar *s, uint64_t min, uint64_t max)
{
    s->umin = s->umin > min ? s->umin : min;
    s->umax = s->umax < max ? s->umax : max;
}

static void meet_s64(struct scalar *s, int64_t min, int64_t max)
{
    s->smin = s->smin > min ? s->smin : min;
    s->smax = s->smax < max ? s->smax : max;
}

static void meet_u32(struct scalar *s, uint32_t min, uint32_t max)
{
    s->umin32 = s->umin32 > min ? s->umin32 : min;
    s->umax32 = s->umax32 < max ? s->umax32 : max;
}

static void meet_s32(struct scalar *s, int32_t min, int32_t max)
{
    s->smin32 = s->smin32 > min ? s->smin32 : min;
    s->smax32 = s->smax32 < max ? s->smax32 : max;
}

void scalar_from_bits64(struct scalar *s)
{
    const uint64_t sign = UINT64_C(1) << (WORD_BITS - 1);
    const struct tnum b = s->bits;

    /* An unknown sign bit is set in the least signed value and clear in the largest. */
    meet_s64(s, (int64_t)(b.value | (b.mask & sign)), (int64_t)(b.value | (b.mask & ~sign)));
    meet_u64(s, b.value, b.value | b.mask);
}

void scalar_from_bits32(struct scalar *s)
{
    const uint32_t sign = UINT32_C(1) << (HALF_BITS - 1);
    const uint32_t value = (uint32_t)s->bits.value;
    const uint32_t mask = (uint32_t)s->bits.mask;

    meet_s32(s, (int32_t)(value | (mask & sign)), (int32_t)(value | (mask & ~sign)));
    meet_u32(s, value, value | mask);
}

/* The low halves of two 64-bit bounds that have the same upper half bound the low half of all
 * between. In one view or both their order may be right. */
static void low_from_bounds(struct scalar *s, uint64_t min, uint64_t max)
{
    const uint32_t above_min = (uint32_t)(min >> HALF_BITS),
                   above_max = (uint32_t)(max >> HALF_BITS);
    const uint32_t low_min = (uint32_t)min, low_max = (uint32_t)max;

    if (above_min == above_max) {
        if (low_min <= low_max)
            meet_u32(s, low_min, low_max);
        if ((int32_t)low_min <= (int32_t)low_max)
            meet_s32(s, (int32_t)low_min, (int32_t)low_max);
    }
}

/* If the upper halves follow each other, the low half runs from a negative number over -1 and 0. */
static void low_across_zero(struct scalar *s, uint64_t min, uint64_t max)
{
    const uint32_t after_min = (uint32_t)((uint32_t)(min >> HALF_BITS) + 1);

    if (after_min == (uint32_t)(max >> HALF_BITS) && (int32_t)min < 0 && (int32_t)max >= 0)
        meet_s32(s, (int32_t)min, (int32_t)max);
}

static void deduce32(struct scalar *s)
{
    low_from_bounds(s, s->umin, s->umax);
    low_from_bounds(s, (uint64_t)s->smin, (uint64_t)s->smax);
    low_across_zero(s, s->umin, s->umax);
    low_across_zero(s, (uint64_t)s->smin, (uint64_t)s->smax);
    /* Where a range does not cross the border between its view's largest and least number, it is
     * the same range in the other view. A signed range over zero has a part at each end of the
     * unsigned numbers; if only one of them meets the unsigned range, the number is in that one. */
    if ((int32_t)s->umin32 <= (int32_t)s->umax32)
        meet_s32(s, (int32_t)s->umin32, (int32_t)s->umax32);
    if ((uint32_t)s->smin32 <= (uint32_t)s->smax32) {
        meet_u32(s, (uint32_t)s->smin32, (uint32_t)s->smax32);
    } else if (s->umax32 < (uint32_t)s->smin32) {
        s->smin32 = (int32_t)s->umin32;
        s->umax32 = s->umax32 < (uint32_t)s->smax32 ? s->umax32 : (uint32_t)s->smax32;
    } else if ((uint32_t)s->smax32 < s->umin32) {
        s->smax32 = (int32_t)s->umax32;
        s->umin32 = s->umin32 > (uint32_t)s->smin32 ? s->umin32 : (uint32_t)s->smin32;
    }
}

static void deduce64(struct scalar *s)
{
    if ((int64_t)s->umin <= (int64_t)s->umax)
        meet_s64(s, (int64_t)s->umin, (int64_t)s->umax);
    if ((uint64_t)s->smin <= (uint64_t)s->smax) {
        meet_u64(s, (uint64_t)s->smin, (uint64_t)s->smax);
    } else if (s->umax < (uint64_t)s->smin) {
        s->smin = (int64_t)s->umin;
        s->umax = s->umax < (uint64_t)s->smax ? s->umax : (uint64_t)s->smax;
    } else if ((uint64_t)s->smax < s->umin) {
        s->smax = (int64_t)s->umax;
        s->umin = s->umin > (uint64_t)s->smin ? s->umin : (uint64_t)s->smin;
    }
}

/* 64-bit bounds from 32-bit ones: no value below a bound's own 2^32 block can be nearer than the
 * low half allows. */
static void deduce64_from32(struct scalar *s)
{
    meet_u64(s, (s->umin & ~word_low_half()) | s->umin32, (s->umax & ~word_low_half()) | s->umax32);
    meet_s64(s, (int64_t)(((uint64_t)s->smin & ~word_low_half()) | s->umin32),
             (int64_t)(((uint64_t)s->smax & ~word_low_half()) | s->umax32));
    /* A number that fits 32 bits signed, whose low half is not negative, is that half. */
    if (s->smin32 >= 0 && s->smin >= INT32_MIN && s->smax <= INT32_MAX) {
        s->smin = s->smin32;
        s->smax = s->smax32;
        s->umin = (uint64_t)s->smin32;
        s->umax = (uint64_t)s->smax32;
        s->bits = tnum_meet(s->bits, tnum_range(s->umin, s->umax));
    }
}

/* If just one number has both the known bits and the bounds, it is that one. */
static void find_only_one(struct scalar *s)
{
    uint64_t first = s->umin;

    if (tnum_is_const(s->bits))
        return;
    if ((first & ~s->bits.mask) != s->bits.value) {
        first = tnum_next(s->bits, first);
        if (first > s->umax || first < s->umin)
            return; /* none has: the caller finds out */
    }
    if (first == s->umax || tnum_next(s->bits, first) > s->umax ||
        tnum_next(s->bits, first) == first)
        *s = scalar_const(first);
}

void scalar_sync(struct scalar *s)
{
    enum { ROUNDS = 3 }; /* facts travel 64 -> 32 -> 64; more rounds find nothing new in practice */
    struct tnum whole, low;

    scalar_from_bits32(s);
    scalar_from_bits64(s);
    for (int i = 0; i < ROUNDS; i++) {
        deduce32(s);
        deduce64(s);
        deduce64_from32(s);
    }
    whole = tnum_meet(s->bits, tnum_range(s->umin, s->umax));
    low = tnum_meet(tnum_low(whole), tnum_range(s->umin32, s->umax32));
    s->bits = tnum_join_halves(whole, low);
    scalar_from_bits32(s);
    scalar_from_bits64(s);
    find_only_one(s);
}

bool scalar_is_broken(const struct scalar *s)
{
    if (s->umin > s->umax || s->smin > s->smax || s->umin32 > s->umax32 || s->smin32 > s->smax32)
        return true;
    if (s->bits.value & s->bits.mask)
        return true;
    /* Once one view has a single value, all must have it. */
    if (s->umin == s->umax && s->umin != (uint64_t)s->smin)
        return true;
    if ((s->umin == s->umax) != (s->smin == s->smax))
        return true;
    if (s->umin32 == s->umax32 && s->umin32 != (uint32_t)s->smin32)
        return true;
    if ((s->umin32 == s->umax32) != (s->smin32 == s->smax32))
        return true;
    if (tnum_is_const(s->bits) != (s->umin == s->umax) ||
        (tnum_is_const(s->bits) && s->bits.value != s->umin))
        return true;
    return scalar_is_const32(s) && (s->umin32 != s->umax32 || (uint32_t)s->bits.value != s->umin32);
}

bool scalar_includes(const struct scalar *outer, const struct scalar *inner)
{
    return outer->umin <= inner->umin && outer->umax >= inner->umax && outer->smin <= inner->smin &&
           outer->smax >= inner->smax && outer->umin32 <= inner->umin32 &&
           outer->umax32 >= inner->umax32 && outer->smin32 <= inner->smin32 &&
           outer->smax32 >= inner->smax32 && tnum_includes(outer->bits, inner->bits);
}

bool scalar_same(const struct scalar *a, const struct scalar *b)
{
    return scalar_includes(a, b) && scalar_includes(b, a);
}

/* ---- widths ---- */

void scalar_zero_extend32(struct scalar *s)
{
    s->bits = tnum_low(s->bits);
    s->umin = s->umin32;
    s->umax = s->umax32;
    if (s->smin32 >= 0) {
        s->smin = s->smin32;
        s->smax = s->smax32;
    } else {
        s->smin = 0;
        s->smax = UINT32_MAX;
    }
}

void scalar_truncate(struct scalar *s, unsigned bytes)
{
    const uint64_t keep = (UINT64_C(1) << bytes * BYTE_BITS) - 1;

    s->bits = tnum_truncate(s->bits, bytes);
    if ((s->umin & ~keep) == (s->umax & ~keep)) {
        s->umin &= keep;
        s->umax &= keep;
    } else {
        s->umin = 0;
        s->umax = keep;
    }
    s->smin = (int64_t)s->umin;
    s->smax = (int64_t)s->umax;
    if (bytes * BYTE_BITS < HALF_BITS)
        scalar_forget32(s);
    scalar_sync(s);
}

static int64_t extend(uint64_t value, unsigned bytes)
{
    const unsigned up = WORD_BITS - bytes * BYTE_BITS;

    return (int64_t)(value << up) >> up;
}

/* Sets every view to the numbers from min to max, both of one sign. */
static void set_signed_range(struct scalar *s, int64_t min, int64_t max)
{
    s->smin = min;
    s->smax = max;
    s->umin = (uint64_t)min;
    s->umax = (uint64_t)max;
    s->smin32 = (int32_t)min;
    s->smax32 = (int32_t)max;
    s->umin32 = (uint32_t)min;
    s->umax32 = (uint32_t)max;
    s->bits = tnum_range((uint64_t)min, (uint64_t)max);
}

static void sign_extend64(struct scalar *s, unsigned bytes)
{
    const unsigned bits = bytes * BYTE_BITS;
    const int64_t limit = (int64_t)(UINT64_C(1) << (bits - 1));

    if (scalar_is_const(s)) {
        *s = scalar_const((uint64_t)extend(s->bits.value, bytes));
        return;
    }
    if (s->smin >> bits == s->smax >> bits) {
        const int64_t a = extend((uint64_t)s->smin, bytes), b = extend((uint64_t)s->smax, bytes);

        if ((a < 0) == (b < 0)) {
            set_signed_range(s, a < b ? a : b, a < b ? b : a);
            return;
        }
    }
    *s = scalar_unknown();
    s->smin = -limit;
    s->smax = limit - 1;
    s->smin32 = (int32_t)s->smin;
    s->smax32 = (int32_t)s->smax;
}

/* The 64-bit views stay behind: the caller clears the upper half. */
static void sign_extend32(struct scalar *s, unsigned bytes)
{
    const unsigned bits = bytes * BYTE_BITS;
    const int32_t limit = (int32_t)(UINT32_C(1) << (bits - 1));

    if (scalar_is_const(s)) {
        const uint32_t value = (uint32_t)extend(s->bits.value, bytes);

        s->bits = tnum_const(value);
        s->umin32 = s->umax32 = value;
        s->smin32 = s->smax32 = (int32_t)value;
        return;
    }
    if (s->smin32 >> bits == s->smax32 >> bits) {
        const int32_t a = (int32_t)extend((uint64_t)s->smin32, bytes);
        const int32_t b = (int32_t)extend((uint64_t)s->smax32, bytes);

        if ((a < 0) == (b < 0)) {
            s->smin32 = a < b ? a : b;
            s->smax32 = a < b ? b : a;
            s->umin32 = (uint32_t)s->smin32;
            s->umax32 = (uint32_t)s->smax32;
            s->bits = tnum_low(tnum_range((uint64_t)s->smin32, (uint64_t)s->smax32));
            return;
        }
    }
    s->bits = tnum_low(TNUM_UNKNOWN);
    s->umin32 = 0;
    s->umax32 = UINT32_MAX;
    s->smin32 = -limit;
    s->smax32 = limit - 1;
}

void scalar_sign_extend(struct scalar *s, unsigned bytes, unsigned width)
{
    if (width == WORD_BITS)
        sign_extend64(s, bytes);
    else
        sign_extend32(s, bytes);
}
