/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/small_alu.h"

/* A number of so many bits, with its sign. */
static int64_t as_signed(uint64_t v, unsigned bits)
{
    return (int64_t)(v << (64 - bits)) >> (64 - bits);
}

/* The low count bytes of unit bits in reverse order. */
static uint64_t swapped(uint64_t v, unsigned unit, unsigned count)
{
    uint64_t out = 0;

    for (unsigned i = 0; i < count; i++)
        out |= (v >> i * unit & small_ones(unit)) << (count - 1 - i) * unit;
    return out;
}

static uint64_t divided(enum spec_alu op, unsigned width, uint64_t a, uint64_t b)
{
    const int64_t sa = as_signed(a, width);
    const int64_t sb = as_signed(b, width);
    const bool quotient = op == SPEC_ALU_UDIV || op == SPEC_ALU_SDIV;

    if (b == 0)
        return quotient ? 0 : a;
    if (op == SPEC_ALU_UDIV || op == SPEC_ALU_UMOD)
        return quotient ? a / b : a % b;
    if (sb == -1)
        return quotient ? 0 - a : 0;
    return (uint64_t)(quotient ? sa / sb : sa % sb);
}

static bool compared(enum spec_alu op, unsigned width, uint64_t a, uint64_t b)
{
    const int64_t sa = as_signed(a, width);
    const int64_t sb = as_signed(b, width);

    switch (op) {
    case SPEC_ALU_EQ:
        return a == b;
    case SPEC_ALU_NE:
        return a != b;
    case SPEC_ALU_UGT:
        return a > b;
    case SPEC_ALU_UGE:
        return a >= b;
    case SPEC_ALU_ULT:
        return a < b;
    case SPEC_ALU_ULE:
        return a <= b;
    case SPEC_ALU_SGT:
        return sa > sb;
    case SPEC_ALU_SGE:
        return sa >= sb;
    case SPEC_ALU_SLT:
        return sa < sb;
    case SPEC_ALU_SLE:
        return sa <= sb;
    default: /* SET */
        return (a & b) != 0;
    }
}

static uint64_t computed(enum spec_alu op, unsigned width, unsigned unit, uint64_t a, uint64_t b)
{
    const unsigned by = (unsigned)(b & (width - 1));

    switch (op) {
    case SPEC_ALU_ADD:
        return a + b;
    case SPEC_ALU_SUB:
        return a - b;
    case SPEC_ALU_MUL:
        return a * b;
    case SPEC_ALU_AND:
        return a & b;
    case SPEC_ALU_OR:
        return a | b;
    case SPEC_ALU_XOR:
        return a ^ b;
    case SPEC_ALU_SHL:
        return a << by;
    case SPEC_ALU_LSHR:
        return a >> by;
    case SPEC_ALU_ASHR:
        return (uint64_t)(as_signed(a, width) >> by);
    case SPEC_ALU_SEXT8:
        return (uint64_t)as_signed(a, unit);
    case SPEC_ALU_SEXT16:
        return (uint64_t)as_signed(a, 2 * unit);
    case SPEC_ALU_SEXT32:
        return (uint64_t)as_signed(a, 4 * unit);
    case SPEC_ALU_BSWAP16:
        return swapped(a, unit, 2);
    case SPEC_ALU_BSWAP32:
        return swapped(a, unit, 4);
    case SPEC_ALU_BSWAP64:
        return swapped(a, unit, 8);
    default: /* MOV */
        return a;
    }
}

uint64_t small_alu(enum spec_alu op, unsigned width, unsigned word_bits, uint64_t a, uint64_t b)
{
    const uint64_t ones = small_ones(width);

    a &= ones;
    b &= ones;
    switch ((enum spec_alu_class)spec_alu_table[op].cls) {
    case SPEC_ALU_CLASS_CMP:
        return compared(op, width, a, b);
    case SPEC_ALU_CLASS_DIV:
        return divided(op, width, a, b) & ones;
    case SPEC_ALU_CLASS_NONE:
    case SPEC_ALU_CLASS_LOGIC:
    case SPEC_ALU_CLASS_ADD:
    case SPEC_ALU_CLASS_SHIFT:
    case SPEC_ALU_CLASS_MOVE:
    case SPEC_ALU_CLASS_MUL:
        break;
    }
    return computed(op, width, word_bits / 8, a, b) & ones;
}
