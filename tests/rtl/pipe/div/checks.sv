// SPDX-License-Identifier: BSD-3-Clause
bind pipe_div hs_check #(.WIDTH(64 + STATE_W)) check_m (
    .clk(clk), .rst(rst), .valid_i(m_valid_o), .ready_i(m_ready_i), .data_i({m_y_o, m_state_o}));
