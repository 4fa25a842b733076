// SPDX-License-Identifier: BSD-3-Clause
// The program slot in the way of another shell's packets (docs/board.md): what comes from the wire goes through the program, and by its
// verdict on to the shell's host side, out of a port, or nowhere; what the shell sends goes past it. Until NIC.CTRL bit 0 is set
// the program sees nothing, and all packets pass.
//
// Throughput: a beat a clock, all ports together. Order: kept for each port and way. Back-pressure: a port waits while the program
// takes less than the wire gives; towards the host and the wire nothing of the program's waits, a packet without room is lost and counted.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module shell_bump #(
    parameter PORTS = 1,        // 1 to 16
    parameter WORD_W = 32,      // bits of the shell's that stay with a packet from the wire to the host, 1 to 96
    parameter SENT_W = 16,      // bits of the shell's that stay with a packet that it sends, at least 1
    parameter RX_BEATS = 512,   // store of a port towards the program: beats, a power of two, at least 256
    parameter OUT_BEATS = 256,  // each of the two stores of a port behind it, likewise
    parameter TARGETS = 64,     // entries of the redirect table, 1 to 64
    parameter INSIDE = 1024     // packets that the slot may hold, a power of two
) (
    input  wire                     clk,
    input  wire                     rst,
    // from the wire; error belongs to the last beat, word to the first
    input  wire [512*PORTS-1:0]     s_rx_data_i,
    input  wire [64*PORTS-1:0]      s_rx_keep_i,
    input  wire [PORTS-1:0]         s_rx_valid_i,
    output wire [PORTS-1:0]         s_rx_ready_o,
    input  wire [PORTS-1:0]         s_rx_last_i,
    input  wire [PORTS-1:0]         s_rx_error_i,
    input  wire [WORD_W*PORTS-1:0]  s_rx_word_i,
    // to the host; length and word hold for all beats of a packet
    output wire [512*PORTS-1:0]     m_rx_data_o,
    output wire [64*PORTS-1:0]      m_rx_keep_o,
    output wire [PORTS-1:0]         m_rx_valid_o,
    input  wire [PORTS-1:0]         m_rx_ready_i,
    output wire [PORTS-1:0]         m_rx_last_o,
    output wire [16*PORTS-1:0]      m_rx_len_o,
    output wire [WORD_W*PORTS-1:0]  m_rx_word_o,
    // what the shell sends
    input  wire [512*PORTS-1:0]     s_tx_data_i,
    input  wire [64*PORTS-1:0]      s_tx_keep_i,
    input  wire [PORTS-1:0]         s_tx_valid_i,
    output wire [PORTS-1:0]         s_tx_ready_o,
    input  wire [PORTS-1:0]         s_tx_last_i,
    input  wire [SENT_W*PORTS-1:0]  s_tx_word_i,
    // to the wire: the shell's packets with their word, the program's with their length and the port that they came from
    output wire [512*PORTS-1:0]     m_tx_data_o,
    output wire [64*PORTS-1:0]      m_tx_keep_o,
    output wire [PORTS-1:0]         m_tx_valid_o,
    input  wire [PORTS-1:0]         m_tx_ready_i,
    output wire [PORTS-1:0]         m_tx_last_o,
    output wire [PORTS-1:0]         m_tx_own_o,     // the program's
    output wire [SENT_W*PORTS-1:0]  m_tx_word_o,
    output wire [16*PORTS-1:0]      m_tx_len_o,
    output wire [4*PORTS-1:0]       m_tx_from_o,
    // registers of hw/spec/nic.toml without rings
    input  wire [19:0]              s_axil_awaddr,
    input  wire                     s_axil_awvalid,
    output wire                     s_axil_awready,
    input  wire [31:0]              s_axil_wdata,
    input  wire [3:0]               s_axil_wstrb,
    input  wire                     s_axil_wvalid,
    output wire                     s_axil_wready,
    output wire [1:0]               s_axil_bresp,
    output wire                     s_axil_bvalid,
    input  wire                     s_axil_bready,
    input  wire [19:0]              s_axil_araddr,
    input  wire                     s_axil_arvalid,
    output wire                     s_axil_arready,
    output wire [31:0]              s_axil_rdata,
    output wire [1:0]               s_axil_rresp,
    output wire                     s_axil_rvalid,
    input  wire                     s_axil_rready
);
    localparam COUNTS = 9 * PORTS + 3 * 2 + 3 + 7;  // as nic_csr has them, those of rings stay 0
    localparam BEAT_W = WORD_W + 32 + 32 + 64 + 16 + 512;
    localparam HOST_W = 1 + 4 + 4 + 16 + WORD_W;
    localparam SEND_W = 512 + 64 + 1 + SENT_W + 16 + 4;

    generate
        if (PORTS < 1 || PORTS > 16 || WORD_W < 1 || WORD_W > 96 || SENT_W < 1) begin : g_illegal
            shell_bump_illegal_parameter u_stop ();
        end
    endgenerate

    genvar g;

    // --- registers
    wire [15:0]  slot_awaddr, slot_araddr;
    wire [31:0]  slot_wdata, slot_rdata;
    wire [3:0]   slot_wstrb;
    wire [1:0]   slot_bresp, slot_rresp;
    wire         slot_awvalid, slot_awready, slot_wvalid, slot_wready, slot_bvalid, slot_bready;
    wire         slot_arvalid, slot_arready, slot_rvalid, slot_rready;
    wire         enable;
    wire         clear;
    wire         busy;
    wire         hung;
    wire [31:0]  watchdog;
    wire [63:0]  now;
    wire         seed_we;
    wire [31:0]  seed;
    wire [32*PORTS-1:0]      ifindex;
    wire [16*PORTS-1:0]      max_bytes;
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
    // of the NIC, not of a bump
    wire [3*PORTS-1:0]   port_ctrl;
    wire [48*PORTS-1:0]  mac;
    wire [512*PORTS-1:0] filter;
    wire [1:0]   rx_on;
    wire [127:0] rx_base;
    wire [7:0]   rx_size;
    wire [31:0]  rx_tail;
    wire         tx_on;
    wire [63:0]  tx_base;
    wire [3:0]   tx_size;
    wire [15:0]  tx_tail;
    wire [5:0]   rss_types;
    wire [319:0] rss_key;
    wire         rss_we;
    wire [6:0]   rss_index;
    wire [7:0]   rss_queue;
    wire         mapdma_we;
    wire [11:0]  mapdma_woffset;
    wire [31:0]  mapdma_wdata;
    wire [11:0]  mapdma_roffset;
    wire         unused_csr = &{1'b0, port_ctrl, mac, filter, rx_on, rx_base, rx_size, rx_tail, tx_on, tx_base, tx_size,
                                tx_tail, rss_types, rss_key, rss_we, rss_index, rss_queue, mapdma_we, mapdma_woffset,
                                mapdma_wdata, mapdma_roffset};

    nic_csr #(.PORTS(PORTS), .RX_QUEUES(1), .TX_QUEUES(1), .TARGETS(TARGETS), .RINGS(2), .HAS_RINGS(0)) u_csr (
        .clk(clk), .rst(rst), .s_axil_awaddr(s_axil_awaddr), .s_axil_awvalid(s_axil_awvalid),
        .s_axil_awready(s_axil_awready), .s_axil_wdata(s_axil_wdata), .s_axil_wstrb(s_axil_wstrb),
        .s_axil_wvalid(s_axil_wvalid), .s_axil_wready(s_axil_wready), .s_axil_bresp(s_axil_bresp),
        .s_axil_bvalid(s_axil_bvalid), .s_axil_bready(s_axil_bready), .s_axil_araddr(s_axil_araddr),
        .s_axil_arvalid(s_axil_arvalid), .s_axil_arready(s_axil_arready), .s_axil_rdata(s_axil_rdata),
        .s_axil_rresp(s_axil_rresp), .s_axil_rvalid(s_axil_rvalid), .s_axil_rready(s_axil_rready),
        .m_axil_awaddr(slot_awaddr), .m_axil_awvalid(slot_awvalid), .m_axil_awready(slot_awready),
        .m_axil_wdata(slot_wdata), .m_axil_wstrb(slot_wstrb), .m_axil_wvalid(slot_wvalid),
        .m_axil_wready(slot_wready), .m_axil_bresp(slot_bresp), .m_axil_bvalid(slot_bvalid),
        .m_axil_bready(slot_bready), .m_axil_araddr(slot_araddr), .m_axil_arvalid(slot_arvalid),
        .m_axil_arready(slot_arready), .m_axil_rdata(slot_rdata), .m_axil_rresp(slot_rresp),
        .m_axil_rvalid(slot_rvalid), .m_axil_rready(slot_rready), .enable_o(enable), .soft_o(clear), .idle_i(1'b1),
        .busy_i(busy), .to_host_busy_i(busy), .behind_busy_i(busy), .dma_error_i(2'd0), .hung_i(hung), .watchdog_o(watchdog), .time_o(now),
        .seed_we_o(seed_we), .seed_o(seed), .link_i({PORTS{1'b1}}), .port_ctrl_o(port_ctrl), .ifindex_o(ifindex),
        .max_bytes_o(max_bytes), .mac_o(mac), .filter_o(filter), .rx_on_o(rx_on), .rx_base_o(rx_base),
        .rx_size_o(rx_size), .rx_tail_o(rx_tail), .rx_head_i(32'd0), .rx_busy_i(2'd0), .tx_on_o(tx_on),
        .tx_base_o(tx_base), .tx_size_o(tx_size), .tx_tail_o(tx_tail), .tx_head_i(16'd0), .tx_busy_i(1'b0),
        .rss_types_o(rss_types), .rss_key_o(rss_key), .rss_we_o(rss_we), .rss_index_o(rss_index),
        .rss_queue_o(rss_queue), .to_host_o(to_host), .table_we_o(table_we), .table_index_o(table_index),
        .table_data_o(table_data), .table_rindex_o(table_rindex), .table_rdata_i(table_rdata),
        .mapdma_we_o(mapdma_we), .mapdma_woffset_o(mapdma_woffset), .mapdma_wdata_o(mapdma_wdata),
        .mapdma_roffset_o(mapdma_roffset), .mapdma_rdata_i(32'd0), .count_read_o(count_read),
        .count_high_o(count_high), .count_index_o(count_index), .count_data_i(count_data));
    nic_counters #(.COUNT(COUNTS)) u_counters (
        .clk(clk), .rst(rst), .clear_i(clear), .add_i(add), .amount_i(amount), .read_i(count_read),
        .high_i(count_high), .index_i(count_index), .data_o(count_data));

    // --- from the wire: whole frames
    wire [PORTS-1:0]        in_valid;
    wire [PORTS-1:0]        in_ready;
    wire [PORTS-1:0]        in_last;
    wire [PORTS*BEAT_W-1:0] in_beat;
    wire [PORTS-1:0]        host_lost;

    generate
        for (g = 0; g < PORTS; g = g + 1) begin : g_in
            wire              room;
            wire              take = s_rx_valid_i[g] && room;
            reg               first_q;
            reg  [WORD_W-1:0] word0_q;      // of the frame in the first stage of nic_port_rx,
            reg  [WORD_W-1:0] word1_q;      // in the second
            wire [WORD_W-1:0] word;
            wire              word_valid;
            wire              word_ready;
            wire [511:0]      data;
            wire [15:0]       len;
            wire [63:0]       when;
            wire [31:0]       random;
            wire              hashed;
            wire [31:0]       hash;
            wire [7:0]        queue;
            wire              idle;
            wire              taken;
            wire [15:0]       taken_bytes;
            wire              error;
            wire              size;
            wire              filtered;
            wire              missed;

            assign s_rx_ready_o[g] = room && !rst;
            always @(posedge clk) begin
                word1_q <= word0_q;
                if (take) begin
                    first_q <= s_rx_last_i[g];
                    if (first_q) word0_q <= s_rx_word_i[WORD_W*g +: WORD_W];
                end
                if (rst) first_q <= 1'b1;
            end
            nic_port_rx #(.DEPTH(RX_BEATS), .PORT(g)) u_rx (
                .clk(clk), .rst(rst), .enable_i(1'b1), .flush_i(1'b0), .promiscuous_i(1'b1), .allmulti_i(1'b1),
                .max_bytes_i(max_bytes[16*g +: 16]), .mac_i(48'd0), .filter_i(512'd0), .time_i(now),
                .seed_we_i(seed_we), .seed_i(seed), .rss_types_i(6'd0), .rss_key_i(320'd0), .rss_we_i(1'b0),
                .rss_index_i(7'd0), .rss_queue_i(8'd0), .s_axis_tdata(s_rx_data_i[512*g +: 512]),
                .s_axis_tkeep(s_rx_keep_i[64*g +: 64]), .s_axis_tvalid(take), .s_axis_tready(room),
                .s_axis_tlast(s_rx_last_i[g]), .s_axis_tuser(s_rx_error_i[g]), .m_valid_o(in_valid[g]),
                .m_ready_i(in_ready[g]), .m_data_o(data), .m_last_o(in_last[g]), .m_len_o(len), .m_time_o(when),
                .m_rand_o(random), .m_hashed_o(hashed), .m_hash_o(hash), .m_queue_o(queue), .idle_o(idle),
                .taken_o(taken), .taken_bytes_o(taken_bytes), .error_o(error), .size_o(size),
                .filtered_o(filtered), .missed_o(missed));
            // as many as the store has frames at most
            pipe_fifo #(.WIDTH(WORD_W), .DEPTH(RX_BEATS)) u_word (
                .clk(clk), .rst(rst), .s_valid_i(taken), .s_ready_o(word_ready), .s_data_i(word1_q),
                .m_valid_o(word_valid), .m_ready_i(in_valid[g] && in_ready[g] && in_last[g]), .m_data_o(word));
            assign in_beat[BEAT_W*g +: BEAT_W] = {word, ifindex[32*g +: 32], random, when, len, data};
            // what waits for room is never missed: MISSED counts packets that the host's side had no room for
            assign add[9*g +: 5] = {host_lost[g], size, 1'b0, taken, taken};
            assign add[9*g+8] = error;
            assign amount[16*9*g +: 16*5] = {16'd1, 16'd1, 16'd1, taken_bytes, 16'd1};
            assign amount[16*(9*g+8) +: 16] = 16'd1;
            wire unused_in = &{1'b0, word_valid, word_ready, hashed, hash, queue, idle, filtered, missed};
        end
    endgenerate

    // --- through the slot or past it, to the verdict
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
    wire               clk_verdict;
    wire               any_inside;
    wire               waiting;
    wire               verdict_busy;
    // its port to external memory leads nowhere
    wire [3:0]   ext_awid, ext_arid;
    wire [31:0]  ext_awaddr, ext_araddr;
    wire [7:0]   ext_awlen, ext_arlen;
    wire [2:0]   ext_awsize, ext_arsize;
    wire [1:0]   ext_awburst, ext_arburst;
    wire         ext_awvalid, ext_wlast, ext_wvalid, ext_bready, ext_arvalid, ext_rready;
    wire [511:0] ext_wdata;
    wire [63:0]  ext_wstrb;
    wire unused_ext = &{1'b0, ext_awid, ext_awaddr, ext_awlen, ext_awsize, ext_awburst, ext_awvalid, ext_wdata, ext_wstrb,
                        ext_wlast, ext_wvalid, ext_bready, ext_arid, ext_araddr, ext_arlen, ext_arsize, ext_arburst,
                        ext_arvalid, ext_rready};

    nic_path #(
        .PORTS(PORTS), .QUEUES(1), .TARGETS(TARGETS), .INSIDE(INSIDE), .SHELL(1), .WORD_W(WORD_W)
    ) u_path (
        .clk(clk), .rst(rst), .on_i(enable), .clear_i(clear), .wake_i(1'b1), .clk_verdict_o(clk_verdict),
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
        .s_axil_rresp(slot_rresp), .s_axil_rvalid(slot_rvalid), .s_axil_rready(slot_rready),
        .m_axi_awid(ext_awid), .m_axi_awaddr(ext_awaddr), .m_axi_awlen(ext_awlen), .m_axi_awsize(ext_awsize),
        .m_axi_awburst(ext_awburst), .m_axi_awvalid(ext_awvalid), .m_axi_awready(1'b0), .m_axi_wdata(ext_wdata),
        .m_axi_wstrb(ext_wstrb), .m_axi_wlast(ext_wlast), .m_axi_wvalid(ext_wvalid), .m_axi_wready(1'b0),
        .m_axi_bid(4'd0), .m_axi_bresp(2'd0), .m_axi_bvalid(1'b0), .m_axi_bready(ext_bready), .m_axi_arid(ext_arid),
        .m_axi_araddr(ext_araddr), .m_axi_arlen(ext_arlen), .m_axi_arsize(ext_arsize), .m_axi_arburst(ext_arburst),
        .m_axi_arvalid(ext_arvalid), .m_axi_arready(1'b0), .m_axi_rid(4'd0), .m_axi_rdata(512'd0),
        .m_axi_rresp(2'd0), .m_axi_rlast(1'b0), .m_axi_rvalid(1'b0), .m_axi_rready(ext_rready));

    // --- metadata go away, event areas are lost: the shell has no way for either; what passes the program alone counts
    wire               event_area = h_ring != 8'd0;
    wire [HOST_W-1:0]  send;
    wire               s_valid;
    wire [511:0]       s_data;
    wire [5:0]         s_tail;
    wire               s_last;
    wire               s_host;
    wire [3:0]         s_port;
    wire [3:0]         s_from;
    wire [15:0]        s_len;
    wire [WORD_W-1:0]  s_word;
    wire [95:0]        h_word = {h_hash, h_time};

    assign h_ready = event_area || t_ready;
    assign send = {h_valid, h_valid ? h_port : t_port, h_port, h_total - {8'd0, h_meta}, h_word[WORD_W-1:0]};
    nic_gather #(.USER_W(HOST_W)) u_strip (
        .clk(clk_verdict), .rst(rst), .s_valid_i(t_valid || (h_valid && !event_area)), .s_ready_o(t_ready), .s_data_i(t_data),
        .s_at_i(t_at), .s_bytes_i(t_bytes), .s_last_i(t_last), .s_user_i(send), .m_valid_o(s_valid),
        .m_ready_i(1'b1), .m_data_o(s_data), .m_tail_o(s_tail), .m_last_o(s_last),
        .m_user_o({s_host, s_port, s_from, s_len, s_word}));
    assign add[COUNTS-1 -: 7] = {h_valid && h_last && event_area, no_target, verdicts & {5{h_hashed}}};
    assign amount[16*COUNTS-1 -: 112] = {7{16'd1}};
    assign add[9*PORTS +: 9] = 9'd0;
    assign amount[16*9*PORTS +: 144] = 144'd0;

    // --- out: to the host, and to the wire in turn with what the shell sends
    wire [PORTS-1:0]   out_busy;

    generate
        for (g = 0; g < PORTS; g = g + 1) begin : g_out
            wire         host_ready;
            wire         host_done;
            wire         host_drop;
            wire         host_valid;
            wire [5:0]   host_tail;
            wire         host_word_ready;
            wire         host_word_valid;
            wire         to_wire = s_valid && !s_host && s_port == g;
            wire         to_hosts = s_valid && s_host && s_port == g;

            nic_frame_fifo #(.DEPTH(OUT_BEATS), .BLOCK(0)) u_host (
                .clk(clk), .rst(rst), .s_valid_i(to_hosts), .s_ready_o(host_ready), .s_data_i(s_data),
                .s_tail_i(s_tail), .s_last_i(s_last), .s_keep_i(1'b1), .s_drop_i(1'b0), .s_lost_o(host_drop),
                .s_done_o(host_done), .m_valid_o(host_valid), .m_ready_i(m_rx_ready_i[g] && host_word_valid),
                .m_data_o(m_rx_data_o[512*g +: 512]), .m_tail_o(host_tail), .m_last_o(m_rx_last_o[g]));
            pipe_fifo #(.WIDTH(16 + WORD_W), .DEPTH(OUT_BEATS)) u_host_word (
                .clk(clk), .rst(rst), .s_valid_i(host_done), .s_ready_o(host_word_ready), .s_data_i({s_len, s_word}),
                .m_valid_o(host_word_valid), .m_ready_i(m_rx_valid_o[g] && m_rx_ready_i[g] && m_rx_last_o[g]),
                .m_data_o({m_rx_len_o[16*g +: 16], m_rx_word_o[WORD_W*g +: WORD_W]}));
            assign m_rx_valid_o[g] = host_valid && host_word_valid;
            assign m_rx_keep_o[64*g +: 64] = m_rx_last_o[g] && host_tail != 6'd0 ? ~({64{1'b1}} << host_tail) : {64{1'b1}};
            assign host_lost[g] = to_hosts && s_last && host_drop;

            wire         own_ready;
            wire         own_done;
            wire         own_drop;
            wire         own_valid;
            wire         own_last;
            wire         own_pop;
            wire [511:0] own_data;
            wire [5:0]   own_tail;
            wire [63:0]  own_keep = own_last && own_tail != 6'd0 ? ~({64{1'b1}} << own_tail) : {64{1'b1}};
            wire         own_word_ready;
            wire         own_word_valid;
            wire [15:0]  own_len;
            wire [3:0]   own_from;
            wire [3:0]   source;
            wire         sent = m_tx_valid_o[g] && m_tx_ready_i[g] && m_tx_last_o[g] && m_tx_own_o[g];

            nic_frame_fifo #(.DEPTH(OUT_BEATS), .BLOCK(0)) u_own (
                .clk(clk), .rst(rst), .s_valid_i(to_wire), .s_ready_o(own_ready), .s_data_i(s_data),
                .s_tail_i(s_tail), .s_last_i(s_last), .s_keep_i(1'b1), .s_drop_i(1'b0), .s_lost_o(own_drop),
                .s_done_o(own_done), .m_valid_o(own_valid), .m_ready_i(own_pop && own_word_valid),
                .m_data_o(own_data), .m_tail_o(own_tail), .m_last_o(own_last));
            pipe_fifo #(.WIDTH(20), .DEPTH(OUT_BEATS)) u_own_word (
                .clk(clk), .rst(rst), .s_valid_i(own_done), .s_ready_o(own_word_ready), .s_data_i({s_len, s_from}),
                .m_valid_o(own_word_valid), .m_ready_i(own_valid && own_pop && own_last),
                .m_data_o({own_len, own_from}));
            nic_merge #(.PORTS(2), .WIDTH(SEND_W)) u_merge (
                .clk(clk), .rst(rst), .s_valid_i({s_tx_valid_i[g], own_valid && own_word_valid}),
                .s_ready_o({s_tx_ready_o[g], own_pop}), .s_last_i({s_tx_last_i[g], own_last}),
                .s_data_i({1'b0, s_tx_word_i[SENT_W*g +: SENT_W], 20'd0, s_tx_keep_i[64*g +: 64],
                           s_tx_data_i[512*g +: 512],
                           1'b1, {SENT_W{1'b0}}, own_len, own_from, own_keep, own_data}),
                .m_valid_o(m_tx_valid_o[g]), .m_ready_i(m_tx_ready_i[g]), .m_last_o(m_tx_last_o[g]),
                .m_port_o(source),
                .m_data_o({m_tx_own_o[g], m_tx_word_o[SENT_W*g +: SENT_W], m_tx_len_o[16*g +: 16],
                           m_tx_from_o[4*g +: 4], m_tx_keep_o[64*g +: 64], m_tx_data_o[512*g +: 512]}));
            assign add[9*g+5 +: 3] = {to_wire && s_last && own_drop, sent, sent};
            assign amount[16*(9*g+5) +: 48] = {16'd1, m_tx_len_o[16*g +: 16], 16'd1};
            assign out_busy[g] = host_valid || own_valid || m_tx_valid_o[g];
            wire unused_out = &{1'b0, host_ready, host_word_ready, own_ready, own_word_ready, source};
        end
    endgenerate

    assign busy = any_inside || waiting || in_valid != {PORTS{1'b0}} || verdict_busy || s_valid || out_busy != {PORTS{1'b0}};

    wire unused = &{1'b0, h_data, h_tail, h_ret, h_number, h_redirect, h_word};
endmodule
`default_nettype wire
