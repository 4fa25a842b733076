/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/pipe.h"

/* Predicted clocks. The figures of the units are those of their headers in hw/rtl, plus the clock
 * of a call's queue. */

#define VMEM_CYCLES 5u    /* map_vmem 4, pipe_call 1 */
#define EXT_CYCLES 6u     /* map_vmem_ext 5 if the line is in its cache, pipe_call 1 */
#define ROWS_CYCLES 4u    /* map_rows 3, pipe_call 1 */
#define PAYLOAD_CYCLES 5u /* pipe_payload 4, pipe_call 1 */
#define LOOKUP_CYCLES 7u  /* map_hash 6, pipe_call 1 */
#define PREFIX_CYCLES 7u  /* what map_lpm adds to a look-up in map_hash, or to a change */
#define CHANGE_CYCLES                                                                              \
    18u /* map_hash 6, map_hash_slow 8 to 10 without collisions, pipe_call 1; and 1 a word of      \
           values */
#define MUL_CYCLES 4u
#define DIV_CYCLES 66u
#define LOCK_DEPTH_MAX 64u

uint32_t pipe_boundary_cycles(const struct pipe_graph *g, uint32_t stage)
{
    static const uint8_t cycles[PIPE_K_COUNT] = {
        [PIPE_K_PKT_LOAD] = PAYLOAD_CYCLES, [PIPE_K_MAP_LOAD] = VMEM_CYCLES,
        [PIPE_K_MAP_STORE] = VMEM_CYCLES,   [PIPE_K_MAP_ATOMIC] = VMEM_CYCLES,
        [PIPE_K_FUSED] = ROWS_CYCLES,       [PIPE_K_LOOKUP] = LOOKUP_CYCLES,
        [PIPE_K_USE] = LOOKUP_CYCLES,       [PIPE_K_UPDATE] = CHANGE_CYCLES,
        [PIPE_K_DELETE] = CHANGE_CYCLES,    [PIPE_K_MUL] = MUL_CYCLES,
        [PIPE_K_DIV] = DIV_CYCLES,
    };

    const struct pipe_node *n = &g->nodes[g->unit_at[stage]];
    uint32_t words = 0;

    if (!g->unit_at[stage])
        return 1;
    if (pipe_on_values(n) && g->external[n->map])
        return EXT_CYCLES;
    if (n->kind == PIPE_K_UPDATE)
        words = g->f->maps[n->map].stride_bytes / 8 * g->f->maps[n->map].cpus;
    return cycles[n->kind] + words + (pipe_asks_lpm(g, n) ? PREFIX_CYCLES : 0);
}

uint32_t pipe_stretch_cycles(const struct pipe_graph *g, uint32_t map)
{
    const struct pipe_map_plan *plan = &g->maps[map];
    const uint8_t last = g->nodes[g->unit_at[plan->last_stage]].kind;
    uint32_t cycles = 1;

    if (plan->hazard == PIPE_HAZARD_NONE)
        return 1;
    for (uint32_t s = plan->first_stage; s < plan->last_stage; s++)
        cycles += pipe_boundary_cycles(g, s);
    if (last == PIPE_K_UPDATE || last == PIPE_K_DELETE)
        cycles += pipe_boundary_cycles(g, plan->last_stage);
    return cycles;
}

uint32_t pipe_lock_depth(const struct pipe_graph *g, uint32_t map)
{
    const uint32_t cycles = pipe_stretch_cycles(g, map) + 2;

    return cycles < LOCK_DEPTH_MAX ? cycles : LOCK_DEPTH_MAX;
}

uint32_t pipe_total_cycles(const struct pipe_graph *g)
{
    uint32_t cycles = 1;

    for (uint32_t s = 0; s + 1 < g->stages; s++)
        cycles += pipe_boundary_cycles(g, s);
    return cycles;
}

/* The longest path by the accesses to one bank in its blocks. */
static uint32_t path_accesses(const struct pipe_graph *g, const pipe_ref *sites, uint32_t count,
                              uint32_t bank)
{
    uint32_t *most = arena_array(g->arena, g->f->block_count, sizeof(*most));
    uint32_t best = 0;

    for (uint32_t i = g->order_count; i-- > 0;) {
        const ir_block b = g->order[i];
        const struct ir_block_data *data = &g->f->blocks[b];

        for (uint32_t s = 0; s < data->succ_count; s++) {
            if (most[data->succ[s]] > most[b])
                most[b] = most[data->succ[s]];
        }
        for (uint32_t k = 0; k < count; k++)
            most[b] += g->nodes[sites[k]].block == b && g->nodes[sites[k]].bank == bank;
        if (most[b] > best)
            best = most[b];
    }
    return best;
}

uint32_t pipe_far_accesses(const struct pipe_graph *g)
{
    pipe_ref *sites = arena_array(g->arena, g->stages, sizeof(*sites));
    uint32_t count = 0;

    for (uint32_t s = 0; s + 1 < g->stages; s++) {
        if (g->nodes[g->unit_at[s]].kind == PIPE_K_PKT_LOAD)
            sites[count++] = g->unit_at[s];
    }
    return path_accesses(g, sites, count, 0);
}

/* At the port that all maps in external memory share. */
static uint32_t external_accesses(const struct pipe_graph *g)
{
    pipe_ref *sites = arena_array(g->arena, g->stages, sizeof(*sites));

    return path_accesses(g, sites, pipe_external_sites(g, g->stages, sites), 0);
}

uint32_t pipe_port_accesses(const struct pipe_graph *g, uint32_t map)
{
    const struct pipe_map_plan *plan = &g->maps[map];
    /* a packet that finds its entry makes one request only */
    uint32_t most = plan->on_miss ? 1 : path_accesses(g, plan->key_sites, plan->key_count, 0);

    if (g->external[map] && plan->value_count) {
        const uint32_t here = external_accesses(g);

        return here > most ? here : most;
    }
    for (uint32_t bank = 0; bank < plan->banks; bank++) {
        const uint32_t here = path_accesses(g, plan->value_sites, plan->value_count, bank);

        most = here > most ? here : most;
    }
    return most;
}
