// SPDX-License-Identifier: BSD-3-Clause
// First-word fall-through FIFO over a RAM with one registered read port.
//
// Latency: 1 clock from a word's acceptance in an empty FIFO to its offer. Throughput: a word a
// clock. Order: first in, first out. Back-pressure: s_ready_o is a register's value, independent of
// m_ready_i. Holds DEPTH words in the RAM and one more in the output register.
`default_nettype none

module pipe_fifo #(
    parameter WIDTH = 8,  // bits of a word, at least 1
    parameter DEPTH = 16  // words, a power of two, at least 2
) (
    input  wire             clk,
    input  wire             rst,

    input  wire             s_valid_i,
    output wire             s_ready_o,
    input  wire [WIDTH-1:0] s_data_i,

    output wire             m_valid_o,
    input  wire             m_ready_i,
    output wire [WIDTH-1:0] m_data_o
);
    localparam AW = $clog2(DEPTH);

    generate
        if (WIDTH < 1 || DEPTH < 2 || (1 << AW) != DEPTH) begin : g_illegal
            pipe_fifo_illegal_parameter u_stop ();
        end
    endgenerate

    // Words in the RAM are [rd_q, wr_q); the output register holds the word before them, either in
    // the RAM's own read register or, when the word arrived with nothing before it, in byp_q.
    reg [WIDTH-1:0] ram [0:DEPTH-1];
    reg [WIDTH-1:0] ram_q;
    reg [WIDTH-1:0] byp_q;
    reg             sel_byp_q;
    reg             out_valid_q;
    reg [AW:0]      wr_q;
    reg [AW:0]      rd_q;

    wire ram_empty = wr_q == rd_q;
    wire ram_full  = wr_q == {~rd_q[AW], rd_q[AW-1:0]};
    wire out_free  = !out_valid_q || m_ready_i;
    wire push      = s_valid_i && s_ready_o;
    wire bypass    = push && out_free && ram_empty;
    wire ram_write = push && !bypass;
    wire ram_read  = out_free && !ram_empty;

    assign s_ready_o = !ram_full;
    assign m_valid_o = out_valid_q;
    assign m_data_o  = sel_byp_q ? byp_q : ram_q;

    always @(posedge clk) begin
        if (ram_write)
            ram[wr_q[AW-1:0]] <= s_data_i;
        if (ram_read)
            ram_q <= ram[rd_q[AW-1:0]];
    end

    always @(posedge clk) begin
        if (bypass)
            byp_q <= s_data_i;
        if (out_free)
            sel_byp_q <= ram_empty;
        if (out_free)
            out_valid_q <= push || !ram_empty;
        if (ram_write)
            wr_q <= wr_q + 1'b1;
        if (ram_read)
            rd_q <= rd_q + 1'b1;
        if (rst) begin
            out_valid_q <= 1'b0;
            wr_q        <= {(AW + 1) {1'b0}};
            rd_q        <= {(AW + 1) {1'b0}};
        end
    end
endmodule

`default_nettype wire
