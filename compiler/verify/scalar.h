/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_VERIFY_SCALAR_H
#define SLUICE_VERIFY_SCALAR_H

#include "compiler/verify/tnum.h"
#include "hw/spec/gen/alu.h"

/* What is known of a number: single bits, and ranges, signed and unsigned, of all 64 bits and of
 * the lower 32. Each part alone is a sound bound; scalar_sync lets them sharpen each other. */

struct scalar {
    struct tnum bits;
    uint64_t umin, umax;
    int64_t smin, smax;
    uint32_t u32min, u32max;
    int32_t s32min, s32max;
};

struct scalar scalar_const(uint64_t value);
struct scalar scalar_unknown(void);
/* Any number up to max. */
struct scalar scalar_up_to(uint64_t max);

static inline bool scalar_is_const(const struct scalar *s)
{
    return !s->bits.mask;
}

/* Lets the parts sharpen each other; false if they contradict each other: no number is left. */
bool scalar_sync(struct scalar *s);

/* The result of an operation of width 32 or 64; b of operations with one operand is not looked at.
 */
struct scalar scalar_alu(enum spec_alu op, unsigned width, const struct scalar *a,
                         const struct scalar *b);

/* What is known of the operands when a comparison of width 32 or 64 came out as given; false if it
 * can't. */
bool scalar_refine(enum spec_alu op, unsigned width, bool outcome, struct scalar *a,
                   struct scalar *b);

/* All numbers of b are numbers of a. */
bool scalar_includes(const struct scalar *a, const struct scalar *b);

#endif
