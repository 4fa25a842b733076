// SPDX-License-Identifier: BSD-3-Clause
bind pipe_lock hs_check #(.WIDTH(STATE_W)) check_m (
    .clk(clk), .rst(rst), .valid_i(m_valid_o), .ready_i(m_ready_i), .data_i(m_state_o));
