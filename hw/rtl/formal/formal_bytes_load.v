// SPDX-License-Identifier: BSD-3-Clause
// What a load of bytes must do, byte by byte: which bank and word each one comes from, where it goes, and that the rest is
// zero. To be proved with its registers transparent. bad_o is high where it differs.
`default_nettype none
module formal_bytes_load #(
    parameter BANKS = 8,
    parameter ROW_W = 4
) (
    input  wire                    clk,
    input  wire [ROW_W+$clog2(BANKS)+2:0] addr_i,
    input  wire [3:0]              size_i,
    input  wire                    swap_i,
    input  wire [64*BANKS-1:0]     data_i,
    output wire                    bad_o
);
    localparam BANK_W = $clog2(BANKS);
    localparam ADDR_W = ROW_W + BANK_W + 3;

    wire [BANKS-1:0]       ren;
    wire [BANKS*ROW_W-1:0] row;
    wire [63:0]            value;

    core_bytes_load #(.BANKS(BANKS), .ROW_W(ROW_W)) u_load (
        .clk(clk), .rst(1'b0), .en4_i(1'b1), .addr4_i(addr_i), .size4_i(size_i), .swap4_i(swap_i),
        .ren5_o(ren), .row5_o(row), .data6_i(data_i), .value8_o(value));

    wire [7:0] bad;
    genvar g;
    generate
        for (g = 0; g < 8; g = g + 1) begin : g_byte
            wire [ADDR_W-1:0] at = addr_i + g;
            wire [BANK_W-1:0] bank = at[BANK_W+2:3];
            wire              part = g < size_i;
            wire [2:0]        to = swap_i ? size_i[2:0] - 3'd1 - g : g;

            wire [ROW_W-1:0]  bank_row = row >> (bank * ROW_W);
            wire [63:0]       word = data_i[{bank, 6'd0} +: 64];

            assign bad[g] = part ? !ren[bank] || bank_row != at[ADDR_W-1 -: ROW_W]
                                     || value[{to, 3'd0} +: 8] != word[{at[2:0], 3'd0} +: 8]
                                   : value[8*g +: 8] != 8'd0;
        end
    endgenerate

    assign bad_o = |bad && size_i >= 4'd1 && size_i <= 4'd8;
endmodule
`default_nettype wire
