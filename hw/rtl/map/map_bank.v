// SPDX-License-Identifier: BSD-3-Clause
// A RAM with one write port and one registered read port. A read and a write of one address in one
// clock give undefined read data on a device (the old word here): users forward or never do it.
//
// Contents start as zero. Latency: 1 clock. Throughput: a read and a write each clock.
`default_nettype none

module map_bank #(
    parameter WIDTH = 64,  // bits of a word
    parameter WORDS = 16   // words, at least 2
) (
    input  wire                     clk,
    input  wire                     write_i,
    input  wire [$clog2(WORDS)-1:0] write_addr_i,
    input  wire [WIDTH-1:0]         write_data_i,
    input  wire                     read_i,
    input  wire [$clog2(WORDS)-1:0] read_addr_i,
    output wire [WIDTH-1:0]         read_data_o
);
    (* no_rw_check *) reg [WIDTH-1:0] ram [0:WORDS-1];
    reg [WIDTH-1:0] read_q;

    always @(posedge clk) begin
        if (write_i)
            ram[write_addr_i] <= write_data_i;
        if (read_i)
            read_q <= ram[read_addr_i];
    end
    assign read_data_o = read_q;

`ifndef SYNTHESIS
    // As block RAM is after configuration.
    integer i;
    initial begin
        for (i = 0; i < WORDS; i = i + 1)
            ram[i] = {WIDTH{1'b0}};
    end
`endif
endmodule

`default_nettype wire
