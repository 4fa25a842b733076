// SPDX-License-Identifier: BSD-3-Clause
// Packet buffers of all slots, 8 banks of 8 bytes, in three copies of one write and one read port each: for the loads of
// lane 0, for those of lane 1, and for the egress. So loads, 64 bytes a clock out, and one writer (stores of lane 2
// first, then the zero engine, then 64 bytes a clock in) never disturb one another. A write takes effect 2
// clocks after it was offered; a read takes 1 clock.
`default_nettype none
module core_pktmem #(
    parameter ROW_W = 12       // log2 of all buffers' bytes / 64
) (
    input  wire               clk,
    input  wire               rst,
    // stores
    input  wire [7:0]         st_we_i,
    input  wire [8*ROW_W-1:0] st_row_i,
    input  wire [511:0]       st_data_i,
    input  wire [63:0]        st_strb_i,
    // zero engine: bytes of one row
    input  wire               z_valid_i,
    output wire               z_ready_o,
    input  wire [ROW_W-1:0]   z_row_i,
    input  wire [63:0]        z_strb_i,
    // ingress: one row
    input  wire               in_valid_i,
    output wire               in_ready_o,
    input  wire [ROW_W-1:0]   in_row_i,
    input  wire [511:0]       in_data_i,
    // loads of lane 0 and 1
    input  wire [7:0]         ld0_ren_i,
    input  wire [8*ROW_W-1:0] ld0_row_i,
    output wire [511:0]       ld0_data_o,
    input  wire [7:0]         ld1_ren_i,
    input  wire [8*ROW_W-1:0] ld1_row_i,
    output wire [511:0]       ld1_data_o,
    // egress: one row
    input  wire               out_ren_i,
    input  wire [ROW_W-1:0]   out_row_i,
    output wire [511:0]       out_data_o
);
    wire               st = |st_we_i;
    reg  [7:0]         we_q;
    reg  [8*ROW_W-1:0] row_q;
    reg  [511:0]       data_q;
    reg  [63:0]        strb_q;

    assign z_ready_o = !st;
    assign in_ready_o = !st && !z_valid_i;

    always @(posedge clk) begin
        we_q <= st ? st_we_i : {8{z_valid_i || in_valid_i}};
        if (st) begin
            row_q  <= st_row_i;
            data_q <= st_data_i;
            strb_q <= st_strb_i;
        end else if (z_valid_i) begin
            row_q  <= {8{z_row_i}};
            data_q <= 512'd0;
            strb_q <= z_strb_i;
        end else if (in_valid_i) begin
            row_q  <= {8{in_row_i}};
            data_q <= in_data_i;
            strb_q <= {64{1'b1}};
        end
        if (rst) we_q <= 8'd0;
    end

    genvar b;
    generate
        for (b = 0; b < 8; b = b + 1) begin : g_bank
            ram_1w1r #(.WIDTH(64), .DEPTH(1 << ROW_W)) u_ld0 (
                .clk(clk), .we_i(we_q[b]), .waddr_i(row_q[ROW_W*b +: ROW_W]),
                .wdata_i(data_q[64*b +: 64]), .wstrb_i(strb_q[8*b +: 8]),
                .ren_i(ld0_ren_i[b]), .raddr_i(ld0_row_i[ROW_W*b +: ROW_W]),
                .rdata_o(ld0_data_o[64*b +: 64]));
            ram_1w1r #(.WIDTH(64), .DEPTH(1 << ROW_W)) u_ld1 (
                .clk(clk), .we_i(we_q[b]), .waddr_i(row_q[ROW_W*b +: ROW_W]),
                .wdata_i(data_q[64*b +: 64]), .wstrb_i(strb_q[8*b +: 8]),
                .ren_i(ld1_ren_i[b]), .raddr_i(ld1_row_i[ROW_W*b +: ROW_W]),
                .rdata_o(ld1_data_o[64*b +: 64]));
            ram_1w1r #(.WIDTH(64), .DEPTH(1 << ROW_W)) u_out (
                .clk(clk), .we_i(we_q[b]), .waddr_i(row_q[ROW_W*b +: ROW_W]),
                .wdata_i(data_q[64*b +: 64]), .wstrb_i(strb_q[8*b +: 8]),
                .ren_i(out_ren_i), .raddr_i(out_row_i), .rdata_o(out_data_o[64*b +: 64]));
        end
    endgenerate
endmodule
`default_nettype wire
