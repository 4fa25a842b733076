// SPDX-License-Identifier: BSD-3-Clause
bind map_lpm hs_check #(.WIDTH(104)) check_w (
    .clk(clk), .rst(rst), .valid_i(w_valid_o), .ready_i(w_ready_i), .data_i({w_addr_o, w_data_o, w_strb_o}));
bind map_lpm hs_check #(.WIDTH(3)) check_req (
    .clk(clk), .rst(rst), .valid_i(req_valid_i), .ready_i(req_ready_o), .data_i(req_op_i));
