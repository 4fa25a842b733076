// SPDX-License-Identifier: BSD-3-Clause
// Keys of one or more hash maps that lie in external memory, behind an AXI4 port: buckets of one
// 64-byte line with 12 places of {fingerprint, row}, and rows of one line a key. Values lie in a value
// memory, which an update writes through the w_* port. What a map does is map_hash's contract; how
// the memory is used, and why so, docs/adr/0012.
//
// SLOTS requests are inside at once, each with a search of its own (map_far_slot), so lookups of
// different packets wait for the memory together. Updates, deletes and entry requests search so too,
// and change the map one at a time (map_far_commit).
// Order: requests on keys of one home bucket take effect in order of acceptance, if one of them
// changes the map; updates, deletes and entry requests all do; and in an LRU map all requests do. An
// answer comes when it is known, so answers pass each other: the tag tells.
// Latency: of a lookup that hits, two reads of the memory and 20 clocks; of one that fails, mostly
// one read. map_far_commit lists what updates and deletes add. Throughput: a request a clock is
// taken, searches are bounded by SLOTS and the memory. Back-pressure: not ready while all slots are
// taken, or the map's buckets are cleared (after CONFIG, a line a clock at best). Responses are not
// held. A CPU that the map lacks counts as CPU 0. EINVAL as in map_hash.
// LRU_ENTRIES are the rows (from 0) that LRU maps may have: their order is kept on chip (map_lru).
// An entry request that ends with ENOENT gives in resp_addr_o the number of the next entry that may
// be there, or 0: the one behind it.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none

module map_hash_far #(
    parameter       MAPS        = 1,    // maps, 1 to SPEC_HW_MAPS
    parameter       KEY_BYTES   = 8,    // longest key, 1 to SPEC_HW_KEY_BYTES
    parameter       VALUE_BYTES = 8,    // longest value: multiple of 8, to SPEC_HW_VALUE_BYTES
    parameter       TAG_W       = 1,    // bits of the tag, at least 1
    parameter       FP_BITS     = 15,   // bits of a fingerprint, 1 to 15
    parameter       SLOTS       = 7,    // requests inside, 1 to 7
    parameter       LRU_ENTRIES = 16,   // of all LRU maps, 16 to 2^24
    parameter [3:0] ID_BASE     = 4'd9  // ids of the memory's requests: from here on, one a slot
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
    localparam KW = 8 * KEY_BYTES;
    localparam VW = 8 * VALUE_BYTES;
    localparam LW = $clog2(LRU_ENTRIES);
    localparam REQ_W = 3 + 8 + 32 + 64 + TAG_W;
    localparam [2:0] OP_LOOKUP = 3'd0, OP_DELETE = 3'd2, OP_ENTRY = 3'd3, OP_PEEK = 3'd4;
    localparam [31:0] ENOENT = 32'd2, EINVAL = 32'd22;

    generate
        if (MAPS < 1 || MAPS > `SPEC_HW_MAPS || KEY_BYTES < 1 || KEY_BYTES > `SPEC_HW_KEY_BYTES
            || VALUE_BYTES < 8 || VALUE_BYTES > `SPEC_HW_VALUE_BYTES || VALUE_BYTES % 8 != 0
            || TAG_W < 1 || FP_BITS < 1 || FP_BITS > 15 || SLOTS < 1 || SLOTS > 7
            || LRU_ENTRIES < 16 || LRU_ENTRIES > 16777216) begin : g_illegal
            map_hash_far_illegal_parameter u_stop ();
        end
    endgenerate

    integer    i;

    // --- configuration: when nothing is inside, and map_lru is still
    wire [SLOTS-1:0] idle;
    wire             commit_idle, quiet, cfg_fits, answering;
    reg              s1_valid_q, s2_valid_q;
    wire             empty = &idle && commit_idle && !s1_valid_q && !s2_valid_q && !answering;
    wire             configure = cfg_valid_i && empty;
    reg              clearing_q;
    assign cfg_ready_o = empty;

    always @(posedge clk) begin
        clearing_q <= configure ? cfg_fits : clearing_q && !commit_idle;
        if (rst)
            clearing_q <= 1'b0;
    end

    wire        find_ok, find_lru;
    wire [24:0] find_base, act_base;
    wire [23:0] find_mask, act_mask, act_entry_base, act_max, addr_entry_base;
    wire [15:0] act_stride, act_span, addr_stride, addr_span;
    wire [7:0]  act_cpus, addr_cpus, act_map, addr_map;
    wire [31:0] act_vmem;
    wire        act_lru;
    reg  [7:0]  s1_map_q;

    map_far_table #(
        .MAPS       (MAPS),
        .KEY_BYTES  (KEY_BYTES),
        .VALUE_BYTES(VALUE_BYTES),
        .LRU_ENTRIES(LRU_ENTRIES)
    ) u_table (
        .clk(clk), .rst(rst), .write_i(configure), .write_map_i(cfg_map_i),
        .write_desc_i(cfg_desc_i), .write_ok_o(cfg_fits), .find_map_i(s1_map_q),
        .find_ok_o(find_ok), .find_lru_o(find_lru), .find_base_o(find_base),
        .find_mask_o(find_mask), .act_map_i(act_map), .act_base_o(act_base), .act_mask_o(act_mask),
        .act_entry_base_o(act_entry_base), .act_max_o(act_max), .act_stride_o(act_stride),
        .act_span_o(act_span), .act_cpus_o(act_cpus), .act_vmem_o(act_vmem), .act_lru_o(act_lru),
        .addr_map_i(addr_map), .addr_entry_base_o(addr_entry_base), .addr_cpus_o(addr_cpus),
        .addr_stride_o(addr_stride), .addr_span_o(addr_span));

    // --- a request is taken: 1 hash, 2 its place in the order
    wire             hash_wanted;
    reg [2:0]        free_slot;
    always @* begin
        free_slot = 3'd7;
        for (i = SLOTS - 1; i >= 0; i = i - 1)
            if (idle[i])
                free_slot = i[2:0];
    end
    assign req_ready_o = |idle && !cfg_valid_i && !clearing_q && !hash_wanted;
    wire         take = req_valid_i && req_ready_o;
    reg [2:0]    s1_slot_q, s2_slot_q, s1_op_q;
    reg          s2_bad_q, s2_lru_q, s2_entry_q;
    wire         s1_bad = !find_ok || s1_op_q > OP_PEEK;

    always @(posedge clk) begin
        s1_valid_q <= take;
        s1_slot_q  <= free_slot;
        s1_op_q    <= req_op_i;
        s1_map_q   <= req_map_i;
        s2_valid_q <= s1_valid_q;
        s2_slot_q  <= s1_slot_q;
        s2_bad_q   <= s1_bad;
        s2_lru_q   <= find_lru && !s1_bad;
        s2_entry_q <= s1_op_q == OP_ENTRY;
        if (rst) begin
            s1_valid_q <= 1'b0;
            s2_valid_q <= 1'b0;
        end
    end

    wire [31:0]   hash;
    wire [KW-1:0] data_key;
    map_hash_crc #(
        .BITS(KW + 8)
    ) u_crc (
        .clk(clk), .en_i(take || hash_wanted),
        .data_i(hash_wanted ? {act_map, data_key} : {req_map_i, req_key_i}), .hash_o(hash));
    wire [24:0]   s1_home = find_base | ({1'b0, hash[23:0]} & {1'b0, find_mask});
    wire [14:0]   s1_fp   = {{(15 - FP_BITS) {1'b0}}, hash[31:32-FP_BITS]};

    // --- slots
    wire [SLOTS-1:0]    ordered, bucket_next, ready, settled, committing, reads_key, writer, found;
    wire [25*SLOTS-1:0] lines, homes;
    wire [12*SLOTS-1:0] hits;
    wire [8*SLOTS-1:0]  maps;
    wire [24*SLOTS-1:0] rows;
    reg  [SLOTS-1:0]    bad_q, lru_q;     // EINVAL; of an LRU map
    reg  [SLOTS-1:0]    s1_one, s2_one, take_one, pick_one, commit_one, ends_one, ahead, after;
    reg  [24:0]         s2_home;
    reg  [7:0]          s2_map;
    reg                 s2_writer;
    wire                mark, marked, commit_done, start;
    wire [24:0]         mark_home;
    reg                 pick;
    reg  [2:0]          pick_slot;
    wire                pick_go;
    wire [SLOTS-1:0]    r2_bucket, r2_key;
    wire [11:0]         r2_match;
    wire                r2_over, r2_same;
    reg  [2:0]          commit_slot_q, end_slot;
    reg                 ends;
    reg  [2:0]          start_slot;

    always @* begin
        for (i = 0; i < SLOTS; i = i + 1) begin
            take_one[i]   = take && free_slot == i[2:0];
            s1_one[i]     = s1_valid_q && s1_slot_q == i[2:0];
            s2_one[i]     = s2_valid_q && s2_slot_q == i[2:0];
            pick_one[i]   = pick_go && pick_slot == i[2:0];
            commit_one[i] = commit_slot_q == i[2:0];
            ends_one[i]   = ends && end_slot == i[2:0];
        end
    end

    // Whom a request follows. Before its search: those of its home, if one of them changes the map, and
    // an insertion that puts out an entry of its home. Before its end: of changes, all earlier ones; in
    // an LRU map, all that is earlier.
    always @* begin
        s2_home   = 25'd0;
        s2_map    = 8'd0;
        s2_writer = 1'b0;
        for (i = 0; i < SLOTS; i = i + 1)
            if (s2_slot_q == i[2:0]) begin
                s2_home   = homes[25*i+:25];
                s2_map    = maps[8*i+:8];
                s2_writer = writer[i];
            end
        for (i = 0; i < SLOTS; i = i + 1) begin
            ahead[i] = ordered[i] && (s2_writer || writer[i]) && homes[25*i+:25] == s2_home;
            if (marked && commit_one[i] && mark_home == s2_home)
                ahead[i] = 1'b1;
            after[i]  = ordered[i] && ((s2_writer && writer[i])
                                       || (s2_lru_q && lru_q[i] && maps[8*i+:8] == s2_map));
        end
    end

    always @(posedge clk) begin
        for (i = 0; i < SLOTS; i = i + 1)
            if (s2_one[i]) begin
                bad_q[i] <= s2_bad_q;
                lru_q[i] <= s2_lru_q;
            end
    end

    wire [23:0] pick_row;
    genvar g;
    generate
        for (g = 0; g < SLOTS; g = g + 1) begin : g_slot
            map_far_slot #(
                .SLOTS(SLOTS)
            ) u_slot (
                .clk(clk), .rst(rst), .accept_i(take_one[g]), .map_i(req_map_i),
                .writer_i(req_op_i != OP_LOOKUP && req_op_i < OP_PEEK), .place_i(s1_one[g]),
                .home_i(s1_home), .mask_i(find_mask), .order_i(s2_one[g]),
                .skip_i(s2_bad_q || s2_entry_q), .before_i(ahead), .after_i(after),
                .pick_i(pick_one[g]), .row_i(pick_row), .bucket_i(r2_bucket[g]), .match_i(r2_match),
                .over_i(r2_over), .key_i(r2_key[g]), .same_i(r2_same), .freed_i(ends_one),
                .mark_i(mark), .mark_home_i(mark_home), .mark_slot_i(commit_one),
                .commit_i(start && start_slot == g), .free_i(ends_one[g]), .idle_o(idle[g]),
                .ordered_o(ordered[g]), .bucket_next_o(bucket_next[g]), .ready_o(ready[g]),
                .settled_o(settled[g]), .commit_o(committing[g]), .line_o(lines[25*g+:25]),
                .reads_key_o(reads_key[g]), .match_o(hits[12*g+:12]), .map_o(maps[8*g+:8]),
                .writer_o(writer[g]), .home_o(homes[25*g+:25]), .found_o(found[g]),
                .row_o(rows[24*g+:24]));
        end
    endgenerate

    // --- what requests bring, by slot
    wire [REQ_W-1:0] start_word, end_word;
    wire [14:0]      start_fp;
    wire [KW-1:0]    start_key;
    wire [VW-1:0]    start_value;
    wire [REQ_W-1:0] req_word = {req_op_i, req_cpu_i, req_entry_i, req_flags_i, req_tag_i};
    wire             data_valid;
    wire [2:0]       data_slot;
    wire [511:0]     data;

    ram_lut #(.WIDTH(REQ_W), .DEPTH(8)) u_start_word (
        .clk(clk), .we_i(take), .waddr_i(free_slot), .wdata_i(req_word), .raddr_i(start_slot),
        .rdata_o(start_word));
    ram_lut #(.WIDTH(REQ_W), .DEPTH(8)) u_end_word (
        .clk(clk), .we_i(take), .waddr_i(free_slot), .wdata_i(req_word), .raddr_i(end_slot),
        .rdata_o(end_word));
    ram_lut #(.WIDTH(KW), .DEPTH(8)) u_start_key (
        .clk(clk), .we_i(take), .waddr_i(free_slot), .wdata_i(req_key_i), .raddr_i(start_slot),
        .rdata_o(start_key));
    ram_lut #(.WIDTH(VW), .DEPTH(8)) u_value (
        .clk(clk), .we_i(take), .waddr_i(free_slot), .wdata_i(req_value_i), .raddr_i(start_slot),
        .rdata_o(start_value));
    ram_lut #(.WIDTH(15), .DEPTH(8)) u_start_fp (
        .clk(clk), .we_i(s1_valid_q), .waddr_i(s1_slot_q), .wdata_i(s1_fp), .raddr_i(start_slot),
        .rdata_o(start_fp));

    // --- what was read
    wire         r1_commit;
    reg  [11:0]  pick_match;
    map_far_match #(
        .KEY_W(KW),
        .SLOTS(SLOTS)
    ) u_match (
        .clk(clk), .rst(rst), .take_i(take), .take_slot_i(free_slot), .take_key_i(req_key_i),
        .fp_valid_i(s1_valid_q), .fp_slot_i(s1_slot_q), .fp_i(s1_fp), .data_valid_i(data_valid),
        .data_slot_i(data_slot), .data_i(data), .committing_i(committing), .reads_key_i(reads_key),
        .commit_o(r1_commit), .bucket_o(r2_bucket), .match_o(r2_match), .over_o(r2_over),
        .key_o(r2_key), .same_o(r2_same), .pick_slot_i(pick_slot), .pick_match_i(pick_match),
        .pick_row_o(pick_row));

    // --- the next read: those that change the map first, then the slots in turn
    reg  [2:0]  turn_q;
    reg         pick_bucket;
    reg  [24:0] pick_line;
    always @* begin
        pick      = 1'b0;
        pick_slot = 3'd0;
        for (i = SLOTS - 1; i >= 0; i = i - 1)
            if (ready[i]) begin
                pick      = 1'b1;
                pick_slot = i[2:0];
            end
        for (i = SLOTS - 1; i >= 0; i = i - 1)
            if (ready[i] && i[2:0] > turn_q)
                pick_slot = i[2:0];
        pick_bucket = 1'b0;
        pick_line   = 25'd0;
        pick_match  = 12'd0;
        for (i = 0; i < SLOTS; i = i + 1)
            if (pick_slot == i[2:0]) begin
                pick_bucket = bucket_next[i];
                pick_line   = lines[25*i+:25];
                pick_match  = hits[12*i+:12];
            end
    end

    wire        commit_read, read_ready, commit_write, write_ready;
    wire [24:0] commit_line, write_line;
    wire [1:0]  write_kind;
    wire [511:0] write_data;
    assign pick_go = pick && !commit_read && read_ready;
    always @(posedge clk) begin
        if (pick_go)
            turn_q <= pick_slot;
        if (rst)
            turn_q <= 3'd0;
    end

    map_far_port #(
        .SLOTS  (SLOTS),
        .ID_BASE(ID_BASE)
    ) u_port (
        .clk(clk), .rst(rst), .read_i(commit_read || pick), .read_ready_o(read_ready),
        .read_slot_i(commit_read ? commit_slot_q : pick_slot),
        .read_line_i(commit_read ? commit_line : pick_bucket ? pick_line : {1'b0, pick_row}),
        .data_valid_o(data_valid), .data_slot_o(data_slot), .data_o(data), .write_i(commit_write),
        .write_ready_o(write_ready), .write_kind_i(write_kind), .write_slot_i(commit_slot_q),
        .write_line_i(write_line), .write_data_i(write_data), .quiet_o(quiet),
        .m_axi_awid(m_axi_awid), .m_axi_awaddr(m_axi_awaddr), .m_axi_awvalid(m_axi_awvalid),
        .m_axi_awready(m_axi_awready), .m_axi_wdata(m_axi_wdata), .m_axi_wvalid(m_axi_wvalid),
        .m_axi_wready(m_axi_wready), .m_axi_bresp(m_axi_bresp), .m_axi_bvalid(m_axi_bvalid),
        .m_axi_arid(m_axi_arid), .m_axi_araddr(m_axi_araddr), .m_axi_arvalid(m_axi_arvalid),
        .m_axi_arready(m_axi_arready), .m_axi_rid(m_axi_rid), .m_axi_rdata(m_axi_rdata),
        .m_axi_rresp(m_axi_rresp), .m_axi_rvalid(m_axi_rvalid));
    assign m_axi_bready = 1'b1;
    assign m_axi_rready = 1'b1;

    // --- the oldest change that is searched and has nobody before it
    wire [31:0] commit_status, commit_hint;
    wire [23:0] commit_row;
    wire        commit_lru, lru_ready, commit_lru_valid, commit_remove, commit_add;
    wire [23:0] commit_old, commit_new;
    wire [LW-1:0] oldest;
    reg         start_any, start_found;
    reg  [24:0] start_home;
    reg  [23:0] start_row;
    reg  [7:0]  start_map;
    always @* begin
        start_any   = 1'b0;
        start_slot  = 3'd0;
        for (i = 0; i < SLOTS; i = i + 1)
            if (settled[i] && writer[i] && !bad_q[i]) begin
                start_any  = 1'b1;
                start_slot = i[2:0];
            end
        start_found = 1'b0;
        start_home  = 25'd0;
        start_row   = 24'd0;
        start_map   = 8'd0;
        for (i = 0; i < SLOTS; i = i + 1)
            if (start_slot == i[2:0]) begin
                start_found = found[i];
                start_home  = homes[25*i+:25];
                start_row   = rows[24*i+:24];
                start_map   = maps[8*i+:8];
            end
    end
    assign start = start_any && commit_idle;
    always @(posedge clk) begin
        if (start)
            commit_slot_q <= start_slot;
        else if (configure)
            commit_slot_q <= 3'd0;
        if (rst)
            commit_slot_q <= 3'd0;
    end

    map_far_commit #(
        .MAPS       (MAPS),
        .KEY_BYTES  (KEY_BYTES),
        .VALUE_BYTES(VALUE_BYTES)
    ) u_commit (
        .clk(clk), .rst(rst), .config_i(configure), .config_ok_i(cfg_fits),
        .config_map_i(cfg_map_i),
        .config_spare_i(cfg_desc_i[32*`SPEC_MAPDESC_ENTRY_BASE+:24]
                        + cfg_desc_i[32*`SPEC_MAPDESC_MAX_ENTRIES+:24]),
        .config_base_i(cfg_desc_i[32*`SPEC_MAPDESC_BUCKET_BASE+:25]),
        .config_mask_i(cfg_desc_i[32*`SPEC_MAPDESC_BUCKET_MASK+:24]),
        .idle_o(commit_idle), .start_i(start), .op_i(start_word[REQ_W-1-:3]), .map_i(start_map),
        .cpu_i(start_word[REQ_W-4-:8]), .flags_i(start_word[TAG_W+:64]),
        .entry_i(start_word[TAG_W+64+:32]), .fp_i(start_fp), .key_i(start_key),
        .value_i(start_value), .home_i(start_home), .found_i(start_found), .row_i(start_row),
        .done_o(commit_done), .status_o(commit_status), .row_o(commit_row), .hint_o(commit_hint),
        .key_o(data_key), .map_o(act_map), .base_i(act_base), .mask_i(act_mask),
        .entry_base_i(act_entry_base), .max_i(act_max), .stride_i(act_stride), .span_i(act_span),
        .cpus_i(act_cpus), .vmem_i(act_vmem), .lru_i(act_lru), .hash_o(hash_wanted), .hash_i(hash),
        .mark_o(mark), .marked_o(marked), .mark_home_o(mark_home), .lru_o(commit_lru),
        .lru_ready_i(lru_ready), .oldest_i({{(24 - LW) {1'b0}}, oldest}),
        .lru_valid_o(commit_lru_valid), .remove_o(commit_remove), .old_o(commit_old),
        .add_o(commit_add), .new_o(commit_new), .read_o(commit_read), .read_ready_i(read_ready),
        .read_line_o(commit_line), .data_valid_i(data_valid && r1_commit), .data_i(data),
        .write_o(commit_write), .write_ready_i(write_ready), .write_kind_o(write_kind),
        .write_line_o(write_line), .write_data_o(write_data), .quiet_i(quiet),
        .w_valid_o(w_valid_o), .w_ready_i(w_ready_i), .w_addr_o(w_addr_o), .w_data_o(w_data_o));
    assign w_strb_o = 8'hff;

    // --- a request ends: a change that is done, else a lookup, which is a use
    reg         end_any, end_bad, end_found, end_lru;
    reg  [23:0] end_row;
    reg  [7:0]  end_map;
    always @* begin
        end_any  = 1'b0;
        end_slot = commit_slot_q;
        if (!commit_done)
            for (i = 0; i < SLOTS; i = i + 1)
                if (settled[i] && (!writer[i] || bad_q[i])
                    && !(lru_q[i] && (commit_lru || !lru_ready))) begin
                    end_any  = 1'b1;
                    end_slot = i[2:0];
                end
        end_bad   = 1'b0;
        end_found = 1'b0;
        end_lru   = 1'b0;
        end_row   = 24'd0;
        end_map   = 8'd0;
        for (i = 0; i < SLOTS; i = i + 1)
            if (end_slot == i[2:0]) begin
                end_bad   = bad_q[i];
                end_found = found[i];
                end_lru   = lru_q[i];
                end_row   = rows[24*i+:24];
                end_map   = maps[8*i+:8];
            end
        ends = commit_done || end_any;
    end

    wire use_entry = end_any && end_lru && end_found && !end_bad
                     && end_word[REQ_W-1-:3] == OP_LOOKUP;
    map_lru #(
        .MAPS   (MAPS),
        .ENTRIES(LRU_ENTRIES),
        .EW     (LW)
    ) u_lru (
        .clk(clk), .rst(rst), .clear_i(configure && cfg_fits), .clear_map_i(cfg_map_i),
        .valid_i(commit_lru_valid || use_entry), .map_i(commit_lru ? act_map : end_map),
        .remove_i(!commit_lru || commit_remove),
        .old_i(commit_lru ? commit_old[LW-1:0] : end_row[LW-1:0]),
        .add_i(!commit_lru || commit_add),
        .new_i(commit_lru ? commit_new[LW-1:0] : end_row[LW-1:0]), .ready_o(lru_ready),
        .oldest_o(oldest));

    // --- the answer
    wire [2:0] end_op   = end_word[REQ_W-1-:3];
    wire       end_hint = commit_done && commit_status == ENOENT && end_op == OP_ENTRY;
    map_far_answer #(
        .TAG_W(TAG_W)
    ) u_answer (
        .clk(clk), .rst(rst), .valid_i(ends), .tag_i(end_word[TAG_W-1:0]), .map_i(end_map),
        .cpu_i(end_word[REQ_W-4-:8]), .row_i(commit_done ? commit_row : end_row),
        .status_i(commit_done ? commit_status : end_bad ? EINVAL : end_found ? 32'd0 : ENOENT),
        .hint_i(end_hint ? commit_hint : 32'd0), .delete_i(end_op == OP_DELETE), .busy_o(answering),
        .map_o(addr_map), .entry_base_i(addr_entry_base), .cpus_i(addr_cpus),
        .stride_i(addr_stride), .span_i(addr_span), .resp_valid_o(resp_valid_o),
        .resp_tag_o(resp_tag_o), .resp_status_o(resp_status_o), .resp_addr_o(resp_addr_o));
    assign resp_key_o = data_key;

    wire unused = &{1'b0, m_axi_bid, start_word, end_word, commit_old, commit_new, hash};
endmodule

`default_nettype wire
