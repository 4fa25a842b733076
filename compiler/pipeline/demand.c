/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/pipe.h"

/* Which nodes something depends on, and how many of their low bits. One walk from users to
 * arguments suffices. Registers between stages are as wide as this says. */

static void want(struct pipe_graph *g, pipe_ref a, uint32_t bits)
{
    struct pipe_node *n = &g->nodes[a];

    if (bits == 0 || n->kind == PIPE_K_WINDOW)
        return;
    n->live = true;
    if (bits > n->bits)
        n->bits = bits;
}

static uint32_t at_most(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void want_alu(struct pipe_graph *g, const struct pipe_node *n, uint32_t need)
{
    const uint32_t w = n->width;
    uint64_t k = 0;
    const bool constant = n->nargs == 2 && pipe_is_const(g, n->args[1], &k);
    uint32_t a = w;
    uint32_t b = w;

    need = at_most(need, w);
    switch (n->alu) {
    case SPEC_ALU_ADD:
    case SPEC_ALU_SUB:
    case SPEC_ALU_OR:
    case SPEC_ALU_XOR:
        a = b = need;
        break;
    case SPEC_ALU_AND:
        a = b = need;
        if (constant)
            a = at_most(need, k ? 64u - (uint32_t)__builtin_clzll(k) : 0);
        break;
    case SPEC_ALU_SHL:
        k &= w - 1;
        a = constant ? need - at_most(need, (uint32_t)k) : need;
        b = w == 64 ? 6 : 5;
        break;
    case SPEC_ALU_LSHR:
    case SPEC_ALU_ASHR:
        a = constant ? at_most(w, need + (uint32_t)(k & (w - 1))) : w;
        b = w == 64 ? 6 : 5;
        break;
    case SPEC_ALU_SEXT8:
        a = at_most(need, 8);
        break;
    case SPEC_ALU_SEXT16:
        a = at_most(need, 16);
        break;
    case SPEC_ALU_SEXT32:
    case SPEC_ALU_BSWAP32:
        a = 32;
        break;
    case SPEC_ALU_BSWAP16:
        a = 16;
        break;
    default:
        break;
    }
    /* an argument is there even if only its absence of low bits counts */
    want(g, n->args[0], a ? a : 1);
    if (n->nargs == 2)
        want(g, n->args[1], b ? b : 1);
}

static void want_args(struct pipe_graph *g, struct pipe_node *n, uint32_t need);

/* What a fused unit's outputs and the value's new bytes need of its inputs. Its bits are those of
 * all outputs. */
static void want_fused(struct pipe_graph *g, struct pipe_node *unit)
{
    const struct pipe_fused *f = g->maps[unit->map].fused;

    want(g, unit->args[0], 1);
    want(g, unit->args[1], 32);
    unit->bits = 0;
    for (uint32_t i = 0; i < f->output_count; i++) {
        const struct pipe_node *out = &g->nodes[f->outs[i]];

        if (!out->live)
            continue;
        want(g, f->outputs[i], out->bits);
        unit->bits += out->bits;
    }
    for (uint32_t i = 0; i < 8 * f->words; i++)
        want(g, f->row[i].node, 8 * f->row[i].index + 8);
    for (uint32_t i = f->inner_count; i-- > 0;) {
        struct pipe_node *n = &g->nodes[f->inner[i]];

        if (!n->live)
            continue;
        n->bits = at_most(n->bits, n->proved_bits);
        if (n->kind != PIPE_K_ARG)
            want_args(g, n, n->bits);
        else if (!(n->imm & PIPE_ARG_WORD))
            want(g, unit->args[PIPE_FUSED_FIRST_INPUT + (uint32_t)n->imm], n->bits);
    }
}

static void want_unit(struct pipe_graph *g, struct pipe_node *n, uint32_t need)
{
    switch (n->kind) {
    case PIPE_K_MUL:
        want(g, n->args[0], need);
        want(g, n->args[1], need);
        return;
    case PIPE_K_DIV:
        want(g, n->args[0], n->width);
        want(g, n->args[1], n->width);
        return;
    case PIPE_K_PKT_LOAD:
        want(g, n->args[0], 1);
        want(g, n->args[1], PIPE_POSITION_BITS);
        return;
    case PIPE_K_FUSED:
        want_fused(g, n);
        return;
    case PIPE_K_MAP_LOAD:
    case PIPE_K_MAP_STORE:
    case PIPE_K_MAP_ATOMIC:
        want(g, n->args[0], 1);
        want(g, n->args[1], 32);
        for (uint32_t i = 2; i < n->nargs; i++)
            want(g, n->args[i], 8u * n->size);
        return;
    default:
        want(g, n->args[0], 1);
        want(g, n->args[1], 8);
        for (uint32_t i = 2; i < n->nargs; i++)
            want(g, n->args[i], 64);
        return;
    }
}

static void want_args(struct pipe_graph *g, struct pipe_node *n, uint32_t need)
{
    switch (n->kind) {
    case PIPE_K_ALU:
        want_alu(g, n, need);
        return;
    case PIPE_K_SELECT:
        want(g, n->args[0], 1);
        want(g, n->args[1], need);
        want(g, n->args[2], need);
        return;
    case PIPE_K_AND:
    case PIPE_K_OR:
    case PIPE_K_NOT:
        for (uint32_t i = 0; i < n->nargs; i++)
            want(g, n->args[i], 1);
        return;
    case PIPE_K_BYTES:
        for (uint32_t i = 0; i < n->part_count && 8 * i < need; i++)
            want(g, n->parts[i].node, 8 * n->parts[i].index + at_most(8, need - 8 * i));
        return;
    case PIPE_K_OUT:
        want(g, n->args[0], 1);
        return;
    case PIPE_K_COARSE:
        want(g, n->args[0], 16);
        for (uint32_t i = 0; i < n->part_count; i++)
            want(g, n->parts[i].node, 8 * n->parts[i].index + 8);
        return;
    case PIPE_K_FINE:
        want(g, n->args[0], 8u * (n->size + 7u));
        want(g, n->args[1], 3);
        return;
    case PIPE_K_SPREAD:
        want(g, n->args[0], 8u * n->size);
        want(g, n->args[1], 3);
        return;
    default:
        if (pipe_is_unit(n))
            want_unit(g, n, need);
        return;
    }
}

uint32_t pipe_part_count(const struct pipe_node *n)
{
    return n->kind == PIPE_K_BYTES ? (n->bits + 7) / 8 : n->part_count;
}

static bool has_effect(const struct pipe_node *n)
{
    return n->kind == PIPE_K_MAP_STORE || n->kind == PIPE_K_MAP_ATOMIC || n->kind == PIPE_K_FUSED ||
           n->kind == PIPE_K_USE || n->kind == PIPE_K_UPDATE || n->kind == PIPE_K_DELETE;
}

static void want_outputs(struct pipe_graph *g)
{
    const pipe_ref zero = pipe_const(g, 0);

    want(g, g->ret, SPEC_OUT_RET_BITS);
    want(g, g->redirect, SPEC_OUT_REDIRECT_BITS);
    want(g, g->meta, SPEC_OUT_META_BITS);
    want(g, g->data, 16);
    want(g, g->data_end, 16);
    want(g, g->len, SPEC_IN_LEN_BITS);
    want(g, g->zero_from, 16);
    for (uint32_t i = 0; i < g->head_bytes + g->window_bytes; i++) {
        if (g->out_mask[i] == zero)
            continue;
        want(g, g->out_mask[i], 1);
        want(g, g->out_data[i].node, 8 * g->out_data[i].index + 8);
    }
    if (g->event_bytes)
        want(g, g->told, 1);
    for (uint32_t i = 0; i < g->event_bytes; i++)
        want(g, g->events.data[i].node, 8 * g->events.data[i].index + 8);
    for (uint32_t m = 0; m < g->f->map_count && g->maps; m++) {
        if (g->maps[m].take)
            want(g, g->maps[m].take, 1);
        for (uint32_t k = 0; k < g->maps[m].key_words; k++)
            want(g, g->maps[m].key[k], g->maps[m].key_bits);
    }
}

/* needs: pipe_order, with a constant 0 among the nodes. */
void pipe_demand(struct pipe_graph *g)
{
    for (uint32_t i = 1; i < g->count; i++) {
        g->nodes[i].live = has_effect(&g->nodes[i]);
        g->nodes[i].bits = 0;
    }
    want_outputs(g);
    for (uint32_t i = g->walk_count; i-- > 0;) {
        struct pipe_node *n = &g->nodes[g->walk[i]];

        if (n->kind == PIPE_K_WINDOW || !n->live)
            continue;
        n->bits = at_most(n->bits, n->proved_bits);
        want_args(g, n, n->bits);
    }
}

void pipe_drop_inputs(struct pipe_graph *g)
{
    for (uint32_t m = 0; m < g->f->map_count; m++) {
        const struct pipe_fused *f = g->maps[m].fused;

        for (uint32_t i = 0; f && i < f->inner_count; i++) {
            const struct pipe_node *n = &g->nodes[f->inner[i]];

            if (n->kind == PIPE_K_ARG && !n->live && !(n->imm & PIPE_ARG_WORD))
                g->nodes[f->unit].args[PIPE_FUSED_FIRST_INPUT + (uint32_t)n->imm] =
                    pipe_const(g, 0);
        }
    }
}
