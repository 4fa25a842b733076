// SPDX-License-Identifier: BSD-3-Clause
// Division and remainder, signed and unsigned, 64 or 32 bits (32-bit results are zero-extended),
// with the results of RFC 9669 4.1 for a divisor of zero and for the most negative number by -1.
//
// Latency: 66 clocks without stalls (1 for the operands, 64 quotient bits, 1 for the sign).
// Throughput: one a clock. Order: kept. Back-pressure: the whole unit stands while its last stage
// holds a result that is not taken.
`default_nettype none

module pipe_div #(
    parameter STATE_W = 8  // bits that travel with an operation, at least 1
) (
    input  wire               clk,
    input  wire               rst,

    input  wire               s_valid_i,
    output wire               s_ready_o,
    input  wire [63:0]        s_a_i,
    input  wire [63:0]        s_b_i,
    input  wire               s_w32_i,
    input  wire [1:0]         s_op_i,
    input  wire [STATE_W-1:0] s_state_i,

    output wire               m_valid_o,
    input  wire               m_ready_i,
    output wire [63:0]        m_y_o,
    output wire [STATE_W-1:0] m_state_o
);
    localparam STEPS  = 64;
    localparam SIDE_W = STATE_W + 4;  // state, take the remainder, negate, 32 bits, divisor is zero

    generate
        if (STATE_W < 1) begin : g_illegal
            pipe_div_illegal_parameter u_stop ();
        end
    endgenerate

    wire go;

    // Operands as magnitudes.
    wire        is_signed = s_op_i[0];
    wire        is_rem    = s_op_i[1];
    wire        a_sign    = is_signed && (s_w32_i ? s_a_i[31] : s_a_i[63]);
    wire        b_sign    = is_signed && (s_w32_i ? s_b_i[31] : s_b_i[63]);
    wire [63:0] a_ext     = s_w32_i ? {{32{a_sign}}, s_a_i[31:0]} : s_a_i;
    wire [63:0] b_ext     = s_w32_i ? {{32{b_sign}}, s_b_i[31:0]} : s_b_i;
    wire        negate    = is_rem ? a_sign : a_sign ^ b_sign;

    // Stage k of the restoring divider has k bits of the quotient in the low end of num, whose high
    // end holds the dividend's bits that are still to come. A divisor of zero leaves the dividend
    // as the remainder, as it should be; the quotient is then forced to zero.
    wire [64*(STEPS+1)-1:0] num;
    wire [64*(STEPS+1)-1:0] rem;
    wire [64*(STEPS+1)-1:0] den;
    reg [63:0] num0_q;
    reg [63:0] den0_q;

    assign num[63:0] = num0_q;
    assign rem[63:0] = 64'd0;
    assign den[63:0] = den0_q;

    always @(posedge clk) begin
        if (go) begin
            num0_q <= a_sign ? -a_ext : a_ext;
            den0_q <= b_sign ? -b_ext : b_ext;
        end
    end

    genvar g;
    generate
        for (g = 0; g < STEPS; g = g + 1) begin : g_step
            wire [63:0] num_in = num[64*g+:64];
            wire [63:0] den_in = den[64*g+:64];
            wire [64:0] shifted = {rem[64*g+:64], num_in[63]};
            wire [63:0] less    = shifted[63:0] - den_in;
            wire        fits    = shifted >= {1'b0, den_in};
            reg [63:0]  num_q;
            reg [63:0]  rem_q;
            reg [63:0]  den_q;

            always @(posedge clk) begin
                if (go) begin
                    num_q <= {num_in[62:0], fits};
                    rem_q <= fits ? less : shifted[63:0];
                    den_q <= den_in;
                end
            end
            assign num[64*(g+1)+:64] = num_q;
            assign rem[64*(g+1)+:64] = rem_q;
            assign den[64*(g+1)+:64] = den_q;
        end
    endgenerate

    // What the last stage needs beside the divider waits in a ring of RAM that turns once in STEPS
    // + 1 steps.
    reg [SIDE_W-1:0] ring [0:STEPS-1];
    reg [SIDE_W-1:0] side_q;
    reg [5:0]        at_q;
    reg [STEPS:0]    valid_q;

    always @(posedge clk) begin
        if (go) begin
            side_q <= ring[at_q];
            ring[at_q] <= {s_state_i, is_rem, negate, s_w32_i, b_ext == 64'd0};
        end
    end

    reg               m_valid_q;
    reg [63:0]        y_q;
    reg [STATE_W-1:0] state_q;
    wire [63:0] raw    = side_q[3] ? rem[64*STEPS+:64] : side_q[0] ? 64'd0 : num[64*STEPS+:64];
    wire [63:0] result = side_q[2] ? -raw : raw;

    assign go        = !m_valid_q || m_ready_i;
    assign s_ready_o = go;
    assign m_valid_o = m_valid_q;
    assign m_y_o     = y_q;
    assign m_state_o = state_q;

    always @(posedge clk) begin
        if (go) begin
            at_q      <= at_q + 6'd1;
            valid_q   <= {valid_q[STEPS-1:0], s_valid_i};
            m_valid_q <= valid_q[STEPS];
            y_q       <= side_q[1] ? {32'd0, result[31:0]} : result;
            state_q   <= side_q[SIDE_W-1:4];
        end
        if (rst) begin
            at_q      <= 6'd0;
            valid_q   <= {(STEPS + 1) {1'b0}};
            m_valid_q <= 1'b0;
        end
    end

    wire unused = &{1'b0, den[64*STEPS+:64]};
endmodule

`default_nettype wire
