/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_VERIFY_WORD_H
#define SLUICE_VERIFY_WORD_H

#include <stdint.h>

/* How many bits words, halves and bytes have in tnum.c and scalar*.c, where uint64_t is a word and
 * uint32_t a half. A test compiles these files for a world of small words, and tries all of it
 * (tests/small); so counts of bits and bytes are plain unsigned there. */

#ifndef VERIFY_SMALL_WORLD

#include "hw/spec/gen/alu.h"

enum { WORD_BITS = 64, HALF_BITS = 32, BYTE_BITS = 8 };

static inline uint64_t word_swap(uint64_t x)
{
    return spec_bswap64_64(x, 0);
}

#endif

/* Bits that a word needs: 0 for 0. */
static inline unsigned word_bits_of(uint64_t x)
{
    return x ? 64 - (unsigned)__builtin_clzll((unsigned long long)x) : 0;
}

/* The low half of a word, all ones. */
static inline uint64_t word_low_half(void)
{
    return UINT64_MAX >> (WORD_BITS - HALF_BITS);
}

#endif
