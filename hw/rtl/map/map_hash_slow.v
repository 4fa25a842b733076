// SPDX-License-Identifier: BSD-3-Clause
// The hash engine's second half: everything but a lookup that its first read decides. It finds the
// key among the rest of a bucket, changes buckets, entries and free lists, writes values, and
// clears the buckets of a newly configured map. One request at a time, while the lookups behind it
// stand still.
//
// A bucket holds four slots {valid, fingerprint, entry} and the head of a chain of further entries.
// The chain is used only while all slots are. An entry has a key and a link {used, next is valid,
// next, fingerprint}, which also strings the free entries together. Clocks from start_i to done_o:
// a lookup 1 and 2 for each key of the chain (3 for each further slot that matches); for other
// requests this much for the search, and then 3 or 4 and 1 for each 8 bytes of value of each CPU
// for an insertion, 4 or 5 and the value for a replacement, 4 or 5 for a deletion.
//
// An insertion into a full LRU map first deletes the oldest entry: it reads the entry's bucket,
// finds the entry there by its number, unlinks and frees it, and reads the request's own bucket
// again, which may be the same; 10 or 11 clocks more, and 2 for each entry of the chain before it.
`default_nettype none

module map_hash_slow #(
    parameter MAPS        = 1,
    parameter VALUE_BYTES = 8,
    parameter EW          = 4,   // bits of an entry's number
    parameter BW          = 4,   // bits of a bucket's number
    parameter FW          = 16,  // bits of a fingerprint
    parameter SW          = 21,  // bits of a slot: 1 + FW + EW
    parameter BUCKET_W    = 89   // bits of a bucket: 4 * SW + 1 + EW
) (
    input  wire                     clk,
    input  wire                     rst,

    // configuration: the pipeline is empty when config_i is high, and the table is written in the
    // same clock
    input  wire                     config_i,
    input  wire                     config_ok_i,
    input  wire [7:0]               config_map_i,
    input  wire [EW-1:0]            config_spare_i,
    input  wire [BW-1:0]            config_base_i,
    input  wire [BW-1:0]            config_mask_i,
    output wire                     idle_o,

    // the request, held from start_i to done_o
    input  wire                     start_i,
    input  wire [2:0]               op_i,
    input  wire                     peek_i,        // a lookup that is no use
    input  wire [7:0]               map_i,
    input  wire [7:0]               cpu_i,
    input  wire [63:0]              flags_i,
    input  wire [31:0]              entry_i,
    input  wire [FW-1:0]            fp_i,
    input  wire [BW-1:0]            bucket_addr_i,
    input  wire [BUCKET_W-1:0]      bucket_i,
    input  wire [3:0]               match_i,       // slots with the key's fingerprint
    input  wire [3:0]               pick_i,        // the one of them that was compared first
    input  wire                     same_i,        // the key read last equals the request's
    output wire                     done_o,
    output wire [31:0]              status_o,
    output wire [EW-1:0]            entry_o,
    input  wire                     value_load_i,  // value_i is that of the next update
    input  wire [8*VALUE_BYTES-1:0] value_i,

    // the map's descriptor
    input  wire [EW-1:0]            entry_base_i,
    input  wire [EW-1:0]            max_i,
    input  wire [15:0]              stride_i,
    input  wire [15:0]              span_i,
    input  wire [7:0]               cpus_i,
    input  wire [31:0]              vmem_i,
    input  wire                     lru_i,

    // an LRU map's order: an entry leaves it, one becomes the newest, or both
    input  wire [EW-1:0]            oldest_i,
    output wire                     remove_o,
    output wire [EW-1:0]            old_o,
    output wire                     add_o,
    output wire [EW-1:0]            new_o,

    // memories
    output wire                     read_o,        // key, link and place at read_addr_o
    output wire [EW-1:0]            read_addr_o,
    input  wire [FW+EW+1:0]         link_i,
    input  wire [BW-1:0]            place_i,       // the bucket that the entry read last is in
    output wire                     bucket_read_o,
    output wire [BW-1:0]            bucket_read_addr_o,
    input  wire [BUCKET_W-1:0]      bucket_read_i,
    output wire                     key_write_o,   // the request's key goes to link_addr_o
    output wire                     link_write_o,
    output wire [EW-1:0]            link_addr_o,
    output wire [FW+EW+1:0]         link_o,
    output wire                     bucket_write_o,
    output wire [BW-1:0]            bucket_addr_o,
    output wire [BUCKET_W-1:0]      bucket_o,

    output wire                     w_valid_o,
    input  wire                     w_ready_i,
    output wire [31:0]              w_addr_o,
    output wire [63:0]              w_data_o
);
    localparam MW = MAPS < 2 ? 1 : $clog2(MAPS);
    localparam [4:0] ST_IDLE = 5'd0, ST_NEXT = 5'd1, ST_READ = 5'd2, ST_COMPARE = 5'd3,
                     ST_ACT = 5'd4, ST_POP = 5'd5, ST_LINK = 5'd6, ST_WRITE = 5'd7, ST_UNUSE = 5'd8,
                     ST_RELINK = 5'd9, ST_PULL = 5'd10, ST_UNLINK = 5'd11, ST_FREE = 5'd12,
                     ST_ENTRY = 5'd13, ST_CHECK = 5'd14, ST_CLEAR = 5'd15, ST_DONE = 5'd16,
                     ST_EVICT = 5'd17, ST_PLACE = 5'd18, ST_BUCKET = 5'd19, ST_FIND = 5'd20,
                     ST_RELOAD = 5'd21, ST_AGAIN = 5'd22;
    localparam [2:0] OP_LOOKUP = 3'd0, OP_UPDATE = 3'd1, OP_DELETE = 3'd2, OP_ENTRY = 3'd3;
    localparam [31:0] ENOENT = 32'd2, E2BIG = 32'd7, EEXIST = 32'd17, EINVAL = 32'd22;

    reg [4:0]          state_q, state_d;
    reg [31:0]         status_q, status_d;
    reg                found_q;       // cur_q has the request's key
    reg                in_chain_q;    // cur_q came from the chain, not from slot_q
    reg                has_prev_q;    // ... and follows prev_q there
    reg [3:0]          slot_q;        // one bit of four
    reg [3:0]          rest_q;        // slots that match and were not compared
    reg [EW-1:0]       cur_q;
    reg [EW:0]         cur_next_q;    // the link behind cur_q
    reg [EW-1:0]       prev_q;
    reg [FW-1:0]       prev_fp_q;
    reg [EW-1:0]       target_q;      // the entry that an update writes
    reg                from_free_q;
    reg [31:0]         waddr_q;
    reg [15:0]         word_q;        // bytes of one CPU's value that were written
    reg [7:0]          cpu_q;
    reg [8*VALUE_BYTES-1:0] value_q;
    reg [BW-1:0]       clear_q, clear_last_q;
    reg                evict_q;      // the oldest entry is being deleted: cur_q, once found
    reg [EW-1:0]       victim_q;
    reg [BW-1:0]       place_q;      // its bucket's number
    reg                reread_q;     // bucket_q is the bucket at hand, not bucket_i
    reg [BUCKET_W-1:0] bucket_q;

    wire [BUCKET_W-1:0] bucket = reread_q ? bucket_q : bucket_i;

    // Free entries of each map: the list's head, the first that was never used, the spare one.
    localparam FREE_W = 1 + EW + EW + EW;
    reg [FREE_W-1:0] free_table [0:MAPS-1];
    wire             free_any;
    wire [EW-1:0]    free_head;
    wire [EW-1:0]    fresh;           // counts from 0
    wire [EW-1:0]    spare;
    assign {free_any, free_head, fresh, spare} = free_table[map_i[MW-1:0]];

    wire             chain_any;
    wire [EW-1:0]    chain_head;
    assign {chain_any, chain_head} = bucket[BUCKET_W-1:4*SW];

    wire             link_used, link_more;
    wire [EW-1:0]    link_next;
    wire [FW-1:0]    link_fp;
    assign {link_used, link_more, link_next, link_fp} = link_i;

    wire [7:0] cpu = cpu_i < cpus_i ? cpu_i : 8'd0;
    wire per_cpu  = cpus_i != 8'd1;
    wire in_place = found_q && per_cpu;
    wire replace  = found_q && !per_cpu;

    // --- slots: the first match left, the first free one, and the bucket as it will be ---
    wire [3:0]    rest_first = rest_q & (~rest_q + 4'd1);
    wire [3:0]    slot_valid;
    wire [3:0]    slot_free  = ~slot_valid & (slot_valid + 4'd1);
    genvar g;
    wire [3:0]    slot_victim;
    generate
        for (g = 0; g < 4; g = g + 1) begin : g_slot
            assign slot_valid[g]  = bucket[g*SW+SW-1];
            assign slot_victim[g] = slot_valid[g] && bucket[g*SW+:EW] == victim_q;
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

    wire          delete    = op_i == OP_DELETE || evict_q;
    wire          pull      = delete && !in_chain_q && chain_any;
    wire          to_slot   = delete ? !in_chain_q : found_q ? !in_chain_q : slot_valid != 4'hf;
    wire [3:0]    put_slot  = found_q ? slot_q : slot_free;
    wire [SW-1:0] put_value = !delete ? {1'b1, fp_i, target_q} :
                              pull ? {1'b1, link_fp, chain_head} : {SW{1'b0}};
    wire [EW:0]   put_chain = pull ? {link_more, link_next} :
                              to_slot ? {chain_any, chain_head} :
                              delete ? cur_next_q : {1'b1, target_q};
    wire [BUCKET_W-1:0] bucket_new;
    generate
        for (g = 0; g < 4; g = g + 1) begin : g_put
            assign bucket_new[g*SW+:SW] = to_slot && put_slot[g] ? put_value : bucket[g*SW+:SW];
        end
    endgenerate
    assign bucket_new[BUCKET_W-1:4*SW] = put_chain;

    // --- what to do next ---
    wire same        = evict_q ? cur_q == victim_q : same_i;
    wire first_found = |match_i && same_i;
    wire chain_after_prev = in_chain_q && has_prev_q && found_q;
    wire chain_first = !first_found && (match_i & ~pick_i) == 4'd0 && chain_any;
    wire entry_fresh = entry_i >= {{(32 - EW) {1'b0}}, fresh} && entry_i[EW-1:0] != max_i;
    wire [EW-1:0] entry_at = entry_base_i + entry_i[EW-1:0];
    wire full = !found_q && !free_any && fresh == max_i;
    wire [31:0] refusal = flags_i > 64'd2 ? EINVAL :
                          found_q && flags_i[0] ? EEXIST :
                          !found_q && flags_i[1] ? ENOENT :
                          full && !lru_i ? E2BIG : 32'd0;
    wire evict = full && lru_i;
    wire last_word = word_q + 16'd8 >= stride_i;
    wire last_cpu  = in_place || cpu_q + 8'd1 >= cpus_i;

    // ST_ACT, when the search is over
    reg [4:0]  act_state;
    reg [31:0] act_status;
    always @* begin
        act_state  = ST_DONE;
        act_status = found_q ? 32'd0 : ENOENT;
        if (evict_q) begin
            act_state  = pull ? ST_PULL : ST_UNLINK;
            act_status = status_q;
        end else case (op_i)
            OP_UPDATE: begin
                act_status = refusal;
                if (refusal == 32'd0)
                    act_state = evict ? ST_EVICT : found_q || !free_any ? ST_LINK : ST_POP;
            end
            OP_DELETE: if (found_q)
                act_state = pull ? ST_PULL : ST_UNLINK;
            OP_LOOKUP: ;
            default: act_status = EINVAL;
        endcase
    end

    always @* begin
        state_d  = state_q;
        status_d = status_q;
        case (state_q)
            ST_IDLE: begin
                status_d = 32'd0;
                if (config_i && config_ok_i)
                    state_d = ST_CLEAR;
                else if (start_i)
                    state_d = op_i == OP_ENTRY ? ST_ENTRY : chain_first ? ST_READ :
                              first_found || (match_i & ~pick_i) == 4'd0 ? ST_ACT : ST_NEXT;
            end
            ST_NEXT:    state_d = !found_q && (|rest_q || chain_any) ? ST_READ : ST_ACT;
            ST_READ:    state_d = ST_COMPARE;
            ST_COMPARE: begin
                status_d = same ? 32'd0 : ENOENT;  // of a lookup
                if (same || (in_chain_q && !link_more))
                    state_d = op_i == OP_LOOKUP ? ST_DONE : ST_ACT;
                else
                    state_d = in_chain_q ? ST_READ : ST_NEXT;
            end
            ST_ACT: begin
                status_d = act_status;
                state_d  = act_state;
            end
            ST_POP:    state_d = ST_LINK;
            ST_LINK:   state_d = ST_WRITE;
            ST_WRITE:  if (w_ready_i && last_word && last_cpu)
                state_d = replace ? ST_UNUSE : ST_DONE;
            ST_UNUSE:  state_d = chain_after_prev ? ST_RELINK : ST_DONE;
            ST_RELINK: state_d = ST_DONE;
            ST_PULL:   state_d = ST_UNLINK;
            ST_UNLINK: state_d = ST_FREE;
            ST_FREE:   state_d = evict_q ? ST_RELOAD : ST_DONE;
            ST_EVICT:  state_d = ST_PLACE;
            ST_PLACE:  state_d = ST_BUCKET;
            ST_BUCKET: state_d = ST_FIND;
            ST_FIND:   state_d = |slot_victim ? ST_ACT : ST_READ;
            ST_RELOAD: state_d = ST_AGAIN;
            ST_AGAIN:  state_d = ST_ACT;
            ST_ENTRY: begin
                status_d = entry_i > {{(32 - EW) {1'b0}}, max_i} ? EINVAL :
                           entry_fresh || entry_at == spare ? ENOENT : 32'd0;
                state_d  = status_d != 32'd0 ? ST_DONE : ST_CHECK;
            end
            ST_CHECK: begin
                status_d = link_used ? 32'd0 : ENOENT;
                state_d  = ST_DONE;
            end
            ST_CLEAR:  if (clear_q == clear_last_q)
                state_d = ST_IDLE;
            default:   state_d = ST_IDLE;
        endcase
    end

    always @(posedge clk) begin
        state_q  <= state_d;
        status_q <= status_d;
        if (rst)
            state_q <= ST_IDLE;
    end

    // --- the search ---
    always @(posedge clk) begin
        case (state_q)
            ST_IDLE: begin
                found_q    <= first_found;
                slot_q     <= pick_i;
                rest_q     <= match_i & ~pick_i;
                in_chain_q <= chain_first;
                has_prev_q <= 1'b0;
                cur_q      <= chain_first ? chain_head : entry_of(bucket, pick_i);
            end
            ST_NEXT: if (!found_q) begin
                slot_q     <= rest_first;
                rest_q     <= rest_q & ~rest_first;
                in_chain_q <= rest_q == 4'd0;
                cur_q      <= rest_q == 4'd0 ? chain_head : entry_of(bucket, rest_first);
            end
            ST_COMPARE: begin
                found_q    <= same;
                cur_next_q <= link_i[FW+:EW+1];
                if (in_chain_q && !same && link_more) begin
                    has_prev_q <= 1'b1;
                    prev_q     <= cur_q;
                    prev_fp_q  <= link_fp;
                    cur_q      <= link_next;
                end
            end
            ST_ENTRY: cur_q <= entry_at;
            ST_FIND: begin
                found_q    <= |slot_victim;
                slot_q     <= slot_victim;
                in_chain_q <= slot_victim == 4'd0;
                has_prev_q <= 1'b0;
                cur_q      <= |slot_victim ? victim_q : chain_head;
            end
            ST_AGAIN: begin
                found_q    <= 1'b0;
                in_chain_q <= 1'b0;
                has_prev_q <= 1'b0;
            end
            default: ;
        endcase
    end

    // --- the oldest entry makes room ---
    always @(posedge clk) begin
        case (state_q)
            ST_IDLE:   reread_q <= 1'b0;
            ST_EVICT:  victim_q <= oldest_i;
            ST_PLACE:  place_q  <= place_i;
            ST_BUCKET: begin
                bucket_q <= bucket_read_i;
                reread_q <= 1'b1;
                evict_q  <= 1'b1;
            end
            ST_RELOAD: evict_q  <= 1'b0;
            ST_AGAIN:  bucket_q <= bucket_read_i;
            default: ;
        endcase
        if (rst)
            evict_q <= 1'b0;
    end
    assign bucket_read_o      = state_q == ST_PLACE || state_q == ST_RELOAD;
    assign bucket_read_addr_o = state_q == ST_PLACE ? place_i : bucket_addr_i;

    // --- the order of last use ---
    wire done_lru   = state_q == ST_DONE && status_q == 32'd0 && lru_i;
    wire was_lookup = op_i == OP_LOOKUP && !peek_i;
    wire was_update = op_i == OP_UPDATE;
    assign remove_o = (state_q == ST_FREE && evict_q)
                      || (done_lru && (was_lookup || op_i == OP_DELETE || (was_update && found_q)));
    assign old_o    = cur_q;
    assign add_o    = done_lru && (was_lookup || was_update);
    assign new_o    = was_update ? target_q : cur_q;

    // --- the entry that an update writes, and its value ---
    wire [EW-1:0] target_local = target_q - entry_base_i;
    wire [31:0]   target_span  = {{(32 - EW) {1'b0}}, target_local} * {16'd0, span_i};
    wire [31:0]   cpu_offset   = {24'd0, cpu} * {16'd0, stride_i};
    wire          own_value    = in_place || cpu_q == cpu;

    always @(posedge clk) begin
        case (state_q)
            ST_ACT: begin
                from_free_q <= !found_q && free_any;
                target_q    <= in_place ? cur_q : replace ? spare :
                               free_any ? free_head : entry_base_i + fresh;
            end
            ST_LINK: begin
                waddr_q <= vmem_i + target_span + (in_place ? cpu_offset : 32'd0);
                word_q  <= 16'd0;
                cpu_q   <= 8'd0;
            end
            ST_WRITE: if (w_ready_i) begin
                waddr_q <= waddr_q + 32'd8;
                word_q  <= last_word ? 16'd0 : word_q + 16'd8;
                if (last_word)
                    cpu_q <= cpu_q + 8'd1;
            end
            default: ;
        endcase
        if (value_load_i)
            value_q <= value_i;
        else if (state_q == ST_WRITE && w_ready_i && own_value)
            value_q <= value_q >> 64;
    end

    // --- free lists ---
    wire              free_write = (state_q == ST_IDLE && config_i && config_ok_i)
                                   || (state_q == ST_LINK && !in_place) || state_q == ST_FREE;
    wire [MW-1:0]     free_at    = state_q == ST_IDLE ? config_map_i[MW-1:0] : map_i[MW-1:0];
    reg [FREE_W-1:0]  free_new;
    always @* begin
        if (state_q == ST_IDLE)
            free_new = {1'b0, {EW{1'b0}}, {EW{1'b0}}, config_spare_i};
        else if (state_q == ST_FREE)
            free_new = {1'b1, cur_q, fresh, spare};
        else if (replace)
            free_new = {free_any, free_head, fresh, cur_q};
        else if (from_free_q)
            free_new = {link_more, link_next, fresh, spare};  // read in ST_POP
        else
            free_new = {1'b0, free_head, fresh + {{(EW - 1) {1'b0}}, 1'b1}, spare};
    end
    always @(posedge clk) begin
        if (free_write)
            free_table[free_at] <= free_new;
    end

    // --- clearing ---
    always @(posedge clk) begin
        if (state_q == ST_IDLE) begin
            clear_q      <= config_base_i;
            clear_last_q <= config_base_i + config_mask_i;
        end else begin
            clear_q <= clear_q + {{(BW - 1) {1'b0}}, 1'b1};
        end
    end

    // --- memory ports ---
    wire [EW:0]   next_of_target = replace && in_chain_q ? cur_next_q :
                                   !found_q && !to_slot ? {chain_any, chain_head} :
                                   {(EW + 1) {1'b0}};
    wire          put_state = (state_q == ST_LINK && !in_place) || state_q == ST_UNLINK;

    assign read_o      = state_q == ST_READ || state_q == ST_POP || state_q == ST_PULL
                         || state_q == ST_ENTRY || state_q == ST_EVICT;
    assign read_addr_o = state_q == ST_POP ? target_q : state_q == ST_PULL ? chain_head :
                         state_q == ST_ENTRY ? entry_at : state_q == ST_EVICT ? oldest_i : cur_q;

    assign key_write_o  = state_q == ST_LINK && !in_place;
    assign link_write_o = key_write_o || state_q == ST_UNUSE || state_q == ST_RELINK
                          || state_q == ST_FREE || (state_q == ST_UNLINK && chain_after_prev);
    assign link_addr_o  = state_q == ST_LINK ? target_q :
                          state_q == ST_RELINK || state_q == ST_UNLINK ? prev_q : cur_q;
    assign link_o       = state_q == ST_LINK ? {1'b1, next_of_target, fp_i} :
                          state_q == ST_RELINK ? {2'b11, target_q, prev_fp_q} :
                          state_q == ST_UNLINK ? {1'b1, cur_next_q, prev_fp_q} :
                          {1'b0, free_any, free_head, fp_i};

    assign bucket_write_o = (put_state && !chain_after_prev) || state_q == ST_CLEAR;
    assign bucket_addr_o  = state_q == ST_CLEAR ? clear_q : evict_q ? place_q : bucket_addr_i;
    assign bucket_o       = state_q == ST_CLEAR ? {BUCKET_W{1'b0}} : bucket_new;

    assign w_valid_o = state_q == ST_WRITE;
    assign w_addr_o  = waddr_q;
    assign w_data_o  = own_value ? value_q[63:0] : 64'd0;

    assign idle_o   = state_q == ST_IDLE;
    assign done_o   = state_q == ST_DONE;
    assign status_o = status_q;
    assign entry_o  = op_i == OP_UPDATE ? target_q : cur_q;

    wire unused = &{1'b0, map_i, config_map_i, link_used};
endmodule

`default_nettype wire
