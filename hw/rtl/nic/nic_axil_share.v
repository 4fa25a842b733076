// SPDX-License-Identifier: BSD-3-Clause
// AXI4-Lite of two masters to one slave. Master 0 goes first when both wait; a master that has begun an access keeps its channel
// until the answer is taken.
//
// Latency: none. Throughput: an access a clock on each channel, if the slave answers in the clock after. Back-pressure: that of the
// channels. A master holds what it offers until it is taken.
`default_nettype none
module nic_axil_share (
    input  wire        clk,
    input  wire        rst,
    input  wire [31:0] s_axil_awaddr,       // 16 bits a master
    input  wire [1:0]  s_axil_awvalid,
    output wire [1:0]  s_axil_awready,
    input  wire [63:0] s_axil_wdata,
    input  wire [7:0]  s_axil_wstrb,
    input  wire [1:0]  s_axil_wvalid,
    output wire [1:0]  s_axil_wready,
    output wire [1:0]  s_axil_bvalid,
    input  wire [1:0]  s_axil_bready,
    input  wire [31:0] s_axil_araddr,
    input  wire [1:0]  s_axil_arvalid,
    output wire [1:0]  s_axil_arready,
    output wire [1:0]  s_axil_rvalid,
    input  wire [1:0]  s_axil_rready,

    output wire [15:0] m_axil_awaddr,
    output wire        m_axil_awvalid,
    input  wire        m_axil_awready,
    output wire [31:0] m_axil_wdata,
    output wire [3:0]  m_axil_wstrb,
    output wire        m_axil_wvalid,
    input  wire        m_axil_wready,
    input  wire        m_axil_bvalid,
    output wire        m_axil_bready,
    output wire [15:0] m_axil_araddr,
    output wire        m_axil_arvalid,
    input  wire        m_axil_arready,
    input  wire        m_axil_rvalid,
    output wire        m_axil_rready
);
    reg         w_busy_q;       // a write has begun and is not answered,
    reg         w_owner_q;      // that of this master
    reg         r_busy_q;
    reg         r_owner_q;

    // --- writes: the clock of an answer may begin the next one
    wire        w_free = !w_busy_q || (m_axil_bvalid && m_axil_bready);
    wire        w_pick = w_free ? !(s_axil_awvalid[0] || s_axil_wvalid[0]) : w_owner_q;
    wire        w_wants = s_axil_awvalid[w_pick] || s_axil_wvalid[w_pick];

    assign m_axil_awaddr = w_pick ? s_axil_awaddr[31:16] : s_axil_awaddr[15:0];
    assign m_axil_awvalid = s_axil_awvalid[w_pick];
    assign m_axil_wdata = w_pick ? s_axil_wdata[63:32] : s_axil_wdata[31:0];
    assign m_axil_wstrb = w_pick ? s_axil_wstrb[7:4] : s_axil_wstrb[3:0];
    assign m_axil_wvalid = s_axil_wvalid[w_pick];
    assign s_axil_awready = {w_pick && m_axil_awready, !w_pick && m_axil_awready};
    assign s_axil_wready = {w_pick && m_axil_wready, !w_pick && m_axil_wready};
    assign s_axil_bvalid = {w_busy_q && w_owner_q && m_axil_bvalid, w_busy_q && !w_owner_q && m_axil_bvalid};
    assign m_axil_bready = w_busy_q && s_axil_bready[w_owner_q];

    // --- reads
    wire        r_free = !r_busy_q || (m_axil_rvalid && m_axil_rready);
    wire        r_pick = r_free ? !s_axil_arvalid[0] : r_owner_q;

    assign m_axil_araddr = r_pick ? s_axil_araddr[31:16] : s_axil_araddr[15:0];
    assign m_axil_arvalid = s_axil_arvalid[r_pick];
    assign s_axil_arready = {r_pick && m_axil_arready, !r_pick && m_axil_arready};
    assign s_axil_rvalid = {r_busy_q && r_owner_q && m_axil_rvalid, r_busy_q && !r_owner_q && m_axil_rvalid};
    assign m_axil_rready = r_busy_q && s_axil_rready[r_owner_q];

    always @(posedge clk) begin
        if (w_free) {w_busy_q, w_owner_q} <= {w_wants, w_pick};
        if (r_free) {r_busy_q, r_owner_q} <= {s_axil_arvalid[r_pick], r_pick};
        if (rst) {w_busy_q, r_busy_q} <= 2'd0;
    end
endmodule
`default_nettype wire
