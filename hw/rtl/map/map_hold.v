// SPDX-License-Identifier: BSD-3-Clause
// Port B's patience at a value memory: hold_o keeps port A out for a clock once port B has waited
// B_WAIT clocks. B_WAIT = 0: port B waits for as long as it takes, and there is no hardware.
// Latency: 1 clock.
`default_nettype none

module map_hold #(
    parameter B_WAIT = 0  // clocks, up to 65,535
) (
    input  wire clk,
    input  wire rst,
    input  wire waiting_i,  // port B has a request that is not taken
    output wire hold_o
);
    generate
        if (B_WAIT > 0) begin : g_hold
            reg [15:0] waited_q;
            reg        hold_q;
            always @(posedge clk) begin
                waited_q <= waiting_i ? waited_q + 16'd1 : 16'd0;
                hold_q   <= waiting_i && waited_q >= B_WAIT[15:0] - 16'd1;
                if (rst) begin
                    waited_q <= 16'd0;
                    hold_q   <= 1'b0;
                end
            end
            assign hold_o = hold_q;
        end else begin : g_no_hold
            wire unused = &{1'b0, clk, rst, waiting_i};
            assign hold_o = 1'b0;
        end
    endgenerate
endmodule

`default_nettype wire
