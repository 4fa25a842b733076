// SPDX-License-Identifier: BSD-3-Clause
// Results of a row from stage 5 to the register write at stage 9. Units join where their values appear:
// multiplier at 6 (lane 0), packet loads at 8 (lanes 0 and 1), stack loads at 8 (lane 2), map values at 9 (lane 3).
// What an access of external memory gives (ext5_i) may come in a later turn of its context: lane 3's register is written
// then, and not before.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_writeback (
    input  wire         clk,
    input  wire         rst,
    input  wire [3:0]   write4_i,
    input  wire [27:0]  op4_i,
    input  wire [23:0]  dst4_i,
    input  wire [255:0] result5_i,
    input  wire [63:0]  mul6_i,
    input  wire [127:0] pkt8_i,
    input  wire [63:0]  stack8_i,
    input  wire [63:0]  map9_i,
    input  wire [2:0]   ctx9_i,
    input  wire         ext5_i,        // the row accesses external memory
    input  wire         ext_done9_i,   // what the context's row asked for there is in map9_i
    output wire         wait9_o,       // the row's access is not done
    output wire         late9_o,       // that of a row of an earlier turn is
    output wire [3:0]   write9_o,
    output wire [23:0]  dst9_o,
    output wire [255:0] result9_o
);
    reg  [3:0]   write5_q, write6_q, write7_q, write8_q, write9_q;
    reg  [23:0]  dst5_q, dst6_q, dst7_q, dst8_q, dst9_q;
    reg  [255:0] result6_q, result7_q, result8_q, result9_q;
    reg          mul5_q, mul6_q;                       // lane 0 multiplies
    reg  [3:0]   load5_q, load6_q, load7_q, load8_q;   // the lane loads: packet, packet, stack, map value
    reg          load9_q;                              // of lane 3
    wire [3:0]   load4;
    wire         unused = &{1'b0, op4_i};

    assign load4[0] = op4_i[6:0] == `UCODE_LDPKT || op4_i[6:0] == `UCODE_LDPKTBE;
    assign load4[1] = op4_i[13:7] == `UCODE_LDPKT || op4_i[13:7] == `UCODE_LDPKTBE;
    assign load4[2] = op4_i[20:14] == `UCODE_LDSTK;
    assign load4[3] = op4_i[27:21] == `UCODE_LDMAP || op4_i[27:21] == `UCODE_ATMAP;

    always @(posedge clk) begin
        {dst9_q, dst8_q, dst7_q, dst6_q, dst5_q} <= {dst8_q, dst7_q, dst6_q, dst5_q, dst4_i};
        {load8_q, load7_q, load6_q, load5_q} <= {load7_q, load6_q, load5_q, load4};
        load9_q <= load8_q[3];
        {mul6_q, mul5_q} <= {mul5_q, op4_i[6:0] == `SPEC_ALU_MUL};
        result6_q <= result5_i;
        result7_q <= {result6_q[255:64], mul6_q ? mul6_i : result6_q[63:0]};
        result8_q <= result7_q;
        result9_q[63:0] <= load8_q[0] ? pkt8_i[63:0] : result8_q[63:0];
        result9_q[127:64] <= load8_q[1] ? pkt8_i[127:64] : result8_q[127:64];
        result9_q[191:128] <= load8_q[2] ? stack8_i : result8_q[191:128];
        result9_q[255:192] <= result8_q[255:192];
        {write9_q, write8_q, write7_q, write6_q, write5_q} <=
            {write8_q, write7_q, write6_q, write5_q, write4_i};
        if (rst) {write9_q, write8_q, write7_q, write6_q, write5_q} <= 20'd0;
    end

    reg         ext6_q, ext7_q, ext8_q, ext9_q;
    reg  [6:0]  held_q [0:7];      // lane 3's register, by context: written, number
    wire        late = ext_done9_i && !ext9_q;
    wire [6:0]  held = held_q[ctx9_i];

    always @(posedge clk) begin
        {ext9_q, ext8_q, ext7_q, ext6_q} <= {ext8_q, ext7_q, ext6_q, ext5_i};
        if (ext9_q) held_q[ctx9_i] <= {write9_q[3], dst9_q[23:18]};
        if (rst) {ext9_q, ext8_q, ext7_q, ext6_q} <= 4'd0;
    end

    assign wait9_o = ext9_q && !ext_done9_i;
    assign late9_o = late;
    assign write9_o = {late ? held[6] : write9_q[3] && !wait9_o, write9_q[2:0]};
    assign dst9_o = {late ? held[5:0] : dst9_q[23:18], dst9_q[17:0]};
    assign result9_o = {load9_q || late ? map9_i : result9_q[255:192], result9_q[191:0]};
endmodule
`default_nettype wire
