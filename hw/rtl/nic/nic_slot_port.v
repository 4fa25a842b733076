// SPDX-License-Identifier: BSD-3-Clause
// The slot's registers with two that use them: the host, who goes first, and the mover of map contents (nic_mapdma).
//
// Latency: none. Throughput: an access a clock on each channel, if the slot answers in the clock after. Order: of each of the two kept.
// Back-pressure: that of the channels.
`default_nettype none
module nic_slot_port (
    input  wire         clk,
    input  wire         rst,
    // the mover's registers
    input  wire         stop_i,         // the host's reset
    output wire         idle_o,         // the mover has nothing on its way to or from memory
    input  wire         we_i,
    input  wire [11:0]  woffset_i,
    input  wire [31:0]  wdata_i,
    input  wire [11:0]  roffset_i,
    output wire [31:0]  rdata_o,
    // the host at the slot's registers
    input  wire [15:0]  s_axil_awaddr,
    input  wire         s_axil_awvalid,
    output wire         s_axil_awready,
    input  wire [31:0]  s_axil_wdata,
    input  wire [3:0]   s_axil_wstrb,
    input  wire         s_axil_wvalid,
    output wire         s_axil_wready,
    output wire [1:0]   s_axil_bresp,
    output wire         s_axil_bvalid,
    input  wire         s_axil_bready,
    input  wire [15:0]  s_axil_araddr,
    input  wire         s_axil_arvalid,
    output wire         s_axil_arready,
    output wire [31:0]  s_axil_rdata,
    output wire [1:0]   s_axil_rresp,
    output wire         s_axil_rvalid,
    input  wire         s_axil_rready,
    // the slot
    output wire [15:0]  m_axil_awaddr,
    output wire         m_axil_awvalid,
    input  wire         m_axil_awready,
    output wire [31:0]  m_axil_wdata,
    output wire [3:0]   m_axil_wstrb,
    output wire         m_axil_wvalid,
    input  wire         m_axil_wready,
    input  wire [1:0]   m_axil_bresp,
    input  wire         m_axil_bvalid,
    output wire         m_axil_bready,
    output wire [15:0]  m_axil_araddr,
    output wire         m_axil_arvalid,
    input  wire         m_axil_arready,
    input  wire [31:0]  m_axil_rdata,
    input  wire [1:0]   m_axil_rresp,
    input  wire         m_axil_rvalid,
    output wire         m_axil_rready,
    // host memory, bursts of one beat
    output wire         ar_valid_o,
    input  wire         ar_ready_i,
    output wire [63:0]  ar_addr_o,
    input  wire         r_valid_i,
    input  wire [511:0] r_data_i,
    input  wire         r_error_i,
    output wire         aw_valid_o,
    input  wire         aw_ready_i,
    output wire [63:0]  aw_addr_o,
    output wire         w_valid_o,
    input  wire         w_ready_i,
    output wire [511:0] w_data_o,
    output wire [63:0]  w_strb_o,
    input  wire         b_valid_i,
    input  wire         b_error_i
);
    wire [15:0] move_awaddr, move_araddr;
    wire [31:0] move_wdata;
    wire        move_awvalid, move_awready, move_wvalid, move_wready, move_bvalid, move_bready;
    wire        move_arvalid, move_arready, move_rvalid, move_rready;

    nic_mapdma u_mapdma (
        .clk(clk), .rst(rst), .stop_i(stop_i), .idle_o(idle_o), .we_i(we_i), .woffset_i(woffset_i), .wdata_i(wdata_i),
        .roffset_i(roffset_i), .rdata_o(rdata_o), .axil_awaddr_o(move_awaddr), .axil_awvalid_o(move_awvalid),
        .axil_awready_i(move_awready), .axil_wdata_o(move_wdata), .axil_wvalid_o(move_wvalid),
        .axil_wready_i(move_wready), .axil_bvalid_i(move_bvalid), .axil_bready_o(move_bready),
        .axil_araddr_o(move_araddr), .axil_arvalid_o(move_arvalid), .axil_arready_i(move_arready),
        .axil_rdata_i(m_axil_rdata), .axil_rvalid_i(move_rvalid), .axil_rready_o(move_rready), .ar_valid_o(ar_valid_o),
        .ar_ready_i(ar_ready_i), .ar_addr_o(ar_addr_o), .r_valid_i(r_valid_i), .r_data_i(r_data_i),
        .r_error_i(r_error_i), .aw_valid_o(aw_valid_o), .aw_ready_i(aw_ready_i), .aw_addr_o(aw_addr_o),
        .w_valid_o(w_valid_o), .w_ready_i(w_ready_i), .w_data_o(w_data_o), .w_strb_o(w_strb_o), .b_valid_i(b_valid_i),
        .b_error_i(b_error_i));

    nic_axil_share u_share (
        .clk(clk), .rst(rst), .s_axil_awaddr({move_awaddr, s_axil_awaddr}), .s_axil_awvalid({move_awvalid, s_axil_awvalid}),
        .s_axil_awready({move_awready, s_axil_awready}), .s_axil_wdata({move_wdata, s_axil_wdata}),
        .s_axil_wstrb({4'hf, s_axil_wstrb}), .s_axil_wvalid({move_wvalid, s_axil_wvalid}),
        .s_axil_wready({move_wready, s_axil_wready}), .s_axil_bvalid({move_bvalid, s_axil_bvalid}),
        .s_axil_bready({move_bready, s_axil_bready}), .s_axil_araddr({move_araddr, s_axil_araddr}),
        .s_axil_arvalid({move_arvalid, s_axil_arvalid}), .s_axil_arready({move_arready, s_axil_arready}),
        .s_axil_rvalid({move_rvalid, s_axil_rvalid}), .s_axil_rready({move_rready, s_axil_rready}),
        .m_axil_awaddr(m_axil_awaddr), .m_axil_awvalid(m_axil_awvalid), .m_axil_awready(m_axil_awready),
        .m_axil_wdata(m_axil_wdata), .m_axil_wstrb(m_axil_wstrb), .m_axil_wvalid(m_axil_wvalid),
        .m_axil_wready(m_axil_wready), .m_axil_bvalid(m_axil_bvalid), .m_axil_bready(m_axil_bready),
        .m_axil_araddr(m_axil_araddr), .m_axil_arvalid(m_axil_arvalid), .m_axil_arready(m_axil_arready),
        .m_axil_rvalid(m_axil_rvalid), .m_axil_rready(m_axil_rready));

    // both hear the one answer, which is for whom valid says
    assign s_axil_bresp = m_axil_bresp;
    assign s_axil_rdata = m_axil_rdata;
    assign s_axil_rresp = m_axil_rresp;
endmodule
`default_nettype wire
