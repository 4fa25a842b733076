// SPDX-License-Identifier: BSD-3-Clause
// The memory of rows with random back-pressure on both ports. The memory itself is here map_rows_real, made of
// hw/rtl/map/map_rows.v by the test.
`default_nettype none
module map_rows #(
    parameter ROWS   = 16,
    parameter WORDS  = 2,
    parameter IN_W   = 1,
    parameter OUT_W  = 1,
    parameter B_WAIT = 0
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
    input  wire [31:0]         b_addr_i,
    input  wire [63:0]         b_data_i,
    input  wire [7:0]          b_strb_i,
    output wire                b_rvalid_o,
    output wire [63:0]         b_rdata_o
);
    reg  [30:0] random_q;
    wire        take_a = random_q[2] || random_q[13];
    wire        take_b = random_q[4];
    wire        a_ready;
    wire        b_ready;

    always @(posedge clk) begin
        random_q <= {random_q[27:0], random_q[30:28] ^ random_q[27:25]};
        if (rst) random_q <= 31'h1234567;
    end

    assign a_ready_o = a_ready && take_a;
    assign b_ready_o = b_ready && take_b;

    map_rows_real #(.ROWS(ROWS), .WORDS(WORDS), .IN_W(IN_W), .OUT_W(OUT_W), .B_WAIT(B_WAIT)) u_real (
        .clk(clk), .rst(rst), .a_valid_i(a_valid_i && take_a), .a_ready_o(a_ready), .a_row_i(a_row_i), .a_in_i(a_in_i),
        .r_valid_o(r_valid_o), .r_out_o(r_out_o), .f_old_o(f_old_o), .f_in_o(f_in_o), .f_new_i(f_new_i), .f_out_i(f_out_i),
        .b_valid_i(b_valid_i && take_b), .b_ready_o(b_ready), .b_write_i(b_write_i), .b_addr_i(b_addr_i), .b_data_i(b_data_i),
        .b_strb_i(b_strb_i), .b_rvalid_o(b_rvalid_o), .b_rdata_o(b_rdata_o));
endmodule
`default_nettype wire
