// SPDX-License-Identifier: BSD-3-Clause
// Look-ups of the LPM engine on their way: up to SLOTS, each with the lengths that were not tried.
// A look-up whose try at one length fails is tried at the next; answers leave in order.
//
// A slot is given out with issue_i, while room_o; answer_i tells what its try found. again_o offers
// the next try of one slot, with its length, until again_taken_i: 3 clocks after the answer at
// best. An answer leaves 2 clocks after it came, if all before it have left; one each clock.
`default_nettype none

module map_lpm_ring #(
    parameter BITS    = 32,
    parameter SLOTS_W = 4,  // 2^SLOTS_W slots
    parameter TAG_W   = 1
) (
    input  wire               clk,
    input  wire               rst,

    output wire               room_o,
    output wire               empty_o,
    output wire [SLOTS_W-1:0] slot_o,       // the next one
    input  wire               issue_i,
    input  wire [TAG_W-1:0]   tag_i,
    input  wire [7:0]         map_i,
    input  wire [BITS-1:0]    data_i,
    input  wire [BITS:0]      rest_i,       // lengths to try after this one

    input  wire               answer_i,
    input  wire [SLOTS_W-1:0] answer_slot_i,
    input  wire [31:0]        status_i,
    input  wire [31:0]        addr_i,

    output wire               again_o,
    input  wire               again_taken_i,
    output wire [SLOTS_W-1:0] again_slot_o,
    output wire [7:0]         again_map_o,
    output wire [BITS-1:0]    again_data_o,
    output wire [8:0]         again_length_o,

    output wire               resp_valid_o,
    output wire [TAG_W-1:0]   resp_tag_o,
    output wire [31:0]        resp_status_o,
    output wire [31:0]        resp_addr_o
);
    localparam SLOTS  = 1 << SLOTS_W;
    localparam [31:0] ENOENT = 32'd2;
    localparam [1:0] ST_IDLE = 2'd0, ST_LOAD = 2'd1, ST_OFFER = 2'd2;

    reg [SLOTS_W:0]   head_q, tail_q;    // slots are in use from head to tail
    reg [SLOTS-1:0]   done_q, retry_q;   // has its answer; waits for its next try
    reg [TAG_W-1:0]   tag_ram [0:SLOTS-1];
    reg [7+BITS:0]    key_ram [0:SLOTS-1];
    reg [BITS:0]      rest_ram [0:SLOTS-1];
    reg [31:0]        status_ram [0:SLOTS-1];
    reg [31:0]        addr_ram [0:SLOTS-1];

    wire [SLOTS_W-1:0] head = head_q[SLOTS_W-1:0];
    wire [SLOTS_W-1:0] tail = tail_q[SLOTS_W-1:0];
    wire [SLOTS_W:0]   used = tail_q - head_q;
    reg  [SLOTS-1:0]   last_q;           // nothing is left to try
    assign room_o  = !used[SLOTS_W];
    assign empty_o = used == {(SLOTS_W + 1) {1'b0}};
    assign slot_o  = tail;

    // --- answers ---
    wire failed = answer_i && status_i == ENOENT && !last_q[answer_slot_i];
    wire leaves = !empty_o && done_q[head];

    // --- the next try of a slot: chosen, its lengths read, offered ---
    reg  [1:0]         state_q;
    reg  [SLOTS_W-1:0] slot_q, chosen;
    reg  [7:0]         map_q;
    reg  [BITS-1:0]    data_q;
    reg  [BITS:0]      rest_q;
    wire [BITS:0]      rest_next;
    wire               offer_taken = state_q == ST_OFFER && again_taken_i;
    integer            i;

    always @* begin
        chosen = {SLOTS_W{1'b0}};
        for (i = 0; i < SLOTS; i = i + 1)
            if (retry_q[i])
                chosen = i[SLOTS_W-1:0];
    end

    map_lpm_pick #(
        .BITS(BITS)
    ) u_pick (
        .may_i   (rest_q),
        .length_o(again_length_o),
        .rest_o  (rest_next)
    );

    always @(posedge clk) begin
        case (state_q)
            ST_IDLE: if (|retry_q) begin
                slot_q  <= chosen;
                state_q <= ST_LOAD;
            end
            ST_LOAD: begin
                {map_q, data_q} <= key_ram[slot_q];
                rest_q          <= rest_ram[slot_q];
                state_q         <= ST_OFFER;
            end
            default: if (again_taken_i)
                state_q <= ST_IDLE;
        endcase
        if (rst)
            state_q <= ST_IDLE;
    end

    // --- slots; a try and a first issue never come in one clock ---
    always @(posedge clk) begin
        if (issue_i) begin
            tag_ram[tail] <= tag_i;
            key_ram[tail] <= {map_i, data_i};
        end
        if (issue_i || offer_taken)
            rest_ram[offer_taken ? slot_q : tail] <= offer_taken ? rest_next : rest_i;
        if (answer_i) begin
            status_ram[answer_slot_i] <= status_i;
            addr_ram[answer_slot_i]   <= addr_i;
        end
    end

    always @(posedge clk) begin
        if (issue_i) begin
            tail_q       <= tail_q + {{SLOTS_W{1'b0}}, 1'b1};
            done_q[tail] <= 1'b0;
            last_q[tail] <= rest_i == {(BITS + 1) {1'b0}};
        end
        if (answer_i && !failed)
            done_q[answer_slot_i] <= 1'b1;
        if (failed)
            retry_q[answer_slot_i] <= 1'b1;
        if (offer_taken) begin
            retry_q[slot_q] <= 1'b0;
            last_q[slot_q]  <= rest_next == {(BITS + 1) {1'b0}};
        end
        if (leaves)
            head_q <= head_q + {{SLOTS_W{1'b0}}, 1'b1};
        if (rst) begin
            head_q  <= {(SLOTS_W + 1) {1'b0}};
            tail_q  <= {(SLOTS_W + 1) {1'b0}};
            done_q  <= {SLOTS{1'b0}};
            retry_q <= {SLOTS{1'b0}};
        end
    end

    reg             resp_valid_q;
    reg [TAG_W-1:0] resp_tag_q;
    reg [31:0]      resp_status_q, resp_addr_q;
    always @(posedge clk) begin
        resp_valid_q  <= leaves && !rst;
        resp_tag_q    <= tag_ram[head];
        resp_status_q <= status_ram[head];
        resp_addr_q   <= addr_ram[head];
    end

    assign again_o       = state_q == ST_OFFER;
    assign again_slot_o  = slot_q;
    assign again_map_o   = map_q;
    assign again_data_o  = data_q;
    assign resp_valid_o  = resp_valid_q;
    assign resp_tag_o    = resp_tag_q;
    assign resp_status_o = resp_status_q;
    assign resp_addr_o   = resp_addr_q;
endmodule

`default_nettype wire
