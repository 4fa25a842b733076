// SPDX-License-Identifier: BSD-3-Clause
// Map operations on their way to the hash engine, in order of issue, and their results. At most one a context, so the
// queue never overflows. A request is at the engine at stage 4 when nothing is before it.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_hashq (
    input  wire         clk,
    input  wire         rst,
    // stage 3
    input  wire         en3_i,
    input  wire [1:0]   op3_i,
    input  wire [7:0]   map3_i,
    input  wire [7:0]   cpu3_i,
    input  wire [63:0]  flags3_i,
    // words of the context (core_words)
    output wire         copy3_o,
    output wire         direct3_o,
    output wire         load_o,
    output wire [2:0]   load_ctx_o,
    // hash engine; key and value come from core_words
    output wire         req_valid_o,
    input  wire         req_ready_i,
    output wire [2:0]   req_op_o,
    output wire [7:0]   req_map_o,
    output wire [7:0]   req_cpu_o,
    output wire [63:0]  req_flags_o,
    output wire [2:0]   req_ctx_o,
    input  wire         resp_valid_i,
    input  wire [2:0]   resp_ctx_i,
    input  wire [31:0]  resp_status_i,
    input  wire [31:0]  resp_addr_i,
    // results
    output wire         done_o,
    output wire [2:0]   done_ctx_o,
    input  wire [2:0]   ctx3_i,
    output wire [63:0]  result3_o
);
    localparam ENTRY_W = 3 + 2 + 8 + 8 + 64;

    wire               head_valid;
    wire [ENTRY_W-1:0] head;
    reg                req_valid_q;
    reg  [ENTRY_W-1:0] req_q;
    wire               free = !req_valid_q || req_ready_i;
    wire               load = head_valid && free;
    wire               direct3 = en3_i && !head_valid && free;   // past the queue
    wire [ENTRY_W-1:0] entry3 = {ctx3_i, op3_i, map3_i, cpu3_i, flags3_i};

    fifo_small #(.WIDTH(ENTRY_W), .DEPTH(8)) u_queue (
        .clk(clk), .rst(rst), .push_i(en3_i && !direct3), .data_i(entry3),
        .valid_o(head_valid), .pop_i(load), .data_o(head));

    always @(posedge clk) begin
        if (req_ready_i) req_valid_q <= 1'b0;
        if (load || direct3) begin
            req_valid_q <= 1'b1;
            req_q <= direct3 ? entry3 : head;
        end
        if (rst) req_valid_q <= 1'b0;
    end

    // what each context's operation is, to make its result
    reg  [1:0]  op_q [0:7];
    reg  [7:0]  map_q [0:7];
    reg  [63:0] result_q [0:7];
    wire [8:0]  map_plus = {1'b0, map_q[resp_ctx_i]} + 9'd1;
    wire        fine = resp_status_i == 32'd0;
    wire [63:0] pointer = {23'd0, map_plus, resp_addr_i};
    wire [63:0] error = 64'd0 - {32'd0, resp_status_i};

    always @(posedge clk) begin
        if (en3_i) begin
            op_q[ctx3_i] <= op3_i;
            map_q[ctx3_i] <= map3_i;
        end
        if (resp_valid_i) begin
            if ({2'd0, op_q[resp_ctx_i]} == `UCODE_MAPOP_LOOKUP)
                result_q[resp_ctx_i] <= fine ? pointer : 64'd0;
            else
                result_q[resp_ctx_i] <= error;
        end
    end

    assign copy3_o = en3_i && !direct3;
    assign direct3_o = direct3;
    assign load_o = load;
    assign load_ctx_o = head[ENTRY_W-1 -: 3];
    assign req_valid_o = req_valid_q;
    assign req_ctx_o = req_q[ENTRY_W-1 -: 3];
    assign req_op_o = {1'b0, req_q[81:80]};
    assign req_map_o = req_q[79:72];
    assign req_cpu_o = req_q[71:64];
    assign req_flags_o = req_q[63:0];
    assign done_o = resp_valid_i;
    assign done_ctx_o = resp_ctx_i;
    assign result3_o = result_q[ctx3_i];
endmodule
`default_nettype wire
