// SPDX-License-Identifier: BSD-3-Clause
// Byte-aligned store of 1 to 8 bytes into a memory of BANKS banks of 8 bytes. Address and data (little-endian, size
// bytes) at stage 4, bank writes at stage 5; one a clock.
`default_nettype none
module core_bytes_store #(
    parameter BANKS = 8,     // banks of 8 bytes: 2 or 8
    parameter ROW_W = 12     // bits of a bank's word address
) (
    input  wire                    clk,
    input  wire                    rst,
    input  wire                    en4_i,
    input  wire [ROW_W+$clog2(BANKS)+2:0] addr4_i,   // byte address
    input  wire [3:0]              size4_i,
    input  wire [63:0]             data4_i,
    output wire [BANKS-1:0]        we5_o,
    output wire [BANKS*ROW_W-1:0]  row5_o,
    output wire [64*BANKS-1:0]     data5_o,
    output wire [8*BANKS-1:0]      strb5_o
);
    generate
        if ((BANKS != 2 && BANKS != 8) || ROW_W < 1) begin : g_illegal
            core_bytes_store_illegal_parameter u_stop ();
        end
    endgenerate

    localparam BANK_W = $clog2(BANKS);

    wire [ROW_W-1:0]  row4 = addr4_i[ROW_W+BANK_W+2 -: ROW_W];
    wire [BANK_W-1:0] bank4 = addr4_i[BANK_W+2:3];
    wire [BANK_W-1:0] next4 = bank4 + 1'b1;
    wire [2:0]        pad4 = 3'd0 - size4_i[2:0];
    wire              unused = &{1'b0, size4_i[3]};
    wire [7:0]        mask4 = 8'hff >> pad4;
    wire [15:0]       strb4 = {8'd0, mask4} << addr4_i[2:0];
    wire [127:0]      data4 = {64'd0, data4_i} << {addr4_i[2:0], 3'd0};

    reg  [BANKS-1:0]       we5_q;
    reg  [BANKS*ROW_W-1:0] row5_q;
    reg  [BANKS-1:0]       upper5_q;   // the bank takes the upper word of the pair
    reg  [127:0]           data5_q;
    reg  [15:0]            strb5_q;
    integer                b;

    always @(posedge clk) begin
        for (b = 0; b < BANKS; b = b + 1) begin
            we5_q[b] <= en4_i && (bank4 == b[BANK_W-1:0] ||
                                  (|strb4[15:8] && next4 == b[BANK_W-1:0]));
            upper5_q[b] <= next4 == b[BANK_W-1:0];
            row5_q[ROW_W*b +: ROW_W] <= b[BANK_W-1:0] < bank4 ? row4 + 1'b1 : row4;
        end
        if (en4_i) data5_q <= data4;
        strb5_q <= strb4;
        if (rst) we5_q <= {BANKS{1'b0}};
    end

    genvar g;
    generate
        for (g = 0; g < BANKS; g = g + 1) begin : g_bank
            assign data5_o[64*g +: 64] = upper5_q[g] ? data5_q[127:64] : data5_q[63:0];
            assign strb5_o[8*g +: 8] = upper5_q[g] ? strb5_q[15:8] : strb5_q[7:0];
        end
    endgenerate

    assign we5_o = we5_q;
    assign row5_o = row5_q;
endmodule
`default_nettype wire
