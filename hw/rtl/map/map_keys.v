// SPDX-License-Identifier: BSD-3-Clause
// The core's two engines that hold keys, map_hash and map_lpm, behind one port: a map belongs to
// the one that its descriptor names, when it is configured.
//
// Contract: that of map_hash, but answers of the two engines pass each other. Latency and
// throughput: those of the engine; an answer of the LPM engine waits while the hash engine gives
// one, in a queue for REQUESTS, as many as may be inside.
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
    parameter REQUESTS     = 16    // a power of two
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
    output wire [7:0]               w_strb_o
);
    localparam MW       = MAPS < 2 ? 1 : $clog2(MAPS);
    localparam LPM_KEY  = 4 + `SPEC_HW_LPM_BYTES;
    localparam LPM_W    = TAG_W + 64 + 8 * LPM_KEY;

    // --- whose map it is ---
    reg [MAPS-1:0] lpm_q;
    wire cfg_lpm = cfg_desc_i[32*`SPEC_MAPDESC_ENGINE+:32] == `SPEC_ENGINE_LPM;
    wire req_lpm = {24'd0, req_map_i} < MAPS && lpm_q[req_map_i[MW-1:0]];
    wire hash_cfg_ready, lpm_cfg_ready, hash_ready, lpm_ready;
    assign cfg_ready_o = cfg_lpm ? lpm_cfg_ready : hash_cfg_ready;
    assign req_ready_o = req_lpm ? lpm_ready : hash_ready;

    always @(posedge clk) begin
        if (cfg_valid_i && cfg_ready_o && {24'd0, cfg_map_i} < MAPS)
            lpm_q[cfg_map_i[MW-1:0]] <= cfg_lpm;
        if (rst)
            lpm_q <= {MAPS{1'b0}};
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
        .cfg_valid_i  (cfg_valid_i && !cfg_lpm),
        .cfg_ready_o  (hash_cfg_ready),
        .cfg_map_i    (cfg_map_i),
        .cfg_desc_i   (cfg_desc_i),
        .req_valid_i  (req_valid_i && !req_lpm),
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

    // --- answers: those of the LPM engine wait for a clock without one of the other ---
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

    assign resp_valid_o  = hash_done || late;
    assign resp_tag_o    = hash_done ? hash_tag : late_tag;
    assign resp_status_o = hash_done ? hash_status : late_status;
    assign resp_addr_o   = hash_done ? hash_addr : late_addr;
    assign resp_key_o    = hash_done ? hash_key :
                           {{(8 * (KEY_BYTES - LPM_KEY)) {1'b0}}, late_key};

    // --- value writes: what was offered stays ---
    reg  held_q, held_lpm_q;
    wire turn_lpm = held_q ? held_lpm_q : !hash_w;
    always @(posedge clk) begin
        held_q     <= w_valid_o && !w_ready_i;
        held_lpm_q <= turn_lpm;
        if (rst)
            held_q <= 1'b0;
    end
    assign w_valid_o    = turn_lpm ? lpm_w : hash_w;
    assign w_addr_o     = turn_lpm ? lpm_w_addr : hash_w_addr;
    assign w_data_o     = turn_lpm ? lpm_w_data : hash_w_data;
    assign w_strb_o     = turn_lpm ? lpm_w_strb : hash_w_strb;
    assign hash_w_ready = !turn_lpm && w_ready_i;
    assign lpm_w_ready  = turn_lpm && w_ready_i;

    wire unused = &{1'b0, hash_entry, cfg_map_i, req_map_i};
endmodule

`default_nettype wire
