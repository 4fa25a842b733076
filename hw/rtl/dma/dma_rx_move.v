// SPDX-License-Identifier: BSD-3-Clause
// Bytes of packets to AXI4 write data: a command takes the next bytes of a packet to any place of a line on, or throws the rest of
// the packet away.
//
// Latency: 3 clocks. Throughput: a beat a clock; a packet whose end lies in the second line that its last beat is made of costs a
// clock more. Order: that of commands and packets, which belong together. Back-pressure: w_ready_i.
`default_nettype none
module dma_rx_move (
    input  wire         clk,
    input  wire         rst,
    // the packets
    input  wire         s_valid_i,
    output wire         s_ready_o,
    input  wire [511:0] s_data_i,
    input  wire         s_last_i,
    // what to do with them
    input  wire         c_valid_i,
    output wire         c_ready_o,
    input  wire         c_discard_i,    // throw away all up to the packet's end
    input  wire         c_last_i,       // the packet ends with these bytes
    input  wire [12:0]  c_bytes_i,      // 1 to 4096
    input  wire [5:0]   c_at_i,         // where in the first line the first byte goes

    output wire         w_valid_o,
    input  wire         w_ready_i,
    output wire [511:0] w_data_o,
    output wire [63:0]  w_strb_o,
    output wire         w_last_o
);
    // --- the two beats at the front
    reg          head_valid_q;
    reg          next_valid_q;
    reg  [511:0] head_q;
    reg  [511:0] next_q;
    reg          head_last_q;
    reg          next_last_q;
    wire         pop;

    assign s_ready_o = !next_valid_q || pop;

    always @(posedge clk) begin
        if (pop || !head_valid_q) begin
            head_valid_q <= next_valid_q || s_valid_i;
            head_q <= next_valid_q ? next_q : s_data_i;
            head_last_q <= next_valid_q ? next_last_q : s_last_i;
            next_valid_q <= next_valid_q && s_valid_i;
        end else if (!next_valid_q) next_valid_q <= s_valid_i;
        if (s_ready_o) begin
            next_q <= s_data_i;
            next_last_q <= s_last_i;
        end
        if (rst) {head_valid_q, next_valid_q} <= 2'd0;
    end

    // --- a step: bytes of one line of memory
    reg  [5:0]   from_q;        // the first byte of the head that is not yet used
    reg          open_q;        // a command is under way
    reg  [12:0]  left_q;
    reg          eat_q;         // the head's bytes are all used
    wire [5:0]   at = open_q ? 6'd0 : c_at_i;
    wire [12:0]  left = open_q ? left_q : c_bytes_i;
    wire [6:0]   space = 7'd64 - {1'b0, at};
    wire [6:0]   bytes = left > {6'd0, space} ? space : left[6:0];
    wire [7:0]   to = {2'd0, from_q} + {1'b0, bytes};
    wire         crosses = to > 8'd64;
    wire         ends = left == {6'd0, bytes};
    wire         free1;
    wire         there = head_valid_q && (!crosses || next_valid_q);
    wire         step = c_valid_i && !c_discard_i && !eat_q && there && free1;
    wire         discard = c_valid_i && c_discard_i && !eat_q && head_valid_q;
    wire         done = c_last_i && ends;
    wire         rest = step && done && crosses;

    assign pop = (eat_q && head_valid_q) || discard || (step && (to >= 8'd64 || done));
    assign c_ready_o = (step && ends) || (discard && head_last_q);

    // 1: from its place in the packet to byte 0; 2: to its place in memory
    reg          valid1_q;
    reg  [511:0] data1_q;
    reg  [5:0]   at1_q;
    reg  [6:0]   bytes1_q;
    reg          last1_q;
    reg          valid2_q;
    reg  [511:0] data2_q;
    reg  [63:0]  strb2_q;
    reg          last2_q;
    wire         free2 = !valid2_q || w_ready_i;
    wire [1023:0] both = {next_q, head_q} >> {from_q, 3'd0};
    assign free1 = !valid1_q || free2;

    always @(posedge clk) begin
        if (step) begin
            from_q <= done ? 6'd0 : to[5:0];
            open_q <= !ends;
            left_q <= left - {6'd0, bytes};
        end
        if (discard && head_last_q) from_q <= 6'd0;
        if (rest) eat_q <= 1'b1;
        else if (head_valid_q) eat_q <= 1'b0;
        if (free1) begin
            valid1_q <= step;
            data1_q <= both[511:0];
            at1_q <= at;
            bytes1_q <= bytes;
            last1_q <= ends;
        end
        if (free2) begin
            valid2_q <= valid1_q;
            data2_q <= data1_q << {at1_q, 3'd0};
            strb2_q <= ~({64{1'b1}} << bytes1_q) << at1_q;
            last2_q <= last1_q;
        end
        if (rst) begin
            from_q <= 6'd0;
            open_q <= 1'b0;
            eat_q <= 1'b0;
            valid1_q <= 1'b0;
            valid2_q <= 1'b0;
        end
    end

    assign w_valid_o = valid2_q;
    assign w_data_o = data2_q;
    assign w_strb_o = strb2_q;
    assign w_last_o = last2_q;

    wire unused = &{1'b0, both[1023:512]};
endmodule
`default_nettype wire
