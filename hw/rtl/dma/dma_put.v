// SPDX-License-Identifier: BSD-3-Clause
// Writes of 32 aligned bytes or a part of them, each one AXI4 burst of one beat: descriptors go back so.
//
// Latency: 1 clock. Throughput: one a clock. Order: kept. Back-pressure: when either channel waits.
`default_nettype none
module dma_put (
    input  wire         clk,
    input  wire         rst,
    input  wire         s_valid_i,
    output wire         s_ready_o,
    input  wire [63:0]  s_addr_i,       // a multiple of 32
    input  wire [255:0] s_data_i,
    input  wire [31:0]  s_strb_i,

    output wire         aw_valid_o,
    input  wire         aw_ready_i,
    output wire [63:0]  aw_addr_o,
    output wire         w_valid_o,
    input  wire         w_ready_i,
    output wire [511:0] w_data_o,
    output wire [63:0]  w_strb_o
);
    // data wait here for their turn behind their address
    wire        room;
    reg  [63:0] addr_q;
    reg         valid_q;
    reg  [4:0]  held_q;
    wire        go = s_valid_i && s_ready_o;
    wire        half;
    wire [31:0] strb;
    wire [255:0] data;

    assign room = held_q < 5'd16;
    assign s_ready_o = room && (!valid_q || aw_ready_i);

    fifo_small #(.WIDTH(289), .DEPTH(16)) u_data (
        .clk(clk), .rst(rst), .push_i(go), .data_i({s_addr_i[5], s_strb_i, s_data_i}), .valid_o(w_valid_o),
        .pop_i(w_valid_o && w_ready_i), .data_o({half, strb, data}));

    always @(posedge clk) begin
        if (!valid_q || aw_ready_i) valid_q <= go;
        if (go) addr_q <= s_addr_i;
        held_q <= held_q + {4'd0, go} - {4'd0, w_valid_o && w_ready_i};
        if (rst) begin
            valid_q <= 1'b0;
            held_q <= 5'd0;
        end
    end

    assign aw_valid_o = valid_q;
    assign aw_addr_o = {addr_q[63:6], 6'd0};
    assign w_data_o = {data, data};
    assign w_strb_o = half ? {strb, 32'd0} : {32'd0, strb};

    wire unused = &{1'b0, addr_q[5:0]};
endmodule
`default_nettype wire
