// SPDX-License-Identifier: BSD-3-Clause
// A memory of links that is read once and written twice each clock, of two RAMs with one port for
// each: one takes what an entry is given when it (or the one behind it) becomes the newest, the
// other what it is given when a neighbour leaves. Which of the two words counts, one bit in each
// says: the second does if its bit equals the first's, the entry's mark.
//
// So who writes must know the entry's mark. The second writer has it from the link that it followed:
// links carry the mark of the entry that they lead to. The first writer gives the entry a new mark,
// fresh_o of the entry's read: one that its second word does not have.
// Latency: 1 clock from read_i to link_o and fresh_o. Throughput: a read and two writes each clock.
// A read sees the writes of the same clock. Both writers never write one entry in one clock.
`default_nettype none

module map_lru_links #(
    parameter ENTRIES = 16,
    parameter EW      = 4,   // $clog2(ENTRIES)
    parameter LW      = 5    // bits of a link: an entry and its mark
) (
    input  wire          clk,

    input  wire          read_i,
    input  wire [EW-1:0] read_addr_i,
    output wire [LW-1:0] link_o,
    output wire          fresh_o,       // a mark with which a first word counts

    input  wire          first_i,
    input  wire [EW-1:0] first_addr_i,
    input  wire          first_mark_i,
    input  wire [LW-1:0] first_link_i,

    input  wire          second_i,
    input  wire [EW-1:0] second_addr_i,
    input  wire          second_mark_i,
    input  wire [LW-1:0] second_link_i
);
    // What was written in the clock of the read is not what was read.
    reg           first_new_q, second_new_q;
    reg  [LW:0]   first_q, second_q;
    wire [LW:0]   first_read, second_read;
    wire [LW:0]   first  = first_new_q ? first_q : first_read;
    wire [LW:0]   second = second_new_q ? second_q : second_read;

    always @(posedge clk) begin
        if (read_i) begin
            first_new_q  <= first_i && first_addr_i == read_addr_i;
            second_new_q <= second_i && second_addr_i == read_addr_i;
            first_q      <= {first_mark_i, first_link_i};
            second_q     <= {second_mark_i, second_link_i};
        end
    end

    map_bank #(
        .WIDTH(LW + 1),
        .WORDS(ENTRIES)
    ) u_first (
        .clk         (clk),
        .write_i     (first_i),
        .write_addr_i(first_addr_i),
        .write_data_i({first_mark_i, first_link_i}),
        .read_i      (read_i),
        .read_addr_i (read_addr_i),
        .read_data_o (first_read)
    );
    map_bank #(
        .WIDTH(LW + 1),
        .WORDS(ENTRIES)
    ) u_second (
        .clk         (clk),
        .write_i     (second_i),
        .write_addr_i(second_addr_i),
        .write_data_i({second_mark_i, second_link_i}),
        .read_i      (read_i),
        .read_addr_i (read_addr_i),
        .read_data_o (second_read)
    );

    assign link_o  = second[LW] == first[LW] ? second[LW-1:0] : first[LW-1:0];
    assign fresh_o = !second[LW];
endmodule

`default_nettype wire
