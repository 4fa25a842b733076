/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/pipe.h"

/* Between which bounds a value lies, read off the operations that make it: as a signed number of 64
 * bits, and its low half as one of 32. Tells which bytes an access at a run-time offset may touch,
 * where the verifier has lost track of it. A node's arguments come before it, so all nodes up to
 * the one asked for are looked at once, in their order. */

struct pipe_range {
    int64_t lo, hi;
    int64_t lo32, hi32;
};

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static struct pipe_range anything(void)
{
    return (struct pipe_range){INT64_MIN, INT64_MAX, INT32_MIN, INT32_MAX};
}

/* Bounds of one view from those of the other. */
static struct pipe_range settle(struct pipe_range r)
{
    if (r.lo >= INT32_MIN && r.hi <= INT32_MAX) {
        r.lo32 = larger(r.lo32, r.lo);
        r.hi32 = smaller(r.hi32, r.hi);
    } else if (r.lo > INT32_MAX && r.hi <= UINT32_MAX) {
        r.lo32 = larger(r.lo32, r.lo - (INT64_C(1) << 32));
        r.hi32 = smaller(r.hi32, r.hi - (INT64_C(1) << 32));
    }
    if (r.lo > r.hi || r.lo32 > r.hi32) /* of a value that no packet has */
        return anything();
    return r;
}

/* The upper half is zero: what the lower half says of the whole. */
static struct pipe_range zero_extended(int64_t lo32, int64_t hi32)
{
    struct pipe_range r = {0, UINT32_MAX, INT32_MIN, INT32_MAX};

    if (lo32 < INT32_MIN || hi32 > INT32_MAX)
        return r;
    r.lo32 = lo32;
    r.hi32 = hi32;
    if (lo32 >= 0) {
        r.lo = lo32;
        r.hi = hi32;
    }
    return r;
}

/* Sum, or difference if sign is -1. */
static struct pipe_range sum(struct pipe_range a, struct pipe_range b, int sign, uint32_t width)
{
    const int64_t lo32 = a.lo32 + (sign > 0 ? b.lo32 : -b.hi32);
    const int64_t hi32 = a.hi32 + (sign > 0 ? b.hi32 : -b.lo32);
    struct pipe_range r = zero_extended(lo32, hi32);
    bool wraps;

    if (width == 32)
        return r;
    wraps = sign > 0 ? __builtin_add_overflow(a.lo, b.lo, &r.lo) ||
                           __builtin_add_overflow(a.hi, b.hi, &r.hi)
                     : __builtin_sub_overflow(a.lo, b.hi, &r.lo) ||
                           __builtin_sub_overflow(a.hi, b.lo, &r.hi);
    if (wraps) {
        r.lo = INT64_MIN;
        r.hi = INT64_MAX;
    }
    return r;
}

static struct pipe_range sign_extended(struct pipe_range a, int64_t lowest, uint32_t width)
{
    struct pipe_range r = anything();

    r.lo = lowest;
    r.hi = -(lowest + 1);
    if (lowest == INT32_MIN || (a.lo32 >= lowest && a.hi32 <= r.hi)) {
        r.lo = a.lo32;
        r.hi = a.hi32;
    }
    return width == 32 ? zero_extended(r.lo, r.hi) : r;
}

static struct pipe_range of_alu(const struct pipe_node *n, const struct pipe_range *args)
{
    struct pipe_range r = n->width == 32 ? zero_extended(INT32_MIN, INT32_MAX) : anything();
    const bool exact = n->nargs == 2 && args[1].lo == args[1].hi && args[1].lo >= 0;
    const int64_t k = exact ? args[1].lo : 0;

    switch (n->alu) {
    case SPEC_ALU_ADD:
        return sum(args[0], args[1], 1, n->width);
    case SPEC_ALU_SUB:
        return sum(args[0], args[1], -1, n->width);
    case SPEC_ALU_AND:
        if (!exact || (n->width == 32 && k > INT32_MAX))
            return r;
        r = (struct pipe_range){0, k, INT32_MIN, INT32_MAX};
        if (args[0].lo >= 0)
            r.hi = smaller(k, args[0].hi);
        return r;
    case SPEC_ALU_SHL:
        if (exact && k < 32 && args[0].lo >= 0 && args[0].hi <= INT32_MAX >> k) {
            r.lo = args[0].lo << k;
            r.hi = args[0].hi << k;
        }
        return r;
    case SPEC_ALU_LSHR:
        if (exact && k < 32 && args[0].lo >= 0 && (n->width == 64 || args[0].hi <= UINT32_MAX)) {
            r.lo = args[0].lo >> k;
            r.hi = args[0].hi >> k;
        }
        return r;
    case SPEC_ALU_SEXT8:
        return sign_extended(args[0], INT8_MIN, n->width);
    case SPEC_ALU_SEXT16:
        return sign_extended(args[0], INT16_MIN, n->width);
    case SPEC_ALU_SEXT32:
        return sign_extended(args[0], INT32_MIN, n->width);
    default:
        return r;
    }
}

/* The low bytes of one node. */
static bool is_low_part(const struct pipe_node *n)
{
    for (uint32_t i = 0; i < n->part_count; i++) {
        if (n->parts[i].node != n->parts[0].node || n->parts[i].index != i)
            return false;
    }
    return n->part_count > 0;
}

static struct pipe_range find(const struct pipe_graph *g, pipe_ref a)
{
    const struct pipe_node *n = &g->nodes[a];
    struct pipe_range args[3];
    struct pipe_range r = anything();

    for (uint32_t i = 0; i < n->nargs && i < 3; i++)
        args[i] = g->ranges[n->args[i]];
    if (n->kind == PIPE_K_CONST) {
        r.lo = r.hi = (int64_t)n->imm;
        r.lo32 = r.hi32 = (int32_t)n->imm;
        return r;
    }
    if (n->kind == PIPE_K_SELECT)
        r = (struct pipe_range){smaller(args[1].lo, args[2].lo), larger(args[1].hi, args[2].hi),
                                smaller(args[1].lo32, args[2].lo32),
                                larger(args[1].hi32, args[2].hi32)};
    else if (n->kind == PIPE_K_ALU)
        r = of_alu(n, args);
    else if (n->kind == PIPE_K_BYTES && n->proved_bits < 64 && is_low_part(n) &&
             g->ranges[n->parts[0].node].lo >= 0 &&
             (uint64_t)g->ranges[n->parts[0].node].hi >> n->proved_bits == 0)
        r = g->ranges[n->parts[0].node];
    if (n->proved_bits < 64) {
        r.lo = larger(r.lo, 0);
        r.hi = smaller(r.hi, (int64_t)((UINT64_C(1) << n->proved_bits) - 1));
    }
    return settle(r);
}

void pipe_range_of(struct pipe_graph *g, pipe_ref a, int64_t *lo, int64_t *hi)
{
    while (g->range_count <= a) {
        g->ranges =
            arena_grow(g->arena, g->ranges, g->range_count, &g->range_capacity, sizeof(*g->ranges));
        g->ranges[g->range_count] = find(g, g->range_count);
        g->range_count++;
    }
    *lo = g->ranges[a].lo;
    *hi = g->ranges[a].hi;
}
