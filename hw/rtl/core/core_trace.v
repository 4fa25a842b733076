// SPDX-License-Identifier: BSD-3-Clause
// The rows that retire, one a clock, for simulation: what each has read, decided, stored and written, gathered from the
// stages by context and given out at stage 9, when its registers are written. The fields are table `retire` of
// hw/spec/microcode.toml. Nothing comes back from here into the core, so a design that leaves trace_o open has none of
// this. Rows of one context come in the order of its program, those of different contexts in between.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_trace (
    input  wire         clk,
    input  wire         rst,
    input  wire         start_i,       // a packet starts in start_ctx_i
    input  wire [2:0]   start_ctx_i,
    input  wire [2:0]   phase_i,
    // stage 0
    input  wire [11:0]  pc0_i,
    // stage 2
    input  wire         issue2_i,
    // stage 3
    input  wire [3:0]   on3_i,
    input  wire [255:0] a3_i,
    input  wire [255:0] b3_i,
    // stage 4: lane 2's address and what it stores
    input  wire [63:0]  mem_addr4_i,
    input  wire [63:0]  mem_data4_i,
    // stage 5: predicates, and lane 3's access of the value memory
    input  wire [3:0]   pred_we5_i,
    input  wire [11:0]  pred_num5_i,
    input  wire [3:0]   pred5_i,
    input  wire         map_valid5_i,
    input  wire [1:0]   map_op5_i,
    input  wire [3:0]   map_atomic5_i,
    input  wire [3:0]   map_size5_i,
    input  wire [31:0]  map_addr5_i,
    input  wire [63:0]  map_data5_i,
    input  wire [63:0]  map_expect5_i,
    // stage 6
    input  wire         taken6_i,
    input  wire [11:0]  target6_i,
    input  wire         exit6_i,
    input  wire [31:0]  ret6_i,
    // stage 9
    input  wire [3:0]   write9_i,
    input  wire [23:0]  dst9_i,
    input  wire [255:0] result9_i,
    input  wire         wait9_i,       // the row's access of external memory is not done: it retires later
    input  wire         late9_i,       // that of the context's row of an earlier turn is
    output reg  [`UCODE_RETIRE_BITS-1:0] trace_o
);
    localparam MAP_W = 1 + 2 + 4 + 4 + 32 + 64 + 64;

    wire [2:0] ctx2 = phase_i - 3'd2;
    wire [2:0] ctx3 = phase_i - 3'd3;
    wire [2:0] ctx4 = phase_i - 3'd4;
    wire [2:0] ctx5 = phase_i - 3'd5;
    wire [2:0] ctx6 = phase_i - 3'd6;
    wire [2:0] ctx9 = phase_i - 3'd1;

    // what a context's row left at each stage; it is read before the context's next row comes there
    reg [11:0]      pc0_q [0:7];
    reg [31:0]      packet_q [0:7];    // of the context
    reg [43:0]      row2_q [0:7];      // packet, row
    reg [515:0]     operand3_q [0:7];  // on, a, b
    reg [127:0]     mem4_q [0:7];
    reg [19:0]      pred5_q [0:7];     // written, value, number
    reg [MAP_W-1:0] map5_q [0:7];
    reg [45:0]      end6_q [0:7];      // taken, exit, target, return value
    reg [212:0]     held9_q [0:7];     // lanes 0 to 2 of a row that waits
    reg [31:0]      packets_q;         // that have started
    reg [6:0]       issued_q;          // of stages 3 to 9

    always @(posedge clk) begin
        if (start_i) begin
            packet_q[start_ctx_i] <= packets_q;
            packets_q <= packets_q + 32'd1;
        end
        pc0_q[phase_i] <= pc0_i;
        if (issue2_i) row2_q[ctx2] <= {packet_q[ctx2], pc0_q[ctx2]};
        if (issued_q[0]) operand3_q[ctx3] <= {on3_i, a3_i, b3_i};
        if (issued_q[1]) mem4_q[ctx4] <= {mem_addr4_i, mem_data4_i};
        if (issued_q[2]) pred5_q[ctx5] <= {pred_we5_i, pred5_i, pred_num5_i};
        if (issued_q[2])
            map5_q[ctx5] <= {map_valid5_i, map_op5_i, map_atomic5_i, map_size5_i, map_addr5_i,
                             map_data5_i, map_expect5_i};
        if (issued_q[3]) end6_q[ctx6] <= {taken6_i, exit6_i, target6_i, ret6_i};
        if (wait9_i) held9_q[ctx9] <= {write9_i[2:0], dst9_i[17:0], result9_i[191:0]};
        issued_q <= {issued_q[5:0], issue2_i};
        if (rst) begin
            packets_q <= 32'd0;
            issued_q <= 7'd0;
        end
    end

    wire [43:0]      row9 = row2_q[ctx9];
    wire [515:0]     operand9 = operand3_q[ctx9];
    wire [127:0]     mem9 = mem4_q[ctx9];
    wire [19:0]      pred9 = pred5_q[ctx9];
    wire [MAP_W-1:0] map9 = map5_q[ctx9];
    wire [45:0]      end9 = end6_q[ctx9];
    wire [212:0]     rest9 = late9_i ? held9_q[ctx9] : {write9_i[2:0], dst9_i[17:0], result9_i[191:0]};
    wire [3:0]       write9 = {write9_i[3], rest9[212:210]};
    wire [23:0]      dst9 = {dst9_i[23:18], rest9[209:192]};
    wire [255:0]     result9 = {result9_i[255:192], rest9[191:0]};
    integer          l;
    integer          at;

    always @* begin
        trace_o = {`UCODE_RETIRE_BITS{1'b0}};
        trace_o[`UCODE_R_VALID_LSB] = (issued_q[6] && !wait9_i) || late9_i;
        trace_o[`UCODE_R_CONTEXT_LSB +: `UCODE_R_CONTEXT_BITS] = ctx9;
        {trace_o[`UCODE_R_PACKET_LSB +: `UCODE_R_PACKET_BITS],
         trace_o[`UCODE_R_ROW_LSB +: `UCODE_R_ROW_BITS]} = row9;
        {trace_o[`UCODE_R_MEM_ADDR_LSB +: `UCODE_R_MEM_ADDR_BITS],
         trace_o[`UCODE_R_MEM_DATA_LSB +: `UCODE_R_MEM_DATA_BITS]} = mem9;
        {trace_o[`UCODE_R_MAP_VALID_LSB], trace_o[`UCODE_R_MAP_OP_LSB +: `UCODE_R_MAP_OP_BITS],
         trace_o[`UCODE_R_MAP_ATOMIC_LSB +: `UCODE_R_MAP_ATOMIC_BITS],
         trace_o[`UCODE_R_MAP_SIZE_LSB +: `UCODE_R_MAP_SIZE_BITS],
         trace_o[`UCODE_R_MAP_ADDR_LSB +: `UCODE_R_MAP_ADDR_BITS],
         trace_o[`UCODE_R_MAP_DATA_LSB +: `UCODE_R_MAP_DATA_BITS],
         trace_o[`UCODE_R_MAP_EXPECT_LSB +: `UCODE_R_MAP_EXPECT_BITS]} = map9;
        {trace_o[`UCODE_R_TAKEN_LSB], trace_o[`UCODE_R_END_LSB],
         trace_o[`UCODE_R_TARGET_LSB +: `UCODE_R_TARGET_BITS],
         trace_o[`UCODE_R_RET_LSB +: `UCODE_R_RET_BITS]} = end9;
        for (l = 0; l < `SPEC_LANES; l = l + 1) begin
            at = `UCODE_RETIRE_LANES_LSB + `UCODE_RETIRE_LANE_BITS * l;
            trace_o[at + `UCODE_RL_ON_LSB] = operand9[512 + l];
            trace_o[at + `UCODE_RL_WRITE_LSB] = write9[l];
            trace_o[at + `UCODE_RL_PWRITE_LSB] = pred9[16 + l] && pred9[3*l +: 3] != 3'd0;
            trace_o[at + `UCODE_RL_PVALUE_LSB] = pred9[12 + l];
            trace_o[at + `UCODE_RL_PDST_LSB +: `UCODE_RL_PDST_BITS] = pred9[3*l +: 3];
            trace_o[at + `UCODE_RL_DST_LSB +: `UCODE_RL_DST_BITS] = dst9[6*l +: 6];
            trace_o[at + `UCODE_RL_A_LSB +: `UCODE_RL_A_BITS] = operand9[256 + 64*l +: 64];
            trace_o[at + `UCODE_RL_B_LSB +: `UCODE_RL_B_BITS] = operand9[64*l +: 64];
            trace_o[at + `UCODE_RL_RESULT_LSB +: `UCODE_RL_RESULT_BITS] = result9[64*l +: 64];
        end
    end
endmodule
`default_nettype wire
