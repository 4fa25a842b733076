// SPDX-License-Identifier: BSD-3-Clause
// The table of operations (hw/spec/alu.toml) as Verilog, with ports.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module alu_table (
    input  wire        clk,
    input  wire [6:0]  op_i,
    input  wire        w32_i,
    input  wire [63:0] a_i,
    input  wire [63:0] b_i,
    output wire [63:0] y_o
);
`include "hw/spec/gen/spec_alu.vh"
    assign y_o = w32_i ? {32'd0, spec_alu32(op_i, a_i[31:0], b_i[31:0])} : spec_alu64(op_i, a_i, b_i);
endmodule
`default_nettype wire
