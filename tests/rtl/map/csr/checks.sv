// SPDX-License-Identifier: BSD-3-Clause
bind csr_block hs_check #(.WIDTH(2)) check_b (
    .clk(clk), .rst(rst), .valid_i(s_axil_bvalid), .ready_i(s_axil_bready), .data_i(s_axil_bresp));
bind csr_block hs_check #(.WIDTH(34)) check_r (
    .clk(clk), .rst(rst), .valid_i(s_axil_rvalid), .ready_i(s_axil_rready),
    .data_i({s_axil_rdata, s_axil_rresp}));
