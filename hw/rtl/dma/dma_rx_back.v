// SPDX-License-Identifier: BSD-3-Clause
// Gives descriptors of RX rings back: once all bytes of a packet have been acknowledged, its descriptors are written, in order.
//
// Latency: 2 clocks from the acknowledgement to the write. Throughput: a descriptor a clock. Order: that of the packets.
// Back-pressure: p_ready_o.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module dma_rx_back #(
    parameter RINGS = 5,        // 1 to 65
    parameter INFO_W = 217      // bits of what is said of a packet: see dma_rx
) (
    input  wire                clk,
    input  wire                rst,
    input  wire [64*RINGS-1:0] base_i,
    input  wire [4*RINGS-1:0]  size_i,
    // a packet that was given to memory
    input  wire                p_valid_i,
    output wire                p_ready_o,
    input  wire [6:0]          p_ring_i,
    input  wire [15:0]         p_index_i,       // its first descriptor
    input  wire [7:0]          p_count_i,       // its descriptors
    input  wire [INFO_W-1:0]   p_info_i,
    // how it went: in the same order
    input  wire                d_valid_i,
    input  wire                d_error_i,
    // bytes in its buffers: read one by one
    output wire                l_pop_o,
    input  wire [15:0]         l_bytes_i,

    output wire                w_valid_o,
    input  wire                w_ready_i,
    output wire [63:0]         w_addr_o,
    output wire [255:0]        w_data_o,
    output wire [6:0]          w_ring_o,
    output wire                good_o,          // a packet is given back
    output wire [15:0]         good_bytes_o
);
    localparam PACKETS = 32;    // packets that wait, at most
    localparam REC_W = 7 + 16 + 8 + INFO_W;

    reg  [5:0]         held_q;
    wire               push = p_valid_i && p_ready_o;
    wire               valid;
    wire               pop;
    wire               done_valid;
    wire               error;
    wire [6:0]         ring;
    wire [15:0]        index;
    wire [7:0]         count;
    wire [INFO_W-1:0]  info;

    assign p_ready_o = held_q < PACKETS;

    fifo_small #(.WIDTH(REC_W), .DEPTH(PACKETS)) u_packets (
        .clk(clk), .rst(rst), .push_i(push), .data_i({p_ring_i, p_index_i, p_count_i, p_info_i}),
        .valid_o(valid), .pop_i(pop), .data_o({ring, index, count, info}));
    // no more than packets that wait, and one that is about to
    fifo_small #(.WIDTH(1), .DEPTH(2 * PACKETS)) u_done (
        .clk(clk), .rst(rst), .push_i(d_valid_i), .data_i(d_error_i), .valid_o(done_valid), .pop_i(pop),
        .data_o(error));

    wire [63:0]        redirect;
    wire [63:0]        when;
    wire [15:0]        number;
    wire [7:0]         meta;
    wire [31:0]        hash;
    wire               hashed;
    wire [7:0]         port;
    wire [7:0]         ret;
    wire [15:0]        total;
    assign {redirect, when, number, meta, hash, hashed, port, ret, total} = info;

    reg  [7:0]         nth_q;           // descriptor of the packet
    reg  [63:0]        base;
    reg  [3:0]         size;
    wire [15:0]        at = index + {8'd0, nth_q};
    wire [15:0]        place = at & ~(16'hffff << size);
    wire               last = nth_q + 8'd1 == count;
    wire               go = w_valid_o && w_ready_i;
    integer            i;

    always @* begin
        base = 64'd0;
        size = 4'd0;
        for (i = 0; i < RINGS; i = i + 1)
            if (ring == i[6:0]) begin
                base = base_i[64*i +: 64];
                size = size_i[4*i +: 4];
            end
    end

    assign w_valid_o = valid && done_valid;
    assign w_addr_o = {base[63:6], 6'd0} + {43'd0, place, 5'd0};
    assign w_data_o[`SPEC_RX_TAKE_FLAGS_LSB +: `SPEC_RX_TAKE_FLAGS_BITS] = {8'd0, port, ret, 5'd0, hashed, last, 1'b1};
    assign w_data_o[`SPEC_RX_TAKE_LEN_LSB +: `SPEC_RX_TAKE_LEN_BITS] = error ? 16'd0 : l_bytes_i;
    assign w_data_o[`SPEC_RX_TAKE_TOTAL_LSB +: `SPEC_RX_TAKE_TOTAL_BITS] = error ? 16'd0 : total;
    assign w_data_o[`SPEC_RX_TAKE_HASH_LSB +: `SPEC_RX_TAKE_HASH_BITS] = hash;
    assign w_data_o[`SPEC_RX_TAKE_META_LSB +: `SPEC_RX_TAKE_META_BITS] = {8'd0, meta};
    assign w_data_o[`SPEC_RX_TAKE_NUMBER_LSB +: `SPEC_RX_TAKE_NUMBER_BITS] = number;
    assign w_data_o[`SPEC_RX_TAKE_TIME_LSB +: `SPEC_RX_TAKE_TIME_BITS] = when;
    assign w_data_o[`SPEC_RX_TAKE_REDIRECT_LSB +: `SPEC_RX_TAKE_REDIRECT_BITS] = redirect;
    assign w_ring_o = ring;
    assign l_pop_o = go;
    assign pop = go && last;
    assign good_o = pop && !error;
    assign good_bytes_o = total;

    always @(posedge clk) begin
        if (go) nth_q <= last ? 8'd0 : nth_q + 8'd1;
        held_q <= held_q + {5'd0, push} - {5'd0, pop};
        if (rst) begin
            nth_q <= 8'd0;
            held_q <= 6'd0;
        end
    end

    wire unused = &{1'b0, base[5:0]};
endmodule
`default_nettype wire
