// SPDX-License-Identifier: BSD-3-Clause
// map_rows with a function that any lost, doubled or late row shows in: words move up by one, each with the operand added,
// the first is the last one's complement.
`default_nettype none
module tb_rows #(
    parameter ROWS   = 16,
    parameter WORDS  = 2,
    parameter B_WAIT = 0
) (
    input  wire        clk,
    input  wire        rst,
    input  wire        a_valid_i,
    output wire        a_ready_o,
    input  wire [31:0] a_row_i,
    input  wire [63:0] a_in_i,
    output wire        r_valid_o,
    output wire [63:0] r_out_o,
    input  wire        b_valid_i,
    output wire        b_ready_o,
    input  wire        b_write_i,
    input  wire [31:0] b_addr_i,
    input  wire [63:0] b_data_i,
    input  wire [7:0]  b_strb_i,
    output wire        b_rvalid_o,
    output wire [63:0] b_rdata_o
);
    wire [64*WORDS-1:0] f_old;
    wire [64*WORDS-1:0] f_new;
    wire [63:0]         f_in;

    genvar g;
    generate
        for (g = 0; g < WORDS; g = g + 1) begin : g_word
            if (g == 0) assign f_new[63:0] = ~f_old[64*WORDS-1-:64] + f_in;
            else assign f_new[64*g+:64] = f_old[64*g-1-:64] + f_in;
        end
    endgenerate

    map_rows #(.ROWS(ROWS), .WORDS(WORDS), .IN_W(64), .OUT_W(64), .B_WAIT(B_WAIT)) u_rows (
        .clk(clk), .rst(rst), .a_valid_i(a_valid_i), .a_ready_o(a_ready_o), .a_row_i(a_row_i), .a_in_i(a_in_i),
        .r_valid_o(r_valid_o), .r_out_o(r_out_o), .f_old_o(f_old), .f_in_o(f_in), .f_new_i(f_new),
        .f_out_i(f_old[64*WORDS-1-:64]), .b_valid_i(b_valid_i), .b_ready_o(b_ready_o), .b_write_i(b_write_i),
        .b_addr_i(b_addr_i), .b_data_i(b_data_i), .b_strb_i(b_strb_i), .b_rvalid_o(b_rvalid_o), .b_rdata_o(b_rdata_o));
endmodule
`default_nettype wire
