// SPDX-License-Identifier: BSD-3-Clause
// Stands for the program slot in the NIC's benches: what becomes of a packet is in its source address, and it leaves as it came.
//
// Byte 6: return value, with its sign. 7: bytes of metadata that are said to be in front. 8: beats of events, which come before the
// packet, with its first 63 bytes and their number in the last. 9 to 11: redirect word: bit 63 is byte 9's highest bit, bits 39:32
// byte 11, bits 7:0 byte 10. Register 0 counts packets; CTRL bit 0 lets packets in, bit 1 keeps them from leaving,
// bit 2 keeps the mailbox from ending a command. Registers without a meaning read as their address.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module sluice_dut (
    input  wire         clk,
    input  wire         rst,
    input  wire [511:0] s_axis_tdata,
    input  wire [63:0]  s_axis_tkeep,
    input  wire         s_axis_tvalid,
    output wire         s_axis_tready,
    input  wire         s_axis_tlast,
    input  wire [`SPEC_IN_TUSER_BITS-1:0] s_axis_tuser,
    output wire [511:0] m_axis_tdata,
    output wire [63:0]  m_axis_tkeep,
    output wire         m_axis_tvalid,
    input  wire         m_axis_tready,
    output wire         m_axis_tlast,
    output wire [`SPEC_OUT_TUSER_BITS-1:0] m_axis_tuser,
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
    output wire [3:0]   m_axi_awid,
    output wire [31:0]  m_axi_awaddr,
    output wire [7:0]   m_axi_awlen,
    output wire [2:0]   m_axi_awsize,
    output wire [1:0]   m_axi_awburst,
    output wire         m_axi_awvalid,
    input  wire         m_axi_awready,
    output wire [511:0] m_axi_wdata,
    output wire [63:0]  m_axi_wstrb,
    output wire         m_axi_wlast,
    output wire         m_axi_wvalid,
    input  wire         m_axi_wready,
    input  wire [3:0]   m_axi_bid,
    input  wire [1:0]   m_axi_bresp,
    input  wire         m_axi_bvalid,
    output wire         m_axi_bready,
    output wire [3:0]   m_axi_arid,
    output wire [31:0]  m_axi_araddr,
    output wire [7:0]   m_axi_arlen,
    output wire [2:0]   m_axi_arsize,
    output wire [1:0]   m_axi_arburst,
    output wire         m_axi_arvalid,
    input  wire         m_axi_arready,
    input  wire [3:0]   m_axi_rid,
    input  wire [511:0] m_axi_rdata,
    input  wire [1:0]   m_axi_rresp,
    input  wire         m_axi_rlast,
    input  wire         m_axi_rvalid,
    output wire         m_axi_rready,
    input  wire         s_axil_rready
);
    // the last packets' input words, which the bench looks at
    reg  [`SPEC_IN_TUSER_BITS-1:0] seen /* verilator public_flat_rd */;
    reg  [31:0]  entered /* verilator public_flat_rd */;

    reg  [2:0]   ctrl_q;
    reg          first_q;       // the beat at the front begins a packet
    reg  [7:0]   events_q;      // beats of events that have left
    reg  [`SPEC_OUT_TUSER_BITS-1:0] user_q;
    reg          in_first_q;
    wire         valid;
    wire         ready;
    wire [511:0] data;
    wire [63:0]  keep;
    wire         last;
    wire [15:0]  len;
    wire         room;

    assign s_axis_tready = room && (ctrl_q[0] || !in_first_q);
    pipe_fifo #(.WIDTH(512 + 64 + 1 + 16), .DEPTH(64)) u_fifo (
        .clk(clk), .rst(rst), .s_valid_i(s_axis_tvalid && s_axis_tready), .s_ready_o(room),
        .s_data_i({s_axis_tdata, s_axis_tkeep, s_axis_tlast, s_axis_tuser[`SPEC_IN_LEN_LSB +: 16]}),
        .m_valid_o(valid), .m_ready_i(ready), .m_data_o({data, keep, last, len}));

    reg  [`SPEC_OUT_TUSER_BITS-1:0] user;
    always @* begin
        user = user_q;
        if (first_q) begin
            user[`SPEC_OUT_RET_LSB +: 32] = {{24{data[8*6+7]}}, data[8*6 +: 8]};
            user[`SPEC_OUT_META_LSB +: 8] = data[8*7 +: 8];
            user[`SPEC_OUT_EVENTS_LSB +: 8] = data[8*8 +: 8];
            user[`SPEC_OUT_REDIRECT_LSB +: 64] = {data[8*9+7], 23'd0, data[8*11 +: 8], 24'd0, data[8*10 +: 8]};
            user[`SPEC_OUT_LEN_LSB +: 16] = len;
        end
    end

    wire         event_now = first_q && events_q != data[8*8 +: 8];
    wire         go = m_axis_tvalid && m_axis_tready;
    assign ready = go && !event_now;
    assign m_axis_tvalid = valid && !ctrl_q[1];
    assign m_axis_tdata = event_now ? {events_q, data[503:0]} : data;
    assign m_axis_tkeep = event_now ? {64{1'b1}} : keep;
    assign m_axis_tlast = !event_now && last;
    assign m_axis_tuser = user;

    always @(posedge clk) begin
        if (s_axis_tvalid && s_axis_tready) begin
            in_first_q <= s_axis_tlast;
            if (in_first_q) begin
                seen <= s_axis_tuser;
                entered <= entered + 1;
            end
        end
        if (go) begin
            events_q <= event_now ? events_q + 8'd1 : 8'd0;
            if (!event_now) first_q <= last;
            user_q <= user;
        end
        if (rst) begin
            in_first_q <= 1'b1;
            first_q <= 1'b1;
            events_q <= 8'd0;
            entered <= 0;
        end
    end

    // --- registers, answered after a while
    reg          b_q;
    reg          r_q;
    reg  [31:0]  rdata_q;
    wire [31:0]  mail_word;
    assign s_axil_awready = s_axil_awvalid && s_axil_wvalid && !b_q;
    assign s_axil_wready = s_axil_awready;
    assign s_axil_bvalid = b_q;
    assign s_axil_bresp = 2'd0;
    assign s_axil_arready = !r_q;
    assign s_axil_rvalid = r_q;
    assign s_axil_rdata = rdata_q;
    assign s_axil_rresp = 2'd0;
    always @(posedge clk) begin
        if (s_axil_bready) b_q <= 1'b0;
        if (s_axil_awready) begin
            b_q <= 1'b1;
            if (s_axil_awaddr == `SPEC_CSR_CTRL && s_axil_wstrb == 4'hf) ctrl_q <= s_axil_wdata[2:0];
        end
        if (s_axil_rready) r_q <= 1'b0;
        if (s_axil_arvalid && s_axil_arready) begin
            r_q <= 1'b1;
            rdata_q <= s_axil_araddr == `SPEC_CSR_CTRL ? {29'd0, ctrl_q} : s_axil_araddr == 16'd0 ? entered
                       : s_axil_araddr >= 16'h0100 && s_axil_araddr < 16'h0280 ? mail_word : {16'd0, s_axil_araddr};
        end
        if (rst) {b_q, r_q, ctrl_q} <= 5'd0;
    end

    nic_mailbox u_mailbox (
        .clk(clk), .rst(rst), .hang_i(ctrl_q[2]), .we_i(s_axil_awready && s_axil_wstrb == 4'hf), .waddr_i(s_axil_awaddr),
        .wdata_i(s_axil_wdata), .raddr_i(s_axil_araddr), .rdata_o(mail_word));

    // --- no external memory
    wire unused = &{1'b0, s_axil_wdata, m_axi_awready, m_axi_wready, m_axi_bid, m_axi_bresp, m_axi_bvalid, m_axi_arready, m_axi_rid,
                    m_axi_rdata, m_axi_rresp, m_axi_rlast, m_axi_rvalid, s_axis_tuser};
    assign {m_axi_awid, m_axi_awaddr, m_axi_awlen, m_axi_awsize, m_axi_awburst, m_axi_awvalid} = 0;
    assign {m_axi_wdata, m_axi_wstrb, m_axi_wlast, m_axi_wvalid, m_axi_bready} = 0;
    assign {m_axi_arid, m_axi_araddr, m_axi_arlen, m_axi_arsize, m_axi_arburst, m_axi_arvalid, m_axi_rready} = 0;
endmodule
`default_nettype wire
