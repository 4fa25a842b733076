// SPDX-License-Identifier: BSD-3-Clause
// Packets into the buffers of the core. Packet k goes to slot k mod SLOTS once that slot is free, its first byte to offset
// PKT_BASE. Before its first beat the headroom bytes below are cleared, 64 a clock. One beat a clock otherwise. A packet
// enters only while enable_i is high, and belongs from then on to the program bank of this moment. Beats past
// the buffer's end are swallowed.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module axis_ingress #(
    parameter SLOT_W = 4        // log2 of the packet buffers
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire                   enable_i,
    input  wire                   bank_i,
    input  wire [8:0]             headroom_i,     // bytes, a multiple of 64, at most 256
    // packets in
    input  wire [511:0]           s_axis_tdata,
    input  wire [63:0]            s_axis_tkeep,
    input  wire                   s_axis_tvalid,
    output wire                   s_axis_tready,
    input  wire                   s_axis_tlast,
    input  wire [`SPEC_IN_TUSER_BITS-1:0] s_axis_tuser,
    // packet memory: one row
    output wire                   in_valid_o,
    input  wire                   in_ready_i,
    output wire [SLOT_W+7:0]      in_row_o,
    output wire [511:0]           in_data_o,
    // a packet is complete: its input words, with the length that has been counted
    output wire                   meta_we_o,
    output wire [SLOT_W-1:0]      meta_slot_o,
    output wire [`SPEC_IN_TUSER_BITS-1:0] meta_o,
    output wire [SLOT_W:0]        arrived_o,      // packets complete, modulo twice the slots
    output wire [(1<<SLOT_W)-1:0] slot_bank_o,
    output wire                   packet_o,       // the first beat of a packet has been taken
    input  wire                   freed_i         // the oldest slot is free again
);
    localparam SLOTS = 1 << SLOT_W;
    localparam [15:0] BASE = `SPEC_PKT_BASE;
    localparam [7:0] FIRST_ROW = BASE[13:6];

    reg  [SLOT_W:0]   arrived_q;
    reg  [SLOT_W:0]   freed_q;
    reg  [SLOTS-1:0]  slot_bank_q;
    reg               inside_q;         // past the first beat of a packet
    reg  [7:0]        row_q;            // row of the next beat
    reg  [2:0]        cleared_q;        // headroom rows cleared, from PKT_BASE downwards
    reg  [`SPEC_IN_TUSER_BITS-1:0] user_q;

    wire              free = inside_q || arrived_q - freed_q != {1'b1, {SLOT_W{1'b0}}};
    wire              clear = !inside_q && free && cleared_q < headroom_i[8:6];
    wire              open = free && !clear && (inside_q || enable_i);
    wire              beat = s_axis_tvalid && s_axis_tready;
    wire [SLOT_W-1:0] slot = arrived_q[SLOT_W-1:0];
    wire [7:0]        clear_row = FIRST_ROW - 8'd1 - {5'd0, cleared_q};
    wire              full = row_q == 8'd255;
    wire              unused = &{1'b0, headroom_i[5:0]};

    // number of ones of a contiguous tkeep, less one where all are
    wire        k5 = s_axis_tkeep[31];
    wire [30:0] p5 = k5 ? s_axis_tkeep[62:32] : s_axis_tkeep[30:0];
    wire        k4 = p5[15];
    wire [14:0] p4 = k4 ? p5[30:16] : p5[14:0];
    wire        k3 = p4[7];
    wire [6:0]  p3 = k3 ? p4[14:8] : p4[6:0];
    wire        k2 = p3[3];
    wire [2:0]  p2 = k2 ? p3[6:4] : p3[2:0];
    wire        k1 = p2[1];
    wire        k0 = k1 ? p2[2] : p2[0];
    wire [15:0] kept = {9'd0, s_axis_tkeep[63], {6{!s_axis_tkeep[63]}} & {k5, k4, k3, k2, k1, k0}};
    wire [15:0] length = {2'd0, row_q - FIRST_ROW, 6'd0} + kept;
    wire [`SPEC_IN_TUSER_BITS-1:0] user = inside_q ? user_q : s_axis_tuser;

    always @(posedge clk) begin
        if (freed_i) freed_q <= freed_q + 1'b1;
        if (clear && in_ready_i) cleared_q <= cleared_q + 3'd1;
        if (beat) begin
            inside_q <= !s_axis_tlast;
            row_q <= s_axis_tlast ? FIRST_ROW : full ? row_q : row_q + 8'd1;
            if (!inside_q) begin
                user_q <= s_axis_tuser;
                slot_bank_q[slot] <= bank_i;
            end
            if (s_axis_tlast) begin
                arrived_q <= arrived_q + 1'b1;
                cleared_q <= 3'd0;
            end
        end
        if (rst) begin
            arrived_q <= {SLOT_W+1{1'b0}};
            freed_q <= {SLOT_W+1{1'b0}};
            inside_q <= 1'b0;
            row_q <= FIRST_ROW;
            cleared_q <= 3'd0;
        end
    end

    assign s_axis_tready = open && in_ready_i;
    assign in_valid_o = clear || (open && s_axis_tvalid);
    assign in_row_o = {slot, clear ? clear_row : row_q};
    assign in_data_o = clear ? 512'd0 : s_axis_tdata;
    assign meta_we_o = beat && s_axis_tlast;
    assign meta_slot_o = slot;
    assign meta_o = {user[`SPEC_IN_TUSER_BITS-1:`SPEC_IN_LEN_LSB+`SPEC_IN_LEN_BITS], length,
                     user[`SPEC_IN_LEN_LSB-1:0]};
    assign arrived_o = arrived_q;
    assign slot_bank_o = slot_bank_q;
    assign packet_o = beat && !inside_q;

    wire unused_user = &{1'b0, user[`SPEC_IN_LEN_LSB +: `SPEC_IN_LEN_BITS]};
endmodule
`default_nettype wire
