// SPDX-License-Identifier: BSD-3-Clause
// The NIC around the program slot: ports, RSS, verdicts, rings of the host (docs/nic.md). The slot is the module sluice_dut, the core
// or a generated pipeline. AXI4 ids: reads 0 RX descriptors, 1 TX descriptors, 2 TX data; writes 0 RX data, 1 RX descriptors, 2 TX
// descriptors; both 3 map contents.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
// VLIW cores in a slot that is sluice_dut.v, whose parameter a NIC around any slot can't set: 1, 2, 4 or 8
`ifndef SLUICE_CORES
`define SLUICE_CORES 4
`endif
module sluice_nic #(
    parameter PORTS = 2,                    // 1 to 16
    parameter RX_QUEUES = `SPEC_QUEUES,     // 1 to 64
    parameter TX_QUEUES = `SPEC_QUEUES,     // 1 to 64
    parameter RX_BEATS = 512,               // store of a port towards the program: beats, a power of two, at least 256
    parameter TX_BEATS = 256,               // each of the two stores of a port towards its MAC, likewise
    parameter DMA_BEATS = 512,              // store of packets towards the host, likewise
    parameter AHEAD = 32,                   // descriptors of a ring that are read ahead, a power of two, at least 32
    parameter TARGETS = 64,                 // entries of the redirect table, 1 to 64
    parameter INSIDE = 1024                 // packets that the slot may hold, a power of two
) (
    input  wire                 clk,
    input  wire                 rst,
    // MACs
    input  wire [512*PORTS-1:0] s_axis_mac_tdata,
    input  wire [64*PORTS-1:0]  s_axis_mac_tkeep,
    input  wire [PORTS-1:0]     s_axis_mac_tvalid,
    output wire [PORTS-1:0]     s_axis_mac_tready,
    input  wire [PORTS-1:0]     s_axis_mac_tlast,
    input  wire [PORTS-1:0]     s_axis_mac_tuser,
    output wire [512*PORTS-1:0] m_axis_mac_tdata,
    output wire [64*PORTS-1:0]  m_axis_mac_tkeep,
    output wire [PORTS-1:0]     m_axis_mac_tvalid,
    input  wire [PORTS-1:0]     m_axis_mac_tready,
    output wire [PORTS-1:0]     m_axis_mac_tlast,
    input  wire [PORTS-1:0]     mac_link_i,
    // registers
    input  wire [19:0]          s_axil_awaddr,
    input  wire                 s_axil_awvalid,
    output wire                 s_axil_awready,
    input  wire [31:0]          s_axil_wdata,
    input  wire [3:0]           s_axil_wstrb,
    input  wire                 s_axil_wvalid,
    output wire                 s_axil_wready,
    output wire [1:0]           s_axil_bresp,
    output wire                 s_axil_bvalid,
    input  wire                 s_axil_bready,
    input  wire [19:0]          s_axil_araddr,
    input  wire                 s_axil_arvalid,
    output wire                 s_axil_arready,
    output wire [31:0]          s_axil_rdata,
    output wire [1:0]           s_axil_rresp,
    output wire                 s_axil_rvalid,
    input  wire                 s_axil_rready,
    // host memory
    output wire [3:0]           m_axi_dma_awid,
    output wire [63:0]          m_axi_dma_awaddr,
    output wire [7:0]           m_axi_dma_awlen,
    output wire [2:0]           m_axi_dma_awsize,
    output wire [1:0]           m_axi_dma_awburst,
    output wire                 m_axi_dma_awvalid,
    input  wire                 m_axi_dma_awready,
    output wire [511:0]         m_axi_dma_wdata,
    output wire [63:0]          m_axi_dma_wstrb,
    output wire                 m_axi_dma_wlast,
    output wire                 m_axi_dma_wvalid,
    input  wire                 m_axi_dma_wready,
    input  wire [3:0]           m_axi_dma_bid,
    input  wire [1:0]           m_axi_dma_bresp,
    input  wire                 m_axi_dma_bvalid,
    output wire                 m_axi_dma_bready,
    output wire [3:0]           m_axi_dma_arid,
    output wire [63:0]          m_axi_dma_araddr,
    output wire [7:0]           m_axi_dma_arlen,
    output wire [2:0]           m_axi_dma_arsize,
    output wire [1:0]           m_axi_dma_arburst,
    output wire                 m_axi_dma_arvalid,
    input  wire                 m_axi_dma_arready,
    input  wire [3:0]           m_axi_dma_rid,
    input  wire [511:0]         m_axi_dma_rdata,
    input  wire [1:0]           m_axi_dma_rresp,
    input  wire                 m_axi_dma_rlast,
    input  wire                 m_axi_dma_rvalid,
    output wire                 m_axi_dma_rready,
    // external memory for map values
    output wire [3:0]           m_axi_awid,
    output wire [31:0]          m_axi_awaddr,
    output wire [7:0]           m_axi_awlen,
    output wire [2:0]           m_axi_awsize,
    output wire [1:0]           m_axi_awburst,
    output wire                 m_axi_awvalid,
    input  wire                 m_axi_awready,
    output wire [511:0]         m_axi_wdata,
    output wire [63:0]          m_axi_wstrb,
    output wire                 m_axi_wlast,
    output wire                 m_axi_wvalid,
    input  wire                 m_axi_wready,
    input  wire [3:0]           m_axi_bid,
    input  wire [1:0]           m_axi_bresp,
    input  wire                 m_axi_bvalid,
    output wire                 m_axi_bready,
    output wire [3:0]           m_axi_arid,
    output wire [31:0]          m_axi_araddr,
    output wire [7:0]           m_axi_arlen,
    output wire [2:0]           m_axi_arsize,
    output wire [1:0]           m_axi_arburst,
    output wire                 m_axi_arvalid,
    input  wire                 m_axi_arready,
    input  wire [3:0]           m_axi_rid,
    input  wire [511:0]         m_axi_rdata,
    input  wire [1:0]           m_axi_rresp,
    input  wire                 m_axi_rlast,
    input  wire                 m_axi_rvalid,
    output wire                 m_axi_rready
);
    localparam RINGS = RX_QUEUES + 1;
    localparam COUNTS = 9 * PORTS + 3 * RINGS + 3 * TX_QUEUES + 7;
    localparam WORD_W = 8 + 1 + 32;                     // of a packet, what goes past the program: queue, hashed, hash
    localparam BEAT_W = WORD_W + 32 + 32 + 64 + 16 + 512;

    generate
        if (PORTS < 1 || PORTS > 16 || RX_QUEUES < 1 || RX_QUEUES > 64 || TX_QUEUES < 1 || TX_QUEUES > 64) begin : g_illegal
            sluice_nic_illegal_parameter u_stop ();
        end
    endgenerate

    genvar g;

    // --- registers
    // the host at the slot's registers, and what reaches these when the mover of map contents has joined
    wire [15:0]  host_awaddr, host_araddr;
    wire [31:0]  host_wdata, host_rdata;
    wire [3:0]   host_wstrb;
    wire [1:0]   host_bresp, host_rresp;
    wire         host_awvalid, host_awready, host_wvalid, host_wready, host_bvalid, host_bready;
    wire         host_arvalid, host_arready, host_rvalid, host_rready;
    wire [15:0]  slot_awaddr, slot_araddr;
    wire [31:0]  slot_wdata, slot_rdata;
    wire [3:0]   slot_wstrb;
    wire [1:0]   slot_bresp, slot_rresp;
    wire         slot_awvalid, slot_awready, slot_wvalid, slot_wready, slot_bvalid, slot_bready;
    wire         slot_arvalid, slot_arready, slot_rvalid, slot_rready;
    wire         enable;
    wire         host_reset;
    wire         quiet;
    wire         busy;
    wire         to_host_busy;
    wire         behind_busy;
    wire [1:0]   dma_error;
    wire         hung;
    wire [31:0]  watchdog;
    wire [63:0]  now;
    wire         seed_we;
    wire [31:0]  seed;
    wire [3*PORTS-1:0]       port_ctrl;
    wire [32*PORTS-1:0]      ifindex;
    wire [16*PORTS-1:0]      max_bytes;
    wire [48*PORTS-1:0]      mac;
    wire [512*PORTS-1:0]     filter;
    wire [RINGS-1:0]         rx_on;
    wire [64*RINGS-1:0]      rx_base;
    wire [4*RINGS-1:0]       rx_size;
    wire [16*RINGS-1:0]      rx_tail;
    wire [16*RINGS-1:0]      rx_head;
    wire [RINGS-1:0]         rx_busy;
    wire [TX_QUEUES-1:0]     tx_on;
    wire [64*TX_QUEUES-1:0]  tx_base;
    wire [4*TX_QUEUES-1:0]   tx_size;
    wire [16*TX_QUEUES-1:0]  tx_tail;
    wire [16*TX_QUEUES-1:0]  tx_head;
    wire [TX_QUEUES-1:0]     tx_busy;
    wire [5:0]   rss_types;
    wire [319:0] rss_key;
    wire         rss_we;
    wire [6:0]   rss_index;
    wire [7:0]   rss_queue;
    wire         to_host;
    wire         table_we;
    wire [7:0]   table_index;
    wire [31:0]  table_data;
    wire [7:0]   table_rindex;
    wire [31:0]  table_rdata;
    wire         count_read;
    wire         count_high;
    wire [9:0]   count_index;
    wire [31:0]  count_data;
    wire [COUNTS-1:0]    add;
    wire [16*COUNTS-1:0] amount;

    wire         mapdma_we;
    wire [11:0]  mapdma_woffset;
    wire [31:0]  mapdma_wdata;
    wire [11:0]  mapdma_roffset;
    wire [31:0]  mapdma_rdata;
    wire         mapdma_idle;

    // --- parts that rest while nothing comes and nothing is inside; registers that are accessed wake all
    wire touched = s_axil_awvalid || s_axil_wvalid || host_reset;
    wire [PORTS-1:0] clk_rx;
    wire [PORTS-1:0] clk_tx;
    wire clk_verdict;
    wire clk_dma_rx;
    wire clk_dma_tx;

    nic_csr #(.PORTS(PORTS), .RX_QUEUES(RX_QUEUES), .TX_QUEUES(TX_QUEUES), .TARGETS(TARGETS), .RINGS(RINGS)) u_csr (
        .clk(clk), .rst(rst), .s_axil_awaddr(s_axil_awaddr), .s_axil_awvalid(s_axil_awvalid),
        .s_axil_awready(s_axil_awready), .s_axil_wdata(s_axil_wdata), .s_axil_wstrb(s_axil_wstrb),
        .s_axil_wvalid(s_axil_wvalid), .s_axil_wready(s_axil_wready), .s_axil_bresp(s_axil_bresp),
        .s_axil_bvalid(s_axil_bvalid), .s_axil_bready(s_axil_bready), .s_axil_araddr(s_axil_araddr),
        .s_axil_arvalid(s_axil_arvalid), .s_axil_arready(s_axil_arready), .s_axil_rdata(s_axil_rdata),
        .s_axil_rresp(s_axil_rresp), .s_axil_rvalid(s_axil_rvalid), .s_axil_rready(s_axil_rready),
        .m_axil_awaddr(host_awaddr), .m_axil_awvalid(host_awvalid), .m_axil_awready(host_awready),
        .m_axil_wdata(host_wdata), .m_axil_wstrb(host_wstrb), .m_axil_wvalid(host_wvalid), .m_axil_wready(host_wready),
        .m_axil_bresp(host_bresp), .m_axil_bvalid(host_bvalid), .m_axil_bready(host_bready),
        .m_axil_araddr(host_araddr), .m_axil_arvalid(host_arvalid), .m_axil_arready(host_arready),
        .m_axil_rdata(host_rdata), .m_axil_rresp(host_rresp), .m_axil_rvalid(host_rvalid), .m_axil_rready(host_rready),
        .enable_o(enable), .soft_o(host_reset), .idle_i(quiet),
        .busy_i(busy), .to_host_busy_i(to_host_busy), .behind_busy_i(behind_busy), .dma_error_i(dma_error), .hung_i(hung), .watchdog_o(watchdog), .time_o(now),
        .seed_we_o(seed_we), .seed_o(seed), .link_i(mac_link_i), .port_ctrl_o(port_ctrl), .ifindex_o(ifindex),
        .max_bytes_o(max_bytes), .mac_o(mac), .filter_o(filter), .rx_on_o(rx_on), .rx_base_o(rx_base),
        .rx_size_o(rx_size), .rx_tail_o(rx_tail), .rx_head_i(rx_head), .rx_busy_i(rx_busy), .tx_on_o(tx_on),
        .tx_base_o(tx_base), .tx_size_o(tx_size), .tx_tail_o(tx_tail), .tx_head_i(tx_head), .tx_busy_i(tx_busy),
        .rss_types_o(rss_types), .rss_key_o(rss_key), .rss_we_o(rss_we), .rss_index_o(rss_index),
        .rss_queue_o(rss_queue), .to_host_o(to_host), .table_we_o(table_we), .table_index_o(table_index),
        .table_data_o(table_data), .table_rindex_o(table_rindex), .table_rdata_i(table_rdata),
        .mapdma_we_o(mapdma_we), .mapdma_woffset_o(mapdma_woffset), .mapdma_wdata_o(mapdma_wdata),
        .mapdma_roffset_o(mapdma_roffset), .mapdma_rdata_i(mapdma_rdata), .count_read_o(count_read), .count_high_o(count_high), .count_index_o(count_index),
        .count_data_i(count_data));
    nic_counters #(.COUNT(COUNTS)) u_counters (
        .clk(clk), .rst(rst), .clear_i(host_reset), .add_i(add), .amount_i(amount), .read_i(count_read),
        .high_i(count_high), .index_i(count_index), .data_o(count_data));

    // --- ports in
    wire [PORTS-1:0]        in_valid;
    wire [PORTS-1:0]        in_ready;
    wire [PORTS-1:0]        in_last;
    wire [PORTS*BEAT_W-1:0] in_beat;
    wire [PORTS-1:0]        in_idle;
    wire [PORTS-1:0]        in_room;

    assign s_axis_mac_tready = {PORTS{1'b1}};

    generate
        for (g = 0; g < PORTS; g = g + 1) begin : g_port_in
            wire [511:0] data;
            wire [15:0]  len;
            wire [63:0]  when;
            wire [31:0]  random;
            wire         hashed;
            wire [31:0]  hash;
            wire [7:0]   queue;
            wire         taken;
            wire [15:0]  taken_bytes;
            wire         error;
            wire         size;
            wire         filtered;
            wire         missed;
            clock_gate u_gate (
                .clk(clk), .rst(rst), .on_i(touched || s_axis_mac_tvalid[g] || in_valid[g] || !in_idle[g]), .clk_o(clk_rx[g]));
            nic_port_rx #(.DEPTH(RX_BEATS), .PORT(g)) u_rx (
                .clk(clk_rx[g]), .rst(rst), .enable_i(enable && port_ctrl[3*g]), .flush_i(host_reset),
                .promiscuous_i(port_ctrl[3*g+1]), .allmulti_i(port_ctrl[3*g+2]), .max_bytes_i(max_bytes[16*g +: 16]),
                .mac_i(mac[48*g +: 48]), .filter_i(filter[512*g +: 512]), .time_i(now), .seed_we_i(seed_we),
                .seed_i(seed), .rss_types_i(rss_types), .rss_key_i(rss_key), .rss_we_i(rss_we),
                .rss_index_i(rss_index), .rss_queue_i(rss_queue), .s_axis_tdata(s_axis_mac_tdata[512*g +: 512]),
                .s_axis_tkeep(s_axis_mac_tkeep[64*g +: 64]), .s_axis_tvalid(s_axis_mac_tvalid[g]),
                .s_axis_tready(in_room[g]), .s_axis_tlast(s_axis_mac_tlast[g]), .s_axis_tuser(s_axis_mac_tuser[g]), .m_valid_o(in_valid[g]),
                .m_ready_i(in_ready[g]), .m_data_o(data), .m_last_o(in_last[g]), .m_len_o(len), .m_time_o(when),
                .m_rand_o(random), .m_hashed_o(hashed), .m_hash_o(hash), .m_queue_o(queue), .idle_o(in_idle[g]),
                .taken_o(taken), .taken_bytes_o(taken_bytes), .error_o(error), .size_o(size),
                .filtered_o(filtered), .missed_o(missed));
            assign in_beat[BEAT_W*g +: BEAT_W] = {queue, hashed, hash, ifindex[32*g +: 32], random, when, len, data};
            assign add[9*g +: 5] = {missed, size, filtered, taken, taken};
            assign add[9*g+8] = error;
            assign amount[16*9*g +: 16*5] = {16'd1, 16'd1, 16'd1, taken_bytes, 16'd1};
            assign amount[16*(9*g+8) +: 16] = 16'd1;
        end
    endgenerate

    // --- through the slot to the verdict
    wire               h_valid;
    wire               h_ready;
    wire [511:0]       h_data;
    wire [5:0]         h_tail;
    wire               h_last;
    wire [7:0]         h_ring;
    wire [15:0]        h_total;
    wire [7:0]         h_ret;
    wire [3:0]         h_port;
    wire               h_hashed;
    wire [31:0]        h_hash;
    wire [7:0]         h_meta;
    wire [15:0]        h_number;
    wire [63:0]        h_time;
    wire [63:0]        h_redirect;
    wire               t_valid;
    wire               t_ready;
    wire [511:0]       t_data;
    wire [5:0]         t_at;
    wire [6:0]         t_bytes;
    wire               t_last;
    wire [3:0]         t_port;
    wire [4:0]         verdicts;
    wire               no_target;
    wire               any_inside;
    wire               waiting;
    wire               verdict_busy;

    nic_path #(.PORTS(PORTS), .QUEUES(RX_QUEUES), .TARGETS(TARGETS), .INSIDE(INSIDE)) u_path (
        .clk(clk), .rst(rst), .on_i(enable), .clear_i(host_reset), .wake_i(touched), .clk_verdict_o(clk_verdict),
        .watchdog_i(watchdog), .hung_o(hung), .inside_o(any_inside), .waiting_o(waiting), .verdict_busy_o(verdict_busy),
        .to_host_i(to_host), .ifindex_i(ifindex), .table_we_i(table_we), .table_index_i(table_index),
        .table_data_i(table_data), .table_rindex_i(table_rindex), .table_rdata_o(table_rdata), .s_valid_i(in_valid),
        .s_ready_o(in_ready), .s_last_i(in_last), .s_beat_i(in_beat), .h_valid_o(h_valid), .h_ready_i(h_ready),
        .h_data_o(h_data), .h_tail_o(h_tail), .h_last_o(h_last), .h_ring_o(h_ring), .h_total_o(h_total),
        .h_ret_o(h_ret), .h_port_o(h_port), .h_hashed_o(h_hashed), .h_hash_o(h_hash), .h_meta_o(h_meta),
        .h_number_o(h_number), .h_time_o(h_time), .h_redirect_o(h_redirect), .t_valid_o(t_valid), .t_ready_i(t_ready),
        .t_data_o(t_data), .t_at_o(t_at), .t_bytes_o(t_bytes), .t_last_o(t_last), .t_port_o(t_port), .count_o(verdicts),
        .no_target_o(no_target), .s_axil_awaddr(slot_awaddr), .s_axil_awvalid(slot_awvalid),
        .s_axil_awready(slot_awready), .s_axil_wdata(slot_wdata), .s_axil_wstrb(slot_wstrb),
        .s_axil_wvalid(slot_wvalid), .s_axil_wready(slot_wready), .s_axil_bresp(slot_bresp),
        .s_axil_bvalid(slot_bvalid), .s_axil_bready(slot_bready), .s_axil_araddr(slot_araddr),
        .s_axil_arvalid(slot_arvalid), .s_axil_arready(slot_arready), .s_axil_rdata(slot_rdata),
        .s_axil_rresp(slot_rresp), .s_axil_rvalid(slot_rvalid), .s_axil_rready(slot_rready), .m_axi_awid(m_axi_awid),
        .m_axi_awaddr(m_axi_awaddr), .m_axi_awlen(m_axi_awlen), .m_axi_awsize(m_axi_awsize),
        .m_axi_awburst(m_axi_awburst), .m_axi_awvalid(m_axi_awvalid), .m_axi_awready(m_axi_awready),
        .m_axi_wdata(m_axi_wdata), .m_axi_wstrb(m_axi_wstrb), .m_axi_wlast(m_axi_wlast), .m_axi_wvalid(m_axi_wvalid),
        .m_axi_wready(m_axi_wready), .m_axi_bid(m_axi_bid), .m_axi_bresp(m_axi_bresp), .m_axi_bvalid(m_axi_bvalid),
        .m_axi_bready(m_axi_bready), .m_axi_arid(m_axi_arid), .m_axi_araddr(m_axi_araddr), .m_axi_arlen(m_axi_arlen),
        .m_axi_arsize(m_axi_arsize), .m_axi_arburst(m_axi_arburst), .m_axi_arvalid(m_axi_arvalid),
        .m_axi_arready(m_axi_arready), .m_axi_rid(m_axi_rid), .m_axi_rdata(m_axi_rdata), .m_axi_rresp(m_axi_rresp),
        .m_axi_rlast(m_axi_rlast), .m_axi_rvalid(m_axi_rvalid), .m_axi_rready(m_axi_rready));

    // --- host memory
    wire [3:0]         ar_valid;
    wire [3:0]         ar_ready;
    wire [255:0]       ar_addr;
    wire [31:0]        ar_len;
    wire [3:0]         r_valid;
    wire [511:0]       r_data;
    wire               r_error;
    wire               r_failed;
    wire [3:0]         aw_valid;
    wire [3:0]         aw_ready;
    wire [255:0]       aw_addr;
    wire [31:0]        aw_len;
    wire [3:0]         w_valid;
    wire [3:0]         w_ready;
    wire [2047:0]      w_data;
    wire [255:0]       w_strb;
    wire [3:0]         w_last;
    wire [3:0]         b_valid;
    wire               b_error;
    wire [RINGS-1:0]   rx_good;
    wire [15:0]        rx_good_bytes;
    wire [RINGS-1:0]   rx_dropped;
    wire               rx_idle;
    wire [PORTS-1:0]   x_valid;
    wire [PORTS-1:0]   x_ready;
    wire [511:0]       x_data;
    wire [5:0]         x_tail;
    wire               x_last;
    wire               x_drop;
    wire [TX_QUEUES-1:0] tx_good;
    wire [15:0]        tx_good_bytes;
    wire [TX_QUEUES-1:0] tx_bad;
    wire               tx_idle;

    clock_gate u_gate_dma_rx (
        .clk(clk), .rst(rst),
        .on_i(touched || h_valid || !rx_idle || ar_valid[0] || r_valid[0] || aw_valid[1:0] != 2'd0 || w_valid[1:0] != 2'd0 || b_valid[1:0] != 2'd0),
        .clk_o(clk_dma_rx));
    dma_rx #(.RINGS(RINGS), .DEPTH(DMA_BEATS), .AHEAD(AHEAD)) u_dma_rx (
        .clk(clk_dma_rx), .rst(rst), .on_i(rx_on), .base_i(rx_base), .size_i(rx_size), .tail_i(rx_tail), .head_o(rx_head),
        .busy_o(rx_busy), .s_valid_i(h_valid), .s_ready_o(h_ready), .s_data_i(h_data), .s_tail_i(h_tail),
        .s_last_i(h_last), .s_ring_i(h_ring), .s_total_i(h_total), .s_ret_i(h_ret), .s_port_i(h_port),
        .s_hashed_i(h_hashed), .s_hash_i(h_hash), .s_meta_i(h_meta), .s_number_i(h_number), .s_time_i(h_time),
        .s_redirect_i(h_redirect), .ar_valid_o(ar_valid[0]), .ar_ready_i(ar_ready[0]), .ar_addr_o(ar_addr[63:0]),
        .r_valid_i(r_valid[0]), .r_data_i(r_data), .r_error_i(r_error), .aw_valid_o(aw_valid[1:0]),
        .aw_ready_i(aw_ready[1:0]), .aw_addr_o(aw_addr[127:0]), .aw_len_o(aw_len[15:0]),
        .w_valid_o(w_valid[1:0]), .w_ready_i(w_ready[1:0]), .w_data_o(w_data[1023:0]), .w_strb_o(w_strb[127:0]),
        .w_last_o(w_last[1:0]), .b_valid_i(b_valid[1:0]), .b_error_i(b_error), .good_o(rx_good),
        .good_bytes_o(rx_good_bytes), .dropped_o(rx_dropped), .idle_o(rx_idle));
    assign ar_len[7:0] = 8'd0;
    clock_gate u_gate_dma_tx (
        .clk(clk), .rst(rst), .on_i(touched || !tx_idle || ar_valid[2:1] != 2'd0 || r_valid[2:1] != 2'd0 || aw_valid[2] || w_valid[2] || b_valid[2]),
        .clk_o(clk_dma_tx));
    dma_tx #(.RINGS(TX_QUEUES), .PORTS(PORTS), .AHEAD(AHEAD)) u_dma_tx (
        .clk(clk_dma_tx), .rst(rst), .on_i(tx_on), .base_i(tx_base), .size_i(tx_size), .tail_i(tx_tail), .head_o(tx_head),
        .busy_o(tx_busy), .ar_valid_o(ar_valid[2:1]), .ar_ready_i(ar_ready[2:1]), .ar_addr_o(ar_addr[191:64]),
        .ar_len_o(ar_len[23:8]), .r_valid_i(r_valid[2:1]), .r_data_i(r_data), .r_error_i(r_error),
        .aw_valid_o(aw_valid[2]), .aw_ready_i(aw_ready[2]), .aw_addr_o(aw_addr[191:128]),
        .w_valid_o(w_valid[2]), .w_ready_i(w_ready[2]), .w_data_o(w_data[1535:1024]), .w_strb_o(w_strb[191:128]),
        .b_valid_i(b_valid[2]), .m_valid_o(x_valid), .m_ready_i(x_ready), .m_data_o(x_data), .m_tail_o(x_tail),
        .m_last_o(x_last), .m_drop_o(x_drop), .good_o(tx_good), .good_bytes_o(tx_good_bytes), .bad_o(tx_bad),
        .idle_o(tx_idle));
    assign aw_len[23:16] = 8'd0;
    assign w_last[2] = 1'b1;
    nic_slot_port u_slot_port (
        .clk(clk), .rst(rst), .stop_i(host_reset), .idle_o(mapdma_idle), .we_i(mapdma_we), .woffset_i(mapdma_woffset),
        .wdata_i(mapdma_wdata), .roffset_i(mapdma_roffset), .rdata_o(mapdma_rdata),
        .s_axil_awaddr(host_awaddr), .s_axil_awvalid(host_awvalid), .s_axil_awready(host_awready),
        .s_axil_wdata(host_wdata), .s_axil_wstrb(host_wstrb), .s_axil_wvalid(host_wvalid), .s_axil_wready(host_wready),
        .s_axil_bresp(host_bresp), .s_axil_bvalid(host_bvalid), .s_axil_bready(host_bready),
        .s_axil_araddr(host_araddr), .s_axil_arvalid(host_arvalid), .s_axil_arready(host_arready),
        .s_axil_rdata(host_rdata), .s_axil_rresp(host_rresp), .s_axil_rvalid(host_rvalid), .s_axil_rready(host_rready),
        .m_axil_awaddr(slot_awaddr), .m_axil_awvalid(slot_awvalid), .m_axil_awready(slot_awready),
        .m_axil_wdata(slot_wdata), .m_axil_wstrb(slot_wstrb), .m_axil_wvalid(slot_wvalid), .m_axil_wready(slot_wready),
        .m_axil_bresp(slot_bresp), .m_axil_bvalid(slot_bvalid), .m_axil_bready(slot_bready),
        .m_axil_araddr(slot_araddr), .m_axil_arvalid(slot_arvalid), .m_axil_arready(slot_arready),
        .m_axil_rdata(slot_rdata), .m_axil_rresp(slot_rresp), .m_axil_rvalid(slot_rvalid), .m_axil_rready(slot_rready),
        .ar_valid_o(ar_valid[3]), .ar_ready_i(ar_ready[3]), .ar_addr_o(ar_addr[255:192]),
        .r_valid_i(r_valid[3]), .r_data_i(r_data), .r_error_i(r_error), .aw_valid_o(aw_valid[3]), .aw_ready_i(aw_ready[3]),
        .aw_addr_o(aw_addr[255:192]), .w_valid_o(w_valid[3]), .w_ready_i(w_ready[3]), .w_data_o(w_data[2047:1536]),
        .w_strb_o(w_strb[255:192]), .b_valid_i(b_valid[3]), .b_error_i(b_error));
    assign {ar_len[31:24], aw_len[31:24], w_last[3]} = 17'd1;
    dma_write #(.MASTERS(4)) u_write (
        .clk(clk), .rst(rst), .s_aw_valid_i(aw_valid), .s_aw_ready_o(aw_ready), .s_aw_addr_i(aw_addr),
        .s_aw_len_i(aw_len), .s_w_valid_i(w_valid), .s_w_ready_o(w_ready), .s_w_data_i(w_data),
        .s_w_strb_i(w_strb), .s_w_last_i(w_last), .s_b_valid_o(b_valid), .s_b_error_o(b_error),
        .m_axi_awid(m_axi_dma_awid), .m_axi_awaddr(m_axi_dma_awaddr), .m_axi_awlen(m_axi_dma_awlen),
        .m_axi_awvalid(m_axi_dma_awvalid), .m_axi_awready(m_axi_dma_awready), .m_axi_wdata(m_axi_dma_wdata),
        .m_axi_wstrb(m_axi_dma_wstrb), .m_axi_wlast(m_axi_dma_wlast), .m_axi_wvalid(m_axi_dma_wvalid),
        .m_axi_wready(m_axi_dma_wready), .m_axi_bid(m_axi_dma_bid), .m_axi_bresp(m_axi_dma_bresp),
        .m_axi_bvalid(m_axi_dma_bvalid), .m_axi_bready(m_axi_dma_bready));
    dma_read #(.MASTERS(4)) u_read (
        .clk(clk), .rst(rst), .s_ar_valid_i(ar_valid), .s_ar_ready_o(ar_ready), .s_ar_addr_i(ar_addr),
        .s_ar_len_i(ar_len), .s_r_valid_o(r_valid), .s_r_data_o(r_data), .s_r_error_o(r_error), .failed_o(r_failed),
        .m_axi_arid(m_axi_dma_arid), .m_axi_araddr(m_axi_dma_araddr), .m_axi_arlen(m_axi_dma_arlen),
        .m_axi_arvalid(m_axi_dma_arvalid), .m_axi_arready(m_axi_dma_arready), .m_axi_rid(m_axi_dma_rid),
        .m_axi_rdata(m_axi_dma_rdata), .m_axi_rresp(m_axi_dma_rresp), .m_axi_rlast(m_axi_dma_rlast), .m_axi_rvalid(m_axi_dma_rvalid),
        .m_axi_rready(m_axi_dma_rready));
    assign m_axi_dma_awsize = 3'd6;
    assign m_axi_dma_awburst = 2'd1;
    assign m_axi_dma_arsize = 3'd6;
    assign m_axi_dma_arburst = 2'd1;

    // --- ports out: metadata go away first
    wire               s_valid;
    wire [511:0]       s_data;
    wire [5:0]         s_tail;
    wire               s_last;
    wire [3:0]         s_port;
    wire [PORTS-1:0]   out_idle;

    nic_gather #(.USER_W(4)) u_strip (
        .clk(clk_verdict), .rst(rst), .s_valid_i(t_valid), .s_ready_o(t_ready), .s_data_i(t_data), .s_at_i(t_at),
        .s_bytes_i(t_bytes), .s_last_i(t_last), .s_user_i(t_port), .m_valid_o(s_valid), .m_ready_i(1'b1),
        .m_data_o(s_data), .m_tail_o(s_tail), .m_last_o(s_last), .m_user_o(s_port));

    generate
        for (g = 0; g < PORTS; g = g + 1) begin : g_port_out
            wire        sent;
            wire [15:0] sent_bytes;
            wire        lost;
            clock_gate u_gate (
                .clk(clk), .rst(rst), .on_i((s_valid && s_port == g) || x_valid[g] || !out_idle[g]), .clk_o(clk_tx[g]));
            nic_port_tx #(.DEPTH(TX_BEATS)) u_tx (
                .clk(clk_tx[g]), .rst(rst), .p_valid_i(s_valid && s_port == g), .p_data_i(s_data), .p_tail_i(s_tail),
                .p_last_i(s_last), .h_valid_i(x_valid[g]), .h_ready_o(x_ready[g]), .h_data_i(x_data),
                .h_tail_i(x_tail), .h_last_i(x_last), .h_drop_i(x_drop),
                .m_axis_tdata(m_axis_mac_tdata[512*g +: 512]), .m_axis_tkeep(m_axis_mac_tkeep[64*g +: 64]),
                .m_axis_tvalid(m_axis_mac_tvalid[g]), .m_axis_tready(m_axis_mac_tready[g]),
                .m_axis_tlast(m_axis_mac_tlast[g]), .sent_o(sent), .sent_bytes_o(sent_bytes), .lost_o(lost),
                .idle_o(out_idle[g]));
            assign add[9*g+5 +: 3] = {lost, sent, sent};
            assign amount[16*(9*g+5) +: 48] = {16'd1, sent_bytes, 16'd1};
        end
        for (g = 0; g < RINGS; g = g + 1) begin : g_rx_counts
            assign add[9*PORTS+3*g +: 3] = {rx_dropped[g], rx_good[g], rx_good[g]};
            assign amount[16*(9*PORTS+3*g) +: 48] = {16'd1, rx_good_bytes, 16'd1};
        end
        for (g = 0; g < TX_QUEUES; g = g + 1) begin : g_tx_counts
            assign add[9*PORTS+3*RINGS+3*g +: 3] = {tx_bad[g], tx_good[g], tx_good[g]};
            assign amount[16*(9*PORTS+3*RINGS+3*g) +: 48] = {16'd1, tx_good_bytes, 16'd1};
        end
    endgenerate
    assign add[COUNTS-1 -: 7] = {rx_dropped[RX_QUEUES], no_target, verdicts};
    assign amount[16*COUNTS-1 -: 112] = {7{16'd1}};

    // --- state
    assign busy = any_inside || waiting || in_valid != {PORTS{1'b0}} || out_idle != {PORTS{1'b1}} || !rx_idle || !tx_idle
                  || !mapdma_idle;
    assign behind_busy = verdict_busy || !rx_idle;
    assign to_host_busy = any_inside || behind_busy;
    assign quiet = in_idle == {PORTS{1'b1}} && rx_busy == {RINGS{1'b0}} && tx_busy == {TX_QUEUES{1'b0}}
                   && rx_idle && tx_idle && mapdma_idle;
    assign dma_error = {r_failed, b_error && b_valid != 4'd0};

    wire unused = &{1'b0, in_room};
endmodule
`default_nettype wire
