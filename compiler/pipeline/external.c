/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/emit.h"

/* Maps whose values lie in external memory: one value memory for all of them, map_vmem_ext, behind
 * the device's AXI4 port. The accesses of the program are ports of its arbiter, in the order of
 * their stages; the maps' mailboxes and hash engines share its port B. */

#define HOST_WAIT 16u /* clocks that port B waits before the data path is held */

void pipe_place_maps(struct pipe_graph *g)
{
    uint64_t base = 0;

    g->external = arena_array(g->arena, g->f->map_count, sizeof(*g->external));
    g->external_base = arena_array(g->arena, g->f->map_count, sizeof(*g->external_base));
    ir_choose_memories(g->f, SPEC_CORE_VMEM_BYTES, g->external);
    for (uint32_t i = 0; i < g->f->map_count; i++) {
        g->external_base[i] = base;
        base += g->external[i] ? ir_map_bytes(&g->f->maps[i]) : 0;
    }
}

bool pipe_has_external(const struct pipe_graph *g)
{
    for (uint32_t i = 0; i < g->f->map_count; i++)
        if (g->external[i])
            return true;
    return false;
}

uint32_t pipe_external_sites(const struct pipe_graph *g, uint32_t before, pipe_ref *sites)
{
    uint32_t count = 0;

    for (uint32_t s = 0; s < before && s + 1 < g->stages; s++) {
        const struct pipe_node *n = &g->nodes[g->unit_at[s]];

        if (!g->unit_at[s] || !pipe_on_values(n) || !g->external[n->map])
            continue;
        if (sites)
            sites[count] = g->unit_at[s];
        count++;
    }
    return count;
}

/* Port B of the map with the lowest number that asks. Answers go to all: of the mailboxes only the
 * one with a command looks. */
static void draw_host(struct pipe_emitter *e)
{
    static const char *const fields[] = {"write", "addr", "data"};
    static const char *const ranges[] = {"", "[31:0] ", "[63:0] "};
    const struct pipe_graph *g = e->g;
    struct pipe_text *t = &e->text;
    const char *before = "";

    for (uint32_t i = 0; i < g->f->map_count; i++) {
        if (!g->external[i])
            continue;
        pipe_put(t, "    wire m%u_b_own = m%u_b_valid%s;\n", i, i, before);
        pipe_put(t,
                 "    assign m%u_b_ready = ext_b_ready%s;\n    assign m%u_b_rvalid = "
                 "ext_b_rvalid;\n    assign m%u_b_rdata = ext_b_rdata;\n",
                 i, before, i, i);
        before = arena_printf(g->arena, "%s && !m%u_b_valid", before, i);
    }
    pipe_put(t, "    wire ext_b_valid = 1'b0");
    for (uint32_t i = 0; i < g->f->map_count; i++)
        if (g->external[i])
            pipe_put(t, " || m%u_b_valid", i);
    pipe_put(t, ";\n");
    for (uint32_t k = 0; k < sizeof(fields) / sizeof(fields[0]); k++) {
        pipe_put(t, "    wire %sext_b_%s = ", ranges[k], fields[k]);
        for (uint32_t i = 0; i < g->f->map_count; i++) {
            if (!g->external[i])
                continue;
            pipe_put(t, "m%u_b_own ? m%u_b_%s", i, i, fields[k]);
            if (fields[k][0] == 'a')
                pipe_put(t, " + 32'd%llu", (unsigned long long)g->external_base[i]);
            pipe_put(t, " : ");
        }
        pipe_put(t, "%s;\n", k == 0 ? "1'b0" : k == 1 ? "32'd0" : "64'd0");
    }
}

static void draw_memory(struct pipe_text *t, uint32_t tag_bits)
{
    static const char *const axi[] = {"awid",   "awaddr", "awvalid", "awready", "wdata",
                                      "wvalid", "wready", "bid",     "bresp",   "bvalid",
                                      "bready", "arid",   "araddr",  "arvalid", "arready",
                                      "rid",    "rdata",  "rresp",   "rvalid",  "rready"};

    pipe_put(t,
             "    map_vmem_ext #(\n        .LINES (%u),\n        .TAG_W (%u),\n        "
             ".B_WAIT(%u)\n    ) u_ext (\n        .clk       (clk),\n        .rst       (rst),\n",
             SPEC_CORE_EXT_LINES, tag_bits, HOST_WAIT);
    pipe_put(t, "        .a_valid_i (ext_go),\n        .a_ready_o (ext_take),\n"
                "        .a_op_i    (ext_op[1:0]),\n        .a_atomic_i(ext_op[5:2]),\n"
                "        .a_size_i  (ext_op[9:6]),\n        .a_addr_i  (ext_op[41:10]),\n"
                "        .a_data_i  (ext_op[105:42]),\n        .a_expect_i(ext_op[169:106]),\n"
                "        .a_tag_i   (ext_tag),\n        .r_valid_o (ext_done),\n"
                "        .r_tag_o   (ext_done_tag),\n        .r_data_o  (ext_result),\n");
    pipe_put(t, "        .b_valid_i (ext_b_valid),\n        .b_ready_o (ext_b_ready),\n"
                "        .b_write_i (ext_b_write),\n        .b_addr_i  (ext_b_addr),\n"
                "        .b_data_i  (ext_b_data),\n        .b_rvalid_o(ext_b_rvalid),\n"
                "        .b_rdata_o (ext_b_rdata)");
    for (size_t i = 0; i < sizeof(axi) / sizeof(axi[0]); i++)
        pipe_put(t, ",\n        .m_axi_%s(m_axi_%s)", axi[i], axi[i]);
    pipe_put(t, "\n    );\n"
                "    assign m_axi_awlen = 8'd0;\n    assign m_axi_awsize = 3'd6;\n"
                "    assign m_axi_awburst = 2'd1;\n    assign m_axi_wstrb = {64{1'b1}};\n"
                "    assign m_axi_wlast = 1'b1;\n    assign m_axi_arlen = 8'd0;\n"
                "    assign m_axi_arsize = 3'd6;\n    assign m_axi_arburst = 2'd1;\n");
}

void pipe_draw_external_ports(struct pipe_text *t)
{
    static const struct {
        const char *way;
        const char *range;
        const char *name;
    } ports[] = {
        {"output", "[3:0]", "awid"},    {"output", "[31:0]", "awaddr"},
        {"output", "[7:0]", "awlen"},   {"output", "[2:0]", "awsize"},
        {"output", "[1:0]", "awburst"}, {"output", "", "awvalid"},
        {"input ", "", "awready"},      {"output", "[511:0]", "wdata"},
        {"output", "[63:0]", "wstrb"},  {"output", "", "wlast"},
        {"output", "", "wvalid"},       {"input ", "", "wready"},
        {"input ", "[3:0]", "bid"},     {"input ", "[1:0]", "bresp"},
        {"input ", "", "bvalid"},       {"output", "", "bready"},
        {"output", "[3:0]", "arid"},    {"output", "[31:0]", "araddr"},
        {"output", "[7:0]", "arlen"},   {"output", "[2:0]", "arsize"},
        {"output", "[1:0]", "arburst"}, {"output", "", "arvalid"},
        {"input ", "", "arready"},      {"input ", "[3:0]", "rid"},
        {"input ", "[511:0]", "rdata"}, {"input ", "[1:0]", "rresp"},
        {"input ", "", "rlast"},        {"input ", "", "rvalid"},
        {"output", "", "rready"},
    };

    for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
        pipe_put(t, "    %s wire %-7s m_axi_%s,\n", ports[i].way, ports[i].range, ports[i].name);
}

void pipe_draw_external(struct pipe_emitter *e)
{
    const struct pipe_graph *g = e->g;
    struct pipe_text *t = &e->text;
    const uint32_t ports = pipe_external_sites(g, g->stages, NULL);

    if (!pipe_has_external(g))
        return;
    pipe_put(t, "\n    // ---- external memory:");
    for (uint32_t i = 0; i < g->f->map_count; i++)
        if (g->external[i])
            pipe_put(t, " %s from byte %llu on;", g->f->maps[i].name,
                     (unsigned long long)g->external_base[i]);
    pipe_put(t, "\n    wire ext_b_ready;\n    wire ext_b_rvalid;\n    wire [63:0] ext_b_rdata;\n");
    if (ports)
        pipe_draw_arbiter(t, "ext", ports, PIPE_VALUE_REQ_BITS, PIPE_VALUE_RESP_BITS);
    else
        pipe_draw_no_arbiter(t, "ext");
    draw_host(e);
    draw_memory(t, pipe_tag_bits(ports ? ports : 1));
}
