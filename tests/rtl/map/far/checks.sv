// SPDX-License-Identifier: BSD-3-Clause
bind map_hash_far hs_check #(.WIDTH(104)) check_w (
    .clk(clk), .rst(rst), .valid_i(w_valid_o), .ready_i(w_ready_i), .data_i({w_addr_o, w_data_o, w_strb_o}));
bind map_hash_far hs_check #(.WIDTH(36)) check_ar (
    .clk(clk), .rst(rst), .valid_i(m_axi_arvalid), .ready_i(m_axi_arready),
    .data_i({m_axi_arid, m_axi_araddr}));
bind map_hash_far hs_check #(.WIDTH(36)) check_aw (
    .clk(clk), .rst(rst), .valid_i(m_axi_awvalid), .ready_i(m_axi_awready),
    .data_i({m_axi_awid, m_axi_awaddr}));
bind map_hash_far hs_check #(.WIDTH(512)) check_wdata (
    .clk(clk), .rst(rst), .valid_i(m_axi_wvalid), .ready_i(m_axi_wready), .data_i(m_axi_wdata));
