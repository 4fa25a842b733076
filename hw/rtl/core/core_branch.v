// SPDX-License-Identifier: BSD-3-Clause
// Among the taken branches and exits of a row at stage 5 the lowest lane wins; the outcome is there at stage 6.
`default_nettype none
module core_branch (
    input  wire         clk,
    input  wire         rst,
    input  wire         issue5_i,
    input  wire [3:0]   taken5_i,
    input  wire [3:0]   exit5_i,
    input  wire [47:0]  target5_i,
    input  wire [127:0] operand5_i,   // low half of each lane's second operand
    output wire         next6_o,      // the program goes on ...
    output wire         taken6_o,     // ... at target6_o (otherwise: at the next row)
    output wire [11:0]  target6_o,
    output wire         exit6_o,      // the program ends with ret6_o
    output wire [31:0]  ret6_o
);
    reg         taken_d;
    reg         exit_d;
    reg  [11:0] target_d;
    reg  [31:0] ret_d;
    reg         next6_q;
    reg         taken6_q;
    reg  [11:0] target6_q;
    reg         exit6_q;
    reg  [31:0] ret6_q;
    integer     i;

    always @* begin
        taken_d = 1'b0;
        exit_d = 1'b0;
        target_d = 12'd0;
        ret_d = 32'd0;
        for (i = 3; i >= 0; i = i - 1) begin
            if (taken5_i[i] || exit5_i[i]) begin
                taken_d = taken5_i[i];
                exit_d = exit5_i[i];
                target_d = target5_i[12*i +: 12];
                ret_d = operand5_i[32*i +: 32];
            end
        end
    end

    always @(posedge clk) begin
        target6_q <= target_d;
        ret6_q    <= ret_d;
        taken6_q  <= taken_d;
        next6_q   <= issue5_i && !exit_d;
        exit6_q   <= issue5_i && exit_d;
        if (rst) begin
            next6_q <= 1'b0;
            exit6_q <= 1'b0;
        end
    end

    assign next6_o   = next6_q;
    assign taken6_o  = taken6_q;
    assign target6_o = target6_q;
    assign exit6_o   = exit6_q;
    assign ret6_o    = ret6_q;
endmodule
`default_nettype wire
