// SPDX-License-Identifier: BSD-3-Clause
// The device with one or several VLIW cores: registers, cores, one value memory, the hash and the LPM engine, and the host's
// mailbox to them. Its name and its ports are those of every device (docs/hardware.md): simulation and drivers know no others, and a
// generated pipeline brings a module of this name of its own. Only in simulation, where SLUICE_TRACE is defined, there is
// one more port: the rows that retire.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
// A NIC around this module says nothing of its inside, which may be a generated pipeline's: a macro tells how many cores there are.
`ifndef SLUICE_CORES
`define SLUICE_CORES 1
`endif
module sluice_dut #(
    parameter CORES = `SLUICE_CORES,                      // VLIW cores, a power of two, up to SPEC_CORES_MAX; more than one: EXT_LINES is 0
    parameter SLOT_W = 4,                                 // log2 of the packet buffers: 3 to 6
    parameter ROWS = `SPEC_ROWS,                          // rows of a program bank, a power of two
    parameter VMEM_BYTES = `SPEC_CORE_VMEM_BYTES,         // value memory, a power of two
    parameter HASH_ENTRIES = `SPEC_CORE_HASH_ENTRIES,     // of all hash maps, a power of two
    parameter HASH_BUCKETS = `SPEC_CORE_HASH_BUCKETS,     // of all hash maps, a power of two
    parameter LPM_ENTRIES = `SPEC_CORE_LPM_ENTRIES,       // of all LPM maps, a power of two
    parameter LPM_BUCKETS = `SPEC_CORE_LPM_BUCKETS,       // of all LPM maps, a power of two
    parameter LPM_CELLS = `SPEC_CORE_LPM_CELLS,           // of a prefix length, a power of two
    parameter EVENTS = 1,                                 // 1: packets may leave with an event area, 0: never
    parameter EXT_LINES = 0,                              // cache before external memory: a power of two, 16 to 65536; 0: none
    parameter FAR_LRU = `SPEC_CORE_FAR_LRU                // of all LRU maps with keys in external memory
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
    output wire         m_axi_rready,
`ifdef SLUICE_TRACE
    output wire [CORES*`UCODE_RETIRE_BITS-1:0] trace_o,
`endif
    input  wire         s_axil_rready
);
`ifndef SLUICE_TRACE
    wire [CORES*`UCODE_RETIRE_BITS-1:0] trace_o;
    wire                          unused_trace = &{1'b0, trace_o};
`endif
    localparam KEY_BYTES = `SPEC_HW_KEY_BYTES;
    localparam VALUE_BYTES = `SPEC_HW_VALUE_BYTES;
    localparam WHO_W = 3 + $clog2(CORES);   // core and context
    localparam TAG_W = WHO_W + 1;       // highest bit: the mailbox; otherwise core and context
    localparam COUNT_W = $clog2(CORES + 1);

    // --- registers
    wire          enable;
    wire          hold;
    wire          held;
    wire          resume;
    wire          bank;
    wire [8:0]    headroom;
    wire [7:0]    tokens;
    wire          packet_in;
    wire          packet_out;
    wire [COUNT_W-1:0] stalls;
    wire [COUNT_W-1:0] rows;
    wire [63:0]   row_limit;
    wire [COUNT_W-1:0] limited;
    wire          prog_we;
    wire          prog_bank;
    wire [11:0]   prog_row;
    wire [`UCODE_ROW_BITS-1:0] prog_data;
    wire          mbox_valid;
    wire [3:0]    mbox_cmd;
    wire [7:0]    mbox_map;
    wire [31:0]   mbox_addr;
    wire [31:0]   mbox_flags;
    wire [511:0]  mbox_key;
    wire [2047:0] mbox_value;
    wire [5:0]    mbox_count;
    wire [63:0]   mbox_word;
    wire          mbox_step;
    wire          mbox_done;
    wire [31:0]   mbox_status;
    wire [31:0]   mbox_result;
    wire [511:0]  mbox_key_back;
    wire [63:0]   mbox_value_back;
    wire          unused_tokens = &{1'b0, tokens};   // for the host: rows carry their own needs

    csr_block #(
        .KIND(1), .STAGES(ROWS), .HAS_PROGRAM(1), .EXT_LINES(EXT_LINES), .CORES(CORES), .COUNT_W(COUNT_W)
    ) u_csr (
        .clk(clk), .rst(rst),
        .s_axil_awaddr(s_axil_awaddr), .s_axil_awvalid(s_axil_awvalid),
        .s_axil_awready(s_axil_awready), .s_axil_wdata(s_axil_wdata), .s_axil_wstrb(s_axil_wstrb),
        .s_axil_wvalid(s_axil_wvalid), .s_axil_wready(s_axil_wready), .s_axil_bresp(s_axil_bresp),
        .s_axil_bvalid(s_axil_bvalid), .s_axil_bready(s_axil_bready), .s_axil_araddr(s_axil_araddr),
        .s_axil_arvalid(s_axil_arvalid), .s_axil_arready(s_axil_arready),
        .s_axil_rdata(s_axil_rdata), .s_axil_rresp(s_axil_rresp), .s_axil_rvalid(s_axil_rvalid),
        .s_axil_rready(s_axil_rready),
        .enable_o(enable), .bank_o(bank), .headroom_o(headroom), .tokens_o(tokens),
        .row_limit_o(row_limit), .packet_in_i(packet_in), .packet_out_i(packet_out),
        .stall_i(stalls), .row_i(rows), .limited_i(limited),
        .hold_o(hold), .held_i(held), .resume_o(resume),
        .prog_we_o(prog_we), .prog_bank_o(prog_bank), .prog_row_o(prog_row),
        .prog_data_o(prog_data), .mbox_valid_o(mbox_valid), .mbox_cmd_o(mbox_cmd),
        .mbox_map_o(mbox_map), .mbox_addr_o(mbox_addr), .mbox_flags_o(mbox_flags),
        .mbox_key_o(mbox_key), .mbox_value_o(mbox_value), .mbox_count_o(mbox_count),
        .mbox_word_o(mbox_word), .mbox_step_i(mbox_step), .mbox_done_i(mbox_done),
        .mbox_status_i(mbox_status), .mbox_result_i(mbox_result), .mbox_key_i(mbox_key_back),
        .mbox_value_i(mbox_value_back));

    // --- map descriptors: the core keeps what it needs of them
    localparam CPUS_LSB = 32 * `SPEC_MAPDESC_CPUS;
    localparam BASE_LSB = 32 * `SPEC_MAPDESC_VMEM_BASE;
    localparam KEY_LSB = 32 * `SPEC_MAPDESC_KEY_BYTES;
    wire        cfg_we = mbox_done && mbox_cmd == `SPEC_MBOX_CONFIG && mbox_status == 32'd0 &&
                         mbox_map < `SPEC_HW_MAPS;
    reg  [31:0] per_cpu_q;              // the map has a value for each CPU

    always @(posedge clk) begin
        if (cfg_we) per_cpu_q[mbox_map[4:0]] <= mbox_value[CPUS_LSB +: 32] > 32'd1;
        if (rst) per_cpu_q <= 32'd0;
    end

    // --- cores
    wire          b_valid;
    wire          b_ready;
    wire          a_valid;
    wire [1:0]    a_op;
    wire [3:0]    a_atomic;
    wire [3:0]    a_size;
    wire [31:0]   a_addr;
    wire [63:0]   a_data;
    wire [63:0]   a_expect;
    wire [63:0]   r_data;
    wire [2:0]    a_ctx;
    wire [7:0]    ext_wait;
    wire          ext_done;
    wire [31:0]   base;
    wire          c_req_valid;
    wire          c_req_ready;
    wire [2:0]    c_req_op;
    wire [7:0]    c_req_map;
    wire [7:0]    c_req_cpu;
    wire [511:0]  c_req_key;
    wire [2047:0] c_req_value;
    wire [63:0]   c_req_flags;
    wire [WHO_W-1:0] c_req_who;
    wire          resp_valid;
    wire [TAG_W-1:0] resp_tag;
    wire [31:0]   resp_status;
    wire [31:0]   resp_addr;
    wire [511:0]  resp_key;

    core_cluster #(
        .CORES(CORES), .WHO_W(WHO_W), .COUNT_W(COUNT_W), .SLOT_W(SLOT_W), .ROWS(ROWS), .EVENTS(EVENTS),
        .EXT(EXT_LINES != 0)
    ) u_cores (
        .clk(clk), .rst(rst),
        .s_axis_tdata(s_axis_tdata), .s_axis_tkeep(s_axis_tkeep), .s_axis_tvalid(s_axis_tvalid),
        .s_axis_tready(s_axis_tready), .s_axis_tlast(s_axis_tlast), .s_axis_tuser(s_axis_tuser),
        .m_axis_tdata(m_axis_tdata), .m_axis_tkeep(m_axis_tkeep), .m_axis_tvalid(m_axis_tvalid),
        .m_axis_tready(m_axis_tready), .m_axis_tlast(m_axis_tlast), .m_axis_tuser(m_axis_tuser),
        .enable_i(enable), .bank_i(bank), .headroom_i(headroom), .packet_in_o(packet_in),
        .packet_out_o(packet_out), .stalls_o(stalls), .rows_o(rows), .row_limit_i(row_limit),
        .limited_o(limited), .hold_i(hold), .held_o(held), .resume_i(resume), .prog_we_i(prog_we),
        .prog_bank_i(prog_bank), .prog_row_i(prog_row), .prog_data_i(prog_data),
        .cfg_we_i(cfg_we), .cfg_map_i(mbox_map[4:0]), .cfg_base_i(mbox_value[BASE_LSB +: 32]),
        .base_map_i(mbox_map[4:0]), .base_o(base),
        .a_valid_o(a_valid), .a_op_o(a_op), .a_atomic_o(a_atomic), .a_size_o(a_size),
        .a_addr_o(a_addr), .a_data_o(a_data), .a_expect_o(a_expect), .r_data_i(r_data), .b_waits_i(b_valid && !b_ready), .a_ctx_o(a_ctx),
        .ext_wait_i(ext_wait), .ext_done_i(ext_done),
        .req_valid_o(c_req_valid), .req_ready_i(c_req_ready), .req_op_o(c_req_op),
        .req_map_o(c_req_map), .req_cpu_o(c_req_cpu), .req_key_o(c_req_key),
        .req_value_o(c_req_value), .req_flags_o(c_req_flags), .req_who_o(c_req_who),
        .resp_valid_i(resp_valid && !resp_tag[WHO_W]), .resp_who_i(resp_tag[WHO_W-1:0]),
        .resp_status_i(resp_status), .resp_addr_i(resp_addr), .trace_o(trace_o));

    // --- mailbox
    wire          cfg_valid;
    wire          cfg_ready;
    wire [7:0]    cfg_map;
    wire [319:0]  cfg_desc;
    wire          m_req_valid;
    wire          m_req_ready;
    wire [2:0]    m_req_op;
    wire [7:0]    m_req_map;
    wire [7:0]    m_req_cpu;
    wire [511:0]  m_req_key;
    wire [2047:0] m_req_value;
    wire [63:0]   m_req_flags;
    wire [31:0]   m_req_entry;
    wire          w_valid;
    wire          w_ready;
    wire [31:0]   w_addr;
    wire [63:0]   w_data;
    wire [7:0]    w_strb;
    wire          b_write;
    wire [31:0]   b_addr;
    wire [63:0]   b_data;
    wire [7:0]    b_strb;
    wire          b_rvalid;
    wire [63:0]   b_rdata;

    map_mailbox #(.HAS_HASH(1), .KEY_BYTES(KEY_BYTES), .VALUE_BYTES(VALUE_BYTES)) u_mailbox (
        .clk(clk), .rst(rst), .mbox_valid_i(mbox_valid), .mbox_cmd_i(mbox_cmd),
        .mbox_map_i(mbox_map), .mbox_addr_i(mbox_addr), .mbox_flags_i(mbox_flags),
        .mbox_key_i(mbox_key), .mbox_value_i(mbox_value), .mbox_count_i(mbox_count),
        .mbox_word_i(mbox_word), .mbox_step_o(mbox_step), .base_i(base), .mbox_done_o(mbox_done),
        .mbox_status_o(mbox_status), .mbox_result_o(mbox_result), .mbox_key_o(mbox_key_back),
        .mbox_value_o(mbox_value_back), .cfg_valid_o(cfg_valid), .cfg_ready_i(cfg_ready),
        .cfg_map_o(cfg_map), .cfg_desc_o(cfg_desc), .req_valid_o(m_req_valid),
        .req_ready_i(m_req_ready), .req_op_o(m_req_op), .req_map_o(m_req_map),
        .req_cpu_o(m_req_cpu), .req_key_o(m_req_key), .req_value_o(m_req_value),
        .req_flags_o(m_req_flags), .req_entry_o(m_req_entry),
        .resp_valid_i(resp_valid && resp_tag[WHO_W]), .resp_status_i(resp_status),
        .resp_addr_i(resp_addr), .resp_key_i(resp_key), .w_valid_i(w_valid), .w_ready_o(w_ready),
        .w_addr_i(w_addr), .w_data_i(w_data), .w_strb_i(w_strb), .b_valid_o(b_valid),
        .b_ready_i(b_ready), .b_write_o(b_write), .b_addr_o(b_addr), .b_data_o(b_data),
        .b_strb_o(b_strb), .b_rvalid_i(b_rvalid), .b_rdata_i(b_rdata));

    // --- engines that hold keys: the mailbox goes first, but what has been offered stays
    reg           held_q;
    reg           held_mbox_q;
    wire          mbox_turn = held_q ? held_mbox_q : m_req_valid;
    wire          req_valid = mbox_turn ? m_req_valid : c_req_valid;
    wire          req_ready;
    wire [7:0]    c_cpu = per_cpu_q[c_req_map[4:0]] ? c_req_cpu : 8'd0;
    wire [511:0]  c_key;

    core_keymask u_keymask (
        .clk(clk), .cfg_we_i(cfg_we), .cfg_map_i(mbox_map[4:0]),
        .cfg_key_bytes_i(mbox_value[KEY_LSB +: 7]), .map_i(c_req_map[4:0]), .key_i(c_req_key),
        .key_o(c_key));

    always @(posedge clk) begin
        held_q <= req_valid && !req_ready;
        held_mbox_q <= mbox_turn;
        if (rst) held_q <= 1'b0;
    end

    assign m_req_ready = req_ready && mbox_turn;
    assign c_req_ready = req_ready && !mbox_turn;

    wire [3:0]    k_awid, k_arid;
    wire [31:0]   k_awaddr, k_araddr;
    wire [511:0]  k_wdata;
    wire          k_awvalid, k_awready, k_wvalid, k_wready, k_bvalid, k_bready;
    wire          k_arvalid, k_arready, k_rvalid, k_rready;

    map_keys #(
        .MAPS(`SPEC_HW_MAPS), .KEY_BYTES(KEY_BYTES), .VALUE_BYTES(VALUE_BYTES),
        .HASH_ENTRIES(HASH_ENTRIES), .HASH_BUCKETS(HASH_BUCKETS), .LPM_ENTRIES(LPM_ENTRIES),
        .LPM_BUCKETS(LPM_BUCKETS), .LPM_CELLS(LPM_CELLS), .TAG_W(TAG_W), .REQUESTS(16 * CORES),
        .FAR(EXT_LINES != 0), .FAR_LRU(FAR_LRU)
    ) u_keys (
        .clk(clk), .rst(rst), .cfg_valid_i(cfg_valid), .cfg_ready_o(cfg_ready),
        .cfg_map_i(cfg_map), .cfg_desc_i(cfg_desc), .req_valid_i(req_valid),
        .req_ready_o(req_ready), .req_op_i(mbox_turn ? m_req_op : c_req_op),
        .req_map_i(mbox_turn ? m_req_map : c_req_map), .req_cpu_i(mbox_turn ? m_req_cpu : c_cpu),
        .req_key_i(mbox_turn ? m_req_key : c_key),
        .req_value_i(mbox_turn ? m_req_value : c_req_value),
        .req_flags_i(mbox_turn ? m_req_flags : c_req_flags), .req_entry_i(m_req_entry),
        .req_tag_i({mbox_turn, c_req_who}), .resp_valid_o(resp_valid), .resp_tag_o(resp_tag),
        .resp_status_o(resp_status), .resp_addr_o(resp_addr), .resp_key_o(resp_key),
        .w_valid_o(w_valid), .w_ready_i(w_ready), .w_addr_o(w_addr), .w_data_o(w_data),
        .w_strb_o(w_strb), .m_axi_awid(k_awid), .m_axi_awaddr(k_awaddr), .m_axi_awvalid(k_awvalid),
        .m_axi_awready(k_awready), .m_axi_wdata(k_wdata), .m_axi_wvalid(k_wvalid),
        .m_axi_wready(k_wready), .m_axi_bid(m_axi_bid), .m_axi_bresp(m_axi_bresp),
        .m_axi_bvalid(k_bvalid), .m_axi_bready(k_bready), .m_axi_arid(k_arid),
        .m_axi_araddr(k_araddr), .m_axi_arvalid(k_arvalid), .m_axi_arready(k_arready),
        .m_axi_rid(m_axi_rid), .m_axi_rdata(m_axi_rdata), .m_axi_rresp(m_axi_rresp),
        .m_axi_rvalid(k_rvalid), .m_axi_rready(k_rready));

    // --- map values: port A always takes, and answers at a fixed time
    wire          a_ready;
    wire          r_valid;
    wire          r_tag;
    wire          unused_a = &{1'b0, a_ready, r_valid, r_tag};
    wire          a_ext = EXT_LINES != 0 && a_addr[31];
    wire          b_ext = EXT_LINES != 0 && b_addr[31];
    wire [63:0]   chip_data;
    wire          chip_ready;
    wire          chip_rvalid;
    wire [63:0]   chip_rdata;
    wire [63:0]   ext_data;
    wire          ext_ready;
    wire          ext_rvalid;
    wire [63:0]   ext_rdata;

    map_vmem #(.BYTES(VMEM_BYTES), .TAG_W(1)) u_vmem (
        .clk(clk), .rst(rst), .a_valid_i(a_valid && !a_ext), .a_ready_o(a_ready), .a_op_i(a_op),
        .a_atomic_i(a_atomic), .a_size_i(a_size), .a_addr_i(a_addr), .a_data_i(a_data),
        .a_expect_i(a_expect), .a_tag_i(1'b0), .r_valid_o(r_valid), .r_tag_o(r_tag),
        .r_data_o(chip_data), .b_valid_i(b_valid && !b_ext), .b_ready_o(chip_ready),
        .b_write_i(b_write), .b_addr_i(b_addr), .b_data_i(b_data), .b_strb_i(b_strb),
        .b_rvalid_o(chip_rvalid), .b_rdata_o(chip_rdata));

    assign r_data = ext_done ? ext_data : chip_data;
    assign b_ready = b_ext ? ext_ready : chip_ready;
    assign b_rvalid = chip_rvalid || ext_rvalid;
    assign b_rdata = ext_rvalid ? ext_rdata : chip_rdata;

    // --- external memory: of values behind a cache, and keys
    assign m_axi_awlen = 8'd0;
    assign m_axi_awsize = 3'd6;
    assign m_axi_awburst = 2'd1;
    assign m_axi_wstrb = {64{1'b1}};
    assign m_axi_wlast = 1'b1;
    assign m_axi_arlen = 8'd0;
    assign m_axi_arsize = 3'd6;
    assign m_axi_arburst = 2'd1;

    generate
        if (EXT_LINES != 0) begin : g_ext
            wire unused_ext = &{1'b0, m_axi_rlast};
            wire [3:0]   v_awid, v_arid;
            wire [31:0]  v_awaddr, v_araddr;
            wire [511:0] v_wdata;
            wire         v_awvalid, v_awready, v_wvalid, v_wready, v_bvalid, v_bready;
            wire         v_arvalid, v_arready, v_rvalid, v_rready;

            map_ext #(.LINES(EXT_LINES)) u_ext (
                .clk(clk), .rst(rst), .a_valid_i(a_valid && a_ext), .a_ctx_i(a_ctx), .a_op_i(a_op),
                .a_atomic_i(a_atomic), .a_size_i(a_size), .a_addr_i(a_addr), .a_data_i(a_data),
                .a_expect_i(a_expect), .wait_o(ext_wait), .r_valid_o(ext_done), .r_data_o(ext_data),
                .b_valid_i(b_valid && b_ext), .b_ready_o(ext_ready), .b_write_i(b_write),
                .b_addr_i(b_addr), .b_data_i(b_data), .b_rvalid_o(ext_rvalid),
                .b_rdata_o(ext_rdata), .m_axi_awid(v_awid), .m_axi_awaddr(v_awaddr),
                .m_axi_awvalid(v_awvalid), .m_axi_awready(v_awready), .m_axi_wdata(v_wdata),
                .m_axi_wvalid(v_wvalid), .m_axi_wready(v_wready), .m_axi_bid(m_axi_bid),
                .m_axi_bresp(m_axi_bresp), .m_axi_bvalid(v_bvalid), .m_axi_bready(v_bready),
                .m_axi_arid(v_arid), .m_axi_araddr(v_araddr), .m_axi_arvalid(v_arvalid),
                .m_axi_arready(v_arready), .m_axi_rid(m_axi_rid), .m_axi_rdata(m_axi_rdata),
                .m_axi_rresp(m_axi_rresp), .m_axi_rvalid(v_rvalid), .m_axi_rready(v_rready));

            map_axi_join u_join (
                .clk(clk), .rst(rst), .a_awid(v_awid), .a_awaddr(v_awaddr), .a_awvalid(v_awvalid),
                .a_awready(v_awready), .a_wdata(v_wdata), .a_wvalid(v_wvalid), .a_wready(v_wready),
                .a_bvalid(v_bvalid), .a_bready(v_bready), .a_arid(v_arid), .a_araddr(v_araddr),
                .a_arvalid(v_arvalid), .a_arready(v_arready), .a_rvalid(v_rvalid),
                .a_rready(v_rready), .b_awid(k_awid), .b_awaddr(k_awaddr), .b_awvalid(k_awvalid),
                .b_awready(k_awready), .b_wdata(k_wdata), .b_wvalid(k_wvalid), .b_wready(k_wready),
                .b_bvalid(k_bvalid), .b_bready(k_bready), .b_arid(k_arid), .b_araddr(k_araddr),
                .b_arvalid(k_arvalid), .b_arready(k_arready), .b_rvalid(k_rvalid),
                .b_rready(k_rready), .m_axi_awid(m_axi_awid), .m_axi_awaddr(m_axi_awaddr),
                .m_axi_awvalid(m_axi_awvalid), .m_axi_awready(m_axi_awready),
                .m_axi_wdata(m_axi_wdata), .m_axi_wvalid(m_axi_wvalid), .m_axi_wready(m_axi_wready),
                .m_axi_bid(m_axi_bid), .m_axi_bvalid(m_axi_bvalid), .m_axi_bready(m_axi_bready),
                .m_axi_arid(m_axi_arid), .m_axi_araddr(m_axi_araddr),
                .m_axi_arvalid(m_axi_arvalid), .m_axi_arready(m_axi_arready),
                .m_axi_rid(m_axi_rid), .m_axi_rvalid(m_axi_rvalid), .m_axi_rready(m_axi_rready));
        end else begin : g_no_ext
            wire unused_ext = &{1'b0, a_ctx, m_axi_awready, m_axi_wready, m_axi_bid, m_axi_bresp,
                                m_axi_bvalid, m_axi_arready, m_axi_rid, m_axi_rdata, m_axi_rresp,
                                m_axi_rlast, m_axi_rvalid, ext_data, ext_ready, ext_rdata, k_awid,
                                k_awaddr, k_awvalid, k_wdata, k_wvalid, k_bready, k_arid, k_araddr,
                                k_arvalid, k_rready};

            assign {k_awready, k_wready, k_bvalid, k_arready, k_rvalid} = 5'd0;
            assign ext_wait = 8'd0;
            assign ext_done = 1'b0;
            assign ext_data = 64'd0;
            assign ext_ready = 1'b0;
            assign ext_rvalid = 1'b0;
            assign ext_rdata = 64'd0;
            assign m_axi_awid = 4'd0;
            assign m_axi_awaddr = 32'd0;
            assign m_axi_awvalid = 1'b0;
            assign m_axi_wdata = 512'd0;
            assign m_axi_wvalid = 1'b0;
            assign m_axi_bready = 1'b0;
            assign m_axi_arid = 4'd0;
            assign m_axi_araddr = 32'd0;
            assign m_axi_arvalid = 1'b0;
            assign m_axi_rready = 1'b0;
        end
    endgenerate
endmodule
`default_nettype wire
