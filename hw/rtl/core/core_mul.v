// SPDX-License-Identifier: BSD-3-Clause
// Low 64 bits of a product (32-bit: low 32, zero-extended). Operands at stage 3, product at stage 6; one a clock.
`default_nettype none
module core_mul (
    input  wire        clk,
    input  wire        w32_3_i,
    input  wire [63:0] a3_i,
    input  wire [63:0] b3_i,
    output wire [63:0] y6_o
);
    reg [63:0] low4_q;
    reg [31:0] mid4_q;
    reg [31:0] cross4_q;
    reg        w32_4_q;
    reg [63:0] low5_q;
    reg [31:0] high5_q;
    reg        w32_5_q;
    reg [63:0] y6_q;

    always @(posedge clk) begin
        low4_q   <= {32'd0, a3_i[31:0]} * {32'd0, b3_i[31:0]};
        mid4_q   <= a3_i[31:0] * b3_i[63:32];
        cross4_q <= a3_i[63:32] * b3_i[31:0];
        w32_4_q  <= w32_3_i;
        low5_q   <= low4_q;
        high5_q  <= mid4_q + cross4_q;
        w32_5_q  <= w32_4_q;
        y6_q     <= {w32_5_q ? 32'd0 : low5_q[63:32] + high5_q, low5_q[31:0]};
    end

    assign y6_o = y6_q;
endmodule
`default_nettype wire
