// SPDX-License-Identifier: BSD-3-Clause
// Packets out of the core's buffers, in order. Reads 64-byte rows from that of the data offset to that of the last byte and
// shifts them to byte 0 of the stream. One row a clock: a packet whose start is a multiple of 64 takes as many clocks as
// it has beats, others up to two more. In front of it leave as many rows of the event area as the program says, a beat
// each. The buffer's slot is given back when its last row has been read.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module axis_egress #(
    parameter SLOT_W = 4,       // log2 of the packet buffers
    parameter EVENTS = 1        // 1: rows of the event area may leave in front of a packet; 0: no hardware for it
) (
    input  wire              clk,
    input  wire              rst,
    // finished packets
    input  wire              s_valid_i,
    output wire              s_ready_o,
    input  wire [SLOT_W-1:0] s_slot_i,
    input  wire [15:0]       s_data_i,
    input  wire [15:0]       s_end_i,
    input  wire [63:0]       s_redirect_i,
    input  wire [7:0]        s_meta_i,
    input  wire [7:0]        s_events_i,     // rows of the event area in front
    input  wire [31:0]       s_ret_i,
    // packet memory: one row, there in the next clock, and as long as no other is asked for
    output wire              out_ren_o,
    output wire [SLOT_W+7:0] out_row_o,
    input  wire [511:0]      out_data_i,
    output wire              freed_o,
    // packets out
    output wire [511:0]      m_axis_tdata,
    output wire [63:0]       m_axis_tkeep,
    output wire              m_axis_tvalid,
    input  wire              m_axis_tready,
    output wire              m_axis_tlast,
    output wire [`SPEC_OUT_TUSER_BITS-1:0] m_axis_tuser
);
    localparam [15:0] MIN_BYTES = `SPEC_PKT_MIN_BYTES;
    localparam [31:0] EVENT_BASE = `SPEC_EVENT_BASE;
    localparam [7:0]  EVENT_ROW = EVENT_BASE[13:6];

    // --- A: row addresses of the packet
    reg               a_valid_q;
    reg               a_first_q;
    reg  [SLOT_W-1:0] a_slot_q;
    reg  [7:0]        a_row_q;
    reg  [7:0]        a_end_row_q;
    reg  [7:0]        a_data_row_q;
    reg  [7:0]        a_events_q;    // rows of the event area to come
    reg  [5:0]        a_shift_q;
    reg  [`SPEC_OUT_TUSER_BITS-1:0] a_user_q;
    wire              b_ready;
    wire              a_read = a_valid_q && b_ready;
    wire              a_event = EVENTS != 0 && a_events_q != 8'd0;
    wire              a_last = !a_event && a_row_q == a_end_row_q;
    wire [7:0]        events = EVENTS != 0 ? s_events_i : 8'd0;
    // an end that is not after the start is no packet; it leaves as one of the least length
    wire [15:0]       data_end = s_end_i > s_data_i ? s_end_i : s_data_i + MIN_BYTES;
    wire [15:0]       length = data_end - s_data_i;
    wire [15:0]       last_byte = data_end - 16'd1;
    wire              unused = &{1'b0, last_byte[15:14], last_byte[5:0], s_data_i[15:14], s_events_i};

    assign s_ready_o = !a_valid_q || (a_read && a_last);

    always @(posedge clk) begin
        if (a_read) begin
            a_row_q <= a_event && a_events_q == 8'd1 ? a_data_row_q : a_row_q + 8'd1;
            if (a_event) a_events_q <= a_events_q - 8'd1;
            else a_first_q <= 1'b0;
            if (a_last) a_valid_q <= 1'b0;
        end
        if (s_valid_i && s_ready_o) begin
            a_valid_q <= 1'b1;
            a_first_q <= 1'b1;
            a_slot_q <= s_slot_i;
            a_row_q <= events != 8'd0 ? EVENT_ROW : s_data_i[13:6];
            a_data_row_q <= s_data_i[13:6];
            a_events_q <= events;
            a_end_row_q <= last_byte[13:6];
            a_shift_q <= s_data_i[5:0];
            a_user_q <= {events, s_meta_i, length, s_redirect_i, s_ret_i};
        end
        if (rst) a_valid_q <= 1'b0;
    end

    // --- B: the row
    reg               b_valid_q;
    reg               b_first_q;
    reg               b_last_q;
    reg               b_event_q;
    reg  [5:0]        b_shift_q;
    reg  [`SPEC_OUT_TUSER_BITS-1:0] b_user_q;
    wire              c_ready;
    reg               b_take;

    assign b_ready = !b_valid_q || b_take;

    always @(posedge clk) begin
        if (b_take) b_valid_q <= 1'b0;
        if (a_read) begin
            b_valid_q <= 1'b1;
            b_first_q <= a_first_q;
            b_last_q <= a_last;
            b_event_q <= a_event;
            b_shift_q <= a_shift_q;
            b_user_q <= a_user_q;
        end
        if (rst) b_valid_q <= 1'b0;
    end

    // --- C: shift
    reg  [511:0]      prev_q;        // the row before
    reg               flush_q;       // prev_q holds the packet's last bytes
    reg  [5:0]        prev_shift_q;
    reg  [`SPEC_OUT_TUSER_BITS-1:0] prev_user_q;
    reg  [15:0]       left_q;        // bytes after the beats given so far, unless at the packet's first row
    wire [15:0]       left = flush_q || !b_first_q ? left_q
                                                   : b_user_q[`SPEC_OUT_LEN_LSB +: 16];
    reg               give;          // a beat is given
    wire              event_row = b_event_q && !flush_q;
    wire              give_last = (left <= 16'd64 || flush_q) && !event_row;

    reg               m_valid_q;
    reg               m_last_q;
    reg  [511:0]      m_data_q;
    reg  [63:0]       m_keep_q;
    reg  [`SPEC_OUT_TUSER_BITS-1:0] m_user_q;
    wire [5:0]        keep_pad = 6'd0 - left[5:0];

    assign c_ready = !m_valid_q || m_axis_tready;

    always @* begin
        give = 1'b0;
        b_take = 1'b0;
        if (c_ready && flush_q) begin
            give = 1'b1;
        end else if (c_ready && b_valid_q) begin
            b_take = 1'b1;
            give = !b_first_q || b_shift_q == 6'd0 || b_last_q || b_event_q;
        end
    end

    always @(posedge clk) begin
        if (b_take) begin
            prev_q <= out_data_i;
            prev_shift_q <= b_shift_q;
            prev_user_q <= b_user_q;
            if (!b_event_q) left_q <= give ? left - 16'd64 : left;
            flush_q <= b_last_q && give && !give_last;
        end
        if (give && flush_q) flush_q <= 1'b0;
        if (m_axis_tready) m_valid_q <= 1'b0;
        if (give) begin
            m_valid_q <= 1'b1;
            m_last_q <= give_last;
            m_user_q <= flush_q ? prev_user_q : b_user_q;
            m_keep_q <= give_last ? {64{1'b1}} >> keep_pad : {64{1'b1}};
            if (event_row) m_data_q <= out_data_i;
            else if (flush_q) m_data_q <= prev_q >> {prev_shift_q, 3'd0};
            else if (b_shift_q == 6'd0 || b_first_q) m_data_q <= out_data_i >> {b_shift_q, 3'd0};
            else m_data_q <= (prev_q >> {b_shift_q, 3'd0}) |
                             (out_data_i << {6'd0 - b_shift_q, 3'd0});
        end
        if (rst) begin
            flush_q <= 1'b0;
            m_valid_q <= 1'b0;
        end
    end

    assign out_ren_o = a_read;
    assign out_row_o = {a_slot_q, a_row_q};
    assign freed_o = a_read && a_last;
    assign m_axis_tdata = m_data_q;
    assign m_axis_tkeep = m_keep_q;
    assign m_axis_tvalid = m_valid_q;
    assign m_axis_tlast = m_last_q;
    assign m_axis_tuser = m_user_q;
endmodule
`default_nettype wire
