// SPDX-License-Identifier: BSD-3-Clause
// Keys of one or more hash maps; their values lie in a value memory, which an update writes through
// the w_* port.
//
// A lookup reads its bucket, compares the fingerprints of its four slots, reads the key of the
// first that matches and compares it in full. What this does not settle (a second fingerprint that
// matches, a chain behind a full bucket) and every other request is done by map_hash_slow, while
// the lookups behind stand still.
// Latency: 6 clocks for a lookup (accepted in clock c, answered in clock c + 6); map_hash_slow
// lists the clocks that other requests add. Throughput: a lookup a clock; measured with random
// keys in a full map, 1.02 clocks with as many buckets as entries and 1.14 to 1.24 with half as
// many, also of LRU maps; an update of 8 bytes takes 8 clocks. Order: requests take effect and are answered in order.
// Back-pressure: not ready after reset and CONFIG while the map's buckets are cleared (one a
// clock), while map_hash_slow works, and to an update while two are inside. Responses are not held.
// Of an LRU map (engine SPEC_ENGINE_LRU) each lookup but a peek makes its entry the newest, as do
// insertions and replacements, and an insertion that finds the map full puts it in place of the
// oldest. map_lru keeps the order and takes a use each clock, so lookups never wait for it.
// A CPU that the map lacks counts as CPU 0. A request for a map that is not configured, or whose
// descriptor did not fit the parameters, ends with EINVAL.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none

module map_hash #(
    parameter         MAPS        = 1,       // maps, 1 to SPEC_HW_MAPS
    parameter         KEY_BYTES   = 8,       // longest key, 1 to SPEC_HW_KEY_BYTES
    parameter         VALUE_BYTES = 8,       // longest value: multiple of 8, to SPEC_HW_VALUE_BYTES
    parameter         ENTRIES     = 16,      // entries of all maps, at least 2
    parameter         BUCKETS     = 8,       // buckets of all maps, at least 2
    parameter         TAG_W       = 1,       // bits of the tag, at least 1
    parameter [319:0] DESC        = 320'd0,  // descriptor of map 0 after reset
    parameter         FP_BITS     = 16,      // bits of a fingerprint, 1 to 16
    parameter         LRU         = 0,       // 1: maps may be LRU maps
    parameter         GATE        = 1        // 0: its clock never rests (clock_gate)
) (
    input  wire                     clk,
    input  wire                     rst,

    input  wire                     cfg_valid_i,
    output wire                     cfg_ready_o,
    input  wire [7:0]               cfg_map_i,
    input  wire [319:0]             cfg_desc_i,

    input  wire                     req_valid_i,
    output wire                     req_ready_o,
    input  wire [2:0]               req_op_i,     // 0 lookup, 1 update, 2 delete, 3 entry, 4 peek
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
    output wire [31:0]              resp_entry_o,  // among those of all maps
    output wire [8*KEY_BYTES-1:0]   resp_key_o,

    output wire                     w_valid_o,
    input  wire                     w_ready_i,
    output wire [31:0]              w_addr_o,
    output wire [63:0]              w_data_o,
    output wire [7:0]               w_strb_o
);
    localparam EW = $clog2(ENTRIES);
    localparam BW = $clog2(BUCKETS);
    localparam KW = 8 * KEY_BYTES;
    localparam FW = FP_BITS;
    localparam SW = 1 + FW + EW;
    localparam BUCKET_W = 4 * SW + 1 + EW;
    localparam LW = FW + EW + 2;
    localparam [31:0] ENOENT = 32'd2, EINVAL = 32'd22;

    generate
        if (MAPS < 1 || MAPS > `SPEC_HW_MAPS || KEY_BYTES < 1 || KEY_BYTES > `SPEC_HW_KEY_BYTES
            || VALUE_BYTES < 8 || VALUE_BYTES > `SPEC_HW_VALUE_BYTES || VALUE_BYTES % 8 != 0
            || ENTRIES < 2 || ENTRIES > 16777216 || BUCKETS < 2 || BUCKETS > 16777216
            || TAG_W < 1 || FP_BITS < 1 || FP_BITS > 16) begin : g_illegal
            map_hash_illegal_parameter u_stop ();
        end
    endgenerate

    // --- configuration: map 0's descriptor after reset, later the port's ---
    wire clk_on;
    reg  init_q;   // map 0's first descriptor is still to be taken
    wire occupied;  // requests or responses are inside
    wire slow_idle;
    wire         configure = (init_q || cfg_valid_i) && !occupied && slow_idle;
    wire [7:0]   cfg_map   = init_q ? 8'd0 : cfg_map_i;
    wire [319:0] cfg_desc  = init_q ? DESC : cfg_desc_i;
    wire         cfg_fits;
    assign cfg_ready_o = !init_q && configure;

    always @(posedge clk_on) begin
        if (configure)
            init_q <= 1'b0;
        if (rst)
            init_q <= 1'b1;
    end

    wire          find_ok;
    wire [BW-1:0] find_base, find_mask;
    wire [EW-1:0] slow_entry_base, slow_max, addr_entry_base;
    wire [15:0]   slow_stride, slow_span, addr_stride, addr_span;
    wire [7:0]    slow_cpus, addr_cpus;
    wire [31:0]   slow_vmem;
    reg           s1_valid_q, s2_valid_q, s3_valid_q, s4_valid_q, s5_valid_q, s6_valid_q;
    reg [7:0]     s1_map_q, s2_map_q, s3_map_q, s4_map_q, s5_map_q;

    wire          slow_lru;
    map_hash_table #(
        .MAPS       (MAPS),
        .LRU        (LRU),
        .KEY_BYTES  (KEY_BYTES),
        .VALUE_BYTES(VALUE_BYTES),
        .ENTRIES    (ENTRIES),
        .BUCKETS    (BUCKETS),
        .EW         (EW),
        .BW         (BW)
    ) u_table (
        .clk              (clk_on),
        .rst              (rst),
        .write_i          (configure),
        .write_map_i      (cfg_map),
        .write_desc_i     (cfg_desc),
        .write_ok_o       (cfg_fits),
        .find_map_i       (s1_map_q),
        .find_ok_o        (find_ok),
        .find_base_o      (find_base),
        .find_mask_o      (find_mask),
        .slow_map_i       (s4_map_q),
        .slow_entry_base_o(slow_entry_base),
        .slow_max_o       (slow_max),
        .slow_stride_o    (slow_stride),
        .slow_span_o      (slow_span),
        .slow_cpus_o      (slow_cpus),
        .slow_vmem_o      (slow_vmem),
        .slow_lru_o       (slow_lru),
        .addr_map_i       (s5_map_q),
        .addr_entry_base_o(addr_entry_base),
        .addr_cpus_o      (addr_cpus),
        .addr_stride_o    (addr_stride),
        .addr_span_o      (addr_span)
    );

    // --- the request on its way: 1 hash, 2 bucket, 3 fingerprints and key, 4 comparison ---
    reg [2:0]       s1_op_q, s2_op_q, s3_op_q, s4_op_q;
    reg [7:0]       s1_cpu_q, s2_cpu_q, s3_cpu_q, s4_cpu_q, s5_cpu_q;
    reg [KW-1:0]    s1_key_q, s2_key_q, s3_key_q, s4_key_q;
    reg [TAG_W-1:0] s1_tag_q, s2_tag_q, s3_tag_q, s4_tag_q, s5_tag_q, s6_tag_q;
    reg             s2_ok_q, s3_ok_q, s4_ok_q;
    reg [BW-1:0]    s2_base_q, s2_mask_q, s3_addr_q, s4_addr_q;
    reg [FW-1:0]    s3_fp_q, s4_fp_q;
    reg [BUCKET_W-1:0] s4_bucket_q;
    reg [3:0]       s4_match_q, s4_pick_q;
    reg [63:0]      flags_q;  // of the first update inside; its value is in map_hash_slow
    reg [31:0]      s1_entry_q, s2_entry_q, s3_entry_q, s4_entry_q;

    wire        slow_done;
    wire        same;          // the key read last is that of stage 4
    wire        settled;       // stage 4 needs nothing more
    wire        advance = !s4_valid_q || settled;
    // Updates inside: the values of two have a place, the second of them in next_value_q.
    reg [1:0]       updates_q;
    reg [63:0]      next_flags_q;
    reg [8*VALUE_BYTES-1:0] next_value_q;
    wire        take = req_valid_i && req_ready_o;

    assign occupied = s1_valid_q || s2_valid_q || s3_valid_q || s4_valid_q || s5_valid_q
                      || s6_valid_q;
    reg    clearing_q;
    assign req_ready_o = advance && !init_q && !cfg_valid_i && !clearing_q
                         && !(updates_q == 2'd2 && req_op_i == 3'd1);

    // --- it rests without requests ---
    clock_gate #(.GATE(GATE)) u_gate (
        .clk(clk), .rst(rst),
        .on_i(req_valid_i || cfg_valid_i || init_q || occupied || clearing_q || !slow_idle),
        .clk_o(clk_on)
    );

    wire [31:0]   hash;
    map_hash_crc #(
        .BITS(KW + 8)
    ) u_crc (
        .clk   (clk_on),
        .en_i  (s1_valid_q && advance),
        .data_i({s1_map_q, s1_key_q}),
        .hash_o(hash)
    );

    wire [BW-1:0]       s2_addr = s2_base_q + (hash[BW-1:0] & s2_mask_q);
    wire [BUCKET_W-1:0] bucket;
    wire [3:0]          match;
    wire [3:0]          pick = match & (~match + 4'd1);
    genvar g;
    generate
        for (g = 0; g < 4; g = g + 1) begin : g_match
            assign match[g] = bucket[g*SW+EW+:FW+1] == {1'b1, s3_fp_q};
        end
    endgenerate

    function [EW-1:0] entry_of;
        input [BUCKET_W-1:0] word;
        input [3:0]          slot;
        integer              i;
        begin
            entry_of = {EW{1'b0}};
            for (i = 0; i < 4; i = i + 1)
                entry_of = entry_of | (word[i*SW+:EW] & {EW{slot[i]}});
        end
    endfunction

    always @(posedge clk_on) begin
        if (advance) begin
            s1_valid_q <= take;
            s2_valid_q <= s1_valid_q;
            s3_valid_q <= s2_valid_q;
            s4_valid_q <= s3_valid_q;
        end else if (slow_done) begin
            s4_valid_q <= 1'b0;
        end
        clearing_q <= configure ? cfg_fits : clearing_q && !slow_idle;
        if (rst) begin
            s1_valid_q <= 1'b0;
            s2_valid_q <= 1'b0;
            s3_valid_q <= 1'b0;
            s4_valid_q <= 1'b0;
            clearing_q <= 1'b0;
        end
    end

    always @(posedge clk_on) begin
        if (take) begin
            s1_op_q    <= req_op_i;
            s1_map_q   <= req_map_i;
            s1_cpu_q   <= req_cpu_i;
            s1_key_q   <= req_key_i;
            s1_tag_q   <= req_tag_i;
            s1_entry_q <= req_entry_i;
        end
        if (advance && s1_valid_q) begin
            s2_op_q    <= s1_op_q;
            s2_map_q   <= s1_map_q;
            s2_cpu_q   <= s1_cpu_q;
            s2_key_q   <= s1_key_q;
            s2_tag_q   <= s1_tag_q;
            s2_entry_q <= s1_entry_q;
            s2_ok_q    <= find_ok;
            s2_base_q  <= find_base;
            s2_mask_q  <= find_mask;
        end
        if (advance && s2_valid_q) begin
            s3_op_q    <= s2_op_q;
            s3_map_q   <= s2_map_q;
            s3_cpu_q   <= s2_cpu_q;
            s3_key_q   <= s2_key_q;
            s3_tag_q   <= s2_tag_q;
            s3_entry_q <= s2_entry_q;
            s3_ok_q    <= s2_ok_q;
            s3_addr_q  <= s2_addr;
            s3_fp_q    <= hash[31:32-FW];
        end
        if (advance && s3_valid_q) begin
            s4_op_q     <= s3_op_q;
            s4_map_q    <= s3_map_q;
            s4_cpu_q    <= s3_cpu_q;
            s4_key_q    <= s3_key_q;
            s4_tag_q    <= s3_tag_q;
            s4_entry_q  <= s3_entry_q;
            s4_ok_q     <= s3_ok_q;
            s4_addr_q   <= s3_addr_q;
            s4_fp_q     <= s3_fp_q;
            s4_bucket_q <= bucket;
            s4_match_q  <= match;
            s4_pick_q   <= pick;
        end
    end

    // --- the verdict of stage 4 ---
    wire [KW-1:0] key;
    wire hit   = |s4_match_q && same;  // while map_hash_slow is idle; it reads other keys
    wire sure  = s4_match_q == s4_pick_q && !s4_bucket_q[BUCKET_W-1];  // nowhere else to look
    wire lookup = s4_op_q == 3'd0 || s4_op_q == 3'd4;
    wire lru_ready;
    wire wait_lru = s4_ok_q && slow_lru && !lru_ready;
    wire start = s4_valid_q && !settled && !wait_lru;
    assign same    = key == s4_key_q;
    assign settled = !s4_ok_q || (lookup && slow_idle && !wait_lru && (hit || sure));

    // --- values of updates ---
    wire       s5_take   = s4_valid_q && (settled || slow_done);
    wire       update_in  = take && req_op_i == 3'd1;
    wire       update_out = s5_take && s4_op_q == 3'd1;
    wire [1:0] updates_left = updates_q - {1'b0, update_out};
    wire       value_load = update_out ? updates_left != 2'd0 || update_in
                                       : update_in && updates_q == 2'd0;
    always @(posedge clk_on) begin
        updates_q <= updates_left + {1'b0, update_in};
        if (update_in) begin
            next_flags_q <= req_flags_i;
            next_value_q <= req_value_i;
        end
        if (value_load)
            flags_q <= updates_q == 2'd2 ? next_flags_q : req_flags_i;
        if (rst)
            updates_q <= 2'd0;
    end

    wire                slow_read, key_write, link_write, bucket_write;
    wire [EW-1:0]       slow_read_addr, link_addr, slow_entry;
    wire [LW-1:0]       link, link_new;
    wire [BW-1:0]       bucket_write_addr;
    wire [BUCKET_W-1:0] bucket_new;
    wire [31:0]         slow_status;
    wire [EW-1:0]       oldest;
    wire [BW-1:0]       place, bucket_read_addr;
    wire                bucket_read, slow_remove, slow_add;
    wire [EW-1:0]       slow_old, slow_new;

    map_hash_slow #(
        .MAPS       (MAPS),
        .VALUE_BYTES(VALUE_BYTES),
        .EW         (EW),
        .BW         (BW),
        .FW         (FW),
        .SW         (SW),
        .BUCKET_W   (BUCKET_W)
    ) u_slow (
        .clk           (clk_on),
        .rst           (rst),
        .config_i      (configure),
        .config_ok_i   (cfg_fits),
        .config_map_i  (cfg_map),
        .config_spare_i(cfg_desc[32*`SPEC_MAPDESC_ENTRY_BASE+:EW]
                        + cfg_desc[32*`SPEC_MAPDESC_MAX_ENTRIES+:EW]),
        .config_base_i (cfg_desc[32*`SPEC_MAPDESC_BUCKET_BASE+:BW]),
        .config_mask_i (cfg_desc[32*`SPEC_MAPDESC_BUCKET_MASK+:BW]),
        .idle_o        (slow_idle),
        .start_i       (start),
        .op_i          (lookup ? 3'd0 : s4_op_q),
        .peek_i        (s4_op_q == 3'd4),
        .map_i         (s4_map_q),
        .cpu_i         (s4_cpu_q),
        .flags_i       (flags_q),
        .entry_i       (s4_entry_q),
        .fp_i          (s4_fp_q),
        .bucket_addr_i (s4_addr_q),
        .bucket_i      (s4_bucket_q),
        .match_i       (s4_match_q),
        .pick_i        (s4_pick_q),
        .same_i        (same),
        .done_o        (slow_done),
        .status_o      (slow_status),
        .entry_o       (slow_entry),
        .value_load_i  (value_load),
        .value_i       (updates_q == 2'd2 ? next_value_q : req_value_i),
        .entry_base_i  (slow_entry_base),
        .max_i         (slow_max),
        .stride_i      (slow_stride),
        .span_i        (slow_span),
        .cpus_i        (slow_cpus),
        .vmem_i        (slow_vmem),
        .lru_i         (slow_lru),
        .oldest_i      (oldest),
        .place_i       (place),
        .remove_o      (slow_remove),
        .old_o         (slow_old),
        .add_o         (slow_add),
        .new_o         (slow_new),
        .bucket_read_o (bucket_read),
        .bucket_read_addr_o(bucket_read_addr),
        .bucket_read_i (bucket),
        .read_o        (slow_read),
        .read_addr_o   (slow_read_addr),
        .link_i        (link),
        .key_write_o   (key_write),
        .link_write_o  (link_write),
        .link_addr_o   (link_addr),
        .link_o        (link_new),
        .bucket_write_o(bucket_write),
        .bucket_addr_o (bucket_write_addr),
        .bucket_o      (bucket_new),
        .w_valid_o     (w_valid_o),
        .w_ready_i     (w_ready_i),
        .w_addr_o      (w_addr_o),
        .w_data_o      (w_data_o)
    );
    assign w_strb_o = 8'hff;

    // --- memories; stage 3 reads its bucket again after a slow request, which may change it ---
    map_bank #(
        .WIDTH(BUCKET_W),
        .WORDS(BUCKETS)
    ) u_buckets (
        .clk         (clk_on),
        .write_i     (bucket_write),
        .write_addr_i(bucket_write_addr),
        .write_data_i(bucket_new),
        .read_i      (bucket_read || (advance ? s2_valid_q : slow_done)),
        .read_addr_i (bucket_read ? bucket_read_addr : advance ? s2_addr : s3_addr_q),
        .read_data_o (bucket)
    );

    map_bank #(
        .WIDTH(KW),
        .WORDS(ENTRIES)
    ) u_keys (
        .clk         (clk_on),
        .write_i     (key_write),
        .write_addr_i(link_addr),
        .write_data_i(s4_key_q),
        .read_i      (slow_read || (advance && s3_valid_q)),
        .read_addr_i (slow_read ? slow_read_addr : entry_of(bucket, pick)),
        .read_data_o (key)
    );

    map_bank #(
        .WIDTH(LW),
        .WORDS(ENTRIES)
    ) u_links (
        .clk         (clk_on),
        .write_i     (link_write),
        .write_addr_i(link_addr),
        .write_data_i(link_new),
        .read_i      (slow_read),
        .read_addr_i (slow_read_addr),
        .read_data_o (link)
    );

    // --- the order of last use, and the bucket of each entry, for when it is put out ---
    wire fast_use = s4_valid_q && settled && s4_ok_q && slow_lru && s4_op_q == 3'd0 && hit;
    generate
        if (LRU != 0) begin : g_lru
            wire [EW-1:0] fast_entry = entry_of(s4_bucket_q, s4_pick_q);
            map_lru #(
                .MAPS   (MAPS),
                .ENTRIES(ENTRIES),
                .EW     (EW)
            ) u_lru (
                .clk        (clk_on),
                .rst        (rst),
                .clear_i    (configure),
                .clear_map_i(cfg_map),
                .valid_i    (fast_use || slow_remove || slow_add),
                .map_i      (s4_map_q),
                .remove_i   (fast_use || slow_remove),
                .old_i      (fast_use ? fast_entry : slow_old),
                .add_i      (fast_use || slow_add),
                .new_i      (fast_use ? fast_entry : slow_new),
                .ready_o    (lru_ready),
                .oldest_o   (oldest)
            );
            map_bank #(
                .WIDTH(BW),
                .WORDS(ENTRIES)
            ) u_places (
                .clk         (clk_on),
                .write_i     (key_write),
                .write_addr_i(link_addr),
                .write_data_i(s4_addr_q),
                .read_i      (slow_read),
                .read_addr_i (slow_read_addr),
                .read_data_o (place)
            );
        end else begin : g_no_lru
            wire unused = &{1'b0, fast_use, slow_remove, slow_add, slow_old, slow_new};
            assign lru_ready = 1'b1;
            assign oldest   = {EW{1'b0}};
            assign place    = {BW{1'b0}};
        end
    endgenerate

    // --- 5 and 6: the value's address ---
    reg [31:0]   s5_status_q, s6_status_q;
    reg [EW-1:0] s5_entry_q;
    reg          s5_delete_q;
    reg [31:0]   s6_addr_q;
    reg [EW-1:0] s6_entry_q;
    reg [KW-1:0] resp_key_q;

    wire [EW-1:0] s5_local = s5_entry_q - addr_entry_base;
    wire [7:0]    s5_cpu   = s5_cpu_q < addr_cpus ? s5_cpu_q : 8'd0;
    wire          s5_no_value = s5_status_q != 32'd0 || s5_delete_q;

    always @(posedge clk_on) begin
        s5_valid_q <= s5_take;
        s6_valid_q <= s5_valid_q;
        if (s5_take) begin
            s5_map_q    <= s4_map_q;
            s5_cpu_q    <= s4_cpu_q;
            s5_tag_q    <= s4_tag_q;
            s5_status_q <= !s4_ok_q ? EINVAL : slow_done ? slow_status : hit ? 32'd0 : ENOENT;
            s5_entry_q  <= slow_done ? slow_entry : entry_of(s4_bucket_q, s4_pick_q);
            s5_delete_q <= s4_op_q == 3'd2;
            resp_key_q  <= key;
        end
        s6_tag_q    <= s5_tag_q;
        s6_status_q <= s5_status_q;
        s6_entry_q  <= s5_entry_q;
        s6_addr_q   <= s5_no_value ? 32'd0 :
                       {{(32 - EW) {1'b0}}, s5_local} * {16'd0, addr_span}
                       + {24'd0, s5_cpu} * {16'd0, addr_stride};
        if (rst) begin
            s5_valid_q <= 1'b0;
            s6_valid_q <= 1'b0;
        end
    end

    reg [KW-1:0] s6_key_q;
    always @(posedge clk_on) begin
        if (s5_valid_q)
            s6_key_q <= resp_key_q;
    end

    assign resp_valid_o  = s6_valid_q;
    assign resp_tag_o    = s6_tag_q;
    assign resp_status_o = s6_status_q;
    assign resp_addr_o   = s6_addr_q;
    assign resp_entry_o  = {{(32 - EW) {1'b0}}, s6_entry_q};
    assign resp_key_o    = s6_key_q;

    wire unused = &{1'b0, hash};
endmodule

`default_nettype wire
