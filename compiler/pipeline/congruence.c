/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/pipe.h"

/* What a value is a multiple of, read off the operations that make it. It tells how wide a
 * multiplexer must be, and that two entries of an array do not overlap. Moduli that are not powers
 * of two hold only while nothing wraps, which the bit counts show. */

#define DEPTH_MAX 12u
#define MULTIPLE_DEPTH_MAX 3u

static const struct pipe_congruence anything = {1, 0};

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b) {
        const uint64_t t = a % b;

        a = b;
        b = t;
    }
    return a;
}

static struct pipe_congruence reduce(uint64_t modulus, uint64_t residue)
{
    return (struct pipe_congruence){modulus, modulus ? residue % modulus : residue};
}

/* The power of two in a modulus: what is left of it when results may wrap. */
static uint64_t power_part(uint64_t m)
{
    return m ? m & -m : 0;
}

/* Both might be the value. */
static struct pipe_congruence either(struct pipe_congruence a, struct pipe_congruence b)
{
    const uint64_t apart = a.residue > b.residue ? a.residue - b.residue : b.residue - a.residue;

    return reduce(gcd(gcd(a.modulus, b.modulus), apart), a.residue);
}

static struct pipe_congruence sum(struct pipe_congruence a, struct pipe_congruence b)
{
    return reduce(gcd(a.modulus, b.modulus), a.residue + b.residue);
}

static struct pipe_congruence product(struct pipe_congruence a, uint64_t k)
{
    if (k == 0)
        return (struct pipe_congruence){0, 0};
    if (a.modulus > UINT32_MAX || k > UINT32_MAX)
        return anything;
    return reduce(a.modulus * k, a.residue * k);
}

static struct pipe_congruence wrapped(struct pipe_congruence c, uint32_t width)
{
    if (c.modulus == 0)
        return (struct pipe_congruence){0, width == 32 ? (uint32_t)c.residue : c.residue};
    c.modulus = power_part(c.modulus);
    if (width == 32 && c.modulus > UINT64_C(1) << 32)
        c.modulus = UINT64_C(1) << 32;
    return reduce(c.modulus, c.residue);
}

static struct pipe_congruence find(const struct pipe_graph *g, pipe_ref a, uint32_t depth,
                                   bool low32);

/* A value that is so many times another: what multiplications with constants have become. */
struct multiple {
    pipe_ref of;
    uint64_t factor;
};

static struct multiple multiple_of(const struct pipe_graph *g, pipe_ref a, uint32_t depth)
{
    const struct pipe_node *n = &g->nodes[a];
    struct multiple x = {a, 1};
    struct multiple y;
    uint64_t k;

    if (depth == 0 || n->kind != PIPE_K_ALU || n->width != 64 || n->nargs != 2)
        return x;
    if (n->alu == SPEC_ALU_SHL && pipe_is_const(g, n->args[1], &k) && k < 32)
        return (struct multiple){n->args[0], UINT64_C(1) << k};
    if (n->alu != SPEC_ALU_ADD && n->alu != SPEC_ALU_SUB)
        return x;
    x = multiple_of(g, n->args[0], depth - 1);
    y = multiple_of(g, n->args[1], depth - 1);
    if (x.of != y.of || (n->alu == SPEC_ALU_SUB && x.factor <= y.factor))
        return (struct multiple){a, 1};
    x.factor += n->alu == SPEC_ALU_ADD ? y.factor : -y.factor;
    return x;
}

/* Is a multiple too small to wrap? */
static bool fits(const struct pipe_graph *g, struct multiple m, bool low32)
{
    return m.factor > 1 && m.factor <= UINT32_MAX &&
           g->nodes[m.of].proved_bits + 64u - (uint32_t)__builtin_clzll(m.factor) <=
               (low32 ? 32u : 63u);
}

static struct pipe_congruence find_alu(const struct pipe_graph *g, const struct pipe_node *n,
                                       uint32_t depth, bool low32)
{
    uint64_t k = 0;
    const bool constant = n->nargs == 2 && pipe_is_const(g, n->args[1], &k);
    const struct pipe_congruence x = find(g, n->args[0], depth, low32);
    struct pipe_congruence r = anything;

    switch (n->alu) {
    case SPEC_ALU_ADD:
        r = sum(x, find(g, n->args[1], depth, low32));
        break;
    case SPEC_ALU_OR:
        /* below the power of two of which one is a multiple there are the other's bits alone */
        if (constant && (low32 ? (uint32_t)k : k) == 0) {
            r = x;
            break;
        }
        if (constant && x.modulus && x.residue % power_part(x.modulus) == 0)
            return sum(reduce(power_part(x.modulus), 0), (struct pipe_congruence){0, k});
        return anything;
    case SPEC_ALU_SHL:
        if (constant)
            r = product(x, UINT64_C(1) << (k & (n->width - 1u)));
        break;
    case SPEC_ALU_AND:
        if (constant && k)
            return (struct pipe_congruence){k & -k, 0};
        return anything;
    default:
        return anything;
    }
    /* does the operation's width hold the whole result? */
    return n->proved_bits < n->width ? r : wrapped(r, n->width);
}

static struct pipe_congruence find(const struct pipe_graph *g, pipe_ref a, uint32_t depth,
                                   bool low32)
{
    const struct pipe_node *n = &g->nodes[a];
    struct multiple m;
    uint64_t k = 0;

    if (n->kind == PIPE_K_CONST)
        return (struct pipe_congruence){0, low32 ? (uint32_t)n->imm : n->imm};
    if (depth == 0)
        return anything;
    m = multiple_of(g, a, MULTIPLE_DEPTH_MAX);
    if (m.of != a && fits(g, m, low32))
        return product(find(g, m.of, depth - 1, low32), m.factor);
    if (n->kind == PIPE_K_ALU)
        return find_alu(g, n, depth - 1, low32);
    if (n->kind == PIPE_K_MUL && pipe_is_const(g, n->args[1], &k)) {
        const struct pipe_congruence r = product(find(g, n->args[0], depth - 1, low32), k);

        return n->proved_bits < n->width ? r : wrapped(r, n->width);
    }
    if (n->kind == PIPE_K_SELECT)
        return either(find(g, n->args[1], depth - 1, low32), find(g, n->args[2], depth - 1, low32));
    if (n->kind == PIPE_K_BYTES && n->part_count) {
        /* the low bytes of one value: all that stays is a power of two */
        const struct pipe_part first = n->parts[0];
        struct pipe_congruence c;

        for (uint32_t i = 0; i < n->part_count; i++) {
            if (n->parts[i].node != first.node || n->parts[i].index != i)
                return anything;
        }
        c = wrapped(find(g, first.node, depth - 1, low32), 64);
        if (n->part_count < 8 && c.modulus == 0)
            c.residue &= (UINT64_C(1) << 8 * n->part_count) - 1;
        else if (n->part_count < 8 && c.modulus > UINT64_C(1) << 8 * n->part_count)
            c = reduce(UINT64_C(1) << 8 * n->part_count, c.residue);
        return c;
    }
    return anything;
}

struct pipe_congruence pipe_congruence_of(const struct pipe_graph *g, pipe_ref a)
{
    return find(g, a, DEPTH_MAX, false);
}

struct pipe_congruence pipe_offset_congruence(const struct pipe_graph *g, pipe_ref a)
{
    return find(g, a, DEPTH_MAX, true);
}
