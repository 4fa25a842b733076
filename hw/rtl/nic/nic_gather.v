// SPDX-License-Identifier: BSD-3-Clause
// Pieces of a packet to whole beats: each step brings some bytes that lie anywhere in it; they leave side by side, from byte 0 of
// the packet's first beat on.
//
// Latency: 2 clocks from the step that completes a beat. Throughput: a step a clock; a packet whose last step fills a beat and
// reaches into one more costs a clock more. Order: kept. Back-pressure: everything holds while m_ready_i is low.
`default_nettype none
module nic_gather #(
    parameter USER_W = 8    // bits that belong to a packet, taken with its last step
) (
    input  wire              clk,
    input  wire              rst,
    input  wire              s_valid_i,
    output wire              s_ready_o,
    input  wire [511:0]      s_data_i,
    input  wire [5:0]        s_at_i,        // the first byte that counts
    input  wire [6:0]        s_bytes_i,     // how many: 0 to 64 - s_at_i
    input  wire              s_last_i,
    input  wire [USER_W-1:0] s_user_i,

    output wire              m_valid_o,
    input  wire              m_ready_i,
    output wire [511:0]      m_data_o,
    output wire [5:0]        m_tail_o,      // bytes of the last beat, 0 for 64 (or for a packet without any)
    output wire              m_last_o,
    output wire [USER_W-1:0] m_user_o       // holds for the last beat
);
    // 1: to byte 0
    reg               valid1_q;
    reg  [511:0]      data1_q;
    reg  [6:0]        bytes1_q;
    reg               last1_q;
    reg  [USER_W-1:0] user1_q;
    // 2: behind what is there already
    reg  [511:0]      held_q;
    reg  [5:0]        held_bytes_q;
    reg               flush_q;              // the rest of a packet waits in held_q
    reg               valid_q;
    reg  [511:0]      data_q;
    reg  [5:0]        tail_q;
    reg               last_q;
    reg  [USER_W-1:0] user_q;

    wire              free = !valid_q || m_ready_i;
    wire              free1 = !valid1_q || (free && !flush_q);
    wire [511:0]      shifted = s_data_i >> {s_at_i, 3'd0};
    wire [511:0]      masked;
    wire [1023:0]     joined = {512'd0, held_q} | ({512'd0, data1_q} << {held_bytes_q, 3'd0});
    wire [7:0]        sum = {2'd0, held_bytes_q} + {1'b0, bytes1_q};
    wire              fills = sum >= 8'd64;
    wire              over = sum > 8'd64;
    genvar            g;

    generate
        for (g = 0; g < 64; g = g + 1) begin : g_byte
            assign masked[8*g +: 8] = shifted[8*g +: 8] & {8{g < s_bytes_i}};
        end
    endgenerate

    assign s_ready_o = free1;

    always @(posedge clk) begin
        if (free1) begin
            valid1_q <= s_valid_i;
            if (s_valid_i) begin
                data1_q <= masked;
                bytes1_q <= s_bytes_i;
                last1_q <= s_last_i;
                user1_q <= s_user_i;
            end
        end
        if (free) begin
            valid_q <= 1'b0;
            if (flush_q) begin
                valid_q <= 1'b1;
                data_q <= held_q;
                tail_q <= held_bytes_q;
                last_q <= 1'b1;
                flush_q <= 1'b0;
                held_q <= 512'd0;
                held_bytes_q <= 6'd0;
            end else if (valid1_q) begin
                valid_q <= fills || last1_q;
                data_q <= joined[511:0];
                tail_q <= sum[5:0];
                last_q <= last1_q && !over;
                user_q <= user1_q;
                flush_q <= last1_q && over;
                held_q <= fills ? joined[1023:512] : joined[511:0];
                held_bytes_q <= sum[5:0];
                if (last1_q && !over) begin
                    held_q <= 512'd0;
                    held_bytes_q <= 6'd0;
                end
            end
        end
        if (rst) begin
            valid1_q <= 1'b0;
            valid_q <= 1'b0;
            flush_q <= 1'b0;
            held_q <= 512'd0;
            held_bytes_q <= 6'd0;
        end
    end

    assign m_valid_o = valid_q;
    assign m_data_o = data_q;
    assign m_tail_o = tail_q;
    assign m_last_o = last_q;
    assign m_user_o = user_q;
endmodule
`default_nettype wire
