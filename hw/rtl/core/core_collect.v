// SPDX-License-Identifier: BSD-3-Clause
// Packets out of the cores, in order of arrival: CONTEXTS packets of core 0, the next CONTEXTS of core 1, and so on, as
// core_dispatch has given them out; each core keeps its own in order. Packets of other cores wait in their buffers.
// Combinational, no latency; a beat a clock.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_collect #(
    parameter CORES = 2,            // a power of two, 2 to SPEC_CORES_MAX
    parameter CORE_W = 1            // its log2
) (
    input  wire                 clk,
    input  wire                 rst,
    input  wire [CORES*512-1:0] s_data_i,
    input  wire [CORES*64-1:0]  s_keep_i,
    input  wire [CORES-1:0]     s_valid_i,
    output wire [CORES-1:0]     s_ready_o,
    input  wire [CORES-1:0]     s_last_i,
    input  wire [CORES*`SPEC_OUT_TUSER_BITS-1:0] s_user_i,
    input  wire                 stop_i,     // no packet leaves; 1 from the clock after a last beat on
    output wire [511:0]         m_axis_tdata,
    output wire [63:0]          m_axis_tkeep,
    output wire                 m_axis_tvalid,
    input  wire                 m_axis_tready,
    output wire                 m_axis_tlast,
    output wire [`SPEC_OUT_TUSER_BITS-1:0] m_axis_tuser,
    output wire [CORE_W-1:0]    turn_o      // core whose packets leave
);
    localparam USER_W = `SPEC_OUT_TUSER_BITS;

    reg  [CORE_W-1:0] turn_q;
    reg  [2:0]        count_q;              // packets that have left in this turn

    always @(posedge clk) begin
        if (m_axis_tvalid && m_axis_tready && m_axis_tlast) begin
            count_q <= count_q + 3'd1;
            if (count_q == 3'd7) turn_q <= turn_q + 1'b1;
        end
        if (rst) begin
            turn_q <= {CORE_W{1'b0}};
            count_q <= 3'd0;
        end
    end

    genvar c;
    generate
        for (c = 0; c < CORES; c = c + 1) begin : g_core
            localparam [CORE_W-1:0] OWN = c;

            assign s_ready_o[c] = m_axis_tready && turn_q == OWN && !stop_i;
        end
    endgenerate

    assign m_axis_tdata = s_data_i[512*turn_q +: 512];
    assign m_axis_tkeep = s_keep_i[64*turn_q +: 64];
    assign m_axis_tvalid = s_valid_i[turn_q] && !stop_i;
    assign m_axis_tlast = s_last_i[turn_q];
    assign m_axis_tuser = s_user_i[USER_W*turn_q +: USER_W];
    assign turn_o = turn_q;
endmodule
`default_nettype wire
