// SPDX-License-Identifier: BSD-3-Clause
// The order in which the entries of LRU maps were last used: a list through each map's entries, in
// two memories of neighbours. The newest and the oldest entry of a map bound its list, so what the
// memories say beyond them means nothing.
//
// A command takes one entry out of its map's list, makes one the newest, or does both (they may be
// the same entry: it was used; or not: one replaces the other). It reads the neighbours of its entry
// in the clock in which it is taken, and changes the list in the next: it joins the neighbours, and
// puts the entry in front of the newest. That makes two writes in each memory of neighbours, which
// map_lru_links takes; a link is an entry and its mark there. The next command may come in the clock
// of the change, for any entry of any map.
// Latency: the change is made 2 clocks after the command is taken, of a replacement 3. Throughput: a
// command each clock, whatever the entries; only behind a replacement ready_o is low for a clock.
// oldest_o holds while ready_o, of a map that has entries: after all commands that were taken.
// A command that takes an entry out needs one in its map's list, one that only adds one that is not.
// clear_i comes after the commands of the clocks before and ahead of a command of its own clock.
`default_nettype none

module map_lru #(
    parameter MAPS    = 1,
    parameter ENTRIES = 16,  // of all maps
    parameter EW      = 4    // $clog2(ENTRIES)
) (
    input  wire          clk,
    input  wire          rst,

    input  wire          clear_i,      // clear_map_i has no entries any more; while ready_o
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

    // --- a step is taken: of a replacement the entry that goes is the first, the other the second ---
    reg           second_q;   // the second step of a replacement is due
    reg  [EW-1:0] new_q;
    reg  [MW-1:0] map_q;
    reg           valid_q, remove_q, add_q;
    reg  [EW-1:0] entry_q;
    wire          take   = ready_o && valid_i;
    wire          two    = remove_i && add_i && old_i != new_i;
    wire [MW-1:0] map    = map_i[MW-1:0];
    wire          read   = take || second_q;
    wire [EW-1:0] entry  = second_q ? new_q : remove_i ? old_i : new_i;
    assign ready_o = !second_q;

    always @(posedge clk) begin
        second_q <= take && two;
        valid_q  <= read;
        if (take) begin
            map_q    <= map;
            remove_q <= remove_i;
            add_q    <= add_i && !two;
            new_q    <= new_i;
        end else begin
            remove_q <= 1'b0;
            add_q    <= 1'b1;
        end
        if (read)
            entry_q <= entry;
        if (rst) begin
            second_q <= 1'b0;
            valid_q  <= 1'b0;
        end
    end

    // --- the list is changed ---
    reg  [2*EW:0] ends_table [0:MAPS-1];  // {the newest's mark as an older one, newest, oldest}
    reg  [MAPS-1:0] any_q;                // maps that have entries
    wire          any = any_q[map_q];
    wire          newest_mark;
    wire [EW-1:0] newest, oldest;
    assign {newest_mark, newest, oldest} = ends_table[map_q];

    wire          newer_mark, older_mark;   // of the neighbours
    wire [EW-1:0] newer, older;
    wire          fresh_newer, fresh_older; // the entry's marks as the newest
    wire          is_newest = entry_q == newest;
    wire          is_oldest = entry_q == oldest;
    wire          remove    = valid_q && remove_q && !(add_q && is_newest);
    wire          add       = valid_q && add_q && !(remove_q && is_newest);
    reg  [2*EW:0] ends_new;

    always @* begin
        ends_new = {newest_mark, newest, oldest};
        if (add)
            ends_new[2*EW:EW] = {fresh_newer, entry_q};
        else if (remove && is_newest)
            ends_new[2*EW:EW] = {older_mark, older};
        if (!any)
            ends_new[EW-1:0] = entry_q;
        else if (remove && is_oldest)
            ends_new[EW-1:0] = newer;
    end

    integer m;
    always @(posedge clk) begin
        if (add || remove)
            ends_table[map_q] <= ends_new;
        for (m = 0; m < MAPS; m = m + 1) begin
            if ((add || remove) && map_q == m[MW-1:0])
                any_q[m] <= add || !(is_newest && is_oldest);
            if (clear_i && clear_map_i == m[7:0])
                any_q[m] <= 1'b0;
        end
        if (rst)
            any_q <= {MAPS{1'b0}};
    end

    // An entry at an end has no neighbour there. The older neighbour of an entry that was the newest
    // is given its next newer one as the newest, so its second word must not count then.
    map_lru_links #(
        .ENTRIES(ENTRIES),
        .EW     (EW),
        .LW     (EW + 1)
    ) u_newer (
        .clk          (clk),
        .read_i       (read),
        .read_addr_i  (entry),
        .link_o       ({newer_mark, newer}),
        .fresh_o      (fresh_newer),
        .first_i      (add && any),
        .first_addr_i (newest),
        .first_mark_i (newest_mark),
        .first_link_i ({fresh_older, entry_q}),
        .second_i     (remove && !is_oldest),
        .second_addr_i(older),
        .second_mark_i(older_mark ^ is_newest),
        .second_link_i({newer_mark, newer})
    );
    map_lru_links #(
        .ENTRIES(ENTRIES),
        .EW     (EW),
        .LW     (EW + 1)
    ) u_older (
        .clk          (clk),
        .read_i       (read),
        .read_addr_i  (entry),
        .link_o       ({older_mark, older}),
        .fresh_o      (fresh_older),
        .first_i      (add),
        .first_addr_i (entry_q),
        .first_mark_i (fresh_older),
        .first_link_i ({newest_mark, newest}),
        .second_i     (remove && !is_newest),
        .second_addr_i(newer),
        .second_mark_i(newer_mark),
        .second_link_i({older_mark, older})
    );

    wire [EW-1:0] other_oldest;
    wire [EW:0]   other_newest;
    assign {other_newest, other_oldest} = ends_table[map];
    assign oldest_o = (add || remove) && map == map_q ? ends_new[EW-1:0] : other_oldest;

`ifndef SYNTHESIS
    always @(posedge clk) begin
        if (valid_q && remove_q && !any) begin
            $display("FAIL %m: an entry is taken out of no list");
            $finish;
        end
    end
`endif

    wire unused = &{1'b0, map_i, other_newest};
endmodule

`default_nettype wire
