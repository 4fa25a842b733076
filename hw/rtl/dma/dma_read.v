// SPDX-License-Identifier: BSD-3-Clause
// AXI4 read channels of several masters to one: bursts in turn. A master's number is its id, each master's data come in its order,
// and masters always take them.
//
// Latency: 1 clock for addresses, none for data. Throughput: a burst a clock. Back-pressure: that of the address channel.
`default_nettype none
module dma_read #(
    parameter MASTERS = 3   // 1 to 16
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire [MASTERS-1:0]     s_ar_valid_i,
    output wire [MASTERS-1:0]     s_ar_ready_o,
    input  wire [64*MASTERS-1:0]  s_ar_addr_i,
    input  wire [8*MASTERS-1:0]   s_ar_len_i,
    output wire [MASTERS-1:0]     s_r_valid_o,
    output wire [511:0]           s_r_data_o,
    output wire                   s_r_error_o,
    output wire                   failed_o,     // a burst has ended in which a beat was an error

    output wire [3:0]             m_axi_arid,
    output wire [63:0]            m_axi_araddr,
    output wire [7:0]             m_axi_arlen,
    output wire                   m_axi_arvalid,
    input  wire                   m_axi_arready,
    input  wire [3:0]             m_axi_rid,
    input  wire [511:0]           m_axi_rdata,
    input  wire [1:0]             m_axi_rresp,
    input  wire                   m_axi_rlast,
    input  wire                   m_axi_rvalid,
    output wire                   m_axi_rready
);
    generate
        if (MASTERS < 1 || MASTERS > 16) begin : g_illegal
            dma_read_illegal_parameter u_stop ();
        end
    endgenerate

    wire         accept;
    wire [3:0]   pick;
    dma_address #(.MASTERS(MASTERS)) u_address (
        .clk(clk), .rst(rst), .room_i(1'b1), .s_valid_i(s_ar_valid_i), .s_ready_o(s_ar_ready_o),
        .s_addr_i(s_ar_addr_i), .s_len_i(s_ar_len_i), .accept_o(accept), .pick_o(pick), .m_id_o(m_axi_arid),
        .m_addr_o(m_axi_araddr), .m_len_o(m_axi_arlen), .m_valid_o(m_axi_arvalid), .m_ready_i(m_axi_arready));

    genvar g;
    generate
        for (g = 0; g < MASTERS; g = g + 1) begin : g_master
            assign s_r_valid_o[g] = m_axi_rvalid && m_axi_rid == g;
        end
    endgenerate

    // beats of different bursts may come in turn
    reg  [15:0]  seen_q;
    assign failed_o = m_axi_rvalid && m_axi_rlast && (s_r_error_o || seen_q[m_axi_rid]);
    always @(posedge clk) begin
        if (m_axi_rvalid) seen_q[m_axi_rid] <= !m_axi_rlast && (s_r_error_o || seen_q[m_axi_rid]);
        if (rst) seen_q <= 16'd0;
    end

    assign m_axi_rready = 1'b1;
    assign s_r_data_o = m_axi_rdata;
    assign s_r_error_o = m_axi_rresp != 2'd0;

    wire unused = &{1'b0, accept, pick};
endmodule
`default_nettype wire
