// SPDX-License-Identifier: BSD-3-Clause
// A valid/ready port keeps the rule of AXI-Stream: what is offered stays, unchanged, until it is taken. good_o is low where
// the port breaks it; ends with a reset.
`default_nettype none
module formal_offer #(
    parameter WIDTH = 1  // bits of the payload
) (
    input  wire             clk,
    input  wire             rst,
    input  wire             valid_i,
    input  wire             ready_i,
    input  wire [WIDTH-1:0] data_i,
    output wire             good_o
);
    reg             open_q;
    reg [WIDTH-1:0] data_q;

    initial open_q = 1'b0;
    always @(posedge clk) begin
        open_q <= valid_i && !ready_i && !rst;
        data_q <= data_i;
    end
    assign good_o = !open_q || rst || (valid_i && data_i == data_q);
endmodule
`default_nettype wire
