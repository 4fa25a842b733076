// SPDX-License-Identifier: BSD-3-Clause
// 64-bit multiplication (low half of the product), or 32-bit with a zero-extended result.
//
// Latency: 4 clocks without stalls. Throughput: one a clock. Order: kept. Back-pressure: the whole
// unit stands while its last stage holds a result that is not taken.
`default_nettype none

module pipe_mul #(
    parameter STATE_W = 8  // bits that travel with an operation, at least 1
) (
    input  wire               clk,
    input  wire               rst,

    input  wire               s_valid_i,
    output wire               s_ready_o,
    input  wire [63:0]        s_a_i,
    input  wire [63:0]        s_b_i,
    input  wire               s_w32_i,
    input  wire [STATE_W-1:0] s_state_i,

    output wire               m_valid_o,
    input  wire               m_ready_i,
    output wire [63:0]        m_y_o,
    output wire [STATE_W-1:0] m_state_o
);
    generate
        if (STATE_W < 1) begin : g_illegal
            pipe_mul_illegal_parameter u_stop ();
        end
    endgenerate

    // Stage 1: operands. 2: partial products. 3: sum of the cross products. 4: result.
    reg [3:0]         valid_q;
    reg [STATE_W-1:0] state1_q, state2_q, state3_q, state4_q;
    reg [63:0]        a_q, b_q;
    reg               w32_q, w32_2_q, w32_3_q;
    reg [63:0]        low2_q, low3_q;
    reg [31:0]        cross_a_q, cross_b_q, cross_q;
    reg [63:0]        y_q;

    wire go = !valid_q[3] || m_ready_i;

    assign s_ready_o = go;
    assign m_valid_o = valid_q[3];
    assign m_y_o     = y_q;
    assign m_state_o = state4_q;

    always @(posedge clk) begin
        if (go) begin
            a_q       <= s_a_i;
            b_q       <= s_b_i;
            w32_q     <= s_w32_i;
            state1_q  <= s_state_i;
            low2_q    <= {32'd0, a_q[31:0]} * {32'd0, b_q[31:0]};
            cross_a_q <= a_q[63:32] * b_q[31:0];
            cross_b_q <= a_q[31:0] * b_q[63:32];
            w32_2_q   <= w32_q;
            state2_q  <= state1_q;
            low3_q    <= low2_q;
            cross_q   <= cross_a_q + cross_b_q;
            w32_3_q   <= w32_2_q;
            state3_q  <= state2_q;
            y_q       <= {w32_3_q ? 32'd0 : low3_q[63:32] + cross_q, low3_q[31:0]};
            state4_q  <= state3_q;
            valid_q   <= {valid_q[2:0], s_valid_i};
        end
        if (rst)
            valid_q <= 4'd0;
    end
endmodule

`default_nettype wire
