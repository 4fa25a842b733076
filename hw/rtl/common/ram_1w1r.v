// SPDX-License-Identifier: BSD-3-Clause
// Memory with one write port with byte strobes and one read port. Read latency 1 clock; the read data
// stays while ren_i is low. A read and a write of one word in one clock give the old word.
`default_nettype none
module ram_1w1r #(
    parameter WIDTH = 64,   // bits, a multiple of 8
    parameter DEPTH = 256   // words, a power of two, at least 2
) (
    input  wire                     clk,
    input  wire                     we_i,
    input  wire [$clog2(DEPTH)-1:0] waddr_i,
    input  wire [WIDTH-1:0]         wdata_i,
    input  wire [WIDTH/8-1:0]       wstrb_i,
    input  wire                     ren_i,
    input  wire [$clog2(DEPTH)-1:0] raddr_i,
    output wire [WIDTH-1:0]         rdata_o
);
    generate
        if (WIDTH < 8 || WIDTH % 8 != 0 || DEPTH < 2 || (DEPTH & (DEPTH - 1)) != 0) begin : g_illegal
            ram_1w1r_illegal_parameter u_stop ();
        end
    endgenerate

    reg [WIDTH-1:0] mem [0:DEPTH-1];
    reg [WIDTH-1:0] rdata_q;
    integer i;

    always @(posedge clk) begin
        if (we_i) begin
            for (i = 0; i < WIDTH / 8; i = i + 1) begin
                if (wstrb_i[i]) mem[waddr_i][8*i +: 8] <= wdata_i[8*i +: 8];
            end
        end
        if (ren_i) rdata_q <= mem[raddr_i];
    end

    assign rdata_o = rdata_q;
endmodule
`default_nettype wire
