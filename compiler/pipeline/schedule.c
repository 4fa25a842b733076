/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/pipe.h"

#include <assert.h>
#include <errno.h>

/* Places each node into the first stage where its arguments are there and the delay budget holds:
 * operations chain within a stage as long as their LUT levels add up to the budget; one that is
 * slower than the budget stands alone. Units stand between stages, at most one at each boundary,
 * and those of one map that depend on each other's order keep it. */

/* LUT levels of a choice among so many: a 6-input table takes four and their two select bits. */
static uint32_t choose_levels(uint32_t ways)
{
    uint32_t levels = 0;

    for (uint32_t n = 1; n < ways; n *= 4)
        levels++;
    return levels;
}

/* Levels of "are all these bits zero" with so many bits a table. */
static uint32_t reduce_levels(uint32_t bits, uint32_t first)
{
    uint32_t levels = 1;

    for (uint32_t n = (bits + first - 1) / first; n > 1; n = (n + 5) / 6)
        levels++;
    return levels;
}

/* The table gives levels at 64 bits; narrow compares are faster, and what a constant decides is
 * wiring. */
static uint32_t alu_levels(const struct pipe_graph *g, const struct pipe_node *n)
{
    const struct spec_alu_row *row = &spec_alu_table[n->alu];
    uint64_t k;
    const bool constant = n->nargs == 2 && pipe_is_const(g, n->args[1], &k);
    uint32_t widest = 0;
    uint32_t levels = (uint32_t)row->levels;

    for (uint32_t i = 0; i < n->nargs; i++) {
        if (g->nodes[n->args[i]].bits > widest)
            widest = g->nodes[n->args[i]].bits;
    }
    if (widest > n->width)
        widest = n->width;
    if (constant && (row->cls == SPEC_ALU_CLASS_SHIFT || row->cls == SPEC_ALU_CLASS_LOGIC))
        return 0;
    if (n->alu == SPEC_ALU_EQ || n->alu == SPEC_ALU_NE || n->alu == SPEC_ALU_SET) {
        const uint32_t fast = reduce_levels(widest, constant ? 6 : 3);

        return fast < levels ? fast : levels;
    }
    if ((row->cls == SPEC_ALU_CLASS_ADD || row->cls == SPEC_ALU_CLASS_CMP) && widest <= 16 &&
        levels > 2)
        return widest <= 5 && constant ? 1 : 2;
    return levels;
}

uint32_t pipe_levels(const struct pipe_graph *g, pipe_ref a)
{
    const struct pipe_node *n = &g->nodes[a];

    switch (n->kind) {
    case PIPE_K_ALU:
        return alu_levels(g, n);
    case PIPE_K_SELECT:
    case PIPE_K_AND:
    case PIPE_K_OR:
        return 1;
    case PIPE_K_COARSE:
        return choose_levels(n->part_count / 8);
    case PIPE_K_FINE:
    case PIPE_K_SPREAD:
        return choose_levels(8u >> n->step);
    default:
        return 0;
    }
}

bool pipe_is_wiring(const struct pipe_graph *g, pipe_ref a)
{
    const struct pipe_node *n = &g->nodes[a];

    if (n->kind == PIPE_K_NOT)
        return true;
    if (n->kind != PIPE_K_BYTES)
        return false;
    /* a part of one node is carried itself, being narrower */
    for (uint32_t i = 0; i < pipe_part_count(n); i++) {
        const struct pipe_node *src = &g->nodes[n->parts[i].node];

        if (src->kind == PIPE_K_WINDOW || n->parts[i].node != n->parts[0].node)
            return true;
    }
    return g->nodes[n->parts[0].node].bits <= n->bits;
}

uint32_t pipe_ready_stage(const struct pipe_graph *g, pipe_ref a)
{
    const struct pipe_node *n = &g->nodes[a];

    return pipe_is_unit(n) ? n->stage + 1 : n->stage;
}

struct arrival {
    uint32_t stage;
    uint32_t level;
};

static void wait_for(const struct pipe_graph *g, struct arrival *at, pipe_ref a)
{
    const struct pipe_node *n = &g->nodes[a];
    const uint32_t stage = pipe_ready_stage(g, a);
    const uint32_t level = pipe_is_unit(n) ? 0 : n->level;

    if (n->kind == PIPE_K_CONST || n->kind == PIPE_K_WINDOW)
        return;
    assert(n->stage != PIPE_NO_STAGE);
    if (stage > at->stage || (stage == at->stage && level > at->level))
        *at = (struct arrival){stage, level};
}

static void wait_for_map(const struct pipe_graph *g, struct arrival *at, pipe_ref unit)
{
    const struct pipe_node *n = &g->nodes[unit];
    const struct pipe_map_plan *plan;

    if (!pipe_is_access(n))
        return;
    for (uint32_t i = 0; i < g->unit_count; i++) {
        if (pipe_keeps_order(g, g->units[i], unit))
            wait_for(g, at, g->units[i]);
    }
    plan = &g->maps[n->map];
    for (uint32_t i = 0; i < plan->protected_count; i++) {
        if (plan->protected[i] != unit)
            continue;
        wait_for(g, at, plan->take); /* the lock at the stretch's start needs them */
        for (uint32_t w = 0; w < plan->key_words; w++)
            wait_for(g, at, plan->key[w]);
    }
}

static void place_unit(struct pipe_graph *g, pipe_ref a, struct arrival at)
{
    struct pipe_node *n = &g->nodes[a];

    wait_for_map(g, &at, a);
    while (g->unit_at[at.stage])
        at.stage++;
    n->stage = at.stage;
    n->level = 0;
    g->unit_at[at.stage] = a;
    for (uint32_t i = 0; n->kind == PIPE_K_FUSED && i < g->maps[n->map].fused->inner_count; i++)
        g->nodes[g->maps[n->map].fused->inner[i]].stage = at.stage;
}

static void place(struct pipe_graph *g, pipe_ref a, struct arrival at)
{
    struct pipe_node *n = &g->nodes[a];
    const uint32_t levels = pipe_levels(g, a);

    if (at.level && at.level + levels > g->delay_levels) {
        at.stage++;
        at.level = 0;
    }
    n->stage = at.stage;
    n->level = at.level + levels;
}

static void place_node(struct pipe_graph *g, pipe_ref a)
{
    const struct pipe_node *n = &g->nodes[a];
    struct arrival at = {0, 0};

    for (uint32_t i = 0; i < n->nargs; i++)
        wait_for(g, &at, n->args[i]);
    for (uint32_t i = 0; i < pipe_part_count(n); i++)
        wait_for(g, &at, n->parts[i].node);
    if (pipe_is_unit(n))
        place_unit(g, a, at);
    else
        place(g, a, at);
}

/* needs: pipe_order, pipe_demand, pipe_hazards. gives: stage and level of every live node, unit_at,
 * stages. A node is at most one stage behind one before it, and so the list of boundaries is long
 * enough. */
int pipe_schedule(struct pipe_graph *g)
{
    uint32_t last = 0;
    pipe_ref deepest = 1;

    g->unit_at = arena_array(g->arena, g->count + 1, sizeof(*g->unit_at));
    for (uint32_t i = 0; i < g->walk_count; i++) {
        const pipe_ref a = g->walk[i];

        if (!g->nodes[a].live)
            continue;
        place_node(g, a);
        if (pipe_ready_stage(g, a) > last) {
            last = pipe_ready_stage(g, a);
            deepest = a;
        }
    }
    g->stages = last + 1;
    if (g->stages > g->max_stages)
        return pipe_refuse(g, "PIPE0008", g->nodes[deepest].pc,
                           "the pipeline would have %u stages up to here, and the longest that is "
                           "built has %u; run the program on the core (microcode), or make its "
                           "chain of dependent operations shorter",
                           g->stages, g->max_stages);
    return 0;
}
