// SPDX-License-Identifier: BSD-3-Clause
// The longest of the prefix lengths that a look-up may find, and the others. Combinational, in
// two levels: eight, and the rest.
`default_nettype none

module map_lpm_pick #(
    parameter BITS = 32  // longest prefix: a multiple of 8, 8 to 480
) (
    input  wire [BITS:0] may_i,     // bit n: a prefix of n bits; bit 0 is taken as set
    output wire [8:0]    length_o,
    output wire [BITS:0] rest_o     // may_i without it; bit 0 is clear if it was the last
);
    localparam GROUPS = BITS / 8;

    // Group g has the lengths 8 * g + 1 to 8 * g + 8.
    wire [GROUPS-1:0]   any;
    wire [3*GROUPS-1:0] best;
    genvar g;
    generate
        for (g = 0; g < GROUPS; g = g + 1) begin : g_group
            wire [7:0] may = may_i[8*g+1+:8];
            assign any[g] = |may;
            assign best[3*g+:3] = may[7] ? 3'd7 : may[6] ? 3'd6 : may[5] ? 3'd5 : may[4] ? 3'd4 :
                                  may[3] ? 3'd3 : may[2] ? 3'd2 : may[1] ? 3'd1 : 3'd0;
        end
    endgenerate

    reg [8:0] length;
    integer   i;
    always @* begin
        length = 9'd0;
        for (i = 0; i < GROUPS; i = i + 1)
            if (any[i])
                length = {i[5:0], best[3*i+:3]} + 9'd1;
    end

    generate
        for (g = 0; g <= BITS; g = g + 1) begin : g_rest
            assign rest_o[g] = (may_i[g] || g == 0) && length != g;
        end
    endgenerate
    assign length_o = length;
    wire unused = &{1'b0, may_i[0]};
endmodule

`default_nettype wire
