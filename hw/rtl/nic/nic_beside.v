// SPDX-License-Identifier: BSD-3-Clause
// What goes past the slot: packets on their way in get a number, and what the program need not know waits here until the packet
// comes out; the slot keeps the order. A watchdog sees to it that packets do come out.
//
// Latency: none for packets. Throughput: a beat a clock. Back-pressure: the slot's, and a packet waits while PACKETS are inside.
`default_nettype none
module nic_beside #(
    parameter WIDTH = 8,        // bits that wait, at least 1
    parameter PACKETS = 1024    // a power of two, at least 2, no fewer than the slot ever holds
) (
    input  wire             clk,
    input  wire             rst,
    input  wire             clear_i,        // not hung
    input  wire [31:0]      watchdog_i,     // clocks without a packet out, 0: for ever
    // in
    input  wire             s_valid_i,
    output wire             s_ready_o,
    input  wire             s_last_i,
    input  wire [WIDTH-1:0] s_data_i,
    // to the slot
    output wire             m_valid_o,
    input  wire             m_ready_i,
    // out of it
    output wire             valid_o,
    input  wire             pop_i,
    output wire [WIDTH-1:0] data_o,
    output wire [63:0]      number_o,
    output wire             inside_o,       // packets are inside
    output wire             hung_o
);
    reg         first_q;
    reg  [63:0] number_q;
    reg  [31:0] inside_q;
    reg  [31:0] wait_q;
    reg         hung_q;
    wire        room;
    wire        go = s_valid_i && s_ready_o;
    wire        enter = go && first_q;

    assign m_valid_o = s_valid_i && (room || !first_q);
    assign s_ready_o = m_ready_i && (room || !first_q);
    assign inside_o = inside_q != 32'd0;
    assign hung_o = hung_q;

    pipe_fifo #(.WIDTH(WIDTH + 64), .DEPTH(PACKETS)) u_fifo (
        .clk(clk), .rst(rst), .s_valid_i(enter), .s_ready_o(room), .s_data_i({number_q, s_data_i}), .m_valid_o(valid_o),
        .m_ready_i(pop_i), .m_data_o({number_o, data_o}));

    always @(posedge clk) begin
        if (go) first_q <= s_last_i;
        if (enter) number_q <= number_q + 64'd1;
        inside_q <= inside_q + {31'd0, enter} - {31'd0, pop_i};
        wait_q <= pop_i || !inside_o ? 32'd0 : wait_q + 32'd1;
        if (watchdog_i != 32'd0 && wait_q >= watchdog_i) hung_q <= 1'b1;
        if (clear_i) {hung_q, wait_q} <= 33'd0;
        if (rst) begin
            first_q <= 1'b1;
            number_q <= 64'd0;
            inside_q <= 32'd0;
            wait_q <= 32'd0;
            hung_q <= 1'b0;
        end
    end
endmodule
`default_nettype wire
