/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/emit.h"
#include "hw/spec/gen/csr.h"

#include <assert.h>

/* Each map's value memory, and hash engine if it has one, with the arbiters of their ports and the
 * host's mailbox; the registers. A map that the program does not use is there all the same: the
 * host loads and reads all maps of an object alike. */

#define MIN_VMEM_BYTES 32u
#define MAX_BUCKETS 65536u
#define MIN_CELLS 64u

uint32_t pipe_value_bytes(const struct ir_map *m)
{
    return (m->value_bytes + 7) / 8 * 8;
}

uint32_t pipe_hash_req_bits(const struct ir_map *m)
{
    return 3 + 8 + 8 * m->key_bytes + 8 * pipe_value_bytes(m) + 64 + 32;
}

/* A power of two; what no engine has may be as it is. */
uint64_t pipe_vmem_bytes(const struct ir_map *m, uint32_t banks)
{
    uint64_t need, bytes = MIN_VMEM_BYTES * banks;

    if (__builtin_mul_overflow(ir_map_entries(m) * m->cpus, m->stride_bytes, &need))
        return UINT64_MAX;
    if (need > PIPE_VMEM_BYTES_MAX)
        return need;
    while (bytes < need)
        bytes *= 2;
    return bytes;
}

/* An LPM map has a bucket for each entry: a look-up that fails at one length costs another. */
static uint32_t buckets(const struct ir_map *m)
{
    const uint32_t wanted = m->engine == SPEC_ENGINE_LPM ? m->max_entries : m->max_entries / 2;
    uint32_t n = 4;

    while (n < wanted && n <= MAX_BUCKETS)
        n *= 2;
    return n;
}

/* Cells of each prefix length in an LPM map's filter. */
static uint32_t cells(const struct ir_map *m)
{
    uint32_t n = MIN_CELLS;

    while (n < 4 * m->max_entries)
        n *= 2;
    return n;
}

int pipe_check_maps(struct pipe_graph *g)
{
    const uint64_t ext_bytes = g->f->ext_bytes ? g->f->ext_bytes : SPEC_EXT_BYTES;

    pipe_place_maps(g);
    for (uint32_t i = 0; i < g->f->map_count; i++) {
        const struct ir_map *m = &g->f->maps[i];

        if (m->engine == SPEC_ENGINE_NONE)
            continue;
        if (m->cpus == 0 || m->stride_bytes == 0 || m->stride_bytes % 8 ||
            (m->value_bytes > m->stride_bytes && m->type != SPEC_MAP_BLOOM_FILTER))
            return pipe_refuse(g, "PIPE0006", IR_NO_PC,
                               "map %s: %u bytes a value in steps of %u for %u CPUs make no sense",
                               m->name, m->value_bytes, m->stride_bytes, m->cpus);
        if (m->memory == IR_MEMORY_FAR && spec_engine_has_keys(m->engine) &&
            m->engine != SPEC_ENGINE_LPM)
            return pipe_refuse(g, "PIPE0009", IR_NO_PC,
                               "map %s is to have its keys in external memory, which pipelines "
                               "don't reach; run the program as microcode, or leave the keys on "
                               "chip",
                               m->name);
        if (g->external[i] && g->external_base[i] + ir_map_bytes(m) > ext_bytes)
            return pipe_refuse(g, "PIPE0009", IR_NO_PC,
                               "map %s: the values of the maps in external memory, up to this one, "
                               "are more than the %llu bytes that can be reached there; make the "
                               "maps smaller, or run the program in software",
                               m->name, (unsigned long long)ext_bytes);
        if (!g->external[i] && pipe_vmem_bytes(m, 1) > PIPE_VMEM_BYTES_MAX)
            return pipe_refuse(g, "PIPE0006", IR_NO_PC,
                               "map %s needs %llu bytes of value memory on chip; it can have %llu",
                               m->name, (unsigned long long)pipe_vmem_bytes(m, 1),
                               (unsigned long long)PIPE_VMEM_BYTES_MAX);
        if (!spec_engine_has_keys(m->engine))
            continue;
        if (m->key_bytes == 0 || m->key_bytes > SPEC_HW_KEY_BYTES || m->value_bytes == 0 ||
            m->value_bytes > SPEC_HW_VALUE_BYTES)
            return pipe_refuse(
                g, "PIPE0006", IR_NO_PC,
                "map %s: keys of %u and values of %u bytes; hash engines take up to %u and %u",
                m->name, m->key_bytes, m->value_bytes, SPEC_HW_KEY_BYTES, SPEC_HW_VALUE_BYTES);
        if (buckets(m) > MAX_BUCKETS)
            return pipe_refuse(
                g, "PIPE0006", IR_NO_PC, "map %s: %u entries; its engine holds up to %u", m->name,
                m->max_entries, (m->engine == SPEC_ENGINE_LPM ? 1 : 2) * MAX_BUCKETS);
    }
    return 0;
}

/* Sites are ports of their bank or engine in the order of their stages; the mailbox comes last at a
 * hash engine and so goes first. */
uint32_t pipe_port_of(const struct pipe_graph *g, pipe_ref unit)
{
    const struct pipe_node *n = &g->nodes[unit];
    const struct pipe_map_plan *plan = &g->maps[n->map];
    const bool on_keys = n->kind >= PIPE_K_LOOKUP;
    const pipe_ref *sites = on_keys ? plan->key_sites : plan->value_sites;
    uint32_t port = 0;

    if (!on_keys && g->external[n->map])
        return pipe_external_sites(g, n->stage, NULL);
    while (*sites != unit) {
        port += g->nodes[*sites].bank == n->bank;
        sites++;
    }
    return port;
}

static uint32_t bank_ports(const struct pipe_graph *g, const struct pipe_map_plan *plan,
                           uint32_t bank)
{
    uint32_t ports = 0;

    for (uint32_t i = 0; i < plan->value_count; i++)
        ports += g->nodes[plan->value_sites[i]].bank == bank;
    return ports;
}

uint32_t pipe_tag_bits(uint32_t ports)
{
    uint32_t bits = 1;

    while (1u << bits < ports)
        bits++;
    return bits;
}

/* resp is the width of an engine's whole answer. */
void pipe_draw_arbiter(struct pipe_text *t, const char *p, uint32_t ports, uint32_t req,
                       uint32_t resp)
{
    const uint32_t tag = pipe_tag_bits(ports);

    pipe_put(t,
             "    wire [%u:0] %s_valid;\n    wire [%u:0] %s_ready;\n    wire [%u:0] %s_req;\n"
             "    wire [%u:0] %s_rvalid;\n    wire [%u:0] %s_answer;\n",
             ports - 1, p, ports - 1, p, ports * req - 1, p, ports - 1, p, resp - 1, p);
    pipe_put(t,
             "    wire %s_go;\n    wire %s_take;\n    wire [%u:0] %s_op;\n    wire [%u:0] %s_tag;\n"
             "    wire %s_done;\n    wire [%u:0] %s_done_tag;\n    wire [%u:0] %s_result;\n",
             p, p, req - 1, p, tag - 1, p, p, tag - 1, p, resp - 1, p);
    pipe_put(t,
             "    pipe_arb #(\n        .PORTS (%u),\n        .REQ_W (%u),\n        .RESP_W(%u),\n  "
             "      .TAG_W (%u)\n"
             "    ) u_%s_arb (\n        .clk         (clk),\n        .rst         (rst),\n",
             ports, req, resp, tag, p);
    pipe_put(t,
             "        .s_valid_i   (%s_valid),\n        .s_ready_o   (%s_ready),\n        .s_req_i "
             "    (%s_req),\n"
             "        .m_valid_o   (%s_go),\n        .m_ready_i   (%s_take),\n        .m_req_o     "
             "(%s_op),\n"
             "        .m_tag_o     (%s_tag),\n",
             p, p, p, p, p, p, p);
    pipe_put(t,
             "        .resp_valid_i(%s_done),\n        .resp_tag_i  (%s_done_tag),\n"
             "        .resp_i      (%s_result),\n        .r_valid_o   (%s_rvalid),\n"
             "        .r_o         (%s_answer)\n    );\n",
             p, p, p, p, p);
}

void pipe_draw_no_arbiter(struct pipe_text *t, const char *p)
{
    pipe_put(t,
             "    wire %s_go = 1'b0;\n    wire %s_take;\n    wire [%u:0] %s_op = %u'd0;\n"
             "    wire [0:0] %s_tag = 1'b0;\n    wire %s_done;\n    wire [0:0] %s_done_tag;\n"
             "    wire [63:0] %s_result;\n",
             p, p, PIPE_VALUE_REQ_BITS - 1, p, PIPE_VALUE_REQ_BITS, p, p, p, p);
}

/* What a map's mailbox asks of its values' memory. */
static void draw_host_side(struct pipe_text *t, uint32_t i)
{
    pipe_put(t,
             "    wire m%u_b_valid;\n    wire m%u_b_ready;\n    wire m%u_b_write;\n    wire [31:0] "
             "m%u_b_addr;\n"
             "    wire [63:0] m%u_b_data;\n    wire [7:0] m%u_b_strb;\n    wire m%u_b_rvalid;\n    "
             "wire [63:0] m%u_b_rdata;\n",
             i, i, i, i, i, i, i, i);
}

/* The host's side of a map's values: its port B goes to the bank that an address lies in. Only one
 * read is under way at a time. */
static void draw_port_b(struct pipe_text *t, uint32_t i, uint32_t banks)
{
    const uint32_t bits = (uint32_t)__builtin_ctz(banks);

    pipe_put(t,
             "    wire [%u:0] m%u_bank_ready;\n    wire [%u:0] m%u_bank_rvalid;\n    wire [%u:0] "
             "m%u_bank_rdata;\n",
             banks - 1, i, banks - 1, i, 64 * banks - 1, i);
    if (banks == 1) {
        pipe_put(t,
                 "    wire [31:0] m%u_bank_addr = m%u_b_addr;\n    assign m%u_b_ready = "
                 "m%u_bank_ready;\n"
                 "    assign m%u_b_rvalid = m%u_bank_rvalid;\n    assign m%u_b_rdata = "
                 "m%u_bank_rdata;\n",
                 i, i, i, i, i, i, i, i);
        return;
    }
    pipe_put(t,
             "    wire [%u:0] m%u_bank = m%u_b_addr[%u:3];\n"
             "    wire [31:0] m%u_bank_addr = {%u'd0, m%u_b_addr[31:%u], m%u_b_addr[2:0]};\n"
             "    assign m%u_b_ready = m%u_bank_ready[m%u_bank];\n    assign m%u_b_rvalid = "
             "|m%u_bank_rvalid;\n"
             "    assign m%u_b_rdata = ",
             bits - 1, i, i, bits + 2, i, bits, i, bits + 3, i, i, i, i, i, i, i);
    for (uint32_t b = 0; b + 1 < banks; b++)
        pipe_put(t, "m%u_bank_rvalid[%u] ? m%u_bank_rdata[%u:%u] : ", i, b, i, 64 * b + 63, 64 * b);
    pipe_put(t, "m%u_bank_rdata[%u:%u];\n", i, 64 * banks - 1, 64 * banks - 64);
}

static void draw_bank(struct pipe_emitter *e, uint32_t i, uint32_t bank)
{
    const struct pipe_map_plan *plan = &e->g->maps[i];
    const uint32_t ports = bank_ports(e->g, plan, bank);
    const uint32_t bits = (uint32_t)__builtin_ctz(plan->banks);
    const char *p = arena_printf(e->g->arena, "m%u_val%u", i, bank);
    const char *chosen =
        bits ? arena_printf(e->g->arena, " && m%u_bank == %u'd%u", i, bits, bank) : "";
    struct pipe_text *t = &e->text;

    if (ports)
        pipe_draw_arbiter(t, p, ports, PIPE_VALUE_REQ_BITS, PIPE_VALUE_RESP_BITS);
    else
        pipe_draw_no_arbiter(t, p);
    pipe_put(t,
             "    map_vmem #(\n        .BYTES (%llu),\n        .TAG_W (%u),\n        .B_WAIT(16)\n "
             "   ) u_%s (\n",
             (unsigned long long)(pipe_vmem_bytes(&e->g->f->maps[i], plan->banks) / plan->banks),
             pipe_tag_bits(ports ? ports : 1), p);
    pipe_put(t,
             "        .clk       (clk),\n        .rst       (rst),\n        .a_valid_i (%s_go),\n"
             "        .a_ready_o (%s_take),\n        .a_op_i    (%s_op[1:0]),\n"
             "        .a_atomic_i(%s_op[5:2]),\n        .a_size_i  (%s_op[9:6]),\n"
             "        .a_addr_i  (%s_op[41:10]),\n        .a_data_i  (%s_op[105:42]),\n"
             "        .a_expect_i(%s_op[169:106]),\n        .a_tag_i   (%s_tag),\n",
             p, p, p, p, p, p, p, p, p);
    pipe_put(t,
             "        .r_valid_o (%s_done),\n        .r_tag_o   (%s_done_tag),\n        .r_data_o  "
             "(%s_result),\n"
             "        .b_valid_i (m%u_b_valid%s),\n        .b_ready_o (m%u_bank_ready[%u]),\n      "
             "  .b_write_i (m%u_b_write),\n"
             "        .b_addr_i  (m%u_bank_addr),\n        .b_data_i  (m%u_b_data),\n        "
             ".b_strb_i  (m%u_b_strb),\n"
             "        .b_rvalid_o(m%u_bank_rvalid[%u]),\n        .b_rdata_o "
             "(m%u_bank_rdata[%u:%u])\n    );\n",
             p, p, p, i, chosen, i, bank, i, i, i, i, i, bank, i, 64 * bank + 63, 64 * bank);
}

static void draw_hash(struct pipe_text *t, const char *name, const struct ir_map *m, uint32_t i,
                      uint32_t ports)
{
    const uint32_t req = pipe_hash_req_bits(m);
    const uint32_t key = 8 * m->key_bytes;
    const uint32_t value = 8 * pipe_value_bytes(m);
    const bool lpm = m->engine == SPEC_ENGINE_LPM;
    const uint32_t desc[SPEC_MAPDESC_WORDS] = {
        [SPEC_MAPDESC_ENGINE] = m->engine,           [SPEC_MAPDESC_KEY_BYTES] = m->key_bytes,
        [SPEC_MAPDESC_VALUE_BYTES] = m->value_bytes, [SPEC_MAPDESC_STRIDE] = m->stride_bytes,
        [SPEC_MAPDESC_MAX_ENTRIES] = m->max_entries, [SPEC_MAPDESC_CPUS] = m->cpus,
        [SPEC_MAPDESC_BUCKET_MASK] = buckets(m) - 1,
    };

    pipe_draw_arbiter(t, name, ports, req, 64 + key);
    pipe_put(t,
             "    wire m%u_w_valid;\n    wire m%u_w_ready;\n    wire [31:0] m%u_w_addr;\n    wire "
             "[63:0] m%u_w_data;\n"
             "    wire [7:0] m%u_w_strb;\n    wire m%u_cfg_valid;\n    wire m%u_cfg_ready;\n    "
             "wire [7:0] m%u_cfg_map;\n"
             "    wire [319:0] m%u_cfg_desc;\n",
             i, i, i, i, i, i, i, i, i);
    pipe_put(t,
             "    map_%s #(\n        .MAPS       (1),\n        .KEY_BYTES  (%u),\n        "
             ".VALUE_BYTES(%u),\n"
             "        .ENTRIES    (%u),\n        .BUCKETS    (%u),\n        .TAG_W      (%u),\n    "
             "    .DESC       (320'h",
             lpm ? "lpm" : "hash", m->key_bytes, pipe_value_bytes(m), m->max_entries + 1,
             buckets(m), pipe_tag_bits(ports));
    for (uint32_t w = SPEC_MAPDESC_WORDS; w-- > 0;)
        pipe_put(t, "%s%08x", w + 1 == SPEC_MAPDESC_WORDS ? "" : "_", desc[w]);
    if (m->engine == SPEC_ENGINE_LRU)
        pipe_put(t, "),\n        .LRU        (1");
    if (lpm)
        pipe_put(t, "),\n        .CELLS      (%u", cells(m));
    pipe_put(t,
             ")\n    ) u_m%u_hash (\n        .clk          (clk),\n        .rst          (rst),\n",
             i);
    pipe_put(t,
             "        .cfg_valid_i  (m%u_cfg_valid),\n        .cfg_ready_o  (m%u_cfg_ready),\n"
             "        .cfg_map_i    (m%u_cfg_map),\n        .cfg_desc_i   (m%u_cfg_desc),\n"
             "        .req_valid_i  (m%u_key_go),\n        .req_ready_o  (m%u_key_take),\n"
             "        .req_op_i     (m%u_key_op[2:0]),\n        .req_map_i    (8'd0),\n"
             "        .req_cpu_i    (m%u_key_op[10:3]),\n",
             i, i, i, i, i, i, i, i);
    pipe_put(t,
             "        .req_key_i    (m%u_key_op[11 +: %u]),\n        .req_value_i  (m%u_key_op[%u "
             "+: %u]),\n"
             "        .req_flags_i  (m%u_key_op[%u +: 64]),\n        .req_entry_i  (m%u_key_op[%u "
             "+: 32]),\n"
             "        .req_tag_i    (m%u_key_tag),\n",
             i, key, i, 11 + key, value, i, 11 + key + value, i, 75 + key + value, i);
    pipe_put(t,
             "        .resp_valid_o (m%u_key_done),\n        .resp_tag_o   (m%u_key_done_tag),\n"
             "        .resp_status_o(m%u_key_result[31:0]),\n        .resp_addr_o  "
             "(m%u_key_result[63:32]),\n%s"
             "        .resp_key_o   (m%u_key_result[%u:64]),\n",
             i, i, i, i, lpm ? "" : "        .resp_entry_o (),\n", i, 63 + key);
    pipe_put(t,
             "        .w_valid_o    (m%u_w_valid),\n        .w_ready_i    (m%u_w_ready),\n        "
             ".w_addr_o     (m%u_w_addr),\n"
             "        .w_data_o     (m%u_w_data),\n        .w_strb_o     (m%u_w_strb)\n    );\n",
             i, i, i, i, i);
}

static void draw_registers(struct pipe_text *t, const struct pipe_graph *g)
{
    static const char *const axil[] = {
        "awaddr", "awvalid", "awready", "wdata",   "wstrb", "wvalid", "wready", "bresp", "bvalid",
        "bready", "araddr",  "arvalid", "arready", "rdata", "rresp",  "rvalid", "rready"};

    pipe_put(t,
             "    // ---- registers and mailbox\n"
             "    wire enable;\n    wire mbox_valid;\n    wire mbox_done;\n    wire [3:0] "
             "mbox_cmd;\n    wire [7:0] mbox_map;\n"
             "    wire [31:0] mbox_addr;\n    wire [31:0] mbox_flags;\n    wire [511:0] mbox_key;\n"
             "    wire [2047:0] mbox_value;\n    wire [31:0] mbox_status_back;\n    wire [31:0] "
             "mbox_result_back;\n"
             "    wire [511:0] mbox_key_back;\n    wire [63:0] mbox_value_back;\n    wire "
             "mbox_step_back;\n    wire [5:0] mbox_count;\n    wire [63:0] mbox_word;\n    wire "
             "hazard_stall;\n");
    pipe_put(t,
             "    csr_block #(\n        .KIND       (2),\n        .STAGES     (%u),\n        "
             ".HAS_PROGRAM(0),\n        .EXT_LINES  (%u)\n    ) u_csr (\n"
             "        .clk           (clk),\n        .rst           (rst),\n",
             g->stages, pipe_has_external(g) ? SPEC_CORE_EXT_LINES : 0);
    for (size_t i = 0; i < sizeof(axil) / sizeof(axil[0]); i++)
        pipe_put(t, "        .s_axil_%s(s_axil_%s),\n", axil[i], axil[i]);
    pipe_put(
        t,
        "        .enable_o      (enable),\n        .bank_o        (),\n        .headroom_o    (),\n"
        "        .tokens_o      (),\n        .row_limit_o   (),\n"
        "        .prog_we_o     (),\n        .prog_bank_o   (),\n"
        "        .prog_row_o    (),\n        .prog_data_o   (),\n"
        "        .packet_in_i   (s_axis_tvalid && s_axis_tready && s_axis_tlast),\n"
        "        .packet_out_i  (m_axis_tvalid && m_axis_tready && m_axis_tlast),\n"
        "        .stall_i       (hazard_stall),\n        .row_i         (1'b0),\n"
        "        .limited_i     (1'b0),\n"
        "        .hold_o        (),\n        .held_i        (1'b0),\n"
        "        .resume_o      (),\n"
        "        .mbox_valid_o  (mbox_valid),\n        .mbox_cmd_o    (mbox_cmd),\n"
        "        .mbox_map_o    (mbox_map),\n        .mbox_addr_o   (mbox_addr),\n"
        "        .mbox_flags_o  (mbox_flags),\n        .mbox_key_o    (mbox_key),\n"
        "        .mbox_value_o  (mbox_value),\n        .mbox_count_o  (mbox_count),\n"
        "        .mbox_word_o   (mbox_word),\n        .mbox_step_i   (mbox_step_back),\n"
        "        .mbox_done_i   (mbox_done),\n"
        "        .mbox_status_i (mbox_status_back),\n        .mbox_result_i (mbox_result_back),\n"
        "        .mbox_key_i    (mbox_key_back),\n        .mbox_value_i  (mbox_value_back)\n    "
        ");\n");
}

/* A map's values on chip. */
static void draw_values(struct pipe_emitter *e, uint32_t i)
{
    const struct pipe_map_plan *plan = &e->g->maps[i];

    draw_port_b(&e->text, i, plan->banks);
    if (plan->fused)
        pipe_draw_rows(e, i);
    for (uint32_t b = 0; b < plan->banks && !plan->fused; b++)
        draw_bank(e, i, b);
}

void pipe_draw_engines(struct pipe_emitter *e)
{
    static const char *const hazards[PIPE_HAZARD_COUNT] = {"none", "key", "map"};
    const struct pipe_graph *g = e->g;
    struct pipe_text *t = &e->text;
    bool locks = false;

    draw_registers(t, g);
    for (uint32_t i = 0; i < g->f->map_count; i++) {
        const struct ir_map *m = &g->f->maps[i];
        const struct pipe_map_plan *plan = &g->maps[i];

        if (m->engine == SPEC_ENGINE_NONE)
            continue;
        pipe_put(t, "\n    // ---- map %u, %s: hazard %s: %s\n", i, m->name, hazards[plan->hazard],
                 plan->why);
        draw_host_side(t, i);
        if (!g->external[i])
            draw_values(e, i);
        if (spec_engine_has_keys(m->engine))
            draw_hash(t, arena_printf(g->arena, "m%u_key", i), m, i, plan->key_count + 1);
        pipe_draw_mailbox(t, m, i, plan->key_count);
        if (plan->hazard != PIPE_HAZARD_NONE)
            pipe_put(t, "    wire m%u_release;\n    wire m%u_stall;\n", i, i);
    }
    pipe_draw_external(e);
    pipe_draw_mailbox_answer(t, g->f);
    pipe_put(t, "    assign hazard_stall = ");
    for (uint32_t i = 0; i < g->f->map_count; i++) {
        if (g->maps[i].hazard != PIPE_HAZARD_NONE) {
            pipe_put(t, "%sm%u_stall", locks ? " || " : "", i);
            locks = true;
        }
    }
    pipe_put(t, "%s;\n", locks ? "" : "1'b0");
}
