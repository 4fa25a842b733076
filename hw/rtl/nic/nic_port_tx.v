// SPDX-License-Identifier: BSD-3-Clause
// Packets to a MAC: those of the program and those of the host, in the order in which their last beats came.
//
// Latency: 3 clocks from the last beat. Throughput: a beat a clock. Order: of all packets, as they were whole; of two at once the
// program's goes first. So a packet that the host sends in the program's place (ADR 20) is not passed by
// those behind it. Back-pressure: the host's packets wait for room; the program's never do: one without room is lost and counted.
`default_nettype none
module nic_port_tx #(
    parameter DEPTH = 256   // beats of each of the two stores, a power of two, at least 256
) (
    input  wire         clk,
    input  wire         rst,
    // the program's
    input  wire         p_valid_i,
    input  wire [511:0] p_data_i,
    input  wire [5:0]   p_tail_i,
    input  wire         p_last_i,
    // the host's
    input  wire         h_valid_i,
    output wire         h_ready_o,
    input  wire [511:0] h_data_i,
    input  wire [5:0]   h_tail_i,
    input  wire         h_last_i,
    input  wire         h_drop_i,

    output wire [511:0] m_axis_tdata,
    output wire [63:0]  m_axis_tkeep,
    output wire         m_axis_tvalid,
    input  wire         m_axis_tready,
    output wire         m_axis_tlast,
    // one pulse a packet
    output wire         sent_o,
    output wire [15:0]  sent_bytes_o,
    output wire         lost_o,
    output wire         idle_o
);
    wire [1:0]   valid;
    wire [1:0]   ready;
    wire [1:0]   last;
    wire [511:0] p_data;
    wire [511:0] h_data;
    wire [5:0]   p_tail;
    wire [5:0]   h_tail;
    wire         p_lost;
    wire         p_ready;
    wire [1:0]   done;
    wire         h_lost;
    reg  [9:0]   beats_q;   // of the packet so far

    nic_frame_fifo #(.DEPTH(DEPTH), .BLOCK(0)) u_program (
        .clk(clk), .rst(rst), .s_valid_i(p_valid_i), .s_ready_o(p_ready), .s_data_i(p_data_i),
        .s_tail_i(p_tail_i), .s_last_i(p_last_i), .s_keep_i(1'b1), .s_drop_i(1'b0), .s_lost_o(p_lost),
        .s_done_o(done[0]), .m_valid_o(valid[0]), .m_ready_i(ready[0]), .m_data_o(p_data),
        .m_tail_o(p_tail), .m_last_o(last[0]));
    nic_frame_fifo #(.DEPTH(DEPTH), .BLOCK(1)) u_host (
        .clk(clk), .rst(rst), .s_valid_i(h_valid_i), .s_ready_o(h_ready_o), .s_data_i(h_data_i),
        .s_tail_i(h_tail_i), .s_last_i(h_last_i), .s_keep_i(1'b1), .s_drop_i(h_drop_i), .s_lost_o(h_lost),
        .s_done_o(done[1]), .m_valid_o(valid[1]), .m_ready_i(ready[1]), .m_data_o(h_data),
        .m_tail_o(h_tail), .m_last_o(last[1]));

    // --- whose turn it is: an entry for each clock in which a packet was whole, a bit for each source. A store holds a packet a beat,
    // and one more in its output register.
    reg          valid_q;
    reg          last_q;
    reg  [5:0]   tail_q;
    reg  [511:0] data_q;
    wire         listed;
    wire [1:0]   who;
    reg          half_q;    // the program's packet of this entry is out, the host's is not
    wire         host = !who[0] || half_q;
    wire         free = !valid_q || m_axis_tready;
    wire         take = listed && free && valid[host];
    wire         ends = take && last[host];

    fifo_small #(.WIDTH(2), .DEPTH(4 * DEPTH)) u_order (
        .clk(clk), .rst(rst), .push_i(done != 2'd0), .data_i(done), .valid_o(listed), .pop_i(ends && (host || !who[1])),
        .data_o(who));

    assign ready = {take && host, take && !host};
    assign m_axis_tvalid = valid_q;
    assign m_axis_tlast = last_q;
    assign m_axis_tdata = data_q;

    always @(posedge clk) begin
        if (free) begin
            valid_q <= take;
            last_q <= last[host];
            {tail_q, data_q} <= host ? {h_tail, h_data} : {p_tail, p_data};
        end
        if (ends) half_q <= !host && who[1];
        if (rst) {valid_q, half_q} <= 2'd0;
    end

    assign m_axis_tkeep = last_q && tail_q != 6'd0 ? ~({64{1'b1}} << tail_q) : {64{1'b1}};
    assign sent_o = m_axis_tvalid && m_axis_tready && m_axis_tlast;
    assign sent_bytes_o = {beats_q, 6'd0} + {9'd0, tail_q == 6'd0, tail_q};
    assign lost_o = p_valid_i && p_last_i && p_lost;
    assign idle_o = valid == 2'd0 && !m_axis_tvalid;

    always @(posedge clk) begin
        if (m_axis_tvalid && m_axis_tready) beats_q <= m_axis_tlast ? 10'd0 : beats_q + 10'd1;
        if (rst) beats_q <= 10'd0;
    end

    wire unused = &{1'b0, p_ready, h_lost};
endmodule
`default_nettype wire
