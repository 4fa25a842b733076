// SPDX-License-Identifier: BSD-3-Clause
// Two masters at one AXI4 memory, of one beat a burst. The first has ids below ID_BASE and goes first,
// the second has the others; answers go by their ids.
//
// A write's address and data are offered by a master in one clock, and the next ones after both were
// taken: so what leaves is in order, address by address and word by word. What was offered stays.
// Latency: none. Throughput: a read and a write a clock.
`default_nettype none

module map_axi_join #(
    parameter [3:0] ID_BASE = 4'd9
) (
    input  wire         clk,
    input  wire         rst,

    input  wire [3:0]   a_awid,
    input  wire [31:0]  a_awaddr,
    input  wire         a_awvalid,
    output wire         a_awready,
    input  wire [511:0] a_wdata,
    input  wire         a_wvalid,
    output wire         a_wready,
    output wire         a_bvalid,
    input  wire         a_bready,
    input  wire [3:0]   a_arid,
    input  wire [31:0]  a_araddr,
    input  wire         a_arvalid,
    output wire         a_arready,
    output wire         a_rvalid,
    input  wire         a_rready,

    input  wire [3:0]   b_awid,
    input  wire [31:0]  b_awaddr,
    input  wire         b_awvalid,
    output wire         b_awready,
    input  wire [511:0] b_wdata,
    input  wire         b_wvalid,
    output wire         b_wready,
    output wire         b_bvalid,
    input  wire         b_bready,
    input  wire [3:0]   b_arid,
    input  wire [31:0]  b_araddr,
    input  wire         b_arvalid,
    output wire         b_arready,
    output wire         b_rvalid,
    input  wire         b_rready,

    output wire [3:0]   m_axi_awid,
    output wire [31:0]  m_axi_awaddr,
    output wire         m_axi_awvalid,
    input  wire         m_axi_awready,
    output wire [511:0] m_axi_wdata,
    output wire         m_axi_wvalid,
    input  wire         m_axi_wready,
    input  wire [3:0]   m_axi_bid,
    input  wire         m_axi_bvalid,
    output wire         m_axi_bready,
    output wire [3:0]   m_axi_arid,
    output wire [31:0]  m_axi_araddr,
    output wire         m_axi_arvalid,
    input  wire         m_axi_arready,
    input  wire [3:0]   m_axi_rid,
    input  wire         m_axi_rvalid,
    output wire         m_axi_rready
);
    reg  w_held_q, w_turn_q;   // a write is half done, or offered: of whom
    reg  r_held_q, r_turn_q;
    wire w_b = w_held_q ? w_turn_q : !a_awvalid && !a_wvalid;
    wire r_b = r_held_q ? r_turn_q : !a_arvalid;

    assign m_axi_awid    = w_b ? b_awid : a_awid;
    assign m_axi_awaddr  = w_b ? b_awaddr : a_awaddr;
    assign m_axi_awvalid = w_b ? b_awvalid : a_awvalid;
    assign m_axi_wdata   = w_b ? b_wdata : a_wdata;
    assign m_axi_wvalid  = w_b ? b_wvalid : a_wvalid;
    assign a_awready     = !w_b && m_axi_awready;
    assign a_wready      = !w_b && m_axi_wready;
    assign b_awready     = w_b && m_axi_awready;
    assign b_wready      = w_b && m_axi_wready;
    assign m_axi_arid    = r_b ? b_arid : a_arid;
    assign m_axi_araddr  = r_b ? b_araddr : a_araddr;
    assign m_axi_arvalid = r_b ? b_arvalid : a_arvalid;
    assign a_arready     = !r_b && m_axi_arready;
    assign b_arready     = r_b && m_axi_arready;

    always @(posedge clk) begin
        w_held_q <= (m_axi_awvalid && !m_axi_awready) || (m_axi_wvalid && !m_axi_wready);
        w_turn_q <= w_b;
        r_held_q <= m_axi_arvalid && !m_axi_arready;
        r_turn_q <= r_b;
        if (rst) begin
            w_held_q <= 1'b0;
            r_held_q <= 1'b0;
        end
    end

    wire b_of_b = m_axi_bid >= ID_BASE;
    wire r_of_b = m_axi_rid >= ID_BASE;
    assign a_bvalid     = m_axi_bvalid && !b_of_b;
    assign b_bvalid     = m_axi_bvalid && b_of_b;
    assign m_axi_bready = b_of_b ? b_bready : a_bready;
    assign a_rvalid     = m_axi_rvalid && !r_of_b;
    assign b_rvalid     = m_axi_rvalid && r_of_b;
    assign m_axi_rready = r_of_b ? b_rready : a_rready;
endmodule

`default_nettype wire
