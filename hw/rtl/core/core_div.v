// SPDX-License-Identifier: BSD-3-Clause
// Division of all contexts: a queue before UNITS dividers, from which each takes the next in order of issue, and the results by
// context. At most one division a context is waiting or under way. A division without others before it takes 4
// clocks more than its divider.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_div #(
    parameter UNITS = 4      // dividers, 1 to 8
) (
    input  wire        clk,
    input  wire        rst,
    // stage 3
    input  wire        en3_i,
    input  wire [2:0]  ctx3_i,
    input  wire [4:0]  op3_i,      // SPEC_ALU_UDIV, SDIV, UMOD or SMOD
    input  wire        w32_3_i,
    input  wire [63:0] a3_i,
    input  wire [63:0] b3_i,
    // results
    output wire        done_o,
    output wire [2:0]  done_ctx_o,
    output wire [63:0] result3_o    // of ctx3_i
);
    localparam ENTRY_W = 3 + 2 + 1 + 64 + 64;

    generate
        if (UNITS < 1 || UNITS > 8) begin : g_illegal
            core_div_illegal_parameter u_stop ();
        end
    endgenerate

    wire               signed3 = {2'd0, op3_i} == `SPEC_ALU_SDIV || {2'd0, op3_i} == `SPEC_ALU_SMOD;
    wire               rem3 = {2'd0, op3_i} == `SPEC_ALU_UMOD || {2'd0, op3_i} == `SPEC_ALU_SMOD;
    wire               head_valid;
    wire [ENTRY_W-1:0] head;
    wire [UNITS-1:0]   ready;
    wire [UNITS-1:0]   done;
    wire [UNITS-1:0]   start = head_valid ? ready & (~ready + 1'b1) : {UNITS{1'b0}};   // the lowest
    wire [UNITS-1:0]   take = done & (~done + 1'b1);
    wire [64*UNITS-1:0] y;
    wire [3*UNITS-1:0] ctx;

    fifo_small #(.WIDTH(ENTRY_W), .DEPTH(8)) u_queue (
        .clk(clk), .rst(rst), .push_i(en3_i),
        .data_i({ctx3_i, signed3, rem3, w32_3_i, a3_i, b3_i}),
        .valid_o(head_valid), .pop_i(|start), .data_o(head));

    genvar u;
    generate
        for (u = 0; u < UNITS; u = u + 1) begin : g_unit
            reg [2:0] ctx_q;

            core_div_unit u_div (
                .clk(clk), .rst(rst), .start_i(start[u]), .ready_o(ready[u]),
                .signed_i(head[130]), .rem_i(head[129]), .w32_i(head[128]), .a_i(head[127:64]),
                .b_i(head[63:0]), .done_o(done[u]), .take_i(take[u]), .y_o(y[64*u +: 64]));

            always @(posedge clk) begin
                if (start[u]) ctx_q <= head[133:131];
            end

            assign ctx[3*u +: 3] = ctx_q;
        end
    endgenerate

    reg  [63:0] result_q [0:7];
    reg  [63:0] take_y;
    reg  [2:0]  take_ctx;
    reg         done_q;
    reg  [2:0]  done_ctx_q;
    integer     i;

    always @* begin
        take_y = y[63:0];
        take_ctx = ctx[2:0];
        for (i = 1; i < UNITS; i = i + 1) begin
            if (take[i]) begin
                take_y = y[64*i +: 64];
                take_ctx = ctx[3*i +: 3];
            end
        end
    end

    always @(posedge clk) begin
        if (|take) result_q[take_ctx] <= take_y;
        done_ctx_q <= take_ctx;
        done_q <= |take;
        if (rst) done_q <= 1'b0;
    end

    assign done_o = done_q;
    assign done_ctx_o = done_ctx_q;
    assign result3_o = result_q[ctx3_i];
endmodule
`default_nettype wire
