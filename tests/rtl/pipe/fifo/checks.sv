// SPDX-License-Identifier: BSD-3-Clause
bind pipe_fifo hs_check #(.WIDTH(WIDTH)) check_m (
    .clk(clk), .rst(rst), .valid_i(m_valid_o), .ready_i(m_ready_i), .data_i(m_data_o));
