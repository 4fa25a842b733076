// SPDX-License-Identifier: BSD-3-Clause
// Long operations of lane 3: hash engine, divider, zero engine. One outstanding a context; busy_o tells which contexts
// have one, from stage 5 of the row that started it until its result is there.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_long #(
    parameter SLOT_W = 4
) (
    input  wire              clk,
    input  wire              rst,
    output wire [7:0]        busy_o,
    // stage 3: result of the context's last long operation
    input  wire [2:0]        ctx3_i,
    output wire [63:0]       result3_o,
    // stage 4
    input  wire [2:0]        ctx4_i,
    input  wire [SLOT_W-1:0] slot4_i,
    input  wire [7:0]        cpu4_i,
    input  wire              en4_i,
    input  wire [6:0]        op4_i,
    input  wire              w32_4_i,
    input  wire [31:0]       imm4_i,
    input  wire [63:0]       a4_i,
    input  wire [63:0]       b4_i,
    output wire              copy4_o,       // keep the context's key and value words
    // key and value words
    output wire              load_o,
    output wire [2:0]        load_ctx_o,
    // hash engine
    output wire              req_valid_o,
    input  wire              req_ready_i,
    output wire [2:0]        req_op_o,
    output wire [7:0]        req_map_o,
    output wire [7:0]        req_cpu_o,
    output wire [63:0]       req_flags_o,
    output wire [2:0]        req_ctx_o,
    input  wire              resp_valid_i,
    input  wire [2:0]        resp_ctx_i,
    input  wire [31:0]       resp_status_i,
    input  wire [31:0]       resp_addr_i,
    // packet memory
    output wire              z_valid_o,
    input  wire              z_ready_i,
    output wire [SLOT_W+7:0] z_row_o,
    output wire [63:0]       z_strb_o
);
    wire        hash4 = en4_i && op4_i == `UCODE_MAPOP;
    wire        div4 = en4_i && op4_i == `UCODE_DIVLONG;
    wire        zero4 = en4_i && op4_i == `UCODE_PKTZERO;
    wire        hash_done;
    wire        div_done;
    wire        zero_done;
    wire [2:0]  hash_ctx;
    wire [2:0]  div_ctx;
    wire [2:0]  zero_ctx;
    wire [63:0] hash_result3;
    wire [63:0] div_result3;
    reg  [7:0]  busy_q;
    reg  [7:0]  busy_d;
    reg  [7:0]  is_div_q;     // the context's last long operation was a division
    wire        unused = &{1'b0, imm4_i[31:18], imm4_i[15:8], a4_i, b4_i};

    always @* begin
        busy_d = busy_q;
        if (hash_done) busy_d[hash_ctx] = 1'b0;
        if (div_done) busy_d[div_ctx] = 1'b0;
        if (zero_done) busy_d[zero_ctx] = 1'b0;
        if (hash4 || div4 || zero4) busy_d[ctx4_i] = 1'b1;
    end

    always @(posedge clk) begin
        busy_q <= busy_d;
        if (hash4) is_div_q[ctx4_i] <= 1'b0;
        if (div4) is_div_q[ctx4_i] <= 1'b1;
        if (rst) busy_q <= 8'd0;
    end

    core_hashq u_hash (
        .clk(clk), .rst(rst), .en4_i(hash4), .ctx4_i(ctx4_i), .op4_i(imm4_i[17:16]),
        .map4_i(imm4_i[7:0]), .cpu4_i(cpu4_i), .flags4_i(a4_i), .load_o(load_o),
        .load_ctx_o(load_ctx_o), .req_valid_o(req_valid_o), .req_ready_i(req_ready_i),
        .req_op_o(req_op_o), .req_map_o(req_map_o), .req_cpu_o(req_cpu_o),
        .req_flags_o(req_flags_o), .req_ctx_o(req_ctx_o), .resp_valid_i(resp_valid_i),
        .resp_ctx_i(resp_ctx_i), .resp_status_i(resp_status_i), .resp_addr_i(resp_addr_i),
        .done_o(hash_done), .done_ctx_o(hash_ctx), .ctx3_i(ctx3_i), .result3_o(hash_result3));

    core_div u_div (
        .clk(clk), .rst(rst), .en4_i(div4), .ctx4_i(ctx4_i), .op4_i(imm4_i[4:0]),
        .w32_4_i(w32_4_i), .a4_i(a4_i), .b4_i(b4_i), .done_o(div_done), .done_ctx_o(div_ctx),
        .ctx3_i(ctx3_i), .result3_o(div_result3));

    core_zero #(.SLOT_W(SLOT_W)) u_zero (
        .clk(clk), .rst(rst), .en4_i(zero4), .ctx4_i(ctx4_i), .slot4_i(slot4_i),
        .from4_i(a4_i[13:0]), .to4_i(b4_i[13:0]), .z_valid_o(z_valid_o), .z_ready_i(z_ready_i),
        .z_row_o(z_row_o), .z_strb_o(z_strb_o), .done_o(zero_done), .done_ctx_o(zero_ctx));

    assign busy_o = busy_q;
    assign result3_o = is_div_q[ctx3_i] ? div_result3 : hash_result3;
    assign copy4_o = hash4;
endmodule
`default_nettype wire
