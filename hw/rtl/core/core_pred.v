// SPDX-License-Identifier: BSD-3-Clause
// Predicates of all contexts, 8 bits each; predicate 0 is always 1. Read without latency (stage 2), written by up to
// four lanes at once; if several write one predicate the highest lane wins.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_pred (
    input  wire        clk,
    input  wire [2:0]  rctx_i,
    output wire [7:0]  rdata_o,
    input  wire [2:0]  wctx_i,
    input  wire [3:0]  we_i,
    input  wire [11:0] wnum_i,
    input  wire [3:0]  wdata_i
);
    reg [7:0] pred_q [0:7];
    reg [7:0] pred_d;
    wire [7:0] old = pred_q[wctx_i];
    wire [7:0] out = pred_q[rctx_i];
    wire      unused = &{1'b0, out[0]};
    integer i;

    always @* begin
        pred_d = old;
        for (i = 0; i < 4; i = i + 1) begin
            if (we_i[i]) pred_d[wnum_i[3*i +: 3]] = wdata_i[i];
        end
    end

    always @(posedge clk) begin
        if (|we_i) pred_q[wctx_i] <= pred_d;
    end

    assign rdata_o = {out[7:1], 1'b1};
endmodule
`default_nettype wire
