// SPDX-License-Identifier: BSD-3-Clause
// Packets of the host to ports (docs/nic.md): rings in turn, a packet when all of its descriptors are here.
//
// Latency: that of two reads of memory and 9 clocks. Throughput: a packet of one buffer in 3 clocks, or a beat of data a clock.
// Order: kept within each ring. Back-pressure: a port without room makes all rings wait.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module dma_tx #(
    parameter RINGS = 4,        // 1 to 64
    parameter PORTS = 2,        // 1 to 16
    parameter DEPTH = 256,      // beats that are read ahead, a power of two, at least 128
    parameter AHEAD = 32        // descriptors of a ring that are read ahead, a power of two, at least 32
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
    // AXI4: descriptors in, data in, descriptors out
    output wire [1:0]          ar_valid_o,
    input  wire [1:0]          ar_ready_i,
    output wire [127:0]        ar_addr_o,
    output wire [15:0]         ar_len_o,
    input  wire [1:0]          r_valid_i,
    input  wire [511:0]        r_data_i,
    input  wire                r_error_i,
    output wire                aw_valid_o,
    input  wire                aw_ready_i,
    output wire [63:0]         aw_addr_o,
    output wire                w_valid_o,
    input  wire                w_ready_i,
    output wire [511:0]        w_data_o,
    output wire [63:0]         w_strb_o,
    input  wire                b_valid_i,
    // packets to ports
    output wire [PORTS-1:0]    m_valid_o,
    input  wire [PORTS-1:0]    m_ready_i,
    output wire [511:0]        m_data_o,
    output wire [5:0]          m_tail_o,
    output wire                m_last_o,
    output wire                m_drop_o,        // with the last beat: not to be sent
    // one pulse a packet
    output wire [RINGS-1:0]    good_o,
    output wire [15:0]         good_bytes_o,
    output wire [RINGS-1:0]    bad_o,
    output wire                idle_o
);
    localparam [1:0] ST_PICK = 2'd0;    // which ring
    localparam [1:0] ST_LIST = 2'd1;    // a packet's descriptors, one a clock
    localparam [1:0] ST_READ = 2'd2;    // bursts
    localparam [1:0] ST_BAD = 2'd3;     // nothing to read, but to be given back
    localparam BUFFERS = 16;            // of a packet, at most
    localparam BURSTS = 64;             // under way, at most
    localparam [31:0] PORT_COUNT = PORTS;
    localparam STEP_W = 1 + 1 + 4 + 7 + 16 + 16;
    localparam CREDIT_W = $clog2(DEPTH) + 1;

    generate
        if (RINGS < 1 || RINGS > 64 || PORTS < 1 || PORTS > 16 || DEPTH < 128 || AHEAD < 32) begin : g_illegal
            dma_tx_illegal_parameter u_stop ();
        end
    endgenerate

    // --- rings
    reg  [RINGS-1:0]   on_q;
    reg  [RINGS-1:0]   skip_q;          // its packet has too many buffers, the end is still to come
    wire [RINGS-1:0]   ready;
    wire [RINGS-1:0]   none;
    wire [RINGS-1:0]   whole;
    wire [RINGS-1:0]   many;
    wire [RINGS-1:0]   quiet;
    wire [RINGS-1:0]   eligible = ready & (whole | many | skip_q);
    reg  [6:0]         ring_q;
    reg  [6:0]         pick;
    reg                found;
    wire               pop;
    wire [127:0]       desc;
    wire               desc_error;
    wire [15:0]        index;
    integer            i;

    dma_ring #(.RINGS(RINGS), .DEPTH(AHEAD)) u_ring (
        .clk(clk), .rst(rst), .on_i(on_q), .base_i(base_i), .size_i(size_i), .tail_i(tail_i),
        .restart_i({RINGS{1'b0}}), .restart_index_i(16'd0), .ready_o(ready), .none_o(none), .whole_o(whole),
        .many_o(many), .quiet_o(quiet), .ring_i(ring_q), .pop_i(pop), .desc_o(desc), .error_o(desc_error),
        .index_o(index), .ar_valid_o(ar_valid_o[0]), .ar_ready_i(ar_ready_i[0]), .ar_addr_o(ar_addr_o[63:0]),
        .r_valid_i(r_valid_i[0]), .r_data_i(r_data_i), .r_error_i(r_error_i));
    assign ar_len_o[7:0] = 8'd0;

    always @* begin
        pick = ring_q;
        found = 1'b0;
        for (i = 0; i < RINGS; i = i + 1)
            if (!found && i > ring_q && eligible[i]) begin
                pick = i[6:0];
                found = 1'b1;
            end
        for (i = 0; i < RINGS; i = i + 1)
            if (!found && eligible[i]) begin
                pick = i[6:0];
                found = 1'b1;
            end
    end

    // --- a packet's descriptors
    reg  [1:0]         state_q;
    reg  [4:0]         count_q;         // buffers so far
    reg  [15:0]        total_q;         // their bytes
    reg                bad_q;
    reg  [3:0]         port_q;
    reg                port_bad_q;
    reg  [15:0]        last_index_q;
    reg  [4:0]         nth_q;           // the buffer that is read
    reg  [63:0]        addr_q;
    reg  [13:0]        seg_q;           // its bytes that no burst has asked for
    wire [RINGS-1:0]   chosen;
    wire               skipping = |(skip_q & chosen);
    wire               is_ready = |(ready & chosen);
    wire [63:0]        addr = desc[`SPEC_TX_GIVE_ADDR_LSB +: `SPEC_TX_GIVE_ADDR_BITS];
    wire [31:0]        len = desc[`SPEC_TX_GIVE_LEN_LSB +: `SPEC_TX_GIVE_LEN_BITS];
    wire [31:0]        flags = desc[`SPEC_TX_GIVE_FLAGS_LSB +: `SPEC_TX_GIVE_FLAGS_BITS];
    wire               first = count_q == 5'd0;
    wire               ends = desc_error || flags[1];
    wire               len_bad = len == 32'd0 || len > `SPEC_PKT_MAX_BYTES;
    wire [15:0]        total = (first ? 16'd0 : total_q) + (len_bad ? 16'd0 : len[15:0]);
    wire               too_long = total > `SPEC_PKT_MAX_BYTES;
    wire               bad = (!first && bad_q) || desc_error || len_bad || too_long;
    wire               port_bad = first ? {24'd0, flags[23:16]} >= PORT_COUNT : port_bad_q;
    wire               full = count_q == BUFFERS - 1 && !ends;
    wire               good = !bad && !port_bad && !skipping && total >= `SPEC_PKT_MIN_BYTES;
    wire [77:0]        listed;

    assign pop = state_q == ST_LIST && is_ready;

    ram_lut #(.WIDTH(78), .DEPTH(BUFFERS)) u_list (
        .clk(clk), .we_i(pop), .waddr_i(count_q[3:0]), .wdata_i({len[13:0], addr}), .raddr_i(nth_q[3:0] + 4'd1),
        .rdata_o(listed));

    // --- bursts
    wire [12:0]        to_page = 13'd4096 - {1'b0, addr_q[11:0]};
    wire [12:0]        burst = seg_q > {1'b0, to_page} ? to_page : seg_q[12:0];
    wire [12:0]        span = burst + {7'd0, addr_q[5:0]} + 13'd63;
    wire [6:0]         beats = span[12:6];
    wire               seg_ends = seg_q == {1'b0, burst};
    wire               packet_ends = seg_ends && nth_q + 5'd1 == count_q;
    reg  [CREDIT_W-1:0] credit_q;       // beats of room for data
    reg  [6:0]         orders_q;
    wire               order_room = orders_q < BURSTS;
    wire               may_read = state_q == ST_READ && order_room && credit_q >= {{CREDIT_W-7{1'b0}}, beats};
    wire               go = may_read && ar_ready_i[1];
    wire               go_bad = state_q == ST_BAD && order_room;
    wire               order_pop;

    assign ar_valid_o[1] = may_read;
    assign ar_addr_o[127:64] = {addr_q[63:6], 6'd0};
    assign ar_len_o[15:8] = {1'b0, beats} - 8'd1;

    always @(posedge clk) begin
        case (state_q)
            ST_PICK: begin
                count_q <= 5'd0;
                if (found) begin
                    ring_q <= pick;
                    state_q <= ST_LIST;
                end
            end
            ST_LIST:
                if (is_ready) begin
                    if (!skipping) count_q <= count_q + 5'd1;
                    total_q <= too_long ? 16'hffff : total;
                    bad_q <= bad;
                    if (first) port_q <= flags[19:16];
                    port_bad_q <= port_bad;
                    last_index_q <= index;
                    nth_q <= 5'd0;
                    if (first) {seg_q, addr_q} <= {len[13:0], addr};
                    if (ends) state_q <= good ? ST_READ : ST_BAD;
                    else if (full) state_q <= ST_PICK;
                end else state_q <= ST_PICK;
            ST_READ:
                if (go) begin
                    addr_q <= addr_q + {51'd0, burst};
                    seg_q <= seg_q - {1'b0, burst};
                    if (seg_ends) begin
                        {seg_q, addr_q} <= listed;
                        nth_q <= nth_q + 5'd1;
                    end
                    if (packet_ends) begin
                        count_q <= 5'd0;
                        ring_q <= pick;
                        state_q <= found ? ST_LIST : ST_PICK;
                    end
                end
            default: if (go_bad) state_q <= ST_PICK;
        endcase
        if (rst) begin
            state_q <= ST_PICK;
            ring_q <= 7'd0;
        end
    end

    // --- bursts under way, in order
    wire               o_valid;
    wire               o_bad;
    wire               o_last;
    wire [5:0]         o_at;
    wire [12:0]        o_bytes;
    wire [3:0]         o_port;
    wire [6:0]         o_ring;
    wire [15:0]        o_index;
    wire [15:0]        o_total;
    fifo_small #(.WIDTH(64), .DEPTH(BURSTS)) u_orders (
        .clk(clk), .rst(rst), .push_i(go || go_bad),
        .data_i({go_bad, go_bad || packet_ends, addr_q[5:0], burst, port_q, ring_q, last_index_q, total_q}),
        .valid_o(o_valid), .pop_i(order_pop), .data_o({o_bad, o_last, o_at, o_bytes, o_port, o_ring, o_index, o_total}));

    // --- data as they come; there is room for all that was asked for
    wire               land_ready;
    wire               l_valid;
    wire               l_pop;
    wire               l_error;
    wire [511:0]       l_data;
    pipe_fifo #(.WIDTH(513), .DEPTH(DEPTH)) u_land (
        .clk(clk), .rst(rst), .s_valid_i(r_valid_i[1]), .s_ready_o(land_ready), .s_data_i({r_error_i, r_data_i}),
        .m_valid_o(l_valid), .m_ready_i(l_pop), .m_data_o({l_error, l_data}));

    // --- its bytes side by side
    reg                inside_q;        // not the burst's first beat
    reg  [12:0]        left_q;
    reg                failed_q;
    wire [5:0]         at = inside_q ? 6'd0 : o_at;
    wire [12:0]        left = inside_q ? left_q : o_bytes;
    wire [6:0]         space = 7'd64 - {1'b0, at};
    wire [6:0]         bytes = o_bad ? 7'd0 : left > {6'd0, space} ? space : left[6:0];
    wire               burst_ends = o_bad || left == {6'd0, bytes};
    wire               step_valid = o_valid && (o_bad || l_valid);
    wire               step_ready;
    wire               step = step_valid && step_ready;
    wire               failed = failed_q || (!o_bad && l_error);
    wire [STEP_W-1:0]  said;
    wire               g_valid;
    wire               g_ready;
    wire               g_bad;
    wire               g_failed;
    wire [3:0]         g_port;
    wire [6:0]         g_ring;
    wire [15:0]        g_index;
    wire [15:0]        g_total;
    assign l_pop = step && !o_bad;
    assign order_pop = step && burst_ends;

    nic_gather #(.USER_W(STEP_W)) u_gather (
        .clk(clk), .rst(rst), .s_valid_i(step_valid), .s_ready_o(step_ready), .s_data_i(l_data), .s_at_i(at),
        .s_bytes_i(bytes), .s_last_i(o_last && burst_ends),
        .s_user_i({o_bad, failed, o_port, o_ring, o_index, o_total}), .m_valid_o(g_valid), .m_ready_i(g_ready),
        .m_data_o(m_data_o), .m_tail_o(m_tail_o), .m_last_o(m_last_o), .m_user_o(said));
    assign {g_bad, g_failed, g_port, g_ring, g_index, g_total} = said;

    always @(posedge clk) begin
        if (step) begin
            inside_q <= !burst_ends;
            left_q <= left - {6'd0, bytes};
            failed_q <= failed && !(o_last && burst_ends);
        end
        credit_q <= credit_q - (go ? {{CREDIT_W-7{1'b0}}, beats} : {CREDIT_W{1'b0}})
                    + {{CREDIT_W-1{1'b0}}, l_pop};
        orders_q <= orders_q + {6'd0, go || go_bad} - {6'd0, order_pop};
        if (rst) begin
            inside_q <= 1'b0;
            failed_q <= 1'b0;
            credit_q <= DEPTH[CREDIT_W-1:0];
            orders_q <= 7'd0;
        end
    end

    // --- to the port, and the descriptor back
    wire               put_ready;
    wire               put_room;
    wire               may_end = !m_last_o || (put_room && put_ready);
    wire [PORTS-1:0]   to;
    wire               at_port = g_bad || |(to & m_ready_i);
    wire               give = g_valid && m_last_o && at_port && put_room;
    reg  [63:0]        base;
    reg  [3:0]         size;
    wire [15:0]        place = g_index & ~(16'hffff << size);
    wire               not_sent = g_bad || g_failed;
    wire [31:0]        out_flags = {29'd0, not_sent, 1'b1, 1'b1};
    integer            b;

    assign g_ready = at_port && may_end;
    assign m_drop_o = g_failed;

    always @* begin
        base = 64'd0;
        size = 4'd0;
        for (b = 0; b < RINGS; b = b + 1)
            if (g_ring == b[6:0]) begin
                base = base_i[64*b +: 64];
                size = size_i[4*b +: 4];
            end
    end

    dma_put u_put (
        .clk(clk), .rst(rst), .s_valid_i(give), .s_ready_o(put_ready),
        .s_addr_i({base[63:6], 6'd0} + {43'd0, place, 5'd0}),
        .s_data_i({{256-`SPEC_TX_TAKE_FLAGS_LSB-32{1'b0}}, out_flags, {`SPEC_TX_TAKE_FLAGS_LSB{1'b0}}}),
        .s_strb_i(32'hf << (`SPEC_TX_TAKE_FLAGS_LSB / 8)), .aw_valid_o(aw_valid_o), .aw_ready_i(aw_ready_i),
        .aw_addr_o(aw_addr_o), .w_valid_o(w_valid_o), .w_ready_i(w_ready_i), .w_data_o(w_data_o),
        .w_strb_o(w_strb_o));

    reg  [6:0]         puts_q;
    wire               put_go = give && put_ready;
    wire               back_valid;
    wire [6:0]         back_ring;
    wire [15:0]        back_index;
    assign put_room = puts_q < BURSTS;
    assign good_bytes_o = g_total;
    fifo_small #(.WIDTH(23), .DEPTH(BURSTS)) u_puts (
        .clk(clk), .rst(rst), .push_i(put_go), .data_i({g_ring, g_index}), .valid_o(back_valid), .pop_i(b_valid_i),
        .data_o({back_ring, back_index}));

    always @(posedge clk) begin
        puts_q <= puts_q + {6'd0, put_go} - {6'd0, b_valid_i};
        if (rst) puts_q <= 7'd0;
    end

    genvar g;
    generate
        for (g = 0; g < PORTS; g = g + 1) begin : g_port_out
            assign to[g] = g_port == g;
            assign m_valid_o[g] = g_valid && !g_bad && to[g] && may_end;
        end
        for (g = 0; g < RINGS; g = g + 1) begin : g_ring_state
            reg  [15:0] head_q;
            reg  [15:0] open_q;         // packets that are on their way
            wire        mine = ring_q == g;
            wire        back = b_valid_i && back_ring == g;
            wire        ask = mine && (go_bad || (go && packet_ends));
            wire        calm = open_q == 16'd0 && quiet[g] && !(mine && state_q != ST_PICK);

            assign chosen[g] = mine;
            assign head_o[16*g +: 16] = head_q;
            assign busy_o[g] = on_i[g] || on_q[g] || !calm;
            assign good_o[g] = put_go && !not_sent && g_ring == g;
            assign bad_o[g] = put_go && not_sent && g_ring == g;

            always @(posedge clk) begin
                on_q[g] <= on_i[g] && (on_q[g] || calm);
                if (mine && state_q == ST_LIST && is_ready) skip_q[g] <= !ends && (full || skip_q[g]);
                open_q <= open_q + {15'd0, ask} - {15'd0, back};
                if (back) head_q <= back_index + 16'd1;
                if (!on_q[g] && calm) begin
                    head_q <= 16'd0;
                    skip_q[g] <= 1'b0;
                end
                if (rst) begin
                    on_q[g] <= 1'b0;
                    skip_q[g] <= 1'b0;
                    head_q <= 16'd0;
                    open_q <= 16'd0;
                end
            end
        end
    endgenerate

    assign idle_o = state_q == ST_PICK && orders_q == 7'd0 && !g_valid && puts_q == 7'd0;

    wire unused = &{1'b0, none, land_ready, back_valid, flags, base[5:0], span[5:0]};
endmodule
`default_nettype wire
