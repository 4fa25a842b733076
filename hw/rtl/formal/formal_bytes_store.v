// SPDX-License-Identifier: BSD-3-Clause
// What a store of bytes must do: each byte goes to its bank, word and place, and no other byte is touched. To be proved
// with its registers transparent. bad_o is high where it differs.
`default_nettype none
module formal_bytes_store #(
    parameter BANKS = 8,
    parameter ROW_W = 4
) (
    input  wire                    clk,
    input  wire                    en_i,
    input  wire [ROW_W+$clog2(BANKS)+2:0] addr_i,
    input  wire [3:0]              size_i,
    input  wire [63:0]             data_i,
    output wire                    bad_o
);
    localparam BANK_W = $clog2(BANKS);
    localparam ADDR_W = ROW_W + BANK_W + 3;

    wire [BANKS-1:0]       we;
    wire [BANKS*ROW_W-1:0] row;
    wire [64*BANKS-1:0]    data;
    wire [8*BANKS-1:0]     strb;

    core_bytes_store #(.BANKS(BANKS), .ROW_W(ROW_W)) u_store (
        .clk(clk), .rst(1'b0), .en4_i(en_i), .addr4_i(addr_i), .size4_i(size_i), .data4_i(data_i),
        .we5_o(we), .row5_o(row), .data5_o(data), .strb5_o(strb));

    // Each byte of the banks: the byte of the value that belongs there, if there is one.
    wire [8*BANKS-1:0] bad;
    genvar g;
    generate
        for (g = 0; g < 8*BANKS; g = g + 1) begin : g_byte
            localparam [BANK_W+2:0] HERE = g;
            wire [BANK_W+2:0] from = HERE - addr_i[BANK_W+2:0];
            wire              wanted = en_i && from < size_i;
            wire              wraps = HERE < addr_i[BANK_W+2:0];
            wire [ROW_W-1:0]  word = addr_i[ADDR_W-1 -: ROW_W] + wraps;

            assign bad[g] = wanted != (we[g/8] && strb[g])
                || (wanted && (data[8*g +: 8] != data_i[{from[2:0], 3'd0} +: 8]
                               || row[ROW_W*(g/8) +: ROW_W] != word));
        end
    endgenerate

    assign bad_o = |bad && size_i >= 4'd1 && size_i <= 4'd8;
endmodule
`default_nettype wire
