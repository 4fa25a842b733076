/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/emit.h"

/* Fused units in Verilog: the memory of rows, whose function is written where the unit stands. */

uint32_t pipe_input_bits(const struct pipe_graph *g, const struct pipe_fused *f, uint32_t i)
{
    const struct pipe_node *unit = &g->nodes[f->unit];
    uint32_t bits = 0;

    while (i-- > 0)
        bits += g->nodes[unit->args[PIPE_FUSED_FIRST_INPUT + i]].bits;
    return bits;
}

uint32_t pipe_output_bits(const struct pipe_graph *g, const struct pipe_fused *f, uint32_t i)
{
    uint32_t bits = 0;

    while (i-- > 0)
        bits += g->nodes[f->outs[i]].live ? g->nodes[f->outs[i]].bits : 0;
    return bits;
}

static uint32_t at_least_one(uint32_t bits)
{
    return bits ? bits : 1;
}

static uint32_t row_count(const struct ir_map *m)
{
    const uint64_t need = pipe_vmem_bytes(m, 1) / m->stride_bytes;
    uint32_t rows = 4;

    while (rows < need)
        rows *= 2;
    return rows;
}

static void draw_wires(struct pipe_text *t, uint32_t map, uint32_t words, uint32_t in, uint32_t out)
{
    pipe_put(t,
             "    wire [0:0] m%u_val0_valid;\n    wire [0:0] m%u_val0_ready;\n"
             "    wire [%u:0] m%u_val0_req;\n    wire [0:0] m%u_val0_rvalid;\n"
             "    wire [%u:0] m%u_val0_answer;\n",
             map, map, 32 + in - 1, map, map, at_least_one(out) - 1, map);
    pipe_put(t,
             "    wire [%u:0] m%u_f_old;\n    wire [%u:0] m%u_f_in;\n    wire [%u:0] m%u_f_new;\n"
             "    wire [%u:0] m%u_f_out;\n",
             64 * words - 1, map, at_least_one(in) - 1, map, 64 * words - 1, map,
             at_least_one(out) - 1, map);
}

void pipe_draw_rows(struct pipe_emitter *e, uint32_t map)
{
    const struct pipe_graph *g = e->g;
    const struct pipe_fused *f = g->maps[map].fused;
    const uint32_t in = pipe_input_bits(g, f, g->nodes[f->unit].nargs - PIPE_FUSED_FIRST_INPUT);
    const uint32_t out = g->nodes[f->unit].bits;
    struct pipe_text *t = &e->text;

    draw_wires(t, map, f->words, in, out);
    pipe_put(t,
             "    map_rows #(\n        .ROWS  (%u),\n        .WORDS (%u),\n        .IN_W  (%u),\n"
             "        .OUT_W (%u),\n        .B_WAIT(16)\n    ) u_m%u_rows (\n",
             row_count(&g->f->maps[map]), f->words, at_least_one(in), at_least_one(out), map);
    pipe_put(t,
             "        .clk       (clk),\n        .rst       (rst),\n"
             "        .a_valid_i (m%u_val0_valid),\n        .a_ready_o (m%u_val0_ready),\n"
             "        .a_row_i   (m%u_val0_req[31:0]),\n",
             map, map, map);
    if (in)
        pipe_put(t, "        .a_in_i    (m%u_val0_req[%u:32]),\n", map, 32 + in - 1);
    else
        pipe_put(t, "        .a_in_i    (1'b0),\n");
    pipe_put(t,
             "        .r_valid_o (m%u_val0_rvalid),\n        .r_out_o   (m%u_val0_answer),\n"
             "        .f_old_o   (m%u_f_old),\n        .f_in_o    (m%u_f_in),\n"
             "        .f_new_i   (m%u_f_new),\n        .f_out_i   (m%u_f_out),\n",
             map, map, map, map, map, map);
    pipe_put(t,
             "        .b_valid_i (m%u_b_valid),\n        .b_ready_o (m%u_bank_ready),\n"
             "        .b_write_i (m%u_b_write),\n        .b_addr_i  (m%u_bank_addr),\n"
             "        .b_data_i  (m%u_b_data),\n        .b_strb_i  (m%u_b_strb),\n"
             "        .b_rvalid_o(m%u_bank_rvalid),\n        .b_rdata_o (m%u_bank_rdata)\n    );\n",
             map, map, map, map, map, map, map, map);
}

void pipe_draw_inside(struct pipe_emitter *e, uint32_t map)
{
    struct pipe_graph *g = e->g;
    const struct pipe_fused *f = g->maps[map].fused;
    const uint32_t stage = g->nodes[f->unit].stage;
    const char *out = NULL;
    uint32_t pc = IR_NO_PC;

    for (uint32_t i = 0; i < f->inner_count; i++) {
        const pipe_ref a = f->inner[i];
        const struct pipe_node *n = &g->nodes[a];

        if (!n->live)
            continue;
        if (n->pc != pc)
            pipe_put_origin(&e->text, g, n->pc, "    ", "// ");
        pc = n->pc;
        for (uint32_t k = 0; k < n->nargs; k++)
            pipe_draw_wiring(e, n->args[k], stage);
        for (uint32_t k = 0; k < pipe_part_count(n); k++)
            pipe_draw_wiring(e, n->parts[k].node, stage);
        if (pipe_is_wiring(g, a))
            pipe_draw_wiring(e, a, stage);
        else
            pipe_draw_node(e, a, stage);
    }
    pipe_put(&e->text, "    assign m%u_f_new = %s;\n", map,
             pipe_parts_text(e, f->row, 8 * f->words, stage));
    for (uint32_t i = 0; i < f->output_count; i++) {
        const struct pipe_node *n = &g->nodes[f->outs[i]];
        const char *text;

        if (!n->live)
            continue;
        text = pipe_slice_text(e, f->outputs[i], stage, 0, n->bits);
        out = out ? arena_printf(g->arena, "%s, %s", text, out) : text;
    }
    if (!out)
        out = "1'b0";
    pipe_put(&e->text, "    assign m%u_f_out = {%s};\n", map, out);
}
