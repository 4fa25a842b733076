// SPDX-License-Identifier: BSD-3-Clause
// pipe_arb: what it offers stays until it is taken, and is the request of the one port that is told so; nobody is
// passed over while somebody asks. given_o is what the callers promise, good_o what must follow.
`default_nettype none
module formal_arb #(
    parameter PORTS = 3,
    parameter REQ_W = 2,
    parameter TAG_W = 2
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire [PORTS-1:0]       s_valid_i,
    input  wire [PORTS*REQ_W-1:0] s_req_i,
    input  wire                   m_ready_i,
    input  wire                   resp_valid_i,
    input  wire [TAG_W-1:0]       resp_tag_i,
    input  wire [REQ_W-1:0]       resp_i,
    output wire                   given_o,
    output wire                   good_o
);
    wire [PORTS-1:0] s_ready, r_valid, kept;
    wire             m_valid, offer;
    wire [REQ_W-1:0] m_req, r;
    wire [TAG_W-1:0] m_tag;

    pipe_arb #(.PORTS(PORTS), .REQ_W(REQ_W), .RESP_W(REQ_W), .TAG_W(TAG_W)) u_arb (
        .clk(clk), .rst(rst), .s_valid_i(s_valid_i), .s_ready_o(s_ready), .s_req_i(s_req_i),
        .m_valid_o(m_valid), .m_ready_i(m_ready_i), .m_req_o(m_req), .m_tag_o(m_tag),
        .resp_valid_i(resp_valid_i), .resp_tag_i(resp_tag_i), .resp_i(resp_i),
        .r_valid_o(r_valid), .r_o(r));

    formal_offer #(.WIDTH(REQ_W + TAG_W)) u_offer (
        .clk(clk), .rst(rst), .valid_i(m_valid), .ready_i(m_ready_i), .data_i({m_req, m_tag}),
        .good_o(offer));

    genvar g;
    generate
        for (g = 0; g < PORTS; g = g + 1) begin : g_port
            formal_offer #(.WIDTH(REQ_W)) u_given (
                .clk(clk), .rst(rst), .valid_i(s_valid_i[g]), .ready_i(s_ready[g]),
                .data_i(s_req_i[g*REQ_W +: REQ_W]), .good_o(kept[g]));
        end
    endgenerate

    wire [PORTS-1:0] taken = s_valid_i & s_ready;
    wire [PORTS-1:0] told = {{(PORTS-1){1'b0}}, 1'b1} << m_tag;

    assign given_o = &kept;
    assign good_o = rst || (offer && m_valid == |s_valid_i
        && (m_valid && m_ready_i ? taken == told && s_ready == told : taken == {PORTS{1'b0}})
        && (!m_valid || m_req == s_req_i[m_tag*REQ_W +: REQ_W])
        && r == resp_i && r_valid == (resp_valid_i ? {{(PORTS-1){1'b0}}, 1'b1} << resp_tag_i
                                                   : {PORTS{1'b0}}));
endmodule
`default_nettype wire
