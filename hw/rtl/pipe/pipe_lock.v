// SPDX-License-Identifier: BSD-3-Clause
// Start of a stretch in which packets of one key must follow each other: a packet whose key equals
// that of an earlier one that took the lock waits until that one is released at the stretch's end.
//
// Latency: none (combinational pass-through). Throughput: a packet a clock for keys that differ;
// for one key over and over one packet in (clocks from the pass to the release) + 1. Order: packets
// leave as they came. Back-pressure: a waiting packet, or DEPTH packets inside, hold the input; a
// release counts from the next clock on.
`default_nettype none

module pipe_lock #(
    parameter STATE_W = 8,  // bits that travel with a packet, at least 1
    parameter KEY_W   = 8,  // bits of the key, at least 1
    parameter DEPTH   = 8   // packets that may be inside, at least 1
) (
    input  wire               clk,
    input  wire               rst,

    input  wire               s_valid_i,
    output wire               s_ready_o,
    input  wire [STATE_W-1:0] s_state_i,
    input  wire               s_take_i,
    input  wire [KEY_W-1:0]   s_key_i,

    output wire               m_valid_o,
    input  wire               m_ready_i,
    output wire [STATE_W-1:0] m_state_o,

    input  wire               release_i,
    output wire               stall_o
);
    localparam AW = DEPTH < 2 ? 1 : $clog2(DEPTH);
    localparam [AW-1:0] LAST = DEPTH[AW-1:0] - 1'b1;

    generate
        if (STATE_W < 1 || KEY_W < 1 || DEPTH < 1) begin : g_illegal
            pipe_lock_illegal_parameter u_stop ();
        end
    endgenerate

    // A ring of the packets inside: slot i is that of a packet if inside_q[i], and bars keys equal
    // to keys_q's if taken_q[i]. tail_q is the oldest, head_q the next free.
    reg [DEPTH-1:0]       inside_q;
    reg [DEPTH-1:0]       taken_q;
    reg [DEPTH*KEY_W-1:0] keys_q;
    reg [AW-1:0]          head_q;
    reg [AW-1:0]          tail_q;

    wire [DEPTH-1:0] match;
    genvar g;
    generate
        for (g = 0; g < DEPTH; g = g + 1) begin : g_match
            assign match[g] = taken_q[g] && keys_q[g*KEY_W+:KEY_W] == s_key_i;
        end
    endgenerate

    wire full   = &inside_q;
    wire bar    = full || (s_take_i && |match);
    wire enter  = m_valid_o && m_ready_i;

    assign m_valid_o = s_valid_i && !bar;
    assign s_ready_o = m_ready_i && !bar;
    assign m_state_o = s_state_i;
    assign stall_o   = s_valid_i && bar;

    integer i;
    always @(posedge clk) begin
        for (i = 0; i < DEPTH; i = i + 1) begin
            if (enter && head_q == i[AW-1:0]) begin
                inside_q[i]              <= 1'b1;
                taken_q[i]               <= s_take_i;
                keys_q[i*KEY_W+:KEY_W] <= s_key_i;
            end else if (release_i && tail_q == i[AW-1:0]) begin
                inside_q[i] <= 1'b0;
                taken_q[i]  <= 1'b0;
            end
        end
        if (enter)
            head_q <= head_q == LAST ? {AW{1'b0}} : head_q + 1'b1;
        if (release_i)
            tail_q <= tail_q == LAST ? {AW{1'b0}} : tail_q + 1'b1;
        if (rst) begin
            inside_q <= {DEPTH{1'b0}};
            taken_q  <= {DEPTH{1'b0}};
            head_q   <= {AW{1'b0}};
            tail_q   <= {AW{1'b0}};
        end
    end
endmodule

`default_nettype wire
