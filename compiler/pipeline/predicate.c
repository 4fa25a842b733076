/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/pipe.h"

#include <assert.h>

/* If-conversion of the whole control flow graph: its blocks in topological order, who dominates
 * whom, and the predicate under which each block runs. A block that runs whenever its immediate
 * dominator runs (it post-dominates it) has the dominator's predicate, so that straight code after
 * a join costs nothing. needs: no loops. gives: order, position, idom, reach. Predicates are made
 * by pipe_lower, as the conditions become known. */

/* Depth-first, iteratively: the program's depth is the caller's, not our stack's. */
static void sort_blocks(struct pipe_graph *g)
{
    const struct ir_func *f = g->f;
    ir_block *stack = arena_array(g->arena, f->block_count, sizeof(*stack));
    uint32_t *next = arena_array(g->arena, f->block_count, sizeof(*next));
    bool *seen = arena_array(g->arena, f->block_count, sizeof(*seen));
    uint32_t depth = 1;
    uint32_t at = f->block_count;

    g->order = arena_array(g->arena, f->block_count, sizeof(*g->order));
    g->position = arena_array(g->arena, f->block_count, sizeof(*g->position));
    seen[0] = true;
    while (depth) {
        const ir_block b = stack[depth - 1];
        const struct ir_block_data *data = &f->blocks[b];

        if (next[b] < data->succ_count) {
            /* the second successor first, so that the fall-through side comes first in the order */
            const ir_block s = data->succ[data->succ_count - 1 - next[b]++];

            if (!seen[s]) {
                seen[s] = true;
                stack[depth++] = s;
            }
        } else {
            g->order[--at] = b;
            depth--;
        }
    }
    g->order_count = f->block_count - at;
    for (uint32_t i = 0; i < f->block_count; i++)
        g->position[i] = UINT32_MAX;
    for (uint32_t i = 0; i < g->order_count; i++) {
        g->order[i] = g->order[at + i];
        g->position[g->order[i]] = i;
    }
}

static void find_dominators(struct pipe_graph *g)
{
    g->idom = arena_array(g->arena, g->f->block_count, sizeof(*g->idom));
    for (uint32_t i = 1; i < g->order_count; i++) {
        const struct ir_block_data *data = &g->f->blocks[g->order[i]];
        ir_block d = IR_NO_BLOCK;

        for (uint32_t p = 0; p < data->pred_count; p++) {
            ir_block x = data->preds[p];

            if (g->position[x] == UINT32_MAX)
                continue;
            if (d == IR_NO_BLOCK) {
                d = x;
                continue;
            }
            while (x != d) {
                if (g->position[x] > g->position[d])
                    x = g->idom[x];
                else
                    d = g->idom[d];
            }
        }
        assert(d != IR_NO_BLOCK && "a reachable block has a reachable predecessor");
        g->idom[g->order[i]] = d;
    }
}

/* Blocks that may run after each block, itself not included: who excludes whom is read off this. */
static void find_reach(struct pipe_graph *g)
{
    g->reach = arena_array(g->arena, g->f->block_count, sizeof(*g->reach));
    for (uint32_t i = g->order_count; i-- > 0;) {
        const ir_block b = g->order[i];
        const struct ir_block_data *data = &g->f->blocks[b];

        g->reach[b] = bitset_make(g->arena, g->f->block_count);
        for (uint32_t s = 0; s < data->succ_count; s++) {
            bitset_add(&g->reach[b], data->succ[s]);
            bitset_union(&g->reach[b], &g->reach[data->succ[s]]);
        }
    }
}

int pipe_predicate(struct pipe_graph *g)
{
    sort_blocks(g);
    find_dominators(g);
    find_reach(g);
    g->on = arena_array(g->arena, g->f->block_count, sizeof(*g->on));
    return 0;
}

/* The condition under which block p goes on to its successor number side, p's own predicate
 * included. */
static pipe_ref leave_on(struct pipe_graph *g, ir_block p, uint32_t side)
{
    const struct ir_block_data *data = &g->f->blocks[p];
    const struct ir_insn *last = &g->f->insns[data->insns[data->count - 1]];
    pipe_ref c;

    if (data->succ_count == 1 || data->succ[0] == data->succ[1])
        return g->on[p];
    c = pipe_truth(g, g->value_of[last->args[0]]);
    return pipe_and(g, g->on[p], side == 0 ? c : pipe_not(g, c));
}

pipe_ref pipe_edge(struct pipe_graph *g, ir_block b, uint32_t i)
{
    const ir_block p = g->f->blocks[b].preds[i];

    if (g->position[p] == UINT32_MAX)
        return pipe_const(g, 0);
    return leave_on(g, p, g->f->blocks[p].succ[0] == b ? 0 : 1);
}
