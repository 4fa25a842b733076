// SPDX-License-Identifier: BSD-3-Clause
// Queue in LUT RAM whose writer never writes when it is full (it holds at most DEPTH entries by construction).
// First-word fall-through: what is written can be taken from the next clock on. One entry a clock, in order.
`default_nettype none
module fifo_small #(
    parameter WIDTH = 64,   // bits
    parameter DEPTH = 8     // entries, a power of two, at least 2
) (
    input  wire             clk,
    input  wire             rst,
    input  wire             push_i,
    input  wire [WIDTH-1:0] data_i,
    output wire             valid_o,
    input  wire             pop_i,
    output wire [WIDTH-1:0] data_o
);
    generate
        if (WIDTH < 1 || DEPTH < 2 || (DEPTH & (DEPTH - 1)) != 0) begin : g_illegal
            fifo_small_illegal_parameter u_stop ();
        end
    endgenerate

    localparam PTR_W = $clog2(DEPTH);
    reg [PTR_W:0] head_q;
    reg [PTR_W:0] tail_q;

    assign valid_o = head_q != tail_q;

    ram_lut #(.WIDTH(WIDTH), .DEPTH(DEPTH)) u_mem (
        .clk(clk), .we_i(push_i), .waddr_i(tail_q[PTR_W-1:0]), .wdata_i(data_i),
        .raddr_i(head_q[PTR_W-1:0]), .rdata_o(data_o));

    always @(posedge clk) begin
        if (push_i) tail_q <= tail_q + 1'b1;
        if (pop_i) head_q <= head_q + 1'b1;
        if (rst) begin
            head_q <= {PTR_W+1{1'b0}};
            tail_q <= {PTR_W+1{1'b0}};
        end
    end

`ifdef FORMAL
    always @(posedge clk) begin
        if (!rst) assert (tail_q - head_q <= DEPTH);
        if (!rst && pop_i) assert (valid_o);
    end
`endif
endmodule
`default_nettype wire
