// SPDX-License-Identifier: BSD-3-Clause
// CRC32C (Castagnoli; reflected, no initial value and no final inversion) of a fixed number of
// bits, as one layer of parities.
//
// Latency: 1 clock. Throughput: one a clock. hash_o keeps its value while en_i is low.
`default_nettype none

module map_hash_crc #(
    parameter BITS = 64  // bits of data, a multiple of 8; the lowest bit enters first
) (
    input  wire            clk,
    input  wire            en_i,
    input  wire [BITS-1:0] data_i,
    output wire [31:0]     hash_o
);
    localparam [31:0] POLYNOMIAL = 32'h82f63b78;

    // Row j: the bits of the data whose parity is bit j of the remainder. Found by sending the
    // polynomial through the register for each bit, the last one first.
    function [32*BITS-1:0] rows;
        input [31:0] polynomial;
        integer      i;
        integer      j;
        reg [31:0]   crc;
        begin
            crc = polynomial;
            for (i = BITS - 1; i >= 0; i = i - 1) begin
                for (j = 0; j < 32; j = j + 1)
                    rows[j*BITS+i] = crc[j];
                crc = (crc >> 1) ^ (crc[0] ? polynomial : 32'd0);
            end
        end
    endfunction

    localparam [32*BITS-1:0] ROWS = rows(POLYNOMIAL);

    reg [31:0] hash_q;
    integer    j;
    always @(posedge clk) begin
        if (en_i) begin
            for (j = 0; j < 32; j = j + 1)
                hash_q[j] <= ^(data_i & ROWS[j*BITS+:BITS]);
        end
    end
    assign hash_o = hash_q;
endmodule

`default_nettype wire
