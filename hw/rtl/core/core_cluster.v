// SPDX-License-Identifier: BSD-3-Clause
// The program slot's cores: one, or several that look like one. Packets go to the cores in turn, CONTEXTS at a time, and
// leave in order of arrival; the ordering tokens go from packet to packet across cores; port A of the value memory and
// the key engines are shared. The ports are those of core_top, with the core's number above the context's; the counters'
// pulses are numbers of cores. With one core there is nothing in between.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_cluster #(
    parameter CORES = 1,                // a power of two, up to SPEC_CORES_MAX
    parameter WHO_W = 3,                // log2 of all cores' contexts
    parameter COUNT_W = 1,              // bits that hold CORES
    parameter SLOT_W = 4,
    parameter ROWS = `SPEC_ROWS,
    parameter EVENTS = 1,
    parameter EXT = 0                   // with one core only
) (
    input  wire         clk,
    input  wire         rst,
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
    output reg  [COUNT_W-1:0] stalls_o,
    output reg  [COUNT_W-1:0] rows_o,
    input  wire [63:0]  row_limit_i,
    output reg  [COUNT_W-1:0] limited_o,
    input  wire         hold_i,         // packets with output word hold stop what follows them,
    output wire         held_o,         // as one does now,
    input  wire         resume_i,       // until this is 1
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
    input  wire         b_waits_i,      // port B offers and is not taken
    // external memory
    output wire [2:0]   a_ctx_o,
    input  wire [7:0]   ext_wait_i,
    input  wire         ext_done_i,
    // key engines
    output wire         req_valid_o,
    input  wire         req_ready_i,
    output wire [2:0]   req_op_o,
    output wire [7:0]   req_map_o,
    output wire [7:0]   req_cpu_o,
    output wire [511:0] req_key_o,
    output wire [2047:0] req_value_o,
    output wire [63:0]  req_flags_o,
    output wire [WHO_W-1:0] req_who_o,
    input  wire         resp_valid_i,
    input  wire [WHO_W-1:0] resp_who_i,
    input  wire [31:0]  resp_status_i,
    input  wire [31:0]  resp_addr_i,
    // rows that retire, of each core
    output wire [CORES*`UCODE_RETIRE_BITS-1:0] trace_o
);
    localparam CORE_W = $clog2(CORES);
    localparam USER_W = `SPEC_OUT_TUSER_BITS;
    localparam TRACE_W = `UCODE_RETIRE_BITS;
    localparam [31:0] LOW = 32'd7;          // of a packet's number: its context

    generate
        if (CORES < 1 || CORES > `SPEC_CORES_MAX || (CORES & (CORES - 1)) != 0 || WHO_W != 3 + CORE_W
            || COUNT_W != $clog2(CORES + 1) || (CORES > 1 && EXT != 0)) begin : g_illegal
            core_cluster_illegal_parameter u_stop ();
        end
    endgenerate

    wire [CORES-1:0]        in_valid;
    wire [CORES-1:0]        in_ready;
    wire [CORES*512-1:0]    out_data;
    wire [CORES*64-1:0]     out_keep;
    wire [CORES-1:0]        out_valid;
    wire [CORES-1:0]        out_ready;
    wire [CORES-1:0]        out_last;
    wire [CORES*USER_W-1:0] out_user;
    wire [CORES-1:0]        packet_in;
    wire [CORES-1:0]        packet_out;
    wire [CORES-1:0]        stall;
    wire [CORES-1:0]        row;
    wire [CORES-1:0]        limited;
    wire [CORES*32-1:0]     base;
    wire [CORES-1:0]        a_valid;
    wire [CORES*2-1:0]      a_op;
    wire [CORES*4-1:0]      a_atomic;
    wire [CORES*4-1:0]      a_size;
    wire [CORES*32-1:0]     a_addr;
    wire [CORES*64-1:0]     a_data;
    wire [CORES*64-1:0]     a_expect;
    wire [CORES*3-1:0]      a_ctx;
    wire [CORES-1:0]        req_valid;
    wire [CORES-1:0]        req_ready;
    wire [CORES*3-1:0]      req_op;
    wire [CORES*8-1:0]      req_map;
    wire [CORES*8-1:0]      req_cpu;
    wire [CORES*512-1:0]    req_key;
    wire [CORES*2048-1:0]   req_value;
    wire [CORES*64-1:0]     req_flags;
    wire [CORES*3-1:0]      req_ctx;
    wire [CORES*SLOT_W-1:0] slot2;
    wire [CORES*8-1:0]      give2;
    wire [CORES*8-1:0]      held2;
    wire [CORES*8-1:0]      give_end;
    wire [CORES*SLOT_W-1:0] end_slot;
    wire [CORES*8-1:0]      give_late;
    wire [CORES*SLOT_W-1:0] late_slot;
    wire [CORES-1:0]        hold;
    wire [CORES-1:0]        released;
    wire [CORES-1:0]        value2;
    wire [CORES-1:0]        keys2;
    wire [CORES-1:0]        turn2;
    wire [CORES-1:0]        keys3;

    reg  [8:0]              headroom_q;     // it takes clocks to clear more

    always @(posedge clk) headroom_q <= headroom_i;

    genvar c;
    generate
        for (c = 0; c < CORES; c = c + 1) begin : g_core
            localparam [WHO_W-1:0] OWN = c << 3;
            wire [TRACE_W-1:0] trace;
            wire [31:0]        number = trace[`UCODE_R_PACKET_LSB +: 32];
            reg  [SLOT_W+1:0]  inside_q;    // packets, from the first beat in to the last one out
            wire               on = prog_we_i || cfg_we_i || headroom_i != headroom_q || in_valid[c] || inside_q != {SLOT_W+2{1'b0}}
                                    || released[c];
            wire               clk_core;

            always @(posedge clk) begin
                inside_q <= inside_q + {{SLOT_W+1{1'b0}}, packet_in[c]} - {{SLOT_W+1{1'b0}}, packet_out[c]};
                if (rst) inside_q <= {SLOT_W+2{1'b0}};
            end

            clock_gate u_gate (.clk(clk), .rst(rst), .on_i(on), .clk_o(clk_core));

            core_top #(.SLOT_W(SLOT_W), .ROWS(ROWS), .EVENTS(EVENTS), .EXT(EXT)) u_core (
                .clk(clk_core), .clk_free(clk), .rst(rst), .s_axis_tdata(s_axis_tdata), .s_axis_tkeep(s_axis_tkeep),
                .s_axis_tvalid(in_valid[c]), .s_axis_tready(in_ready[c]),
                .s_axis_tlast(s_axis_tlast), .s_axis_tuser(s_axis_tuser),
                .m_axis_tdata(out_data[512*c +: 512]), .m_axis_tkeep(out_keep[64*c +: 64]),
                .m_axis_tvalid(out_valid[c]), .m_axis_tready(out_ready[c]),
                .m_axis_tlast(out_last[c]), .m_axis_tuser(out_user[USER_W*c +: USER_W]),
                .enable_i(enable_i), .bank_i(bank_i), .headroom_i(headroom_i),
                .packet_in_o(packet_in[c]), .packet_out_o(packet_out[c]), .stall_o(stall[c]),
                .row_o(row[c]), .row_limit_i(row_limit_i), .limited_o(limited[c]),
                .prog_we_i(prog_we_i), .prog_bank_i(prog_bank_i),
                .prog_row_i(prog_row_i), .prog_data_i(prog_data_i), .cfg_we_i(cfg_we_i),
                .cfg_map_i(cfg_map_i), .cfg_base_i(cfg_base_i), .base_map_i(base_map_i),
                .base_o(base[32*c +: 32]), .a_valid_o(a_valid[c]), .a_op_o(a_op[2*c +: 2]),
                .a_atomic_o(a_atomic[4*c +: 4]), .a_size_o(a_size[4*c +: 4]),
                .a_addr_o(a_addr[32*c +: 32]), .a_data_o(a_data[64*c +: 64]),
                .a_expect_o(a_expect[64*c +: 64]), .r_data_i(r_data_i), .a_ctx_o(a_ctx[3*c +: 3]),
                .ext_wait_i(ext_wait_i), .ext_done_i(ext_done_i), .req_valid_o(req_valid[c]),
                .req_ready_i(req_ready[c]), .req_op_o(req_op[3*c +: 3]),
                .req_map_o(req_map[8*c +: 8]), .req_cpu_o(req_cpu[8*c +: 8]),
                .req_key_o(req_key[512*c +: 512]), .req_value_o(req_value[2048*c +: 2048]),
                .req_flags_o(req_flags[64*c +: 64]), .req_ctx_o(req_ctx[3*c +: 3]),
                .resp_valid_i(resp_valid_i && (resp_who_i | LOW[WHO_W-1:0]) == (OWN | LOW[WHO_W-1:0])),
                .resp_ctx_i(resp_who_i[2:0]), .resp_status_i(resp_status_i),
                .resp_addr_i(resp_addr_i), .slot2_o(slot2[SLOT_W*c +: SLOT_W]),
                .give2_o(give2[8*c +: 8]), .held2_i(held2[8*c +: 8]),
                .give_end_o(give_end[8*c +: 8]), .end_slot_o(end_slot[SLOT_W*c +: SLOT_W]),
                .give_late_o(give_late[8*c +: 8]), .late_slot_o(late_slot[SLOT_W*c +: SLOT_W]),
                .hold_o(hold[c]), .release_i(released[c]),
                .value2_o(value2[c]), .keys2_o(keys2[c]), .turn2_i(turn2[c]), .keys3_o(keys3[c]),
                .trace_o(trace));

            // the packet's number among those of all cores
            assign trace_o[TRACE_W*c +: TRACE_W] =
                {trace[TRACE_W-1:`UCODE_R_PACKET_LSB+32],
                 ((number & ~LOW) << CORE_W) | {{32-WHO_W{1'b0}}, OWN} | (number & LOW),
                 trace[`UCODE_R_PACKET_LSB-1:0]};
        end
    endgenerate

    core_ring #(.CORES(CORES), .SLOT_W(SLOT_W)) u_ring (
        .clk(clk), .rst(rst), .slot2_i(slot2), .give2_i(give2), .held2_o(held2),
        .give_end_i(give_end), .end_slot_i(end_slot), .give_late_i(give_late), .late_slot_i(late_slot));

    core_hold #(.CORES(CORES)) u_hold (
        .clk(clk), .rst(rst), .left_i(packet_out), .hold_i(hold), .mode_i(hold_i), .resume_i(resume_i),
        .held_o(held_o), .release_o(released));

    generate
        if (CORES == 1) begin : g_one
            wire unused_share = &{1'b0, value2, keys2, keys3, b_waits_i};

            assign in_valid = s_axis_tvalid;
            assign s_axis_tready = in_ready;
            assign {m_axis_tdata, m_axis_tkeep, m_axis_tvalid, m_axis_tlast, m_axis_tuser} =
                {out_data, out_keep, out_valid, out_last, out_user};
            assign out_ready = m_axis_tready;
            assign turn2 = 1'b1;
            assign {a_valid_o, a_op_o, a_atomic_o, a_size_o, a_addr_o, a_data_o, a_expect_o} =
                {a_valid, a_op, a_atomic, a_size, a_addr, a_data, a_expect};
            assign {req_valid_o, req_op_o, req_map_o, req_cpu_o, req_key_o, req_value_o,
                    req_flags_o, req_who_o} =
                {req_valid, req_op, req_map, req_cpu, req_key, req_value, req_flags, req_ctx};
            assign req_ready = req_ready_i;
        end else begin : g_many
            wire [CORE_W-1:0] oldest;

            core_dispatch #(.CORES(CORES), .CORE_W(CORE_W), .SLOT_W(SLOT_W)) u_dispatch (
                .clk(clk), .rst(rst), .bank_i(bank_i), .s_valid_i(s_axis_tvalid),
                .s_ready_o(s_axis_tready), .s_last_i(s_axis_tlast), .m_valid_o(in_valid),
                .m_ready_i(in_ready), .left_i(packet_out_o));

            core_collect #(.CORES(CORES), .CORE_W(CORE_W)) u_collect (
                .clk(clk), .rst(rst), .s_data_i(out_data), .s_keep_i(out_keep),
                .s_valid_i(out_valid), .s_ready_o(out_ready), .s_last_i(out_last),
                .s_user_i(out_user), .stop_i(held_o), .m_axis_tdata(m_axis_tdata), .m_axis_tkeep(m_axis_tkeep),
                .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
                .m_axis_tlast(m_axis_tlast), .m_axis_tuser(m_axis_tuser), .turn_o(oldest));

            core_share #(.CORES(CORES), .CORE_W(CORE_W)) u_share (
                .clk(clk), .rst(rst), .oldest_i(oldest), .value2_i(value2), .keys2_i(keys2),
                .turn2_o(turn2), .b_waits_i(b_waits_i), .keys3_i(keys3), .s_valid_i(a_valid), .s_op_i(a_op),
                .s_atomic_i(a_atomic), .s_size_i(a_size), .s_addr_i(a_addr), .s_data_i(a_data),
                .s_expect_i(a_expect), .a_valid_o(a_valid_o), .a_op_o(a_op_o),
                .a_atomic_o(a_atomic_o), .a_size_o(a_size_o), .a_addr_o(a_addr_o),
                .a_data_o(a_data_o), .a_expect_o(a_expect_o), .s_req_valid_i(req_valid),
                .s_req_ready_o(req_ready), .s_req_op_i(req_op), .s_req_map_i(req_map),
                .s_req_cpu_i(req_cpu), .s_req_key_i(req_key), .s_req_value_i(req_value),
                .s_req_flags_i(req_flags), .s_req_ctx_i(req_ctx), .req_valid_o(req_valid_o),
                .req_ready_i(req_ready_i), .req_op_o(req_op_o), .req_map_o(req_map_o),
                .req_cpu_o(req_cpu_o), .req_key_o(req_key_o), .req_value_o(req_value_o),
                .req_flags_o(req_flags_o), .req_who_o(req_who_o));
        end
    endgenerate

    integer i;

    always @* begin
        stalls_o = {COUNT_W{1'b0}};
        rows_o = {COUNT_W{1'b0}};
        limited_o = {COUNT_W{1'b0}};
        for (i = 0; i < CORES; i = i + 1) begin
            if (stall[i]) stalls_o = stalls_o + 1'b1;
            if (row[i]) rows_o = rows_o + 1'b1;
            if (limited[i]) limited_o = limited_o + 1'b1;
        end
    end

    wire unused = &{1'b0, base, a_ctx};

    assign base_o = base[31:0];             // the same in all
    assign a_ctx_o = a_ctx[2:0];
    assign packet_in_o = |packet_in;
    assign packet_out_o = |packet_out;
endmodule
`default_nettype wire
