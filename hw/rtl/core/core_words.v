// SPDX-License-Identifier: BSD-3-Clause
// Key and value words of all contexts that one lane writes: key words LANE and LANE + 4, value words LANE, LANE + 4, ...
// LANE + 28. When a map operation issues, all words of its context are copied as they were before the row, so
// that later rows may prepare the next operation; the copy is given to the hash engine when its turn comes, or the
// words themselves if that is at once.
`default_nettype none
module core_words (
    input  wire         clk,
    // stage 4: a word
    input  wire [2:0]   ctx4_i,
    input  wire         key_we4_i,
    input  wire         val_we4_i,
    input  wire [2:0]   word4_i,      // word number / 4
    input  wire [63:0]  data4_i,
    // stage 4: value word LANE of the context
    output wire [63:0]  value4_o,
    // stage 3: copy the context's words, or give them out from the next clock on
    input  wire [2:0]   ctx3_i,
    input  wire         copy3_i,
    input  wire         direct3_i,
    // give out the copy of a context, from the next clock on
    input  wire         load_i,
    input  wire [2:0]   load_ctx_i,
    output wire [127:0] key_o,
    output wire [511:0] value_o
);
    (* ram_style = "distributed" *) reg [639:0] word_q [0:7];   // value words, then key words
    (* ram_style = "distributed" *) reg [639:0] copy_q [0:7];
    (* ram_style = "distributed" *) reg [63:0]  first_q [0:7];  // value word LANE once more
    reg [639:0] out_q;
    integer     i;

    always @(posedge clk) begin
        for (i = 0; i < 8; i = i + 1) begin
            if (val_we4_i && word4_i == i[2:0]) word_q[ctx4_i][64*i +: 64] <= data4_i;
        end
        for (i = 0; i < 2; i = i + 1) begin
            if (key_we4_i && word4_i[0] == i[0]) word_q[ctx4_i][512+64*i +: 64] <= data4_i;
        end
        if (val_we4_i && word4_i == 3'd0) first_q[ctx4_i] <= data4_i;
        if (copy3_i) copy_q[ctx3_i] <= word_q[ctx3_i];
        if (direct3_i) out_q <= word_q[ctx3_i];
        else if (load_i) out_q <= copy_q[load_ctx_i];
    end

    assign value4_o = first_q[ctx4_i];
    assign key_o = out_q[639:512];
    assign value_o = out_q[511:0];
endmodule
`default_nettype wire
