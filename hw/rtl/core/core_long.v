// SPDX-License-Identifier: BSD-3-Clause
// Long operations of lane 3: hash engine, divider, zero engine. One outstanding a context; busy_o tells which contexts
// have one, from stage 4 of the row that started it until its result is there.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_long #(
    parameter SLOT_W = 4
) (
    input  wire              clk,
    input  wire              rst,
    output wire [7:0]        busy_o,
    output wire [7:0]        ending_o,      // whose result is there from the next clock on
    // stage 3
    input  wire [2:0]        ctx3_i,
    output wire [63:0]       result3_o,     // of the context's last long operation
    input  wire [SLOT_W-1:0] slot3_i,
    input  wire [7:0]        cpu3_i,
    input  wire              en3_i,
    input  wire [6:0]        op3_i,
    input  wire              w32_3_i,
    input  wire [31:0]       imm3_i,
    input  wire [63:0]       a3_i,
    input  wire [63:0]       b3_i,
    output wire              copy3_o,       // keep the context's key and value words,
    output wire              direct3_o,     // or give them to the engine now
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
    wire        hash3 = en3_i && op3_i == `UCODE_MAPOP;
    wire        div3 = en3_i && op3_i == `UCODE_DIVLONG;
    wire        zero3 = en3_i && op3_i == `UCODE_PKTZERO;
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
    reg  [7:0]  ending;
    reg  [7:0]  is_div_q;     // the context's last long operation was a division
    wire        unused = &{1'b0, imm3_i[31:18], imm3_i[15:8], a3_i, b3_i};

    always @* begin
        ending = 8'd0;
        if (hash_done) ending[hash_ctx] = 1'b1;
        if (div_done) ending[div_ctx] = 1'b1;
        if (zero_done) ending[zero_ctx] = 1'b1;
        busy_d = busy_q & ~ending;
        if (hash3 || div3 || zero3) busy_d[ctx3_i] = 1'b1;
    end

    always @(posedge clk) begin
        busy_q <= busy_d;
        if (hash3) is_div_q[ctx3_i] <= 1'b0;
        if (div3) is_div_q[ctx3_i] <= 1'b1;
        if (rst) busy_q <= 8'd0;
    end

    core_hashq u_hash (
        .clk(clk), .rst(rst), .en3_i(hash3), .op3_i(imm3_i[17:16]),
        .map3_i(imm3_i[7:0]), .cpu3_i(cpu3_i), .flags3_i(a3_i), .copy3_o(copy3_o), .direct3_o(direct3_o), .load_o(load_o),
        .load_ctx_o(load_ctx_o), .req_valid_o(req_valid_o), .req_ready_i(req_ready_i),
        .req_op_o(req_op_o), .req_map_o(req_map_o), .req_cpu_o(req_cpu_o),
        .req_flags_o(req_flags_o), .req_ctx_o(req_ctx_o), .resp_valid_i(resp_valid_i),
        .resp_ctx_i(resp_ctx_i), .resp_status_i(resp_status_i), .resp_addr_i(resp_addr_i),
        .done_o(hash_done), .done_ctx_o(hash_ctx), .ctx3_i(ctx3_i), .result3_o(hash_result3));

    core_div u_div (
        .clk(clk), .rst(rst), .en3_i(div3), .ctx3_i(ctx3_i), .op3_i(imm3_i[4:0]),
        .w32_3_i(w32_3_i), .a3_i(a3_i), .b3_i(b3_i), .done_o(div_done), .done_ctx_o(div_ctx),
        .result3_o(div_result3));

    core_zero #(.SLOT_W(SLOT_W)) u_zero (
        .clk(clk), .rst(rst), .en3_i(zero3), .ctx3_i(ctx3_i), .slot3_i(slot3_i),
        .from3_i(a3_i[13:0]), .to3_i(b3_i[13:0]), .z_valid_o(z_valid_o), .z_ready_i(z_ready_i),
        .z_row_o(z_row_o), .z_strb_o(z_strb_o), .done_o(zero_done), .done_ctx_o(zero_ctx));

    assign busy_o = busy_q;
    assign ending_o = ending;
    assign result3_o = is_div_q[ctx3_i] ? div_result3 : hash_result3;
endmodule
`default_nettype wire
