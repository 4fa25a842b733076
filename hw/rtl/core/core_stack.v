// SPDX-License-Identifier: BSD-3-Clause
// Stack memory of all contexts: SPEC_STACK_BYTES each, byte-aligned access of 1 to 8 bytes, a load or a store a clock.
// Address at stage 4, access at stage 5, value at stage 8. Addresses wrap within the context's stack.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_stack (
    input  wire        clk,
    input  wire        rst,
    input  wire [2:0]  ctx4_i,
    input  wire        load4_i,
    input  wire        store4_i,
    input  wire [8:0]  addr4_i,
    input  wire [3:0]  size4_i,
    input  wire [63:0] data4_i,
    output wire [63:0] value8_o
);
    localparam ROW_W = 8;   // 8 contexts, 32 words each in a bank

    wire [11:0]  addr4 = {ctx4_i, addr4_i};
    wire [1:0]   ren5;
    wire [15:0]  rrow5;
    wire [127:0] data6;
    wire [1:0]   we5;
    wire [15:0]  wrow5;
    wire [127:0] wdata5;
    wire [15:0]  wstrb5;

    core_bytes_load #(.BANKS(2), .ROW_W(ROW_W)) u_load (
        .clk(clk), .rst(rst), .en4_i(load4_i), .addr4_i(addr4), .size4_i(size4_i), .swap4_i(1'b0),
        .ren5_o(ren5), .row5_o(rrow5), .data6_i(data6), .value8_o(value8_o));

    core_bytes_store #(.BANKS(2), .ROW_W(ROW_W)) u_store (
        .clk(clk), .rst(rst), .en4_i(store4_i), .addr4_i(addr4), .size4_i(size4_i),
        .data4_i(data4_i), .we5_o(we5), .row5_o(wrow5), .data5_o(wdata5), .strb5_o(wstrb5));

    genvar b;
    generate
        for (b = 0; b < 2; b = b + 1) begin : g_bank
            ram_1w1r #(.WIDTH(64), .DEPTH(1 << ROW_W)) u_ram (
                .clk(clk), .we_i(we5[b]), .waddr_i(wrow5[ROW_W*b +: ROW_W]),
                .wdata_i(wdata5[64*b +: 64]), .wstrb_i(wstrb5[8*b +: 8]),
                .ren_i(ren5[b]), .raddr_i(rrow5[ROW_W*b +: ROW_W]),
                .rdata_o(data6[64*b +: 64]));
        end
    endgenerate
endmodule
`default_nettype wire
