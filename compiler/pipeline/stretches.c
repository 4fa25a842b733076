/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/pipe.h"

/* Where the stretches lie in which packets wait for each other (hazards.c says at which maps). */

static void sort_by_stage(const struct pipe_graph *g, pipe_ref *sites, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        const pipe_ref x = sites[i];
        uint32_t k = i;

        for (; k && g->nodes[sites[k - 1]].stage > g->nodes[x].stage; k--)
            sites[k] = sites[k - 1];
        sites[k] = x;
    }
}

/* needs: the schedule. gives: each stretch's first and last boundary, sites in order of their
 * stages. */
void pipe_stretches(struct pipe_graph *g)
{
    for (uint32_t m = 0; m < g->f->map_count; m++) {
        struct pipe_map_plan *plan = &g->maps[m];

        sort_by_stage(g, plan->value_sites, plan->value_count);
        sort_by_stage(g, plan->key_sites, plan->key_count);
        plan->first_stage = PIPE_NO_STAGE;
        plan->last_stage = 0;
        for (uint32_t i = 0; i < plan->protected_count; i++) {
            const uint32_t stage = g->nodes[plan->protected[i]].stage;

            plan->first_stage = stage < plan->first_stage ? stage : plan->first_stage;
            plan->last_stage = stage > plan->last_stage ? stage : plan->last_stage;
        }
    }
}
