// SPDX-License-Identifier: BSD-3-Clause
// One request inside map_hash_far: its place in the order, and its search.
//
// accept_i takes a request, place_i says its home bucket (from the next clock on), order_i whom it
// follows (one clock later still). A search reads a bucket's line, then the keys whose fingerprints
// match, one after the other, then the next line if entries of this one went there (more), until the
// ring of the map's buckets is round. Each read is picked (pick_i) and ends with a result
// (bucket_i or key_i). A mark, by the insertion that puts an entry of this home out, sends the
// search back to its start, behind that insertion.
// Latency: each input takes effect in the next clock.
`default_nettype none

module map_far_slot #(
    parameter SLOTS = 7
) (
    input  wire             clk,
    input  wire             rst,

    input  wire             accept_i,
    input  wire [7:0]       map_i,
    input  wire             writer_i,      // an update, a delete or an entry request
    input  wire             place_i,
    input  wire [24:0]      home_i,
    input  wire [23:0]      mask_i,
    input  wire             order_i,
    input  wire             skip_i,        // nothing to search
    input  wire [SLOTS-1:0] before_i,      // requests that end before the search begins
    input  wire [SLOTS-1:0] after_i,       // requests that end before this one ends, or is committed

    input  wire             pick_i,
    input  wire [23:0]      row_i,         // the entry of the first match
    input  wire             bucket_i,
    input  wire [11:0]      match_i,
    input  wire             over_i,
    input  wire             key_i,
    input  wire             same_i,

    input  wire [SLOTS-1:0] freed_i,       // the request that ends
    input  wire             mark_i,
    input  wire [24:0]      mark_home_i,
    input  wire [SLOTS-1:0] mark_slot_i,   // whose mark it is
    input  wire             commit_i,      // the request changes the map from now on
    input  wire             free_i,        // it ends

    output wire             idle_o,
    output wire             ordered_o,     // has its place in the order
    output wire             bucket_next_o, // what is read next: a bucket, not a key
    output wire             ready_o,       // to be picked
    output wire             settled_o,     // searched, and nobody before it
    output wire             commit_o,
    output wire [24:0]      line_o,        // the bucket that is read next
    output wire             reads_key_o,   // the read under way is of a key
    output wire [11:0]      match_o,
    output wire [7:0]       map_o,
    output wire             writer_o,
    output wire [24:0]      home_o,
    output wire             found_o,
    output wire [23:0]      row_o
);
    localparam [2:0] ST_IDLE = 3'd0, ST_HASH = 3'd1, ST_WAIT = 3'd2, ST_BUCKET = 3'd3,
                     ST_NEXT = 3'd4, ST_KEY = 3'd5, ST_DONE = 3'd6, ST_COMMIT = 3'd7;

    reg [2:0]       state_q, state_d;
    reg [SLOTS-1:0] before_q, after_q;
    reg [7:0]       map_q;
    reg             writer_q;
    reg [24:0]      home_q, line_q;
    reg [23:0]      mask_q;
    reg [11:0]      match_q;
    reg             more_q;
    reg             last_q;     // line_q is the last of the ring
    reg             found_q;
    reg [23:0]      row_q;
    reg             again_q;    // what is read does not count
    reg             skip_q;

    wire [24:0] mask  = {1'b0, mask_q};
    wire [24:0] next  = (line_q & ~mask) | ((line_q + 25'd1) & mask);
    wire [24:0] steps = (line_q - home_q) & mask;
    wire        more  = over_i && !last_q;
    wire        keys  = |match_q;
    wire        marked = mark_i && mark_home_i == home_q && !skip_q;

    always @* begin
        state_d = state_q;
        case (state_q)
            ST_IDLE:   if (accept_i) state_d = ST_HASH;
            ST_HASH:   if (order_i) state_d = skip_i ? ST_DONE : ST_WAIT;
            ST_WAIT:   if (pick_i) state_d = ST_BUCKET;
            ST_NEXT:   if (pick_i) state_d = keys ? ST_KEY : ST_BUCKET;
            ST_BUCKET: if (bucket_i)
                state_d = again_q ? ST_WAIT : |match_i || more ? ST_NEXT : ST_DONE;
            ST_KEY:    if (key_i)
                state_d = again_q ? ST_WAIT : !same_i && (keys || more_q) ? ST_NEXT : ST_DONE;
            ST_DONE:   if (commit_i) state_d = ST_COMMIT;
            default: ;
        endcase
        if (marked && (state_d == ST_NEXT || state_d == ST_DONE))
            state_d = ST_WAIT;
        if (free_i)
            state_d = ST_IDLE;
    end

    wire marks = marked && ordered_o && state_q != ST_COMMIT;
    always @(posedge clk) begin
        state_q  <= state_d;
        before_q <= ((order_i ? before_i : before_q) | (marks ? mark_slot_i : {SLOTS{1'b0}}))
                    & ~freed_i;
        after_q  <= (order_i ? after_i : after_q) & ~freed_i;
        last_q   <= steps == mask;
        if (accept_i) begin
            map_q    <= map_i;
            writer_q <= writer_i;
        end
        if (place_i) begin
            home_q <= home_i;
            mask_q <= mask_i;
        end
        if (order_i)
            skip_q <= skip_i;
        if (pick_i && state_q == ST_WAIT)
            line_q <= home_q;
        else if (pick_i && !keys)
            line_q <= next;
        if (pick_i && keys)
            row_q <= row_i;
        if (bucket_i) begin
            match_q <= match_i;
            more_q  <= more;
        end else if (pick_i && state_q == ST_NEXT) begin
            match_q <= match_q & (match_q - 12'd1);
        end else if (state_q == ST_WAIT) begin
            match_q <= 12'd0;
        end
        if (state_q == ST_WAIT || state_q == ST_HASH)
            found_q <= 1'b0;
        else if (key_i)
            found_q <= same_i && !again_q;
        again_q <= (state_d == ST_BUCKET || state_d == ST_KEY) && (again_q || marks);
        if (rst) begin
            state_q  <= ST_IDLE;
            again_q  <= 1'b0;
        end
    end

    assign idle_o        = state_q == ST_IDLE;
    assign ordered_o     = state_q != ST_IDLE && state_q != ST_HASH;
    assign ready_o       = (state_q == ST_WAIT && before_q == {SLOTS{1'b0}}) || state_q == ST_NEXT;
    assign bucket_next_o = state_q == ST_WAIT || !keys;
    assign settled_o     = state_q == ST_DONE && after_q == {SLOTS{1'b0}};
    assign commit_o      = state_q == ST_COMMIT;
    assign reads_key_o   = state_q == ST_KEY;
    assign line_o        = state_q == ST_WAIT ? home_q : next;
    assign match_o       = match_q;
    assign map_o         = map_q;
    assign writer_o      = writer_q;
    assign home_o        = home_q;
    assign found_o       = found_q;
    assign row_o         = row_q;
endmodule

`default_nettype wire
