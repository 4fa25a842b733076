// SPDX-License-Identifier: BSD-3-Clause
// What a packet brings and leaves besides its bytes, by packet slot: input words, output words, return value; and the
// order in which packets leave. Output words that the program does not write have their defaults: data = PKT_BASE,
// data_end = PKT_BASE + length, redirect = 0, meta = 0, events = 0, hold = 0; those of a packet that its limit ends have them
// again. Behind a packet with hold no other is given to the egress until it is released.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_io #(
    parameter SLOT_W = 4
) (
    input  wire              clk,
    input  wire              rst,
    // from the ingress: a packet is complete
    input  wire              meta_we_i,
    input  wire [SLOT_W-1:0] meta_slot_i,
    input  wire [`SPEC_IN_TUSER_BITS-1:0] meta_i,
    // stage 2 and 3: input words
    input  wire [SLOT_W-1:0] slot2_i,
    output wire [`SPEC_IN_TUSER_BITS-1:0] meta3_o,
    // a packet starts
    input  wire              start_i,
    input  wire [SLOT_W-1:0] start_slot_i,
    // stage 4: output words, one bit and one operand a lane
    input  wire [SLOT_W-1:0] slot4_i,
    input  wire [3:0]        out4_i,
    input  wire [11:0]       word4_i,
    input  wire [255:0]      operand4_i,
    // stage 6: end of the program
    input  wire              exit6_i,
    input  wire [SLOT_W-1:0] slot6_i,
    input  wire [31:0]       ret6_i,
    input  wire              limit6_i,        // the program's limit ended it
    input  wire              retire_i,
    input  wire [SLOT_W-1:0] retire_slot_i,
    output wire              retire_keep_o,   // the packet that retires has hold
    // packets with hold
    input  wire              release_i,
    output wire              held_o,          // one has been given to the egress,
    output wire [SLOT_W-1:0] held_slot_o,     // from there
    // to the egress, in order of arrival
    output wire              m_valid_o,
    input  wire              m_ready_i,
    output wire [SLOT_W-1:0] m_slot_o,
    output wire [15:0]       m_data_o,
    output wire [15:0]       m_end_o,
    output wire [63:0]       m_redirect_o,
    output wire [7:0]        m_meta_o,
    output wire [7:0]        m_events_o,
    output wire [31:0]       m_ret_o
);
    localparam SLOTS = 1 << SLOT_W;
    localparam [15:0] BASE = `SPEC_PKT_BASE;

    // input words
    (* ram_style = "distributed" *) reg [`SPEC_IN_TUSER_BITS-1:0] meta_q [0:SLOTS-1];
    reg [`SPEC_IN_TUSER_BITS-1:0] meta3_q;

    always @(posedge clk) begin
        if (meta_we_i) meta_q[meta_slot_i] <= meta_i;
        meta3_q <= meta_q[slot2_i];
    end

    // output words: which lane writes which; the highest lane wins
    reg  [5:0]   we4;
    reg  [383:0] data4;              // 64 bits a word
    wire         unused = &{1'b0, data4[383:321], data4[319:264], data4[255:200], data4[127:80], data4[63:16]};
    integer      l;
    integer      w;

    always @* begin
        we4 = 6'd0;
        for (w = 0; w < 6; w = w + 1) begin
            data4[64*w +: 64] = 64'd0;
            for (l = 0; l < 4; l = l + 1) begin
                if (out4_i[l] && word4_i[3*l +: 3] == w[2:0]) begin
                    we4[w] = 1'b1;
                    data4[64*w +: 64] = operand4_i[64*l +: 64];
                end
            end
        end
    end

    reg  [SLOTS-1:0] set_data_q;
    reg  [SLOTS-1:0] set_end_q;
    reg  [SLOTS-1:0] set_redirect_q;
    reg  [SLOTS-1:0] set_meta_q;
    reg  [SLOTS-1:0] set_events_q;
    reg  [SLOTS-1:0] hold_q;
    reg              held_q;
    reg  [SLOT_W-1:0] held_slot_q;
    reg  [SLOTS-1:0] done_q;
    reg  [SLOT_W-1:0] out_q;
    wire [15:0]      length;
    wire [15:0]      data;
    wire [15:0]      data_end;
    wire [63:0]      redirect;
    wire [7:0]       meta;
    wire [7:0]       events;

    always @(posedge clk) begin
        if (start_i) begin
            set_data_q[start_slot_i] <= 1'b0;
            set_end_q[start_slot_i] <= 1'b0;
            set_redirect_q[start_slot_i] <= 1'b0;
            set_meta_q[start_slot_i] <= 1'b0;
            set_events_q[start_slot_i] <= 1'b0;
            hold_q[start_slot_i] <= 1'b0;
        end
        if (we4[0]) set_data_q[slot4_i] <= 1'b1;
        if (we4[1]) set_end_q[slot4_i] <= 1'b1;
        if (we4[2]) set_redirect_q[slot4_i] <= 1'b1;
        if (we4[3]) set_meta_q[slot4_i] <= 1'b1;
        if (we4[4]) set_events_q[slot4_i] <= 1'b1;
        if (we4[5]) hold_q[slot4_i] <= data4[320];
        if (limit6_i) begin
            set_data_q[slot6_i] <= 1'b0;
            set_end_q[slot6_i] <= 1'b0;
            set_redirect_q[slot6_i] <= 1'b0;
            set_meta_q[slot6_i] <= 1'b0;
            set_events_q[slot6_i] <= 1'b0;
            hold_q[slot6_i] <= 1'b0;
        end
        if (release_i) held_q <= 1'b0;
        if (retire_i) done_q[retire_slot_i] <= 1'b1;
        if (m_valid_o && m_ready_i) begin
            done_q[out_q] <= 1'b0;
            out_q <= out_q + 1'b1;
            held_q <= hold_q[out_q];
            held_slot_q <= out_q;
        end
        if (rst) begin
            held_q <= 1'b0;
            done_q <= {SLOTS{1'b0}};
            out_q <= {SLOT_W{1'b0}};
        end
    end

    ram_lut #(.WIDTH(16), .DEPTH(SLOTS)) u_length (
        .clk(clk), .we_i(meta_we_i), .waddr_i(meta_slot_i),
        .wdata_i(meta_i[`SPEC_IN_LEN_LSB +: `SPEC_IN_LEN_BITS]), .raddr_i(out_q), .rdata_o(length));
    ram_lut #(.WIDTH(16), .DEPTH(SLOTS)) u_data (
        .clk(clk), .we_i(we4[0]), .waddr_i(slot4_i), .wdata_i(data4[15:0]),
        .raddr_i(out_q), .rdata_o(data));
    ram_lut #(.WIDTH(16), .DEPTH(SLOTS)) u_end (
        .clk(clk), .we_i(we4[1]), .waddr_i(slot4_i), .wdata_i(data4[79:64]),
        .raddr_i(out_q), .rdata_o(data_end));
    ram_lut #(.WIDTH(64), .DEPTH(SLOTS)) u_redirect (
        .clk(clk), .we_i(we4[2]), .waddr_i(slot4_i), .wdata_i(data4[191:128]),
        .raddr_i(out_q), .rdata_o(redirect));
    ram_lut #(.WIDTH(8), .DEPTH(SLOTS)) u_meta (
        .clk(clk), .we_i(we4[3]), .waddr_i(slot4_i), .wdata_i(data4[199:192]),
        .raddr_i(out_q), .rdata_o(meta));
    ram_lut #(.WIDTH(8), .DEPTH(SLOTS)) u_events (
        .clk(clk), .we_i(we4[4]), .waddr_i(slot4_i), .wdata_i(data4[263:256]),
        .raddr_i(out_q), .rdata_o(events));
    ram_lut #(.WIDTH(32), .DEPTH(SLOTS)) u_ret (
        .clk(clk), .we_i(exit6_i), .waddr_i(slot6_i), .wdata_i(ret6_i),
        .raddr_i(out_q), .rdata_o(m_ret_o));

    assign meta3_o = meta3_q;
    assign retire_keep_o = hold_q[retire_slot_i] && !(limit6_i && slot6_i == retire_slot_i);
    assign held_o = held_q;
    assign held_slot_o = held_slot_q;
    assign m_valid_o = done_q[out_q] && !held_q;
    assign m_slot_o = out_q;
    assign m_data_o = set_data_q[out_q] ? data : BASE;
    assign m_end_o = set_end_q[out_q] ? data_end : BASE + length;
    assign m_redirect_o = set_redirect_q[out_q] ? redirect : 64'd0;
    assign m_meta_o = set_meta_q[out_q] ? meta : 8'd0;
    assign m_events_o = set_events_q[out_q] ? events : 8'd0;
endmodule
`default_nettype wire
