// SPDX-License-Identifier: BSD-3-Clause
// State of the contexts: which runs which packet, its row counter, its end. Context c has the clocks t with
// t mod 8 = c for its stage 0; the row that starts there is at stage s in clock t + s, so the context at stage
// s is phase - s. A packet starts in order of arrival when its context is idle; a packet of the other program
// bank waits until all contexts are idle, so two programs never run at once.
// A context ends by an exit (stage 6), at the earliest clock in which it also has no long operation under
// way: retire6_o. Then it can take a packet whose first row is in the context's next turn.
// A packet may issue as many rows as its bank's limit says; if the last of them does not end the program, the context
// ends there all the same: limit6_o. Turns in which it waits do not count, so packets behind one that runs for ever are spared.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_sched #(
    parameter SLOT_W = 4            // log2 of the packet buffers, 3 to 6
) (
    input  wire                   clk,
    input  wire                   clk_free,      // clk, but it never rests: turns go on
    input  wire                   rst,
    // packets that have arrived
    input  wire [SLOT_W:0]        arrived_i,     // number of packets that have arrived, modulo twice the slots
    input  wire [(1<<SLOT_W)-1:0] slot_bank_i,   // program bank of the packet in each slot
    output wire                   start_o,       // the packet in start_slot_o starts in context start_ctx_o
    output wire [2:0]             start_ctx_o,
    output wire [SLOT_W-1:0]      start_slot_o,
    input  wire                   held_i,        // the packet that was in held_slot_i keeps its tokens: no other starts there
    input  wire [SLOT_W-1:0]      held_slot_i,
    input  wire [63:0]            row_limit_i,   // rows of a packet, of bank 0 and of bank 1; 0: no limit
    // stage 0
    output wire [2:0]             phase_o,
    output wire                   valid0_o,
    output wire                   bank0_o,
    output wire [11:0]            pc0_o,
    // stage 2
    output wire [SLOT_W-1:0]      slot2_o,
    // stage 6
    input  wire                   next6_i,       // a row has issued and does not end the program
    input  wire                   taken6_i,
    input  wire [11:0]            target6_i,
    input  wire                   exit6_i,
    output wire                   limit6_o,      // the limit ends the program
    input  wire [7:0]             busy_i,        // contexts with a long operation under way
    output wire                   retire6_o,
    output wire [2:0]             retire_ctx_o,
    output wire [SLOT_W-1:0]      retire_slot_o
);
    localparam [2:0] ZERO = 3'd0;

    reg  [2:0]        phase_q;
    reg  [7:0]        active_q;
    reg  [7:0]        ended_q;
    reg  [7:0]        bank_q;
    reg  [11:0]       pc_q [0:7];
    reg  [31:0]       left_q [0:7];              // rows that the packet may still issue; 0: no limit
    reg  [SLOT_W-1:0] slot_q [0:7];
    reg  [SLOT_W:0]   started_q;
    reg               last_bank_q;

    wire [2:0]        ctx0 = phase_q;
    wire [2:0]        ctx2 = phase_q - 3'd2;
    wire [2:0]        ctx6 = phase_q - 3'd6;
    wire [2:0]        ctx_s = started_q[2:0];
    wire              bank_s = slot_bank_i[started_q[SLOT_W-1:0]];
    wire              bank_ok = bank_s == last_bank_q || active_q == 8'd0;
    wire              place_ok = !held_i || started_q[SLOT_W-1:0] != held_slot_i;
    wire              start = started_q != arrived_i && !active_q[ctx_s] && bank_ok && place_ok;
    wire [31:0]       left6 = left_q[ctx6];
    wire              limit6 = next6_i && left6 == 32'd1;
    wire              end6 = exit6_i || limit6;
    wire              retire6 = active_q[ctx6] && (ended_q[ctx6] || end6) && !busy_i[ctx6];
    wire [11:0]       pc6 = pc_q[ctx6];
    reg  [7:0]        active_d;
    reg  [7:0]        ended_d;

    always @* begin
        active_d = active_q;
        ended_d = ended_q;
        if (end6) ended_d[ctx6] = 1'b1;
        if (retire6) begin
            active_d[ctx6] = 1'b0;
            ended_d[ctx6] = 1'b0;
        end
        if (start) active_d[ctx_s] = 1'b1;
    end

    always @(posedge clk_free) begin
        phase_q <= phase_q + 3'd1;
        if (rst) phase_q <= ZERO;
    end

    always @(posedge clk) begin
        active_q <= active_d;
        ended_q <= ended_d;
        if (start) begin
            started_q <= started_q + 1'b1;
            last_bank_q <= bank_s;
            bank_q[ctx_s] <= bank_s;
            slot_q[ctx_s] <= started_q[SLOT_W-1:0];
        end
        if (rst) begin
            active_q <= 8'd0;
            ended_q <= 8'd0;
            started_q <= {SLOT_W+1{1'b0}};
            last_bank_q <= 1'b0;
        end
    end

    // A context that starts is idle, so its row counter is not written by stage 6 in the same clock.
    always @(posedge clk) begin
        if (next6_i) begin
            pc_q[ctx6] <= taken6_i ? target6_i : pc6 + 12'd1;
            if (left6 != 32'd0) left_q[ctx6] <= left6 - 32'd1;
        end
        if (start) begin
            pc_q[ctx_s] <= 12'd0;
            left_q[ctx_s] <= bank_s ? row_limit_i[63:32] : row_limit_i[31:0];
        end
    end

    assign phase_o = phase_q;
    assign valid0_o = active_q[ctx0] && !ended_q[ctx0];
    assign bank0_o = bank_q[ctx0];
    assign pc0_o = pc_q[ctx0];
    assign slot2_o = slot_q[ctx2];
    assign start_o = start;
    assign start_ctx_o = ctx_s;
    assign start_slot_o = started_q[SLOT_W-1:0];
    assign limit6_o = limit6;
    assign retire6_o = retire6;
    assign retire_ctx_o = ctx6;
    assign retire_slot_o = slot_q[ctx6];
endmodule
`default_nettype wire
