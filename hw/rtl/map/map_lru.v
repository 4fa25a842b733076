// SPDX-License-Identifier: BSD-3-Clause
// The order in which the entries of LRU maps were last used: a list through each map's entries, in
// two memories of neighbours. The newest and the oldest entry of a map bound its list, so what the
// memories say beyond them means nothing.
//
// A command takes one entry out of its map's list, makes one the newest, or does both (they may be
// the same entry: it was used; or not: one replaces the other). It reads the neighbours of the entry
// that goes, joins them in the next clock, and adds an entry in the last. Latency: 1 clock if the
// entry is the newest already, 2 to add, 2 to take out, 3 for both. Throughput: 1 clock if the entry
// is the newest already, 2 otherwise, 3 from a command that only adds: the next command is taken
// while an entry is added, and what it reads then goes round the memories. ready_o is low in between.
// An entry that is being added is not taken out by the next command; used again it may be.
// oldest_o holds while ready, of a map that has entries.
`default_nettype none

module map_lru #(
    parameter MAPS    = 1,
    parameter ENTRIES = 16,  // of all maps
    parameter EW      = 4    // $clog2(ENTRIES)
) (
    input  wire          clk,
    input  wire          rst,

    input  wire          clear_i,      // clear_map_i has no entries any more
    input  wire [7:0]    clear_map_i,

    input  wire          valid_i,      // a command, while ready_o
    input  wire [7:0]    map_i,
    input  wire          remove_i,
    input  wire [EW-1:0] old_i,        // the entry that is taken out
    input  wire          add_i,
    input  wire [EW-1:0] new_i,        // the entry that becomes the newest
    output wire          ready_o,
    output wire [EW-1:0] oldest_o      // of map_i
);
    localparam MW = MAPS < 2 ? 1 : $clog2(MAPS);
    localparam [1:0] ST_IDLE = 2'd0, ST_REMOVE = 2'd1, ST_ADD = 2'd2;

    reg [1:0]    state_q;
    reg          add_q;
    reg [MW-1:0] map_q;
    reg [EW-1:0] old_q, new_q;

    wire add    = state_q == ST_ADD;
    wire remove = state_q == ST_REMOVE;
    assign ready_o = !remove;

    // The ends of each map's list: of the command under way, and of the next one, as they will be.
    reg [2*EW:0]   ends_table [0:MAPS-1];  // {there are entries, newest, oldest}
    reg  [2*EW:0]  ends_new;
    wire [MW-1:0]  map = map_i[MW-1:0];
    wire           any;
    wire           next_any;
    wire [EW-1:0]  newest, oldest, next_newest, next_oldest;
    assign {any, newest, oldest} = ends_table[map_q];
    assign {next_any, next_newest, next_oldest} = add && map == map_q ? ends_new : ends_table[map];

    wire           nothing = remove_i && add_i && old_i == new_i && old_i == next_newest;
    wire           take    = ready_o && valid_i && !nothing;

    always @(posedge clk) begin
        case (state_q)
            ST_REMOVE: state_q <= add_q ? ST_ADD : ST_IDLE;
            default:   state_q <= !take ? ST_IDLE : remove_i ? ST_REMOVE : ST_ADD;
        endcase
        if (take) begin
            map_q <= map;
            add_q <= add_i;
            old_q <= old_i;
            new_q <= new_i;
        end
        if (rst)
            state_q <= ST_IDLE;
    end

    // Neighbours of old_q. What was written in the clock of the read is not what was read.
    reg            newer_stale_q;
    reg  [EW-1:0]  newer_q;
    wire [EW-1:0]  newer_read, older;
    wire [EW-1:0]  newer     = newer_stale_q ? newer_q : newer_read;
    wire           is_newest = old_q == newest;
    wire           is_oldest = old_q == oldest;
    always @(posedge clk) begin
        if (take) begin
            newer_stale_q <= add && any && old_i == newest;
            newer_q       <= new_q;
        end
    end

    always @* begin
        if (add)
            ends_new = {1'b1, new_q, any ? oldest : new_q};
        else
            ends_new = {!(is_newest && is_oldest), is_newest ? older : newest,
                        is_oldest ? newer : oldest};
    end
    always @(posedge clk) begin
        if (clear_i)
            ends_table[clear_map_i[MW-1:0]] <= {(2 * EW + 1) {1'b0}};
        else if (state_q != ST_IDLE)
            ends_table[map_q] <= ends_new;
    end

    // An entry at an end has no neighbour there.
    map_bank #(
        .WIDTH(EW),
        .WORDS(ENTRIES)
    ) u_newer (
        .clk         (clk),
        .write_i     (add ? any : remove && !is_oldest),
        .write_addr_i(add ? newest : older),
        .write_data_i(add ? new_q : newer),
        .read_i      (take),
        .read_addr_i (old_i),
        .read_data_o (newer_read)
    );
    map_bank #(
        .WIDTH(EW),
        .WORDS(ENTRIES)
    ) u_older (
        .clk         (clk),
        .write_i     (add || (remove && !is_newest)),
        .write_addr_i(add ? new_q : newer),
        .write_data_i(add ? newest : older),
        .read_i      (take),
        .read_addr_i (old_i),
        .read_data_o (older)
    );

    assign oldest_o = next_oldest;

`ifndef SYNTHESIS
    always @(posedge clk) begin
        if (take && add && remove_i && old_i == new_q) begin
            $display("FAIL %m: an entry is taken out while it is added");
            $finish;
        end
    end
`endif

    wire unused = &{1'b0, map_i, clear_map_i, next_any};
endmodule

`default_nettype wire
