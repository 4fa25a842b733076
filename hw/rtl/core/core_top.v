// SPDX-License-Identifier: BSD-3-Clause
// The VLIW core: packets in, rows of microcode over 8 contexts in turn, packets out. A row passes these stages, one a
// clock; the context's next row starts at stage 8:
//   0 row address   1-2 program memory   2 issue or pass, register read   3-4 ALU, address   5 memory access,
//   branch choice   6 next row address, end of program   6-8 load data   9 register write, map value
// Whatever stage a signal belongs to is the number in its name.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_top #(
    parameter SLOT_W = 4,               // log2 of the packet buffers of SPEC_PKT_BUF_BYTES each: 3 to 6
    parameter ROWS = `SPEC_ROWS,        // rows of a program bank, a power of two up to SPEC_ROWS
    parameter EVENTS = 1,               // 1: packets may leave with an event area, 0: never
    parameter EXT = 0                   // 1: map values at addresses with bit 31 are in external memory
) (
    input  wire         clk,
    input  wire         clk_free,   // clk, but it never rests
    input  wire         rst,
    // packets
    input  wire [511:0] s_axis_tdata,
    input  wire [63:0]  s_axis_tkeep,
    input  wire         s_axis_tvalid,
    output wire         s_axis_tready,
    input  wire         s_axis_tlast,
    input  wire [`SPEC_IN_TUSER_BITS-1:0] s_axis_tuser,
    output wire [511:0] m_axis_tdata,
    output wire [63:0]  m_axis_tkeep,
    output wire         m_axis_tvalid,
    input  wire         m_axis_tready,
    output wire         m_axis_tlast,
    output wire [`SPEC_OUT_TUSER_BITS-1:0] m_axis_tuser,
    // control (csr_block)
    input  wire         enable_i,
    input  wire         bank_i,
    input  wire [8:0]   headroom_i,
    output wire         packet_in_o,
    output wire         packet_out_o,
    output wire         stall_o,
    output wire         row_o,
    input  wire [63:0]  row_limit_i,
    output wire         limited_o,
    input  wire         prog_we_i,
    input  wire         prog_bank_i,
    input  wire [11:0]  prog_row_i,
    input  wire [`UCODE_ROW_BITS-1:0] prog_data_i,
    // map descriptors
    input  wire         cfg_we_i,
    input  wire [4:0]   cfg_map_i,
    input  wire [31:0]  cfg_base_i,
    input  wire [4:0]   base_map_i,
    output wire [31:0]  base_o,
    // value memory, port A
    output wire         a_valid_o,
    output wire [1:0]   a_op_o,
    output wire [3:0]   a_atomic_o,
    output wire [3:0]   a_size_o,
    output wire [31:0]  a_addr_o,
    output wire [63:0]  a_data_o,
    output wire [63:0]  a_expect_o,
    input  wire [63:0]  r_data_i,
    // external memory: an access that is not done after 4 clocks is answered in a later turn of its context
    output wire [2:0]   a_ctx_o,        // whose turn it is at stage 5
    input  wire [7:0]   ext_wait_i,     // contexts with an access that is not done
    input  wire         ext_done_i,     // r_data_i answers one, of the context at stage 9
    // hash engine
    output wire         req_valid_o,
    input  wire         req_ready_i,
    output wire [2:0]   req_op_o,
    output wire [7:0]   req_map_o,
    output wire [7:0]   req_cpu_o,
    output wire [511:0] req_key_o,
    output wire [2047:0] req_value_o,
    output wire [63:0]  req_flags_o,
    output wire [2:0]   req_ctx_o,
    input  wire         resp_valid_i,
    input  wire [2:0]   resp_ctx_i,
    input  wire [31:0]  resp_status_i,
    input  wire [31:0]  resp_addr_i,
    // ordering tokens (core_ring)
    output wire [SLOT_W-1:0] slot2_o,   // slot of the packet at stage 2,
    output wire [7:0]   give2_o,        // tokens that it gives back,
    input  wire [7:0]   held2_i,        // tokens that it holds
    output wire [7:0]   give_end_o,     // a packet ends: tokens that it gives back,
    output wire [SLOT_W-1:0] end_slot_o, // and its slot; a packet that has kept tokens beyond its end is released:
    output wire [7:0]   give_late_o,
    output wire [SLOT_W-1:0] late_slot_o,
    // packets with output word hold (core_hold)
    output wire         hold_o,         // the packet that leaves has it
    input  wire         release_i,
    // turns at what several cores share (core_share): a row that can issue
    output wire         value2_o,       // accesses value memory,
    output wire         keys2_o,        // or has a map operation,
    input  wire         turn2_i,        // and issues only if this is 1
    output wire         keys3_o,        // a map operation goes to the queue
    // rows that retire, for simulation (core_trace)
    output wire [`UCODE_RETIRE_BITS-1:0] trace_o
);
    localparam ROW_W = SLOT_W + 8;
    localparam SLOT_BITS = `UCODE_SLOT_BITS;

    generate
        if (SLOT_W < 3 || SLOT_W > 6 || ROWS < 2 || ROWS > `SPEC_ROWS || (ROWS & (ROWS - 1)) != 0
            || (EXT != 0 && EXT != 1)) begin : g_illegal
            core_top_illegal_parameter u_stop ();
        end
    endgenerate

    // --- contexts
    wire [SLOT_W:0]          arrived;
    wire [(1<<SLOT_W)-1:0]   slot_bank;
    wire                     start;
    wire [2:0]               start_ctx;
    wire [SLOT_W-1:0]        start_slot;
    wire [2:0]               phase;
    wire                     valid0;
    wire                     bank0;
    wire [11:0]              pc0;
    wire [SLOT_W-1:0]        slot2;
    wire                     next6;
    wire                     taken6;
    wire [11:0]              target6;
    wire                     branch_exit6;
    wire [31:0]              branch_ret6;
    wire                     limit6;
    wire                     exit6 = branch_exit6 || limit6;
    wire [31:0]              ret6 = limit6 ? 32'd0 : branch_ret6;   // 0: XDP_ABORTED
    wire [7:0]               busy;
    wire [7:0]               ending;
    wire [7:0]               waiting = EXT != 0 ? ext_wait_i : 8'd0;
    wire                     ext_done9 = EXT != 0 && ext_done_i;
    wire                     wait9;
    wire                     late9;
    wire                     retire6;
    wire [2:0]               retire_ctx;
    wire [SLOT_W-1:0]        retire_slot;
    wire [2:0]               ctx2 = phase - 3'd2;
    wire [2:0]               ctx3 = phase - 3'd3;
    wire [2:0]               ctx4 = phase - 3'd4;
    wire [2:0]               ctx5 = phase - 3'd5;
    wire [2:0]               ctx9 = phase - 3'd1;

    wire                     held;
    wire [SLOT_W-1:0]        held_slot;
    wire                     retire_keep;

    core_sched #(.SLOT_W(SLOT_W)) u_sched (
        .clk(clk), .clk_free(clk_free), .rst(rst), .arrived_i(arrived), .slot_bank_i(slot_bank), .start_o(start),
        .start_ctx_o(start_ctx), .start_slot_o(start_slot), .held_i(held), .held_slot_i(held_slot),
        .row_limit_i(row_limit_i),
        .phase_o(phase), .valid0_o(valid0),
        .bank0_o(bank0), .pc0_o(pc0), .slot2_o(slot2), .next6_i(next6), .taken6_i(taken6),
        .target6_i(target6), .exit6_i(branch_exit6), .limit6_o(limit6),
        .busy_i(busy | waiting), .retire6_o(retire6),
        .retire_ctx_o(retire_ctx), .retire_slot_o(retire_slot));

    // --- stages 0 to 2: the row
    wire                       valid2;
    wire [`UCODE_ROW_BITS-1:0] row2;
    wire [`UCODE_ROW_HEADER_BITS-1:0] header2 = row2[`UCODE_ROW_HEADER_BITS-1:0];
    wire                       issue2;
    wire [6:0]                 long_op2 = row2[`UCODE_ROW_HEADER_BITS + 3*SLOT_BITS +: 7];
    wire                       long2 = long_op2 == `UCODE_MAPOP || long_op2 == `UCODE_PKTZERO ||
                                       long_op2 == `UCODE_DIVLONG;
    wire [2:0]                 pnum2 = row2[`UCODE_ROW_HEADER_BITS + 3*SLOT_BITS + `UCODE_F_PRED_LSB +: 3];
    wire                       pneg2 = row2[`UCODE_ROW_HEADER_BITS + 3*SLOT_BITS + `UCODE_F_PNEG_LSB];
    wire [7:0]                 pred2;
    wire                       ptrue2 = pred2[pnum2] != pneg2;
    wire                       ready2;
    wire                       unused = &{1'b0, header2[`UCODE_ROW_HEADER_BITS-1:17]};

    core_fetch #(.ROWS(ROWS)) u_fetch (
        .clk(clk), .rst(rst), .valid0_i(valid0), .bank0_i(bank0), .pc0_i(pc0),
        .valid2_o(valid2), .row2_o(row2), .prog_we_i(prog_we_i), .prog_bank_i(prog_bank_i),
        .prog_row_i(prog_row_i), .prog_data_i(prog_data_i));

    core_token #(.SLOT_W(SLOT_W)) u_token (
        .clk(clk), .start_i(start), .start_ctx_i(start_ctx), .ctx2_i(ctx2),
        .valid2_i(valid2 && !waiting[ctx2]), .need2_i(header2[`UCODE_H_NEED_LSB +: 8]),
        .rel2_i(header2[`UCODE_H_REL_LSB +: 8]), .wait2_i(header2[`UCODE_H_WAIT_LSB] || long2),
        .busy2_i(busy[ctx2] && !ending[ctx2]), .held2_i(held2_i), .ready2_o(ready2),
        .turn2_i(turn2_i), .issue2_o(issue2), .give2_o(give2_o), .retire_i(retire6),
        .retire_ctx_i(retire_ctx), .retire_slot_i(retire_slot), .retire_keep_i(retire_keep),
        .give_end_o(give_end_o), .release_i(release_i), .release_slot_i(held_slot),
        .give_late_o(give_late_o));

    // what lane 3 shares with other cores
    assign slot2_o = slot2;
    assign end_slot_o = retire_slot;
    assign late_slot_o = held_slot;
    assign value2_o = ready2 && ptrue2 && (long_op2 == `UCODE_LDMAP || long_op2 == `UCODE_STMAP ||
                                           long_op2 == `UCODE_ATMAP);
    assign keys2_o = ready2 && ptrue2 && long_op2 == `UCODE_MAPOP;
    assign keys3_o = en3[3] && op3[27:21] == `UCODE_MAPOP;

    assign row_o = issue2;
    assign limited_o = limit6;
    assign stall_o = valid2 && !issue2;

    reg              issue3_q;
    reg              issue4_q;
    reg              issue5_q;
    reg [SLOT_W-1:0] slot3_q;
    reg [SLOT_W-1:0] slot4_q;
    reg [SLOT_W-1:0] slot5_q;
    reg [SLOT_W-1:0] slot6_q;

    always @(posedge clk) begin
        slot3_q <= slot2;
        slot4_q <= slot3_q;
        slot5_q <= slot4_q;
        slot6_q <= slot5_q;
        issue3_q <= issue2;
        issue4_q <= issue3_q;
        issue5_q <= issue4_q;
        if (rst) begin
            issue3_q <= 1'b0;
            issue4_q <= 1'b0;
            issue5_q <= 1'b0;
        end
    end

    // --- registers and predicates
    wire [47:0]  rreg2;
    wire [511:0] rdata2;
    wire [3:0]   write9;
    wire [23:0]  dst9;
    wire [255:0] result9;
    wire [3:0]   pred_we5;
    wire [11:0]  pred_num5;
    wire [3:0]   pred5;

    core_regfile u_regs (
        .clk(clk), .rctx_i(ctx2), .rreg_i(rreg2), .rdata_o(rdata2), .wctx_i(ctx9), .we_i(write9),
        .wreg_i(dst9), .wdata_i(result9));

    core_pred u_pred (
        .clk(clk), .rctx_i(ctx2), .rdata_o(pred2), .wctx_i(ctx5), .we_i(pred_we5),
        .wnum_i(pred_num5), .wdata_i(pred5));

    // --- lanes
    wire [`SPEC_IN_TUSER_BITS-1:0] meta3;
    wire [63:0]  long_result3;
    wire [255:0] a3;
    wire [255:0] b3;
    wire [3:0]   w32_3;
    wire [3:0]   en3;
    wire [27:0]  op3;
    wire [127:0] imm3;
    wire [3:0]   en4;
    wire [27:0]  op4;
    wire [23:0]  dst4;
    wire [15:0]  size4;
    wire [127:0] imm4;
    wire [255:0] b4;
    wire [255:0] addr4;
    wire [3:0]   write4;
    wire [255:0] result5;
    wire [3:0]   taken5;
    wire [47:0]  target5;
    wire [3:0]   exit5;
    wire [127:0] operand5;
    wire         unused_lanes = &{1'b0, a3, b3, w32_3, en3, op3, imm3, imm4, addr4};

    genvar l;
    generate
        for (l = 0; l < `SPEC_LANES; l = l + 1) begin : g_lane
            wire [SLOT_BITS-1:0] bits2 = row2[`UCODE_ROW_HEADER_BITS + SLOT_BITS*l +: SLOT_BITS];

            assign rreg2[12*l +: 6] = bits2[`UCODE_F_A_LSB +: `UCODE_F_A_BITS];
            assign rreg2[12*l+6 +: 6] = bits2[`UCODE_F_B_LSB +: `UCODE_F_B_BITS];

            core_lane u_lane (
                .clk(clk), .rst(rst), .issue2_i(issue2), .slot2_i(bits2),
                .a2_i(rdata2[128*l +: 64]), .b2_i(rdata2[128*l+64 +: 64]), .pred2_i(pred2),
                .meta3_i(meta3), .res3_i(long_result3), .en3_o(en3[l]), .op3_o(op3[7*l +: 7]),
                .imm3_o(imm3[32*l +: 32]), .a3_o(a3[64*l +: 64]),
                .b3_o(b3[64*l +: 64]), .w32_3_o(w32_3[l]), .en4_o(en4[l]), .op4_o(op4[7*l +: 7]),
                .dst4_o(dst4[6*l +: 6]), .size4_o(size4[4*l +: 4]),
                .imm4_o(imm4[32*l +: 32]), .b4_o(b4[64*l +: 64]),
                .addr4_o(addr4[64*l +: 64]), .write4_o(write4[l]),
                .result5_o(result5[64*l +: 64]), .pred_we5_o(pred_we5[l]),
                .pred_num5_o(pred_num5[3*l +: 3]), .pred5_o(pred5[l]), .taken5_o(taken5[l]),
                .target5_o(target5[12*l +: 12]), .exit5_o(exit5[l]),
                .operand5_o(operand5[32*l +: 32]));
        end
    endgenerate

    core_branch u_branch (
        .clk(clk), .rst(rst), .issue5_i(issue5_q), .taken5_i(taken5), .exit5_i(exit5),
        .target5_i(target5), .operand5_i(operand5), .next6_o(next6), .taken6_o(taken6),
        .target6_o(target6), .exit6_o(branch_exit6), .ret6_o(branch_ret6));

    // --- packet memory
    wire [1:0]         pkt_load4 = {en4[1] && (op4[13:7] == `UCODE_LDPKT || op4[13:7] == `UCODE_LDPKTBE),
                                    en4[0] && (op4[6:0] == `UCODE_LDPKT || op4[6:0] == `UCODE_LDPKTBE)};
    wire [1:0]         pkt_swap4 = {op4[13:7] == `UCODE_LDPKTBE, op4[6:0] == `UCODE_LDPKTBE};
    wire               pkt_store4 = en4[2] && (op4[20:14] == `UCODE_STPKT || op4[20:14] == `UCODE_STPKTBE);
    wire [15:0]        ld_ren5;
    wire [16*ROW_W-1:0] ld_row5;
    wire [1023:0]      ld_data6;
    wire [127:0]       pkt_value8;
    wire [7:0]         st_we5;
    wire [8*ROW_W-1:0] st_row5;
    wire [511:0]       st_data5;
    wire [63:0]        st_strb5;
    wire               z_valid;
    wire               z_ready;
    wire [ROW_W-1:0]   z_row;
    wire [63:0]        z_strb;
    wire               in_valid;
    wire               in_ready;
    wire [ROW_W-1:0]   in_row;
    wire [511:0]       in_data;
    wire               out_ren;
    wire [ROW_W-1:0]   out_row;
    wire [511:0]       out_data;

    genvar p;
    generate
        for (p = 0; p < 2; p = p + 1) begin : g_load
            core_bytes_load #(.BANKS(8), .ROW_W(ROW_W)) u_load (
                .clk(clk), .rst(rst), .en4_i(pkt_load4[p]),
                .addr4_i({slot4_q, addr4[64*p +: 14]}), .size4_i(size4[4*p +: 4]),
                .swap4_i(pkt_swap4[p]), .ren5_o(ld_ren5[8*p +: 8]),
                .row5_o(ld_row5[8*ROW_W*p +: 8*ROW_W]), .data6_i(ld_data6[512*p +: 512]),
                .value8_o(pkt_value8[64*p +: 64]));
        end
    endgenerate

    core_bytes_store #(.BANKS(8), .ROW_W(ROW_W)) u_store (
        .clk(clk), .rst(rst), .en4_i(pkt_store4), .addr4_i({slot4_q, addr4[128 +: 14]}),
        .size4_i(size4[11:8]), .data4_i(b4[191:128]), .we5_o(st_we5), .row5_o(st_row5),
        .data5_o(st_data5), .strb5_o(st_strb5));

    core_pktmem #(.ROW_W(ROW_W)) u_pktmem (
        .clk(clk), .rst(rst), .st_we_i(st_we5), .st_row_i(st_row5), .st_data_i(st_data5),
        .st_strb_i(st_strb5), .z_valid_i(z_valid), .z_ready_o(z_ready), .z_row_i(z_row),
        .z_strb_i(z_strb), .in_valid_i(in_valid), .in_ready_o(in_ready), .in_row_i(in_row),
        .in_data_i(in_data), .ld0_ren_i(ld_ren5[7:0]), .ld0_row_i(ld_row5[8*ROW_W-1:0]),
        .ld0_data_o(ld_data6[511:0]), .ld1_ren_i(ld_ren5[15:8]),
        .ld1_row_i(ld_row5[16*ROW_W-1:8*ROW_W]), .ld1_data_o(ld_data6[1023:512]),
        .out_ren_i(out_ren), .out_row_i(out_row), .out_data_o(out_data));

    // --- stack
    wire [63:0] stack_value8;

    core_stack u_stack (
        .clk(clk), .rst(rst), .ctx4_i(ctx4), .load4_i(en4[2] && op4[20:14] == `UCODE_LDSTK),
        .store4_i(en4[2] && op4[20:14] == `UCODE_STSTK), .addr4_i(addr4[128 +: 9]),
        .size4_i(size4[11:8]), .data4_i(b4[191:128]), .value8_o(stack_value8));

    // --- map values, and key and value words
    wire        map4 = en4[3] && (op4[27:21] == `UCODE_LDMAP || op4[27:21] == `UCODE_STMAP ||
                                  op4[27:21] == `UCODE_ATMAP);
    wire        copy3;
    wire        direct3;
    wire        words_load;
    wire [2:0]  words_ctx;
    wire [255:0] first4;
    wire        unused_first = &{1'b0, first4[255:64]};

    core_mapport u_mapport (
        .clk(clk), .rst(rst), .cfg_we_i(cfg_we_i), .cfg_map_i(cfg_map_i), .cfg_base_i(cfg_base_i),
        .en4_i(map4), .op4_i(op4[27:21]), .atomic4_i(imm4[96+16 +: 4]), .size4_i(size4[15:12]),
        .ptr4_i(addr4[192 +: 37]), .data4_i(b4[255:192]), .expect4_i(first4[63:0]),
        .a_valid_o(a_valid_o), .a_op_o(a_op_o), .a_atomic_o(a_atomic_o), .a_size_o(a_size_o),
        .a_addr_o(a_addr_o), .a_data_o(a_data_o), .a_expect_o(a_expect_o),
        .base_map_i(base_map_i), .base_o(base_o));

    genvar k;
    generate
        for (k = 0; k < `SPEC_LANES; k = k + 1) begin : g_words
            wire [127:0] key;
            wire [511:0] value;
            wire         unused_dst = &{1'b0, dst4[6*k +: 2], dst4[6*k+5]};
            genvar       w;

            core_words u_words (
                .clk(clk), .ctx4_i(ctx4), .key_we4_i(en4[k] && op4[7*k +: 7] == `UCODE_KEYW),
                .val_we4_i(en4[k] && op4[7*k +: 7] == `UCODE_VALW), .word4_i(dst4[6*k+2 +: 3]),
                .data4_i(b4[64*k +: 64]), .value4_o(first4[64*k +: 64]), .ctx3_i(ctx3), .copy3_i(copy3),
                .direct3_i(direct3),
                .load_i(words_load), .load_ctx_i(words_ctx), .key_o(key), .value_o(value));

            for (w = 0; w < 8; w = w + 1) begin : g_value
                assign req_value_o[64*(4*w+k) +: 64] = value[64*w +: 64];
            end
            for (w = 0; w < 2; w = w + 1) begin : g_key
                assign req_key_o[64*(4*w+k) +: 64] = key[64*w +: 64];
            end
        end
    endgenerate

    // --- long operations
    core_long #(.SLOT_W(SLOT_W)) u_long (
        .clk(clk), .rst(rst), .busy_o(busy), .ending_o(ending), .ctx3_i(ctx3),
        .result3_o(long_result3), .slot3_i(slot3_q), .cpu3_i(meta3[`SPEC_IN_QUEUE_LSB +: 8]),
        .en3_i(en3[3]), .op3_i(op3[27:21]), .w32_3_i(w32_3[3]), .imm3_i(imm3[127:96]),
        .a3_i(a3[255:192]), .b3_i(b3[255:192]), .copy3_o(copy3), .direct3_o(direct3),
        .load_o(words_load), .load_ctx_o(words_ctx),
        .req_valid_o(req_valid_o), .req_ready_i(req_ready_i), .req_op_o(req_op_o),
        .req_map_o(req_map_o), .req_cpu_o(req_cpu_o), .req_flags_o(req_flags_o),
        .req_ctx_o(req_ctx_o), .resp_valid_i(resp_valid_i), .resp_ctx_i(resp_ctx_i),
        .resp_status_i(resp_status_i), .resp_addr_i(resp_addr_i), .z_valid_o(z_valid),
        .z_ready_i(z_ready), .z_row_o(z_row), .z_strb_o(z_strb));

    // --- results of all units, stages 4 to 9
    wire [63:0] mul6;

    core_mul u_mul (.clk(clk), .w32_3_i(w32_3[0]), .a3_i(a3[63:0]), .b3_i(b3[63:0]), .y6_o(mul6));

    core_writeback u_writeback (
        .clk(clk), .rst(rst), .write4_i(write4), .op4_i(op4), .dst4_i(dst4), .result5_i(result5),
        .mul6_i(mul6), .pkt8_i(pkt_value8), .stack8_i(stack_value8), .map9_i(r_data_i),
        .ctx9_i(ctx9), .ext5_i(EXT != 0 && a_valid_o && a_addr_o[31]), .ext_done9_i(ext_done9),
        .wait9_o(wait9), .late9_o(late9), .write9_o(write9), .dst9_o(dst9), .result9_o(result9));

    // --- packets in and out
    wire                     meta_we;
    wire [SLOT_W-1:0]        meta_slot;
    wire [`SPEC_IN_TUSER_BITS-1:0] meta;
    wire                     e_valid;
    wire                     e_ready;
    wire [SLOT_W-1:0]        e_slot;
    wire [15:0]              e_data;
    wire [15:0]              e_end;
    wire [63:0]              e_redirect;
    wire [7:0]               e_meta;
    wire [7:0]               e_events;
    wire [31:0]              e_ret;
    wire                     freed;
    wire [3:0]               out4 = {en4[3] && op4[27:21] == `UCODE_OUT, en4[2] && op4[20:14] == `UCODE_OUT,
                                     en4[1] && op4[13:7] == `UCODE_OUT, en4[0] && op4[6:0] == `UCODE_OUT};

    core_io #(.SLOT_W(SLOT_W)) u_io (
        .clk(clk), .rst(rst), .meta_we_i(meta_we), .meta_slot_i(meta_slot), .meta_i(meta),
        .slot2_i(slot2), .meta3_o(meta3), .start_i(start), .start_slot_i(start_slot),
        .slot4_i(slot4_q), .out4_i(out4), .word4_i({dst4[20:18], dst4[14:12], dst4[8:6], dst4[2:0]}),
        .operand4_i(b4), .exit6_i(exit6), .slot6_i(slot6_q), .ret6_i(ret6), .limit6_i(limit6), .retire_i(retire6),
        .retire_slot_i(retire_slot), .retire_keep_o(retire_keep), .release_i(release_i), .held_o(held),
        .held_slot_o(held_slot), .m_valid_o(e_valid), .m_ready_i(e_ready), .m_slot_o(e_slot),
        .m_data_o(e_data), .m_end_o(e_end), .m_redirect_o(e_redirect), .m_meta_o(e_meta),
        .m_events_o(e_events),
        .m_ret_o(e_ret));

    axis_ingress #(.SLOT_W(SLOT_W)) u_ingress (
        .clk(clk), .rst(rst), .enable_i(enable_i), .bank_i(bank_i), .headroom_i(headroom_i),
        .s_axis_tdata(s_axis_tdata), .s_axis_tkeep(s_axis_tkeep), .s_axis_tvalid(s_axis_tvalid),
        .s_axis_tready(s_axis_tready), .s_axis_tlast(s_axis_tlast), .s_axis_tuser(s_axis_tuser),
        .in_valid_o(in_valid), .in_ready_i(in_ready), .in_row_o(in_row), .in_data_o(in_data),
        .meta_we_o(meta_we), .meta_slot_o(meta_slot), .meta_o(meta), .arrived_o(arrived),
        .slot_bank_o(slot_bank), .packet_o(packet_in_o), .freed_i(freed));

    axis_egress #(.SLOT_W(SLOT_W), .EVENTS(EVENTS)) u_egress (
        .clk(clk), .rst(rst), .s_valid_i(e_valid), .s_ready_o(e_ready), .s_slot_i(e_slot),
        .s_data_i(e_data), .s_end_i(e_end), .s_redirect_i(e_redirect), .s_meta_i(e_meta),
        .s_events_i(e_events),
        .s_ret_i(e_ret),
        .out_ren_o(out_ren), .out_row_o(out_row), .out_data_i(out_data), .freed_o(freed),
        .m_axis_tdata(m_axis_tdata), .m_axis_tkeep(m_axis_tkeep), .m_axis_tvalid(m_axis_tvalid),
        .m_axis_tready(m_axis_tready), .m_axis_tlast(m_axis_tlast), .m_axis_tuser(m_axis_tuser));

    core_trace u_trace (
        .clk(clk), .rst(rst), .start_i(start), .start_ctx_i(start_ctx), .phase_i(phase), .pc0_i(pc0),
        .issue2_i(issue2), .on3_i(en3), .a3_i(a3), .b3_i(b3), .mem_addr4_i(addr4[128 +: 64]),
        .mem_data4_i(b4[191:128]), .pred_we5_i(pred_we5), .pred_num5_i(pred_num5), .pred5_i(pred5),
        .map_valid5_i(a_valid_o), .map_op5_i(a_op_o), .map_atomic5_i(a_atomic_o),
        .map_size5_i(a_size_o), .map_addr5_i(a_addr_o), .map_data5_i(a_data_o),
        .map_expect5_i(a_expect_o), .taken6_i(taken6), .target6_i(target6), .exit6_i(exit6),
        .ret6_i(ret6), .write9_i(write9), .dst9_i(dst9), .result9_i(result9),
        .wait9_i(wait9), .late9_i(late9), .trace_o(trace_o));

    wire unused_ext = &{1'b0, ext_wait_i, ext_done_i};

    // behind a packet with hold none is given to the egress, so it is the last one there
    reg  [2:0] egress_q;                // packets in the egress

    always @(posedge clk) begin
        egress_q <= egress_q + {2'd0, e_valid && e_ready} - {2'd0, packet_out_o};
        if (rst) egress_q <= 3'd0;
    end

    assign hold_o = held && egress_q == 3'd1;
    assign a_ctx_o = ctx5;
    assign packet_out_o = m_axis_tvalid && m_axis_tready && m_axis_tlast;
endmodule
`default_nettype wire
