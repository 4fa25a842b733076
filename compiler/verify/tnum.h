/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_VERIFY_TNUM_H
#define SLUICE_VERIFY_TNUM_H

#include <stdbool.h>
#include <stdint.h>

/* Known bits: where mask is 1 a bit is unknown, elsewhere it is value's; value is 0 where mask
 * is 1. The operations are those of Linux's kernel/bpf/tnum.c. */
struct tnum {
    uint64_t value;
    uint64_t mask;
};

static inline struct tnum tnum_add(struct tnum a, struct tnum b)
{
    const uint64_t masks = a.mask + b.mask;
    const uint64_t values = a.value + b.value;
    const uint64_t carries = (masks + values) ^ values;
    const uint64_t mask = carries | a.mask | b.mask;

    return (struct tnum){values & ~mask, mask};
}

static inline struct tnum tnum_sub(struct tnum a, struct tnum b)
{
    const uint64_t values = a.value - b.value;
    const uint64_t borrows = (values + a.mask) ^ (values - b.mask);
    const uint64_t mask = borrows | a.mask | b.mask;

    return (struct tnum){values & ~mask, mask};
}

static inline struct tnum tnum_and(struct tnum a, struct tnum b)
{
    const uint64_t ones = a.value & b.value;
    const uint64_t possible = (a.value | a.mask) & (b.value | b.mask);

    return (struct tnum){ones, possible & ~ones};
}

static inline struct tnum tnum_or(struct tnum a, struct tnum b)
{
    const uint64_t ones = a.value | b.value;

    return (struct tnum){ones, (a.mask | b.mask) & ~ones};
}

static inline struct tnum tnum_xor(struct tnum a, struct tnum b)
{
    const uint64_t mask = a.mask | b.mask;

    return (struct tnum){(a.value ^ b.value) & ~mask, mask};
}

static inline struct tnum tnum_shl(struct tnum a, unsigned n)
{
    return (struct tnum){a.value << n, a.mask << n};
}

static inline struct tnum tnum_lshr(struct tnum a, unsigned n)
{
    return (struct tnum){a.value >> n, a.mask >> n};
}

static inline struct tnum tnum_ashr(struct tnum a, unsigned n)
{
    return (struct tnum){(uint64_t)((int64_t)a.value >> n), (uint64_t)((int64_t)a.mask >> n)};
}

/* Known bits of a product: schoolbook multiplication, where a known 1 of a adds b at its place, and
 * an unknown bit adds 0 or b: any bit that b may have is then unknown. */
static inline struct tnum tnum_mul(struct tnum a, struct tnum b)
{
    struct tnum sum = {a.value * b.value, 0};

    for (unsigned n = 0; n < 64 && (a.value | a.mask) >> n; n++) {
        if (a.mask >> n & 1)
            sum = tnum_add(sum, (struct tnum){0, (b.value | b.mask) << n});
        else if (a.value >> n & 1)
            sum = tnum_add(sum, (struct tnum){0, b.mask << n});
    }
    return sum;
}

/* Both at once; false if they contradict each other. */
static inline bool tnum_meet(struct tnum *a, struct tnum b)
{
    const uint64_t mask = a->mask & b.mask;

    if ((a->value ^ b.value) & ~a->mask & ~b.mask)
        return false;
    *a = (struct tnum){(a->value | b.value) & ~mask, mask};
    return true;
}

/* The bits that all numbers from min to max share. */
static inline struct tnum tnum_range(uint64_t min, uint64_t max)
{
    const uint64_t differ = min ^ max;
    const int n = differ ? 64 - __builtin_clzll(differ) : 0;
    const uint64_t mask = n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;

    return (struct tnum){min & ~mask, mask};
}

#endif
