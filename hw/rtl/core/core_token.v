// SPDX-License-Identifier: BSD-3-Clause
// Ordering tokens, and whether the row at stage 2 may issue. Token t is held by the packet in slot head[t];
// head[t] moves on, one slot a clock, over slots whose packet has given t back. What the holder gives back at
// stage 2 is with the next packet in the next clock, which is the turn of the next context.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_token #(
    parameter SLOT_W = 4              // log2 of the packet buffers, 3 to 6
) (
    input  wire              clk,
    input  wire              rst,
    input  wire              start_i, // a packet starts: it has given nothing back yet
    input  wire [2:0]        start_ctx_i,
    // stage 2
    input  wire [2:0]        ctx2_i,
    input  wire [SLOT_W-1:0] slot2_i,
    input  wire              valid2_i,
    input  wire [7:0]        need2_i,
    input  wire [7:0]        rel2_i,
    input  wire              wait2_i,
    input  wire              busy2_i,
    output wire              issue2_o,
    // end of a packet: gives back the rest
    input  wire              retire_i,
    input  wire [2:0]        retire_ctx_i,
    input  wire [SLOT_W-1:0] retire_slot_i
);
    localparam TOKENS = `SPEC_TOKENS;
    localparam SLOTS = 1 << SLOT_W;

    reg  [7:0]        given_q [0:7];         // tokens that the context's packet has given back
    wire [7:0]        held2;
    wire              issue2 = valid2_i && !(|(need2_i & ~held2)) && !(wait2_i && busy2_i);
    wire [7:0]        give2 = issue2 ? rel2_i & ~given_q[ctx2_i] : 8'd0;
    wire [7:0]        give_end = retire_i ? ~given_q[retire_ctx_i] : 8'd0;

    genvar t;
    generate
        for (t = 0; t < TOKENS; t = t + 1) begin : g_token
            reg  [SLOTS-1:0]  back_q;   // slots whose packet has given the token back, head not yet there
            reg  [SLOTS-1:0]  back_d;
            reg  [SLOT_W-1:0] head_q;
            wire              pass = back_q[head_q] || (give2[t] && held2[t]) ||
                                     (give_end[t] && head_q == retire_slot_i);

            assign held2[t] = head_q == slot2_i;

            always @* begin
                back_d = back_q;
                if (give2[t]) back_d[slot2_i] = 1'b1;
                if (give_end[t]) back_d[retire_slot_i] = 1'b1;
                if (pass) back_d[head_q] = 1'b0;
            end

            always @(posedge clk) begin
                back_q <= back_d;
                if (pass) head_q <= head_q + 1'b1;
                if (rst) begin
                    back_q <= {SLOTS{1'b0}};
                    head_q <= {SLOT_W{1'b0}};
                end
            end
        end
    endgenerate

    always @(posedge clk) begin
        if (issue2) given_q[ctx2_i] <= given_q[ctx2_i] | rel2_i;
        if (start_i) given_q[start_ctx_i] <= 8'd0;
    end

    assign issue2_o = issue2;
endmodule
`default_nettype wire
