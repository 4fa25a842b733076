// SPDX-License-Identifier: BSD-3-Clause
bind map_vmem hs_check #(.WIDTH(167 + TAG_W)) check_a (
    .clk(clk), .rst(rst), .valid_i(a_valid_i), .ready_i(a_ready_o),
    .data_i({a_op_i, a_atomic_i, a_size_i, a_addr_i[28:0], a_data_i, a_expect_i, a_tag_i}));
bind map_vmem hs_check #(.WIDTH(105)) check_b (
    .clk(clk), .rst(rst), .valid_i(b_valid_i), .ready_i(b_ready_o),
    .data_i({b_write_i, b_addr_i, b_data_i, b_strb_i}));
