// SPDX-License-Identifier: BSD-3-Clause
// Small memory (LUT RAM) with one write port and one read port without latency. A read in the clock of a
// write gives the old word.
`default_nettype none
module ram_lut #(
    parameter WIDTH = 64,   // bits
    parameter DEPTH = 8     // words, a power of two, at least 2
) (
    input  wire                     clk,
    input  wire                     we_i,
    input  wire [$clog2(DEPTH)-1:0] waddr_i,
    input  wire [WIDTH-1:0]         wdata_i,
    input  wire [$clog2(DEPTH)-1:0] raddr_i,
    output wire [WIDTH-1:0]         rdata_o
);
    generate
        if (WIDTH < 1 || DEPTH < 2 || (DEPTH & (DEPTH - 1)) != 0) begin : g_illegal
            ram_lut_illegal_parameter u_stop ();
        end
    endgenerate

    (* ram_style = "distributed" *) reg [WIDTH-1:0] mem [0:DEPTH-1];

    always @(posedge clk) begin
        if (we_i) mem[waddr_i] <= wdata_i;
    end

    assign rdata_o = mem[raddr_i];
endmodule
`default_nettype wire
