// SPDX-License-Identifier: BSD-3-Clause
// Packets to buffers of the host: RX rings and, as the last of them, the event ring (docs/nic.md).
//
// A packet for whose ring the host has given too few descriptors is dropped; nothing waits for the host. Where that shows only in
// the middle of a packet, its descriptors stay as they are and serve the next one.
// Latency: 9 clocks from a packet's last beat to the first of its data, without waiting. Throughput: a packet of one buffer in 2
// clocks, or a beat of data a clock. Order: kept within each ring. Back-pressure: while memory is slower than the packets come.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module dma_rx #(
    parameter RINGS = 5,        // with the event ring: 2 to 65
    parameter DEPTH = 512,      // beats of packets that wait, a power of two, at least 256
    parameter AHEAD = 32        // descriptors of a ring that are read ahead, a power of two, at least 4
) (
    input  wire                clk,
    input  wire                rst,
    // registers of the rings
    input  wire [RINGS-1:0]    on_i,
    input  wire [64*RINGS-1:0] base_i,
    input  wire [4*RINGS-1:0]  size_i,
    input  wire [16*RINGS-1:0] tail_i,
    output wire [16*RINGS-1:0] head_o,
    output wire [RINGS-1:0]    busy_o,
    // packets
    input  wire                s_valid_i,
    output wire                s_ready_o,
    input  wire [511:0]        s_data_i,
    input  wire [5:0]          s_tail_i,
    input  wire                s_last_i,
    input  wire [7:0]          s_ring_i,        // these with the last beat
    input  wire [15:0]         s_total_i,
    input  wire [7:0]          s_ret_i,
    input  wire [3:0]          s_port_i,
    input  wire                s_hashed_i,
    input  wire [31:0]         s_hash_i,
    input  wire [7:0]          s_meta_i,
    input  wire [15:0]         s_number_i,
    input  wire [63:0]         s_time_i,
    input  wire [63:0]         s_redirect_i,
    // AXI4: descriptors in, data out, descriptors out
    output wire                ar_valid_o,
    input  wire                ar_ready_i,
    output wire [63:0]         ar_addr_o,
    input  wire                r_valid_i,
    input  wire [511:0]        r_data_i,
    input  wire                r_error_i,
    output wire [1:0]          aw_valid_o,
    input  wire [1:0]          aw_ready_i,
    output wire [127:0]        aw_addr_o,
    output wire [15:0]         aw_len_o,
    output wire [1:0]          w_valid_o,
    input  wire [1:0]          w_ready_i,
    output wire [1023:0]       w_data_o,
    output wire [127:0]        w_strb_o,
    output wire [1:0]          w_last_o,
    input  wire [1:0]          b_valid_i,
    input  wire                b_error_i,
    // one pulse a packet
    output wire [RINGS-1:0]    good_o,
    output wire [15:0]         good_bytes_o,
    output wire [RINGS-1:0]    dropped_o,
    output wire                idle_o
);
    localparam INFO_W = 64 + 64 + 16 + 8 + 32 + 1 + 8 + 8 + 16;
    localparam [1:0] ST_IDLE = 2'd0;    // waits for a packet and its first descriptor
    localparam [1:0] ST_DESC = 2'd1;    // waits for one more
    localparam [1:0] ST_BURST = 2'd2;   // gives bursts to memory
    localparam [1:0] ST_DRAIN = 2'd3;   // waits for all data to be acknowledged, then gives the packet up
    localparam BURSTS = 64;             // under way, at most
    localparam LENS = 256;              // buffers that wait to be given back, at most; a packet takes fewer

    generate
        if (RINGS < 2 || RINGS > 65 || DEPTH < 256) begin : g_illegal
            dma_rx_illegal_parameter u_stop ();
        end
    endgenerate

    // --- packets that wait
    wire               store_ready;
    wire               info_ready;
    wire               done;
    wire               lost;
    wire               d_valid;
    wire               d_ready;
    wire [511:0]       d_data;
    wire [5:0]         d_tail;
    wire               d_last;
    wire               p_valid;
    wire               p_pop;
    wire [6:0]         ring;
    wire [INFO_W-1:0]  info;
    wire [15:0]        total = info[15:0];

    assign s_ready_o = store_ready && info_ready;

    nic_frame_fifo #(.DEPTH(DEPTH), .BLOCK(1)) u_store (
        .clk(clk), .rst(rst), .s_valid_i(s_valid_i && info_ready), .s_ready_o(store_ready), .s_data_i(s_data_i),
        .s_tail_i(s_tail_i), .s_last_i(s_last_i), .s_keep_i(1'b1), .s_drop_i(1'b0), .s_lost_o(lost),
        .s_done_o(done), .m_valid_o(d_valid), .m_ready_i(d_ready), .m_data_o(d_data), .m_tail_o(d_tail),
        .m_last_o(d_last));
    pipe_fifo #(.WIDTH(7 + INFO_W), .DEPTH(DEPTH)) u_info (
        .clk(clk), .rst(rst), .s_valid_i(done), .s_ready_o(info_ready),
        .s_data_i({s_ring_i[6:0], s_redirect_i, s_time_i, s_number_i, s_meta_i, s_hash_i, s_hashed_i,
                   {4'd0, s_port_i}, s_ret_i, s_total_i}),
        .m_valid_o(p_valid), .m_ready_i(p_pop), .m_data_o({ring, info}));

    // --- rings
    reg  [RINGS-1:0]   on_q;
    wire [RINGS-1:0]   ready;
    wire [RINGS-1:0]   none;
    wire [RINGS-1:0]   quiet;
    wire [RINGS-1:0]   whole;
    wire [RINGS-1:0]   many;
    wire [RINGS-1:0]   chosen;
    wire [RINGS-1:0]   restart;
    wire               pop;
    wire [127:0]       desc;
    wire               desc_error;
    wire [15:0]        index;
    reg  [15:0]        first_q;         // the packet's first descriptor

    dma_ring #(.RINGS(RINGS), .DEPTH(AHEAD)) u_ring (
        .clk(clk), .rst(rst), .on_i(on_q), .base_i(base_i), .size_i(size_i), .tail_i(tail_i), .restart_i(restart),
        .restart_index_i(first_q), .ready_o(ready), .none_o(none), .whole_o(whole), .many_o(many), .quiet_o(quiet),
        .ring_i(ring), .pop_i(pop), .desc_o(desc), .error_o(desc_error), .index_o(index),
        .ar_valid_o(ar_valid_o), .ar_ready_i(ar_ready_i), .ar_addr_o(ar_addr_o), .r_valid_i(r_valid_i),
        .r_data_i(r_data_i), .r_error_i(r_error_i));

    // --- the packet at the front
    reg  [1:0]         state_q;
    reg  [63:0]        addr_q;
    reg  [15:0]        left_q;          // bytes of the packet,
    reg  [15:0]        seg_q;           // of the buffer, that no burst has taken
    reg  [15:0]        len_q;           // bytes for this buffer
    reg  [7:0]         count_q;         // buffers
    reg                bad_q;           // given up for a bad descriptor, not for want of one
    wire               is_ready = |(ready & chosen);
    wire               is_none = |(none & chosen);
    wire [63:0]        addr = desc[`SPEC_RX_GIVE_ADDR_LSB +: `SPEC_RX_GIVE_ADDR_BITS];
    wire [31:0]        room = desc[`SPEC_RX_GIVE_BYTES_LSB +: `SPEC_RX_GIVE_BYTES_BITS];
    wire               desc_bad = desc_error || room < 32'd64;
    wire [15:0]        left = state_q == ST_IDLE ? total : left_q;
    wire [15:0]        seg = {16'd0, left} > room ? room[15:0] : left;
    wire [12:0]        to_page = 13'd4096 - {1'b0, addr_q[11:0]};
    wire [12:0]        burst = seg_q > {3'd0, to_page} ? to_page : seg_q[12:0];
    wire [12:0]        span = burst + {7'd0, addr_q[5:0]} + 13'd63;
    wire               seg_ends = seg_q == {3'd0, burst};
    wire               packet_ends = left_q == {3'd0, burst};
    reg  [6:0]         bursts_q;        // without an answer
    reg  [6:0]         commands_q;      // that the mover has not done
    reg  [8:0]         lens_q;          // buffers that wait to be given back, those of this packet too
    reg  [8:0]         own_lens_q;      // those of this packet
    wire               back_ready;
    wire               c_room = commands_q < BURSTS;
    wire               may_burst = state_q == ST_BURST && c_room && bursts_q < BURSTS && lens_q < LENS && back_ready;
    wire               go = may_burst && aw_ready_i[0];
    wire               drop_none = state_q == ST_IDLE && p_valid && is_none && c_room;
    wire               give_up = state_q == ST_DRAIN && bursts_q == 7'd0 && c_room && back_ready && lens_q < LENS;
    wire               finish = go && packet_ends;
    wire               lost_now = drop_none || (give_up && !bad_q);
    wire               commit = finish || (give_up && bad_q);

    assign pop = is_ready && ((state_q == ST_IDLE && p_valid) || state_q == ST_DESC);
    assign p_pop = drop_none || give_up || finish;
    assign restart = give_up && !bad_q ? chosen : {RINGS{1'b0}};
    assign aw_valid_o[0] = may_burst;
    assign aw_addr_o[63:0] = {addr_q[63:6], 6'd0};
    assign aw_len_o[7:0] = {1'b0, span[12:6]} - 8'd1;

    always @(posedge clk) begin
        if (pop) begin
            state_q <= desc_bad ? ST_DRAIN : ST_BURST;
            bad_q <= desc_bad;
            addr_q <= addr;
            seg_q <= seg;
            len_q <= desc_bad ? 16'd0 : seg;
            left_q <= left;
            count_q <= state_q == ST_IDLE ? 8'd1 : count_q + 8'd1;
            if (state_q == ST_IDLE) first_q <= index;
        end else if (state_q == ST_DESC && is_none) begin
            state_q <= ST_DRAIN;
            bad_q <= 1'b0;
        end
        if (go) begin
            addr_q <= addr_q + {51'd0, burst};
            seg_q <= seg_q - {3'd0, burst};
            left_q <= left_q - {3'd0, burst};
            if (seg_ends) state_q <= packet_ends ? ST_IDLE : ST_DESC;
        end
        if (give_up) state_q <= ST_IDLE;
        if (rst) state_q <= ST_IDLE;
    end

    // --- bytes in each buffer, kept until it is given back
    reg  [7:0]         lens_wr_q;
    reg  [7:0]         lens_rd_q;
    wire               lens_push = (go && seg_ends) || (give_up && bad_q);
    wire               lens_pop;
    wire [15:0]        lens_data;
    ram_lut #(.WIDTH(16), .DEPTH(LENS)) u_lens (
        .clk(clk), .we_i(lens_push), .waddr_i(lens_wr_q), .wdata_i(len_q), .raddr_i(lens_rd_q), .rdata_o(lens_data));

    always @(posedge clk) begin
        if (lens_push) lens_wr_q <= lens_wr_q + 8'd1;
        if (lens_pop) lens_rd_q <= lens_rd_q + 8'd1;
        lens_q <= lens_q + {8'd0, lens_push} - {8'd0, lens_pop};
        own_lens_q <= p_pop ? 9'd0 : own_lens_q + {8'd0, lens_push};
        if (give_up && !bad_q) begin
            lens_wr_q <= lens_wr_q - own_lens_q[7:0];
            lens_q <= lens_q - own_lens_q - {8'd0, lens_pop};
        end
        if (rst) begin
            {lens_wr_q, lens_rd_q} <= 16'd0;
            {lens_q, own_lens_q} <= 18'd0;
        end
    end

    // --- the mover
    wire               c_valid;
    wire               c_ready;
    wire               c_push = go || drop_none || give_up;
    wire [20:0]        command;
    fifo_small #(.WIDTH(21), .DEPTH(BURSTS)) u_commands (
        .clk(clk), .rst(rst), .push_i(c_push), .data_i({!go, packet_ends, burst, addr_q[5:0]}), .valid_o(c_valid),
        .pop_i(c_ready), .data_o(command));
    dma_rx_move u_move (
        .clk(clk), .rst(rst), .s_valid_i(d_valid), .s_ready_o(d_ready), .s_data_i(d_data), .s_last_i(d_last),
        .c_valid_i(c_valid), .c_ready_o(c_ready), .c_discard_i(command[20]), .c_last_i(command[19]),
        .c_bytes_i(command[18:6]), .c_at_i(command[5:0]), .w_valid_o(w_valid_o[0]), .w_ready_i(w_ready_i[0]),
        .w_data_o(w_data_o[511:0]), .w_strb_o(w_strb_o[63:0]), .w_last_o(w_last_o[0]));

    // --- answers to data, in order: a packet is done with that to its last burst
    reg                failed_q;
    wire               flag_valid;
    wire               flag;
    wire               answered = b_valid_i[0] && flag;
    fifo_small #(.WIDTH(1), .DEPTH(BURSTS)) u_flags (
        .clk(clk), .rst(rst), .push_i(go), .data_i(packet_ends), .valid_o(flag_valid), .pop_i(b_valid_i[0]),
        .data_o(flag));

    always @(posedge clk) begin
        commands_q <= commands_q + {6'd0, c_push} - {6'd0, c_ready};
        bursts_q <= bursts_q + {6'd0, go} - {6'd0, b_valid_i[0]};
        if (b_valid_i[0]) failed_q <= !flag && (failed_q || b_error_i);
        if (give_up) failed_q <= 1'b0;
        if (rst) begin
            commands_q <= 7'd0;
            bursts_q <= 7'd0;
            failed_q <= 1'b0;
        end
    end

    // --- descriptors back
    wire               put_valid;
    wire               put_ready;
    wire               put_room;
    wire [63:0]        put_addr;
    wire [255:0]       put_data;
    wire [6:0]         put_ring;
    wire               good;
    dma_rx_back #(.RINGS(RINGS), .INFO_W(INFO_W)) u_back (
        .clk(clk), .rst(rst), .base_i(base_i), .size_i(size_i), .p_valid_i(commit), .p_ready_o(back_ready),
        .p_ring_i(ring), .p_index_i(first_q), .p_count_i(count_q), .p_info_i(info),
        .d_valid_i(answered || (give_up && bad_q)),
        .d_error_i(!answered || failed_q || b_error_i), .l_pop_o(lens_pop), .l_bytes_i(lens_data),
        .w_valid_o(put_valid), .w_ready_i(put_ready && put_room), .w_addr_o(put_addr), .w_data_o(put_data),
        .w_ring_o(put_ring), .good_o(good), .good_bytes_o(good_bytes_o));
    dma_put u_put (
        .clk(clk), .rst(rst), .s_valid_i(put_valid && put_room), .s_ready_o(put_ready), .s_addr_i(put_addr),
        .s_data_i(put_data), .s_strb_i(32'hffff_ffff), .aw_valid_o(aw_valid_o[1]), .aw_ready_i(aw_ready_i[1]),
        .aw_addr_o(aw_addr_o[127:64]), .w_valid_o(w_valid_o[1]), .w_ready_i(w_ready_i[1]),
        .w_data_o(w_data_o[1023:512]), .w_strb_o(w_strb_o[127:64]));
    assign aw_len_o[15:8] = 8'd0;
    assign w_last_o[1] = 1'b1;

    // --- and when they are there, HEAD
    reg  [6:0]         puts_q;
    wire               put_go = put_valid && put_room && put_ready;
    wire               back_valid;
    wire [6:0]         back_ring;
    assign put_room = puts_q < BURSTS;
    fifo_small #(.WIDTH(7), .DEPTH(BURSTS)) u_puts (
        .clk(clk), .rst(rst), .push_i(put_go), .data_i(put_ring), .valid_o(back_valid), .pop_i(b_valid_i[1]),
        .data_o(back_ring));

    always @(posedge clk) begin
        puts_q <= puts_q + {6'd0, put_go} - {6'd0, b_valid_i[1]};
        if (rst) puts_q <= 7'd0;
    end

    genvar g;
    generate
        for (g = 0; g < RINGS; g = g + 1) begin : g_ring
            reg  [15:0] head_q;
            reg  [15:0] open_q;         // descriptors of packets that are on their way back
            wire        back = b_valid_i[1] && back_ring == g;
            wire        mine = p_valid && ring == g;
            wire        calm = open_q == 16'd0 && quiet[g] && !(mine && state_q != ST_IDLE);

            assign chosen[g] = mine;
            assign head_o[16*g +: 16] = head_q;
            assign busy_o[g] = on_i[g] || on_q[g] || !calm;
            assign good_o[g] = good && put_ring == g;
            assign dropped_o[g] = lost_now && mine;

            always @(posedge clk) begin
                on_q[g] <= on_i[g] && (on_q[g] || calm);
                open_q <= open_q + (commit && mine ? {8'd0, count_q} : 16'd0) - {15'd0, back};
                if (back) head_q <= head_q + 16'd1;
                if (!on_q[g] && calm) head_q <= 16'd0;
                if (rst) begin
                    on_q[g] <= 1'b0;
                    head_q <= 16'd0;
                    open_q <= 16'd0;
                end
            end
        end
    endgenerate

    assign idle_o = !p_valid && !d_valid && commands_q == 7'd0 && bursts_q == 7'd0 && lens_q == 9'd0 && puts_q == 7'd0;

    wire unused = &{1'b0, s_ring_i[7], lost, d_tail, whole, many, desc, span[5:0], flag_valid, back_valid};
endmodule
`default_nettype wire
