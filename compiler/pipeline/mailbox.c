/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/emit.h"

/* The host's mailbox of each map. A map without a hash engine has no requests to make: the ports
 * for them are tied off. */

/* A port of map_mailbox and what it is connected to; @ stands for the map's number. */
struct connection {
    const char *port;
    const char *signal;
};

static const struct connection common[] = {
    {"clk", "clk"},
    {"rst", "rst"},
    {"mbox_cmd_i", "mbox_cmd"},
    {"mbox_map_i", "8'd0"},
    {"mbox_addr_i", "mbox_addr"},
    {"mbox_flags_i", "mbox_flags"},
    {"mbox_key_i", "mbox_key"},
    {"mbox_value_i", "mbox_value"},
    {"base_i", "32'd0"},
    {"mbox_count_i", "mbox_count"},
    {"mbox_word_i", "mbox_word"},
    {"mbox_done_o", "m@_mbox_done"},
    {"mbox_status_o", "m@_mbox_status"},
    {"mbox_result_o", "m@_mbox_result"},
    {"mbox_key_o", "m@_mbox_key"},
    {"mbox_value_o", "m@_mbox_value"},
    {"mbox_step_o", "m@_mbox_step"},
    {"cfg_valid_o", "m@_cfg_valid"},
    {"cfg_map_o", "m@_cfg_map"},
    {"cfg_desc_o", "m@_cfg_desc"},
    {"req_valid_o", "m@_mb_req"},
    {"req_op_o", "m@_mb_op"},
    {"req_map_o", "m@_mb_map"},
    {"req_cpu_o", "m@_mb_cpu"},
    {"req_key_o", "m@_mb_key"},
    {"req_value_o", "m@_mb_value"},
    {"req_flags_o", "m@_mb_flags"},
    {"req_entry_o", "m@_mb_entry"},
    {"w_ready_o", "m@_w_ready"},
    {"b_valid_o", "m@_b_valid"},
    {"b_ready_i", "m@_b_ready"},
    {"b_write_o", "m@_b_write"},
    {"b_addr_o", "m@_b_addr"},
    {"b_data_o", "m@_b_data"},
    {"b_strb_o", "m@_b_strb"},
    {"b_rvalid_i", "m@_b_rvalid"},
    {"b_rdata_i", "m@_b_rdata"},
};

static const struct connection with_hash[] = {
    {"cfg_ready_i", "m@_cfg_ready"},
    {"req_ready_i", "m@_mb_taken"},
    {"resp_valid_i", "m@_mb_answered"},
    {"resp_status_i", "m@_key_answer[31:0]"},
    {"resp_addr_i", "m@_key_answer[63:32]"},
    {"resp_key_i", "m@_mb_found"},
    {"w_valid_i", "m@_w_valid"},
    {"w_addr_i", "m@_w_addr"},
    {"w_data_i", "m@_w_data"},
    {"w_strb_i", "m@_w_strb"},
};

static const struct connection without_hash[] = {
    {"cfg_ready_i", "1'b0"},    {"req_ready_i", "1'b0"},  {"resp_valid_i", "1'b0"},
    {"resp_status_i", "32'd0"}, {"resp_addr_i", "32'd0"}, {"resp_key_i", "64'd0"},
    {"w_valid_i", "1'b0"},      {"w_addr_i", "32'd0"},    {"w_data_i", "64'd0"},
    {"w_strb_i", "8'd0"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Text with the map's number for each @. */
static void put_numbered(struct pipe_text *t, const char *text, uint32_t i)
{
    for (; *text; text++) {
        if (*text == '@')
            pipe_put(t, "%u", i);
        else
            pipe_put(t, "%c", *text);
    }
}

static void put_connections(struct pipe_text *t, const struct connection *list, size_t count,
                            uint32_t i)
{
    for (size_t k = 0; k < count; k++) {
        pipe_put(t, "        .%-13s(", list[k].port);
        put_numbered(t, list[k].signal, i);
        pipe_put(t, "),\n");
    }
}

/* What the mailbox asks of the hash engine, at port number port of its arbiter. */
static void draw_requests(struct pipe_text *t, const struct ir_map *m, uint32_t i, uint32_t port)
{
    const uint32_t req = pipe_hash_req_bits(m);

    pipe_put(t, "    assign m%u_key_valid[%u] = m%u_mb_req;\n", i, port, i);
    pipe_put(t, "    assign m%u_key_req[%u +: %u] = ", i, port * req, req);
    put_numbered(t, "{m@_mb_entry, m@_mb_flags, m@_mb_value, m@_mb_key, m@_mb_cpu, m@_mb_op};\n",
                 i);
    pipe_put(t, "    wire m%u_mb_taken = m%u_key_ready[%u];\n", i, i, port);
    pipe_put(t, "    wire m%u_mb_answered = m%u_key_rvalid[%u];\n", i, i, port);
    pipe_put(t, "    wire [%u:0] m%u_mb_found = m%u_key_answer[%u:64];\n", 8 * m->key_bytes - 1, i,
             i, 63 + 8 * m->key_bytes);
}

void pipe_draw_mailbox(struct pipe_text *t, const struct ir_map *m, uint32_t i, uint32_t port)
{
    const bool hash = spec_engine_has_keys(m->engine);
    const uint32_t key = hash ? m->key_bytes : 8;
    const uint32_t value = hash ? pipe_value_bytes(m) : 8;

    put_numbered(
        t,
        "    wire m@_mbox_done;\n    wire [31:0] m@_mbox_status;\n"
        "    wire [31:0] m@_mbox_result;\n    wire [511:0] m@_mbox_key;\n"
        "    wire [63:0] m@_mbox_value;\n    wire m@_mbox_step;\n"
        "    wire [2:0] m@_mb_op;\n    wire [7:0] m@_mb_map;\n    wire [7:0] m@_mb_cpu;\n"
        "    wire [63:0] m@_mb_flags;\n    wire [31:0] m@_mb_entry;\n    wire m@_mb_req;\n",
        i);
    pipe_put(t, "    wire [%u:0] m%u_mb_key;\n    wire [%u:0] m%u_mb_value;\n", 8 * key - 1, i,
             8 * value - 1, i);
    if (hash)
        draw_requests(t, m, i, port);
    else
        put_numbered(t,
                     "    wire m@_w_ready;\n    wire m@_cfg_valid;\n    wire [7:0] m@_cfg_map;\n"
                     "    wire [319:0] m@_cfg_desc;\n",
                     i);
    pipe_put(t,
             "    map_mailbox #(\n        .HAS_HASH   (%u),\n        .KEY_BYTES  (%u),\n        "
             ".VALUE_BYTES(%u)\n    ) u_m%u_mailbox (\n",
             hash, key, value, i);
    put_connections(t, common, COUNT(common), i);
    put_connections(t, hash ? with_hash : without_hash,
                    hash ? COUNT(with_hash) : COUNT(without_hash), i);
    pipe_put(t, "        .mbox_valid_i (mbox_valid && mbox_map == 8'd%u)\n    );\n", i);
}

/* One command at a time: the addressed map's mailbox answers, or nobody if it has none. */
void pipe_draw_mailbox_answer(struct pipe_text *t, const struct ir_func *f)
{
    static const char *const fields[] = {"status", "result", "key", "value", "step"};
    static const char *const none[] = {"32'd22", "32'd0", "512'd0", "64'd0", "1'b0"};

    pipe_put(t, "    assign mbox_done = ");
    for (uint32_t i = 0; i < f->map_count; i++) {
        if (f->maps[i].engine != SPEC_ENGINE_NONE)
            pipe_put(t, "mbox_map == 8'd%u ? m%u_mbox_done : ", i, i);
    }
    pipe_put(t, "mbox_valid;\n");
    for (uint32_t k = 0; k < sizeof(fields) / sizeof(fields[0]); k++) {
        pipe_put(t, "    assign mbox_%s_back = ", fields[k]);
        for (uint32_t i = 0; i < f->map_count; i++) {
            if (f->maps[i].engine != SPEC_ENGINE_NONE)
                pipe_put(t, "mbox_map == 8'd%u ? m%u_mbox_%s : ", i, i, fields[k]);
        }
        pipe_put(t, "%s;\n", none[k]);
    }
}
