// SPDX-License-Identifier: BSD-3-Clause
// What the lane's ALU must give: the functions that are generated from hw/spec/alu.toml. bad_o is high where it
// differs, for any operation at any width; that it never is, is proved (tests/rtl/proofs).
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module formal_lane_alu (
    input  wire [6:0]  op_i,
    input  wire        w32_i,
    input  wire [63:0] a_i,
    input  wire [63:0] b_i,
    output wire        bad_o
);
`include "hw/spec/gen/spec_alu.vh"
    wire [63:0] y;
    wire [63:0] want = w32_i ? {32'd0, spec_alu32(op_i, a_i[31:0], b_i[31:0])}
                             : spec_alu64(op_i, a_i, b_i);

    core_lane_alu #(.REGISTERS(0)) u_alu (
        .clk(1'b0), .op3_i(op_i), .w32_3_i(w32_i), .a3_i(a_i), .b3_i(b_i), .other3_i(1'b0),
        .other3_value_i(64'd0), .y5_o(y));

    assign bad_o = y != want;
endmodule
`default_nettype wire
