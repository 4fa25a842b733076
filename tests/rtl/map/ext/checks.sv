// SPDX-License-Identifier: BSD-3-Clause
bind map_ext hs_check #(.WIDTH(36)) check_ar (
    .clk(clk), .rst(rst), .valid_i(m_axi_arvalid), .ready_i(m_axi_arready),
    .data_i({m_axi_arid, m_axi_araddr}));
bind map_ext hs_check #(.WIDTH(36)) check_aw (
    .clk(clk), .rst(rst), .valid_i(m_axi_awvalid), .ready_i(m_axi_awready),
    .data_i({m_axi_awid, m_axi_awaddr}));
bind map_ext hs_check #(.WIDTH(512)) check_w (
    .clk(clk), .rst(rst), .valid_i(m_axi_wvalid), .ready_i(m_axi_wready), .data_i(m_axi_wdata));
bind map_ext hs_check #(.WIDTH(101)) check_b (
    .clk(clk), .rst(rst), .valid_i(b_valid_i), .ready_i(b_ready_o),
    .data_i({b_write_i, b_addr_i, b_data_i, 4'd0}));
