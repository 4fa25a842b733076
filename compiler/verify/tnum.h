/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_VERIFY_TNUM_H
#define SLUICE_VERIFY_TNUM_H

#include "compiler/verify/word.h"

#include <stdbool.h>

/* Known bits of a word: a bit set in mask is not known, a bit clear in mask is as in value.
 * Invariant: value & mask is 0. Each operation gives a tnum that holds every result that operands
 * within theirs can have. */
struct tnum {
    uint64_t value;
    uint64_t mask;
};

#define TNUM_UNKNOWN ((struct tnum){0, UINT64_MAX})

static inline struct tnum tnum_const(uint64_t value)
{
    return (struct tnum){value, 0};
}

static inline bool tnum_is_const(struct tnum a)
{
    return a.mask == 0;
}

/* The low half, the other 0; and the reverse. */
static inline struct tnum tnum_low(struct tnum a)
{
    return (struct tnum){(uint32_t)a.value, (uint32_t)a.mask};
}

static inline struct tnum tnum_high(struct tnum a)
{
    return (struct tnum){a.value & ~word_low_half(), a.mask & ~word_low_half()};
}

/* high's upper and low's lower half. */
static inline struct tnum tnum_join_halves(struct tnum high, struct tnum low)
{
    return (struct tnum){tnum_high(high).value | tnum_low(low).value,
                         tnum_high(high).mask | tnum_low(low).mask};
}

/* All values from min to max, as far as bits can say it. */
struct tnum tnum_range(uint64_t min, uint64_t max);
/* What is in both. If the two contradict each other the result means nothing. */
struct tnum tnum_meet(struct tnum a, struct tnum b);
/* What is in either. */
struct tnum tnum_union(struct tnum a, struct tnum b);
/* A value that is in both may exist. */
bool tnum_overlaps(struct tnum a, struct tnum b);
/* Every value of inner is in outer. */
bool tnum_includes(struct tnum outer, struct tnum inner);
/* The least value above a number; the largest one if there is none. */
uint64_t tnum_next(struct tnum a, uint64_t above);
/* All values are multiples of bytes, a power of two. */
bool tnum_is_aligned(struct tnum a, unsigned bytes);

struct tnum tnum_add(struct tnum a, struct tnum b);
struct tnum tnum_sub(struct tnum a, struct tnum b);
struct tnum tnum_mul(struct tnum a, struct tnum b);
struct tnum tnum_and(struct tnum a, struct tnum b);
struct tnum tnum_or(struct tnum a, struct tnum b);
struct tnum tnum_xor(struct tnum a, struct tnum b);
struct tnum tnum_shl(struct tnum a, unsigned by);
struct tnum tnum_shr(struct tnum a, unsigned by);
/* Arithmetic shift of a half or a word. */
struct tnum tnum_sar(struct tnum a, unsigned by, unsigned width);
/* The low bytes, the others 0. */
struct tnum tnum_truncate(struct tnum a, unsigned bytes);
/* The low bytes in reverse order, the others 0. */
struct tnum tnum_swap(struct tnum a, unsigned bytes);

#endif
