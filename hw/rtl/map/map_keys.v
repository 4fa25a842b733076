// SPDX-License-Identifier: BSD-3-Clause
// The core's engines that hold keys, map_hash, map_lpm and, with FAR, map_hash_far, behind one port:
// a map belongs to the one that its descriptor names, when it is configured. Keys of a hash map are
// in external memory if bit 31 of ENTRY_BASE is set.
//
// Contract: that of map_hash, but answers of different engines pass each other, as do those of
// map_hash_far. Latency and throughput: those of the engine; an answer of another engine waits
// while the hash engine gives one, in a queue for REQUESTS, as many as may be inside.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none

module map_keys #(
    parameter MAPS         = 2,
    parameter KEY_BYTES    = 64,   // of the hash engine, at least that of LPM maps
    parameter VALUE_BYTES  = 256,
    parameter HASH_ENTRIES = 64,
    parameter HASH_BUCKETS = 32,
    parameter LPM_ENTRIES  = 64,
    parameter LPM_BUCKETS  = 32,
    parameter LPM_CELLS    = 64,
    parameter TAG_W        = 4,
    parameter REQUESTS     = 16,   // a power of two
    parameter FAR          = 0,    // 1: there is external memory for keys
    parameter FAR_LRU      = 16    // entries of LRU maps there
) (
    input  wire                     clk,
    input  wire                     rst,

    input  wire                     cfg_valid_i,
    output wire                     cfg_ready_o,
    input  wire [7:0]               cfg_map_i,
    input  wire [319:0]             cfg_desc_i,

    input  wire                     req_valid_i,
    output wire                     req_ready_o,
    input  wire [2:0]               req_op_i,
    input  wire [7:0]               req_map_i,
    input  wire [7:0]               req_cpu_i,
    input  wire [8*KEY_BYTES-1:0]   req_key_i,
    input  wire [8*VALUE_BYTES-1:0] req_value_i,
    input  wire [63:0]              req_flags_i,
    input  wire [31:0]              req_entry_i,
    input  wire [TAG_W-1:0]         req_tag_i,

    output wire                     resp_valid_o,
    output wire [TAG_W-1:0]         resp_tag_o,
    output wire [31:0]              resp_status_o,
    output wire [31:0]              resp_addr_o,
    output wire [8*KEY_BYTES-1:0]   resp_key_o,

    output wire                     w_valid_o,
    input  wire                     w_ready_i,
    output wire [31:0]              w_addr_o,
    output wire [63:0]              w_data_o,
    output wire [7:0]               w_strb_o,

    output wire [3:0]               m_axi_awid,
    output wire [31:0]              m_axi_awaddr,
    output wire                     m_axi_awvalid,
    input  wire                     m_axi_awready,
    output wire [511:0]             m_axi_wdata,
    output wire                     m_axi_wvalid,
    input  wire                     m_axi_wready,
    input  wire [3:0]               m_axi_bid,
    input  wire [1:0]               m_axi_bresp,
    input  wire                     m_axi_bvalid,
    output wire                     m_axi_bready,
    output wire [3:0]               m_axi_arid,
    output wire [31:0]              m_axi_araddr,
    output wire                     m_axi_arvalid,
    input  wire                     m_axi_arready,
    input  wire [3:0]               m_axi_rid,
    input  wire [511:0]             m_axi_rdata,
    input  wire [1:0]               m_axi_rresp,
    input  wire                     m_axi_rvalid,
    output wire                     m_axi_rready
);
    localparam MW       = MAPS < 2 ? 1 : $clog2(MAPS);
    localparam LPM_KEY  = 4 + `SPEC_CORE_LPM_BYTES;
    localparam LPM_W    = TAG_W + 64 + 8 * LPM_KEY;
    localparam FAR_W    = TAG_W + 64 + 8 * KEY_BYTES;

    // --- whose map it is ---
    reg [MAPS-1:0] lpm_q, far_q;
    wire cfg_lpm = cfg_desc_i[32*`SPEC_MAPDESC_ENGINE+:32] == `SPEC_ENGINE_LPM;
    wire cfg_far = FAR != 0 && !cfg_lpm && cfg_desc_i[32*`SPEC_MAPDESC_ENTRY_BASE+31];
    wire req_in  = {24'd0, req_map_i} < MAPS;
    wire req_lpm = req_in && lpm_q[req_map_i[MW-1:0]];
    wire req_far = req_in && far_q[req_map_i[MW-1:0]];
    wire hash_cfg_ready, lpm_cfg_ready, far_cfg_ready, hash_ready, lpm_ready, far_ready;
    assign cfg_ready_o = cfg_lpm ? lpm_cfg_ready : cfg_far ? far_cfg_ready : hash_cfg_ready;
    assign req_ready_o = req_lpm ? lpm_ready : req_far ? far_ready : hash_ready;

    always @(posedge clk) begin
        if (cfg_valid_i && cfg_ready_o && {24'd0, cfg_map_i} < MAPS) begin
            lpm_q[cfg_map_i[MW-1:0]] <= cfg_lpm;
            far_q[cfg_map_i[MW-1:0]] <= cfg_far;
        end
        if (rst) begin
            lpm_q <= {MAPS{1'b0}};
            far_q <= {MAPS{1'b0}};
        end
    end

    // --- the engines ---
    wire                   hash_done, lpm_done;
    wire [TAG_W-1:0]       hash_tag, lpm_tag;
    wire [31:0]            hash_status, hash_addr, hash_entry, lpm_status, lpm_addr;
    wire [8*KEY_BYTES-1:0] hash_key;
    wire [8*LPM_KEY-1:0]   lpm_key;
    wire                   hash_w, lpm_w, hash_w_ready, lpm_w_ready;
    wire [31:0]            hash_w_addr, lpm_w_addr;
    wire [63:0]            hash_w_data, lpm_w_data;
    wire [7:0]             hash_w_strb, lpm_w_strb;

    map_hash #(
        .MAPS       (MAPS),
        .KEY_BYTES  (KEY_BYTES),
        .VALUE_BYTES(VALUE_BYTES),
        .ENTRIES    (HASH_ENTRIES),
        .BUCKETS    (HASH_BUCKETS),
        .TAG_W      (TAG_W),
        .LRU        (1)
    ) u_hash (
        .clk          (clk),
        .rst          (rst),
        .cfg_valid_i  (cfg_valid_i && !cfg_lpm && !cfg_far),
        .cfg_ready_o  (hash_cfg_ready),
        .cfg_map_i    (cfg_map_i),
        .cfg_desc_i   (cfg_desc_i),
        .req_valid_i  (req_valid_i && !req_lpm && !req_far),
        .req_ready_o  (hash_ready),
        .req_op_i     (req_op_i),
        .req_map_i    (req_map_i),
        .req_cpu_i    (req_cpu_i),
        .req_key_i    (req_key_i),
        .req_value_i  (req_value_i),
        .req_flags_i  (req_flags_i),
        .req_entry_i  (req_entry_i),
        .req_tag_i    (req_tag_i),
        .resp_valid_o (hash_done),
        .resp_tag_o   (hash_tag),
        .resp_status_o(hash_status),
        .resp_addr_o  (hash_addr),
        .resp_entry_o (hash_entry),
        .resp_key_o   (hash_key),
        .w_valid_o    (hash_w),
        .w_ready_i    (hash_w_ready),
        .w_addr_o     (hash_w_addr),
        .w_data_o     (hash_w_data),
        .w_strb_o     (hash_w_strb)
    );

    map_lpm #(
        .MAPS       (MAPS),
        .KEY_BYTES  (LPM_KEY),
        .VALUE_BYTES(VALUE_BYTES),
        .ENTRIES    (LPM_ENTRIES),
        .BUCKETS    (LPM_BUCKETS),
        .CELLS      (LPM_CELLS),
        .TAG_W      (TAG_W)
    ) u_lpm (
        .clk          (clk),
        .rst          (rst),
        .cfg_valid_i  (cfg_valid_i && cfg_lpm),
        .cfg_ready_o  (lpm_cfg_ready),
        .cfg_map_i    (cfg_map_i),
        .cfg_desc_i   (cfg_desc_i),
        .req_valid_i  (req_valid_i && req_lpm),
        .req_ready_o  (lpm_ready),
        .req_op_i     (req_op_i),
        .req_map_i    (req_map_i),
        .req_cpu_i    (req_cpu_i),
        .req_key_i    (req_key_i[8*LPM_KEY-1:0]),
        .req_value_i  (req_value_i),
        .req_flags_i  (req_flags_i),
        .req_entry_i  (req_entry_i),
        .req_tag_i    (req_tag_i),
        .resp_valid_o (lpm_done),
        .resp_tag_o   (lpm_tag),
        .resp_status_o(lpm_status),
        .resp_addr_o  (lpm_addr),
        .resp_key_o   (lpm_key),
        .w_valid_o    (lpm_w),
        .w_ready_i    (lpm_w_ready),
        .w_addr_o     (lpm_w_addr),
        .w_data_o     (lpm_w_data),
        .w_strb_o     (lpm_w_strb)
    );

    wire                   far_done, far_w, far_w_ready;
    wire [TAG_W-1:0]       far_tag;
    wire [31:0]            far_status, far_addr, far_w_addr;
    wire [8*KEY_BYTES-1:0] far_key;
    wire [63:0]            far_w_data;
    wire [7:0]             far_w_strb;
    generate
        if (FAR != 0) begin : g_far
            map_hash_far #(
                .MAPS       (MAPS),
                .KEY_BYTES  (KEY_BYTES),
                .VALUE_BYTES(VALUE_BYTES),
                .TAG_W      (TAG_W),
                .LRU_ENTRIES(FAR_LRU)
            ) u_far (
                .clk(clk), .rst(rst), .cfg_valid_i(cfg_valid_i && cfg_far),
                .cfg_ready_o(far_cfg_ready), .cfg_map_i(cfg_map_i), .cfg_desc_i(cfg_desc_i),
                .req_valid_i(req_valid_i && req_far), .req_ready_o(far_ready), .req_op_i(req_op_i),
                .req_map_i(req_map_i), .req_cpu_i(req_cpu_i), .req_key_i(req_key_i),
                .req_value_i(req_value_i), .req_flags_i(req_flags_i), .req_entry_i(req_entry_i),
                .req_tag_i(req_tag_i), .resp_valid_o(far_done), .resp_tag_o(far_tag),
                .resp_status_o(far_status), .resp_addr_o(far_addr), .resp_key_o(far_key),
                .w_valid_o(far_w), .w_ready_i(far_w_ready), .w_addr_o(far_w_addr),
                .w_data_o(far_w_data), .w_strb_o(far_w_strb), .m_axi_awid(m_axi_awid),
                .m_axi_awaddr(m_axi_awaddr), .m_axi_awvalid(m_axi_awvalid),
                .m_axi_awready(m_axi_awready), .m_axi_wdata(m_axi_wdata),
                .m_axi_wvalid(m_axi_wvalid), .m_axi_wready(m_axi_wready), .m_axi_bid(m_axi_bid),
                .m_axi_bresp(m_axi_bresp), .m_axi_bvalid(m_axi_bvalid), .m_axi_bready(m_axi_bready),
                .m_axi_arid(m_axi_arid), .m_axi_araddr(m_axi_araddr), .m_axi_arvalid(m_axi_arvalid),
                .m_axi_arready(m_axi_arready), .m_axi_rid(m_axi_rid), .m_axi_rdata(m_axi_rdata),
                .m_axi_rresp(m_axi_rresp), .m_axi_rvalid(m_axi_rvalid),
                .m_axi_rready(m_axi_rready));
        end else begin : g_no_far
            wire unused_far = &{1'b0, far_w_ready, m_axi_awready, m_axi_wready, m_axi_bid,
                                m_axi_bresp, m_axi_bvalid, m_axi_arready, m_axi_rid, m_axi_rdata,
                                m_axi_rresp, m_axi_rvalid};
            assign {far_cfg_ready, far_ready, far_done, far_w} = 4'd0;
            assign far_tag    = {TAG_W{1'b0}};
            assign far_status = 32'd0;
            assign far_addr   = 32'd0;
            assign far_key    = {(8 * KEY_BYTES) {1'b0}};
            assign far_w_addr = 32'd0;
            assign far_w_data = 64'd0;
            assign far_w_strb = 8'd0;
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

    // --- answers: those of the other engines wait for a clock without one of the other ---
    wire                 late;
    wire [LPM_W-1:0]     late_answer;
    wire [TAG_W-1:0]     late_tag;
    wire [31:0]          late_status, late_addr;
    wire [8*LPM_KEY-1:0] late_key;
    fifo_small #(
        .WIDTH(LPM_W),
        .DEPTH(REQUESTS)
    ) u_late (
        .clk    (clk),
        .rst    (rst),
        .push_i (lpm_done),
        .data_i ({lpm_tag, lpm_status, lpm_addr, lpm_key}),
        .valid_o(late),
        .pop_i  (late && !hash_done),
        .data_o (late_answer)
    );
    assign {late_tag, late_status, late_addr, late_key} = late_answer;

    wire                   last;
    wire [FAR_W-1:0]       last_answer;
    wire [TAG_W-1:0]       last_tag;
    wire [31:0]            last_status, last_addr;
    wire [8*KEY_BYTES-1:0] last_key;
    generate
        if (FAR != 0) begin : g_last
            fifo_small #(
                .WIDTH(FAR_W),
                .DEPTH(REQUESTS)
            ) u_last (
                .clk    (clk),
                .rst    (rst),
                .push_i (far_done),
                .data_i ({far_tag, far_status, far_addr, far_key}),
                .valid_o(last),
                .pop_i  (last && !hash_done && !late),
                .data_o (last_answer)
            );
        end else begin : g_no_last
            assign last        = far_done;
            assign last_answer = {far_tag, far_status, far_addr, far_key};
        end
    endgenerate
    assign {last_tag, last_status, last_addr, last_key} = last_answer;

    assign resp_valid_o  = hash_done || late || last;
    assign resp_tag_o    = hash_done ? hash_tag : late ? late_tag : last_tag;
    assign resp_status_o = hash_done ? hash_status : late ? late_status : last_status;
    assign resp_addr_o   = hash_done ? hash_addr : late ? late_addr : last_addr;
    assign resp_key_o    = hash_done ? hash_key :
                           late ? {{(8 * (KEY_BYTES - LPM_KEY)) {1'b0}}, late_key} : last_key;

    // --- value writes: what was offered stays ---
    localparam [1:0] TURN_HASH = 2'd0, TURN_LPM = 2'd1, TURN_FAR = 2'd2;
    reg        held_q;
    reg  [1:0] held_turn_q;
    wire [1:0] turn = held_q ? held_turn_q : hash_w ? TURN_HASH : lpm_w ? TURN_LPM : TURN_FAR;
    wire       turn_lpm = turn == TURN_LPM;
    wire       turn_far = turn == TURN_FAR;
    always @(posedge clk) begin
        held_q      <= w_valid_o && !w_ready_i;
        held_turn_q <= turn;
        if (rst)
            held_q <= 1'b0;
    end
    assign w_valid_o    = turn_lpm ? lpm_w : turn_far ? far_w : hash_w;
    assign w_addr_o     = turn_lpm ? lpm_w_addr : turn_far ? far_w_addr : hash_w_addr;
    assign w_data_o     = turn_lpm ? lpm_w_data : turn_far ? far_w_data : hash_w_data;
    assign w_strb_o     = turn_lpm ? lpm_w_strb : turn_far ? far_w_strb : hash_w_strb;
    assign hash_w_ready = turn == TURN_HASH && w_ready_i;
    assign lpm_w_ready  = turn_lpm && w_ready_i;
    assign far_w_ready  = turn_far && w_ready_i;

    wire unused = &{1'b0, hash_entry, cfg_map_i, req_map_i};
endmodule

`default_nettype wire
