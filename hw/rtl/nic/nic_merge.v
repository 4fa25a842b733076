// SPDX-License-Identifier: BSD-3-Clause
// Whole packets of several sources, in turn.
//
// Latency: 1 clock. Throughput: a beat a clock, also when sources take turns. Order: of each source kept. Back-pressure: a source
// waits while another has its turn, or the sink is not ready.
`default_nettype none
module nic_merge #(
    parameter PORTS = 2,    // sources, 1 to 16
    parameter WIDTH = 8     // bits of a beat with all that belongs to it, at least 1
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire [PORTS-1:0]       s_valid_i,
    output wire [PORTS-1:0]       s_ready_o,
    input  wire [PORTS-1:0]       s_last_i,
    input  wire [PORTS*WIDTH-1:0] s_data_i,

    output wire                   m_valid_o,
    input  wire                   m_ready_i,
    output wire                   m_last_o,
    output wire [3:0]             m_port_o,
    output wire [WIDTH-1:0]       m_data_o
);
    generate
        if (PORTS < 1 || PORTS > 16 || WIDTH < 1) begin : g_illegal
            nic_merge_illegal_parameter u_stop ();
        end
    endgenerate

    reg              open_q;    // a packet of port turn_q is under way
    reg  [3:0]       turn_q;    // the source that had its turn last
    reg              valid_q;
    reg              last_q;
    reg  [3:0]       port_q;
    reg  [WIDTH-1:0] data_q;
    wire [3:0]       next;
    wire             found;
    wire [3:0]       pick = open_q || !found ? turn_q : next;
    reg  [WIDTH-1:0] data;
    reg              last;
    reg              valid;
    wire             free = !valid_q || m_ready_i;
    integer          i;

    turn_next #(.SOURCES(PORTS), .TURN_W(4)) u_turn (
        .ask_i(s_valid_i), .turn_i(turn_q), .found_o(found), .pick_o(next));

    always @* begin
        data = {WIDTH{1'b0}};
        last = 1'b0;
        valid = 1'b0;
        for (i = 0; i < PORTS; i = i + 1)
            if (pick == i[3:0]) begin
                data = s_data_i[WIDTH*i +: WIDTH];
                last = s_last_i[i];
                valid = s_valid_i[i];
            end
    end

    genvar g;
    generate
        for (g = 0; g < PORTS; g = g + 1) begin : g_ready
            assign s_ready_o[g] = free && pick == g;
        end
    endgenerate

    always @(posedge clk) begin
        if (free) begin
            valid_q <= valid;
            last_q <= last;
            port_q <= pick;
            data_q <= data;
            if (valid) begin
                open_q <= !last;
                turn_q <= pick;
            end
        end
        if (rst) begin
            valid_q <= 1'b0;
            open_q <= 1'b0;
            turn_q <= 4'd0;
        end
    end

    assign m_valid_o = valid_q;
    assign m_last_o = last_q;
    assign m_port_o = port_q;
    assign m_data_o = data_q;
endmodule
`default_nettype wire
