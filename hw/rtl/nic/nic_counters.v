// SPDX-License-Identifier: BSD-3-Clause
// Counters of 64 bits; a read of the low word keeps the high one that belongs to it, of any one counter.
//
// Latency: a read's word is there at once, in the clock of read_i. Counts one amount a clock for each.
`default_nettype none
module nic_counters #(
    parameter COUNT = 8     // counters, 1 to 1023
) (
    input  wire                clk,
    input  wire                rst,
    input  wire                clear_i,
    input  wire [COUNT-1:0]    add_i,
    input  wire [16*COUNT-1:0] amount_i,
    input  wire                read_i,
    input  wire                high_i,      // the word that is meant
    input  wire [9:0]          index_i,
    output wire [31:0]         data_o
);
    wire [64*COUNT-1:0] value;
    reg  [31:0]         kept_q;
    reg  [63:0]         pick;
    integer             i;
    genvar              g;

    generate
        if (COUNT < 1 || COUNT > 1023) begin : g_illegal
            nic_counters_illegal_parameter u_stop ();
        end
        for (g = 0; g < COUNT; g = g + 1) begin : g_count
            reg [63:0] count_q;
            assign value[64*g +: 64] = count_q;
            always @(posedge clk) begin
                if (add_i[g]) count_q <= count_q + {48'd0, amount_i[16*g +: 16]};
                if (rst || clear_i) count_q <= 64'd0;
            end
        end
    endgenerate

    always @* begin
        pick = 64'd0;
        i = 0;
        if (read_i) for (i = 0; i < COUNT; i = i + 1)
            if (index_i == i[9:0]) pick = value[64*i +: 64];
    end

    always @(posedge clk) begin
        if (read_i && !high_i) kept_q <= pick[63:32];
        if (rst) kept_q <= 32'd0;
    end

    assign data_o = high_i ? kept_q : pick[31:0];
endmodule
`default_nettype wire
