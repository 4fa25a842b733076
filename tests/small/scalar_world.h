/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_SCALAR_WORLD_H
#define SLUICE_TESTS_SCALAR_WORLD_H

#include "compiler/ebpf/ebpf.h"
#include "tests/common/insn.h"
#include "tests/common/small_alu.h"

#include <stdbool.h>
#include <stddef.h>

/* The verifier's numbers in a world whose words have SMALL_WORD bits (4 or 8) and whose halves have
 * half of that: compiler/verify/tnum.c and scalar*.c themselves, compiled with such words for
 * uint64_t and uint32_t. _BitInt is not promoted, so that arithmetic wraps as that of real words
 * does. Needs clang. */

#define VERIFY_SMALL_WORLD

enum {
    WORD_BITS = SMALL_WORD,
    HALF_BITS = SMALL_WORD / 2,
    BYTE_BITS = SMALL_WORD >= 8 ? SMALL_WORD / 8 : 1
};
enum { VALUES = 1 << WORD_BITS, HALF_VALUES = 1 << HALF_BITS };

typedef unsigned _BitInt(SMALL_WORD) small_word;
typedef signed _BitInt(SMALL_WORD) small_sword;
typedef unsigned _BitInt(SMALL_WORD / 2) small_half;
typedef signed _BitInt(SMALL_WORD / 2) small_shalf;

#define uint64_t small_word
#define int64_t small_sword
#define uint32_t small_half
#define int32_t small_shalf
#undef UINT64_C
#undef UINT32_C
#undef UINT64_MAX
#undef UINT32_MAX
#undef INT64_MAX
#undef INT64_MIN
#undef INT32_MAX
#undef INT32_MIN
#define UINT64_C(x) ((small_word)(x))
#define UINT32_C(x) ((small_half)(x))
#define UINT64_MAX ((small_word)(VALUES - 1))
#define UINT32_MAX ((small_half)(HALF_VALUES - 1))
#define INT64_MAX ((small_sword)(VALUES / 2 - 1))
#define INT64_MIN ((small_sword)(-VALUES / 2))
#define INT32_MAX ((small_shalf)(HALF_VALUES / 2 - 1))
#define INT32_MIN ((small_shalf)(-HALF_VALUES / 2))

static inline small_word word_swap(small_word x)
{
    unsigned out = 0;

    for (int i = 0; i < WORD_BITS; i += BYTE_BITS)
        out |= ((unsigned)x >> i & ((1u << BYTE_BITS) - 1)) << (WORD_BITS - BYTE_BITS - i);
    return (small_word)out;
}

/* One translation unit, so that names that are static in two files need one that differs. */
#include "compiler/verify/scalar.c"
#include "compiler/verify/scalar_alu.c"
#include "compiler/verify/scalar_jump.c"
#include "compiler/verify/tnum.c"

#undef uint64_t
#undef int64_t
#undef uint32_t
#undef int32_t
#undef UINT64_C
#define UINT64_C(x) x##UL

#endif
