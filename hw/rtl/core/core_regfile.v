// SPDX-License-Identifier: BSD-3-Clause
// Registers of all contexts: one bank a lane, register r of a context in bank r mod LANES, written by that lane
// only and read by all (a bank is copied for each of the 2 * LANES readers). Reads have no latency (stage 2); writes are
// seen from the next clock on. Register 0 reads as zero.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module core_regfile (
    input  wire         clk,
    // reader 2 * lane is operand a, reader 2 * lane + 1 operand b
    input  wire [2:0]   rctx_i,
    input  wire [47:0]  rreg_i,
    output wire [511:0] rdata_o,
    input  wire [2:0]   wctx_i,
    input  wire [3:0]   we_i,
    input  wire [23:0]  wreg_i,
    input  wire [255:0] wdata_i
);
    wire       unused = &{1'b0, wreg_i[19:18], wreg_i[13:12], wreg_i[7:6], wreg_i[1:0]};
    reg [63:0] bank0_q [0:127];
    reg [63:0] bank1_q [0:127];
    reg [63:0] bank2_q [0:127];
    reg [63:0] bank3_q [0:127];

    always @(posedge clk) begin
        if (we_i[0]) bank0_q[{wctx_i, wreg_i[5:2]}] <= wdata_i[63:0];
        if (we_i[1]) bank1_q[{wctx_i, wreg_i[11:8]}] <= wdata_i[127:64];
        if (we_i[2]) bank2_q[{wctx_i, wreg_i[17:14]}] <= wdata_i[191:128];
        if (we_i[3]) bank3_q[{wctx_i, wreg_i[23:20]}] <= wdata_i[255:192];
    end

    genvar r;
    generate
        for (r = 0; r < 8; r = r + 1) begin : g_read
            wire [5:0] num = rreg_i[6*r +: 6];
            wire [6:0] adr = {rctx_i, num[5:2]};

            assign rdata_o[64*r +: 64] = num == 6'd0 ? 64'd0 :
                                         num[1:0] == 2'd0 ? bank0_q[adr] :
                                         num[1:0] == 2'd1 ? bank1_q[adr] :
                                         num[1:0] == 2'd2 ? bank2_q[adr] : bank3_q[adr];
        end
    endgenerate
endmodule
`default_nettype wire
