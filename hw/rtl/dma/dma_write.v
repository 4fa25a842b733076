// SPDX-License-Identifier: BSD-3-Clause
// AXI4 write channels of several masters to one: bursts in turn, each with its data behind it. A master's number is its id, and each
// master's answers come in its order.
//
// Latency: 1 clock for addresses, none for data. Throughput: a burst a clock, a beat a clock. Back-pressure: that of the channels.
// A master offers a burst only when its data come without waiting for anything but this.
`default_nettype none
module dma_write #(
    parameter MASTERS = 3   // 1 to 16
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire [MASTERS-1:0]     s_aw_valid_i,
    output wire [MASTERS-1:0]     s_aw_ready_o,
    input  wire [64*MASTERS-1:0]  s_aw_addr_i,
    input  wire [8*MASTERS-1:0]   s_aw_len_i,
    input  wire [MASTERS-1:0]     s_w_valid_i,
    output wire [MASTERS-1:0]     s_w_ready_o,
    input  wire [512*MASTERS-1:0] s_w_data_i,
    input  wire [64*MASTERS-1:0]  s_w_strb_i,
    input  wire [MASTERS-1:0]     s_w_last_i,
    output wire [MASTERS-1:0]     s_b_valid_o,
    output wire                   s_b_error_o,

    output wire [3:0]             m_axi_awid,
    output wire [63:0]            m_axi_awaddr,
    output wire [7:0]             m_axi_awlen,
    output wire                   m_axi_awvalid,
    input  wire                   m_axi_awready,
    output wire [511:0]           m_axi_wdata,
    output wire [63:0]            m_axi_wstrb,
    output wire                   m_axi_wlast,
    output wire                   m_axi_wvalid,
    input  wire                   m_axi_wready,
    input  wire [3:0]             m_axi_bid,
    input  wire [1:0]             m_axi_bresp,
    input  wire                   m_axi_bvalid,
    output wire                   m_axi_bready
);
    localparam ORDERS = 32;     // bursts whose data are still to go, at most

    generate
        if (MASTERS < 1 || MASTERS > 16) begin : g_illegal
            dma_write_illegal_parameter u_stop ();
        end
    endgenerate

    reg  [5:0]   orders_q;
    wire         accept;
    wire [3:0]   pick;
    dma_address #(.MASTERS(MASTERS)) u_address (
        .clk(clk), .rst(rst), .room_i(orders_q < ORDERS), .s_valid_i(s_aw_valid_i), .s_ready_o(s_aw_ready_o),
        .s_addr_i(s_aw_addr_i), .s_len_i(s_aw_len_i), .accept_o(accept), .pick_o(pick), .m_id_o(m_axi_awid),
        .m_addr_o(m_axi_awaddr), .m_len_o(m_axi_awlen), .m_valid_o(m_axi_awvalid), .m_ready_i(m_axi_awready));

    // --- data follow the addresses
    wire         order_valid;
    wire [3:0]   order;
    reg  [511:0] data;
    reg  [63:0]  strb;
    reg          last;
    reg          valid;
    wire         burst_ends = m_axi_wvalid && m_axi_wready && m_axi_wlast;
    integer      w;

    fifo_small #(.WIDTH(4), .DEPTH(ORDERS)) u_order (
        .clk(clk), .rst(rst), .push_i(accept), .data_i(pick), .valid_o(order_valid), .pop_i(burst_ends),
        .data_o(order));

    always @* begin
        data = 512'd0;
        strb = 64'd0;
        last = 1'b0;
        valid = 1'b0;
        for (w = 0; w < MASTERS; w = w + 1)
            if (order == w[3:0]) begin
                data = s_w_data_i[512*w +: 512];
                strb = s_w_strb_i[64*w +: 64];
                last = s_w_last_i[w];
                valid = s_w_valid_i[w] && order_valid;
            end
    end

    genvar g;
    generate
        for (g = 0; g < MASTERS; g = g + 1) begin : g_master
            assign s_w_ready_o[g] = order_valid && order == g && m_axi_wready;
            assign s_b_valid_o[g] = m_axi_bvalid && m_axi_bid == g;
        end
    endgenerate

    always @(posedge clk) begin
        orders_q <= orders_q + {5'd0, accept} - {5'd0, burst_ends};
        if (rst) orders_q <= 6'd0;
    end

    assign m_axi_wdata = data;
    assign m_axi_wstrb = strb;
    assign m_axi_wlast = last;
    assign m_axi_wvalid = valid;
    assign m_axi_bready = 1'b1;
    assign s_b_error_o = m_axi_bresp != 2'd0;
endmodule
`default_nettype wire
