// SPDX-License-Identifier: BSD-3-Clause
// Divider of all contexts: quotient or remainder, signed or unsigned, 32 or 64 bits, results for a zero divisor and for
// overflow as in RFC 9669 (section 4.1). One at a time in order of issue, at most one a context waiting: 64 steps, or 32 if
// the dividend has 32 bits, and 3 clocks around them.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_div (
    input  wire        clk,
    input  wire        rst,
    // stage 4
    input  wire        en4_i,
    input  wire [2:0]  ctx4_i,
    input  wire [4:0]  op4_i,      // SPEC_ALU_UDIV, SDIV, UMOD or SMOD
    input  wire        w32_4_i,
    input  wire [63:0] a4_i,
    input  wire [63:0] b4_i,
    // results
    output wire        done_o,
    output wire [2:0]  done_ctx_o,
    input  wire [2:0]  ctx3_i,
    output wire [63:0] result3_o
);
    localparam [1:0] ST_IDLE = 2'd0, ST_RUN = 2'd1, ST_END = 2'd2;
    localparam ENTRY_W = 3 + 2 + 1 + 64 + 64;

    wire               signed4 = {2'd0, op4_i} == `SPEC_ALU_SDIV || {2'd0, op4_i} == `SPEC_ALU_SMOD;
    wire               rem4 = {2'd0, op4_i} == `SPEC_ALU_UMOD || {2'd0, op4_i} == `SPEC_ALU_SMOD;
    wire               head_valid;
    wire [ENTRY_W-1:0] head;
    reg  [1:0]         state_q;
    wire               pop = state_q == ST_IDLE && head_valid;

    fifo_small #(.WIDTH(ENTRY_W), .DEPTH(8)) u_queue (
        .clk(clk), .rst(rst), .push_i(en4_i),
        .data_i({ctx4_i, signed4, rem4, w32_4_i, a4_i, b4_i}),
        .valid_o(head_valid), .pop_i(pop), .data_o(head));

    // operands as magnitudes
    wire [2:0]  h_ctx = head[133:131];
    wire        h_signed = head[130];
    wire        h_rem = head[129];
    wire        h_w32 = head[128];
    wire        a_neg = h_signed && (h_w32 ? head[95] : head[127]);
    wire        b_neg = h_signed && (h_w32 ? head[31] : head[63]);
    wire [63:0] a_in = h_w32 ? {{32{a_neg}}, head[95:64]} : head[127:64];
    wire [63:0] b_in = h_w32 ? {{32{b_neg}}, head[31:0]} : head[63:0];
    wire [63:0] a_mag = a_neg ? 64'd0 - a_in : a_in;
    wire [63:0] b_mag = b_neg ? 64'd0 - b_in : b_in;
    wire        short = a_mag[63:32] == 32'd0;

    reg  [2:0]  ctx_q;
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

    reg  [63:0] result_q [0:7];
    reg         done_q;
    reg  [2:0]  done_ctx_q;

    always @(posedge clk) begin
        done_q <= 1'b0;
        case (state_q)
            ST_IDLE: begin
                if (head_valid) state_q <= ST_RUN;
                ctx_q      <= h_ctx;
                rem_q      <= h_rem;
                w32_q      <= h_w32;
                neg_q      <= h_rem ? a_neg : a_neg != b_neg;
                zero_q     <= b_mag == 64'd0;
                dividend_q <= short ? {a_mag[31:0], 32'd0} : a_mag;
                keep_q     <= a_mag;
                divisor_q  <= b_mag;
                part_q     <= 64'd0;
                left_q     <= short ? 6'd31 : 6'd63;
            end
            ST_RUN: begin
                part_q     <= fits ? diff : try[63:0];
                dividend_q <= {dividend_q[62:0], fits};
                left_q     <= left_q - 6'd1;
                if (left_q == 6'd0) state_q <= ST_END;
            end
            default: begin
                state_q    <= ST_IDLE;
                done_q     <= 1'b1;
                done_ctx_q <= ctx_q;
            end
        endcase
        if (rst) begin
            state_q <= ST_IDLE;
            done_q <= 1'b0;
        end
    end

    always @(posedge clk) begin
        if (state_q == ST_END) result_q[ctx_q] <= w32_q ? {32'd0, value[31:0]} : value;
    end

    assign done_o = done_q;
    assign done_ctx_o = done_ctx_q;
    assign result3_o = result_q[ctx3_i];
endmodule
`default_nettype wire
