// SPDX-License-Identifier: BSD-3-Clause
// LPM engine: entries whose keys are prefixes, and look-ups of the longest one that a key begins
// with. A key is its length in bits (4 bytes) and the bits, the first one highest; it is found
// whatever stands behind the length, and an ENTRY request gives it as it came.
//
// The entries are held by a map_hash, by the prefix and its length. Which lengths are worth a try
// there, a filter tells for all of them at once (map_lpm_filter), and the longest goes first; only
// where the filter was wrong is there a second try (map_lpm_ring).
// Latency: 13 clocks for a look-up; 11 more at least for each try that fails. Throughput: a try a
// clock, so a look-up a clock but for tries that fail: with n entries of a length longer than the
// one that matches, about n / CELLS each. From an update of 8 bytes to the next it is 25 clocks,
// from a deletion to the next 18, without collisions (map_hash_slow), as the bench measures; each
// waits for the look-ups before it, and those behind wait for it. Order: requests take effect and are answered in
// order. Back-pressure: not ready after CONFIG while buckets and cells are cleared (one a clock),
// to any other than a look-up while one is inside, and to all while such a one is. Responses are
// not held.
// Errors: those of map_hash, but ENOSPC when full; EINVAL for an update or a deletion of a prefix
// longer than the key, which a look-up does not find.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none

module map_lpm #(
    parameter         MAPS        = 1,       // maps, 1 to SPEC_HW_MAPS
    parameter         KEY_BYTES   = 8,       // longest key with its length, 5 to SPEC_HW_KEY_BYTES
    parameter         VALUE_BYTES = 8,       // longest value: multiple of 8, to SPEC_HW_VALUE_BYTES
    parameter         ENTRIES     = 16,      // entries of all maps, at least 2
    parameter         BUCKETS     = 8,       // buckets of all maps, at least 2
    parameter         CELLS       = 32,      // of a length: a power of two, 16 to 2^20
    parameter         TAG_W       = 1,       // bits of the tag, at least 1
    parameter [319:0] DESC        = 320'd0,  // descriptor of map 0 after reset
    parameter         FP_BITS     = 16       // bits of a fingerprint, 1 to 16
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
    output wire [7:0]               w_strb_o
);
    localparam BITS    = 8 * KEY_BYTES - 32;
    localparam KW      = 8 * KEY_BYTES;
    localparam EW      = $clog2(ENTRIES);
    localparam CW      = $clog2(CELLS);
    localparam MW      = MAPS < 2 ? 1 : $clog2(MAPS);
    localparam SLOTS_W = 5;
    localparam [2:0] OP_LOOKUP = 3'd0, OP_UPDATE = 3'd1, OP_DELETE = 3'd2, OP_PEEK = 3'd4;
    localparam [31:0] E2BIG = 32'd7, EINVAL = 32'd22, ENOSPC = 32'd28;
    localparam [2:0] ST_IDLE = 3'd0, ST_PEEK = 3'd1, ST_PEEKED = 3'd2, ST_ASK = 3'd3,
                     ST_WAIT = 3'd4, ST_NOTE = 3'd5, ST_DONE = 3'd6;

    generate
        if (KEY_BYTES < 5 || KEY_BYTES > `SPEC_HW_KEY_BYTES || CELLS < 16 || CELLS > 1048576
            || (1 << $clog2(CELLS)) != CELLS) begin : g_illegal
            map_lpm_illegal_parameter u_stop ();
        end
    endgenerate

    // --- configuration: map 0's descriptor after reset, later the port's ---
    wire             clk_on;
    reg              init_q;
    wire             idle;         // nothing is inside
    wire             hash_cfg_ready;
    wire [7:0]       cfg_map  = init_q ? 8'd0 : cfg_map_i;
    wire [319:0]     cfg_desc = init_q ? DESC : cfg_desc_i;
    wire             cfg_valid = (init_q || cfg_valid_i) && idle;
    wire             configure = cfg_valid && hash_cfg_ready;
    wire [31:0]      cfg_key_bytes = cfg_desc[32*`SPEC_MAPDESC_KEY_BYTES+:32];
    wire             cfg_fits = cfg_desc[32*`SPEC_MAPDESC_ENGINE+:32] == `SPEC_ENGINE_LPM
                                && cfg_key_bytes > 32'd4
                                && cfg_desc[32*`SPEC_MAPDESC_CPUS+:32] == 32'd1;
    localparam [31:0] HASH = `SPEC_ENGINE_HASH;
    wire [319:0]     hash_desc = {cfg_desc[319:32], cfg_fits ? HASH : 32'd0};
    reg [5:0]        bytes_table [0:MAPS-1];  // of a key without its length
    reg [MAPS-1:0]   dirty_q;                 // had an insertion since its configuration
    reg              clearing_q;
    reg [CW-1:0]     clear_q;
    wire [MAPS-1:0]  cfg_one = {{(MAPS - 1) {1'b0}}, 1'b1} << cfg_map[MW-1:0];

    assign cfg_ready_o = !init_q && configure;
    always @(posedge clk_on) begin
        if (configure) begin
            init_q                         <= 1'b0;
            bytes_table[cfg_map[MW-1:0]]   <= cfg_key_bytes[5:0] - 6'd4;
            clearing_q                     <= (dirty_q & ~cfg_one) == {MAPS{1'b0}};
            clear_q                        <= {CW{1'b0}};
        end else if (clearing_q) begin
            clear_q    <= clear_q + {{(CW - 1) {1'b0}}, 1'b1};
            clearing_q <= clear_q != {CW{1'b1}};
        end
        if (rst) begin
            init_q     <= 1'b1;
            clearing_q <= 1'b0;
        end
    end

    // --- the request on its way: 1 as it came, 2 and 3 indices, 4 cells, 5 the length to try ---
    reg              s1_valid_q, s2_valid_q, s3_valid_q, s4_valid_q, s5_valid_q;
    reg [2:0]        s1_op_q, s2_op_q, s3_op_q, s4_op_q;
    reg [7:0]        s1_map_q, s2_map_q, s3_map_q, s4_map_q, s5_map_q;
    reg [TAG_W-1:0]  s1_tag_q, s2_tag_q, s3_tag_q, s4_tag_q, s5_tag_q;
    reg [KW-1:0]     s1_key_q, s2_key_q, s3_key_q, s4_key_q;
    reg              s2_fits_q, s3_fits_q, s4_fits_q, s5_fits_q;  // the prefix is in the key
    reg [BITS-1:0]   s5_data_q;
    reg [8:0]        s5_length_q;
    reg [BITS:0]     s5_rest_q;
    reg [8*VALUE_BYTES-1:0] value_q;  // and the rest of what is no look-up
    reg [63:0]       flags_q;
    reg [31:0]       entry_q;
    reg [2:0]        state_q, state_d;
    wire             hash_ready, again, room, ring_empty;

    wire issue   = s5_valid_q && hash_ready && room && !again;
    wire s4_look = s4_op_q == OP_LOOKUP || s4_op_q == OP_PEEK;
    wire s4_goes = s4_valid_q && (s4_look ? !s5_valid_q || issue : state_q == ST_DONE);
    wire advance = !s4_valid_q || s4_goes;
    wire occupied = s1_valid_q || s2_valid_q || s3_valid_q || s4_valid_q || s5_valid_q
                   || !ring_empty;
    reg  change_q;  // what is inside is no look-up
    wire look    = req_op_i == OP_LOOKUP || req_op_i == OP_PEEK;
    wire take    = req_valid_i && req_ready_o;
    assign idle  = !occupied && !clearing_q;
    assign req_ready_o = !init_q && !cfg_valid_i && !clearing_q && !change_q && advance
                         && (look || !occupied);

    always @(posedge clk_on) begin
        if (advance) begin
            s1_valid_q <= take;
            s2_valid_q <= s1_valid_q;
            s3_valid_q <= s2_valid_q;
            s4_valid_q <= s3_valid_q;
        end
        if (s4_goes && s4_look)
            s5_valid_q <= 1'b1;
        else if (issue)
            s5_valid_q <= 1'b0;
        if (take && !look)
            change_q <= 1'b1;
        else if (state_q == ST_DONE)
            change_q <= 1'b0;
        if (rst) begin
            s1_valid_q <= 1'b0;
            s2_valid_q <= 1'b0;
            s3_valid_q <= 1'b0;
            s4_valid_q <= 1'b0;
            s5_valid_q <= 1'b0;
            change_q   <= 1'b0;
        end
    end

    // it rests without requests; its hash engine is not ready while that clears buckets
    clock_gate u_gate (
        .clk(clk), .rst(rst),
        .on_i(req_valid_i || cfg_valid_i || init_q || !idle || change_q || !hash_ready),
        .clk_o(clk_on)
    );

    wire [8:0]  s1_most = {bytes_table[s1_map_q[MW-1:0]], 3'd0};
    always @(posedge clk_on) begin
        if (take) begin
            s1_op_q  <= req_op_i;
            s1_map_q <= req_map_i;
            s1_tag_q <= req_tag_i;
            s1_key_q <= req_key_i;
        end
        if (take && !look) begin
            value_q <= req_value_i;
            flags_q <= req_flags_i;
            entry_q <= req_entry_i;
        end
        if (advance && s1_valid_q) begin
            s2_op_q   <= s1_op_q;
            s2_map_q  <= s1_map_q;
            s2_tag_q  <= s1_tag_q;
            s2_key_q  <= s1_key_q;
            s2_fits_q <= s1_key_q[31:0] <= {23'd0, s1_most};
        end
        if (advance && s2_valid_q) begin
            s3_op_q   <= s2_op_q;
            s3_map_q  <= s2_map_q;
            s3_tag_q  <= s2_tag_q;
            s3_key_q  <= s2_key_q;
            s3_fits_q <= s2_fits_q;
        end
        if (advance && s3_valid_q) begin
            s4_op_q   <= s3_op_q;
            s4_map_q  <= s3_map_q;
            s4_tag_q  <= s3_tag_q;
            s4_key_q  <= s3_key_q;
            s4_fits_q <= s3_fits_q;
        end
        if (s4_goes && s4_look) begin
            s5_map_q    <= s4_map_q;
            s5_tag_q    <= s4_tag_q;
            s5_fits_q   <= s4_fits_q;
            s5_data_q   <= s4_data;
            s5_length_q <= s4_length;
            s5_rest_q   <= s4_rest;
        end
    end

    // --- lengths that an entry may have ---
    wire [BITS-1:0] s1_data, s4_data;  // by their place in the prefix
    wire [BITS:1]   may;
    wire [BITS:0]   s4_may;
    wire [8:0]      s4_length;
    wire [BITS:0]   s4_rest;
    wire            note;              // a prefix is there, or gone
    genvar n;
    generate
        for (n = 0; n < BITS; n = n + 1) begin : g_bit
            assign s1_data[n]    = s1_key_q[32+n/8*8+7-n%8];
            assign s4_data[n]    = s4_key_q[32+n/8*8+7-n%8];
            assign s4_may[n+1]   = may[n+1] && s4_fits_q && s4_key_q[8:0] > n;
        end
    endgenerate
    assign s4_may[0] = 1'b1;

    map_lpm_filter #(
        .MAPS (MAPS),
        .BITS (BITS),
        .CELLS(CELLS)
    ) u_filter (
        .clk       (clk_on),
        .step1_i   (advance && s1_valid_q),
        .map_i     (s1_map_q),
        .data_i    (s1_data),
        .step2_i   (advance && s2_valid_q),
        .step3_i   (advance && s3_valid_q),
        .may_o     (may),
        .change_i  (note),
        .length_i  (s4_key_q[8:0]),
        .more_i    (s4_op_q == OP_UPDATE),
        .clear_i   (clearing_q),
        .clear_at_i(clear_q)
    );

    map_lpm_pick #(
        .BITS(BITS)
    ) u_pick (
        .may_i   (s4_may),
        .length_o(s4_length),
        .rest_o  (s4_rest)
    );

    // --- look-ups in the hash engine ---
    wire [SLOTS_W-1:0] slot, again_slot;
    wire [7:0]         again_map;
    wire [8:0]         again_length;
    wire [BITS-1:0]    again_data;
    wire               hash_done;
    wire [SLOTS_W-1:0] hash_slot;
    wire [31:0]        hash_status, hash_addr, hash_entry;
    wire               ring_valid;
    wire [TAG_W-1:0]   ring_tag;
    wire [31:0]        ring_status, ring_addr;
    wire               ask = state_q == ST_PEEK || state_q == ST_ASK;

    map_lpm_ring #(
        .BITS   (BITS),
        .SLOTS_W(SLOTS_W),
        .TAG_W  (TAG_W)
    ) u_ring (
        .clk           (clk_on),
        .rst           (rst),
        .room_o        (room),
        .empty_o       (ring_empty),
        .slot_o        (slot),
        .issue_i       (issue),
        .tag_i         (s5_tag_q),
        .map_i         (s5_map_q),
        .data_i        (s5_data_q),
        .rest_i        (s5_fits_q ? s5_rest_q : {(BITS + 1) {1'b0}}),
        .answer_i      (hash_done && !change_q),
        .answer_slot_i (hash_slot),
        .status_i      (hash_status),
        .addr_i        (hash_addr),
        .again_o       (again),
        .again_taken_i (hash_ready),
        .again_slot_o  (again_slot),
        .again_map_o   (again_map),
        .again_data_o  (again_data),
        .again_length_o(again_length),
        .resp_valid_o  (ring_valid),
        .resp_tag_o    (ring_tag),
        .resp_status_o (ring_status),
        .resp_addr_o   (ring_addr)
    );

    // The key of a try: the prefix, zeros behind it, its length; of one that fits nowhere, a length
    // that no entry has.
    wire [BITS-1:0] try_data   = again ? again_data : ask ? s4_data : s5_data_q;
    wire [8:0]      try_length = again ? again_length : ask ? s4_key_q[8:0] : s5_length_q;
    wire            try_fits   = again || (ask ? s4_fits_q : s5_fits_q);
    wire [KW-1:0]   try_key;
    generate
        for (n = 0; n < BITS; n = n + 1) begin : g_try
            assign try_key[32+n/8*8+7-n%8] = try_data[n] && try_length > n;
        end
    endgenerate
    assign try_key[31:0] = try_fits ? {23'd0, try_length} : 32'hffffffff;

    // --- everything but look-ups, one at a time: is the prefix there, the operation, the filter ---
    reg  existed_q;
    reg [31:0] status_q, addr_q;
    reg [EW-1:0] place_q;
    wire s4_change = s4_valid_q && !s4_look;
    wire s4_keyed  = s4_op_q == OP_UPDATE || s4_op_q == OP_DELETE;
    always @* begin
        state_d = state_q;
        case (state_q)
            ST_IDLE: if (s4_change)
                state_d = s4_keyed && !s4_fits_q ? ST_DONE :
                          s4_op_q == OP_UPDATE ? ST_PEEK : ST_ASK;
            ST_PEEK:   if (hash_ready) state_d = ST_PEEKED;
            ST_PEEKED: if (hash_done) state_d = ST_ASK;
            ST_ASK:    if (hash_ready) state_d = ST_WAIT;
            ST_WAIT:   if (hash_done) state_d = ST_NOTE;
            ST_NOTE:   state_d = ST_DONE;
            default:   state_d = ST_IDLE;
        endcase
    end

    always @(posedge clk_on) begin
        state_q <= state_d;
        if (state_q == ST_IDLE) begin
            status_q <= EINVAL;
            addr_q   <= 32'd0;
        end
        if (hash_done && state_q == ST_PEEKED)
            existed_q <= hash_status == 32'd0;
        if (hash_done && state_q == ST_WAIT) begin
            status_q <= hash_status == E2BIG ? ENOSPC : hash_status;
            addr_q   <= hash_addr;
            place_q  <= hash_entry[EW-1:0];
        end
        if (configure)
            dirty_q <= dirty_q & ~cfg_one;
        else if (note && s4_op_q == OP_UPDATE)
            dirty_q[s4_map_q[MW-1:0]] <= 1'b1;
        if (rst) begin
            state_q <= ST_IDLE;
            dirty_q <= {MAPS{1'b0}};
        end
    end
    assign note = state_q == ST_NOTE && status_q == 32'd0
                  && (s4_op_q == OP_DELETE || (s4_op_q == OP_UPDATE && !existed_q));

    map_hash #(
        .MAPS       (MAPS),
        .KEY_BYTES  (KEY_BYTES),
        .VALUE_BYTES(VALUE_BYTES),
        .ENTRIES    (ENTRIES),
        .BUCKETS    (BUCKETS),
        .TAG_W      (SLOTS_W),
        .FP_BITS    (FP_BITS),
        .GATE       (0)
    ) u_hash (
        .clk          (clk_on),
        .rst          (rst),
        .cfg_valid_i  (cfg_valid),
        .cfg_ready_o  (hash_cfg_ready),
        .cfg_map_i    (cfg_map),
        .cfg_desc_i   (hash_desc),
        .req_valid_i  (again || ask || (s5_valid_q && room)),
        .req_ready_o  (hash_ready),
        .req_op_i     (again || state_q == ST_PEEK || !ask ? OP_PEEK : s4_op_q),
        .req_map_i    (again ? again_map : ask ? s4_map_q : s5_map_q),
        .req_cpu_i    (8'd0),
        .req_key_i    (try_key),
        .req_value_i  (value_q),
        .req_flags_i  (flags_q),
        .req_entry_i  (entry_q),
        .req_tag_i    (again ? again_slot : slot),
        .resp_valid_o (hash_done),
        .resp_tag_o   (hash_slot),
        .resp_status_o(hash_status),
        .resp_addr_o  (hash_addr),
        .resp_entry_o (hash_entry),
        .resp_key_o   (hash_key),
        .w_valid_o    (w_valid_o),
        .w_ready_i    (w_ready_i),
        .w_addr_o     (w_addr_o),
        .w_data_o     (w_data_o),
        .w_strb_o     (w_strb_o)
    );

    // --- keys as they came ---
    wire [KW-1:0] hash_key, came;
    map_bank #(
        .WIDTH(KW),
        .WORDS(ENTRIES)
    ) u_came (
        .clk         (clk_on),
        .write_i     (state_q == ST_NOTE && status_q == 32'd0 && s4_op_q == OP_UPDATE),
        .write_addr_i(place_q),
        .write_data_i(s4_key_q),
        .read_i      (state_q == ST_NOTE),
        .read_addr_i (place_q),
        .read_data_o (came)
    );

    assign resp_valid_o  = ring_valid || state_q == ST_DONE;
    assign resp_tag_o    = ring_valid ? ring_tag : s4_tag_q;
    assign resp_status_o = ring_valid ? ring_status : status_q;
    assign resp_addr_o   = ring_valid ? ring_addr : addr_q;
    assign resp_key_o    = came;

    wire unused = &{1'b0, req_cpu_i, hash_key, hash_entry, cfg_key_bytes, s1_map_q, s4_map_q};
endmodule

`default_nettype wire
