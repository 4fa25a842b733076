/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/pipe.h"

/* Operations that are something simpler: wiring, fewer or narrower operations. */

#define CHOICES_MAX 4u /* constants of a choice that an operation is computed on in advance */

/* x << k for each bit k of a constant with few bits set, added up; PIPE_NONE if that would be too
 * much. */
static pipe_ref multiply_by_shifts(struct pipe_graph *g, uint32_t width, pipe_ref a, uint64_t by)
{
    pipe_ref sum = PIPE_NONE;

    if (__builtin_popcountll(by) > 3)
        return PIPE_NONE;
    for (uint32_t k = 0; k < width; k++) {
        pipe_ref shifted;

        if (!(by >> k & 1))
            continue;
        shifted = pipe_alu(g, SPEC_ALU_SHL, width, a, pipe_const(g, k));
        sum = sum ? pipe_alu(g, SPEC_ALU_ADD, width, sum, shifted) : shifted;
    }
    return sum ? sum : pipe_const(g, 0);
}

/* Byte i of a value, up to the last that is not known to be zero. */
static struct pipe_part byte_of(struct pipe_graph *g, pipe_ref a, uint32_t i)
{
    const struct pipe_node *n = &g->nodes[a];

    if (8 * i >= n->bits)
        return (struct pipe_part){pipe_const(g, 0), 0};
    if (n->kind == PIPE_K_BYTES)
        return n->parts[i];
    if (n->kind == PIPE_K_CONST && (n->imm >> 8 * i & 0xff) == 0)
        return (struct pipe_part){pipe_const(g, 0), 0};
    return (struct pipe_part){a, i};
}

static bool is_zero_part(const struct pipe_graph *g, struct pipe_part p)
{
    return g->nodes[p.node].kind == PIPE_K_CONST && g->nodes[p.node].imm == 0;
}

/* What only moves bytes, as bytes: shifts by whole bytes and swaps. PIPE_NONE for anything else. */
static pipe_ref move_bytes(struct pipe_graph *g, enum spec_alu alu, uint32_t width, pipe_ref a,
                           uint64_t k)
{
    const uint32_t bytes = alu == SPEC_ALU_BSWAP16 ? 2 : alu == SPEC_ALU_BSWAP32 ? 4 : width / 8;
    struct pipe_part parts[8];

    k &= width - 1;
    if (alu == SPEC_ALU_SHL || alu == SPEC_ALU_LSHR) {
        if (k % 8)
            return PIPE_NONE;
    } else if (alu != SPEC_ALU_BSWAP16 && alu != SPEC_ALU_BSWAP32 && alu != SPEC_ALU_BSWAP64) {
        return PIPE_NONE;
    }
    for (uint32_t i = 0; i < bytes; i++) {
        const uint32_t moved = (uint32_t)k / 8;
        const uint32_t from = alu == SPEC_ALU_SHL    ? i - moved
                              : alu == SPEC_ALU_LSHR ? i + moved
                                                     : bytes - 1 - i;

        parts[i] = from < bytes ? byte_of(g, a, from) : (struct pipe_part){pipe_const(g, 0), 0};
    }
    return pipe_bytes(g, parts, bytes);
}

/* a | b of values that share no byte: bytes side by side. PIPE_NONE if they do. */
static pipe_ref join_bytes(struct pipe_graph *g, uint32_t width, pipe_ref a, pipe_ref b)
{
    struct pipe_part parts[8];

    for (uint32_t i = 0; i < width / 8; i++) {
        const struct pipe_part x = byte_of(g, a, i);
        const struct pipe_part y = byte_of(g, b, i);

        if (!is_zero_part(g, x) && !is_zero_part(g, y))
            return PIPE_NONE;
        parts[i] = is_zero_part(g, x) ? y : x;
    }
    return pipe_bytes(g, parts, width / 8);
}

/* A comparison with a constant that the operand's width decides, as 0 or 1; -1 if it does not. */
static int decided(const struct pipe_graph *g, enum spec_alu alu, uint32_t width, pipe_ref a,
                   uint64_t k)
{
    const uint32_t bits = g->nodes[a].bits < width ? g->nodes[a].bits : width;
    const uint64_t most = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    const bool negative = k >> (width - 1) & 1;
    const bool positive_only = bits < width;

    switch (alu) {
    case SPEC_ALU_EQ:
        return k > most ? 0 : -1;
    case SPEC_ALU_UGT:
        return k >= most ? 0 : -1;
    case SPEC_ALU_UGE:
        return k == 0 ? 1 : k > most ? 0 : -1;
    case SPEC_ALU_SGT:
        if (!positive_only)
            return k == most >> 1 ? 0 : -1;
        return negative ? 1 : k >= most ? 0 : -1;
    case SPEC_ALU_SGE:
        if (!positive_only)
            return k == (most >> 1) + 1 ? 1 : -1;
        return negative || k == 0 ? 1 : k > most ? 0 : -1;
    default:
        return -1;
    }
}

static pipe_ref simplify_compare(struct pipe_graph *g, enum spec_alu alu, uint32_t width,
                                 pipe_ref a, uint64_t k)
{
    const enum spec_alu inverse = (enum spec_alu)spec_alu_table[alu].inverse;
    int result = decided(g, alu, width, a, k);

    if (result < 0 && inverse != SPEC_ALU_NONE) {
        result = decided(g, inverse, width, a, k);
        result = result < 0 ? result : !result;
    }
    return result < 0 ? PIPE_NONE : pipe_const(g, (uint64_t)result);
}

/* Operations that are something simpler; PIPE_NONE if not. b is a constant. */
static pipe_ref simplify_by_const(struct pipe_graph *g, enum spec_alu alu, uint32_t width,
                                  pipe_ref a, uint64_t k)
{
    const uint32_t bits = g->nodes[a].bits;
    const bool fits = bits <= width;

    if (width == 32)
        k = (uint32_t)k;
    if (spec_alu_table[alu].cls == SPEC_ALU_CLASS_CMP && simplify_compare(g, alu, width, a, k))
        return simplify_compare(g, alu, width, a, k);
    if (alu == SPEC_ALU_MUL)
        return multiply_by_shifts(g, width, a, k);
    if (k == 0 && fits &&
        (alu == SPEC_ALU_ADD || alu == SPEC_ALU_SUB || alu == SPEC_ALU_OR || alu == SPEC_ALU_XOR ||
         alu == SPEC_ALU_SHL || alu == SPEC_ALU_LSHR || alu == SPEC_ALU_ASHR))
        return a;
    if (alu == SPEC_ALU_AND && k == 0)
        return pipe_const(g, 0);
    if (alu == SPEC_ALU_AND && fits && bits < 64 &&
        (k & ((UINT64_C(1) << bits) - 1)) == (UINT64_C(1) << bits) - 1)
        return a;
    if (alu == SPEC_ALU_AND && (k == 0xff || k == 0xffff || k == 0xffffffff))
        return pipe_slice(g, a, 0, (k == 0xff ? 1u : k == 0xffff ? 2u : 4u));
    if (bits == 1 && k <= 1 && (alu == SPEC_ALU_EQ || alu == SPEC_ALU_NE))
        return (alu == SPEC_ALU_EQ) == (k == 1) ? a : pipe_not(g, a);
    if (bits == 1 && k == 1 && alu == SPEC_ALU_XOR)
        return pipe_not(g, a);
    /* A pointer or zero compared with zero: the condition that made it is the answer. */
    if (k == 0 && (alu == SPEC_ALU_EQ || alu == SPEC_ALU_NE) && g->nodes[a].kind == PIPE_K_SELECT &&
        width == 64) {
        const pipe_ref c = g->nodes[a].args[0];
        uint64_t then_value;
        uint64_t else_value;
        const bool then_zero =
            pipe_is_const(g, g->nodes[a].args[1], &then_value) && then_value == 0;
        const bool else_zero =
            pipe_is_const(g, g->nodes[a].args[2], &else_value) && else_value == 0;
        const pipe_ref other = g->nodes[a].args[then_zero ? 2 : 1];
        const struct pipe_node *o = &g->nodes[other];

        if (then_zero == else_zero)
            return PIPE_NONE;
        /* never zero: a constant, or something with a constant's bits set in it */
        if ((o->kind == PIPE_K_CONST && o->imm) ||
            (o->kind == PIPE_K_ALU && o->alu == SPEC_ALU_OR &&
             g->nodes[o->args[1]].kind == PIPE_K_CONST && g->nodes[o->args[1]].imm))
            return (alu == SPEC_ALU_NE) == else_zero ? c : pipe_not(g, c);
    }
    return PIPE_NONE;
}

/* Constants that a value is chosen from; more than CHOICES_MAX if it is anything else. */
static uint32_t count_choices(const struct pipe_graph *g, pipe_ref a)
{
    const struct pipe_node *n = &g->nodes[a];
    uint32_t count;

    if (n->kind == PIPE_K_CONST)
        return 1;
    if (n->kind != PIPE_K_SELECT)
        return CHOICES_MAX + 1;
    count = count_choices(g, n->args[1]);
    return count > CHOICES_MAX ? count : count + count_choices(g, n->args[2]);
}

/* An operation on a choice of constants is a choice of results. */
static pipe_ref choose_result(struct pipe_graph *g, enum spec_alu alu, uint32_t width, pipe_ref a,
                              pipe_ref b)
{
    const struct pipe_node n = g->nodes[a];
    pipe_ref then_result;

    if (n.kind == PIPE_K_CONST)
        return pipe_alu(g, alu, width, a, b);
    then_result = choose_result(g, alu, width, n.args[1], b);
    return pipe_select(g, n.args[0], then_result, choose_result(g, alu, width, n.args[2], b));
}

pipe_ref pipe_simplify(struct pipe_graph *g, enum spec_alu alu, uint32_t width, pipe_ref a,
                       pipe_ref b)
{
    pipe_ref simple = PIPE_NONE;
    uint64_t k = 0;

    if (b && !pipe_is_const(g, b, &k))
        return alu == SPEC_ALU_OR || alu == SPEC_ALU_XOR ? join_bytes(g, width, a, b) : PIPE_NONE;
    if (g->nodes[a].kind == PIPE_K_SELECT && count_choices(g, a) <= CHOICES_MAX)
        return choose_result(g, alu, width, a, b);
    if (b)
        simple = simplify_by_const(g, alu, width, a, k);
    return simple ? simple : move_bytes(g, alu, width, a, k);
}
