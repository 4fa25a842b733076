/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/tnum.h"

/* The set of carries (or borrows) that may differ follows from adding the extremes: Vishwanathan et
 * al., "Sound, precise, and fast abstract interpretation with tristate numbers" (CGO 2022), which
 * shows that add and sub below are the best possible. */

struct tnum tnum_range(uint64_t min, uint64_t max)
{
    const uint64_t differ = min ^ max;
    uint64_t unknown = 0;

    if (differ)
        unknown = UINT64_MAX >> (WORD_BITS - word_bits_of(differ));
    return (struct tnum){min & ~unknown, unknown};
}

struct tnum tnum_meet(struct tnum a, struct tnum b)
{
    const uint64_t mask = a.mask & b.mask;

    return (struct tnum){(a.value | b.value) & ~mask, mask};
}

struct tnum tnum_union(struct tnum a, struct tnum b)
{
    const uint64_t mask = a.mask | b.mask | (a.value ^ b.value);

    return (struct tnum){a.value & ~mask, mask};
}

bool tnum_overlaps(struct tnum a, struct tnum b)
{
    return ((a.value ^ b.value) & ~(a.mask | b.mask)) == 0;
}

bool tnum_includes(struct tnum outer, struct tnum inner)
{
    return (inner.mask & ~outer.mask) == 0 && (inner.value & ~outer.mask) == outer.value;
}

uint64_t tnum_next(struct tnum a, uint64_t above)
{
    uint64_t known, below = 0, from;

    if (above >= (a.value | a.mask))
        return a.value | a.mask;
    if (above < a.value)
        return a.value;
    /* Counts on in the unknown bits alone: all others are 1, so that a carry passes them. Those
     * below the highest one that no value has are 1 too: what follows is above in a higher bit. */
    from = above - a.value;
    known = from & ~a.mask;
    if (known)
        below = UINT64_MAX >> (WORD_BITS - word_bits_of(known));
    return a.value | (((from | below | ~a.mask) + 1) & a.mask);
}

bool tnum_is_aligned(struct tnum a, unsigned bytes)
{
    return ((a.value | a.mask) & (bytes - 1)) == 0;
}

struct tnum tnum_add(struct tnum a, struct tnum b)
{
    const uint64_t low = a.value + b.value;
    const uint64_t high = low + a.mask + b.mask;
    const uint64_t mask = (low ^ high) | a.mask | b.mask;

    return (struct tnum){low & ~mask, mask};
}

struct tnum tnum_sub(struct tnum a, struct tnum b)
{
    const uint64_t most = a.value - b.value + a.mask;
    const uint64_t least = a.value - b.value - b.mask;
    const uint64_t mask = (most ^ least) | a.mask | b.mask;

    return (struct tnum){(a.value - b.value) & ~mask, mask};
}

/* Long multiplication: for each bit of a, the sum with b added, not added, or either. */
struct tnum tnum_mul(struct tnum a, struct tnum b)
{
    struct tnum sum = tnum_const(0);

    for (unsigned i = 0; (a.value | a.mask) >> i; i++) {
        const struct tnum with = tnum_add(sum, tnum_shl(b, i));

        if (a.value >> i & 1)
            sum = with;
        else if (a.mask >> i & 1)
            sum = tnum_union(sum, with);
        if (i == WORD_BITS - 1)
            break;
    }
    return sum;
}

struct tnum tnum_and(struct tnum a, struct tnum b)
{
    const uint64_t ones = a.value & b.value;

    return (struct tnum){ones, (a.value | a.mask) & (b.value | b.mask) & ~ones};
}

struct tnum tnum_or(struct tnum a, struct tnum b)
{
    const uint64_t ones = a.value | b.value;

    return (struct tnum){ones, (a.mask | b.mask) & ~ones};
}

struct tnum tnum_xor(struct tnum a, struct tnum b)
{
    const uint64_t mask = a.mask | b.mask;

    return (struct tnum){(a.value ^ b.value) & ~mask, mask};
}

struct tnum tnum_shl(struct tnum a, unsigned by)
{
    return (struct tnum){a.value << by, a.mask << by};
}

struct tnum tnum_shr(struct tnum a, unsigned by)
{
    return (struct tnum){a.value >> by, a.mask >> by};
}

struct tnum tnum_sar(struct tnum a, unsigned by, unsigned width)
{
    /* A sign bit that is not known spreads as not known. */
    if (width == HALF_BITS)
        return (struct tnum){(uint32_t)((int32_t)a.value >> by), (uint32_t)((int32_t)a.mask >> by)};
    return (struct tnum){(uint64_t)((int64_t)a.value >> by), (uint64_t)((int64_t)a.mask >> by)};
}

struct tnum tnum_truncate(struct tnum a, unsigned bytes)
{
    const uint64_t keep =
        bytes * BYTE_BITS >= WORD_BITS ? UINT64_MAX : (UINT64_C(1) << bytes * BYTE_BITS) - 1;

    return (struct tnum){a.value & keep, a.mask & keep};
}

struct tnum tnum_swap(struct tnum a, unsigned bytes)
{
    const unsigned drop = WORD_BITS - bytes * BYTE_BITS;

    return (struct tnum){word_swap(a.value) >> drop, word_swap(a.mask) >> drop};
}
