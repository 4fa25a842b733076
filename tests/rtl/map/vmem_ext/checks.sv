// SPDX-License-Identifier: BSD-3-Clause
bind map_vmem_ext hs_check #(.WIDTH(101)) check_b (
    .clk(clk), .rst(rst), .valid_i(b_valid_i), .ready_i(b_ready_o),
    .data_i({b_write_i, b_addr_i, b_data_i, 4'd0}));
