// SPDX-License-Identifier: BSD-3-Clause
// Among the taken branches and exits of a row at stage 4 the lowest lane wins; the outcome is there at stage 5.
`default_nettype none
module core_branch (
    input  wire         clk,
    input  wire         rst,
    input  wire         issue4_i,
    input  wire [3:0]   taken4_i,
    input  wire [3:0]   exit4_i,
    input  wire [47:0]  target4_i,
    input  wire [255:0] operand4_i,   // second operand of each lane
    output wire         next5_o,      // the program goes on ...
    output wire         taken5_o,     // ... at target5_o (otherwise: at the next row)
    output wire [11:0]  target5_o,
    output wire         exit5_o,      // the program ends with ret5_o
    output wire [31:0]  ret5_o
);
    reg         taken_d;
    reg         exit_d;
    reg  [11:0] target_d;
    reg  [31:0] ret_d;
    reg         next5_q;
    reg         taken5_q;
    reg  [11:0] target5_q;
    reg         exit5_q;
    reg  [31:0] ret5_q;
    wire        unused = &{1'b0, operand4_i};
    integer     i;

    always @* begin
        taken_d = 1'b0;
        exit_d = 1'b0;
        target_d = 12'd0;
        ret_d = 32'd0;
        for (i = 3; i >= 0; i = i - 1) begin
            if (taken4_i[i] || exit4_i[i]) begin
                taken_d = taken4_i[i];
                exit_d = exit4_i[i];
                target_d = target4_i[12*i +: 12];
                ret_d = operand4_i[64*i +: 32];
            end
        end
    end

    always @(posedge clk) begin
        target5_q <= target_d;
        ret5_q    <= ret_d;
        taken5_q  <= taken_d;
        next5_q   <= issue4_i && !exit_d;
        exit5_q   <= issue4_i && exit_d;
        if (rst) begin
            next5_q <= 1'b0;
            exit5_q <= 1'b0;
        end
    end

    assign next5_o   = next5_q;
    assign taken5_o  = taken5_q;
    assign target5_o = target5_q;
    assign exit5_o   = exit5_q;
    assign ret5_o    = ret5_q;
endmodule
`default_nettype wire
