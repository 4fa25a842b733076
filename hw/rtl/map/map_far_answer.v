// SPDX-License-Identifier: BSD-3-Clause
// What a request of map_hash_far is answered, once it has ended: the address of its row's value, or why there is none.
//
// Latency: 3 clocks: 1 the row within the map, 2 the products, 3 the address. Throughput: an answer a clock. Order: kept. Back-pressure:
// none.
`default_nettype none

module map_far_answer #(
    parameter TAG_W = 1     // bits of the tag, at least 1
) (
    input  wire             clk,
    input  wire             rst,

    input  wire             valid_i,
    input  wire [TAG_W-1:0] tag_i,
    input  wire [7:0]       map_i,
    input  wire [7:0]       cpu_i,
    input  wire [23:0]      row_i,
    input  wire [31:0]      status_i,
    input  wire [31:0]      hint_i,         // the address of an answer with an error
    input  wire             delete_i,       // which has no address
    output wire             busy_o,

    // the map's descriptor, in the clock of map_o
    output wire [7:0]       map_o,
    input  wire [23:0]      entry_base_i,
    input  wire [7:0]       cpus_i,
    input  wire [15:0]      stride_i,
    input  wire [15:0]      span_i,

    output wire             resp_valid_o,
    output wire [TAG_W-1:0] resp_tag_o,
    output wire [31:0]      resp_status_o,
    output wire [31:0]      resp_addr_o
);
    reg             f1_valid_q, f2_valid_q, f3_valid_q;
    reg [TAG_W-1:0] f1_tag_q, f2_tag_q, f3_tag_q;
    reg [31:0]      f1_status_q, f2_status_q, f3_status_q, f1_hint_q, f2_hint_q, f3_addr_q;
    reg [23:0]      f1_row_q;
    reg [7:0]       f1_map_q, f1_cpu_q;
    reg             f1_delete_q, f2_delete_q;
    reg [39:0]      f2_at_q;
    reg [23:0]      f2_cpu_at_q;
    wire [23:0]     f1_local = f1_row_q - entry_base_i;
    wire [7:0]      f1_cpu   = f1_cpu_q < cpus_i ? f1_cpu_q : 8'd0;

    always @(posedge clk) begin
        f1_valid_q  <= valid_i;
        f1_tag_q    <= tag_i;
        f1_map_q    <= map_i;
        f1_cpu_q    <= cpu_i;
        f1_row_q    <= row_i;
        f1_status_q <= status_i;
        f1_hint_q   <= hint_i;
        f1_delete_q <= delete_i;
        f2_valid_q  <= f1_valid_q;
        f2_tag_q    <= f1_tag_q;
        f2_status_q <= f1_status_q;
        f2_hint_q   <= f1_hint_q;
        f2_delete_q <= f1_delete_q;
        f2_at_q     <= {16'd0, f1_local} * {24'd0, span_i};
        f2_cpu_at_q <= {16'd0, f1_cpu} * {8'd0, stride_i};
        f3_valid_q  <= f2_valid_q;
        f3_tag_q    <= f2_tag_q;
        f3_status_q <= f2_status_q;
        f3_addr_q   <= f2_status_q != 32'd0 ? f2_hint_q : f2_delete_q ? 32'd0 :
                       f2_at_q[31:0] + {8'd0, f2_cpu_at_q};
        if (rst) begin
            f1_valid_q <= 1'b0;
            f2_valid_q <= 1'b0;
            f3_valid_q <= 1'b0;
        end
    end

    assign busy_o        = f1_valid_q || f2_valid_q || f3_valid_q;
    assign map_o         = f1_map_q;
    assign resp_valid_o  = f3_valid_q;
    assign resp_tag_o    = f3_tag_q;
    assign resp_status_o = f3_status_q;
    assign resp_addr_o   = f3_addr_q;

    wire unused = &{1'b0, f2_at_q[39:32]};
endmodule

`default_nettype wire
