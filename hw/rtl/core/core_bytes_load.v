// SPDX-License-Identifier: BSD-3-Clause
// Byte-aligned load of 1 to 8 bytes from a memory of BANKS banks of 8 bytes: an access touches at most two neighbouring
// banks. Address at stage 4, bank addresses at stage 5, words at stage 6, value at stage 8; one a clock.
`default_nettype none
module core_bytes_load #(
    parameter BANKS = 8,     // banks of 8 bytes: 2 or 8
    parameter ROW_W = 12     // bits of a bank's word address
) (
    input  wire                    clk,
    input  wire                    rst,
    input  wire                    en4_i,
    input  wire [ROW_W+$clog2(BANKS)+2:0] addr4_i,   // byte address
    input  wire [3:0]              size4_i,
    input  wire                    swap4_i,          // big-endian
    // memory, stage 5 and 6
    output wire [BANKS-1:0]        ren5_o,
    output wire [BANKS*ROW_W-1:0]  row5_o,
    input  wire [64*BANKS-1:0]     data6_i,
    // stage 8, zero-extended
    output wire [63:0]             value8_o
);
    generate
        if ((BANKS != 2 && BANKS != 8) || ROW_W < 1) begin : g_illegal
            core_bytes_load_illegal_parameter u_stop ();
        end
    endgenerate

    localparam BANK_W = $clog2(BANKS);

    wire [ROW_W-1:0]  row4 = addr4_i[ROW_W+BANK_W+2 -: ROW_W];
    wire [BANK_W-1:0] bank4 = addr4_i[BANK_W+2:3];
    wire [BANK_W-1:0] next4 = bank4 + 1'b1;
    wire [4:0]        end4 = {2'd0, addr4_i[2:0]} + {1'b0, size4_i};
    wire              cross4 = end4 > 5'd8;

    reg  [BANKS-1:0]       ren5_q;
    reg  [BANKS*ROW_W-1:0] row5_q;
    reg  [BANK_W-1:0]      bank5_q;
    reg  [BANK_W-1:0]      bank6_q;
    reg  [2:0]             byte5_q;
    reg  [2:0]             byte6_q;
    reg  [2:0]             byte7_q;
    reg  [2:0]             size5_q;
    reg  [2:0]             size6_q;
    reg  [2:0]             size7_q;
    reg                    swap5_q;
    reg                    swap6_q;
    reg                    swap7_q;
    reg  [63:0]            low7_q;
    reg  [63:0]            high7_q;
    reg  [63:0]            value8_q;
    integer                b;

    always @(posedge clk) begin
        for (b = 0; b < BANKS; b = b + 1) begin
            ren5_q[b] <= en4_i && (bank4 == b[BANK_W-1:0] || (cross4 && next4 == b[BANK_W-1:0]));
            row5_q[ROW_W*b +: ROW_W] <= b[BANK_W-1:0] < bank4 ? row4 + 1'b1 : row4;
        end
        bank5_q <= bank4;
        byte5_q <= addr4_i[2:0];
        size5_q <= size4_i[2:0];
        swap5_q <= swap4_i;
        bank6_q <= bank5_q;
        byte6_q <= byte5_q;
        size6_q <= size5_q;
        swap6_q <= swap5_q;
        byte7_q <= byte6_q;
        size7_q <= size6_q;
        swap7_q <= swap6_q;
        if (rst) ren5_q <= {BANKS{1'b0}};
    end

    // stage 6: the two words; stage 7: shift, cut, swap
    wire [BANK_W-1:0] next6 = bank6_q + 1'b1;
    wire [127:0]      pair7 = {high7_q, low7_q} >> {byte7_q, 3'd0};
    wire [63:0]       raw7 = pair7[63:0];
    wire              unused = &{1'b0, pair7[127:64]};
    wire [63:0]       swapped7 = {raw7[7:0], raw7[15:8], raw7[23:16], raw7[31:24],
                                  raw7[39:32], raw7[47:40], raw7[55:48], raw7[63:56]};
    wire [2:0]        pad7 = 3'd0 - size7_q;
    wire [63:0]       keep7 = 64'hffff_ffff_ffff_ffff >> {pad7, 3'd0};

    always @(posedge clk) begin
        low7_q   <= data6_i[64*bank6_q +: 64];
        high7_q  <= data6_i[64*next6 +: 64];
        value8_q <= swap7_q ? swapped7 >> {pad7, 3'd0} : raw7 & keep7;
    end

    assign ren5_o = ren5_q;
    assign row5_o = row5_q;
    assign value8_o = value8_q;
endmodule
`default_nettype wire
