// SPDX-License-Identifier: BSD-3-Clause
// Program memory: two banks of rows, one read and one write a clock. Latency 2 clocks from address to row (the
// memory's read register and its output register), one row a clock.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_fetch #(
    parameter ROWS = `SPEC_ROWS   // rows a bank, a power of two, up to SPEC_ROWS
) (
    input  wire                       clk,
    input  wire                       rst,
    // stage 0
    input  wire                       valid0_i,
    input  wire                       bank0_i,
    input  wire [11:0]                pc0_i,
    // stage 2
    output wire                       valid2_o,
    output wire [`UCODE_ROW_BITS-1:0] row2_o,
    // program writes
    input  wire                       prog_we_i,
    input  wire                       prog_bank_i,
    input  wire [11:0]                prog_row_i,
    input  wire [`UCODE_ROW_BITS-1:0] prog_data_i
);
    localparam ROW_W = $clog2(ROWS);

    reg  [`UCODE_ROW_BITS-1:0] mem [0:2*ROWS-1];
    reg  [`UCODE_ROW_BITS-1:0] row1_q;
    reg  [`UCODE_ROW_BITS-1:0] row2_q;
    reg                        valid1_q;
    reg                        valid2_q;
    wire [ROW_W:0]             raddr = {bank0_i, pc0_i[ROW_W-1:0]};
    wire [ROW_W:0]             waddr = {prog_bank_i, prog_row_i[ROW_W-1:0]};
    wire [12:0]                wbeyond = {1'b0, prog_row_i} >> ROW_W;   // rows that are not there
    wire                       unused = &{1'b0, pc0_i};

    always @(posedge clk) begin
        if (prog_we_i && wbeyond == 13'd0) mem[waddr] <= prog_data_i;
        if (valid0_i) row1_q <= mem[raddr];
        if (valid1_q) row2_q <= row1_q;
        valid1_q <= valid0_i;
        valid2_q <= valid1_q;
        if (rst) begin
            valid1_q <= 1'b0;
            valid2_q <= 1'b0;
        end
    end

    assign valid2_o = valid2_q;
    assign row2_o   = row2_q;
endmodule
`default_nettype wire
