// SPDX-License-Identifier: BSD-3-Clause
bind pipe_ingress hs_check #(.WIDTH(8 * WINDOW_BYTES + 176)) check_m (
    .clk(clk), .rst(rst), .valid_i(m_valid_o), .ready_i(m_ready_i), .data_i({m_window_o, m_meta_o, m_beat_o}));
bind pipe_ingress hs_check #(.WIDTH(513)) check_beat (
    .clk(clk), .rst(rst), .valid_i(beat_valid_o), .ready_i(beat_ready_i), .data_i({beat_data_o, beat_last_o}));
