// SPDX-License-Identifier: BSD-3-Clause
// Several callers of one engine: the highest port that asks wins, and keeps its turn until it is
// taken.
//
// Latency: none (combinational). Throughput: a request a clock. Order: requests of one port stay in
// order; responses are routed by the tag that the engine gives back. Back-pressure: a port is ready
// when it has the turn and the engine is ready.
`default_nettype none

module pipe_arb #(
    parameter PORTS  = 2,  // callers, at least 1
    parameter REQ_W  = 8,  // bits of a request, at least 1
    parameter RESP_W = 8,  // bits of a response, at least 1
    parameter TAG_W  = 1   // bits of the tag, at least 1 and $clog2(PORTS)
) (
    input  wire                   clk,
    input  wire                   rst,

    input  wire [PORTS-1:0]       s_valid_i,
    output wire [PORTS-1:0]       s_ready_o,
    input  wire [PORTS*REQ_W-1:0] s_req_i,

    output wire                   m_valid_o,
    input  wire                   m_ready_i,
    output wire [REQ_W-1:0]       m_req_o,
    output wire [TAG_W-1:0]       m_tag_o,

    input  wire                   resp_valid_i,
    input  wire [TAG_W-1:0]       resp_tag_i,
    input  wire [RESP_W-1:0]      resp_i,

    output wire [PORTS-1:0]       r_valid_o,
    output wire [RESP_W-1:0]      r_o
);
    generate
        if (PORTS < 1 || TAG_W < 1 || (1 << TAG_W) < PORTS) begin : g_illegal
            pipe_arb_illegal_parameter u_stop ();
        end
    endgenerate

    // held_q: the offer of held_grant_q was not taken in the last clock, so it stands.
    reg             held_q;
    reg [PORTS-1:0] held_grant_q;

    reg [PORTS-1:0] grant;
    reg [REQ_W-1:0] req;
    reg [TAG_W-1:0] tag;
    reg             found;
    integer         p;

    always @* begin
        grant = {PORTS{1'b0}};
        found = 1'b0;
        for (p = PORTS - 1; p >= 0; p = p - 1) begin
            grant[p] = s_valid_i[p] && !found;
            found    = found || s_valid_i[p];
        end
        if (held_q)
            grant = held_grant_q;
        req = {REQ_W{1'b0}};
        tag = {TAG_W{1'b0}};
        for (p = 0; p < PORTS; p = p + 1) begin
            if (grant[p]) begin
                req = s_req_i[p*REQ_W+:REQ_W];
                tag = p[TAG_W-1:0];
            end
        end
    end

    assign m_valid_o = |s_valid_i;
    assign m_req_o   = req;
    assign m_tag_o   = tag;
    assign s_ready_o = grant & {PORTS{m_ready_i}};

    genvar g;
    generate
        for (g = 0; g < PORTS; g = g + 1) begin : g_resp
            assign r_valid_o[g] = resp_valid_i && resp_tag_i == g[TAG_W-1:0];
        end
    endgenerate
    assign r_o = resp_i;

    always @(posedge clk) begin
        held_q       <= m_valid_o && !m_ready_i;
        held_grant_q <= grant;
        if (rst)
            held_q <= 1'b0;
    end
endmodule

`default_nettype wire
