/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_SMALL_ALU_H
#define SLUICE_TESTS_SMALL_ALU_H

#include "hw/spec/gen/alu.h"

/* The operations of hw/spec/alu.toml in a world of any size, so that what is claimed of all values
 * can be tried with all values: words of word_bits (8 to 64, a power of two), operations on them or
 * on half of that, bytes of an eighth of it. At 64 bits they are the table's own, which a test
 * checks. Operands and results are words; an operation on halves zero-extends. */
uint64_t small_alu(enum spec_alu op, unsigned width, unsigned word_bits, uint64_t a, uint64_t b);

/* Some operations do not work on halves. */
static inline bool small_alu_has(enum spec_alu op, unsigned width, unsigned word_bits)
{
    return width == word_bits || spec_alu_table[op].verilog32[0];
}

static inline uint64_t small_ones(unsigned bits)
{
    return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

#endif
