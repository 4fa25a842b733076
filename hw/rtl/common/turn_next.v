// SPDX-License-Identifier: BSD-3-Clause
// Whose turn is next: the first after the last one that asks, and after the highest number comes 0.
//
// Latency: none (combinational).
`default_nettype none
module turn_next #(
    parameter SOURCES = 2,  // at least 1
    parameter TURN_W = 1    // bits of a number, at least 1 and $clog2(SOURCES)
) (
    input  wire [SOURCES-1:0] ask_i,
    input  wire [TURN_W-1:0]  turn_i,       // who had the last turn
    output wire               found_o,
    output wire [TURN_W-1:0]  pick_o        // 0 if no one asks
);
    reg               found;
    reg  [TURN_W-1:0] pick;
    integer           i;

    generate
        if (SOURCES < 1 || TURN_W < 1 || (1 << TURN_W) < SOURCES) begin : g_illegal
            turn_next_illegal_parameter u_stop ();
        end
    endgenerate

    always @* begin
        pick = {TURN_W{1'b0}};
        found = 1'b0;
        for (i = 0; i < SOURCES; i = i + 1)
            if (!found && i > turn_i && ask_i[i]) begin
                pick = i[TURN_W-1:0];
                found = 1'b1;
            end
        for (i = 0; i < SOURCES; i = i + 1)
            if (!found && ask_i[i]) begin
                pick = i[TURN_W-1:0];
                found = 1'b1;
            end
    end

    assign found_o = found;
    assign pick_o = pick;
endmodule
`default_nettype wire
