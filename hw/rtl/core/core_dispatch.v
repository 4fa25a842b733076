// SPDX-License-Identifier: BSD-3-Clause
// Whole packets to the cores in turn: CONTEXTS packets to core 0, the next CONTEXTS to core 1, and so on. So packet k has
// context k mod CONTEXTS whatever its core is, and what it gives back is with packet k + 1 when that has its turn
// (core_ring). Combinational, no latency; a beat a clock.
// The first packet of another program bank enters when all packets before it have left all cores: the cores change
// programs between the same two packets, and never run two at once.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_dispatch #(
    parameter CORES = 2,            // a power of two, 2 to SPEC_CORES_MAX
    parameter CORE_W = 1,           // its log2
    parameter SLOT_W = 4            // log2 of a core's packet buffers
) (
    input  wire             clk,
    input  wire             rst,
    input  wire             bank_i,         // program bank of packets that enter now
    input  wire             s_valid_i,
    output wire             s_ready_o,
    input  wire             s_last_i,
    output wire [CORES-1:0] m_valid_o,
    input  wire [CORES-1:0] m_ready_i,
    input  wire             left_i          // a packet has left
);
    localparam INSIDE_W = CORE_W + SLOT_W + 2;     // beside those in buffers some are on their way out

    reg  [CORE_W-1:0]   turn_q;
    reg  [2:0]          count_q;            // packets that the core has got in this turn
    reg                 inside_q;           // past the first beat of a packet
    reg                 bank_q;             // of the last packet
    reg  [INSIDE_W-1:0] under_way_q;        // packets that entered and have not left
    wire                enter = inside_q || bank_i == bank_q || under_way_q == {INSIDE_W{1'b0}};
    wire                beat = s_valid_i && s_ready_o;
    wire                first = beat && !inside_q;

    always @(posedge clk) begin
        if (beat) begin
            inside_q <= !s_last_i;
            if (!inside_q) bank_q <= bank_i;
            if (s_last_i) begin
                count_q <= count_q + 3'd1;
                if (count_q == 3'd7) turn_q <= turn_q + 1'b1;
            end
        end
        if (first && !left_i) under_way_q <= under_way_q + 1'b1;
        if (!first && left_i) under_way_q <= under_way_q - 1'b1;
        if (rst) begin
            turn_q <= {CORE_W{1'b0}};
            count_q <= 3'd0;
            inside_q <= 1'b0;
            bank_q <= 1'b0;
            under_way_q <= {INSIDE_W{1'b0}};
        end
    end

    genvar c;
    generate
        for (c = 0; c < CORES; c = c + 1) begin : g_core
            localparam [CORE_W-1:0] OWN = c;

            assign m_valid_o[c] = s_valid_i && enter && turn_q == OWN;
        end
    endgenerate

    assign s_ready_o = enter && m_ready_i[turn_q];
endmodule
`default_nettype wire
