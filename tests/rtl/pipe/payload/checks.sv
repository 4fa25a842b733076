// SPDX-License-Identifier: BSD-3-Clause
bind pipe_payload hs_check #(.WIDTH(513)) check_m (
    .clk(clk), .rst(rst), .valid_i(m_valid_o), .ready_i(m_ready_i), .data_i({m_data_o, m_last_o}));
