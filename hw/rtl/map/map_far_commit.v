// SPDX-License-Identifier: BSD-3-Clause
// Updates, deletes and entry requests of map_hash_far, one at a time, after their search: the part
// that changes the map. Also clears the buckets of a map that is configured.
//
// A change goes along the ring of buckets from its key's home (a walk): an insertion to the first
// line that has a free place, counting itself in those that it passes; a deletion to the entry,
// uncounting; a replacement to the entry, whose place gets another row. Each line is read anew, so
// what other changes did since the search is there. An insertion into a full LRU map first walks to
// the oldest entry, whose key says its home, and takes its row.
// Latency, with reads and writes of M clocks: an insertion or replacement 2 * M and 20 clocks, with
// a row from the free list M more, and with an eviction 3 * M more; a deletion 2 * M; a line more for
// each full bucket on the way; or what the value's words take, which are written meanwhile.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none

module map_far_commit #(
    parameter MAPS        = 1,
    parameter KEY_BYTES   = 8,
    parameter VALUE_BYTES = 8
) (
    input  wire                     clk,
    input  wire                     rst,

    // configuration
    input  wire                     config_i,
    input  wire                     config_ok_i,
    input  wire [7:0]               config_map_i,
    input  wire [23:0]              config_spare_i,
    input  wire [24:0]              config_base_i,
    input  wire [23:0]              config_mask_i,
    output wire                     idle_o,

    // a request that was searched
    input  wire                     start_i,
    input  wire [2:0]               op_i,
    input  wire [7:0]               map_i,
    input  wire [7:0]               cpu_i,
    input  wire [63:0]              flags_i,
    input  wire [31:0]              entry_i,
    input  wire [14:0]              fp_i,
    input  wire [8*KEY_BYTES-1:0]   key_i,
    input  wire [8*VALUE_BYTES-1:0] value_i,
    input  wire [24:0]              home_i,
    input  wire                     found_i,
    input  wire [23:0]              row_i,
    output wire                     done_o,
    output wire [31:0]              status_o,
    output wire [23:0]              row_o,
    output wire [31:0]              hint_o,       // of an entry request that fails: where to go on
    output wire [8*KEY_BYTES-1:0]   key_o,        // of the entry

    // the map's sizes
    output wire [7:0]               map_o,
    input  wire [24:0]              base_i,
    input  wire [23:0]              mask_i,
    input  wire [23:0]              entry_base_i,
    input  wire [23:0]              max_i,
    input  wire [15:0]              stride_i,
    input  wire [15:0]              span_i,
    input  wire [7:0]               cpus_i,
    input  wire [31:0]              vmem_i,
    input  wire                     lru_i,

    // the home of an entry: the hash is there in the next clock
    output wire                     hash_o,
    input  wire [31:0]              hash_i,
    output wire                     mark_o,       // an entry of mark_home_o is put out, for one clock,
    output wire                     marked_o,     // and from the next one on until done_o
    output wire [24:0]              mark_home_o,

    // the order of last use
    output wire                     lru_o,        // asks: nobody else's commands meanwhile
    input  wire                     lru_ready_i,
    input  wire [23:0]              oldest_i,
    output wire                     lru_valid_o,
    output wire                     remove_o,
    output wire [23:0]              old_o,
    output wire                     add_o,
    output wire [23:0]              new_o,

    // external memory
    output wire                     read_o,
    input  wire                     read_ready_i,
    output wire [24:0]              read_line_o,
    input  wire                     data_valid_i,
    input  wire [511:0]             data_i,
    output wire                     write_o,
    input  wire                     write_ready_i,
    output wire [1:0]               write_kind_o,
    output wire [24:0]              write_line_o,
    output wire [511:0]             write_data_o,
    input  wire                     quiet_i,

    // value memory
    output wire                     w_valid_o,
    input  wire                     w_ready_i,
    output wire [31:0]              w_addr_o,
    output wire [63:0]              w_data_o
);
    localparam MW = MAPS < 2 ? 1 : $clog2(MAPS);
    localparam KW = 8 * KEY_BYTES;
    localparam [4:0] ST_IDLE = 5'd0, ST_LOAD = 5'd1, ST_ACT = 5'd2, ST_OLDEST = 5'd3, ST_POP = 5'd4,
                     ST_POPPED = 5'd5, ST_LOCAL = 5'd6, ST_VALUE = 5'd7, ST_KEY = 5'd8,
                     ST_VICTIM = 5'd9, ST_COME = 5'd10, ST_HASH = 5'd11, ST_HOME = 5'd12,
                     ST_READ = 5'd13, ST_WAIT = 5'd14, ST_PLAN = 5'd15, ST_WRITE = 5'd16,
                     ST_LINK = 5'd17, ST_SETTLE = 5'd18, ST_DONE = 5'd19, ST_CLEAR = 5'd20,
                     ST_CLEARED = 5'd21;
    localparam [1:0] WALK_INSERT = 2'd0, WALK_DELETE = 2'd1, WALK_REPLACE = 2'd2, WALK_ENTRY = 2'd3;
    localparam [2:0] OP_UPDATE = 3'd1, OP_DELETE = 3'd2;
    localparam [31:0] ENOENT = 32'd2, E2BIG = 32'd7, EEXIST = 32'd17, EINVAL = 32'd22;

    reg [4:0]    state_q, state_d;
    reg [31:0]   status_q, status_d;
    reg [1:0]    walk_q;
    reg [2:0]    op_q;
    reg [7:0]    map_q, cpu_q;
    reg [63:0]   flags_q;
    reg [31:0]   entry_q;
    reg [14:0]   fp_q;
    reg [24:0]   home_q;
    reg          found_q;
    reg [23:0]   row_q;         // the entry that was found, is put out, or is asked for
    reg [23:0]   target_q;      // the entry that an update writes
    reg          evict_q, marked_q;
    reg          from_free_q;
    reg [24:0]   link_q;        // {there is one, the next free row}
    reg [24:0]   line_q;        // where the walk is
    reg [511:0]  data_q;        // what was read
    reg [511:0]  put_q;         // what is written
    reg          put_any_q, end_q;
    reg [24:0]   clear_last_q;

    // Free entries of each map: {any, the list's head, the first never used, the spare one}
    reg [72:0]   free_table [0:MAPS-1];
    reg [72:0]   free_q;
    wire         free_any;
    wire [23:0]  free_head, fresh, spare;
    assign {free_any, free_head, fresh, spare} = free_q;

    wire         per_cpu  = cpus_i != 8'd1;
    wire         in_place = found_q && per_cpu;
    wire         replace  = found_q && !per_cpu;
    wire         update   = op_q == OP_UPDATE;
    wire         full     = !found_q && !free_any && fresh == max_i;
    wire [31:0]  refusal  = flags_q > 64'd2 ? EINVAL :
                            found_q && flags_q[0] ? EEXIST :
                            !found_q && flags_q[1] ? ENOENT :
                            full && !lru_i ? E2BIG : 32'd0;
    wire [23:0]  entry_at    = entry_base_i + entry_q[23:0];
    wire         entry_fresh = entry_q >= {8'd0, fresh} && entry_q != {8'd0, max_i};
    wire         entry_past  = entry_q > {8'd0, max_i};
    wire [24:0]  mask = {1'b0, mask_i};
    wire [24:0]  next = (line_q & ~mask) | ((line_q + 25'd1) & mask);
    wire [24:0] hashed = base_i | ({1'b0, hash_i[23:0]} & mask);
    wire         value_busy;

    // --- a line of the walk: 12 places of {taken, fingerprint, row}, and how many went past it
    wire [11:0]  taken, hit;
    wire [11:0]  free  = ~taken & (taken + 12'd1);
    wire [23:0]  past  = data_q[503:480];
    wire         there = |hit;
    wire         insert = walk_q == WALK_INSERT;
    wire         stops = insert ? taken != 12'hfff : there;
    wire [39:0]  put_place = walk_q == WALK_DELETE ? 40'd0 :
                             insert ? {1'b1, fp_q, target_q} : 40'd0;
    wire [511:0] put;
    genvar g;
    generate
        for (g = 0; g < 12; g = g + 1) begin : g_place
            assign taken[g] = data_q[40*g+39];
            assign hit[g]   = taken[g] && data_q[40*g+:24] == row_q;
            assign put[40*g+:40] =
                insert ? (free[g] ? put_place : data_q[40*g+:40]) :
                !hit[g] ? data_q[40*g+:40] :
                walk_q == WALK_REPLACE ? {data_q[40*g+24+:16], target_q} : put_place;
        end
    endgenerate
    assign put[503:480] = stops ? past : insert ? past + 24'd1 : past - 24'd1;
    assign put[511:504] = 8'd0;

    always @* begin
        state_d  = state_q;
        status_d = status_q;
        case (state_q)
            ST_IDLE: begin
                status_d = 32'd0;
                if (config_i && config_ok_i) state_d = ST_CLEAR;
                else if (start_i) state_d = ST_LOAD;
            end
            ST_LOAD: state_d = ST_ACT;
            ST_ACT: begin
                if (update) begin
                    status_d = refusal;
                    state_d  = full ? ST_OLDEST : !found_q && free_any ? ST_POP : ST_LOCAL;
                end else if (op_q == OP_DELETE) begin
                    status_d = found_q ? 32'd0 : ENOENT;
                    state_d  = ST_READ;
                end else begin
                    status_d = entry_past ? EINVAL :
                               entry_fresh || entry_at == spare ? ENOENT : 32'd0;
                    state_d  = ST_VICTIM;
                end
                if (status_d != 32'd0) state_d = ST_DONE;
            end
            ST_OLDEST: if (lru_ready_i) state_d = ST_LOCAL;
            ST_POP:    if (read_ready_i) state_d = ST_POPPED;
            ST_POPPED: if (data_valid_i) state_d = ST_LOCAL;
            ST_LOCAL:  state_d = ST_VALUE;
            ST_VALUE:  state_d = in_place ? ST_SETTLE : evict_q ? ST_VICTIM : ST_KEY;
            ST_KEY:    if (write_ready_i) state_d = ST_READ;
            // the key of an entry says where its place is
            ST_VICTIM: if (read_ready_i) state_d = ST_COME;
            ST_COME:   if (data_valid_i) state_d = ST_HASH;
            ST_HASH:   state_d = ST_HOME;
            ST_HOME:   state_d = ST_READ;
            ST_READ:   if (read_ready_i) state_d = ST_WAIT;
            ST_WAIT:   if (data_valid_i) state_d = ST_PLAN;
            ST_PLAN: begin
                state_d = ST_WRITE;
                if (walk_q == WALK_ENTRY && !there && (past == 24'd0 || next == home_q)) begin
                    status_d = ENOENT;
                    state_d  = ST_DONE;
                end
            end
            ST_WRITE: if (!put_any_q || write_ready_i)
                state_d = !end_q ? ST_READ :
                          walk_q == WALK_ENTRY ? ST_DONE :
                          walk_q != WALK_DELETE ? ST_SETTLE :
                          evict_q ? ST_KEY : ST_LINK;
            ST_LINK:   if (write_ready_i) state_d = ST_SETTLE;
            ST_SETTLE: if (quiet_i && !value_busy) state_d = ST_DONE;
            ST_DONE:   if (done_o) state_d = ST_IDLE;
            ST_CLEAR:  if (write_ready_i && line_q == clear_last_q) state_d = ST_CLEARED;
            ST_CLEARED: if (quiet_i) state_d = ST_IDLE;
            default:   state_d = ST_IDLE;
        endcase
    end

    always @(posedge clk) begin
        state_q  <= state_d;
        status_q <= status_d;
        if (rst)
            state_q <= ST_IDLE;
    end

    // --- the request
    always @(posedge clk) begin
        case (state_q)
            ST_IDLE: if (start_i) begin
                op_q    <= op_i;
                map_q   <= map_i;
                cpu_q   <= cpu_i;
                flags_q <= flags_i;
                entry_q <= entry_i;
                fp_q    <= fp_i;
                home_q  <= home_i;
                found_q <= found_i;
                row_q   <= row_i;
            end
            ST_ACT: begin
                if (!update && op_q != OP_DELETE) row_q <= entry_at;
                target_q    <= in_place ? row_q : replace ? spare :
                               free_any ? free_head : entry_base_i + fresh;
                from_free_q <= !found_q && free_any;
                walk_q      <= !update ? op_q == OP_DELETE ? WALK_DELETE : WALK_ENTRY :
                               replace ? WALK_REPLACE : full ? WALK_DELETE : WALK_INSERT;
            end
            ST_OLDEST: begin
                row_q    <= oldest_i;
                target_q <= oldest_i;
            end
            // of an entry request or the one put out; an entry request's own key means nothing
            ST_HOME: if (!update) home_q <= hashed;
            ST_WRITE: if (end_q && evict_q && (!put_any_q || write_ready_i)) walk_q <= WALK_INSERT;
            default: ;
        endcase
        if (state_q == ST_IDLE)
            evict_q <= 1'b0;
        else if (state_q == ST_OLDEST)
            evict_q <= 1'b1;
    end

    // --- the walk
    always @(posedge clk) begin
        case (state_q)
            ST_IDLE:  line_q <= config_base_i;
            ST_ACT:   line_q <= home_q;
            ST_HOME:  line_q <= hashed;
            ST_WRITE: if (!put_any_q || write_ready_i) line_q <= end_q ? home_q : next;
            ST_CLEAR: if (write_ready_i) line_q <= line_q + 25'd1;
            default: ;
        endcase
        if (state_q == ST_IDLE)
            clear_last_q <= config_base_i + {1'b0, config_mask_i};
        if (data_valid_i)
            data_q <= data_i;
        if (state_q == ST_PLAN) begin
            put_q     <= put;
            put_any_q <= walk_q != WALK_ENTRY && (walk_q != WALK_REPLACE || there);
            end_q     <= stops;
        end
        if (state_q == ST_POPPED && data_valid_i)
            link_q <= data_i[24:0];
    end

    // --- those whose search an eviction makes void
    reg [24:0] mark_home_q;
    always @(posedge clk) begin
        if (state_q == ST_HOME)
            mark_home_q <= hashed;
        marked_q <= (marked_q || (state_q == ST_HOME && evict_q)) && !done_o;
        if (rst)
            marked_q <= 1'b0;
    end
    reg mark_q;
    always @(posedge clk)
        mark_q <= state_q == ST_HOME && evict_q;

    // --- free entries
    reg [72:0] free_new;
    always @* begin
        if (state_q == ST_IDLE)
            free_new = {1'b0, 24'd0, 24'd0, config_spare_i};
        else if (!update)
            free_new = {1'b1, row_q, fresh, spare};
        else if (replace)
            free_new = {free_any, free_head, fresh, row_q};
        else if (from_free_q)
            free_new = {link_q, fresh, spare};
        else
            free_new = {1'b0, free_head, fresh + 24'd1, spare};
    end
    wire free_write = (state_q == ST_IDLE && config_i && config_ok_i)
                      || (done_o && status_q == 32'd0 && !(update && in_place) && !evict_q
                          && walk_q != WALK_ENTRY);
    always @(posedge clk) begin
        if (free_write)
            free_table[state_q == ST_IDLE ? config_map_i[MW-1:0] : map_q[MW-1:0]] <= free_new;
        if (state_q == ST_LOAD)
            free_q <= free_table[map_q[MW-1:0]];
    end

    // --- the value, word by word: of a fresh entry of a per-CPU map zero on the other CPUs
    reg          w_valid_q;
    reg [31:0]   w_addr_q;
    reg [15:0]   word_q;
    reg [7:0]    at_cpu_q;
    reg [8*VALUE_BYTES-1:0] value_q;
    reg [39:0]   offset_q;
    wire [23:0]  nth     = target_q - entry_base_i;
    wire [7:0]   cpu       = cpu_q < cpus_i ? cpu_q : 8'd0;
    wire [23:0]  cpu_at    = {16'd0, cpu} * {8'd0, stride_i};
    wire         own       = in_place || at_cpu_q == cpu;
    wire         last_word = word_q + 16'd8 >= stride_i;
    wire         last_cpu  = in_place || at_cpu_q + 8'd1 >= cpus_i;
    assign value_busy = w_valid_q;

    always @(posedge clk) begin
        if (state_q == ST_LOCAL)
            offset_q <= {16'd0, nth} * {24'd0, span_i};
        if (state_q == ST_IDLE && start_i)
            value_q <= value_i;
        else if (w_valid_q && w_ready_i && own)
            value_q <= value_q >> 64;
        if (state_q == ST_VALUE) begin
            w_valid_q <= 1'b1;
            w_addr_q  <= vmem_i + offset_q[31:0] + (in_place ? {8'd0, cpu_at} : 32'd0);
            word_q    <= 16'd0;
            at_cpu_q  <= 8'd0;
        end else if (w_valid_q && w_ready_i) begin
            w_valid_q <= !(last_word && last_cpu);
            w_addr_q  <= w_addr_q + 32'd8;
            word_q    <= last_word ? 16'd0 : word_q + 16'd8;
            if (last_word)
                at_cpu_q <= at_cpu_q + 8'd1;
        end
        if (rst)
            w_valid_q <= 1'b0;
    end

    // --- the request's key, and that of the entry that is asked for or put out
    reg [KW-1:0] key_q, data_key_q;
    always @(posedge clk) begin
        if (state_q == ST_IDLE && start_i)
            key_q <= key_i;
        if (state_q == ST_COME && data_valid_i)
            data_key_q <= data_i[KW-1:0];
    end

    // --- ports
    wire fine = state_q == ST_DONE && status_q == 32'd0 && lru_i && walk_q != WALK_ENTRY;
    assign idle_o       = state_q == ST_IDLE;
    assign done_o       = state_q == ST_DONE && (!fine || lru_ready_i);
    assign status_o     = status_q;
    assign row_o        = update ? target_q : row_q;
    assign hint_o       = entry_fresh && !update && op_q != OP_DELETE && !entry_past ? {8'd0, max_i} : 32'd0;
    assign key_o        = data_key_q;
    assign map_o        = map_q;
    assign hash_o       = state_q == ST_HASH;
    assign mark_o       = mark_q;
    assign marked_o     = marked_q;
    assign mark_home_o  = mark_home_q;
    assign lru_o        = state_q == ST_OLDEST || fine;
    assign lru_valid_o  = fine && lru_ready_i;
    assign remove_o     = !update || found_q || evict_q;
    assign old_o        = row_q;
    assign add_o        = update;
    assign new_o        = target_q;
    assign read_o       = state_q == ST_POP || state_q == ST_VICTIM || state_q == ST_READ;
    assign read_line_o  = state_q == ST_POP ? {1'b0, target_q} :
                          state_q == ST_VICTIM ? {1'b0, row_q} : line_q;
    assign write_o      = state_q == ST_KEY || (state_q == ST_WRITE && put_any_q)
                          || state_q == ST_LINK || state_q == ST_CLEAR;
    assign write_kind_o = state_q == ST_CLEAR ? 2'd2 : state_q == ST_WRITE ? 2'd0 : 2'd1;
    assign write_line_o = state_q == ST_KEY ? {1'b0, target_q} :
                          state_q == ST_LINK ? {1'b0, row_q} : line_q;
    assign write_data_o = state_q == ST_KEY ? {{(512 - KW) {1'b0}}, key_q} :
                          state_q == ST_LINK ? {487'd0, free_any, free_head} :
                          state_q == ST_CLEAR ? 512'd0 : put_q;
    assign w_valid_o    = w_valid_q;
    assign w_addr_o     = w_addr_q;
    assign w_data_o     = own ? value_q[63:0] : 64'd0;

    wire unused = &{1'b0, data_q[511:504], map_q, config_map_i, hash_i[31:24], offset_q[39:32], cpu_at};
endmodule

`default_nettype wire
