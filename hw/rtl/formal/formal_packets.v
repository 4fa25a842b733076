// SPDX-License-Identifier: BSD-3-Clause
// The ports at which packets enter and leave a device: what they offer stays until it is taken, whatever happens on their
// other sides. BLOCK 0: pipe_ingress, 1: pipe_egress_align (the end of pipe_egress), 2: axis_egress. good_o is low where
// it breaks this. To keep the proof small, bits of a beat from BITS on are zero.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module formal_packets #(
    parameter BLOCK = 0,
    parameter WINDOW_BYTES = 64,
    parameter SLOT_W = 3,
    parameter BITS = 64
) (
    input  wire         clk,
    input  wire         rst,
    input  wire         enable_i,
    input  wire [511:0] data_i,
    input  wire [63:0]  keep_i,
    input  wire         valid_i,
    input  wire         first_i,
    input  wire         last_i,
    input  wire [`SPEC_IN_TUSER_BITS-1:0] user_i,
    input  wire [1:0]   ready_i,
    output wire         good_o
);
    wire [511:0] beat_in = {{512-BITS{1'b0}}, data_i[BITS-1:0]};

    generate
        if (BLOCK == 0) begin : g_ingress
            wire                      window_valid, beat_valid, beat_last, ready;
            wire [8*WINDOW_BYTES-1:0] window;
            wire [`SPEC_IN_TUSER_BITS-1:0] meta;
            wire [511:0]              beat;
            wire [1:0]                good;

            pipe_ingress #(.WINDOW_BYTES(WINDOW_BYTES)) u_ingress (
                .clk(clk), .rst(rst), .enable_i(enable_i), .s_axis_tdata(beat_in),
                .s_axis_tkeep(keep_i), .s_axis_tvalid(valid_i), .s_axis_tready(ready),
                .s_axis_tlast(last_i), .s_axis_tuser(user_i), .m_valid_o(window_valid),
                .m_ready_i(ready_i[0]), .m_window_o(window), .m_meta_o(meta),
                .beat_valid_o(beat_valid), .beat_ready_i(ready_i[1]), .beat_data_o(beat),
                .beat_last_o(beat_last), .m_beat_o());
            formal_offer #(.WIDTH(8*WINDOW_BYTES+`SPEC_IN_TUSER_BITS)) u_window (
                .clk(clk), .rst(rst), .valid_i(window_valid), .ready_i(ready_i[0]),
                .data_i({window, meta}), .good_o(good[0]));
            formal_offer #(.WIDTH(513)) u_beat (
                .clk(clk), .rst(rst), .valid_i(beat_valid), .ready_i(ready_i[1]),
                .data_i({beat_last, beat}), .good_o(good[1]));
            assign good_o = &good;
        end else begin : g_egress
            wire         valid, last, ready, ren, freed;
            wire [511:0] data;
            wire [63:0]  keep;
            wire [`SPEC_OUT_TUSER_BITS-1:0] user;
            wire [SLOT_W+7:0] row;

            if (BLOCK == 1) begin : g_pipe
                pipe_egress_align u_align (
                    .clk(clk), .rst(rst), .s_valid_i(valid_i), .s_ready_o(ready), .s_data_i(beat_in),
                    .s_first_i(first_i), .s_last_i(last_i), .s_shift_i(user_i[`SPEC_OUT_TUSER_BITS+:6]),
                    .s_user_i(user_i[`SPEC_OUT_TUSER_BITS-1:0]), .m_axis_tdata(data), .m_axis_tkeep(keep),
                    .m_axis_tvalid(valid), .m_axis_tready(ready_i[0]), .m_axis_tlast(last),
                    .m_axis_tuser(user));
            end else begin : g_core
                axis_egress #(.SLOT_W(SLOT_W)) u_axis (
                    .clk(clk), .rst(rst), .s_valid_i(valid_i), .s_ready_o(ready),
                    .s_slot_i(keep_i[SLOT_W-1:0]), .s_data_i(user_i[15:0]), .s_end_i(user_i[31:16]),
                    .s_redirect_i(user_i[95:32]), .s_meta_i(user_i[103:96]),
                    .s_events_i(user_i[111:104]),
                    .s_ret_i(user_i[127:96]), .out_ren_o(ren), .out_row_o(row), .out_data_i(beat_in), .freed_o(freed), .m_axis_tdata(data),
                    .m_axis_tkeep(keep), .m_axis_tvalid(valid), .m_axis_tready(ready_i[0]),
                    .m_axis_tlast(last), .m_axis_tuser(user));
            end
            formal_offer #(.WIDTH(512+64+1+`SPEC_OUT_TUSER_BITS)) u_packets (
                .clk(clk), .rst(rst), .valid_i(valid), .ready_i(ready_i[0]),
                .data_i({data, keep, last, user}), .good_o(good_o));
        end
    endgenerate
endmodule
`default_nettype wire
