// SPDX-License-Identifier: BSD-3-Clause
// OpenNIC's 250 MHz user box with the program slot in it (docs/board.md): frames of the packet adapters go through the program, to the
// QDMA function of the same port, back to an adapter, or nowhere; frames of QDMA go out of their function's port.
//
// Names and widths of parameters and ports are that shell's. axil_aclk may have any relation to axis_aclk. Behind each port on the way
// out tuser_size, _src and _dst hold for all beats of a frame: _dst is one bit, of the function (0 to 3) or of the MAC (from 6 on);
// what the program sends has the MAC that it came from for a source.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module box_250mhz #(
    parameter MIN_PKT_LEN = 64,     // the shell keeps both
    parameter MAX_PKT_LEN = 1518,
    parameter USE_PHYS_FUNC = 1,    // 1
    parameter NUM_PHYS_FUNC = 1,    // NUM_CMAC_PORT
    parameter NUM_QDMA = 1,         // 1
    parameter NUM_CMAC_PORT = 1     // 1 to 4
) (
    input  wire                         s_axil_awvalid,
    input  wire [31:0]                  s_axil_awaddr,
    output wire                         s_axil_awready,
    input  wire                         s_axil_wvalid,
    input  wire [31:0]                  s_axil_wdata,
    output wire                         s_axil_wready,
    output wire                         s_axil_bvalid,
    output wire [1:0]                   s_axil_bresp,
    input  wire                         s_axil_bready,
    input  wire                         s_axil_arvalid,
    input  wire [31:0]                  s_axil_araddr,
    output wire                         s_axil_arready,
    output wire                         s_axil_rvalid,
    output wire [31:0]                  s_axil_rdata,
    output wire [1:0]                   s_axil_rresp,
    input  wire                         s_axil_rready,
    // from the host
    input  wire [NUM_PHYS_FUNC*NUM_QDMA-1:0]     s_axis_qdma_h2c_tvalid,
    input  wire [512*NUM_PHYS_FUNC*NUM_QDMA-1:0] s_axis_qdma_h2c_tdata,
    input  wire [64*NUM_PHYS_FUNC*NUM_QDMA-1:0]  s_axis_qdma_h2c_tkeep,
    input  wire [NUM_PHYS_FUNC*NUM_QDMA-1:0]     s_axis_qdma_h2c_tlast,
    input  wire [16*NUM_PHYS_FUNC*NUM_QDMA-1:0]  s_axis_qdma_h2c_tuser_size,
    input  wire [16*NUM_PHYS_FUNC*NUM_QDMA-1:0]  s_axis_qdma_h2c_tuser_src,
    input  wire [16*NUM_PHYS_FUNC*NUM_QDMA-1:0]  s_axis_qdma_h2c_tuser_dst,
    output wire [NUM_PHYS_FUNC*NUM_QDMA-1:0]     s_axis_qdma_h2c_tready,
    // to the host
    output wire [NUM_PHYS_FUNC*NUM_QDMA-1:0]     m_axis_qdma_c2h_tvalid,
    output wire [512*NUM_PHYS_FUNC*NUM_QDMA-1:0] m_axis_qdma_c2h_tdata,
    output wire [64*NUM_PHYS_FUNC*NUM_QDMA-1:0]  m_axis_qdma_c2h_tkeep,
    output wire [NUM_PHYS_FUNC*NUM_QDMA-1:0]     m_axis_qdma_c2h_tlast,
    output wire [16*NUM_PHYS_FUNC*NUM_QDMA-1:0]  m_axis_qdma_c2h_tuser_size,
    output wire [16*NUM_PHYS_FUNC*NUM_QDMA-1:0]  m_axis_qdma_c2h_tuser_src,
    output wire [16*NUM_PHYS_FUNC*NUM_QDMA-1:0]  m_axis_qdma_c2h_tuser_dst,
    input  wire [NUM_PHYS_FUNC*NUM_QDMA-1:0]     m_axis_qdma_c2h_tready,
    // to the wire
    output wire [NUM_CMAC_PORT-1:0]     m_axis_adap_tx_250mhz_tvalid,
    output wire [512*NUM_CMAC_PORT-1:0] m_axis_adap_tx_250mhz_tdata,
    output wire [64*NUM_CMAC_PORT-1:0]  m_axis_adap_tx_250mhz_tkeep,
    output wire [NUM_CMAC_PORT-1:0]     m_axis_adap_tx_250mhz_tlast,
    output wire [16*NUM_CMAC_PORT-1:0]  m_axis_adap_tx_250mhz_tuser_size,
    output wire [16*NUM_CMAC_PORT-1:0]  m_axis_adap_tx_250mhz_tuser_src,
    output wire [16*NUM_CMAC_PORT-1:0]  m_axis_adap_tx_250mhz_tuser_dst,
    input  wire [NUM_CMAC_PORT-1:0]     m_axis_adap_tx_250mhz_tready,
    // from the wire
    input  wire [NUM_CMAC_PORT-1:0]     s_axis_adap_rx_250mhz_tvalid,
    input  wire [512*NUM_CMAC_PORT-1:0] s_axis_adap_rx_250mhz_tdata,
    input  wire [64*NUM_CMAC_PORT-1:0]  s_axis_adap_rx_250mhz_tkeep,
    input  wire [NUM_CMAC_PORT-1:0]     s_axis_adap_rx_250mhz_tlast,
    input  wire [16*NUM_CMAC_PORT-1:0]  s_axis_adap_rx_250mhz_tuser_size,
    input  wire [16*NUM_CMAC_PORT-1:0]  s_axis_adap_rx_250mhz_tuser_src,
    input  wire [16*NUM_CMAC_PORT-1:0]  s_axis_adap_rx_250mhz_tuser_dst,
    output wire [NUM_CMAC_PORT-1:0]     s_axis_adap_rx_250mhz_tready,
    // resets of 125 MHz, active low, and that they are over
    input  wire [15:0]                  mod_rstn,
    output wire [15:0]                  mod_rst_done,
    input  wire                         box_rstn,
    output wire                         box_rst_done,
    input  wire                         axil_aclk,
`ifdef __au55n__
    input  wire                         ref_clk_100mhz,
`elsif __au55c__
    input  wire                         ref_clk_100mhz,
`elsif __au50__
    input  wire                         ref_clk_100mhz,
`elsif __au280__
    input  wire                         ref_clk_100mhz,
`endif
    input  wire                         axis_aclk
);
    generate
        if (NUM_CMAC_PORT < 1 || NUM_CMAC_PORT > 4 || NUM_PHYS_FUNC != NUM_CMAC_PORT || NUM_QDMA != 1 || USE_PHYS_FUNC != 1
            || MIN_PKT_LEN < 14 || MAX_PKT_LEN > `SPEC_PKT_MAX_BYTES) begin : g_illegal
            box_250mhz_illegal_parameter u_stop ();
        end
    endgenerate

    // --- reset: from power-up on, and after each request, for 255 clocks of axil_aclk
    reg  [7:0]   hold_q = 8'd0;
    reg          rst_near_q = 1'b1;
    reg  [1:0]   rst_q = 2'b11;
    wire         done = hold_q == 8'd255;

    always @(posedge axil_aclk) begin
        if (!done) hold_q <= hold_q + 8'd1;
        if (!box_rstn || !mod_rstn[0]) hold_q <= 8'd0;
        rst_near_q <= !done;
    end
    always @(posedge axis_aclk) rst_q <= {rst_q[0], rst_near_q};
    assign box_rst_done = done;
    assign mod_rst_done = {15'h7fff, done};

    // --- registers
    wire         rst = rst_q[1];
    wire [19:0]  awaddr;
    wire         awvalid;
    wire         awready;
    wire [31:0]  wdata;
    wire         wvalid;
    wire         wready;
    wire [1:0]   bresp;
    wire         bvalid;
    wire         bready;
    wire [19:0]  araddr;
    wire         arvalid;
    wire         arready;
    wire [31:0]  rdata;
    wire [1:0]   rresp;
    wire         rvalid;
    wire         rready;

    shell_axil_cross #(.ADDR_W(20)) u_cross (
        .s_clk(axil_aclk), .s_rst(rst_near_q), .s_axil_awaddr(s_axil_awaddr[19:0]), .s_axil_awvalid(s_axil_awvalid),
        .s_axil_awready(s_axil_awready), .s_axil_wdata(s_axil_wdata), .s_axil_wvalid(s_axil_wvalid),
        .s_axil_wready(s_axil_wready), .s_axil_bresp(s_axil_bresp), .s_axil_bvalid(s_axil_bvalid),
        .s_axil_bready(s_axil_bready), .s_axil_araddr(s_axil_araddr[19:0]), .s_axil_arvalid(s_axil_arvalid),
        .s_axil_arready(s_axil_arready), .s_axil_rdata(s_axil_rdata), .s_axil_rresp(s_axil_rresp),
        .s_axil_rvalid(s_axil_rvalid), .s_axil_rready(s_axil_rready), .m_clk(axis_aclk), .m_rst(rst),
        .m_axil_awaddr(awaddr), .m_axil_awvalid(awvalid), .m_axil_awready(awready), .m_axil_wdata(wdata),
        .m_axil_wvalid(wvalid), .m_axil_wready(wready), .m_axil_bresp(bresp), .m_axil_bvalid(bvalid),
        .m_axil_bready(bready), .m_axil_araddr(araddr), .m_axil_arvalid(arvalid), .m_axil_arready(arready),
        .m_axil_rdata(rdata), .m_axil_rresp(rresp), .m_axil_rvalid(rvalid), .m_axil_rready(rready));

    // --- packets
    wire [32*NUM_CMAC_PORT-1:0] rx_word;
    wire [32*NUM_CMAC_PORT-1:0] host_word;
    wire [32*NUM_CMAC_PORT-1:0] tx_word;
    wire [32*NUM_CMAC_PORT-1:0] sent_word;
    wire [NUM_CMAC_PORT-1:0]    own;
    wire [16*NUM_CMAC_PORT-1:0] own_len;
    wire [4*NUM_CMAC_PORT-1:0]  own_from;
    genvar g;

    generate
        for (g = 0; g < NUM_CMAC_PORT; g = g + 1) begin : g_port
            assign rx_word[32*g +: 32] = {s_axis_adap_rx_250mhz_tuser_dst[16*g +: 16], s_axis_adap_rx_250mhz_tuser_src[16*g +: 16]};
            assign tx_word[32*g +: 32] = {s_axis_qdma_h2c_tuser_size[16*g +: 16], s_axis_qdma_h2c_tuser_src[16*g +: 16]};
            assign m_axis_qdma_c2h_tuser_src[16*g +: 16] = host_word[32*g +: 16];
            assign m_axis_qdma_c2h_tuser_dst[16*g +: 16] = 16'd1 << g;
            assign m_axis_adap_tx_250mhz_tuser_size[16*g +: 16] = own[g] ? own_len[16*g +: 16] : sent_word[32*g+16 +: 16];
            assign m_axis_adap_tx_250mhz_tuser_src[16*g +: 16] = own[g] ? 16'd64 << own_from[4*g +: 4] : sent_word[32*g +: 16];
            assign m_axis_adap_tx_250mhz_tuser_dst[16*g +: 16] = 16'd64 << g;
        end
    endgenerate

    shell_bump #(.PORTS(NUM_CMAC_PORT), .WORD_W(32), .SENT_W(32)) u_bump (
        .clk(axis_aclk), .rst(rst), .s_rx_data_i(s_axis_adap_rx_250mhz_tdata),
        .s_rx_keep_i(s_axis_adap_rx_250mhz_tkeep), .s_rx_valid_i(s_axis_adap_rx_250mhz_tvalid),
        .s_rx_ready_o(s_axis_adap_rx_250mhz_tready), .s_rx_last_i(s_axis_adap_rx_250mhz_tlast),
        .s_rx_error_i({NUM_CMAC_PORT{1'b0}}), .s_rx_word_i(rx_word), .m_rx_data_o(m_axis_qdma_c2h_tdata),
        .m_rx_keep_o(m_axis_qdma_c2h_tkeep), .m_rx_valid_o(m_axis_qdma_c2h_tvalid),
        .m_rx_ready_i(m_axis_qdma_c2h_tready), .m_rx_last_o(m_axis_qdma_c2h_tlast),
        .m_rx_len_o(m_axis_qdma_c2h_tuser_size), .m_rx_word_o(host_word), .s_tx_data_i(s_axis_qdma_h2c_tdata),
        .s_tx_keep_i(s_axis_qdma_h2c_tkeep), .s_tx_valid_i(s_axis_qdma_h2c_tvalid),
        .s_tx_ready_o(s_axis_qdma_h2c_tready), .s_tx_last_i(s_axis_qdma_h2c_tlast), .s_tx_word_i(tx_word),
        .m_tx_data_o(m_axis_adap_tx_250mhz_tdata), .m_tx_keep_o(m_axis_adap_tx_250mhz_tkeep),
        .m_tx_valid_o(m_axis_adap_tx_250mhz_tvalid), .m_tx_ready_i(m_axis_adap_tx_250mhz_tready),
        .m_tx_last_o(m_axis_adap_tx_250mhz_tlast), .m_tx_own_o(own), .m_tx_word_o(sent_word), .m_tx_len_o(own_len),
        .m_tx_from_o(own_from), .s_axil_awaddr(awaddr), .s_axil_awvalid(awvalid), .s_axil_awready(awready),
        .s_axil_wdata(wdata), .s_axil_wstrb(4'hf), .s_axil_wvalid(wvalid), .s_axil_wready(wready),
        .s_axil_bresp(bresp), .s_axil_bvalid(bvalid), .s_axil_bready(bready), .s_axil_araddr(araddr),
        .s_axil_arvalid(arvalid), .s_axil_arready(arready), .s_axil_rdata(rdata), .s_axil_rresp(rresp),
        .s_axil_rvalid(rvalid), .s_axil_rready(rready));

`ifdef __au55n__
    wire unused_clk = ref_clk_100mhz;
`elsif __au55c__
    wire unused_clk = ref_clk_100mhz;
`elsif __au50__
    wire unused_clk = ref_clk_100mhz;
`elsif __au280__
    wire unused_clk = ref_clk_100mhz;
`endif
    wire unused = &{1'b0, s_axil_awaddr[31:20], s_axil_araddr[31:20], mod_rstn[15:1], s_axis_adap_rx_250mhz_tuser_size,
                    s_axis_qdma_h2c_tuser_dst, host_word};
endmodule
`default_nettype wire
