/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <stddef.h>

/* Which numbers were made from which. When the way on turns out to depend on a number (it moves a
 * pointer, decides a jump, bounds an access), the number and all that went into it become precise.
 * Kept states hold the nodes of their registers, so once everything behind a kept state is
 * explored, a register whose node is not precise may hold any other number there: that is what
 * makes paths meet again. Each kept state gives its registers new nodes, so that marks go up the
 * path and never sideways. */

static uint32_t add_node(struct verifier *v, uint32_t a, uint32_t b)
{
    struct graph *g = &v->graph;

    g->nodes = arena_grow(v->scratch, g->nodes, g->count, &g->capacity, sizeof(*g->nodes));
    if (g->count == 0)
        g->nodes[g->count++] = (struct node){0}; /* "depends on nothing" */
    g->nodes[g->count] = (struct node){.from = {a, b}};
    return g->count++;
}

uint32_t verify_node(struct verifier *v, uint32_t a, uint32_t b)
{
    if (a == b || b == 0)
        return a;
    return a == 0 ? b : add_node(v, a, b);
}

uint32_t verify_node_after(struct verifier *v, uint32_t node)
{
    return add_node(v, node, 0);
}

void verify_follows(struct verifier *v, uint32_t node, uint32_t other)
{
    struct graph *g = &v->graph;

    if (other == 0)
        return;
    g->follows = arena_grow(v->scratch, g->follows, g->follows_count, &g->follows_capacity,
                            sizeof(*g->follows));
    g->follows[g->follows_count++] = (struct follows){node, other};
}

/* Marks a node and those that it was made from, as precise or as pinned. */
static void mark(struct verifier *v, uint32_t node, size_t flag)
{
    struct graph *g = &v->graph;
    uint32_t count = 0;

    g->work = arena_grow(v->scratch, g->work, count, &g->work_capacity, sizeof(*g->work));
    g->work[count++] = node;
    while (count) {
        const uint32_t n = g->work[--count];
        bool *marked = (bool *)((uint8_t *)&g->nodes[n] + flag);

        if (n == 0 || *marked)
            continue;
        *marked = true;
        for (int i = 0; i < 2; i++) {
            const uint32_t from = g->nodes[n].from[i];

            if (from == 0)
                continue;
            g->work = arena_grow(v->scratch, g->work, count, &g->work_capacity, sizeof(*g->work));
            g->work[count++] = from;
        }
    }
}

void verify_precise(struct verifier *v, uint32_t node)
{
    mark(v, node, offsetof(struct node, precise));
}

void verify_pin(struct verifier *v, uint32_t node)
{
    mark(v, node, offsetof(struct node, pinned));
}
