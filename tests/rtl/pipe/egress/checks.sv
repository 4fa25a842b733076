// SPDX-License-Identifier: BSD-3-Clause
bind pipe_egress hs_check #(.WIDTH(577+$bits(m_axis_tuser))) check_m (
    .clk(clk), .rst(rst), .valid_i(m_axis_tvalid), .ready_i(m_axis_tready),
    .data_i({m_axis_tdata, m_axis_tkeep, m_axis_tlast, m_axis_tuser}));
bind pipe_egress hs_check #(.WIDTH(513)) check_beat (
    .clk(clk), .rst(rst), .valid_i(beat_valid_i), .ready_i(beat_ready_o), .data_i({beat_data_i, beat_last_i}));
bind pipe_egress hs_check #(.WIDTH(161+$bits(s_event_bytes_i))) check_s (
    .clk(clk), .rst(rst), .valid_i(s_valid_i), .ready_i(s_ready_o),
    .data_i({s_ret_i, s_redirect_i, s_data_i, s_end_i, s_len_i, s_zero_from_i, s_events_i, s_event_bytes_i}));
