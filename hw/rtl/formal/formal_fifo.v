// SPDX-License-Identifier: BSD-3-Clause
// pipe_fifo: what it offers stays until it is taken; what comes out is what went in, in order, nothing lost.
// good_o is low where it breaks this; the order is not watched where ORDER is 0.
`default_nettype none
module formal_fifo #(
    parameter WIDTH = 2,
    parameter DEPTH = 2,
    parameter ORDER = 1
) (
    input  wire             clk,
    input  wire             rst,
    input  wire             s_valid_i,
    input  wire [WIDTH-1:0] s_data_i,
    input  wire             m_ready_i,
    output wire             good_o
);
    localparam WORDS = DEPTH + 1;        // that it holds

    wire             s_ready;
    wire             offer;
    wire             order;
    wire             m_valid;
    wire [WIDTH-1:0] m_data;

    pipe_fifo #(.WIDTH(WIDTH), .DEPTH(DEPTH)) u_fifo (
        .clk(clk), .rst(rst), .s_valid_i(s_valid_i), .s_ready_o(s_ready), .s_data_i(s_data_i),
        .m_valid_o(m_valid), .m_ready_i(m_ready_i), .m_data_o(m_data));

    formal_offer #(.WIDTH(WIDTH)) u_offer (
        .clk(clk), .rst(rst), .valid_i(m_valid), .ready_i(m_ready_i), .data_i(m_data), .good_o(offer));

    // what should be inside: word 0 is the oldest
    reg [WORDS*WIDTH-1:0] inside_q;
    reg [7:0]             count_q;
    wire                  push = s_valid_i && s_ready;
    wire                  pop = m_valid && m_ready_i;
    wire [7:0]            left = count_q - pop;
    wire [WORDS*WIDTH-1:0] moved = pop ? inside_q >> WIDTH : inside_q;
    integer               i;

    always @(posedge clk) begin
        count_q <= left + push;
        inside_q <= moved;
        for (i = 0; i < WORDS; i = i + 1)
            if (push && left == i) inside_q[i*WIDTH +: WIDTH] <= s_data_i;
        if (rst) count_q <= 8'd0;
    end
    assign order = rst || ((count_q == 8'd0) == !m_valid && count_q <= WORDS
        && (!m_valid || m_data == inside_q[WIDTH-1:0]) && (count_q >= DEPTH || s_ready));
    assign good_o = offer && (order || ORDER == 0);
endmodule
`default_nettype wire
