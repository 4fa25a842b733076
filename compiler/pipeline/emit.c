/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/emit.h"

/* The design as one Verilog file: registers and maps, packets in, stage after stage, packets out.
 */

static void draw_head(struct pipe_emitter *e)
{
    const struct pipe_graph *g = e->g;
    struct pipe_text *t = &e->text;

    pipe_put(t,
             "// Generated for the eBPF program %s. Do not edit.\n"
             "// A pipeline of %u stages, %u LUT levels each; window of %u bytes, %u bytes of "
             "headroom.\n"
             "// s4_v17_pc12 is IR value 17, from eBPF instruction 12, where stage 4 computes it; "
             "s5_v17_pc12_q is what a register\n"
             "// carries on to stage 5. Names without v are the generator's own: on_b3 is the "
             "predicate of block 3, nN a part of an\n"
             "// operation, win_A_B bytes A to B of the packet.\n"
             "// Results are computed at full width and carried at the width that matters, so many "
             "wires have bits that nobody reads.\n"
             "// To read this file: -I and -y of hw/rtl/common, hw/rtl/map, hw/rtl/pipe and "
             "hw/rtl/csr, -I of the "
             "repository and of hw/spec/gen.\n"
             "/* verilator lint_off DECLFILENAME */\n"
             "/* verilator lint_off UNUSED */\n"
             "/* verilator lint_off PINCONNECTEMPTY */\n"
             "`default_nettype none\n\n",
             g->f->name, g->stages, g->delay_levels, g->window_bytes, g->head_bytes);
    pipe_put(t,
             "module sluice_dut (\n    input  wire         clk,\n    input  wire         rst,\n\n"
             "    input  wire [511:0] s_axis_tdata,\n    input  wire [63:0]  s_axis_tkeep,\n"
             "    input  wire         s_axis_tvalid,\n    output wire         s_axis_tready,\n"
             "    input  wire         s_axis_tlast,\n    input  wire [%u:0] s_axis_tuser,\n\n"
             "    output wire [511:0] m_axis_tdata,\n    output wire [63:0]  m_axis_tkeep,\n"
             "    output wire         m_axis_tvalid,\n    input  wire         m_axis_tready,\n"
             "    output wire         m_axis_tlast,\n    output wire [%u:0] m_axis_tuser,\n\n",
             SPEC_IN_TUSER_BITS - 1, SPEC_OUT_TUSER_BITS - 1);
    if (pipe_has_external(g))
        pipe_draw_external_ports(t);
    pipe_put(t, "    input  wire [15:0]  s_axil_awaddr,\n    input  wire         s_axil_awvalid,\n"
                "    output wire         s_axil_awready,\n    input  wire [31:0]  s_axil_wdata,\n"
                "    input  wire [3:0]   s_axil_wstrb,\n    input  wire         s_axil_wvalid,\n"
                "    output wire         s_axil_wready,\n    output wire [1:0]   s_axil_bresp,\n"
                "    output wire         s_axil_bvalid,\n    input  wire         s_axil_bready,\n"
                "    input  wire [15:0]  s_axil_araddr,\n    input  wire         s_axil_arvalid,\n"
                "    output wire         s_axil_arready,\n    output wire [31:0]  s_axil_rdata,\n"
                "    output wire [1:0]   s_axil_rresp,\n    output wire         s_axil_rvalid,\n"
                "    input  wire         s_axil_rready\n);\n");
}

/* The payload waits beside the pipeline: a beat for each clock that a packet takes through it, and
 * room for the ends; for a whole packet if packets start when they are whole. */
static uint32_t payload_depth(const struct pipe_graph *g)
{
    const uint32_t packet =
        pipe_far_count(g, g->stages) ? SPEC_PKT_MAX_BYTES / 64 : g->window_bytes / 64;
    const uint32_t need = pipe_total_cycles(g) + packet + 32;
    uint32_t depth = 64;

    while (depth < need)
        depth *= 2;
    return depth;
}

/* The payload's memory: a FIFO, with a port to read from it if the program looks beyond the window.
 */
static void draw_payload(struct pipe_emitter *e)
{
    const struct pipe_graph *g = e->g;
    struct pipe_text *t = &e->text;
    const uint32_t reads = pipe_far_count(g, g->stages);

    if (reads == 0) {
        pipe_put(t,
                 "    pipe_fifo #(\n        .WIDTH(513),\n        .DEPTH(%u)\n    ) u_payload (\n "
                 "       .clk      (clk),\n"
                 "        .rst      (rst),\n        .s_valid_i(in_beat_valid),\n        "
                 ".s_ready_o(in_beat_ready),\n"
                 "        .s_data_i ({in_beat_last, in_beat_data}),\n        "
                 ".m_valid_o(beat_valid),\n"
                 "        .m_ready_i(beat_ready),\n        .m_data_o ({beat_last, beat_data})\n   "
                 " );\n",
                 payload_depth(g));
        return;
    }
    pipe_draw_arbiter(t, "pkt", reads, PIPE_POSITION_BITS, 64);
    pipe_put(t, "    assign pkt_take = 1'b1;\n");
    pipe_put(
        t,
        "    pipe_payload #(\n        .DEPTH(%u),\n        .TAG_W(%u)\n    ) u_payload (\n"
        "        .clk           (clk),\n        .rst           (rst),\n"
        "        .s_valid_i     (in_beat_valid),\n        .s_ready_o     (in_beat_ready),\n"
        "        .s_data_i      (in_beat_data),\n        .s_last_i      (in_beat_last),\n"
        "        .m_valid_o     (beat_valid),\n        .m_ready_i     (beat_ready),\n"
        "        .m_data_o      (beat_data),\n        .m_last_o      (beat_last),\n"
        "        .req_valid_i   (pkt_go),\n        .req_position_i(pkt_op),\n"
        "        .req_tag_i     (pkt_tag),\n        .resp_valid_o  (pkt_done),\n"
        "        .resp_tag_o    (pkt_done_tag),\n        .resp_o        (pkt_result)\n    );\n",
        payload_depth(g), pipe_tag_bits(reads));
}

static void draw_ingress(struct pipe_emitter *e)
{
    const struct pipe_graph *g = e->g;
    struct pipe_text *t = &e->text;

    pipe_put(t,
             "\n    // ---- packets in\n    wire s0_valid;\n    wire s0_in_ready;\n    wire [%u:0] "
             "s0_window;\n"
             "    wire [%u:0] s0_meta;\n    wire in_beat_valid;\n    wire in_beat_ready;\n    "
             "wire [511:0] in_beat_data;\n"
             "    wire in_beat_last;\n    wire beat_valid;\n    wire beat_ready;\n    wire [511:0] "
             "beat_data;\n"
             "    wire beat_last;\n",
             8 * g->window_bytes - 1, SPEC_IN_TUSER_BITS - 1);
    pipe_put(t,
             "    wire [15:0] s0_in_first_beat;\n    pipe_ingress #(\n        "
             ".WINDOW_BYTES(%u),\n        .WHOLE       (%u)\n    ) u_ingress (\n",
             g->window_bytes, pipe_far_count(g, g->stages) > 0);
    pipe_put(
        t, "        .clk          (clk),\n        .rst          (rst),\n        .enable_i     "
           "(enable),\n"
           "        .s_axis_tdata (s_axis_tdata),\n        .s_axis_tkeep (s_axis_tkeep),\n"
           "        .s_axis_tvalid(s_axis_tvalid),\n        .s_axis_tready(s_axis_tready),\n"
           "        .s_axis_tlast (s_axis_tlast),\n        .s_axis_tuser (s_axis_tuser),\n"
           "        .m_valid_o    (s0_valid),\n        .m_ready_i    (s0_in_ready),\n"
           "        .m_window_o   (s0_window),\n        .m_meta_o     (s0_meta),\n"
           "        .m_beat_o     (s0_in_first_beat),\n"
           "        .beat_valid_o (in_beat_valid),\n        .beat_ready_i (in_beat_ready),\n"
           "        .beat_data_o  (in_beat_data),\n        .beat_last_o  (in_beat_last)\n    );\n");
    draw_payload(e);
}

static void draw_inputs(struct pipe_emitter *e)
{
    static const struct {
        uint32_t lsb, bits;
    } place[SPEC_IN_COUNT] = {
        [SPEC_IN_TIME] = {SPEC_IN_TIME_LSB, SPEC_IN_TIME_BITS},
        [SPEC_IN_RAND] = {SPEC_IN_RAND_LSB, SPEC_IN_RAND_BITS},
        [SPEC_IN_IFINDEX] = {SPEC_IN_IFINDEX_LSB, SPEC_IN_IFINDEX_BITS},
        [SPEC_IN_QUEUE] = {SPEC_IN_QUEUE_LSB, SPEC_IN_QUEUE_BITS},
        [SPEC_IN_LEN] = {SPEC_IN_LEN_LSB, SPEC_IN_LEN_BITS},
        [SPEC_IN_EGRESS] = {SPEC_IN_EGRESS_LSB, SPEC_IN_EGRESS_BITS},
    };

    for (pipe_ref a = 1; a < e->g->count; a++) {
        const struct pipe_node *n = &e->g->nodes[a];

        if (n->live && n->kind == PIPE_K_META && n->imm < SPEC_IN_COUNT)
            pipe_put(&e->text, "    wire %s%s = s0_meta[%u:%u];\n",
                     pipe_range(e, place[n->imm].bits), pipe_signal(e, a, 0),
                     place[n->imm].lsb + place[n->imm].bits - 1, place[n->imm].lsb);
    }
}

/* Wiring that a stage's unit, locks and outputs look at. */
static void draw_end_wiring(struct pipe_emitter *e, uint32_t stage)
{
    struct pipe_graph *g = e->g;
    const pipe_ref unit = stage + 1 < g->stages ? g->unit_at[stage] : PIPE_NONE;

    for (uint32_t i = 0; unit && i < g->nodes[unit].nargs; i++)
        pipe_draw_wiring(e, g->nodes[unit].args[i], stage);
    for (uint32_t m = 0; m < g->f->map_count; m++) {
        const struct pipe_map_plan *plan = &g->maps[m];

        if (plan->hazard == PIPE_HAZARD_NONE || plan->first_stage != stage)
            continue;
        pipe_draw_wiring(e, plan->take, stage);
        for (uint32_t w = 0; w < plan->key_words; w++)
            pipe_draw_wiring(e, plan->key[w], stage);
    }
    if (stage + 1 == g->stages) {
        const pipe_ref scalars[] = {g->ret,  g->data, g->data_end, g->redirect,
                                    g->meta, g->len,  g->zero_from};

        for (uint32_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++)
            pipe_draw_wiring(e, scalars[i], stage);
        for (uint32_t i = 0; i < g->head_bytes + g->window_bytes; i++) {
            pipe_draw_wiring(e, g->out_mask[i], stage);
            if (g->out_mask[i] != pipe_const(g, 0))
                pipe_draw_wiring(e, g->out_data[i].node, stage);
        }
        if (g->event_bytes)
            pipe_draw_wiring(e, g->told, stage);
        for (uint32_t i = 0; i < g->event_bytes; i++)
            pipe_draw_wiring(e, g->events.data[i].node, stage);
    }
}

static void draw_stage(struct pipe_emitter *e, uint32_t stage)
{
    struct pipe_graph *g = e->g;
    struct pipe_text *t = &e->text;
    uint32_t pc = IR_NO_PC;

    pipe_put(t, "\n    // ---- stage %u\n", stage);
    if (pipe_starts_segment(g, stage)) {
        const uint32_t end = pipe_segment_end(g, stage);

        pipe_put(t, "    wire s%u_out_ready;\n", end);
        if (end > stage)
            pipe_put(t, "    wire s%u_go;\n    assign s%u_in_ready = s%u_go;\n", stage, stage,
                     stage);
        else
            pipe_put(t, "    assign s%u_in_ready = s%u_out_ready;\n", stage, stage);
    }
    for (pipe_ref a = 1; a < g->count; a++) {
        const struct pipe_node *n = &g->nodes[a];

        if (!n->live || n->owner || n->stage != stage || n->kind == PIPE_K_CONST ||
            n->kind == PIPE_K_META || pipe_is_unit(n) || pipe_is_wiring(g, a))
            continue;
        for (uint32_t i = 0; i < n->nargs; i++)
            pipe_draw_wiring(e, n->args[i], stage);
        for (uint32_t i = 0; i < pipe_part_count(n); i++)
            pipe_draw_wiring(e, n->parts[i].node, stage);
        if (n->pc != pc)
            pipe_put_origin(t, g, n->pc, "    ", "// ");
        pc = n->pc;
        pipe_draw_node(e, a, stage);
    }
    draw_end_wiring(e, stage);
    if (stage + 1 < g->stages && g->unit_at[stage])
        pipe_put_origin(t, g, g->nodes[g->unit_at[stage]].pc, "    ", "// ");
    if (stage + 1 < g->stages)
        pipe_draw_boundary(e, stage);
    if (pipe_segment_end(g, stage) == stage) {
        uint32_t start = stage;

        while (!pipe_starts_segment(g, start))
            start--;
        if (start < stage)
            pipe_put(t, "    assign s%u_go = !%s || s%u_out_ready;\n", start, pipe_valid(e, stage),
                     stage);
    }
}

/* Bits from the highest on, runs of the same one together. */
static void put_mask(struct pipe_emitter *e, uint32_t stage)
{
    struct pipe_graph *g = e->g;
    const uint32_t count = g->head_bytes + g->window_bytes;

    pipe_put(&e->text, "    wire [%u:0] out_mask = {", count - 1);
    for (uint32_t i = count; i > 0;) {
        uint32_t run = 1;

        while (run < i && g->out_mask[i - 1 - run] == g->out_mask[i - 1])
            run++;
        pipe_put(&e->text, "%s{%u{%s}}", i == count ? "" : ", ", run,
                 pipe_slice_text(e, g->out_mask[i - 1], stage, 0, 1));
        i -= run;
    }
    pipe_put(&e->text, "};\n");
}

/* The event area, where the program has one. */
static void put_events(struct pipe_emitter *e, uint32_t stage)
{
    struct pipe_graph *g = e->g;

    if (g->event_bytes)
        pipe_put(&e->text, "    wire [%u:0] out_events = %s;\n", 8 * g->event_bytes - 1,
                 pipe_parts_text(e, g->events.data, g->event_bytes, stage));
}

static void draw_egress(struct pipe_emitter *e)
{
    struct pipe_graph *g = e->g;
    struct pipe_text *t = &e->text;
    const uint32_t last = g->stages - 1;
    const uint32_t count = g->head_bytes + g->window_bytes;
    const pipe_ref zero = pipe_const(g, 0);
    struct pipe_part *bytes = arena_array(g->arena, count, sizeof(*bytes));

    for (uint32_t i = 0; i < count; i++)
        bytes[i] = g->out_mask[i] == zero ? (struct pipe_part){zero, 0} : g->out_data[i];
    pipe_put(t, "\n    // ---- packets out\n");
    put_mask(e, last);
    pipe_put(t, "    wire [%u:0] out_bytes = %s;\n", 8 * count - 1,
             pipe_parts_text(e, bytes, count, last));
    put_events(e, last);
    pipe_put(t,
             "    pipe_egress #(\n        .WINDOW_BYTES(%u),\n        .HEAD_BYTES  (%u),\n"
             "        .EVENT_BYTES (%u)\n    ) u_egress (\n",
             g->window_bytes, g->head_bytes, g->event_bytes);
    pipe_put(
        t,
        "        .clk          (clk),\n        .rst          (rst),\n        .s_valid_i    (%s),\n"
        "        .s_ready_o    (s%u_out_ready),\n",
        pipe_valid(e, last), last);
    pipe_put(t, "        .s_ret_i      (%s),\n", pipe_slice_text(e, g->ret, last, 0, 32));
    pipe_put(t, "        .s_redirect_i (%s),\n", pipe_slice_text(e, g->redirect, last, 0, 64));
    pipe_put(t, "        .s_meta_i     (%s),\n", pipe_slice_text(e, g->meta, last, 0, 8));
    pipe_put(t, "        .s_data_i     (%s),\n", pipe_slice_text(e, g->data, last, 0, 16));
    pipe_put(t, "        .s_end_i      (%s),\n", pipe_slice_text(e, g->data_end, last, 0, 16));
    pipe_put(t, "        .s_len_i      (%s),\n", pipe_slice_text(e, g->len, last, 0, 16));
    pipe_put(t, "        .s_bytes_i    (out_bytes),\n        .s_mask_i     (out_mask),\n");
    pipe_put(t, "        .s_zero_from_i(%s),\n", pipe_slice_text(e, g->zero_from, last, 0, 16));
    pipe_put(t, "        .s_events_i   (%s),\n        .s_event_bytes_i(%s),\n",
             g->event_bytes ? pipe_slice_text(e, g->told, last, 0, 1) : "1'b0",
             g->event_bytes ? "out_events" : "8'd0");
    pipe_put(t,
             "        .beat_valid_i (beat_valid),\n        .beat_ready_o (beat_ready),\n"
             "        .beat_data_i  (beat_data),\n        .beat_last_i  (beat_last),\n"
             "        .m_axis_tdata (m_axis_tdata),\n        .m_axis_tkeep (m_axis_tkeep),\n"
             "        .m_axis_tvalid(m_axis_tvalid),\n        .m_axis_tready(m_axis_tready),\n"
             "        .m_axis_tlast (m_axis_tlast),\n        .m_axis_tuser (m_axis_tuser)\n    );\n"
             "endmodule\n\n`default_nettype wire\n");
}

const char *pipe_emit(struct pipe_graph *g)
{
    struct pipe_emitter e = {.g = g, .text = {.arena = g->arena}};

    e.drawn_in = arena_array(g->arena, g->count, sizeof(*e.drawn_in));
    draw_head(&e);
    pipe_draw_engines(&e);
    draw_ingress(&e);
    draw_inputs(&e);
    for (uint32_t s = 0; s < g->stages; s++)
        draw_stage(&e, s);
    draw_egress(&e);
    return e.text.data;
}
