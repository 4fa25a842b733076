// SPDX-License-Identifier: BSD-3-Clause
// One divider: quotient or remainder of a by b, signed or unsigned, 32 or 64 bits, results for a zero divisor and for overflow
// as in RFC 9669 (section 4.1). One bit a clock: as many clocks as the dividend's magnitude has bits, rounded up
// to a multiple of 8, and 2 more. The result is held until it is taken.
`default_nettype none
module core_div_unit (
    input  wire        clk,
    input  wire        rst,
    input  wire        start_i,     // only while ready_o
    output wire        ready_o,
    input  wire        signed_i,
    input  wire        rem_i,       // remainder, not quotient
    input  wire        w32_i,
    input  wire [63:0] a_i,
    input  wire [63:0] b_i,
    output wire        done_o,
    input  wire        take_i,
    output wire [63:0] y_o
);
    localparam [1:0] ST_IDLE = 2'd0, ST_RUN = 2'd1, ST_END = 2'd2;

    // operands as magnitudes
    wire        a_neg = signed_i && (w32_i ? a_i[31] : a_i[63]);
    wire        b_neg = signed_i && (w32_i ? b_i[31] : b_i[63]);
    wire [63:0] a_in = w32_i ? {{32{a_neg}}, a_i[31:0]} : a_i;
    wire [63:0] b_in = w32_i ? {{32{b_neg}}, b_i[31:0]} : b_i;
    wire [63:0] a_mag = a_neg ? 64'd0 - a_in : a_in;
    wire [63:0] b_mag = b_neg ? 64'd0 - b_in : b_in;

    // leading zero bytes of the dividend are left out
    reg  [2:0]  bytes;              // bytes of the dividend, less one
    integer     i;

    always @* begin
        bytes = 3'd0;
        for (i = 1; i < 8; i = i + 1) begin
            if (a_mag[8*i +: 8] != 8'd0) bytes = i[2:0];
        end
    end

    reg  [1:0]  state_q;
    reg         rem_q;
    reg         w32_q;
    reg         neg_q;       // the result is negative
    reg         zero_q;      // division by zero: quotient 0, remainder the dividend
    reg  [63:0] dividend_q;  // shifted out at the top; the quotient comes in at the bottom
    reg  [63:0] keep_q;      // the dividend's magnitude
    reg  [63:0] divisor_q;
    reg  [63:0] part_q;
    reg  [5:0]  left_q;
    wire [64:0] try = {part_q, dividend_q[63]};
    wire [63:0] diff = try[63:0] - divisor_q;   // used where it fits
    wire        fits = try >= {1'b0, divisor_q};
    wire [63:0] mag = zero_q ? (rem_q ? keep_q : 64'd0) : rem_q ? part_q : dividend_q;
    wire [63:0] value = neg_q ? 64'd0 - mag : mag;

    always @(posedge clk) begin
        case (state_q)
            ST_IDLE: if (start_i) begin
                state_q    <= ST_RUN;
                rem_q      <= rem_i;
                w32_q      <= w32_i;
                neg_q      <= rem_i ? a_neg : a_neg != b_neg;
                zero_q     <= b_mag == 64'd0;
                dividend_q <= a_mag << {~bytes, 3'd0};
                keep_q     <= a_mag;
                divisor_q  <= b_mag;
                part_q     <= 64'd0;
                left_q     <= {bytes, 3'd7};
            end
            ST_RUN: begin
                part_q     <= fits ? diff : try[63:0];
                dividend_q <= {dividend_q[62:0], fits};
                left_q     <= left_q - 6'd1;
                if (left_q == 6'd0) state_q <= ST_END;
            end
            default: if (take_i) state_q <= ST_IDLE;
        endcase
        if (rst) state_q <= ST_IDLE;
    end

    assign ready_o = state_q == ST_IDLE;
    assign done_o = state_q == ST_END;
    assign y_o = w32_q ? {32'd0, value[31:0]} : value;
endmodule
`default_nettype wire
