/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/emit.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>

/* Names, operands and operations in Verilog. A node n that comes from IR value 17 and eBPF
 * instruction 12 is s4_v17_pc12 in stage 4 where it is computed, and s5_v17_pc12_q in a stage to
 * which a register carries it. Operations are computed at their full width; registers hold the bits
 * that matter. */

static const char *const meta_names[SPEC_IN_COUNT + 1] = {
    [SPEC_IN_TIME] = "in_time",
    [SPEC_IN_RAND] = "in_rand",
    [SPEC_IN_IFINDEX] = "in_ifindex",
    [SPEC_IN_QUEUE] = "in_queue",
    [SPEC_IN_LEN] = "in_len",
    [SPEC_IN_EGRESS] = "in_egress",
    [PIPE_IN_FIRST_BEAT] = "in_first_beat",
};

const char *pipe_name(struct pipe_emitter *e, pipe_ref a)
{
    const struct pipe_node *n = &e->g->nodes[a];
    struct arena *arena = e->g->arena;

    if (n->kind == PIPE_K_META)
        return meta_names[n->imm];
    if (n->value && n->pc != IR_NO_PC)
        return arena_printf(arena, "v%u_pc%u", n->value, n->pc);
    if (n->value)
        return arena_printf(arena, "v%u", n->value);
    if (n->block != IR_NO_BLOCK && !pipe_is_unit(n))
        return arena_printf(arena, "on_b%u", n->block);
    if (n->pc != IR_NO_PC)
        return arena_printf(arena, "n%u_pc%u", a, n->pc);
    return arena_printf(arena, "n%u", a);
}

const char *pipe_range(struct pipe_emitter *e, uint32_t bits)
{
    assert(bits > 0);
    return bits == 1 ? "" : arena_printf(e->g->arena, "[%u:0] ", bits - 1);
}

static bool computed_in(const struct pipe_graph *g, pipe_ref a, uint32_t stage)
{
    return pipe_is_wiring(g, a) || pipe_ready_stage(g, a) == stage;
}

const char *pipe_signal(struct pipe_emitter *e, pipe_ref a, uint32_t stage)
{
    return arena_printf(e->g->arena, "s%u_%s%s", stage, pipe_name(e, a),
                        computed_in(e->g, a, stage) ? "" : "_q");
}

/* Width of the wire that a node is computed on. */
static uint32_t wire_bits(const struct pipe_node *n)
{
    switch (n->kind) {
    case PIPE_K_ALU:
        return spec_alu_table[n->alu].cls == SPEC_ALU_CLASS_CMP ? 1 : n->width;
    case PIPE_K_BYTES:
        return (n->bits + 7) / 8 * 8;
    case PIPE_K_COARSE:
    case PIPE_K_SPREAD:
        return 8u * (n->size + 7u);
    case PIPE_K_FINE:
        return 8u * n->size;
    case PIPE_K_META:
        return n->proved_bits;
    default:
        return n->bits;
    }
}

static uint32_t signal_bits(const struct pipe_graph *g, pipe_ref a, uint32_t stage)
{
    return computed_in(g, a, stage) ? wire_bits(&g->nodes[a]) : g->nodes[a].bits;
}

void pipe_window_run(const struct pipe_graph *g, uint32_t stage, uint32_t byte, uint32_t *first,
                     uint32_t *end)
{
    uint32_t lo = byte;
    uint32_t hi = byte;

    while (lo > 0 && g->window_last[lo - 1] != PIPE_NO_STAGE && g->window_last[lo - 1] >= stage)
        lo--;
    while (hi < g->window_bytes && g->window_last[hi] != PIPE_NO_STAGE &&
           g->window_last[hi] >= stage)
        hi++;
    *first = lo;
    *end = hi;
}

static const char *literal(struct pipe_emitter *e, uint64_t value, uint32_t bits)
{
    if (bits < 64)
        value &= (UINT64_C(1) << bits) - 1;
    if (value < 10)
        return arena_printf(e->g->arena, "%u'd%llu", bits, (unsigned long long)value);
    return arena_printf(e->g->arena, "%u'h%llx", bits, (unsigned long long)value);
}

static const char *window_slice(struct pipe_emitter *e, uint32_t stage, uint32_t lsb, uint32_t bits)
{
    uint32_t first = 0;
    uint32_t end;

    if (stage == 0)
        return arena_printf(e->g->arena, "s0_window[%u:%u]", lsb + bits - 1, lsb);
    pipe_window_run(e->g, stage, lsb / 8, &first, &end);
    assert(8 * end >= lsb + bits && "a byte is read in a stage to which it is carried");
    return arena_printf(e->g->arena, "s%u_win_%u_%u_q[%u:%u]", stage, first, end - 1,
                        lsb + bits - 1 - 8 * first, lsb - 8 * first);
}

const char *pipe_slice_text(struct pipe_emitter *e, pipe_ref a, uint32_t stage, uint32_t lsb,
                            uint32_t bits)
{
    const struct pipe_node *n = &e->g->nodes[a];
    struct arena *arena = e->g->arena;
    const char *name;
    uint32_t have;
    uint32_t take;
    const char *text;

    assert(bits > 0);
    if (n->kind == PIPE_K_WINDOW)
        return window_slice(e, stage, lsb, bits);
    if (n->kind == PIPE_K_CONST) {
        if (lsb >= 64)
            return literal(e, 0, bits);
        return literal(e, n->imm >> lsb, bits);
    }
    name = pipe_signal(e, a, stage);
    have = signal_bits(e->g, a, stage);
    if (lsb >= have)
        return literal(e, 0, bits);
    take = have - lsb < bits ? have - lsb : bits;
    if (take == have)
        text = name;
    else if (take == 1)
        text = arena_printf(arena, "%s[%u]", name, lsb);
    else
        text = arena_printf(arena, "%s[%u:%u]", name, lsb + take - 1, lsb);
    return take == bits ? text : arena_printf(arena, "{%u'd0, %s}", bits - take, text);
}

/* The longest run of parts from i on that is one piece of one signal. */
static uint32_t part_run(const struct pipe_emitter *e, const struct pipe_part *parts,
                         uint32_t count, uint32_t i, uint32_t stage)
{
    const struct pipe_node *n = &e->g->nodes[parts[i].node];
    uint32_t length = 1;
    uint32_t end = UINT32_MAX;
    uint32_t first;

    if (n->kind == PIPE_K_WINDOW && stage > 0)
        pipe_window_run(e->g, stage, parts[i].index, &first, &end);
    while (
        i + length < count && parts[i + length].node == parts[i].node &&
        parts[i + length].index ==
            (n->kind == PIPE_K_CONST && n->imm == 0 ? parts[i].index : parts[i].index + length) &&
        parts[i + length].index < end)
        length++;
    return length;
}

const char *pipe_parts_text(struct pipe_emitter *e, const struct pipe_part *parts, uint32_t count,
                            uint32_t stage)
{
    const char *all = NULL;
    uint32_t pieces = 0;

    for (uint32_t i = 0; i < count; pieces++) {
        const uint32_t run = part_run(e, parts, count, i, stage);
        const char *piece = pipe_slice_text(e, parts[i].node, stage, 8 * parts[i].index, 8 * run);

        all = all ? arena_printf(e->g->arena, "%s, %s", piece, all) : piece;
        i += run;
    }
    return pieces == 1 ? all : arena_printf(e->g->arena, "{%s}", all);
}

/* An operation's Verilog with the operands put in; @a and @b may carry a bit range. */
static void put_template(struct pipe_emitter *e, const struct pipe_node *n, uint32_t stage)
{
    const struct spec_alu_row *row = &spec_alu_table[n->alu];
    const char *t = n->width == 32 && row->verilog32[0] ? row->verilog32 : row->verilog64;
    const uint32_t width = n->width == 32 && row->verilog32[0] ? 32 : 64;

    while (*t) {
        uint32_t lsb = 0;
        uint32_t bits = width;
        pipe_ref operand;

        if (*t != '@') {
            pipe_put(&e->text, "%c", *t++);
            continue;
        }
        operand = n->args[t[1] == 'b'];
        t += 2;
        if (*t == '[') {
            char *end;
            const uint32_t msb = (uint32_t)strtoul(t + 1, &end, 10);

            lsb = *end == ':' ? (uint32_t)strtoul(end + 1, &end, 10) : msb;
            bits = msb - lsb + 1;
            t = end + 1;
        }
        pipe_put(&e->text, "%s", pipe_slice_text(e, operand, stage, lsb, bits));
    }
}

/* Bits that an index into so many bits takes, which linters count. */
static uint32_t index_bits(uint32_t bits)
{
    uint32_t n = 1;

    while (n < 32 && 1u << n < bits)
        n++;
    return n;
}

/* Writes node a as the part of `all` that starts at bit index << shift. */
static void draw_pick(struct pipe_emitter *e, pipe_ref a, uint32_t stage, const char *all,
                      uint32_t all_bits, const char *index, uint32_t used_bits, uint32_t shift)
{
    const uint32_t bits = wire_bits(&e->g->nodes[a]);
    const uint32_t want = index_bits(all_bits);
    const uint32_t have = used_bits + shift;
    const char *pad = want > have ? arena_printf(e->g->arena, "%u'd0, ", want - have) : "";
    const char *name = pipe_name(e, a);

    pipe_put(&e->text, "    wire [%u:0] s%u_%s_all = %s;\n", all_bits - 1, stage, name, all);
    pipe_put(&e->text, "    wire %ss%u_%s = s%u_%s_all[{%s%s, %u'd0} +: %u];\n",
             pipe_range(e, bits), stage, name, stage, name, pad, index, shift, bits);
}

static void draw_coarse(struct pipe_emitter *e, pipe_ref a, uint32_t stage)
{
    const struct pipe_node *n = &e->g->nodes[a];
    uint32_t bits = 0;

    for (uint32_t groups = n->part_count / 8; groups > 1; groups /= 2)
        bits++;
    draw_pick(e, a, stage, pipe_parts_text(e, n->parts, n->part_count, stage), 8 * n->part_count,
              pipe_slice_text(e, n->args[0], stage, 3, bits), bits, 6);
}

static void draw_fine(struct pipe_emitter *e, pipe_ref a, uint32_t stage)
{
    const struct pipe_node *n = &e->g->nodes[a];
    const uint32_t all = 8u * (n->size + 7u);

    draw_pick(e, a, stage, pipe_slice_text(e, n->args[0], stage, 0, all), all,
              pipe_slice_text(e, n->args[1], stage, 0, 3), 3, 3);
}

/* What comes into a fused unit, or out of it. */
static void draw_port(struct pipe_emitter *e, pipe_ref a, uint32_t stage)
{
    const struct pipe_graph *g = e->g;
    const struct pipe_node *n = &g->nodes[a];
    const struct pipe_node *unit = &g->nodes[n->kind == PIPE_K_OUT ? n->args[0] : n->owner];
    const struct pipe_fused *f = g->maps[unit->map].fused;
    const uint32_t i = (uint32_t)(n->imm & ~PIPE_ARG_WORD);
    uint32_t lsb;

    if (n->kind == PIPE_K_OUT) {
        pipe_put(&e->text, "%s",
                 pipe_slice_text(e, n->args[0], stage, pipe_output_bits(g, f, i), n->bits));
        return;
    }
    lsb = n->imm & PIPE_ARG_WORD ? 64 * i : pipe_input_bits(g, f, i);
    pipe_put(&e->text, "m%u_f_%s[%u:%u]", unit->map, n->imm & PIPE_ARG_WORD ? "old" : "in",
             lsb + n->bits - 1, lsb);
}

void pipe_draw_node(struct pipe_emitter *e, pipe_ref a, uint32_t stage)
{
    const struct pipe_node *n = &e->g->nodes[a];
    struct pipe_text *t = &e->text;

    if (n->kind == PIPE_K_COARSE || n->kind == PIPE_K_FINE) {
        (n->kind == PIPE_K_COARSE ? draw_coarse : draw_fine)(e, a, stage);
        return;
    }
    if (n->kind == PIPE_K_META || pipe_is_unit(n))
        return;
    pipe_put(t, "    wire %ss%u_%s = ", pipe_range(e, wire_bits(n)), stage, pipe_name(e, a));
    switch (n->kind) {
    case PIPE_K_ALU:
        put_template(e, n, stage);
        break;
    case PIPE_K_SELECT:
        pipe_put(t, "%s ? %s : %s", pipe_slice_text(e, n->args[0], stage, 0, 1),
                 pipe_slice_text(e, n->args[1], stage, 0, n->bits),
                 pipe_slice_text(e, n->args[2], stage, 0, n->bits));
        break;
    case PIPE_K_AND:
    case PIPE_K_OR:
        pipe_put(t, "%s %c %s", pipe_slice_text(e, n->args[0], stage, 0, 1),
                 n->kind == PIPE_K_AND ? '&' : '|', pipe_slice_text(e, n->args[1], stage, 0, 1));
        break;
    case PIPE_K_NOT:
        pipe_put(t, "~%s", pipe_slice_text(e, n->args[0], stage, 0, 1));
        break;
    case PIPE_K_BYTES:
        pipe_put(t, "%s", pipe_parts_text(e, n->parts, wire_bits(n) / 8, stage));
        break;
    case PIPE_K_ARG:
    case PIPE_K_OUT:
        draw_port(e, a, stage);
        break;
    case PIPE_K_SPREAD:
        pipe_put(t, "%s << {%s, 3'd0}",
                 pipe_slice_text(e, n->args[0], stage, 0, 8u * (n->size + 7u)),
                 pipe_slice_text(e, n->args[1], stage, 0, 3));
        break;
    default:
        assert(false && "every kind of node is written");
    }
    pipe_put(t, ";\n");
}

/* Wiring that a node depends on in this stage is written before it, once. */
void pipe_draw_wiring(struct pipe_emitter *e, pipe_ref a, uint32_t stage)
{
    const struct pipe_node *n = &e->g->nodes[a];

    if (!pipe_is_wiring(e->g, a) || e->drawn_in[a] == stage + 1)
        return;
    for (uint32_t i = 0; i < n->nargs; i++)
        pipe_draw_wiring(e, n->args[i], stage);
    for (uint32_t i = 0; i < pipe_part_count(n); i++)
        pipe_draw_wiring(e, n->parts[i].node, stage);
    e->drawn_in[a] = stage + 1;
    pipe_draw_node(e, a, stage);
}
