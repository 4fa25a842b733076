/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/pipe.h"

/* The last stage in which each node, and each byte of the window, is looked at. A value is carried
 * over every boundary from the stage where it is made to there; wiring is not carried, what it is
 * made of is. */

static void use(struct pipe_graph *g, pipe_ref a, uint32_t stage);

static void use_part(struct pipe_graph *g, struct pipe_part p, uint32_t stage)
{
    if (g->nodes[p.node].kind != PIPE_K_WINDOW) {
        use(g, p.node, stage);
        return;
    }
    if (g->window_last[p.index] == PIPE_NO_STAGE || g->window_last[p.index] < stage)
        g->window_last[p.index] = stage;
}

/* Wiring on wiring is flattened when nodes are made, except for negations, so this does not go
 * deep. */
static void use(struct pipe_graph *g, pipe_ref a, uint32_t stage)
{
    struct pipe_node *n = &g->nodes[a];

    if (n->kind == PIPE_K_CONST || n->kind == PIPE_K_NONE)
        return;
    if (pipe_is_wiring(g, a)) {
        for (uint32_t i = 0; i < n->nargs; i++)
            use(g, n->args[i], stage);
        for (uint32_t i = 0; i < pipe_part_count(n); i++)
            use_part(g, n->parts[i], stage);
    }
    if (n->last_use < stage)
        n->last_use = stage;
}

static void use_outputs(struct pipe_graph *g)
{
    const uint32_t last = g->stages - 1;
    const pipe_ref zero = pipe_const(g, 0);
    const pipe_ref scalars[] = {g->ret,  g->data, g->data_end, g->redirect,
                                g->meta, g->len,  g->zero_from};

    for (uint32_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++)
        use(g, scalars[i], last);
    for (uint32_t i = 0; i < g->head_bytes + g->window_bytes; i++) {
        if (g->out_mask[i] == zero)
            continue;
        use(g, g->out_mask[i], last);
        use_part(g, g->out_data[i], last);
    }
    if (g->event_bytes)
        use(g, g->told, last);
    for (uint32_t i = 0; i < g->event_bytes; i++)
        use_part(g, g->events.data[i], last);
}

static void use_locks(struct pipe_graph *g)
{
    for (uint32_t m = 0; m < g->f->map_count; m++) {
        const struct pipe_map_plan *plan = &g->maps[m];

        if (plan->hazard == PIPE_HAZARD_NONE)
            continue;
        use(g, plan->take, plan->first_stage);
        for (uint32_t w = 0; w < plan->key_words; w++)
            use(g, plan->key[w], plan->first_stage);
    }
}

void pipe_live(struct pipe_graph *g)
{
    g->window_last = arena_array(g->arena, g->window_limit, sizeof(*g->window_last));
    for (uint32_t i = 0; i < g->window_limit; i++)
        g->window_last[i] = PIPE_NO_STAGE;
    for (pipe_ref a = 1; a < g->count; a++) {
        const struct pipe_node *n = &g->nodes[a];

        if (!n->live || n->owner || pipe_is_wiring(g, a))
            continue;
        for (uint32_t i = 0; i < n->nargs; i++)
            use(g, n->args[i], n->stage);
        for (uint32_t i = 0; i < pipe_part_count(n); i++)
            use_part(g, n->parts[i], n->stage);
    }
    use_outputs(g);
    use_locks(g);
}

bool pipe_crosses(const struct pipe_graph *g, pipe_ref a, uint32_t stage)
{
    const struct pipe_node *n = &g->nodes[a];

    return n->live && n->kind != PIPE_K_CONST && n->kind != PIPE_K_WINDOW &&
           !pipe_is_wiring(g, a) && pipe_ready_stage(g, a) <= stage && n->last_use > stage;
}
