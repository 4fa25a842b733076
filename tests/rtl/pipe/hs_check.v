// SPDX-License-Identifier: BSD-3-Clause
// Watches a valid/ready port in simulation: what is offered stays, unchanged, until it is taken.
`default_nettype none

module hs_check #(
    parameter WIDTH = 1  // bits of the payload
) (
    input wire             clk,
    input wire             rst,
    input wire             valid_i,
    input wire             ready_i,
    input wire [WIDTH-1:0] data_i
);
    reg             open_q;
    reg [WIDTH-1:0] data_q;

    always @(posedge clk) begin
        open_q <= valid_i && !ready_i && !rst;
        data_q <= data_i;
        if (open_q && !rst && !valid_i) begin
            $display("hs_check %m: valid fell before ready");
            $stop;
        end
        if (open_q && !rst && data_q != data_i) begin
            $display("hs_check %m: payload changed before ready");
            $stop;
        end
    end

    initial open_q = 1'b0;
endmodule

`default_nettype wire
