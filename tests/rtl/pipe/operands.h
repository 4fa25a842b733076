// SPDX-License-Identifier: BSD-3-Clause
// Operands of operations: extremes, of which all pairs are tried, and random ones.
#pragma once
#include "bench.h"

static const uint64_t extremes[] = {0,
                                    1,
                                    2,
                                    3,
                                    7,
                                    31,
                                    32,
                                    33,
                                    63,
                                    64,
                                    0x7f,
                                    0x80,
                                    0xff,
                                    0x7fff,
                                    0x8000,
                                    0xffff,
                                    0x7fffffff,
                                    0x80000000,
                                    0x80000001,
                                    0xffffffff,
                                    0x100000000,
                                    0x100000001,
                                    0x7fffffff80000000,
                                    0x7fffffffffffffff,
                                    0x8000000000000000,
                                    0x8000000000000001,
                                    0xffffffff00000000,
                                    0xffffffff7fffffff,
                                    0xffffffff80000000,
                                    0xfffffffffffffffe,
                                    0xffffffffffffffff,
                                    0x0102030405060788};
enum { EXTREMES = sizeof extremes / sizeof *extremes, EXTREME_PAIRS = EXTREMES * EXTREMES };

static uint64_t operand(Rng &rng)
{
    switch (rng.below(4)) {
    case 0:
        return extremes[rng.below(EXTREMES)];
    case 1:
        return rng.next() >> rng.below(64);
    case 2:
        return -(rng.next() >> rng.below(64));
    default:
        return rng.next();
    }
}
