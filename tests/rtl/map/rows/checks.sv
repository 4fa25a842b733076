// SPDX-License-Identifier: BSD-3-Clause
bind tb_rows hs_check #(.WIDTH(96)) check_a (
    .clk(clk), .rst(rst), .valid_i(a_valid_i), .ready_i(a_ready_o), .data_i({a_row_i, a_in_i}));
bind tb_rows hs_check #(.WIDTH(105)) check_b (
    .clk(clk), .rst(rst), .valid_i(b_valid_i), .ready_i(b_ready_o),
    .data_i({b_write_i, b_addr_i, b_data_i, b_strb_i}));
