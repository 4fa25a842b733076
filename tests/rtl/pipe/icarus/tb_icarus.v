// SPDX-License-Identifier: BSD-3-Clause
// The blocks together under Icarus, where what was not set is X: each packet's first 8 bytes are a
// key, which gets the next 8 as its value in a hash map; the value that is then loaded goes back
// into the packet, 16 bytes on, and the packet leaves without its first 3 bytes.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none

module tb_icarus;
    localparam PACKETS = 60;
    // hash, 8 bytes of key, value and stride, 20 entries, 1 CPU, 8 buckets
    localparam [319:0] DESC = {32'd7, 32'd0, 32'd0, 32'd0, 32'd1, 32'd20, 32'd8, 32'd8, 32'd8,
    32'd2};

    reg          clk = 1'b0;
    reg          rst = 1'b1;
    always #1 clk = !clk;

    reg  [511:0] in_data;
    reg          in_valid = 1'b0;
    wire         in_ready;
    reg  [159:0] in_user;

    wire         win_valid, win_ready, beat_valid, beat_ready, beat_last;
    wire [511:0] win, beat_data;
    wire [159:0] meta;
    pipe_ingress u_in (
        .clk(clk), .rst(rst), .enable_i(1'b1), .s_axis_tdata(in_data), .s_axis_tkeep({64{1'b1}}),
        .s_axis_tvalid(in_valid), .s_axis_tready(in_ready), .s_axis_tlast(1'b1),
        .s_axis_tuser(in_user),
        .m_valid_o(win_valid), .m_ready_i(win_ready), .m_window_o(win), .m_meta_o(meta),
        .beat_valid_o(beat_valid), .beat_ready_i(beat_ready), .beat_data_o(beat_data),
        .beat_last_o(beat_last));

    wire         pay_valid, pay_ready, pay_last;
    wire [511:0] pay_data;
    pipe_fifo #(.WIDTH(513), .DEPTH(64)) u_fifo (
        .clk(clk), .rst(rst), .s_valid_i(beat_valid), .s_ready_o(beat_ready),
        .s_data_i({beat_last, beat_data}),
        .m_valid_o(pay_valid), .m_ready_i(pay_ready), .m_data_o({pay_last, pay_data}));

    // Update, then lookup, through one arbiter; then the load.
    wire         u_req_valid, u_req_ready, l_req_valid, l_req_ready;
    wire [127:0] u_req, l_req, arb_req;
    wire         arb_valid, arb_ready, arb_tag, resp_valid, resp_tag;
    wire [1:0]   back_valid;
    wire [31:0]  resp_addr, resp_status, back;
    wire         mid_valid, mid_ready, hit_valid, hit_ready, out_valid, out_ready;
    wire [63:0]  mid_key, hit_state;
    wire [31:0]  mid_resp, hit_addr;
    pipe_call #(.STATE_W(64), .REQ_W(128), .RESP_W(32), .DEPTH(4)) u_update (
        .clk(clk), .rst(rst), .s_valid_i(win_valid), .s_ready_o(win_ready), .s_state_i(win[63:0]),
        .s_call_i(1'b1),
        .s_req_i(win[127:0]), .req_valid_o(u_req_valid), .req_ready_i(u_req_ready), .req_o(u_req),
        .resp_valid_i(back_valid[0]), .resp_i(back), .m_valid_o(mid_valid), .m_ready_i(mid_ready),
        .m_state_o(mid_key), .m_resp_o(mid_resp));
    pipe_call #(.STATE_W(64), .REQ_W(128), .RESP_W(32), .DEPTH(4)) u_lookup (
        .clk(clk), .rst(rst), .s_valid_i(mid_valid), .s_ready_o(mid_ready), .s_state_i(mid_key),
        .s_call_i(1'b1),
        .s_req_i({64'd0, mid_key}), .req_valid_o(l_req_valid), .req_ready_i(l_req_ready),
        .req_o(l_req),
        .resp_valid_i(back_valid[1]), .resp_i(back), .m_valid_o(hit_valid), .m_ready_i(hit_ready),
        .m_state_o(hit_state), .m_resp_o(hit_addr));
    pipe_arb #(.PORTS(2), .REQ_W(128), .RESP_W(32), .TAG_W(1)) u_arb (
        .clk(clk), .rst(rst), .s_valid_i({l_req_valid, u_req_valid}), .s_ready_o({l_req_ready,
        u_req_ready}),
        .s_req_i({l_req, u_req}), .m_valid_o(arb_valid), .m_ready_i(arb_ready), .m_req_o(arb_req),
        .m_tag_o(arb_tag),
        .resp_valid_i(resp_valid), .resp_tag_i(resp_tag), .resp_i(resp_addr),
        .r_valid_o(back_valid), .r_o(back));

    wire         w_valid, w_ready, w_free;
    wire [31:0]  w_addr;
    wire [63:0]  w_data, resp_key, b_rdata;
    wire [7:0]   w_strb;
    map_hash #(.ENTRIES(32), .BUCKETS(8), .DESC(DESC)) u_hash (
        .clk(clk), .rst(rst), .cfg_valid_i(1'b0), .cfg_ready_o(w_free), .cfg_map_i(8'd0),
        .cfg_desc_i(320'd0),
        .req_valid_i(arb_valid), .req_ready_o(arb_ready), .req_op_i({2'd0, !arb_tag}),
        .req_map_i(8'd0),
        .req_cpu_i(8'd0), .req_key_i(arb_req[63:0]), .req_value_i(arb_req[127:64]),
        .req_flags_i(64'd0),
        .req_entry_i(32'd0), .req_tag_i(arb_tag), .resp_valid_o(resp_valid), .resp_tag_o(resp_tag),
        .resp_status_o(resp_status), .resp_addr_o(resp_addr), .resp_entry_o(),
        .resp_key_o(resp_key),
        .w_valid_o(w_valid),
        .w_ready_i(w_ready), .w_addr_o(w_addr), .w_data_o(w_data), .w_strb_o(w_strb));

    wire         a_valid, a_ready, r_valid, b_rvalid;
    wire         r_tag;
    wire [31:0]  a_addr;
    wire [63:0]  r_data, value, last_state;
    pipe_call #(.STATE_W(64), .REQ_W(32), .RESP_W(64), .DEPTH(8)) u_load (
        .clk(clk), .rst(rst), .s_valid_i(hit_valid), .s_ready_o(hit_ready), .s_state_i(hit_state),
        .s_call_i(1'b1),
        .s_req_i(hit_addr), .req_valid_o(a_valid), .req_ready_i(a_ready), .req_o(a_addr),
        .resp_valid_i(r_valid),
        .resp_i(r_data), .m_valid_o(out_valid), .m_ready_i(out_ready), .m_state_o(last_state),
        .m_resp_o(value));
    map_vmem #(.BYTES(256)) u_vmem (
        .clk(clk), .rst(rst), .a_valid_i(a_valid), .a_ready_o(a_ready), .a_op_i(2'd0),
        .a_atomic_i(4'd0),
        .a_size_i(4'd8), .a_addr_i(a_addr), .a_data_i(64'd0), .a_expect_i(64'd0), .a_tag_i(1'b0),
        .r_valid_o(r_valid),
        .r_tag_o(r_tag), .r_data_o(r_data), .b_valid_i(w_valid), .b_ready_o(w_ready),
        .b_write_i(1'b1),
        .b_addr_i(w_addr), .b_data_i(w_data), .b_strb_i(w_strb), .b_rvalid_o(b_rvalid),
        .b_rdata_o(b_rdata));

    reg          m_ready = 1'b0;
    wire         m_valid, m_last;
    wire [511:0] m_data;
    wire [63:0]  m_keep;
    wire [`SPEC_OUT_TUSER_BITS-1:0] m_user;
    pipe_egress u_out (
        .clk(clk), .rst(rst), .s_valid_i(out_valid), .s_ready_o(out_ready),
        .s_ret_i(last_state[31:0]),
        .s_redirect_i(64'd0), .s_meta_i(8'd0), .s_data_i(16'd259), .s_end_i(16'd320), .s_len_i(16'd64),
        .s_bytes_i({320'd0, value, 128'd0}), .s_mask_i(64'hff0000), .s_zero_from_i(16'hffff), .s_events_i(1'b0), .s_event_bytes_i(8'd0),
        .beat_valid_i(pay_valid), .beat_ready_o(pay_ready), .beat_data_i(pay_data),
        .beat_last_i(pay_last),
        .m_axis_tdata(m_data), .m_axis_tkeep(m_keep), .m_axis_tvalid(m_valid),
        .m_axis_tready(m_ready),
        .m_axis_tlast(m_last), .m_axis_tuser(m_user));

    // Packet k has key k mod 15 and bytes that tell k.
    function [511:0] packet;
        input integer k;
        integer       i;
        begin
            for (i = 0; i < 64; i = i + 1)
                packet[8*i+:8] = k * 7 + i;
            packet[63:0] = k % 15;
        end
    endfunction

    integer       sent = 0, got = 0, bad = 0, clocks = 0;
    reg [511:0]   want;
    reg [31:0]    ret;
    always @(posedge clk) begin
        clocks <= clocks + 1;
        rst <= clocks < 4;
        m_ready <= clocks % 3 != 0;
        if (clocks > 5 && (!in_valid || in_ready) && sent < PACKETS) begin
            in_valid <= 1'b1;
            in_data  <= packet(sent);
            in_user  <= sent;
            sent     <= sent + 1;
        end else if (in_ready) begin
            in_valid <= 1'b0;
        end
        if (m_valid && m_ready) begin
            want = packet(got);
            ret  = want[31:0];
            want[191:128] = want[127:64];
            want = want >> 24;
            if (m_data !== want || m_keep !== 64'h1fffffffffffffff || m_last !== 1'b1
                || m_user !== {{`SPEC_OUT_TUSER_BITS-112{1'b0}}, 16'd61, 64'd0, ret}) begin
                if (bad < 3)
                    $display("packet %0d: %h user %h", got, m_data, m_user);
                bad = bad + 1;
            end
            got = got + 1;
        end
        if (got == PACKETS || clocks == 20000) begin
            if (got == PACKETS && bad == 0)
                $display("PASS icarus: %0d packets in %0d clocks", got, clocks);
            else
                $display("FAIL icarus: %0d packets, %0d bad", got, bad);
            $finish;
        end
    end
endmodule

`default_nettype wire
