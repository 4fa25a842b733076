// SPDX-License-Identifier: BSD-3-Clause
// The bytes of a packet's buffer from HEAD_BYTES below its first byte, in steps of 64, from the
// step that holds its new start to the one that holds its new end; before them, if s_events_i says
// so, the event area, in steps that need no shift and are neither first nor last. See pipe_egress.
//
// Latency: 1 clock. Throughput: a step each clock; payload before the first step and after the last
// is taken away a beat each clock. Order: kept. Back-pressure: the output register holds until it
// is taken.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none

module pipe_egress_merge #(
    parameter WINDOW_BYTES = 64,  // a multiple of 64, at least 64
    parameter HEAD_BYTES   = 0,   // a multiple of 64, 0 to 256
    parameter EVENT_BYTES  = 0    // a multiple of 64; 0: no event area
) (
    input  wire                                   clk,
    input  wire                                   rst,

    input  wire                                   s_valid_i,
    output wire                                   s_ready_o,
    input  wire [31:0]                            s_ret_i,
    input  wire [63:0]                            s_redirect_i,
    input  wire [7:0]                             s_meta_i,
    input  wire [15:0]                            s_data_i,
    input  wire [15:0]                            s_end_i,
    input  wire [15:0]                            s_len_i,
    input  wire [8*(HEAD_BYTES+WINDOW_BYTES)-1:0] s_bytes_i,
    input  wire [HEAD_BYTES+WINDOW_BYTES-1:0]     s_mask_i,
    input  wire [15:0]                            s_zero_from_i,
    input  wire                                   s_events_i,
    input  wire [8*(EVENT_BYTES>0?EVENT_BYTES:1)-1:0] s_event_bytes_i,

    input  wire                                   beat_valid_i,
    output wire                                   beat_ready_o,
    input  wire [511:0]                           beat_data_i,
    input  wire                                   beat_last_i,

    output wire                                   m_valid_o,
    input  wire                                   m_ready_i,
    output wire [511:0]                           m_data_o,
    output wire                                   m_first_o,
    output wire                                   m_last_o,
    output wire [5:0]                             m_shift_o,  // where it starts in its first step
    output wire [`SPEC_OUT_TUSER_BITS-1:0]        m_user_o
);
    localparam HEAD_STEPS = HEAD_BYTES / 64;
    localparam STEPS      = HEAD_STEPS + WINDOW_BYTES / 64;  // that the program can write in
    localparam ORIGIN_AT  = `SPEC_PKT_BASE - HEAD_BYTES;    // buffer offset of step 0
    localparam [15:0] ORIGIN = ORIGIN_AT[15:0];
    localparam [9:0]  HEAD   = HEAD_STEPS[9:0];
    localparam EVENT_STEPS = EVENT_BYTES / 64;
    localparam [`SPEC_OUT_EVENTS_BITS-1:0] EVENTS = EVENT_STEPS[`SPEC_OUT_EVENTS_BITS-1:0];

    // Offsets from ORIGIN.
    wire [15:0] start_at = s_data_i - ORIGIN;
    wire [15:0] end_at   = s_end_i - ORIGIN;
    wire [15:0] last_at  = end_at - 16'd1;
    wire [15:0] came_end = s_len_i + HEAD_BYTES[15:0];
    wire [15:0] zero_at  = s_zero_from_i <= ORIGIN ? 16'd0 : s_zero_from_i - ORIGIN;
    wire [15:0] bare_at  = zero_at < came_end ? zero_at : came_end;  // payload counts below this
    wire [9:0]  first    = start_at[15:6];
    wire [9:0]  last     = last_at[15:6];

    reg         m_valid_q;
    wire        out_free = !m_valid_q || m_ready_i;

    // The event area comes first: telling is high while a step of it is to be given out.
    wire                             telling;
    wire [511:0]                     told;
    wire [`SPEC_OUT_EVENTS_BITS-1:0] told_steps;

    generate
        if (EVENT_BYTES == 0) begin : g_silent
            assign telling    = 1'b0;
            assign told       = 512'd0;
            assign told_steps = EVENTS;

            wire unused_events = &{1'b0, s_events_i, s_event_bytes_i};
        end else begin : g_events
            reg [`SPEC_OUT_EVENTS_BITS-1:0] told_q;  // steps that are given out
            reg [511:0]                     chosen;
            integer                         n;

            assign telling    = s_events_i && told_q != EVENTS;
            assign told       = chosen;
            assign told_steps = s_events_i ? EVENTS : {`SPEC_OUT_EVENTS_BITS{1'b0}};

            always @* begin
                chosen = 512'd0;
                for (n = 0; n < EVENT_STEPS; n = n + 1) begin
                    if (told_q == n[`SPEC_OUT_EVENTS_BITS-1:0])
                        chosen = s_event_bytes_i[512*n+:512];
                end
            end
            always @(posedge clk) begin
                if (rst || s_ready_o)
                    told_q <= {`SPEC_OUT_EVENTS_BITS{1'b0}};
                else if (s_valid_i && telling && out_free)
                    told_q <= told_q + 1'b1;
            end
        end
    endgenerate

    // Where the walk is: begun_q is low before a packet's first step, which is the first that has
    // payload or is to be given out. drained_q: the packet's last payload beat was taken.
    reg        begun_q;
    reg        drained_q;
    reg [9:0]  step_q;
    wire [9:0] step    = begun_q ? step_q : first <= HEAD ? first : HEAD;
    wire       in_head = step + 10'd1 <= HEAD;
    wire       pulls   = !telling && !in_head && !drained_q;
    wire       gives   = telling || (step >= first && step <= last);
    wire       ends    = !telling && (drained_q || (pulls && beat_last_i)) && step >= last;
    wire       moves    = s_valid_i && (!pulls || beat_valid_i) && (!gives || out_free);
    assign s_ready_o    = moves && ends;
    assign beat_ready_o = s_valid_i && pulls && (!gives || out_free);

    // The step's written bytes.
    reg [511:0] bytes;
    reg [63:0]  mask;
    integer     i;
    always @* begin
        bytes = 512'd0;
        mask  = 64'd0;
        for (i = 0; i < STEPS; i = i + 1) begin
            if (step == i[9:0]) begin
                bytes = s_bytes_i[512*i+:512];
                mask  = s_mask_i[64*i+:64];
            end
        end
        if (telling) begin
            bytes = told;
            mask  = {64{1'b1}};
        end
    end

    // Bytes of the step below bare_at.
    wire [63:0]  below = bare_at[15:6] > step ? {64{1'b1}} :
                         bare_at[15:6] < step ? 64'd0 : ~({64{1'b1}} << bare_at[5:0]);
    wire [63:0]  keep  = pulls ? below : 64'd0;
    wire [511:0] merged;
    genvar g;
    generate
        for (g = 0; g < 64; g = g + 1) begin : g_byte
            assign merged[8*g+:8] = mask[g] ? bytes[8*g+:8] : beat_data_i[8*g+:8] & {8{keep[g]}};
        end
    endgenerate

    reg [511:0] m_data_q;
    reg         m_first_q, m_last_q;
    reg [5:0]   m_shift_q;
    reg [`SPEC_OUT_TUSER_BITS-1:0] m_user_q;

    always @(posedge clk) begin
        if (out_free)
            m_valid_q <= moves && gives;
        if (moves && gives) begin
            m_data_q  <= merged;
            m_first_q <= !telling && step == first;
            m_last_q  <= !telling && step == last;
            m_shift_q <= telling ? 6'd0 : start_at[5:0];
            m_user_q  <= {told_steps, s_meta_i, end_at - start_at, s_redirect_i, s_ret_i};
        end
        if (moves && !telling) begin
            begun_q   <= !ends;
            drained_q <= !ends && (drained_q || (pulls && beat_last_i));
            step_q    <= step + 10'd1;
        end
        if (rst) begin
            m_valid_q <= 1'b0;
            begun_q   <= 1'b0;
            drained_q <= 1'b0;
        end
    end

    assign m_valid_o = m_valid_q;
    assign m_data_o  = m_data_q;
    assign m_first_o = m_first_q;
    assign m_last_o  = m_last_q;
    assign m_shift_o = m_shift_q;
    assign m_user_o  = m_user_q;

    wire unused = &{1'b0, last_at};
endmodule

`default_nettype wire
