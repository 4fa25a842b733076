// SPDX-License-Identifier: BSD-3-Clause
bind map_mailbox hs_check #(.WIDTH(105)) check_b (
    .clk(clk), .rst(rst), .valid_i(b_valid_o), .ready_i(b_ready_i),
    .data_i({b_write_o, b_addr_o, b_data_o, b_strb_o}));
bind map_mailbox hs_check #(.WIDTH(51)) check_req (
    .clk(clk), .rst(rst), .valid_i(req_valid_o), .ready_i(req_ready_i),
    .data_i({req_op_o, req_map_o, req_cpu_o, req_entry_o}));
bind map_mailbox hs_check #(.WIDTH(328)) check_cfg (
    .clk(clk), .rst(rst), .valid_i(cfg_valid_o), .ready_i(cfg_ready_i), .data_i({cfg_map_o, cfg_desc_o}));
