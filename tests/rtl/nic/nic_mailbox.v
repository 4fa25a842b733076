// SPDX-License-Identifier: BSD-3-Clause
// The echo slot's mailbox: map 7 has 8 KiB of value memory at offset 0, and 40 entries, of which every third is in use, with words of
// its number for a key. Commands take a while; with hang_i they never end.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module nic_mailbox (
    input  wire         clk,
    input  wire         rst,
    input  wire         hang_i,
    input  wire         we_i,
    input  wire [15:0]  waddr_i,
    input  wire [31:0]  wdata_i,
    input  wire [15:0]  raddr_i,
    output reg  [31:0]  rdata_o
);
    localparam [31:0] MAP = 32'd7;
    localparam [31:0] ENTRY_COUNT = 32'd40;

    reg  [31:0]  memory [0:2047];
    reg  [31:0]  value_q [0:63];
    reg  [31:0]  map_q;
    reg  [31:0]  addr_q;
    reg  [5:0]   burst_q;
    reg  [31:0]  cmd_q;
    reg  [30:0]  status_q;
    reg  [31:0]  result_q;
    reg  [5:0]   wait_q;
    wire [31:0]  words = {25'd0, burst_q, 1'b0};
    wire         values = cmd_q == `SPEC_MBOX_VMEM_READ || cmd_q == `SPEC_MBOX_VMEM_WRITE;
    reg          moving_q;          // words of 32 bits, one a clock
    reg  [5:0]   index_q;
    wire [10:0]  place = addr_q[12:2] + {5'd0, index_q};
    wire [31:0]  value = value_q[raddr_i[7:2] - 6'd32];
    wire [31:0]  third = addr_q % 3;

    always @*
        case (raddr_i)
            `SPEC_CSR_MBOX_STATUS: rdata_o = {wait_q != 6'd0 || moving_q, status_q};
            `SPEC_CSR_MBOX_RESULT: rdata_o = result_q;
            default:
                if (raddr_i[15:8] == 8'h01 && raddr_i[7:6] == 2'd1) rdata_o = addr_q * 32'h01000193 + {28'd0, raddr_i[5:2]};
                else rdata_o = value;
        endcase

    always @(posedge clk) begin
        if (we_i && wait_q == 6'd0 && !moving_q)
            case (waddr_i)
                `SPEC_CSR_MBOX_MAP: map_q <= wdata_i;
                `SPEC_CSR_MBOX_ADDR: addr_q <= wdata_i;
                `SPEC_CSR_MBOX_BURST: burst_q <= wdata_i[5:0];
                `SPEC_CSR_MBOX_CMD: begin
                    cmd_q <= wdata_i;
                    wait_q <= 6'd1 + {1'b0, addr_q[7:3]};
                end
                default: if (waddr_i >= `SPEC_CSR_MBOX_VALUE && waddr_i < `SPEC_CSR_MBOX_VALUE + 16'd256)
                    value_q[waddr_i[7:2] - 6'd32] <= wdata_i;
            endcase
        if (wait_q != 6'd0 && !hang_i) wait_q <= wait_q - 6'd1;
        if (wait_q == 6'd1 && !hang_i) begin
            status_q <= 31'd0;
            if (map_q != MAP || (values && addr_q + 4 * words > 32'd8192)) begin
                status_q <= 31'd22;
            end else if (values) begin
                moving_q <= 1'b1;
                index_q <= 6'd0;
            end else if (addr_q >= ENTRY_COUNT) begin
                status_q <= 31'd22;
            end else if (third != 32'd1) begin // free: the next in use, or now and then the one behind it
                status_q <= 31'd2;
                result_q <= addr_q[3] ? 32'd0 : addr_q + (third == 32'd0 ? 32'd1 : 32'd2);
            end else begin
                result_q <= addr_q * 32'd24;
            end
        end
        if (moving_q) begin
            if (cmd_q == `SPEC_MBOX_VMEM_READ) value_q[index_q] <= memory[place];
            else memory[place] <= value_q[index_q];
            index_q <= index_q + 6'd1;
            moving_q <= {26'd0, index_q} + 32'd1 != words;
        end
        if (rst) begin
            wait_q <= 6'd0;
            moving_q <= 1'b0;
            burst_q <= 6'd1;
        end
    end
endmodule
`default_nettype wire
