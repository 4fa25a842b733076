// SPDX-License-Identifier: BSD-3-Clause
// Whether the row at stage 2 may issue, and which ordering tokens its packet gives back. Which packet holds which token is
// core_ring's matter: what the holder gives back at stage 2 is with the next packet in the next clock, which is the turn of
// the next context. A packet with output word hold keeps what it has not given back beyond its end, until it is released.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_token #(
    parameter SLOT_W = 4
) (
    input  wire              clk,
    input  wire              start_i, // a packet starts: it has given nothing back yet
    input  wire [2:0]        start_ctx_i,
    // stage 2
    input  wire [2:0]        ctx2_i,
    input  wire              valid2_i,
    input  wire [7:0]        need2_i,
    input  wire [7:0]        rel2_i,
    input  wire              wait2_i,
    input  wire              busy2_i,
    input  wire [7:0]        held2_i,     // tokens that the packet holds
    output wire              ready2_o,    // the row may issue,
    input  wire              turn2_i,     // if it has its turn at what it shares with other cores
    output wire              issue2_o,
    output wire [7:0]        give2_o,
    // end of a packet: gives back the rest
    input  wire              retire_i,
    input  wire [2:0]        retire_ctx_i,
    input  wire [SLOT_W-1:0] retire_slot_i,
    input  wire              retire_keep_i, // unless it keeps them until it is released
    output wire [7:0]        give_end_o,
    input  wire              release_i,
    input  wire [SLOT_W-1:0] release_slot_i,
    output wire [7:0]        give_late_o
);
    reg  [7:0]        given_q [0:7];         // tokens that the context's packet has given back
    wire              ready2 = valid2_i && !(|(need2_i & ~held2_i)) && !(wait2_i && busy2_i);
    wire              issue2 = ready2 && turn2_i;

    always @(posedge clk) begin
        if (issue2) given_q[ctx2_i] <= given_q[ctx2_i] | rel2_i;
        if (start_i) given_q[start_ctx_i] <= 8'd0;
    end

    assign ready2_o = ready2;
    assign issue2_o = issue2;
    assign give2_o = issue2 ? rel2_i & ~given_q[ctx2_i] : 8'd0;
    wire [7:0]        rest = ~given_q[retire_ctx_i];
    wire [7:0]        kept;

    ram_lut #(.WIDTH(8), .DEPTH(1 << SLOT_W)) u_kept (
        .clk(clk), .we_i(retire_i && retire_keep_i), .waddr_i(retire_slot_i), .wdata_i(rest),
        .raddr_i(release_slot_i), .rdata_o(kept));

    assign give_end_o = retire_i && !retire_keep_i ? rest : 8'd0;
    assign give_late_o = release_i ? kept : 8'd0;
endmodule
`default_nettype wire
