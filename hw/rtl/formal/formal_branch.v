// SPDX-License-Identifier: BSD-3-Clause
// Of the taken branches and exits of a row the lowest lane's counts (hw/spec/microcode.toml). To be proved with its
// registers transparent. bad_o is high where it differs.
`default_nettype none
module formal_branch (
    input  wire         clk,
    input  wire         issue_i,
    input  wire [3:0]   taken_i,
    input  wire [3:0]   exit_i,
    input  wire [47:0]  target_i,
    input  wire [127:0] operand_i,
    output wire         bad_o
);
    wire        next, taken, leave;
    wire [11:0] target;
    wire [31:0] ret;

    core_branch u_branch (
        .clk(clk), .rst(1'b0), .issue5_i(issue_i), .taken5_i(taken_i), .exit5_i(exit_i),
        .target5_i(target_i), .operand5_i(operand_i), .next6_o(next), .taken6_o(taken),
        .target6_o(target), .exit6_o(leave), .ret6_o(ret));

    wire [3:0] any = taken_i | exit_i;
    wire [1:0] lane = any[0] ? 2'd0 : any[1] ? 2'd1 : any[2] ? 2'd2 : 2'd3;
    wire       ends = exit_i[lane];

    assign bad_o = next != (issue_i && !ends)
        || leave != (issue_i && ends)
        || (next && taken != taken_i[lane])
        || (taken && target != target_i[12*lane +: 12])
        || (leave && ret != operand_i[32*lane +: 32]);
endmodule
`default_nettype wire
