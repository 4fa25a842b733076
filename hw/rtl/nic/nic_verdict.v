// SPDX-License-Identifier: BSD-3-Clause
// What becomes of a packet after the program: to the host, out of a port, or nowhere (docs/nic.md, block VERDICT).
//
// A packet's event area goes to the host's side first, as a packet of its own for ring EVENT_RING. What is decided at a packet's
// first beat holds for all of it. Metadata leave only towards the host: the way out gets places of bytes to gather.
// Latency: 2 clocks. Throughput: a beat a clock. Order: kept. Back-pressure: of the side that a beat goes to.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module nic_verdict #(
    parameter PORTS = 2,        // 1 to 16
    parameter QUEUES = 4,       // RX rings, 1 to 64
    parameter TARGETS = 64      // entries of the table, 1 to 64
) (
    input  wire          clk,
    input  wire          rst,
    // configuration
    input  wire          to_host_i,
    input  wire [32*PORTS-1:0] ifindex_i,
    input  wire          table_we_i,
    input  wire [7:0]    table_index_i,     // word of TABLE
    input  wire [31:0]   table_data_i,
    input  wire [7:0]    table_rindex_i,
    output wire [31:0]   table_rdata_o,
    // from the slot
    input  wire [511:0]  s_axis_tdata,
    input  wire          s_axis_tvalid,
    output wire          s_axis_tready,
    input  wire          s_axis_tlast,
    input  wire [`SPEC_OUT_TUSER_BITS-1:0] s_axis_tuser,
    // what went past the slot
    input  wire          side_valid_i,
    output wire          side_ready_o,
    input  wire [3:0]    side_port_i,
    input  wire [7:0]    side_queue_i,
    input  wire          side_hashed_i,
    input  wire [31:0]   side_hash_i,
    input  wire [63:0]   side_time_i,
    input  wire [63:0]   side_number_i,
    // to the host
    output wire          h_valid_o,
    input  wire          h_ready_i,
    output wire [511:0]  h_data_o,
    output wire [5:0]    h_tail_o,
    output wire          h_last_o,
    output wire [7:0]    h_ring_o,
    output wire [15:0]   h_total_o,
    output wire [7:0]    h_ret_o,
    output wire [3:0]    h_port_o,
    output wire          h_hashed_o,
    output wire [31:0]   h_hash_o,
    output wire [7:0]    h_meta_o,          // of events: the RX queue
    output wire [15:0]   h_number_o,
    output wire [63:0]   h_time_o,
    output wire [63:0]   h_redirect_o,      // of events: the number
    // to a port
    output wire          t_valid_o,
    input  wire          t_ready_i,
    output wire [511:0]  t_data_o,
    output wire [5:0]    t_at_o,
    output wire [6:0]    t_bytes_o,
    output wire          t_last_o,
    output wire [3:0]    t_port_o,
    // one pulse a packet
    output wire [4:0]    count_o,           // by return value
    output wire          no_target_o,
    output wire          busy_o             // a beat is on its way
);
    localparam [31:0] PORT_COUNT = PORTS;
    localparam [31:0] QUEUE_COUNT = QUEUES;
    localparam [7:0] EVENT_RING = QUEUE_COUNT[7:0];
    localparam SIDE_W = 4 + 8 + 1 + 32 + 64 + 64;

    generate
        if (PORTS < 1 || PORTS > 16 || QUEUES < 1 || QUEUES > 64 || TARGETS < 1 || TARGETS > 64) begin : g_illegal
            nic_verdict_illegal_parameter u_stop ();
        end
    endgenerate

    // --- redirect table
    reg  [64*TARGETS-1:0] word_q;
    reg  [TARGETS-1:0]    used_q;
    reg  [10*TARGETS-1:0] means_q;
    reg  [31:0]           rdata;
    integer               t;

    always @(posedge clk) begin
        for (t = 0; t < TARGETS; t = t + 1) begin
            if (table_we_i && {24'd0, table_index_i} == 3 * t) word_q[64*t +: 32] <= table_data_i;
            if (table_we_i && {24'd0, table_index_i} == 3 * t + 1) word_q[64*t+32 +: 32] <= table_data_i;
            if (table_we_i && {24'd0, table_index_i} == 3 * t + 2) begin
                means_q[10*t +: 10] <= table_data_i[9:0];
                used_q[t] <= table_data_i[31];
            end
        end
        if (rst) used_q <= {TARGETS{1'b0}};
    end

    integer u;
    always @* begin
        rdata = 32'd0;
        for (u = 0; u < TARGETS; u = u + 1) begin
            if ({24'd0, table_rindex_i} == 3 * u) rdata = word_q[64*u +: 32];
            if ({24'd0, table_rindex_i} == 3 * u + 1) rdata = word_q[64*u+32 +: 32];
            if ({24'd0, table_rindex_i} == 3 * u + 2) rdata = {used_q[u], 21'd0, means_q[10*u +: 10]};
        end
    end
    assign table_rdata_o = rdata;

    // --- A: a beat as it comes
    reg                 a_valid_q;
    reg                 a_last_q;
    reg                 a_first_q;      // the beat in A begins a packet
    reg  [511:0]        a_data_q;
    reg  [`SPEC_OUT_TUSER_BITS-1:0] a_user_q;
    reg  [SIDE_W-1:0]   a_side_q;
    reg  [7:0]          a_beat_q;       // number of the beat in A, from the event area on
    wire                a_free;
    wire [31:0]         ret = a_user_q[`SPEC_OUT_RET_LSB +: `SPEC_OUT_RET_BITS];
    wire [63:0]         redirect = a_user_q[`SPEC_OUT_REDIRECT_LSB +: `SPEC_OUT_REDIRECT_BITS];
    wire [15:0]         len = a_user_q[`SPEC_OUT_LEN_LSB +: `SPEC_OUT_LEN_BITS];
    wire [7:0]          meta = a_user_q[`SPEC_OUT_META_LSB +: `SPEC_OUT_META_BITS];
    wire [7:0]          events = a_user_q[`SPEC_OUT_EVENTS_LSB +: `SPEC_OUT_EVENTS_BITS];
    wire [3:0]          a_port;
    wire [7:0]          a_queue;
    wire                a_hashed;
    wire [31:0]         a_hash;
    wire [63:0]         a_time;
    wire [63:0]         a_number;
    wire                a_event = a_beat_q < events;
    wire [7:0]          beat = a_beat_q - events;
    wire [15:0]         start = {2'd0, beat, 6'd0};
    wire [15:0]         left = len - start;
    wire [6:0]          bytes = left > 16'd64 ? 7'd64 : left[6:0];
    wire [15:0]         skip = {8'd0, meta} - start;
    wire                skips = {8'd0, meta} > start;
    wire                skips_all = skips && skip >= 16'd64;
    wire [6:0]          at = skips ? skip[6:0] : 7'd0;

    assign s_axis_tready = a_free && side_valid_i;
    assign side_ready_o = s_axis_tvalid && s_axis_tready && s_axis_tlast;
    assign {a_port, a_queue, a_hashed, a_hash, a_time, a_number} = a_side_q;

    reg  [1:0]  to;
    reg  [1:0]  from;       // what names the port or ring
    reg  [7:0]  number;
    reg         lost;
    reg         hit;
    reg  [9:0]  means;
    reg         own;
    reg  [3:0]  own_port;
    integer     i;
    // the table's conditions
    wire        when_port = hit && means[9:8] == 2'd1;
    wire        when_queue = hit && means[9:8] == 2'd2;
    wire        when_entry = hit;
    wire        when_ifindex = own;
    wire        when_to_host = to_host_i;

    // --- what the redirect word names
    always @* begin
        hit = 1'b0;
        means = 10'd0;
        i = 0;
        if (a_valid_q && a_first_q) for (i = 0; i < TARGETS; i = i + 1)
            if (used_q[i] && word_q[64*i +: 64] == redirect) begin
                hit = 1'b1;
                means = means | means_q[10*i +: 10];
            end
        own = 1'b0;
        own_port = 4'd0;
        for (i = 0; i < PORTS; i = i + 1)
            if (redirect == {32'h8000_0000, ifindex_i[32*i +: 32]}) begin
                own = 1'b1;
                own_port = i[3:0];
            end
    end

    // --- the decision (hw/spec/nic.toml, table way)
    always @* begin
        {to, from} = `SPEC_WAY;
        case (from)
            `SPEC_WAY_NUMBER_INGRESS: number = {4'd0, a_port};
            `SPEC_WAY_NUMBER_ENTRY: number = means[7:0];
            `SPEC_WAY_NUMBER_IFINDEX: number = {4'd0, own_port};
            default: number = a_queue;
        endcase
        lost = to == `SPEC_WAY_TO_LOST || from == `SPEC_WAY_NUMBER_ENTRY
            && means[7:0] >= (to == `SPEC_WAY_TO_PORT ? PORT_COUNT[7:0] : QUEUE_COUNT[7:0]);
        if (lost) to = `SPEC_WAY_TO_LOST;
    end

    // --- B: on its way
    reg                 b_valid_q;
    reg                 b_first_q;
    reg                 b_last_q;
    reg                 b_event_q;
    reg  [511:0]        b_data_q;
    reg  [1:0]          b_to_q;
    reg  [7:0]          b_number_q;
    reg                 b_lost_q;
    reg  [5:0]          b_at_q;
    reg  [6:0]          b_bytes_q;
    reg  [`SPEC_OUT_TUSER_BITS-1:0] b_user_q;
    reg  [SIDE_W-1:0]   b_side_q;
    wire                b_host = b_event_q || b_to_q == `SPEC_WAY_TO_HOST;
    wire                b_port = !b_event_q && b_to_q == `SPEC_WAY_TO_PORT;
    wire                b_go = b_host ? h_ready_i : b_port ? t_ready_i : 1'b1;
    wire [31:0]         b_ret = b_user_q[`SPEC_OUT_RET_LSB +: `SPEC_OUT_RET_BITS];
    wire [15:0]         b_len = b_user_q[`SPEC_OUT_LEN_LSB +: `SPEC_OUT_LEN_BITS];
    wire [7:0]          b_events = b_user_q[`SPEC_OUT_EVENTS_LSB +: `SPEC_OUT_EVENTS_BITS];
    wire                b_free = !b_valid_q || b_go;
    wire [7:0]          b_queue;
    wire [63:0]         b_number;

    assign a_free = !a_valid_q || b_free;

    always @(posedge clk) begin
        if (a_free) begin
            a_valid_q <= s_axis_tvalid && side_valid_i;
            a_last_q <= s_axis_tlast;
            a_data_q <= s_axis_tdata;
            a_user_q <= s_axis_tuser;
            a_side_q <= {side_port_i, side_queue_i, side_hashed_i, side_hash_i, side_time_i, side_number_i};
            if (a_valid_q) begin
                a_first_q <= a_last_q;
                a_beat_q <= a_last_q ? 8'd0 : a_beat_q + 8'd1;
            end
        end
        if (b_free) begin
            b_valid_q <= a_valid_q;
            b_first_q <= a_first_q;
            b_event_q <= a_event;
            b_last_q <= a_event ? a_beat_q + 8'd1 == events : a_last_q;
            b_data_q <= a_data_q;
            b_user_q <= a_user_q;
            b_side_q <= a_side_q;
            b_at_q <= skips_all ? 6'd0 : at[5:0];
            b_bytes_q <= skips_all || at >= bytes ? 7'd0 : bytes - at;
            if (a_first_q) begin
                b_to_q <= to;
                b_number_q <= number;
                b_lost_q <= lost;
            end
        end
        if (rst) begin
            a_valid_q <= 1'b0;
            a_first_q <= 1'b1;
            a_beat_q <= 8'd0;
            b_valid_q <= 1'b0;
        end
    end

    assign h_valid_o = b_valid_q && b_host;
    assign h_data_o = b_data_q;
    assign h_tail_o = b_event_q ? 6'd0 : b_len[5:0];
    assign h_last_o = b_last_q;
    assign h_ring_o = b_event_q ? EVENT_RING : b_number_q;
    assign h_total_o = b_event_q ? {2'd0, b_events, 6'd0} : b_len;
    assign h_ret_o = b_ret[7:0];
    assign h_meta_o = b_event_q ? b_queue : b_user_q[`SPEC_OUT_META_LSB +: `SPEC_OUT_META_BITS];
    assign h_redirect_o = b_event_q ? b_number : b_user_q[`SPEC_OUT_REDIRECT_LSB +: `SPEC_OUT_REDIRECT_BITS];
    assign h_number_o = b_number[15:0];
    assign {h_port_o, b_queue, h_hashed_o, h_hash_o, h_time_o, b_number} = b_side_q;
    assign t_valid_o = b_valid_q && b_port;
    assign t_data_o = b_data_q;
    assign t_at_o = b_at_q;
    assign t_bytes_o = b_bytes_q;
    assign t_last_o = b_last_q;
    assign t_port_o = b_number_q[3:0];

    wire         counts = b_valid_q && b_go && b_first_q;
    assign count_o = !counts ? 5'd0 : b_ret < 32'd5 ? 5'd1 << b_ret[2:0] : 5'd1;
    assign no_target_o = counts && b_lost_q;
    assign busy_o = a_valid_q || b_valid_q;

    wire unused = &{1'b0, skip[15:7], at[6], a_hashed, a_hash, a_time, a_number};
endmodule
`default_nettype wire
