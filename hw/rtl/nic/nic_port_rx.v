// SPDX-License-Identifier: BSD-3-Clause
// Frames of a MAC on their way to the program: a frame is taken whole or not at all, and gets what the program is told of it.
//
// What is not taken is counted by the first reason that holds: an error of the MAC, its size, its address, no room.
// Latency: 9 clocks from a frame's last beat to its first one out. Throughput: a beat a clock. Order: kept. Back-pressure: none
// towards a MAC, which has no use for s_axis_tready; a source that stops while it is low loses nothing. flush_i throws away frames that are in the store but for one whose first beat has left, and the one that comes.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module nic_port_rx #(
    parameter DEPTH = 512,      // beats of the store, a power of two, at least 256
    parameter PORT = 0          // number of the port
) (
    input  wire          clk,
    input  wire          rst,
    // configuration
    input  wire          enable_i,
    input  wire          flush_i,
    input  wire          promiscuous_i,
    input  wire          allmulti_i,
    input  wire [15:0]   max_bytes_i,
    input  wire [47:0]   mac_i,
    input  wire [8*64-1:0] filter_i,       // bit 63 of each: in use
    input  wire [63:0]   time_i,
    input  wire          seed_we_i,
    input  wire [31:0]   seed_i,
    input  wire [5:0]    rss_types_i,
    input  wire [319:0]  rss_key_i,
    input  wire          rss_we_i,
    input  wire [6:0]    rss_index_i,
    input  wire [7:0]    rss_queue_i,
    // from the MAC
    input  wire [511:0]  s_axis_tdata,
    input  wire [63:0]   s_axis_tkeep,
    input  wire          s_axis_tvalid,
    output wire          s_axis_tready,
    input  wire          s_axis_tlast,
    input  wire          s_axis_tuser,

    output wire          m_valid_o,
    input  wire          m_ready_i,
    output wire [511:0]  m_data_o,
    output wire          m_last_o,
    output wire [15:0]   m_len_o,           // these hold for all beats of a frame
    output wire [63:0]   m_time_o,
    output wire [31:0]   m_rand_o,
    output wire          m_hashed_o,
    output wire [31:0]   m_hash_o,
    output wire [7:0]    m_queue_o,
    output wire          idle_o,            // nothing stored but a frame that is leaving
    // one pulse a frame
    output wire          taken_o,
    output wire [15:0]   taken_bytes_o,
    output wire          error_o,
    output wire          size_o,
    output wire          filtered_o,
    output wire          missed_o
);
    localparam META_W = 64 + 32 + 16;
    // so that ports with one seed go different ways
    localparam [31:0] SEED_STEP = 32'h9e37_79b9 * PORT;

    // --- 0: as it comes
    reg          valid0_q;
    reg          last0_q;
    reg          error0_q;
    reg          first_q;                   // the beat in stage 0 begins a frame
    reg  [511:0] data0_q;
    reg  [63:0]  keep0_q;
    reg  [63:0]  time0_q;
    reg          on_q;                      // its frame came while the port was on

    // --- 1: bytes, address
    reg          valid1_q;
    reg          last1_q;
    reg          error1_q;
    reg          first1_q;
    reg          on1_q;
    reg  [511:0] data1_q;
    reg  [6:0]   bytes1_q;
    reg  [63:0]  time1_q;
    reg          match1_q;
    reg  [6:0]   bytes0;
    reg          match0;
    wire [47:0]  to = data0_q[47:0];
    wire         on0 = first_q ? enable_i : on_q;
    integer      i;

    always @* begin
        bytes0 = 7'd0;
        for (i = 0; i < 64; i = i + 1) bytes0 = bytes0 + {6'd0, keep0_q[i]};
        match0 = promiscuous_i || to == mac_i || to == 48'hffff_ffff_ffff || (allmulti_i && to[0]);
        for (i = 0; i < 8; i = i + 1)
            match0 = match0 || (filter_i[64*i+63] && filter_i[64*i +: 48] == to);
    end

    // --- 2: the store
    reg  [15:0]  len_q;                     // bytes of the beats before
    reg  [511:0] head0_q;
    reg  [511:0] head1_q;
    reg          second_q;                  // the next beat is a frame's second
    wire [15:0]  len0 = first1_q ? 16'd0 : len_q;
    wire [16:0]  sum = {1'b0, len0} + {10'd0, bytes1_q};
    wire [15:0]  len = sum[16] ? 16'hffff : sum[15:0];
    reg          long_q;                    // it was too long already, whatever max_bytes_i says by now
    wire         long = (long_q && !first1_q) || len > max_bytes_i || len > `SPEC_PKT_MAX_BYTES;
    wire         short = len < `SPEC_PKT_MIN_BYTES;
    wire         ends = valid1_q && last1_q && on1_q;
    wire         keep = on1_q && match1_q && !long;
    wire         drop = error1_q || short;
    wire         lost;
    wire         done;

    wire         out_valid;
    wire         out_ready;
    wire         out_last;
    wire [5:0]   out_tail;

    nic_frame_fifo #(.DEPTH(DEPTH), .BLOCK(2)) u_store (
        .clk(clk), .rst(rst), .s_valid_i(valid1_q), .s_ready_o(s_axis_tready), .s_data_i(data1_q),
        .s_tail_i(len[5:0]), .s_last_i(last1_q), .s_keep_i(keep), .s_drop_i(drop), .s_lost_o(lost),
        .s_done_o(done), .m_valid_o(out_valid), .m_ready_i(out_ready), .m_data_o(m_data_o),
        .m_tail_o(out_tail), .m_last_o(out_last));

    assign error_o = ends && error1_q;
    assign size_o = ends && !error1_q && (long || short);
    assign filtered_o = ends && !error1_q && !long && !short && !match1_q;
    assign missed_o = ends && !error1_q && !long && !short && match1_q && lost;
    assign taken_o = done;
    assign taken_bytes_o = len;

    // --- random state: xorshift, never 0
    reg  [31:0]  rand_q;
    wire [31:0]  rand_a = rand_q ^ (rand_q << 13);
    wire [31:0]  rand_b = rand_a ^ (rand_a >> 17);
    wire [31:0]  rand_next = rand_b ^ (rand_b << 5);
    wire [31:0]  seed = seed_i + SEED_STEP;

    // --- hash and queue, for frames that are kept
    wire [511:0] head0 = first1_q ? data1_q : head0_q;
    wire [511:0] head1 = first1_q ? 512'd0 : second_q ? data1_q : head1_q;
    wire         rss_valid;
    wire         rss_hashed;
    wire [31:0]  rss_hash;
    wire [7:0]   rss_queue;
    wire [META_W-1:0] rss_user;

    nic_rss #(.USER_W(META_W)) u_rss (
        .clk(clk), .rst(rst), .types_i(rss_types_i), .key_i(rss_key_i), .table_we_i(rss_we_i),
        .table_index_i(rss_index_i), .table_queue_i(rss_queue_i), .s_valid_i(done),
        .s_head_i({head1, head0}), .s_len_i(len), .s_user_i({time1_q, rand_q, len}),
        .m_valid_o(rss_valid), .m_hashed_o(rss_hashed), .m_hash_o(rss_hash), .m_queue_o(rss_queue),
        .m_user_o(rss_user));

    // As many as the store has frames at most, so it never refuses.
    wire         meta_ready;
    wire         meta_valid;
    pipe_fifo #(.WIDTH(META_W + 41), .DEPTH(DEPTH)) u_meta (
        .clk(clk), .rst(rst), .s_valid_i(rss_valid), .s_ready_o(meta_ready),
        .s_data_i({rss_queue, rss_hashed, rss_hash, rss_user}), .m_valid_o(meta_valid),
        .m_ready_i(out_valid && out_ready && out_last),
        .m_data_o({m_queue_o, m_hashed_o, m_hash_o, m_time_o, m_rand_o, m_len_o}));

    // --- out, or away
    reg          leaving_q;                 // a frame's first beat has left, but not yet its last
    reg          dropping_q;
    wire         offer = out_valid && meta_valid;
    wire         away = dropping_q || (flush_i && !leaving_q);
    assign m_valid_o = offer && !away;
    assign m_last_o = out_last;
    assign out_ready = meta_valid && (away || m_ready_i);
    assign idle_o = leaving_q || !(out_valid || meta_valid || valid0_q || valid1_q);

    always @(posedge clk) begin
        if (offer && out_ready) begin
            if (away) dropping_q <= !out_last;
            else leaving_q <= !out_last;
        end
        if (rst) {dropping_q, leaving_q} <= 2'd0;
    end

    always @(posedge clk) begin
        valid0_q <= s_axis_tvalid;
        last0_q <= s_axis_tlast;
        error0_q <= s_axis_tuser;
        data0_q <= s_axis_tdata;
        keep0_q <= s_axis_tkeep;
        time0_q <= time_i;
        if (valid0_q) begin
            first_q <= last0_q;
            on_q <= on0;
            first1_q <= first_q;
            on1_q <= on0;
            last1_q <= last0_q;
            error1_q <= error0_q;
            data1_q <= data0_q;
            bytes1_q <= bytes0;
            time1_q <= time0_q;
            if (first_q) match1_q <= match0;
        end
        valid1_q <= valid0_q;
        if (valid1_q) begin
            len_q <= len;
            long_q <= long;
            second_q <= first1_q;
            if (first1_q) head0_q <= data1_q;
            if (second_q) head1_q <= data1_q;
        end
        if (flush_i) on_q <= 1'b0;
        if (done) rand_q <= rand_next;
        if (seed_we_i) rand_q <= seed == 32'd0 ? 32'd1 : seed;
        if (rst) begin
            valid0_q <= 1'b0;
            valid1_q <= 1'b0;
            first_q <= 1'b1;
            rand_q <= 32'd1 + SEED_STEP;
        end
    end

    wire unused = &{1'b0, meta_ready, out_tail};
endmodule
`default_nettype wire
