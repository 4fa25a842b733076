// SPDX-License-Identifier: BSD-3-Clause
// The lane's ALU: every operation of hw/spec/alu.toml but multiplication and division; compares give 0 or 1, 32-bit
// operations zero-extend. Operands at stage 3, result at stage 5, one a clock. One adder serves sums and compares, one
// shifter all shifts; hw/rtl/formal/formal_lane_alu.v is proven: the result is that of the
// spec_alu functions.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_lane_alu #(
    parameter REGISTERS = 1       // 1: as described; 0: combinational, for the proof
) (
    input  wire        clk,
    input  wire [6:0]  op3_i,
    input  wire        w32_3_i,
    input  wire [63:0] a3_i,
    input  wire [63:0] b3_i,
    input  wire        other3_i,       // the result is other3_value_i, whatever op says
    input  wire [63:0] other3_value_i,
    output wire [63:0] y5_o
);
    localparam [1:0] SORT_MOVE = 2'd0, SORT_SUM = 2'd1, SORT_SHIFT = 2'd2, SORT_COMPARE = 2'd3;

    wire is_cmp3 = op3_i >= `SPEC_ALU_EQ && op3_i <= `SPEC_ALU_SET;
    wire is_sum3 = op3_i == `SPEC_ALU_ADD || op3_i == `SPEC_ALU_SUB;
    wire is_shift3 = op3_i == `SPEC_ALU_SHL || op3_i == `SPEC_ALU_LSHR || op3_i == `SPEC_ALU_ASHR;
    wire is_signed3 = op3_i == `SPEC_ALU_SGT || op3_i == `SPEC_ALU_SGE || op3_i == `SPEC_ALU_SLT ||
                      op3_i == `SPEC_ALU_SLE || op3_i == `SPEC_ALU_ASHR;
    wire [1:0] sort3 = other3_i ? SORT_MOVE : is_cmp3 ? SORT_COMPARE : is_sum3 ? SORT_SUM :
                       is_shift3 ? SORT_SHIFT : SORT_MOVE;

    // operands of a 32-bit operation, extended as it wants them
    wire [63:0] a3 = {w32_3_i ? {32{is_signed3 && a3_i[31]}} : a3_i[63:32], a3_i[31:0]};
    wire [63:0] b3 = {w32_3_i ? {32{is_signed3 && b3_i[31]}} : b3_i[63:32], b3_i[31:0]};

    // a + b, or a - b with the carry set if a >= b
    wire        minus3 = op3_i != `SPEC_ALU_ADD;
    wire [64:0] sum3 = {1'b0, a3} + {1'b0, b3 ^ {64{minus3}}} + {64'd0, minus3};

    // shifts: to the right, a left one with its bits in reverse; 32, 16, 8 here, the rest a stage later
    wire        left3 = op3_i == `SPEC_ALU_SHL;
    wire [5:0]  amount3 = {b3_i[5] && !w32_3_i, b3_i[4:0]};
    wire        fill3 = op3_i == `SPEC_ALU_ASHR && a3[63];
    wire [63:0] from3;
    wire [63:0] coarse3 = amount3[5] ? {{32{fill3}}, from3[63:32]} : from3;
    wire [63:0] middle3 = amount3[4] ? {{16{fill3}}, coarse3[63:16]} : coarse3;
    wire [63:0] shift3 = amount3[3] ? {{8{fill3}}, middle3[63:8]} : middle3;

    // moves and logic
    reg  [63:0] move3;

    always @* begin
        case (op3_i)
            `SPEC_ALU_AND, `SPEC_ALU_SET: move3 = a3 & b3;
            `SPEC_ALU_OR: move3 = a3 | b3;
            `SPEC_ALU_XOR: move3 = a3 ^ b3;
            `SPEC_ALU_MOV: move3 = a3;
            `SPEC_ALU_SEXT8: move3 = {{56{a3_i[7]}}, a3_i[7:0]};
            `SPEC_ALU_SEXT16: move3 = {{48{a3_i[15]}}, a3_i[15:0]};
            `SPEC_ALU_SEXT32: move3 = w32_3_i ? 64'd0 : {{32{a3_i[31]}}, a3_i[31:0]};
            `SPEC_ALU_BSWAP16: move3 = w32_3_i ? 64'd0 : {48'd0, a3_i[7:0], a3_i[15:8]};
            `SPEC_ALU_BSWAP32:
                move3 = w32_3_i ? 64'd0 : {32'd0, a3_i[7:0], a3_i[15:8], a3_i[23:16], a3_i[31:24]};
            `SPEC_ALU_BSWAP64:
                move3 = w32_3_i ? 64'd0 : {a3_i[7:0], a3_i[15:8], a3_i[23:16], a3_i[31:24],
                                           a3_i[39:32], a3_i[47:40], a3_i[55:48], a3_i[63:56]};
            default: move3 = 64'd0;
        endcase
        if (other3_i) move3 = other3_value_i;
    end

    // --- stage 4
    wire [1:0]  sort4;
    wire [6:0]  op4;
    wire        narrow4;      // the upper half of the result is zero
    wire        signs4;       // the operands' signs differ
    wire        left4;
    wire        fill4;
    wire [2:0]  amount4;
    wire [64:0] sum4;
    wire [63:0] shift4;
    wire [63:0] move4;
    wire        narrow3 = w32_3_i && !other3_i;

    wire [63:0] fine4 = amount4[2] ? {{4{fill4}}, shift4[63:4]} : shift4;
    wire [63:0] finer4 = amount4[1] ? {{2{fill4}}, fine4[63:2]} : fine4;
    wire [63:0] finest4 = amount4[0] ? {fill4, finer4[63:1]} : finer4;
    wire [63:0] turned4;
    wire        equal4 = sum4[63:0] == 64'd0;
    wire        below4 = !sum4[64];                        // unsigned
    wire        less4 = signs4 ? !below4 : below4;         // signed: differing signs turn it round
    reg         true4;
    reg  [63:0] y4;

    always @* begin
        case (op4)
            `SPEC_ALU_EQ: true4 = equal4;
            `SPEC_ALU_NE: true4 = !equal4;
            `SPEC_ALU_UGT: true4 = !below4 && !equal4;
            `SPEC_ALU_UGE: true4 = !below4;
            `SPEC_ALU_ULT: true4 = below4;
            `SPEC_ALU_ULE: true4 = below4 || equal4;
            `SPEC_ALU_SGT: true4 = !less4 && !equal4;
            `SPEC_ALU_SGE: true4 = !less4;
            `SPEC_ALU_SLT: true4 = less4;
            `SPEC_ALU_SLE: true4 = less4 || equal4;
            default: true4 = |move4;
        endcase
        case (sort4)
            SORT_SUM: y4 = sum4[63:0];
            SORT_SHIFT: y4 = left4 ? turned4 : finest4;
            SORT_COMPARE: y4 = {63'd0, true4};
            default: y4 = move4;
        endcase
        if (narrow4) y4[63:32] = 32'd0;
    end

    genvar i;
    generate
        for (i = 0; i < 64; i = i + 1) begin : g_bit
            assign from3[i] = left3 ? a3[63-i] : a3[i];
            assign turned4[i] = finest4[63-i];
        end

        if (REGISTERS != 0) begin : g_registers
            reg  [1:0]  sort4_q;
            reg  [6:0]  op4_q;
            reg         narrow4_q;
            reg         signs4_q;
            reg         left4_q;
            reg         fill4_q;
            reg  [2:0]  amount4_q;
            reg  [64:0] sum4_q;
            reg  [63:0] shift4_q;
            reg  [63:0] move4_q;
            reg  [63:0] y5_q;

            always @(posedge clk) begin
                sort4_q   <= sort3;
                op4_q     <= op3_i;
                narrow4_q <= narrow3;
                signs4_q  <= a3[63] != b3[63];
                left4_q   <= left3;
                fill4_q   <= fill3;
                amount4_q <= amount3[2:0];
                if (sort3 == SORT_SUM || sort3 == SORT_COMPARE) sum4_q <= sum3;
                if (sort3 == SORT_SHIFT) shift4_q <= shift3;
                if (sort3 == SORT_MOVE || sort3 == SORT_COMPARE) move4_q <= move3;
                y5_q      <= y4;
            end

            assign {sort4, op4, narrow4, signs4} = {sort4_q, op4_q, narrow4_q, signs4_q};
            assign {left4, fill4, amount4} = {left4_q, fill4_q, amount4_q};
            assign {sum4, shift4, move4} = {sum4_q, shift4_q, move4_q};
            assign y5_o = y5_q;
        end else begin : g_wires
            wire unused = &{1'b0, clk};

            assign {sort4, op4, narrow4, signs4} = {sort3, op3_i, narrow3, a3[63] != b3[63]};
            assign {left4, fill4, amount4} = {left3, fill3, amount3[2:0]};
            assign {sum4, shift4, move4} = {sum3, shift3, move3};
            assign y5_o = y4;
        end
    endgenerate
endmodule
`default_nettype wire
