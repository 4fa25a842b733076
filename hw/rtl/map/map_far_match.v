// SPDX-License-Identifier: BSD-3-Clause
// Compares what the slots of map_hash_far read: of a bucket which places have the request's fingerprint, of a row whether it has the
// request's key. The rows of each slot's bucket are kept, for the reads of rows that follow.
//
// Latency: 1 clock. Throughput: a line a clock. Order: kept. Back-pressure: none.
`default_nettype none

module map_far_match #(
    parameter KEY_W = 64,   // bits of a key, at least 8
    parameter SLOTS = 7     // 1 to 7
) (
    input  wire             clk,
    input  wire             rst,

    // what a request brings: its key, later its fingerprint
    input  wire             take_i,
    input  wire [2:0]       take_slot_i,
    input  wire [KEY_W-1:0] take_key_i,
    input  wire             fp_valid_i,
    input  wire [2:0]       fp_slot_i,
    input  wire [14:0]      fp_i,

    // a line
    input  wire             data_valid_i,
    input  wire [2:0]       data_slot_i,
    input  wire [511:0]     data_i,
    input  wire [SLOTS-1:0] committing_i,   // slots whose lines are of a change, not of their search
    input  wire [SLOTS-1:0] reads_key_i,    // slots that read a row
    output reg              commit_o,       // the line is of a change

    // a clock later, for the slot that it is for
    output wire [SLOTS-1:0] bucket_o,       // it is a bucket,
    output wire [11:0]      match_o,        // these places of it match,
    output wire             over_o,         // and keys went past it to buckets behind it
    output wire [SLOTS-1:0] key_o,          // it is a row,
    output wire             same_o,         // with the key

    // the row of a slot's first match
    input  wire [2:0]       pick_slot_i,
    input  wire [11:0]      pick_match_i,
    output reg  [23:0]      pick_row_o
);
    integer          i;
    genvar           g;
    reg              valid_q, reads_key_q, over_q, same_q;
    reg  [2:0]       slot_q;
    reg  [11:0]      match_q;
    reg              reads_key;
    wire [KEY_W-1:0] key;
    wire [14:0]      fp;
    wire [11:0]      match;
    wire [287:0]     rows, pick_rows;
    wire [11:0]      first = pick_match_i & (~pick_match_i + 12'd1);

    ram_lut #(.WIDTH(KEY_W), .DEPTH(8)) u_key (
        .clk(clk), .we_i(take_i), .waddr_i(take_slot_i), .wdata_i(take_key_i), .raddr_i(data_slot_i),
        .rdata_o(key));
    ram_lut #(.WIDTH(15), .DEPTH(8)) u_fp (
        .clk(clk), .we_i(fp_valid_i), .waddr_i(fp_slot_i), .wdata_i(fp_i), .raddr_i(data_slot_i),
        .rdata_o(fp));
    ram_lut #(.WIDTH(288), .DEPTH(8)) u_rows (
        .clk(clk), .we_i(data_valid_i && !commit_o && !reads_key), .waddr_i(data_slot_i),
        .wdata_i(rows), .raddr_i(pick_slot_i), .rdata_o(pick_rows));

    generate
        for (g = 0; g < 12; g = g + 1) begin : g_match
            assign match[g] = data_i[40*g+24+:16] == {1'b1, fp};
            assign rows[24*g+:24] = data_i[40*g+:24];
        end
        for (g = 0; g < SLOTS; g = g + 1) begin : g_slot
            assign bucket_o[g] = valid_q && slot_q == g && !reads_key_q;
            assign key_o[g]    = valid_q && slot_q == g && reads_key_q;
        end
    endgenerate

    always @* begin
        commit_o  = 1'b0;
        reads_key = 1'b0;
        for (i = 0; i < SLOTS; i = i + 1)
            if (data_slot_i == i[2:0]) begin
                commit_o  = committing_i[i];
                reads_key = reads_key_i[i];
            end
        pick_row_o = 24'd0;
        for (i = 0; i < 12; i = i + 1)
            pick_row_o = pick_row_o | (pick_rows[24*i+:24] & {24{first[i]}});
    end

    always @(posedge clk) begin
        valid_q     <= data_valid_i && !commit_o;
        slot_q      <= data_slot_i;
        match_q     <= match;
        over_q      <= data_i[503:480] != 24'd0;
        same_q      <= data_i[KEY_W-1:0] == key;
        reads_key_q <= reads_key;
        if (rst)
            valid_q <= 1'b0;
    end
    assign match_o = match_q;
    assign over_o  = over_q;
    assign same_o  = same_q;

    wire unused = &{1'b0, data_i[511:504]};
endmodule

`default_nettype wire
