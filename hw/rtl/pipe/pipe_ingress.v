// SPDX-License-Identifier: BSD-3-Clause
// Packets to windows: the first bytes of each packet side by side, zero past the packet's end, with
// its metadata and the number of its first beat, counted modulo 2^16 from reset on; all of its
// beats go on to the payload FIFO too.
//
// Latency: 1 clock from the beat that completes a window (the WINDOW_BYTES-th byte or the packet's
// last) to the window; 1 clock for a beat. With WHOLE a window waits for its packet's last beat, and
// is offered when the FIFO has taken that one or takes it in the same clock. Throughput: a beat each
// clock, so a packet of up to 64 bytes each clock. Order: kept. Back-pressure: a beat is taken when
// the payload FIFO has taken the one before, and the window before it is taken if this one completes
// the next. enable_i low holds packets back before their first beat.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none

module pipe_ingress #(
    parameter WINDOW_BYTES = 64,  // bytes of a window: a multiple of 64, at least 64
    parameter WHOLE        = 0    // 1: a packet's window waits until the whole packet is there
) (
    input  wire                          clk,
    input  wire                          rst,
    input  wire                          enable_i,

    input  wire [511:0]                  s_axis_tdata,
    input  wire [63:0]                   s_axis_tkeep,
    input  wire                          s_axis_tvalid,
    output wire                          s_axis_tready,
    input  wire                          s_axis_tlast,
    input  wire [`SPEC_IN_TUSER_BITS-1:0] s_axis_tuser,

    output wire                          m_valid_o,
    input  wire                          m_ready_i,
    output wire [8*WINDOW_BYTES-1:0]     m_window_o,
    output wire [`SPEC_IN_TUSER_BITS-1:0] m_meta_o,
    output wire [15:0]                   m_beat_o,

    output wire                          beat_valid_o,
    input  wire                          beat_ready_i,
    output wire [511:0]                  beat_data_o,
    output wire                          beat_last_o
);
    localparam BEATS = WINDOW_BYTES / 64;
    localparam CW    = $clog2(BEATS + 1);

    generate
        if (WINDOW_BYTES < 64 || WINDOW_BYTES % 64 != 0 || WHOLE < 0
            || WHOLE > 1) begin : g_illegal
            pipe_ingress_illegal_parameter u_stop ();
        end
    endgenerate

    // count_q: beats of the packet that were taken, up to BEATS, which means that its window is
    // complete.
    reg [CW-1:0]                  count_q;
    reg                           m_valid_q;
    reg                           up_q;
    reg                           beat_valid_q, beat_last_q;
    reg [511:0]                   beat_q;
    reg [`SPEC_IN_TUSER_BITS-1:0] meta_q;
    reg [15:0]                    beats_q, first_beat_q;
    wire [511:0]                  data;

    wire first       = count_q == {CW{1'b0}};
    wire whole       = count_q == BEATS[CW-1:0];
    wire full        = count_q == BEATS[CW-1:0] - 1'b1 || (s_axis_tlast && !whole);
    wire completes   = WHOLE != 0 ? s_axis_tlast : full;
    wire window_free = !m_valid_q || (m_ready_i && m_valid_o);
    wire beat_free   = !beat_valid_q || beat_ready_i;
    // The window's registers change from its first beat on, so that must wait for the window
    // before.
    wire may_take    = beat_free && (whole || window_free) && (enable_i || !first) && up_q;
    wire take        = s_axis_tvalid && s_axis_tready;
    assign s_axis_tready = may_take;

    genvar g;
    generate
        for (g = 0; g < 64; g = g + 1) begin : g_keep
            assign data[8*g+:8] = s_axis_tdata[8*g+:8] & {8{s_axis_tkeep[g]}};
        end
    endgenerate

    // Beat g of the window. The first beat clears those behind it.
    generate
        for (g = 0; g < BEATS; g = g + 1) begin : g_window
            reg [511:0] window_q;
            always @(posedge clk) begin
                if (take && count_q == g[CW-1:0])
                    window_q <= data;
                else if (take && first)
                    window_q <= 512'd0;
            end
            assign m_window_o[512*g+:512] = window_q;
        end
    endgenerate

    always @(posedge clk) begin
        up_q <= 1'b1;
        if (take && first) begin
            meta_q       <= s_axis_tuser;
            first_beat_q <= beats_q;
        end
        if (take)
            beats_q <= beats_q + 16'd1;
        if (take)
            count_q <= s_axis_tlast ? {CW{1'b0}} : whole ? count_q : count_q + 1'b1;
        if (window_free)
            m_valid_q <= take && completes;
        if (beat_free) begin
            beat_valid_q <= take;
            beat_last_q  <= s_axis_tlast;
            beat_q       <= data;
        end
        if (rst) begin
            up_q         <= 1'b0;
            count_q      <= {CW{1'b0}};
            beats_q      <= 16'd0;
            m_valid_q    <= 1'b0;
            beat_valid_q <= 1'b0;
        end
    end

    // With WHOLE the beat in the register, if any, is the offered packet's last.
    assign m_valid_o    = m_valid_q && (WHOLE == 0 || beat_free);
    assign m_meta_o     = meta_q;
    assign m_beat_o     = first_beat_q;
    assign beat_valid_o = beat_valid_q;
    assign beat_data_o  = beat_q;
    assign beat_last_o  = beat_last_q;
endmodule

`default_nettype wire
