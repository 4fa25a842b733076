// SPDX-License-Identifier: BSD-3-Clause
bind pipe_call hs_check #(.WIDTH(STATE_W + RESP_W)) check_m (
    .clk(clk), .rst(rst), .valid_i(m_valid_o), .ready_i(m_ready_i), .data_i({m_state_o, m_resp_o}));
bind pipe_call hs_check #(.WIDTH(REQ_W)) check_req (
    .clk(clk), .rst(rst), .valid_i(req_valid_o), .ready_i(req_ready_i), .data_i(req_o));
