// SPDX-License-Identifier: BSD-3-Clause
// pipe_call: packets leave in the order in which they came, each with its own state and the answer to its own call; what
// is offered stays. Here the engine answers a request with the request itself, after any number of clocks. given_o is what
// the neighbours promise, good_o what must follow.
`default_nettype none
module formal_call #(
    parameter STATE_W = 1,
    parameter REQ_W = 1,
    parameter DEPTH = 2
) (
    input  wire               clk,
    input  wire               rst,
    input  wire               s_valid_i,
    input  wire [STATE_W-1:0] s_state_i,
    input  wire               s_call_i,
    input  wire [REQ_W-1:0]   s_req_i,
    input  wire               req_ready_i,
    input  wire               resp_valid_i,
    input  wire               m_ready_i,
    output wire               given_o,
    output wire               good_o
);
    localparam PLACES = 8;                 // more than it can hold
    localparam ITEM_W = STATE_W + 1 + REQ_W;

    wire               s_ready, req_valid, m_valid, kept, offer, ask;
    wire [REQ_W-1:0]   req, m_resp;
    wire [STATE_W-1:0] m_state;

    // requests at the engine, and packets inside, the oldest first
    reg [7:0]               asked_q, count_q;
    reg [PLACES*REQ_W-1:0]  requests_q;
    reg [PLACES*ITEM_W-1:0] inside_q;

    pipe_call #(.STATE_W(STATE_W), .REQ_W(REQ_W), .RESP_W(REQ_W), .DEPTH(DEPTH)) u_call (
        .clk(clk), .rst(rst), .s_valid_i(s_valid_i), .s_ready_o(s_ready), .s_state_i(s_state_i),
        .s_call_i(s_call_i), .s_req_i(s_req_i), .req_valid_o(req_valid), .req_ready_i(req_ready_i),
        .req_o(req), .resp_valid_i(resp_valid_i), .resp_i(requests_q[REQ_W-1:0]),
        .m_valid_o(m_valid), .m_ready_i(m_ready_i), .m_state_o(m_state), .m_resp_o(m_resp));

    formal_offer #(.WIDTH(ITEM_W)) u_given (
        .clk(clk), .rst(rst), .valid_i(s_valid_i), .ready_i(s_ready),
        .data_i({s_state_i, s_call_i, s_req_i}), .good_o(kept));
    formal_offer #(.WIDTH(STATE_W + REQ_W)) u_offer (
        .clk(clk), .rst(rst), .valid_i(m_valid), .ready_i(m_ready_i), .data_i({m_state, m_resp}),
        .good_o(offer));
    formal_offer #(.WIDTH(REQ_W)) u_ask (
        .clk(clk), .rst(rst), .valid_i(req_valid), .ready_i(req_ready_i), .data_i(req),
        .good_o(ask));

    wire        called = req_valid && req_ready_i;
    wire        enter = s_valid_i && s_ready;
    wire        leave = m_valid && m_ready_i;
    wire [7:0]  asked = asked_q - resp_valid_i;
    wire [7:0]  count = count_q - leave;
    wire [ITEM_W-1:0] oldest = inside_q[ITEM_W-1:0];
    integer     i;

    always @(posedge clk) begin
        asked_q <= asked + called;
        count_q <= count + enter;
        if (resp_valid_i) requests_q <= requests_q >> REQ_W;
        if (leave) inside_q <= inside_q >> ITEM_W;
        for (i = 0; i < PLACES; i = i + 1) begin
            if (called && asked == i) requests_q[i*REQ_W +: REQ_W] <= req;
            if (enter && count == i)
                inside_q[i*ITEM_W +: ITEM_W] <= {s_state_i, s_call_i, s_call_i ? s_req_i : {REQ_W{1'b0}}};
        end
        if (rst) {asked_q, count_q} <= 16'd0;
    end

    assign given_o = kept && (rst || !resp_valid_i || asked_q != 8'd0);
    assign good_o = rst || (offer && ask && count_q < PLACES && called == (enter && s_call_i)
        && (!m_valid || (count_q != 8'd0 && m_state == oldest[ITEM_W-1 -: STATE_W]
                         && m_resp == oldest[REQ_W-1:0])));
endmodule
`default_nettype wire
