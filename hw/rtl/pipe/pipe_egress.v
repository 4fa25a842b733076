// SPDX-License-Identifier: BSD-3-Clause
// Results and payload to packets: the bytes that came, those that the program wrote, its new start
// and end; in front of them the event area, where something happened on the packet's path.
//
// Two steps. pipe_egress_merge walks over a packet's buffer in steps of 64 bytes from HEAD_BYTES
// below its first byte, takes a payload beat for each step that has one, and puts the written bytes
// in. pipe_egress_align moves what it gives so that the packet's new start is byte 0 of a beat. The
// event area goes through both first, as beats of its own.
// Latency: 3 clocks from the offer of packet and payload to the first beat; 1 more if the start is
// not aligned and the packet reaches into the next step. Throughput: a packet of up to 64 bytes
// each clock, a beat each clock otherwise, those of the event area among them; between packets with
// different starts at times a clock more; payload that is cut off takes a clock a beat. Order:
// kept. Back-pressure: all registers hold while m_axis_tready is low.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none

module pipe_egress #(
    parameter WINDOW_BYTES = 64,  // packet bytes that may be written: a multiple of 64, at least 64
    parameter HEAD_BYTES   = 0,   // bytes below it that may be added: a multiple of 64, 0 to 256
    parameter EVENT_BYTES  = 0    // of the event area: a multiple of 64; 0: there is none
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
    input  wire                                   s_events_i,  // the event area leaves, too
    input  wire [8*(EVENT_BYTES>0?EVENT_BYTES:1)-1:0] s_event_bytes_i,

    input  wire                                   beat_valid_i,
    output wire                                   beat_ready_o,
    input  wire [511:0]                           beat_data_i,
    input  wire                                   beat_last_i,

    output wire [511:0]                           m_axis_tdata,
    output wire [63:0]                            m_axis_tkeep,
    output wire                                   m_axis_tvalid,
    input  wire                                   m_axis_tready,
    output wire                                   m_axis_tlast,
    output wire [`SPEC_OUT_TUSER_BITS-1:0]        m_axis_tuser
);
    generate
        if (WINDOW_BYTES < 64 || WINDOW_BYTES % 64 != 0 || HEAD_BYTES < 0
            || HEAD_BYTES > `SPEC_PKT_BASE || HEAD_BYTES % 64 != 0
            || EVENT_BYTES < 0 || EVENT_BYTES > `SPEC_EVENT_BYTES || EVENT_BYTES % 64 != 0)
        begin : g_illegal
            pipe_egress_illegal_parameter u_stop ();
        end
    endgenerate

    wire                            step_valid;
    wire                            step_ready;
    wire [511:0]                    step_data;
    wire                            step_first;
    wire                            step_last;
    wire [5:0]                      step_shift;
    wire [`SPEC_OUT_TUSER_BITS-1:0] step_user;

    pipe_egress_merge #(
        .WINDOW_BYTES(WINDOW_BYTES),
        .HEAD_BYTES  (HEAD_BYTES),
        .EVENT_BYTES (EVENT_BYTES)
    ) u_merge (
        .clk          (clk),
        .rst          (rst),
        .s_valid_i    (s_valid_i),
        .s_ready_o    (s_ready_o),
        .s_ret_i      (s_ret_i),
        .s_redirect_i (s_redirect_i),
        .s_meta_i     (s_meta_i),
        .s_data_i     (s_data_i),
        .s_end_i      (s_end_i),
        .s_len_i      (s_len_i),
        .s_bytes_i    (s_bytes_i),
        .s_mask_i     (s_mask_i),
        .s_zero_from_i(s_zero_from_i),
        .s_events_i   (s_events_i),
        .s_event_bytes_i(s_event_bytes_i),
        .beat_valid_i (beat_valid_i),
        .beat_ready_o (beat_ready_o),
        .beat_data_i  (beat_data_i),
        .beat_last_i  (beat_last_i),
        .m_valid_o    (step_valid),
        .m_ready_i    (step_ready),
        .m_data_o     (step_data),
        .m_first_o    (step_first),
        .m_last_o     (step_last),
        .m_shift_o    (step_shift),
        .m_user_o     (step_user)
    );

    pipe_egress_align u_align (
        .clk          (clk),
        .rst          (rst),
        .s_valid_i    (step_valid),
        .s_ready_o    (step_ready),
        .s_data_i     (step_data),
        .s_first_i    (step_first),
        .s_last_i     (step_last),
        .s_shift_i    (step_shift),
        .s_user_i     (step_user),
        .m_axis_tdata (m_axis_tdata),
        .m_axis_tkeep (m_axis_tkeep),
        .m_axis_tvalid(m_axis_tvalid),
        .m_axis_tready(m_axis_tready),
        .m_axis_tlast (m_axis_tlast),
        .m_axis_tuser (m_axis_tuser)
    );
endmodule

`default_nettype wire
