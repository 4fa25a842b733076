// SPDX-License-Identifier: BSD-3-Clause
// Where a part's clock may rest, for simulation's speed: with the macro SLUICE_CLOCK_GATES clk_o stands still while the part has nothing
// to do, so a simulator has none of it to evaluate. Without the macro clk_o is clk. Either way the same happens in the same clock.
//
// on_i: something comes to the part, or is inside, in this clock. It must be set whenever more than TAIL clocks after its last 1 a register
// would still change that anybody sees; what the part shows by then stays, so its pulses are over. No gates one behind the other.
`default_nettype none
module clock_gate #(
    parameter TAIL = 16,    // clocks that the part still has after the last one with on_i, 1 to 63
    parameter GATE = 1      // 0: never rests
) (
    input  wire clk,
    input  wire rst,
    input  wire on_i,
    output wire clk_o
);
    generate
        if (TAIL < 1 || TAIL > 63) begin : g_illegal
            clock_gate_illegal_parameter u_stop ();
        end
    endgenerate

`ifdef SLUICE_CLOCK_GATES
    localparam [5:0] CLOCKS = TAIL;
    reg  [5:0] left_q;
    reg        open_q;
    wire       on = on_i || rst || GATE == 0;

    always @(posedge clk) left_q <= on ? CLOCKS : left_q - {5'd0, left_q != 6'd0};

    // a latch: follows while the clock is low, and stays for the edge and the high half
    /* verilator lint_off LATCH */
    always @* if (!clk) open_q = on || left_q != 6'd0;
    /* verilator lint_on LATCH */

    assign clk_o = clk && open_q;
`else
    wire unused = &{1'b0, rst, on_i, GATE == 0};

    assign clk_o = clk;
`endif
endmodule
`default_nettype wire
