// SPDX-License-Identifier: BSD-3-Clause
bind pipe_arb hs_check #(.WIDTH(REQ_W + TAG_W)) check_m (
    .clk(clk), .rst(rst), .valid_i(m_valid_o), .ready_i(m_ready_i), .data_i({m_req_o, m_tag_o}));
