/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/emit.h"

#include <assert.h>

/* What stands between two stages: registers, or a unit (a call to a map's engine, a multiplier, a
 * divider), with locks in front of it.
 *
 * A segment is a stretch of stages with registers between them. All its registers move together:
 * when its last stage is empty or what is in there is taken. Units have a handshake of their own.
 */

bool pipe_starts_segment(const struct pipe_graph *g, uint32_t stage)
{
    return stage == 0 || g->unit_at[stage - 1] != PIPE_NONE;
}

uint32_t pipe_segment_end(const struct pipe_graph *g, uint32_t stage)
{
    while (stage + 1 < g->stages && !g->unit_at[stage])
        stage++;
    return stage;
}

static uint32_t segment_start(const struct pipe_graph *g, uint32_t stage)
{
    while (!pipe_starts_segment(g, stage))
        stage--;
    return stage;
}

const char *pipe_valid(struct pipe_emitter *e, uint32_t stage)
{
    return arena_printf(e->g->arena, pipe_starts_segment(e->g, stage) ? "s%u_valid" : "s%u_valid_q",
                        stage);
}

/* Visits what crosses a boundary: nodes first, then runs of window bytes (node PIPE_NONE). */
struct cross {
    pipe_ref node;
    uint32_t first; /* bytes of a run */
    uint32_t bits;
    const char *from; /* expression before the boundary */
    const char *to;   /* signal after it */
};

static uint32_t list_crossing(struct pipe_emitter *e, uint32_t stage, struct cross **out)
{
    struct pipe_graph *g = e->g;
    uint32_t count = 0;
    struct cross *list = NULL;
    uint32_t capacity = 0;

    for (pipe_ref a = 1; a < g->count; a++) {
        struct cross c = {.node = a};

        if (!pipe_crosses(g, a, stage))
            continue;
        c.bits = g->nodes[a].bits;
        c.from = pipe_slice_text(e, a, stage, 0, c.bits);
        c.to = pipe_signal(e, a, stage + 1);
        list = arena_grow(g->arena, list, count, &capacity, sizeof(*list));
        list[count++] = c;
    }
    for (uint32_t byte = 0; byte < g->window_bytes; byte++) {
        struct cross c = {.node = PIPE_NONE};
        uint32_t end;

        if (g->window_last[byte] == PIPE_NO_STAGE || g->window_last[byte] <= stage)
            continue;
        pipe_window_run(g, stage + 1, byte, &c.first, &end);
        c.bits = 8 * (end - c.first);
        c.from = stage == 0 ? arena_printf(g->arena, "s0_window[%u:%u]", 8 * end - 1, 8 * c.first)
                            : NULL;
        if (!c.from) {
            uint32_t first;
            uint32_t old_end;

            pipe_window_run(g, stage, byte, &first, &old_end);
            c.from = arena_printf(g->arena, "s%u_win_%u_%u_q[%u:%u]", stage, first, old_end - 1,
                                  8 * (end - first) - 1, 8 * (c.first - first));
        }
        c.to = arena_printf(g->arena, "s%u_win_%u_%u_q", stage + 1, c.first, end - 1);
        list = arena_grow(g->arena, list, count, &capacity, sizeof(*list));
        list[count++] = c;
        byte = end;
    }
    *out = list;
    return count;
}

static void draw_registers(struct pipe_emitter *e, uint32_t stage)
{
    struct pipe_text *t = &e->text;
    struct cross *list;
    const uint32_t count = list_crossing(e, stage, &list);
    const uint32_t start = segment_start(e->g, stage);

    pipe_put(t, "    reg s%u_valid_q;\n", stage + 1);
    for (uint32_t i = 0; i < count; i++)
        pipe_put(t, "    reg %s%s;\n", pipe_range(e, list[i].bits), list[i].to);
    pipe_put(t, "    always @(posedge clk) begin\n        if (s%u_go) begin\n", start);
    pipe_put(t, "            s%u_valid_q <= %s;\n", stage + 1, pipe_valid(e, stage));
    for (uint32_t i = 0; i < count; i++)
        pipe_put(t, "            %s <= %s;\n", list[i].to, list[i].from);
    pipe_put(t, "        end\n        if (rst)\n            s%u_valid_q <= 1'b0;\n    end\n",
             stage + 1);
}

/* State that travels beside a unit, packed; *bits is at least 1. */
static const char *pack_state(struct pipe_emitter *e, const struct cross *list, uint32_t count,
                              uint32_t *bits)
{
    const char *all = NULL;

    *bits = 0;
    for (uint32_t i = 0; i < count; i++) {
        all = all ? arena_printf(e->g->arena, "%s,\n        %s", list[i].from, all) : list[i].from;
        *bits += list[i].bits;
    }
    if (count == 0)
        *bits = 1;
    return count ? all : "1'b0";
}

static void unpack_state(struct pipe_emitter *e, const struct cross *list, uint32_t count,
                         uint32_t stage)
{
    uint32_t lsb = 0;

    for (uint32_t i = 0; i < count; i++) {
        pipe_put(&e->text, "    wire %s%s = s%u_state[%u:%u];\n", pipe_range(e, list[i].bits),
                 list[i].to, stage + 1, lsb + list[i].bits - 1, lsb);
        lsb += list[i].bits;
    }
}

/* The place in its bank: the bank's number is taken out of the word address. */
static const char *bank_address(struct pipe_emitter *e, const struct pipe_node *n, uint32_t stage)
{
    const uint32_t bits = (uint32_t)__builtin_ctz(e->g->maps[n->map].banks);

    if (e->g->external[n->map])
        return arena_printf(e->g->arena, "%s + 32'd%llu",
                            pipe_slice_text(e, n->args[1], stage, 0, 32),
                            (unsigned long long)e->g->external_base[n->map]);
    if (bits == 0)
        return pipe_slice_text(e, n->args[1], stage, 0, 32);
    return arena_printf(e->g->arena, "%u'd0, %s, %s", bits,
                        pipe_slice_text(e, n->args[1], stage, 3 + bits, 29 - bits),
                        pipe_slice_text(e, n->args[1], stage, 0, 3));
}

/* What goes to a value memory's port (emit.h: PIPE_VALUE_REQ_BITS). */
static void put_value_request(struct pipe_emitter *e, const struct pipe_node *n, uint32_t stage)
{
    const uint32_t op = n->kind == PIPE_K_MAP_LOAD ? 0 : n->kind == PIPE_K_MAP_STORE ? 1 : 2;
    const uint32_t bits = 8u * n->size;
    const char *data = n->nargs > 2 ? pipe_slice_text(e, n->args[2], stage, 0, bits) : NULL;
    const char *expect = n->nargs > 3 ? pipe_slice_text(e, n->args[3], stage, 0, bits) : NULL;
    const char *pad = bits < 64 ? arena_printf(e->g->arena, "%u'd0, ", 64 - bits) : "";

    pipe_put(&e->text, "{%s%s, %s%s, %s, 4'd%u, 4'd%u, 2'd%u}", expect ? pad : "",
             expect ? expect : "64'd0", data ? pad : "", data ? data : "64'd0",
             bank_address(e, n, stage), n->size, n->atomic, op);
}

/* Words from args[first] on as so many bytes, the highest first. */
static const char *words_text(struct pipe_emitter *e, const struct pipe_node *n, uint32_t first,
                              uint32_t bytes, uint32_t stage)
{
    const char *all = NULL;

    for (uint32_t w = 0; 8 * w < bytes; w++) {
        const uint32_t bits = bytes - 8 * w < 8 ? 8 * (bytes - 8 * w) : 64;
        const char *word = pipe_slice_text(e, n->args[first + w], stage, 0, bits);

        all = all ? arena_printf(e->g->arena, "%s,\n        %s", word, all) : word;
    }
    return all;
}

/* Operation, cpu, key, value, flags, lowest first. */
static void put_hash_request(struct pipe_emitter *e, const struct pipe_node *n, uint32_t stage)
{
    const struct ir_map *m = &e->g->f->maps[n->map];
    const bool update = n->kind == PIPE_K_UPDATE;
    const uint32_t op = pipe_is_lookup(n) ? 0 : update ? 1 : 2;
    const uint32_t key = update ? 3 : 2;
    const uint32_t value_bits = 8 * pipe_value_bytes(m);
    const char *pad = value_bits > 8 * m->value_bytes
                          ? arena_printf(e->g->arena, "%u'd0, ", value_bits - 8 * m->value_bytes)
                          : "";

    pipe_put(&e->text, "{32'd0, %s,\n        ",
             update ? pipe_slice_text(e, n->args[2], stage, 0, 64) : "64'd0");
    if (update)
        pipe_put(&e->text, "%s%s", pad,
                 words_text(e, n, key + ir_words(m->key_bytes), m->value_bytes, stage));
    else
        pipe_put(&e->text, "%u'd0", value_bits);
    pipe_put(&e->text, ",\n        %s, %s, 3'd%u}", words_text(e, n, key, m->key_bytes, stage),
             pipe_slice_text(e, n->args[1], stage, 0, 8), op);
}

static const char *engine_of(struct pipe_emitter *e, const struct pipe_node *n)
{
    if (n->kind >= PIPE_K_LOOKUP)
        return arena_printf(e->g->arena, "m%u_key", n->map);
    if (n->kind != PIPE_K_FUSED && e->g->external[n->map])
        return "ext";
    return arena_printf(e->g->arena, "m%u_val%u", n->map, n->bank);
}

/* A call of an engine: state and request in, state and answer out. */
struct call {
    const char *engine;
    uint32_t port;
    uint32_t req_bits;
    uint32_t resp_bits;
    uint32_t depth; /* packets inside */
};

static struct call call_of(struct pipe_emitter *e, uint32_t stage)
{
    const pipe_ref unit = e->g->unit_at[stage];
    const struct pipe_node *n = &e->g->nodes[unit];

    if (n->kind == PIPE_K_PKT_LOAD)
        return (struct call){"pkt", pipe_far_count(e->g, stage), PIPE_POSITION_BITS, 64, 8};
    if (n->kind >= PIPE_K_LOOKUP)
        return (struct call){engine_of(e, n), pipe_port_of(e->g, unit),
                             pipe_hash_req_bits(&e->g->f->maps[n->map]), PIPE_HASH_RESP_BITS,
                             pipe_asks_lpm(e->g, n) ? 32 : 16};
    if (n->kind == PIPE_K_FUSED)
        return (struct call){
            engine_of(e, n), 0,
            32 + pipe_input_bits(e->g, e->g->maps[n->map].fused, n->nargs - PIPE_FUSED_FIRST_INPUT),
            n->bits ? n->bits : 1, 8};
    return (struct call){engine_of(e, n), pipe_port_of(e->g, unit), PIPE_VALUE_REQ_BITS,
                         PIPE_VALUE_RESP_BITS, e->g->external[n->map] ? 16 : 8};
}

/* Row 32, then the inputs, lowest first. */
static void put_row_request(struct pipe_emitter *e, const struct pipe_node *n, uint32_t stage)
{
    pipe_put(&e->text, "{");
    for (uint32_t i = n->nargs; i-- > PIPE_FUSED_FIRST_INPUT;) {
        const uint32_t bits = e->g->nodes[n->args[i]].bits;

        if (bits)
            pipe_put(&e->text, "%s,\n        ", pipe_slice_text(e, n->args[i], stage, 0, bits));
    }
    pipe_put(&e->text, "%s}", pipe_slice_text(e, n->args[1], stage, 0, 32));
}

static void put_request(struct pipe_emitter *e, const struct pipe_node *n, uint32_t stage)
{
    if (n->kind == PIPE_K_PKT_LOAD)
        pipe_put(&e->text, "%s", pipe_slice_text(e, n->args[1], stage, 0, PIPE_POSITION_BITS));
    else if (n->kind >= PIPE_K_LOOKUP)
        put_hash_request(e, n, stage);
    else if (n->kind == PIPE_K_FUSED)
        put_row_request(e, n, stage);
    else
        put_value_request(e, n, stage);
}

static void draw_call(struct pipe_emitter *e, uint32_t stage, const char *valid,
                      uint32_t state_bits)
{
    const pipe_ref unit = e->g->unit_at[stage];
    const struct pipe_node *n = &e->g->nodes[unit];
    const struct call c = call_of(e, stage);
    struct pipe_text *t = &e->text;

    pipe_put(t, "    wire [%u:0] s%u_req = ", c.req_bits - 1, stage);
    put_request(e, n, stage);
    pipe_put(t, ";\n    wire [%u:0] s%u_answer;\n", c.resp_bits - 1, stage + 1);
    pipe_put(t,
             "    pipe_call #(\n        .STATE_W(%u),\n        .REQ_W  (%u),\n        .RESP_W "
             "(%u),\n        .DEPTH  (%u)\n"
             "    ) u_s%u_%s (\n",
             state_bits, c.req_bits, c.resp_bits, c.depth, stage, c.engine);
    pipe_put(
        t,
        "        .clk         (clk),\n        .rst         (rst),\n        .s_valid_i   (%s),\n"
        "        .s_ready_o   (s%u_unit_ready),\n        .s_state_i   (s%u_state_in),\n        "
        ".s_call_i    (%s),\n"
        "        .s_req_i     (s%u_req),\n",
        valid, stage, stage, pipe_slice_text(e, n->args[0], stage, 0, 1), stage);
    pipe_put(t,
             "        .req_valid_o (%s_valid[%u]),\n        .req_ready_i (%s_ready[%u]),\n"
             "        .req_o       (%s_req[%u +: %u]),\n        .resp_valid_i(%s_rvalid[%u]),\n"
             "        .resp_i      (%s_answer[%u:0]),\n",
             c.engine, c.port, c.engine, c.port, c.engine, c.port * c.req_bits, c.req_bits,
             c.engine, c.port, c.engine, c.resp_bits - 1);
    pipe_put(t,
             "        .m_valid_o   (s%u_valid),\n        .m_ready_i   (s%u_in_ready),\n        "
             ".m_state_o   (s%u_state),\n"
             "        .m_resp_o    (s%u_answer)\n    );\n",
             stage + 1, stage + 1, stage + 1, stage + 1);
    if (n->last_use > stage)
        pipe_put(t, "    wire %s%s = s%u_answer[%u:0];\n", pipe_range(e, n->bits),
                 pipe_signal(e, unit, stage + 1), stage + 1, n->bits - 1);
}

static void draw_arithmetic(struct pipe_emitter *e, uint32_t stage, const char *valid,
                            uint32_t state_bits)
{
    const pipe_ref unit = e->g->unit_at[stage];
    const struct pipe_node *n = &e->g->nodes[unit];
    const bool division = n->kind == PIPE_K_DIV;
    struct pipe_text *t = &e->text;

    pipe_put(t, "    wire [63:0] s%u_y;\n", stage + 1);
    pipe_put(t, "    pipe_%s #(\n        .STATE_W(%u)\n    ) u_s%u_%s (\n",
             division ? "div" : "mul", state_bits, stage,
             spec_alu_table[division ? n->alu : SPEC_ALU_MUL].name);
    pipe_put(
        t,
        "        .clk      (clk),\n        .rst      (rst),\n        .s_valid_i(%s),\n"
        "        .s_ready_o(s%u_unit_ready),\n        .s_a_i    (%s),\n        .s_b_i    (%s),\n"
        "        .s_w32_i  (1'b%u),\n",
        valid, stage, pipe_slice_text(e, n->args[0], stage, 0, 64),
        pipe_slice_text(e, n->args[1], stage, 0, 64), n->width == 32);
    if (division)
        pipe_put(t, "        .s_op_i   (2'd%u),\n", n->alu - SPEC_ALU_UDIV);
    pipe_put(t,
             "        .s_state_i(s%u_state_in),\n        .m_valid_o(s%u_valid),\n        "
             ".m_ready_i(s%u_in_ready),\n"
             "        .m_y_o    (s%u_y),\n        .m_state_o(s%u_state)\n    );\n",
             stage, stage + 1, stage + 1, stage + 1, stage + 1);
    if (n->last_use > stage)
        pipe_put(t, "    wire %s%s = s%u_y[%u:0];\n", pipe_range(e, n->bits),
                 pipe_signal(e, unit, stage + 1), stage + 1, n->bits - 1);
}

/* Locks in front of a boundary, chained; gives the valid signal behind the last one. Locks pass a
 * packet on in the clock in which the unit takes it, so a packet enters all of them at once. */
static const char *draw_locks(struct pipe_emitter *e, uint32_t stage)
{
    struct pipe_graph *g = e->g;
    struct pipe_text *t = &e->text;
    const char *valid = pipe_valid(e, stage);
    const char *ready = arena_printf(g->arena, "s%u_out_ready", stage);

    for (uint32_t m = 0; m < g->f->map_count; m++) {
        const struct pipe_map_plan *plan = &g->maps[m];
        const char *key = "1'b0";
        uint32_t key_bits = 1;

        if (plan->hazard == PIPE_HAZARD_NONE || plan->first_stage != stage)
            continue;
        for (uint32_t w = 0; w < plan->key_words; w++) {
            const char *word = pipe_slice_text(e, plan->key[w], stage, 0, plan->key_bits);

            key = w ? arena_printf(g->arena, "%s, %s", word, key) : word;
            key_bits = (w + 1) * plan->key_bits;
        }
        pipe_put(t, "    wire s%u_m%u_valid;\n    wire s%u_m%u_ready;\n    wire s%u_m%u_unused;\n",
                 stage, m, stage, m, stage, m);
        pipe_put(t,
                 "    pipe_lock #(\n        .STATE_W(1),\n        .KEY_W  (%u),\n        .DEPTH  "
                 "(%u)\n    ) u_lock_m%u (\n"
                 "        .clk      (clk),\n        .rst      (rst),\n        .s_valid_i(%s),\n    "
                 "    .s_ready_o(%s),\n"
                 "        .s_state_i(1'b0),\n        .s_take_i (%s),\n        .s_key_i  ({%s}),\n",
                 key_bits, pipe_lock_depth(g, m), m, valid, ready,
                 pipe_slice_text(e, plan->take, stage, 0, 1), key);
        pipe_put(t,
                 "        .m_valid_o(s%u_m%u_valid),\n        .m_ready_i(s%u_m%u_ready),\n        "
                 ".m_state_o(s%u_m%u_unused),\n"
                 "        .release_i(m%u_release),\n        .stall_o  (m%u_stall)\n    );\n",
                 stage, m, stage, m, stage, m, m, m);
        valid = arena_printf(g->arena, "s%u_m%u_valid", stage, m);
        ready = arena_printf(g->arena, "s%u_m%u_ready", stage, m);
    }
    pipe_put(t, "    assign %s = s%u_unit_ready;\n", ready, stage);
    return valid;
}

/* The end of a stretch: when its last access has been taken by the engine, which serves in order;
 * after an update or deletion when it has been answered, since the new value is written through
 * another port. */
static void draw_releases(struct pipe_emitter *e, uint32_t stage, const char *valid)
{
    struct pipe_graph *g = e->g;

    for (uint32_t m = 0; m < g->f->map_count; m++) {
        const struct pipe_map_plan *plan = &g->maps[m];
        const uint8_t kind = g->nodes[g->unit_at[stage]].kind;

        if (plan->hazard == PIPE_HAZARD_NONE || plan->last_stage != stage)
            continue;
        if (kind == PIPE_K_UPDATE || kind == PIPE_K_DELETE)
            pipe_put(&e->text, "    assign m%u_release = s%u_valid && s%u_in_ready;\n", m,
                     stage + 1, stage + 1);
        else
            pipe_put(&e->text, "    assign m%u_release = %s && s%u_unit_ready;\n", m, valid, stage);
    }
}

static void draw_unit(struct pipe_emitter *e, uint32_t stage)
{
    struct pipe_text *t = &e->text;
    struct cross *list;
    const uint32_t count = list_crossing(e, stage, &list);
    const pipe_ref unit = e->g->unit_at[stage];
    const uint8_t kind = e->g->nodes[unit].kind;
    uint32_t bits;
    const char *state = pack_state(e, list, count, &bits);
    const char *valid;

    pipe_put(t, "    wire s%u_unit_ready;\n", stage);
    valid = draw_locks(e, stage);
    pipe_put(t, "    wire s%u_valid;\n    wire s%u_in_ready;\n", stage + 1, stage + 1);
    pipe_put(t, "    wire [%u:0] s%u_state_in = {\n        %s};\n    wire [%u:0] s%u_state;\n",
             bits - 1, stage, state, bits - 1, stage + 1);
    if (kind == PIPE_K_MUL || kind == PIPE_K_DIV)
        draw_arithmetic(e, stage, valid, bits);
    else
        draw_call(e, stage, valid, bits);
    if (kind == PIPE_K_FUSED)
        pipe_draw_inside(e, e->g->nodes[unit].map);
    unpack_state(e, list, count, stage);
    draw_releases(e, stage, valid);
}

void pipe_draw_boundary(struct pipe_emitter *e, uint32_t stage)
{
    if (e->g->unit_at[stage])
        draw_unit(e, stage);
    else
        draw_registers(e, stage);
}
