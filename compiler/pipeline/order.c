/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/pipe.h"

/* The order in which nodes depend on each other. Nodes are made in program order, arguments before
 * their users; a fused unit is made last and stands for accesses all over the program, so from then
 * on the numbers tell nothing. */

static const bool reads_only[PIPE_K_COUNT] = {[PIPE_K_MAP_LOAD] = true, [PIPE_K_LOOKUP] = true};
static const bool on_keys[PIPE_K_COUNT] = {
    [PIPE_K_LOOKUP] = true, [PIPE_K_USE] = true, [PIPE_K_UPDATE] = true, [PIPE_K_DELETE] = true};

bool pipe_before(const struct pipe_graph *g, pipe_ref a, pipe_ref b)
{
    const ir_block x = g->nodes[a].block;
    const ir_block y = g->nodes[b].block;

    return x == y ? a < b : bitset_has(&g->reach[x], y);
}

static struct pipe_member as_member(const struct pipe_graph *g, pipe_ref a)
{
    return (struct pipe_member){a, g->nodes[a].block, g->nodes[a].kind};
}

static bool member_order(const struct pipe_graph *g, struct pipe_member x, struct pipe_member y)
{
    if (reads_only[x.kind] && reads_only[y.kind])
        return false;
    /* a look-up does not see values, nor a value's access keys */
    if (((x.kind == PIPE_K_LOOKUP || x.kind == PIPE_K_USE) && !on_keys[y.kind]) ||
        ((y.kind == PIPE_K_LOOKUP || y.kind == PIPE_K_USE) && !on_keys[x.kind]))
        return false;
    return x.block == y.block ? x.ref < y.ref : bitset_has(&g->reach[x.block], y.block);
}

bool pipe_keeps_order(const struct pipe_graph *g, pipe_ref a, pipe_ref b)
{
    const struct pipe_node *x = &g->nodes[a];
    const struct pipe_node *y = &g->nodes[b];
    const struct pipe_fused *fused;

    if (a == b || !pipe_is_access(x) || !pipe_is_access(y) || x->map != y->map || !x->live)
        return false;
    if (x->kind != PIPE_K_FUSED && y->kind != PIPE_K_FUSED)
        return member_order(g, as_member(g, a), as_member(g, b));
    fused = g->maps[x->map].fused;
    for (uint32_t i = 0; i < fused->member_count; i++) {
        if (x->kind == PIPE_K_FUSED ? member_order(g, fused->members[i], as_member(g, b))
                                    : member_order(g, as_member(g, a), fused->members[i]))
            return true;
    }
    return false;
}

static bool is_protected(const struct pipe_map_plan *plan, pipe_ref a)
{
    for (uint32_t i = 0; i < plan->protected_count; i++) {
        if (plan->protected[i] == a)
            return true;
    }
    return false;
}

/* What a unit waits for beside its arguments. */
static void list_before(struct pipe_graph *g, pipe_ref a)
{
    const struct pipe_map_plan *plan = &g->maps[g->nodes[a].map];
    pipe_ref *list = arena_array(g->arena, g->unit_count + plan->key_words + 2, sizeof(*list));
    uint32_t count = 0;

    for (uint32_t u = 0; u < g->unit_count; u++) {
        if (pipe_keeps_order(g, g->units[u], a))
            list[count++] = g->units[u];
    }
    if (is_protected(plan, a)) {
        list[count++] = plan->take;
        for (uint32_t w = 0; w < plan->key_words; w++)
            list[count++] = plan->key[w];
    }
    g->before[a] = list;
}

pipe_ref pipe_dependence(const struct pipe_graph *g, pipe_ref a, uint32_t i)
{
    const struct pipe_node *n = &g->nodes[a];

    if (i < n->nargs)
        return n->args[i];
    i -= n->nargs;
    if (i < n->part_count)
        return n->parts[i].node;
    return a < g->before_count && g->before[a] ? g->before[a][i - n->part_count] : PIPE_NONE;
}

enum visit { VISIT_NOT, VISIT_OPEN, VISIT_DONE };

struct visitor {
    uint8_t *state;
    pipe_ref *stack;
    uint32_t *next; /* dependence to look at, by node */
    uint32_t depth;
};

static void enter(struct visitor *v, pipe_ref a)
{
    v->state[a] = VISIT_OPEN;
    v->stack[v->depth++] = a;
}

/* Everything that a depends on, then a. False if a depends on itself. */
static bool visit(struct pipe_graph *g, struct visitor *v, pipe_ref a)
{
    enter(v, a);
    while (v->depth) {
        const pipe_ref top = v->stack[v->depth - 1];
        const pipe_ref next = pipe_dependence(g, top, v->next[top]++);

        if (!next) {
            v->state[top] = VISIT_DONE;
            g->walk[g->walk_count++] = top;
            v->depth--;
        } else if (v->state[next] == VISIT_OPEN) {
            return false;
        } else if (v->state[next] == VISIT_NOT) {
            enter(v, next);
        }
    }
    return true;
}

bool pipe_order(struct pipe_graph *g)
{
    struct visitor v = {.state = arena_array(g->arena, g->count, sizeof(*v.state)),
                        .stack = arena_array(g->arena, g->count, sizeof(*v.stack)),
                        .next = arena_array(g->arena, g->count, sizeof(*v.next))};

    g->before_count = g->maps ? g->count : 0;
    g->before = arena_array(g->arena, g->before_count + 1, sizeof(*g->before));
    for (uint32_t u = 0; u < g->unit_count && g->maps; u++) {
        if (pipe_is_access(&g->nodes[g->units[u]]))
            list_before(g, g->units[u]);
    }
    g->walk = arena_array(g->arena, g->count, sizeof(*g->walk));
    g->walk_count = 0;
    for (pipe_ref a = 1; a < g->count; a++) {
        if (v.state[a] == VISIT_NOT && !g->nodes[a].owner && !visit(g, &v, a))
            return false;
    }
    return true;
}
