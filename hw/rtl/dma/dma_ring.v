// SPDX-License-Identifier: BSD-3-Clause
// Descriptors of several rings, read ahead of their use: one beat of 64 bytes brings two of them, and many reads are under way.
//
// A ring that is off forgets what it has and begins at 0. restart_i goes back to a descriptor: what was read is forgotten, and read
// again. Latency: that of memory and 2 clocks. Throughput: a descriptor a clock, of whichever ring. Order: that of each ring.
// Back-pressure: none towards memory; a read is begun when there is room for what it brings.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module dma_ring #(
    parameter RINGS = 4,        // 1 to 65
    parameter DEPTH = 32        // descriptors of each ring that are held, a power of two, at least 4
) (
    input  wire                clk,
    input  wire                rst,
    input  wire [RINGS-1:0]    on_i,
    input  wire [64*RINGS-1:0] base_i,
    input  wire [4*RINGS-1:0]  size_i,          // log2
    input  wire [16*RINGS-1:0] tail_i,
    input  wire [RINGS-1:0]    restart_i,
    input  wire [15:0]         restart_index_i,
    // state of each ring
    output wire [RINGS-1:0]    ready_o,         // the next descriptor is here
    output wire [RINGS-1:0]    none_o,          // the host has given no more
    output wire [RINGS-1:0]    whole_o,         // a descriptor with the mark of a packet's end is here
    output wire [RINGS-1:0]    many_o,          // sixteen descriptors are here
    output wire [RINGS-1:0]    quiet_o,         // no read under way
    // the next descriptor of a ring
    input  wire [6:0]          ring_i,
    input  wire                pop_i,
    output wire [127:0]        desc_o,
    output wire                error_o,         // it could not be read
    output wire [15:0]         index_o,
    // AXI4 reads of one beat, answered in order
    output wire                ar_valid_o,
    input  wire                ar_ready_i,
    output wire [63:0]         ar_addr_o,
    input  wire                r_valid_i,
    input  wire [511:0]        r_data_i,
    input  wire                r_error_i
);
    localparam RW = RINGS > 1 ? $clog2(RINGS) : 1;
    localparam DW = $clog2(DEPTH);
    localparam [31:0] ROOM = DEPTH;
    localparam READS = 64;      // under way, at most

    generate
        if (RINGS < 1 || RINGS > 65 || DEPTH < 4 || (1 << DW) != DEPTH) begin : g_illegal
            dma_ring_illegal_parameter u_stop ();
        end
    endgenerate

    // --- which ring reads next: each in turn that has something to read, and room for two
    wire [RINGS-1:0]   wants;
    wire [16*RINGS-1:0] fetch;
    wire [16*RINGS-1:0] takes;
    wire [RINGS-1:0]   pair;
    reg  [RW-1:0]      turn_q;
    reg                ask_q;
    reg  [63:0]        ask_addr_q;
    wire [RW-1:0]      pick;
    wire               found;
    reg  [15:0]        pick_index;
    reg                pick_pair;
    reg  [63:0]        pick_base;
    reg  [3:0]         pick_size;
    wire [15:0]        place = pick_index & ~(16'hffff << pick_size);
    wire               order_room;
    wire               begin_read = found && order_room && (!ask_q || ar_ready_i);
    integer            i;

    turn_next #(.SOURCES(RINGS), .TURN_W(RW)) u_turn (.ask_i(wants), .turn_i(turn_q), .found_o(found), .pick_o(pick));

    always @* begin
        pick_index = 16'd0;
        pick_pair = 1'b0;
        pick_base = 64'd0;
        pick_size = 4'd0;
        for (i = 0; i < RINGS; i = i + 1)
            if (pick == i[RW-1:0]) begin
                pick_index = fetch[16*i +: 16];
                pick_pair = pair[i];
                pick_base = base_i[64*i +: 64];
                pick_size = size_i[4*i +: 4];
            end
    end

    always @(posedge clk) begin
        if (!ask_q || ar_ready_i) ask_q <= begin_read;
        if (begin_read) begin
            ask_addr_q <= {pick_base[63:6], 6'd0} + {43'd0, place[15:1], 6'd0};
            turn_q <= pick;
        end
        if (rst) begin
            ask_q <= 1'b0;
            turn_q <= {RW{1'b0}};
        end
    end

    assign ar_valid_o = ask_q;
    assign ar_addr_o = ask_addr_q;

    // --- reads under way, in order
    reg  [6:0]         reads_q;
    wire               o_valid;
    wire [RW-1:0]      o_ring;
    wire [15:0]        o_index;
    wire               o_pair;
    assign order_room = reads_q < READS;
    fifo_small #(.WIDTH(RW + 17), .DEPTH(READS)) u_order (
        .clk(clk), .rst(rst), .push_i(begin_read), .data_i({pick, pick_index, pick_pair}), .valid_o(o_valid),
        .pop_i(r_valid_i), .data_o({o_ring, o_index, o_pair}));

    always @(posedge clk) begin
        reads_q <= reads_q + {6'd0, begin_read} - {6'd0, r_valid_i};
        if (rst) reads_q <= 7'd0;
    end

    // --- what came: even numbers in one memory, odd ones in the other
    localparam WORDS = (1 << RW) * DEPTH / 2;
    wire               even_we = r_valid_i && !o_index[0];
    wire               odd_we = r_valid_i && (o_index[0] || o_pair);
    wire [RW+DW-2:0]   waddr = {o_ring, o_index[DW-1:1]};
    wire [15:0]        index;
    wire [RW+DW-2:0]   raddr = {ring_i[RW-1:0], index[DW-1:1]};
    wire [128:0]       even;
    wire [128:0]       odd;
    wire [128:0]       got = index[0] ? odd : even;
    ram_lut #(.WIDTH(129), .DEPTH(WORDS)) u_even (
        .clk(clk), .we_i(even_we), .waddr_i(waddr), .wdata_i({r_error_i, r_data_i[127:0]}),
        .raddr_i(raddr), .rdata_o(even));
    ram_lut #(.WIDTH(129), .DEPTH(WORDS)) u_odd (
        .clk(clk), .we_i(odd_we), .waddr_i(waddr), .wdata_i({r_error_i, r_data_i[383:256]}),
        .raddr_i(raddr), .rdata_o(odd));
    assign desc_o = got[127:0];
    assign error_o = got[128];
    assign index_o = index;
    reg  [15:0]        index_now;
    integer            k;
    always @* begin
        index_now = 16'd0;
        for (k = 0; k < RINGS; k = k + 1)
            if (ring_i == k[6:0]) index_now = takes[16*k +: 16];
    end
    assign index = index_now;

    // bit 1 of a TX descriptor's flags; one that could not be read ends its packet
    localparam END_BIT = `SPEC_TX_GIVE_FLAGS_LSB + 1;
    wire               even_end = r_error_i || r_data_i[END_BIT];
    wire               odd_end = r_error_i || r_data_i[256 + END_BIT];
    wire [1:0]         ends = {1'b0, even_we && even_end} + {1'b0, odd_we && odd_end};

    genvar g;
    generate
        for (g = 0; g < RINGS; g = g + 1) begin : g_ring
            // [take, got) are here, [got, fetch) under way
            reg  [15:0] fetch_q;
            reg  [15:0] got_q;
            reg  [15:0] take_q;
            reg  [15:0] ends_q;         // marked ones in [take, got)
            reg  [6:0]  under_q;
            reg         again_q;        // goes back to again_index_q when no read is under way
            reg  [15:0] again_index_q;
            wire [15:0] tail = tail_i[16*g +: 16];
            wire [15:0] ahead = fetch_q - take_q;
            wire [15:0] here = got_q - take_q;
            wire [15:0] given = tail - fetch_q;
            wire        mine = begin_read && pick == g;
            wire        back = r_valid_i && o_ring == g;
            wire        pop = pop_i && ring_i == g;
            wire        stop = !on_i[g] || again_q;

            assign wants[g] = !stop && !restart_i[g] && given != 16'd0 && ahead + 16'd2 <= ROOM[15:0];
            assign pair[g] = !fetch_q[0] && given != 16'd1;
            assign fetch[16*g +: 16] = fetch_q;
            assign takes[16*g +: 16] = take_q;
            assign ready_o[g] = !stop && here != 16'd0;
            assign none_o[g] = !on_i[g] || (!again_q && take_q == tail);
            assign whole_o[g] = !stop && ends_q != 16'd0;
            assign many_o[g] = !stop && here >= 16'd16;
            assign quiet_o[g] = under_q == 7'd0;

            always @(posedge clk) begin
                if (mine) fetch_q <= fetch_q + (pair[g] ? 16'd2 : 16'd1);
                if (back) got_q <= got_q + (o_pair ? 16'd2 : 16'd1);
                if (pop) take_q <= take_q + 16'd1;
                ends_q <= ends_q + (back ? {14'd0, ends} : 16'd0)
                          - {15'd0, pop && (error_o || desc_o[END_BIT])};
                under_q <= under_q + {6'd0, mine} - {6'd0, back};
                if (restart_i[g]) {again_q, again_index_q} <= {1'b1, restart_index_i};
                if (stop && under_q == 7'd0) begin
                    fetch_q <= on_i[g] ? again_index_q : 16'd0;
                    got_q <= on_i[g] ? again_index_q : 16'd0;
                    take_q <= on_i[g] ? again_index_q : 16'd0;
                    ends_q <= 16'd0;
                    again_q <= 1'b0;
                end
                if (rst) begin
                    {fetch_q, got_q, take_q, ends_q} <= 64'd0;
                    under_q <= 7'd0;
                    again_q <= 1'b0;
                end
            end
        end
    endgenerate

    wire unused = &{1'b0, o_valid, ring_i, pick_base[5:0], place[0], r_data_i, o_index};
endmodule
`default_nettype wire
