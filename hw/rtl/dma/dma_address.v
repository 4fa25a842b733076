// SPDX-License-Identifier: BSD-3-Clause
// An address channel of several AXI4 masters to one: bursts in turn. A master's number is its id.
//
// Latency: 1 clock. Throughput: a burst a clock. Back-pressure: that of the channel, and room_i.
`default_nettype none
module dma_address #(
    parameter MASTERS = 3   // 1 to 16
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire                  room_i,        // a burst may begin
    input  wire [MASTERS-1:0]    s_valid_i,
    output wire [MASTERS-1:0]    s_ready_o,
    input  wire [64*MASTERS-1:0] s_addr_i,
    input  wire [8*MASTERS-1:0]  s_len_i,
    output wire                  accept_o,      // a burst is taken,
    output wire [3:0]            pick_o,        // of this master
    output wire [3:0]            m_id_o,
    output wire [63:0]           m_addr_o,
    output wire [7:0]            m_len_o,
    output wire                  m_valid_o,
    input  wire                  m_ready_i
);
    generate
        if (MASTERS < 1 || MASTERS > 16) begin : g_illegal
            dma_address_illegal_parameter u_stop ();
        end
    endgenerate

    reg  [3:0]   turn_q;        // who had the last turn: the id, too
    reg  [63:0]  addr_q;
    reg  [7:0]   len_q;
    reg          valid_q;
    wire [3:0]   pick;
    wire         found;
    reg  [63:0]  addr;
    reg  [7:0]   len;
    wire         accept = found && room_i && (!valid_q || m_ready_i);
    integer      i;
    genvar       g;

    turn_next #(.SOURCES(MASTERS), .TURN_W(4)) u_turn (
        .ask_i(s_valid_i), .turn_i(turn_q), .found_o(found), .pick_o(pick));

    always @* begin
        addr = 64'd0;
        len = 8'd0;
        for (i = 0; i < MASTERS; i = i + 1)
            if (pick == i[3:0]) begin
                addr = s_addr_i[64*i +: 64];
                len = s_len_i[8*i +: 8];
            end
    end

    generate
        for (g = 0; g < MASTERS; g = g + 1) begin : g_master
            assign s_ready_o[g] = accept && pick == g;
        end
    endgenerate

    always @(posedge clk) begin
        if (!valid_q || m_ready_i) valid_q <= accept;
        if (accept) begin
            turn_q <= pick;
            addr_q <= addr;
            len_q <= len;
        end
        if (rst) begin
            valid_q <= 1'b0;
            turn_q <= 4'd0;
        end
    end

    assign accept_o = accept;
    assign pick_o = pick;
    assign m_id_o = turn_q;
    assign m_addr_o = addr_q;
    assign m_len_o = len_q;
    assign m_valid_o = valid_q;
endmodule
`default_nettype wire
