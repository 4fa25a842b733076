// SPDX-License-Identifier: BSD-3-Clause
// The mailbox with an engine of keys, a value memory and a second user of each, as a device has them.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none

module tb_mailbox #(
    parameter HAS_HASH    = 1,
    parameter ENGINE      = 2,  // SPEC_ENGINE_HASH, SPEC_ENGINE_LRU or SPEC_ENGINE_LPM
    parameter KEY_BYTES   = 8,
    parameter VALUE_BYTES = 16,
    parameter BYTES       = 16384,
    parameter ENTRIES     = 128
) (
    input  wire                     clk,
    input  wire                     rst,

    input  wire                     mbox_valid_i,
    input  wire [3:0]               mbox_cmd_i,
    input  wire [7:0]               mbox_map_i,
    input  wire [31:0]              mbox_addr_i,
    input  wire [31:0]              mbox_flags_i,
    input  wire [511:0]             mbox_key_i,
    input  wire [2047:0]            mbox_value_i,
    input  wire [5:0]               mbox_count_i,
    input  wire [63:0]              mbox_word_i,
    input  wire [31:0]              base_i,
    output wire                     mbox_done_o,
    output wire [31:0]              mbox_status_o,
    output wire [31:0]              mbox_result_o,
    output wire [511:0]             mbox_key_o,
    output wire [63:0]              mbox_value_o,
    output wire                     mbox_step_o,

    // the engine takes the mailbox's request
    output wire                     host_taken_o,

    // the data path's requests to the engine
    input  wire                     s_valid_i,
    output wire                     s_ready_o,
    input  wire [2:0]               s_op_i,
    input  wire [7:0]               s_map_i,
    input  wire [8*KEY_BYTES-1:0]   s_key_i,
    input  wire [8*VALUE_BYTES-1:0] s_value_i,
    output wire                     s_resp_valid_o,
    output wire [31:0]              s_resp_status_o,
    output wire [31:0]              s_resp_addr_o,

    // the data path's operations on values
    input  wire                     a_valid_i,
    output wire                     a_ready_o,
    input  wire [1:0]               a_op_i,
    input  wire [31:0]              a_addr_i,
    input  wire [63:0]              a_data_i,
    output wire                     r_valid_o,
    output wire [63:0]              r_data_o
);
    localparam KW = 8 * KEY_BYTES;
    localparam VW = 8 * VALUE_BYTES;
    localparam REQ_W = 3 + 8 + 8 + KW + VW + 64 + 32;
    localparam RESP_W = 64 + KW;

    wire             cfg_valid, cfg_ready;
    wire [7:0]       cfg_map;
    wire [319:0]     cfg_desc;
    wire             mreq_valid;
    wire [2:0]       mreq_op;
    wire [7:0]       mreq_map, mreq_cpu;
    wire [KW-1:0]    mreq_key;
    wire [VW-1:0]    mreq_value;
    wire [63:0]      mreq_flags;
    wire [31:0]      mreq_entry;
    wire [1:0]       arb_ready, arb_resp_valid;
    wire             req_valid, req_ready, req_tag, resp_valid, resp_tag;
    wire [REQ_W-1:0] req;
    wire [RESP_W-1:0] resp, arb_resp;
    wire             w_valid, w_ready, b_valid, b_ready, b_write, b_rvalid;
    wire [31:0]      w_addr, b_addr;
    wire [63:0]      w_data, b_data, b_rdata;
    wire [7:0]       w_strb, b_strb;

    assign host_taken_o    = mreq_valid && arb_ready[1];
    assign s_ready_o       = arb_ready[0];
    assign s_resp_valid_o  = arb_resp_valid[0];
    assign s_resp_status_o = arb_resp[31:0];
    assign s_resp_addr_o   = arb_resp[63:32];

    map_mailbox #(
        .HAS_HASH   (HAS_HASH),
        .KEY_BYTES  (KEY_BYTES),
        .VALUE_BYTES(VALUE_BYTES)
    ) u_mailbox (
        .clk          (clk),
        .rst          (rst),
        .mbox_valid_i (mbox_valid_i),
        .mbox_cmd_i   (mbox_cmd_i),
        .mbox_map_i   (mbox_map_i),
        .mbox_addr_i  (mbox_addr_i),
        .mbox_flags_i (mbox_flags_i),
        .mbox_key_i   (mbox_key_i),
        .mbox_value_i (mbox_value_i),
        .mbox_count_i (mbox_count_i),
        .mbox_word_i  (mbox_word_i),
        .base_i       (base_i),
        .mbox_done_o  (mbox_done_o),
        .mbox_status_o(mbox_status_o),
        .mbox_result_o(mbox_result_o),
        .mbox_key_o   (mbox_key_o),
        .mbox_value_o (mbox_value_o),
        .mbox_step_o  (mbox_step_o),
        .cfg_valid_o  (cfg_valid),
        .cfg_ready_i  (cfg_ready),
        .cfg_map_o    (cfg_map),
        .cfg_desc_o   (cfg_desc),
        .req_valid_o  (mreq_valid),
        .req_ready_i  (arb_ready[1]),
        .req_op_o     (mreq_op),
        .req_map_o    (mreq_map),
        .req_cpu_o    (mreq_cpu),
        .req_key_o    (mreq_key),
        .req_value_o  (mreq_value),
        .req_flags_o  (mreq_flags),
        .req_entry_o  (mreq_entry),
        .resp_valid_i (arb_resp_valid[1]),
        .resp_status_i(arb_resp[31:0]),
        .resp_addr_i  (arb_resp[63:32]),
        .resp_key_i   (arb_resp[RESP_W-1:64]),
        .w_valid_i    (w_valid),
        .w_ready_o    (w_ready),
        .w_addr_i     (w_addr),
        .w_data_i     (w_data),
        .w_strb_i     (w_strb),
        .b_valid_o    (b_valid),
        .b_ready_i    (b_ready),
        .b_write_o    (b_write),
        .b_addr_o     (b_addr),
        .b_data_o     (b_data),
        .b_strb_o     (b_strb),
        .b_rvalid_i   (b_rvalid),
        .b_rdata_i    (b_rdata)
    );

    pipe_arb #(
        .PORTS (2),
        .REQ_W (REQ_W),
        .RESP_W(RESP_W),
        .TAG_W (1)
    ) u_arb (
        .clk         (clk),
        .rst         (rst),
        .s_valid_i   ({mreq_valid, s_valid_i}),
        .s_ready_o   (arb_ready),
        .s_req_i     ({mreq_entry, mreq_flags, mreq_value, mreq_key, mreq_cpu, mreq_map, mreq_op,
                       32'd0, 64'd0, s_value_i, s_key_i, 8'd0, s_map_i, s_op_i}),
        .m_valid_o   (req_valid),
        .m_ready_i   (req_ready),
        .m_req_o     (req),
        .m_tag_o     (req_tag),
        .resp_valid_i(resp_valid),
        .resp_tag_i  (resp_tag),
        .resp_i      (resp),
        .r_valid_o   (arb_resp_valid),
        .r_o         (arb_resp)
    );

    generate
        if (ENGINE == 4) begin : g_lpm
            map_lpm #(
                .MAPS       (4),
                .KEY_BYTES  (KEY_BYTES),
                .VALUE_BYTES(VALUE_BYTES),
                .ENTRIES    (ENTRIES),
                .BUCKETS    (ENTRIES / 2),
                .CELLS      (16),
                .TAG_W      (1)
            ) u_lpm (
                .clk          (clk),
                .rst          (rst),
                .cfg_valid_i  (cfg_valid),
                .cfg_ready_o  (cfg_ready),
                .cfg_map_i    (cfg_map),
                .cfg_desc_i   (cfg_desc),
                .req_valid_i  (req_valid),
                .req_ready_o  (req_ready),
                .req_op_i     (req[2:0]),
                .req_map_i    (req[10:3]),
                .req_cpu_i    (req[18:11]),
                .req_key_i    (req[19+:KW]),
                .req_value_i  (req[19+KW+:VW]),
                .req_flags_i  (req[19+KW+VW+:64]),
                .req_entry_i  (req[83+KW+VW+:32]),
                .req_tag_i    (req_tag),
                .resp_valid_o (resp_valid),
                .resp_tag_o   (resp_tag),
                .resp_status_o(resp[31:0]),
                .resp_addr_o  (resp[63:32]),
                .resp_key_o   (resp[RESP_W-1:64]),
                .w_valid_o    (w_valid),
                .w_ready_i    (w_ready),
                .w_addr_o     (w_addr),
                .w_data_o     (w_data),
                .w_strb_o     (w_strb)
            );
        end else begin : g_hash
            map_hash #(
                .MAPS       (4),
                .KEY_BYTES  (KEY_BYTES),
                .VALUE_BYTES(VALUE_BYTES),
                .ENTRIES    (ENTRIES),
                .BUCKETS    (ENTRIES / 2),
                .LRU        (ENGINE == 3),
                .TAG_W      (1)
            ) u_hash (
                .clk          (clk),
                .rst          (rst),
                .cfg_valid_i  (cfg_valid),
                .cfg_ready_o  (cfg_ready),
                .cfg_map_i    (cfg_map),
                .cfg_desc_i   (cfg_desc),
                .req_valid_i  (req_valid),
                .req_ready_o  (req_ready),
                .req_op_i     (req[2:0]),
                .req_map_i    (req[10:3]),
                .req_cpu_i    (req[18:11]),
                .req_key_i    (req[19+:KW]),
                .req_value_i  (req[19+KW+:VW]),
                .req_flags_i  (req[19+KW+VW+:64]),
                .req_entry_i  (req[83+KW+VW+:32]),
                .req_tag_i    (req_tag),
                .resp_valid_o (resp_valid),
                .resp_tag_o   (resp_tag),
                .resp_status_o(resp[31:0]),
                .resp_addr_o  (resp[63:32]),
                .resp_entry_o (),
                .resp_key_o   (resp[RESP_W-1:64]),
                .w_valid_o    (w_valid),
                .w_ready_i    (w_ready),
                .w_addr_o     (w_addr),
                .w_data_o     (w_data),
                .w_strb_o     (w_strb)
            );
        end
    endgenerate

    wire r_tag_unused;
    map_vmem #(
        .BYTES(BYTES),
        .TAG_W(1)
    ) u_vmem (
        .clk       (clk),
        .rst       (rst),
        .a_valid_i (a_valid_i),
        .a_ready_o (a_ready_o),
        .a_op_i    (a_op_i),
        .a_atomic_i(`SPEC_ATOMIC_ADD),
        .a_size_i  (4'd8),
        .a_addr_i  (a_addr_i),
        .a_data_i  (a_data_i),
        .a_expect_i(64'd0),
        .a_tag_i   (1'b0),
        .r_valid_o (r_valid_o),
        .r_tag_o   (r_tag_unused),
        .r_data_o  (r_data_o),
        .b_valid_i (b_valid),
        .b_ready_o (b_ready),
        .b_write_i (b_write),
        .b_addr_i  (b_addr),
        .b_data_i  (b_data),
        .b_strb_i  (b_strb),
        .b_rvalid_o(b_rvalid),
        .b_rdata_o (b_rdata)
    );
endmodule

`default_nettype wire
