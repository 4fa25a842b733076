// SPDX-License-Identifier: BSD-3-Clause
// The way of packets from the ports' stores to where they go: one order of all ports, the slot, the verdict (docs/nic.md). The NIC and the
// wrappers for other shells have it in common; the slot is the module sluice_dut.
//
// A beat of a port is {word, IFINDEX, random state, time, length, data}. The word goes past the program: of the NIC it is {queue, hashed,
// hash}, of another shell (SHELL) whatever it likes, which comes out in place of hash and time, the low bits first. There packets
// go past the slot as well while on_i is low, and hashed says of each whether it went through.
// Latency: 1 clock and 2 of the verdict, besides the slot's. Throughput: a beat a clock. Order: kept from the merge on.
// Back-pressure: of the side that a beat goes to, through the slot to the ports.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module nic_path #(
    parameter PORTS = 2,            // 1 to 16
    parameter QUEUES = 4,           // RX rings, 1 to 64
    parameter TARGETS = 64,         // entries of the redirect table, 1 to 64
    parameter INSIDE = 1024,        // packets that the slot may hold, a power of two
    parameter SHELL = 0,            // 1: in another shell
    parameter WORD_W = 41,          // bits of the word: 41 in the NIC, in another shell 1 to 96
    parameter BEAT_W = WORD_W + 32 + 32 + 64 + 16 + 512 // no other
) (
    input  wire         clk,
    input  wire         rst,
    // configuration and state
    input  wire         on_i,               // in another shell: through the slot
    input  wire         clear_i,            // the slot counts as not hung
    input  wire         wake_i,             // the verdict's clock does not rest
    output wire         clk_verdict_o,      // that clock, for what stands behind h and t
    input  wire [31:0]  watchdog_i,
    output wire         hung_o,
    output wire         inside_o,           // packets are in the slot, or past it,
    output wire         waiting_o,          // before it,
    output wire         verdict_busy_o,     // in the verdict
    input  wire         to_host_i,
    input  wire [32*PORTS-1:0] ifindex_i,
    input  wire         table_we_i,
    input  wire [7:0]   table_index_i,
    input  wire [31:0]  table_data_i,
    input  wire [7:0]   table_rindex_i,
    output wire [31:0]  table_rdata_o,
    // from the ports
    input  wire [PORTS-1:0] s_valid_i,
    output wire [PORTS-1:0] s_ready_o,
    input  wire [PORTS-1:0] s_last_i,
    input  wire [PORTS*BEAT_W-1:0] s_beat_i,
    // to the host
    output wire         h_valid_o,
    input  wire         h_ready_i,
    output wire [511:0] h_data_o,
    output wire [5:0]   h_tail_o,
    output wire         h_last_o,
    output wire [7:0]   h_ring_o,
    output wire [15:0]  h_total_o,
    output wire [7:0]   h_ret_o,
    output wire [3:0]   h_port_o,
    output wire         h_hashed_o,
    output wire [31:0]  h_hash_o,
    output wire [7:0]   h_meta_o,
    output wire [15:0]  h_number_o,
    output wire [63:0]  h_time_o,
    output wire [63:0]  h_redirect_o,
    // to a port
    output wire         t_valid_o,
    input  wire         t_ready_i,
    output wire [511:0] t_data_o,
    output wire [5:0]   t_at_o,
    output wire [6:0]   t_bytes_o,
    output wire         t_last_o,
    output wire [3:0]   t_port_o,
    // one pulse a packet
    output wire [4:0]   count_o,
    output wire         no_target_o,
    // the slot's registers
    input  wire [15:0]  s_axil_awaddr,
    input  wire         s_axil_awvalid,
    output wire         s_axil_awready,
    input  wire [31:0]  s_axil_wdata,
    input  wire [3:0]   s_axil_wstrb,
    input  wire         s_axil_wvalid,
    output wire         s_axil_wready,
    output wire [1:0]   s_axil_bresp,
    output wire         s_axil_bvalid,
    input  wire         s_axil_bready,
    input  wire [15:0]  s_axil_araddr,
    input  wire         s_axil_arvalid,
    output wire         s_axil_arready,
    output wire [31:0]  s_axil_rdata,
    output wire [1:0]   s_axil_rresp,
    output wire         s_axil_rvalid,
    input  wire         s_axil_rready,
    // its external memory
    output wire [3:0]   m_axi_awid,
    output wire [31:0]  m_axi_awaddr,
    output wire [7:0]   m_axi_awlen,
    output wire [2:0]   m_axi_awsize,
    output wire [1:0]   m_axi_awburst,
    output wire         m_axi_awvalid,
    input  wire         m_axi_awready,
    output wire [511:0] m_axi_wdata,
    output wire [63:0]  m_axi_wstrb,
    output wire         m_axi_wlast,
    output wire         m_axi_wvalid,
    input  wire         m_axi_wready,
    input  wire [3:0]   m_axi_bid,
    input  wire [1:0]   m_axi_bresp,
    input  wire         m_axi_bvalid,
    output wire         m_axi_bready,
    output wire [3:0]   m_axi_arid,
    output wire [31:0]  m_axi_araddr,
    output wire [7:0]   m_axi_arlen,
    output wire [2:0]   m_axi_arsize,
    output wire [1:0]   m_axi_arburst,
    output wire         m_axi_arvalid,
    input  wire         m_axi_arready,
    input  wire [3:0]   m_axi_rid,
    input  wire [511:0] m_axi_rdata,
    input  wire [1:0]   m_axi_rresp,
    input  wire         m_axi_rlast,
    input  wire         m_axi_rvalid,
    output wire         m_axi_rready
);
    localparam SIDE_W = WORD_W + (SHELL != 0 ? 0 : 64);

    generate
        if (BEAT_W != WORD_W + 656 || WORD_W < 1 || WORD_W > 96 || (SHELL == 0 && WORD_W != 41)) begin : g_illegal
            nic_path_illegal_parameter u_stop ();
        end
    endgenerate

    // --- one order
    wire               one_valid;
    wire               one_ready;
    wire               one_last;
    wire [3:0]         one_port;
    wire [WORD_W-1:0]  one_word;
    wire [31:0]        one_ifindex;
    wire [31:0]        one_rand;
    wire [63:0]        one_time;
    wire [15:0]        one_len;
    wire [511:0]       one_data;
    wire [7:0]         one_queue;
    wire [SIDE_W-1:0]  one_side;
    wire [63:0]        one_keep = one_last && one_len[5:0] != 6'd0 ? ~({64{1'b1}} << one_len[5:0]) : {64{1'b1}};
    wire [`SPEC_IN_TUSER_BITS-1:0] one_user;
    assign one_user[`SPEC_IN_TIME_LSB +: `SPEC_IN_TIME_BITS] = one_time;
    assign one_user[`SPEC_IN_RAND_LSB +: `SPEC_IN_RAND_BITS] = one_rand;
    assign one_user[`SPEC_IN_IFINDEX_LSB +: `SPEC_IN_IFINDEX_BITS] = one_ifindex;
    assign one_user[`SPEC_IN_QUEUE_LSB +: `SPEC_IN_QUEUE_BITS] = {8'd0, one_queue};
    assign one_user[`SPEC_IN_LEN_LSB +: `SPEC_IN_LEN_BITS] = one_len;
    assign one_user[`SPEC_IN_EGRESS_LSB +: `SPEC_IN_EGRESS_BITS] = {`SPEC_IN_EGRESS_BITS{1'b0}};

    nic_merge #(.PORTS(PORTS), .WIDTH(BEAT_W)) u_merge (
        .clk(clk), .rst(rst), .s_valid_i(s_valid_i), .s_ready_o(s_ready_o), .s_last_i(s_last_i), .s_data_i(s_beat_i),
        .m_valid_o(one_valid), .m_ready_i(one_ready), .m_last_o(one_last), .m_port_o(one_port),
        .m_data_o({one_word, one_ifindex, one_rand, one_time, one_len, one_data}));
    assign waiting_o = one_valid;

    // --- what goes past the program
    wire               enter_valid;
    wire               enter_ready;
    wire               side_valid;
    wire               side_pop;
    wire [3:0]         side_port;
    wire [SIDE_W-1:0]  side;
    wire [7:0]         side_queue;
    wire               side_hashed;
    wire [31:0]        side_hash;
    wire [63:0]        side_time;
    wire [63:0]        side_number;

    nic_beside #(.WIDTH(4 + SIDE_W), .PACKETS(INSIDE)) u_beside (
        .clk(clk), .rst(rst), .clear_i(clear_i), .watchdog_i(watchdog_i), .s_valid_i(one_valid), .s_ready_o(one_ready),
        .s_last_i(one_last), .s_data_i({one_port, one_side}), .m_valid_o(enter_valid), .m_ready_i(enter_ready),
        .valid_o(side_valid), .pop_i(side_pop), .data_o({side_port, side}), .number_o(side_number),
        .inside_o(inside_o), .hung_o(hung_o));

    // --- the slot
    wire               in_valid;
    wire               in_ready;
    wire [511:0]       slot_data;
    wire [63:0]        slot_keep;
    wire               slot_valid;
    wire               slot_ready;
    wire               slot_last;
    wire [`SPEC_OUT_TUSER_BITS-1:0] slot_user;
    wire [511:0]       out_data;
    wire               out_valid;
    wire               out_ready;
    wire               out_last;
    wire [`SPEC_OUT_TUSER_BITS-1:0] out_user;

    sluice_dut u_slot (
        .clk(clk), .rst(rst), .s_axis_tdata(one_data), .s_axis_tkeep(one_keep), .s_axis_tvalid(in_valid),
        .s_axis_tready(in_ready), .s_axis_tlast(one_last), .s_axis_tuser(one_user),
        .m_axis_tdata(slot_data), .m_axis_tkeep(slot_keep), .m_axis_tvalid(slot_valid),
        .m_axis_tready(slot_ready), .m_axis_tlast(slot_last), .m_axis_tuser(slot_user),
        .s_axil_awaddr(s_axil_awaddr), .s_axil_awvalid(s_axil_awvalid), .s_axil_awready(s_axil_awready),
        .s_axil_wdata(s_axil_wdata), .s_axil_wstrb(s_axil_wstrb), .s_axil_wvalid(s_axil_wvalid),
        .s_axil_wready(s_axil_wready), .s_axil_bresp(s_axil_bresp), .s_axil_bvalid(s_axil_bvalid),
        .s_axil_bready(s_axil_bready), .s_axil_araddr(s_axil_araddr), .s_axil_arvalid(s_axil_arvalid),
        .s_axil_arready(s_axil_arready), .s_axil_rdata(s_axil_rdata), .s_axil_rresp(s_axil_rresp),
        .s_axil_rvalid(s_axil_rvalid), .s_axil_rready(s_axil_rready)
`ifndef SLUICE_SLOT_NO_MEMORY
        , .m_axi_awid(m_axi_awid),
        .m_axi_awaddr(m_axi_awaddr), .m_axi_awlen(m_axi_awlen), .m_axi_awsize(m_axi_awsize),
        .m_axi_awburst(m_axi_awburst), .m_axi_awvalid(m_axi_awvalid), .m_axi_awready(m_axi_awready),
        .m_axi_wdata(m_axi_wdata), .m_axi_wstrb(m_axi_wstrb), .m_axi_wlast(m_axi_wlast),
        .m_axi_wvalid(m_axi_wvalid), .m_axi_wready(m_axi_wready), .m_axi_bid(m_axi_bid),
        .m_axi_bresp(m_axi_bresp), .m_axi_bvalid(m_axi_bvalid), .m_axi_bready(m_axi_bready),
        .m_axi_arid(m_axi_arid), .m_axi_araddr(m_axi_araddr), .m_axi_arlen(m_axi_arlen),
        .m_axi_arsize(m_axi_arsize), .m_axi_arburst(m_axi_arburst), .m_axi_arvalid(m_axi_arvalid),
        .m_axi_arready(m_axi_arready), .m_axi_rid(m_axi_rid), .m_axi_rdata(m_axi_rdata),
        .m_axi_rresp(m_axi_rresp), .m_axi_rlast(m_axi_rlast), .m_axi_rvalid(m_axi_rvalid),
        .m_axi_rready(m_axi_rready)
`endif
    );
`ifdef SLUICE_SLOT_NO_MEMORY // a pipeline whose maps all lie on the chip has no port m_axi
    assign {m_axi_awid, m_axi_awaddr, m_axi_awlen, m_axi_awsize, m_axi_awburst, m_axi_awvalid} = 0;
    assign {m_axi_wdata, m_axi_wstrb, m_axi_wlast, m_axi_wvalid, m_axi_bready} = 0;
    assign {m_axi_arid, m_axi_araddr, m_axi_arlen, m_axi_arsize, m_axi_arburst, m_axi_arvalid, m_axi_rready} = 0;
`endif

    generate
        if (SHELL != 0) begin : g_shell
            assign one_queue = 8'd0;
            assign one_side = one_word;
            assign side_queue = 8'd0;
            assign {side_hash, side_time} = {{96 - WORD_W{1'b0}}, side};
            nic_past u_past (
                .clk(clk), .rst(rst), .on_i(on_i), .inside_i(inside_o), .through_o(side_hashed), .s_valid_i(enter_valid),
                .s_ready_o(enter_ready), .s_last_i(one_last), .s_data_i(one_data), .s_len_i(one_len),
                .slot_valid_o(in_valid), .slot_ready_i(in_ready), .slot_valid_i(slot_valid), .slot_ready_o(slot_ready),
                .slot_last_i(slot_last), .slot_data_i(slot_data), .slot_user_i(slot_user), .m_valid_o(out_valid),
                .m_ready_i(out_ready), .m_last_o(out_last), .m_data_o(out_data), .m_user_o(out_user));
        end else begin : g_nic
            assign one_queue = one_word[40:33];
            assign one_side = {one_word, one_time};
            assign {side_queue, side_hashed, side_hash, side_time} = side;
            assign in_valid = enter_valid;
            assign enter_ready = in_ready;
            assign out_valid = slot_valid;
            assign slot_ready = out_ready;
            assign out_last = slot_last;
            assign out_data = slot_data;
            assign out_user = slot_user;
            wire unused_nic = &{1'b0, on_i};
        end
    endgenerate

    // --- verdicts
    clock_gate u_gate (.clk(clk), .rst(rst), .on_i(wake_i || out_valid || verdict_busy_o), .clk_o(clk_verdict_o));
    nic_verdict #(.PORTS(PORTS), .QUEUES(QUEUES), .TARGETS(TARGETS)) u_verdict (
        .clk(clk_verdict_o), .rst(rst), .to_host_i(to_host_i), .ifindex_i(ifindex_i), .table_we_i(table_we_i),
        .table_index_i(table_index_i), .table_data_i(table_data_i), .table_rindex_i(table_rindex_i),
        .table_rdata_o(table_rdata_o), .s_axis_tdata(out_data), .s_axis_tvalid(out_valid), .s_axis_tready(out_ready),
        .s_axis_tlast(out_last), .s_axis_tuser(out_user), .side_valid_i(side_valid), .side_ready_o(side_pop),
        .side_port_i(side_port), .side_queue_i(side_queue), .side_hashed_i(side_hashed), .side_hash_i(side_hash),
        .side_time_i(side_time), .side_number_i(side_number), .h_valid_o(h_valid_o), .h_ready_i(h_ready_i),
        .h_data_o(h_data_o), .h_tail_o(h_tail_o), .h_last_o(h_last_o), .h_ring_o(h_ring_o), .h_total_o(h_total_o),
        .h_ret_o(h_ret_o), .h_port_o(h_port_o), .h_hashed_o(h_hashed_o), .h_hash_o(h_hash_o), .h_meta_o(h_meta_o),
        .h_number_o(h_number_o), .h_time_o(h_time_o), .h_redirect_o(h_redirect_o), .t_valid_o(t_valid_o),
        .t_ready_i(t_ready_i), .t_data_o(t_data_o), .t_at_o(t_at_o), .t_bytes_o(t_bytes_o), .t_last_o(t_last_o),
        .t_port_o(t_port_o), .count_o(count_o), .no_target_o(no_target_o), .busy_o(verdict_busy_o));

    wire unused = &{1'b0, slot_keep};
endmodule
`default_nettype wire
