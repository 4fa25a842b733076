// SPDX-License-Identifier: BSD-3-Clause
// The memory of map values as rows that are read, changed and written whole: an atomic unit at the
// map. What a row becomes is a function outside of this module, combinational, of the row as it is
// (f_old_o) and of what came with the operation (f_in_o); it gives the new row (f_new_i) and the
// answer (f_out_i) in the same clock. Port B reads and writes aligned words for the hash engine and
// the host.
//
// Latency: 3 clocks on both ports (accepted in clock c, answered in clock c + 3). Throughput: one
// operation a clock, whatever its rows: what is read from the RAM gives way to the rows of the two
// operations before, which are not in the RAM yet. Order: each operation takes effect in the order
// of acceptance, also those of the other port. Back-pressure: port A always takes (but see B_WAIT);
// port B takes when port A has nothing. Row numbers wrap at ROWS. Contents start as zero; reset
// does not clear them. The longest path goes from a register through one choice, the function and
// another choice.
`default_nettype none

module map_rows #(
    parameter ROWS   = 16,  // a power of two, 4 to 2^27
    parameter WORDS  = 2,   // 8-byte words of a row, 1 to 8
    parameter IN_W   = 1,   // bits that come with an operation, at least 1
    parameter OUT_W  = 1,   // bits of an answer, at least 1
    parameter B_WAIT = 0    // clocks that port B waits before port A is held for one; 0: never
) (
    input  wire                clk,
    input  wire                rst,

    input  wire                a_valid_i,
    output wire                a_ready_o,
    input  wire [31:0]         a_row_i,
    input  wire [IN_W-1:0]     a_in_i,

    output wire                r_valid_o,
    output wire [OUT_W-1:0]    r_out_o,

    output wire [64*WORDS-1:0] f_old_o,
    output wire [IN_W-1:0]     f_in_o,
    input  wire [64*WORDS-1:0] f_new_i,
    input  wire [OUT_W-1:0]    f_out_i,

    input  wire                b_valid_i,
    output wire                b_ready_o,
    input  wire                b_write_i,
    input  wire [31:0]         b_addr_i,   // byte address; rows follow each other without gaps
    input  wire [63:0]         b_data_i,
    input  wire [7:0]          b_strb_i,

    output wire                b_rvalid_o,
    output wire [63:0]         b_rdata_o
);
    localparam AW = $clog2(ROWS);

    generate
        if (ROWS < 4 || (1 << AW) != ROWS || WORDS < 1 || WORDS > 8 || IN_W < 1 || OUT_W < 1
            || B_WAIT < 0 || B_WAIT > 65535) begin : g_illegal
            map_rows_illegal_parameter u_stop ();
        end
    endgenerate

    // --- port B's row, and which word of it: a division by a constant, exact for all words ---
    localparam [28:0] WORDS_29 = WORDS[28:0];
    localparam [31:0] INVERSE  = 32'hffff_ffff / WORDS + 32'd1;
    wire [28:0] b_word = b_addr_i[31:3];
    wire [60:0] b_quotient = {32'd0, b_word} * {29'd0, INVERSE};
    wire [28:0] b_row = WORDS == 1 ? b_word : b_quotient[60:32];
    wire [28:0] b_first = b_row * WORDS_29;
    wire [28:0] b_rest = b_word - b_first;

    reg    up_q;
    wire   hold;
    wire   a_go = a_valid_i && a_ready_o;
    wire   b_go = b_valid_i && b_ready_o;
    assign a_ready_o = up_q && !hold;
    assign b_ready_o = up_q && !a_go;

    // --- stage 1: the RAM reads. Stage 2: the new row. Stage 3: it is written. Stage 4: it was just
    // written, but a read that started in the same clock has missed it. ---
    reg                s1_a_q, s2_a_q, s3_a_q;
    reg                s1_b_q, s2_b_q, s3_b_q;
    reg                s1_b_read_q, s2_b_read_q, s3_b_read_q;
    reg [AW-1:0]       s1_row_q, s2_row_q, s3_row_q;
    reg [IN_W-1:0]     s1_in_q, s2_in_q;
    reg [2:0]          s1_word_q, s2_word_q;
    reg [63:0]         s1_data_q, s2_data_q;
    reg [7:0]          s1_strb_q, s2_strb_q;
    reg [64*WORDS-1:0] s3_new_q, s4_new_q;
    reg [63:0]         s3_read_q;
    reg [OUT_W-1:0]    s3_out_q;
    reg                s2_from_s3_q, s2_from_s4_q;

    wire [64*WORDS-1:0] ram_data;
    wire [64*WORDS-1:0] old = s2_from_s3_q ? s3_new_q : s2_from_s4_q ? s4_new_q : ram_data;

    map_bank #(
        .WIDTH(64 * WORDS),
        .WORDS(ROWS)
    ) u_bank (
        .clk         (clk),
        .write_i     (s3_a_q || s3_b_q),
        .write_addr_i(s3_row_q),
        .write_data_i(s3_new_q),
        .read_i      (s1_a_q || s1_b_q),
        .read_addr_i (s1_row_q),
        .read_data_o (ram_data)
    );

    assign f_old_o = old;
    assign f_in_o  = s2_in_q;

    // Port B's word put into the row.
    wire [64*WORDS-1:0] mixed;
    wire [511:0]        words;
    genvar g;
    generate
        for (g = 0; g < 8 * WORDS; g = g + 1) begin : g_mix
            localparam WORD = g / 8;
            assign mixed[8*g+:8] = s2_word_q == WORD[2:0] && s2_strb_q[g%8] ? s2_data_q[8*(g%8)+:8]
                                                                      : old[8*g+:8];
        end
        for (g = 0; g < 8; g = g + 1) begin : g_words
            if (g < WORDS)
                assign words[64*g+:64] = old[64*g+:64];
            else
                assign words[64*g+:64] = 64'd0;
        end
    endgenerate

    always @(posedge clk) begin
        up_q         <= 1'b1;
        s1_a_q       <= a_go;
        s1_b_q       <= b_go;
        s1_b_read_q  <= b_go && !b_write_i;
        s1_row_q     <= a_go ? a_row_i[AW-1:0] : b_row[AW-1:0];
        s1_in_q      <= a_in_i;
        s1_word_q    <= b_rest[2:0];
        s1_data_q    <= b_data_i;
        s1_strb_q    <= b_write_i ? b_strb_i : 8'd0;

        s2_a_q       <= s1_a_q;
        s2_b_q       <= s1_b_q;
        s2_b_read_q  <= s1_b_read_q;
        s2_row_q     <= s1_row_q;
        s2_in_q      <= s1_in_q;
        s2_word_q    <= s1_word_q;
        s2_data_q    <= s1_data_q;
        s2_strb_q    <= s1_strb_q;
        s2_from_s3_q <= (s2_a_q || s2_b_q) && s2_row_q == s1_row_q;
        s2_from_s4_q <= (s3_a_q || s3_b_q) && s3_row_q == s1_row_q;

        s3_a_q       <= s2_a_q;
        s3_b_q       <= s2_b_q;
        s3_b_read_q  <= s2_b_read_q;
        s3_row_q     <= s2_row_q;
        s3_new_q     <= s2_b_q ? mixed : f_new_i;
        s3_out_q     <= f_out_i;
        s3_read_q    <= words[{s2_word_q, 6'd0}+:64];
        s4_new_q     <= s3_new_q;
        if (rst) begin
            up_q        <= 1'b0;
            s1_a_q      <= 1'b0;
            s2_a_q      <= 1'b0;
            s3_a_q      <= 1'b0;
            s1_b_q      <= 1'b0;
            s2_b_q      <= 1'b0;
            s3_b_q      <= 1'b0;
            s1_b_read_q <= 1'b0;
            s2_b_read_q <= 1'b0;
            s3_b_read_q <= 1'b0;
        end
    end
    assign r_valid_o  = s3_a_q;
    assign r_out_o    = s3_out_q;
    assign b_rvalid_o = s3_b_read_q;
    assign b_rdata_o  = s3_read_q;

    map_hold #(
        .B_WAIT(B_WAIT)
    ) u_hold (
        .clk      (clk),
        .rst      (rst),
        .waiting_i(b_valid_i && !b_ready_o),
        .hold_o   (hold)
    );

    wire unused = &{1'b0, a_row_i, b_row, b_rest, b_addr_i[2:0], b_quotient};
endmodule

`default_nettype wire
