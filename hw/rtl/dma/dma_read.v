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

    reg  [3:0]   turn_q;
    reg  [3:0]   id_q;
    reg  [63:0]  addr_q;
    reg  [7:0]   len_q;
    reg          valid_q;
    reg  [3:0]   pick;
    reg          found;
    reg  [63:0]  addr;
    reg  [7:0]   len;
    wire         accept = found && (!valid_q || m_axi_arready);
    integer      i;

    always @* begin
        pick = 4'd0;
        found = 1'b0;
        for (i = 0; i < MASTERS; i = i + 1)
            if (!found && i > turn_q && s_ar_valid_i[i]) begin
                pick = i[3:0];
                found = 1'b1;
            end
        for (i = 0; i < MASTERS; i = i + 1)
            if (!found && s_ar_valid_i[i]) begin
                pick = i[3:0];
                found = 1'b1;
            end
        addr = 64'd0;
        len = 8'd0;
        for (i = 0; i < MASTERS; i = i + 1)
            if (pick == i[3:0]) begin
                addr = s_ar_addr_i[64*i +: 64];
                len = s_ar_len_i[8*i +: 8];
            end
    end

    genvar g;
    generate
        for (g = 0; g < MASTERS; g = g + 1) begin : g_master
            assign s_ar_ready_o[g] = accept && pick == g;
            assign s_r_valid_o[g] = m_axi_rvalid && m_axi_rid == g;
        end
    endgenerate

    always @(posedge clk) begin
        if (!valid_q || m_axi_arready) valid_q <= accept;
        if (accept) begin
            turn_q <= pick;
            id_q <= pick;
            addr_q <= addr;
            len_q <= len;
        end
        if (rst) begin
            valid_q <= 1'b0;
            turn_q <= 4'd0;
        end
    end

    // beats of different bursts may come in turn
    reg  [15:0]  seen_q;
    assign failed_o = m_axi_rvalid && m_axi_rlast && (s_r_error_o || seen_q[m_axi_rid]);
    always @(posedge clk) begin
        if (m_axi_rvalid) seen_q[m_axi_rid] <= !m_axi_rlast && (s_r_error_o || seen_q[m_axi_rid]);
        if (rst) seen_q <= 16'd0;
    end

    assign m_axi_arid = id_q;
    assign m_axi_araddr = addr_q;
    assign m_axi_arlen = len_q;
    assign m_axi_arvalid = valid_q;
    assign m_axi_rready = 1'b1;
    assign s_r_data_o = m_axi_rdata;
    assign s_r_error_o = m_axi_rresp != 2'd0;
endmodule
`default_nettype wire
