// SPDX-License-Identifier: BSD-3-Clause
// Packets to a MAC: those of the program and those of the host, whole ones in turn, each after its last beat is there.
//
// Latency: 3 clocks from the last beat. Throughput: a beat a clock. Order: kept for each source. Back-pressure: the host's packets
// wait for room; the program's never do: one without room is lost and counted.
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
    wire [3:0]   port;
    wire [5:0]   tail;
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
    nic_merge #(.PORTS(2), .WIDTH(518)) u_merge (
        .clk(clk), .rst(rst), .s_valid_i(valid), .s_ready_o(ready), .s_last_i(last),
        .s_data_i({h_tail, h_data, p_tail, p_data}), .m_valid_o(m_axis_tvalid), .m_ready_i(m_axis_tready),
        .m_last_o(m_axis_tlast), .m_port_o(port), .m_data_o({tail, m_axis_tdata}));

    assign m_axis_tkeep = m_axis_tlast && tail != 6'd0 ? ~({64{1'b1}} << tail) : {64{1'b1}};
    assign sent_o = m_axis_tvalid && m_axis_tready && m_axis_tlast;
    assign sent_bytes_o = {beats_q, 6'd0} + {9'd0, tail == 6'd0, tail};
    assign lost_o = p_valid_i && p_last_i && p_lost;
    assign idle_o = valid == 2'd0 && !m_axis_tvalid;

    always @(posedge clk) begin
        if (m_axis_tvalid && m_axis_tready) beats_q <= m_axis_tlast ? 10'd0 : beats_q + 10'd1;
        if (rst) beats_q <= 10'd0;
    end

    wire unused = &{1'b0, p_ready, done, h_lost, port};
endmodule
`default_nettype wire
