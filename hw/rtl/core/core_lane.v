// SPDX-License-Identifier: BSD-3-Clause
// One lane from stage 2 (slot and register values) to its operands and memory address at stage 4 and its result and
// branch decision at stage 5: operand selection and predicate test at stage 2, address adder at stage 3, ALU at 3
// and 4. One slot a clock, nothing stalls.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_lane (
    input  wire         clk,
    input  wire         rst,
    // stage 2
    input  wire         issue2_i,
    input  wire [`UCODE_SLOT_BITS-1:0] slot2_i,
    input  wire [63:0]  a2_i,
    input  wire [63:0]  b2_i,
    input  wire [7:0]   pred2_i,
    // stage 3
    input  wire [`SPEC_IN_TUSER_BITS-1:0] meta3_i,   // input words of the context's packet
    input  wire [63:0]  res3_i,                      // result of the context's long operation
    output wire         en3_o,
    output wire [6:0]   op3_o,
    output wire [31:0]  imm3_o,
    output wire [63:0]  a3_o,
    output wire [63:0]  b3_o,
    output wire         w32_3_o,
    // stage 4
    output wire         en4_o,
    output wire [6:0]   op4_o,
    output wire [5:0]   dst4_o,
    output wire [3:0]   size4_o,
    output wire [31:0]  imm4_o,
    output wire [63:0]  b4_o,          // second operand; byte-swapped for a big-endian store
    output wire [63:0]  addr4_o,       // a + imm (imm[15:0] for an atomic)
    output wire         write4_o,      // the slot writes its register
    // stage 5
    output wire [63:0]  result5_o,
    output wire         pred_we5_o,    // the slot writes its predicate pred_num5_o
    output wire [2:0]   pred_num5_o,
    output wire         pred5_o,
    output wire         taken5_o,
    output wire [11:0]  target5_o,
    output wire         exit5_o,
    output wire [31:0]  operand5_o     // low half of the second operand: the return value
);
    wire [6:0]  op2   = slot2_i[`UCODE_F_OP_LSB +: `UCODE_F_OP_BITS];
    wire [2:0]  pnum2 = slot2_i[`UCODE_F_PRED_LSB +: `UCODE_F_PRED_BITS];
    wire        pneg2 = slot2_i[`UCODE_F_PNEG_LSB];
    wire [31:0] imm2  = slot2_i[`UCODE_F_IMM_LSB +: `UCODE_F_IMM_BITS];
    wire        bimm2 = slot2_i[`UCODE_F_BIMM_LSB];
    wire        ptrue2 = pred2_i[pnum2] != pneg2;
    wire        unused = &{1'b0, slot2_i[`UCODE_F_A_LSB +: 12]};   // register numbers: read in core_top

    // --- stage 3
    reg  [6:0]  op3_q;
    reg         w32_3_q;
    reg  [5:0]  dst3_q;
    reg  [3:0]  size3_q;
    reg         br3_q;
    reg  [11:0] tgt3_q;
    reg  [31:0] imm3_q;
    reg         issue3_q;
    reg         ptrue3_q;
    reg  [63:0] a3_q;
    reg  [63:0] b3_q;

    always @(posedge clk) begin
        op3_q    <= op2;
        w32_3_q  <= slot2_i[`UCODE_F_W32_LSB];
        dst3_q   <= slot2_i[`UCODE_F_DST_LSB +: `UCODE_F_DST_BITS];
        size3_q  <= slot2_i[`UCODE_F_SIZE_LSB +: `UCODE_F_SIZE_BITS];
        br3_q    <= slot2_i[`UCODE_F_BR_LSB];
        tgt3_q   <= slot2_i[`UCODE_F_TGT_LSB +: `UCODE_F_TGT_BITS];
        imm3_q   <= imm2;
        ptrue3_q <= ptrue2;
        a3_q     <= a2_i;
        b3_q     <= bimm2 ? {{32{imm2[31]}}, imm2} : b2_i;
        issue3_q <= issue2_i;
        if (rst) issue3_q <= 1'b0;
    end

    wire        is_alu3 = op3_q >= `SPEC_ALU_ADD && op3_q <= `SPEC_ALU_BSWAP64;
    wire        is_cmp3 = op3_q >= `SPEC_ALU_EQ && op3_q <= `SPEC_ALU_SET;
    wire        en3 = issue3_q && ptrue3_q;
    reg         other3;          // the result is not the ALU's
    reg  [63:0] result3;
    reg         write3;
    wire [63:0] swap3 = {b3_q[7:0], b3_q[15:8], b3_q[23:16], b3_q[31:24],
                         b3_q[39:32], b3_q[47:40], b3_q[55:48], b3_q[63:56]};
    // low size bytes, exchanged end for end (size 8 shifts by nothing)
    wire [2:0]  pad3 = 3'd0 - size3_q[2:0];
    wire [63:0] store3 = op3_q == `UCODE_STPKTBE ? swap3 >> {pad3, 3'd0} : b3_q;
    wire [63:0] disp3 = op3_q == `UCODE_ATMAP ? {{48{imm3_q[15]}}, imm3_q[15:0]}
                                              : {{32{imm3_q[31]}}, imm3_q};

    core_lane_alu u_alu (
        .clk(clk), .op3_i(op3_q), .w32_3_i(w32_3_q), .a3_i(a3_q), .b3_i(b3_q), .other3_i(other3),
        .other3_value_i(result3), .y5_o(result5_o));

    always @* begin
        other3 = 1'b1;
        result3 = 64'd0;
        write3 = en3;
        case (op3_q)
            `UCODE_SEL: begin
                result3 = ptrue3_q ? a3_q : b3_q;
                write3 = issue3_q;
            end
            `UCODE_MOVHI: result3 = {imm3_q, a3_q[31:0]};
            `UCODE_RES: result3 = res3_i;
            `UCODE_IN: begin
                case (imm3_q[2:0])
                    3'd0: result3 = meta3_i[`SPEC_IN_TIME_LSB +: `SPEC_IN_TIME_BITS];
                    3'd1: result3 = {32'd0, meta3_i[`SPEC_IN_RAND_LSB +: `SPEC_IN_RAND_BITS]};
                    3'd2: result3 = {32'd0, meta3_i[`SPEC_IN_IFINDEX_LSB +: `SPEC_IN_IFINDEX_BITS]};
                    3'd3: result3 = {48'd0, meta3_i[`SPEC_IN_QUEUE_LSB +: `SPEC_IN_QUEUE_BITS]};
                    3'd4: result3 = {48'd0, meta3_i[`SPEC_IN_LEN_LSB +: `SPEC_IN_LEN_BITS]};
                    default: result3 = {32'd0, meta3_i[`SPEC_IN_EGRESS_LSB +: `SPEC_IN_EGRESS_BITS]};
                endcase
            end
            // memory operations: the result joins later
            `UCODE_LDPKT, `UCODE_LDPKTBE, `UCODE_LDSTK, `UCODE_LDMAP, `UCODE_ATMAP: ;
            default: begin
                other3 = 1'b0;
                write3 = en3 && is_alu3;
            end
        endcase
    end

    // --- stage 4
    reg         en4_q;
    reg  [6:0]  op4_q;
    reg  [5:0]  dst4_q;
    reg  [3:0]  size4_q;
    reg  [31:0] imm4_q;
    reg  [63:0] b4_q;
    reg  [63:0] addr4_q;
    reg         write4_q;
    reg         cmp4_q;
    reg         jump4_q;       // taken whatever the ALU says
    reg         maybe4_q;      // taken if the compare is true
    reg  [11:0] tgt4_q;
    reg         exit4_q;

    always @(posedge clk) begin
        op4_q      <= op3_q;
        dst4_q     <= dst3_q;
        size4_q    <= size3_q;
        imm4_q     <= imm3_q;
        b4_q       <= store3;
        addr4_q    <= a3_q + disp3;
        tgt4_q     <= tgt3_q;
        en4_q      <= en3;
        write4_q   <= write3 && dst3_q != 6'd0;
        cmp4_q     <= en3 && is_cmp3;
        jump4_q    <= en3 && op3_q == `UCODE_JMP;
        maybe4_q   <= en3 && is_cmp3 && br3_q;
        exit4_q    <= en3 && op3_q == `UCODE_EXIT;
        if (rst) begin
            en4_q    <= 1'b0;
            write4_q <= 1'b0;
            cmp4_q   <= 1'b0;
            jump4_q  <= 1'b0;
            maybe4_q <= 1'b0;
            exit4_q  <= 1'b0;
        end
    end

    // --- stage 5
    reg         cmp5_q;
    reg         jump5_q;
    reg         maybe5_q;
    reg         exit5_q;
    reg  [2:0]  dst5_q;
    reg  [11:0] tgt5_q;
    reg  [31:0] operand5_q;

    always @(posedge clk) begin
        dst5_q     <= dst4_q[2:0];
        tgt5_q     <= tgt4_q;
        operand5_q <= b4_q[31:0];
        cmp5_q     <= cmp4_q;
        jump5_q    <= jump4_q;
        maybe5_q   <= maybe4_q;
        exit5_q    <= exit4_q;
        if (rst) begin
            cmp5_q   <= 1'b0;
            jump5_q  <= 1'b0;
            maybe5_q <= 1'b0;
            exit5_q  <= 1'b0;
        end
    end

    assign en3_o = en3;
    assign op3_o = op3_q;
    assign imm3_o = imm3_q;
    assign a3_o = a3_q;
    assign b3_o = b3_q;
    assign w32_3_o = w32_3_q;
    assign en4_o = en4_q;
    assign op4_o = op4_q;
    assign dst4_o = dst4_q;
    assign size4_o = size4_q;
    assign imm4_o = imm4_q;
    assign b4_o = b4_q;
    assign addr4_o = addr4_q;
    assign write4_o = write4_q;
    assign pred_we5_o = cmp5_q;
    assign pred_num5_o = dst5_q;
    assign pred5_o = result5_o[0];
    assign taken5_o = jump5_q || (maybe5_q && result5_o[0]);
    assign target5_o = tgt5_q;
    assign exit5_o = exit5_q;
    assign operand5_o = operand5_q;
endmodule
`default_nettype wire
