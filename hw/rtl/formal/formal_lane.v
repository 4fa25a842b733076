// SPDX-License-Identifier: BSD-3-Clause
// What a lane must do with any slot, said once more from the table of the microcode (hw/spec/microcode.toml): which
// operands it takes, the address, the value for a store, the result, the predicate and the branch. To be proved with
// its registers transparent, so that all stages are of one slot. bad_o is high where it differs.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module formal_lane (
    input  wire         clk,
    input  wire         issue_i,
    input  wire [`UCODE_SLOT_BITS-1:0] slot_i,
    input  wire [63:0]  a_i,
    input  wire [63:0]  b_i,
    input  wire [7:0]   pred_i,
    input  wire [`SPEC_IN_TUSER_BITS-1:0] meta_i,
    input  wire [63:0]  res_i,
    output wire         bad_o
);
`include "hw/spec/gen/spec_alu.vh"
    wire        en3, en4, w32, write, pred_we, pred_value, taken, leave;
    wire [6:0]  op3, op4;
    wire [31:0] imm3, imm4, operand;
    wire [63:0] a3, b3, b4, addr, result;
    wire [5:0]  dst;
    wire [3:0]  size4;
    wire [2:0]  pred_num;
    wire [11:0] target;

    core_lane u_lane (
        .clk(clk), .rst(1'b0), .issue2_i(issue_i), .slot2_i(slot_i), .a2_i(a_i), .b2_i(b_i),
        .pred2_i(pred_i), .meta3_i(meta_i), .res3_i(res_i), .en3_o(en3), .op3_o(op3),
        .imm3_o(imm3), .a3_o(a3), .b3_o(b3), .w32_3_o(w32), .en4_o(en4), .op4_o(op4),
        .dst4_o(dst), .size4_o(size4), .imm4_o(imm4), .b4_o(b4), .addr4_o(addr), .write4_o(write),
        .result5_o(result), .pred_we5_o(pred_we), .pred_num5_o(pred_num), .pred5_o(pred_value),
        .taken5_o(taken), .target5_o(target), .exit5_o(leave), .operand5_o(operand));

    wire [6:0]  op = slot_i[`UCODE_F_OP_LSB +: `UCODE_F_OP_BITS];
    wire        narrow = slot_i[`UCODE_F_W32_LSB];
    wire [31:0] imm = slot_i[`UCODE_F_IMM_LSB +: `UCODE_F_IMM_BITS];
    wire [3:0]  size = slot_i[`UCODE_F_SIZE_LSB +: `UCODE_F_SIZE_BITS];
    wire [5:0]  to = slot_i[`UCODE_F_DST_LSB +: `UCODE_F_DST_BITS];
    wire        on = pred_i[slot_i[`UCODE_F_PRED_LSB +: `UCODE_F_PRED_BITS]]
                     != slot_i[`UCODE_F_PNEG_LSB];
    wire [63:0] b = slot_i[`UCODE_F_BIMM_LSB] ? {{32{imm[31]}}, imm} : b_i;
    wire [63:0] y = narrow ? {32'd0, spec_alu32(op, a_i[31:0], b[31:0])} : spec_alu64(op, a_i, b);
    wire        is_cmp = op >= `SPEC_ALU_EQ && op <= `SPEC_ALU_SET;
    wire        is_alu = op >= `SPEC_ALU_ADD && op <= `SPEC_ALU_BSWAP64;
    wire        is_long = op >= `SPEC_ALU_MUL && op <= `SPEC_ALU_SMOD;   // other units do these
    wire        is_load = op == `UCODE_LDPKT || op == `UCODE_LDPKTBE || op == `UCODE_LDSTK
                          || op == `UCODE_LDMAP || op == `UCODE_ATMAP;
    reg  [63:0] want;         // result
    reg         has_result;
    reg  [63:0] stored;
    integer     i;

    always @* begin
        want = y;
        has_result = (is_alu && !is_long) || is_cmp;
        case (op)
            `UCODE_SEL: {has_result, want} = {1'b1, on ? a_i : b};
            `UCODE_MOVHI: {has_result, want} = {1'b1, imm, a_i[31:0]};
            `UCODE_RES: {has_result, want} = {1'b1, res_i};
            `UCODE_IN: begin
                has_result = 1'b1;
                case (imm)
                    32'd0: want = meta_i[`SPEC_IN_TIME_LSB +: `SPEC_IN_TIME_BITS];
                    32'd1: want = {32'd0, meta_i[`SPEC_IN_RAND_LSB +: `SPEC_IN_RAND_BITS]};
                    32'd2: want = {32'd0, meta_i[`SPEC_IN_IFINDEX_LSB +: `SPEC_IN_IFINDEX_BITS]};
                    32'd3: want = {48'd0, meta_i[`SPEC_IN_QUEUE_LSB +: `SPEC_IN_QUEUE_BITS]};
                    32'd4: want = {48'd0, meta_i[`SPEC_IN_LEN_LSB +: `SPEC_IN_LEN_BITS]};
                    32'd5: want = {32'd0, meta_i[`SPEC_IN_EGRESS_LSB +: `SPEC_IN_EGRESS_BITS]};
                    default: has_result = 1'b0;
                endcase
            end
            default: ;
        endcase
        stored = b;
        if (op == `UCODE_STPKTBE) begin
            stored = 64'd0;
            for (i = 0; i < 8; i = i + 1)
                if (i < size) stored[8*i +: 8] = b[8*(size - 1 - i) +: 8];
        end
    end

    wire fits = size >= 4'd1 && size <= 4'd8;
    wire writes = to != 6'd0 && issue_i && (op == `UCODE_SEL || (on && (is_alu || is_load
                  || op == `UCODE_MOVHI || op == `UCODE_RES || op == `UCODE_IN)));
    wire [63:0] moved = op == `UCODE_ATMAP ? {{48{imm[15]}}, imm[15:0]} : {{32{imm[31]}}, imm};
    wire jumps = issue_i && on && (op == `UCODE_JMP
                 || (is_cmp && slot_i[`UCODE_F_BR_LSB] && y[0]));

    wire [10:0] wrong = {
        has_result && result != want,
        addr != a_i + moved,
        fits && b4 != stored,
        write != writes,
        {en3, en4} != {2{issue_i && on}},
        {op3, op4, imm3, imm4, w32, dst, size4} != {op, op, imm, imm, narrow, to, size},
        {a3, b3} != {a_i, b},
        pred_we != (issue_i && on && is_cmp) || (is_cmp && {pred_num, pred_value} != {to[2:0], y[0]}),
        taken != jumps,
        target != slot_i[`UCODE_F_TGT_LSB +: `UCODE_F_TGT_BITS],
        leave != (issue_i && on && op == `UCODE_EXIT) || (leave && operand != b[31:0])};

    assign bad_o = |wrong;
endmodule
`default_nettype wire
