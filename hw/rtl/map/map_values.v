// SPDX-License-Identifier: BSD-3-Clause
// The memory of map_vmem (its head says what the ports do), with one thing more: an operation of port A that was accepted
// in clock c does nothing if a_drop_i is high in clock c + 1, and is not answered. So a cache can begin with an
// operation before it knows whether the line is there (map_ext).
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none

module map_values #(
    parameter BYTES  = 4096,  // size in bytes, a power of two, 32 to 2^30
    parameter TAG_W  = 1,     // bits of the tag, at least 1
    parameter B_WAIT = 0      // clocks that port B waits before port A is held for one; 0: never
) (
    input  wire             clk,
    input  wire             rst,

    input  wire             a_valid_i,
    output wire             a_ready_o,
    input  wire [1:0]       a_op_i,      // 0 load, 1 store, 2 atomic
    input  wire [3:0]       a_atomic_i,
    input  wire [3:0]       a_size_i,
    input  wire [31:0]      a_addr_i,
    input  wire [63:0]      a_data_i,
    input  wire [63:0]      a_expect_i,
    input  wire [TAG_W-1:0] a_tag_i,
    input  wire             a_drop_i,    // the operation accepted in the clock before does nothing

    output wire             r_valid_o,
    output wire [TAG_W-1:0] r_tag_o,
    output wire [63:0]      r_data_o,

    input  wire             b_valid_i,
    output wire             b_ready_o,
    input  wire             b_write_i,
    input  wire [31:0]      b_addr_i,
    input  wire [63:0]      b_data_i,
    input  wire [7:0]       b_strb_i,

    output wire             b_rvalid_o,
    output wire [63:0]      b_rdata_o
);
    localparam WORDS = BYTES / 16;       // in a bank
    localparam AW    = $clog2(WORDS);
    localparam TOP   = AW + 3;           // highest address bit

    generate
        if (BYTES < 32 || (1 << $clog2(BYTES)) != BYTES || TAG_W < 1 || B_WAIT < 0
            || B_WAIT > 65535) begin : g_illegal
            map_values_illegal_parameter u_stop ();
        end
    endgenerate

    // --- port A: bytes moved to their place in a pair of words, the first of which may be odd ---
    wire          a_go     = a_valid_i && a_ready_o;
    wire          a_atomic = a_op_i == 2'd2;
    wire          a_write  = a_op_i != 2'd0;
    wire [2:0]    a_shift  = !a_atomic ? a_addr_i[2:0] : a_size_i[3] ? 3'd0 : {a_addr_i[2], 2'd0};
    wire          a_odd    = a_addr_i[3];
    wire [AW-1:0] a_pair   = a_addr_i[TOP:4];
    wire [7:0]    a_bytes  = ~(8'hff << a_size_i);
    wire [15:0]   a_strb   = {8'd0, a_bytes} << a_shift;
    wire [63:0]   a_mask;
    wire [127:0]  a_data   = {64'd0, a_data_i & a_mask} << {a_shift, 3'd0};
    wire [63:0]   a_expect = a_expect_i << {a_shift, 3'd0};
    wire          a_second = |a_strb[15:8];
    wire          a_even_uses = a_go && (!a_odd || a_second);
    wire          a_odd_uses  = a_go && (a_odd || a_second);

    genvar g;
    generate
        for (g = 0; g < 8; g = g + 1) begin : g_mask
            assign a_mask[8*g+:8] = {8{a_bytes[g]}};
        end
    endgenerate

    // --- port B joins where its bank is free ---
    wire          b_odd    = b_addr_i[3];
    wire [AW-1:0] b_pair   = b_addr_i[TOP:4];
    wire          b_whole  = b_write_i && &b_strb_i;
    wire          b_blocked = (b_odd ? a_odd_uses : a_even_uses) && (a_write || !b_whole);
    reg           up_q;
    wire          hold;
    wire          b_go = b_valid_i && b_ready_o;
    wire          b_even_go = b_go && !b_odd;
    wire          b_odd_go  = b_go && b_odd;

    assign a_ready_o = up_q && !hold;
    assign b_ready_o = up_q && !b_blocked;

    // whose operation the bank took in the clock before: only port A's can be dropped
    reg b_even_wr1_q;
    reg b_odd_wr1_q;
    always @(posedge clk) begin
        b_even_wr1_q <= b_even_go;
        b_odd_wr1_q  <= b_odd_go;
    end

    wire [63:0] even_old;
    wire [63:0] odd_old;

    map_vmem_lane #(
        .WORDS(WORDS),
        .AW   (AW)
    ) u_even (
        .clk         (clk),
        .rst         (rst),
        .read_i      (a_even_uses || b_even_go),
        .read_word_i (a_even_uses ? a_pair + {{(AW - 1) {1'b0}}, a_odd} : b_pair),
        .write_i     ((a_even_uses && a_write) || (b_even_go && b_write_i)),
        .write_word_i(b_even_go ? b_pair : a_pair + {{(AW - 1) {1'b0}}, a_odd}),
        .strb_i      (b_even_go ? b_strb_i : a_odd ? a_strb[15:8] : a_strb[7:0]),
        .atomic_i    (b_even_go || !a_atomic ? `SPEC_ATOMIC_NONE : a_atomic_i),
        .data_i      (b_even_go ? b_data_i : a_odd ? a_data[127:64] : a_data[63:0]),
        .expect_i    (a_expect),
        .drop_i      (a_drop_i && !b_even_wr1_q),
        .old_o       (even_old)
    );

    map_vmem_lane #(
        .WORDS(WORDS),
        .AW   (AW)
    ) u_odd (
        .clk         (clk),
        .rst         (rst),
        .read_i      (a_odd_uses || b_odd_go),
        .read_word_i (a_odd_uses ? a_pair : b_pair),
        .write_i     ((a_odd_uses && a_write) || (b_odd_go && b_write_i)),
        .write_word_i(b_odd_go ? b_pair : a_pair),
        .strb_i      (b_odd_go ? b_strb_i : a_odd ? a_strb[7:0] : a_strb[15:8]),
        .atomic_i    (b_odd_go || !a_atomic ? `SPEC_ATOMIC_NONE : a_atomic_i),
        .data_i      (b_odd_go ? b_data_i : a_odd ? a_data[63:0] : a_data[127:64]),
        .expect_i    (a_expect),
        .drop_i      (a_drop_i && !b_odd_wr1_q),
        .old_o       (odd_old)
    );

    // --- what the answer needs, beside the banks ---
    reg [3:0]       a_valid_q;
    reg [3:0]       b_valid_q;
    reg [TAG_W-1:0] tag1_q, tag2_q, tag3_q, tag4_q;
    reg [2:0]       shift1_q, shift2_q, shift3_q;
    reg             odd1_q, odd2_q, odd3_q;
    reg [7:0]       bytes1_q, bytes2_q, bytes3_q;
    reg             b_odd1_q, b_odd2_q, b_odd3_q;
    reg [63:0]      r_data_q;
    reg [63:0]      b_rdata_q;

    wire [127:0] pair3 = odd3_q ? {even_old, odd_old} : {odd_old, even_old};
    wire [63:0]  word3;
    wire [63:0]  high_unused;
    wire [63:0]  mask3;
    assign {high_unused, word3} = pair3 >> {shift3_q, 3'd0};
    generate
        for (g = 0; g < 8; g = g + 1) begin : g_mask3
            assign mask3[8*g+:8] = {8{bytes3_q[g]}};
        end
    endgenerate

    always @(posedge clk) begin
        up_q      <= 1'b1;
        a_valid_q <= {a_valid_q[2:1], a_valid_q[0] && !a_drop_i, a_go};
        b_valid_q <= {b_valid_q[2:0], b_go && !b_write_i};
        tag1_q    <= a_tag_i;
        tag2_q    <= tag1_q;
        tag3_q    <= tag2_q;
        tag4_q    <= tag3_q;
        shift1_q  <= a_shift;
        shift2_q  <= shift1_q;
        shift3_q  <= shift2_q;
        odd1_q    <= a_odd;
        odd2_q    <= odd1_q;
        odd3_q    <= odd2_q;
        bytes1_q  <= a_bytes;
        bytes2_q  <= bytes1_q;
        bytes3_q  <= bytes2_q;
        b_odd1_q  <= b_odd;
        b_odd2_q  <= b_odd1_q;
        b_odd3_q  <= b_odd2_q;
        r_data_q  <= word3 & mask3;
        b_rdata_q <= b_odd3_q ? odd_old : even_old;
        if (rst) begin
            up_q      <= 1'b0;
            a_valid_q <= 4'd0;
            b_valid_q <= 4'd0;
        end
    end

    assign r_valid_o  = a_valid_q[3];
    assign r_tag_o    = tag4_q;
    assign r_data_o   = r_data_q;
    assign b_rvalid_o = b_valid_q[3];
    assign b_rdata_o  = b_rdata_q;

    map_hold #(
        .B_WAIT(B_WAIT)
    ) u_hold (
        .clk      (clk),
        .rst      (rst),
        .waiting_i(b_valid_i && !b_ready_o),
        .hold_o   (hold)
    );

    wire unused = &{1'b0, high_unused, a_addr_i[31:4], b_addr_i[31:4], b_addr_i[2:0]};
endmodule

`default_nettype wire
