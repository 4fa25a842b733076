// SPDX-License-Identifier: BSD-3-Clause
// The way past the slot, for shells whose packets go on without a program: streams to the slot and from it, with a second way between them.
// The way changes between two packets, when nothing is inside; until it has, packets wait.
//
// Latency: none through the slot, 1 clock past it. Throughput: a beat a clock. Order: kept. Back-pressure: that of the way that is open.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module nic_past (
    input  wire         clk,
    input  wire         rst,
    input  wire         on_i,           // through the slot
    input  wire         inside_i,       // packets are inside, on either way
    output wire         through_o,      // those that are inside go through the slot
    // in
    input  wire         s_valid_i,
    output wire         s_ready_o,
    input  wire         s_last_i,
    input  wire [511:0] s_data_i,
    input  wire [15:0]  s_len_i,        // of the packet
    // to the slot, with the same data
    output wire         slot_valid_o,
    input  wire         slot_ready_i,
    // from the slot
    input  wire         slot_valid_i,
    output wire         slot_ready_o,
    input  wire         slot_last_i,
    input  wire [511:0] slot_data_i,
    input  wire [`SPEC_OUT_TUSER_BITS-1:0] slot_user_i,
    // out
    output wire         m_valid_o,
    input  wire         m_ready_i,
    output wire         m_last_o,
    output wire [511:0] m_data_o,
    output wire [`SPEC_OUT_TUSER_BITS-1:0] m_user_o
);
    localparam PASS_W = 512 + 1 + 16;

    reg         through_q;
    reg         first_q;        // the next beat begins a packet
    wire        turns = first_q && through_q != on_i;
    wire        pass_ready;
    wire        pass_valid;
    wire        pass_last;
    wire [511:0] pass_data;
    wire [15:0] pass_len;
    wire [`SPEC_OUT_TUSER_BITS-1:0] pass_user;      // as that of XDP_PASS
    assign pass_user[`SPEC_OUT_RET_LSB +: `SPEC_OUT_RET_BITS] = 32'd2;
    assign pass_user[`SPEC_OUT_REDIRECT_LSB +: `SPEC_OUT_REDIRECT_BITS] = {`SPEC_OUT_REDIRECT_BITS{1'b0}};
    assign pass_user[`SPEC_OUT_LEN_LSB +: `SPEC_OUT_LEN_BITS] = pass_len;
    assign pass_user[`SPEC_OUT_META_LSB +: `SPEC_OUT_META_BITS] = {`SPEC_OUT_META_BITS{1'b0}};
    assign pass_user[`SPEC_OUT_EVENTS_LSB +: `SPEC_OUT_EVENTS_BITS] = {`SPEC_OUT_EVENTS_BITS{1'b0}};

    assign through_o = through_q;
    assign s_ready_o = (through_q ? slot_ready_i : pass_ready) && !turns;
    assign slot_valid_o = s_valid_i && through_q && !turns;
    assign slot_ready_o = m_ready_i && through_q;
    assign m_valid_o = through_q ? slot_valid_i : pass_valid;
    assign m_last_o = through_q ? slot_last_i : pass_last;
    assign m_data_o = through_q ? slot_data_i : pass_data;
    assign m_user_o = through_q ? slot_user_i : pass_user;

    pipe_fifo #(.WIDTH(PASS_W), .DEPTH(4)) u_pass (
        .clk(clk), .rst(rst), .s_valid_i(s_valid_i && !through_q && !turns), .s_ready_o(pass_ready),
        .s_data_i({s_data_i, s_last_i, s_len_i}), .m_valid_o(pass_valid), .m_ready_i(m_ready_i && !through_q),
        .m_data_o({pass_data, pass_last, pass_len}));

    always @(posedge clk) begin
        if (turns && !inside_i) through_q <= on_i;
        if (s_valid_i && s_ready_o) first_q <= s_last_i;
        if (rst) begin
            through_q <= 1'b0;
            first_q <= 1'b1;
        end
    end
endmodule
`default_nettype wire
