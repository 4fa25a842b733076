/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/emit.h"

/* The design stage by stage, for people: what happens where, what it comes from, what is carried
 * on, how packets meet at the maps. */

static const char *const hazard_names[PIPE_HAZARD_COUNT] = {"none", "key", "map"};

static const char *what(const struct pipe_graph *g, const struct pipe_node *n)
{
    static const char *const kinds[PIPE_K_COUNT] = {
        [PIPE_K_SELECT] = "select",
        [PIPE_K_AND] = "and",
        [PIPE_K_OR] = "or",
        [PIPE_K_BYTES] = "bytes",
        [PIPE_K_COARSE] = "pick group",
        [PIPE_K_FINE] = "pick bytes",
        [PIPE_K_SPREAD] = "place bytes",
        [PIPE_K_PKT_LOAD] = "load packet",
        [PIPE_K_MAP_LOAD] = "load",
        [PIPE_K_MAP_STORE] = "store",
        [PIPE_K_MAP_ATOMIC] = "atomic",
        [PIPE_K_ARG] = "in",
        [PIPE_K_OUT] = "out",
        [PIPE_K_FUSED] = "atomic unit",
        [PIPE_K_LOOKUP] = "lookup",
        [PIPE_K_USE] = "use",
        [PIPE_K_UPDATE] = "update",
        [PIPE_K_DELETE] = "delete",
        [PIPE_K_MUL] = "mul",
    };

    if (n->kind == PIPE_K_ALU || n->kind == PIPE_K_DIV)
        return arena_printf(g->arena, "%s.%u", spec_alu_table[n->alu].name, n->width);
    if (pipe_is_access(n))
        return arena_printf(g->arena, "%s map %u", kinds[n->kind], n->map);
    return kinds[n->kind];
}

static uint32_t carried_bits(const struct pipe_graph *g, uint32_t stage)
{
    uint32_t bits = 0;

    for (pipe_ref a = 1; a < g->count; a++) {
        if (pipe_crosses(g, a, stage))
            bits += g->nodes[a].bits;
    }
    for (uint32_t i = 0; i < g->window_bytes; i++) {
        if (g->window_last[i] != PIPE_NO_STAGE && g->window_last[i] > stage)
            bits += 8;
    }
    return bits;
}

/* What a fused unit does on the whole value. */
static void list_inside(struct pipe_emitter *e, const struct pipe_fused *f)
{
    const struct pipe_graph *g = e->g;

    for (uint32_t i = 0; i < f->inner_count; i++) {
        const pipe_ref a = f->inner[i];
        const struct pipe_node *n = &g->nodes[a];

        if (n->live && n->kind != PIPE_K_ARG && !pipe_is_wiring(g, a))
            pipe_put(&e->text, "      inside %-16s %s, %u bits\n", pipe_name(e, a), what(g, n),
                     n->bits);
    }
}

static void list_stage(struct pipe_emitter *e, uint32_t stage)
{
    struct pipe_graph *g = e->g;
    struct pipe_text *t = &e->text;
    const pipe_ref unit = stage + 1 < g->stages ? g->unit_at[stage] : PIPE_NONE;
    uint32_t pc = IR_NO_PC;

    pipe_put(t, "stage %u\n", stage);
    for (pipe_ref a = 1; a < g->count; a++) {
        const struct pipe_node *n = &g->nodes[a];

        if (!n->live || n->owner || n->stage != stage || n->kind <= PIPE_K_WINDOW ||
            pipe_is_unit(n) || pipe_is_wiring(g, a))
            continue;
        if (n->pc != pc)
            pipe_put_origin(t, g, n->pc, "  ", "");
        pc = n->pc;
        pipe_put(t, "    %-16s %s, %u bits, level %u\n", pipe_name(e, a), what(g, n), n->bits,
                 n->level);
    }
    for (uint32_t m = 0; m < g->f->map_count; m++) {
        if (g->maps[m].hazard != PIPE_HAZARD_NONE && g->maps[m].first_stage == stage)
            pipe_put(t, "  lock map %u (%s)\n", m, hazard_names[g->maps[m].hazard]);
    }
    if (unit) {
        pipe_put_origin(t, g, g->nodes[unit].pc, "  ", "");
        pipe_put(t, "    %-16s %s, %u clocks\n", pipe_name(e, unit), what(g, &g->nodes[unit]),
                 pipe_boundary_cycles(g, stage));
        if (g->nodes[unit].kind == PIPE_K_FUSED)
            list_inside(e, g->maps[g->nodes[unit].map].fused);
    }
    for (uint32_t m = 0; m < g->f->map_count; m++) {
        if (g->maps[m].hazard != PIPE_HAZARD_NONE && g->maps[m].last_stage == stage)
            pipe_put(t, "  release map %u\n", m);
    }
    if (stage + 1 < g->stages)
        pipe_put(t, "  carries %u bits\n", carried_bits(g, stage));
}

const char *pipe_listing(struct pipe_graph *g)
{
    struct pipe_emitter e = {.g = g, .text = {.arena = g->arena}};
    struct pipe_text *t = &e.text;

    pipe_put(t,
             "pipeline %s: %u stages, %u clocks, window %u bytes, headroom %u bytes, %u LUT levels "
             "a stage\n",
             g->f->name, g->stages, pipe_total_cycles(g), g->window_bytes, g->head_bytes,
             g->delay_levels);
    if (pipe_far_count(g, g->stages))
        pipe_put(t,
                 "packets start when they are whole: %u reads beyond the window, %u a packet at "
                 "most\n",
                 pipe_far_count(g, g->stages), pipe_far_accesses(g));
    if (g->event_bytes)
        pipe_put(t, "events: %u clocks more for a packet that has some\n", g->event_bytes / 64);
    for (uint32_t m = 0; m < g->f->map_count; m++) {
        const struct pipe_map_plan *plan = &g->maps[m];

        pipe_put(t, "map %u %s: hazard %s, %s", m, g->f->maps[m].name, hazard_names[plan->hazard],
                 plan->why);
        if (plan->hazard != PIPE_HAZARD_NONE)
            pipe_put(t, "; stages %u to %u, %u clocks", plan->first_stage, plan->last_stage,
                     pipe_stretch_cycles(g, m));
        if (plan->fused)
            pipe_put(t, "; unit of %u LUT levels", plan->fused->levels);
        if (plan->why_apart)
            pipe_put(t, "; no atomic unit: %s", plan->why_apart);
        if (g->external[m])
            pipe_put(t, "; values in external memory");
        pipe_put(t, "; %u value and %u key accesses, %u banks, %u a packet at the busiest port\n",
                 plan->value_count, plan->key_count, plan->banks, plan->accesses);
    }
    for (uint32_t s = 0; s < g->stages; s++)
        list_stage(&e, s);
    return t->data;
}
