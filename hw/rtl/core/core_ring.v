// SPDX-License-Identifier: BSD-3-Clause
// Ordering tokens of all cores. The packets' buffers are a ring in order of arrival: CONTEXTS packets of core 0, as many of
// core 1 and so on, then the next of core 0 (core_dispatch). Token t is held by the packet in place head[t]; head[t] moves
// on, one place a clock, over places whose packet has given t back.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_ring #(
    parameter CORES = 1,              // a power of two, up to SPEC_CORES_MAX
    parameter SLOT_W = 4              // log2 of a core's packet buffers, 3 to 6
) (
    input  wire                    clk,
    input  wire                    rst,
    // of each core, stage 2
    input  wire [CORES*SLOT_W-1:0] slot2_i,
    input  wire [CORES*8-1:0]      give2_i,       // tokens that the packet gives back, held or not
    output wire [CORES*8-1:0]      held2_o,
    // of each core, a packet that ends
    input  wire [CORES*8-1:0]      give_end_i,
    input  wire [CORES*SLOT_W-1:0] end_slot_i,
    // of each core, a packet that has kept tokens beyond its end
    input  wire [CORES*8-1:0]      give_late_i,
    input  wire [CORES*SLOT_W-1:0] late_slot_i
);
    localparam TOKENS = `SPEC_TOKENS;
    localparam CORE_W = $clog2(CORES);
    localparam PLACE_W = SLOT_W + CORE_W;
    localparam PLACES = 1 << PLACE_W;

    // place of a core's slot: the low bits of the slot are the context, above them is the core
    wire [CORES*PLACE_W-1:0] place2;
    wire [CORES*PLACE_W-1:0] end_place;
    wire [CORES*PLACE_W-1:0] late_place;

    genvar c;
    generate
        for (c = 0; c < CORES; c = c + 1) begin : g_core
            localparam [31:0] OWN = c << 3;
            localparam [31:0] LOW = 32'd7;
            wire [31:0] slot2 = {{32-SLOT_W{1'b0}}, slot2_i[SLOT_W*c +: SLOT_W]};
            wire [31:0] slot_end = {{32-SLOT_W{1'b0}}, end_slot_i[SLOT_W*c +: SLOT_W]};
            wire [31:0] wide2 = ((slot2 & ~LOW) << CORE_W) | OWN | (slot2 & LOW);
            wire [31:0] wide_end = ((slot_end & ~LOW) << CORE_W) | OWN | (slot_end & LOW);
            wire [31:0] slot_late = {{32-SLOT_W{1'b0}}, late_slot_i[SLOT_W*c +: SLOT_W]};
            wire [31:0] wide_late = ((slot_late & ~LOW) << CORE_W) | OWN | (slot_late & LOW);
            wire        unused = &{1'b0, wide2[31:PLACE_W], wide_end[31:PLACE_W], wide_late[31:PLACE_W]};

            assign place2[PLACE_W*c +: PLACE_W] = wide2[PLACE_W-1:0];
            assign end_place[PLACE_W*c +: PLACE_W] = wide_end[PLACE_W-1:0];
            assign late_place[PLACE_W*c +: PLACE_W] = wide_late[PLACE_W-1:0];
        end
    endgenerate

    genvar t;
    generate
        for (t = 0; t < TOKENS; t = t + 1) begin : g_token
            reg  [PLACES-1:0]  back_q;   // places whose packet has given the token back, head not yet there
            reg  [PLACES-1:0]  back_d;
            reg  [PLACE_W-1:0] head_q;
            reg                pass;
            integer            i;

            for (c = 0; c < CORES; c = c + 1) begin : g_held
                assign held2_o[8*c+t] = head_q == place2[PLACE_W*c +: PLACE_W];
            end

            always @* begin
                back_d = back_q;
                pass = back_q[head_q];
                for (i = 0; i < CORES; i = i + 1) begin
                    if (give2_i[8*i+t]) back_d[place2[PLACE_W*i +: PLACE_W]] = 1'b1;
                    if (give_end_i[8*i+t]) back_d[end_place[PLACE_W*i +: PLACE_W]] = 1'b1;
                    if (give_late_i[8*i+t]) back_d[late_place[PLACE_W*i +: PLACE_W]] = 1'b1;
                    if (give2_i[8*i+t] && head_q == place2[PLACE_W*i +: PLACE_W]) pass = 1'b1;
                    if (give_end_i[8*i+t] && head_q == end_place[PLACE_W*i +: PLACE_W]) pass = 1'b1;
                end
                if (pass) back_d[head_q] = 1'b0;
            end

            always @(posedge clk) begin
                back_q <= back_d;
                if (pass) head_q <= head_q + 1'b1;
                if (rst) begin
                    back_q <= {PLACES{1'b0}};
                    head_q <= {PLACE_W{1'b0}};
                end
            end
        end
    endgenerate
endmodule
`default_nettype wire
