// SPDX-License-Identifier: BSD-3-Clause
// A call to an engine that answers in order, out of a stream of packets that stays in order: the
// state of each packet waits in a FIFO until its response is there.
//
// Latency: the engine's and 1 clock; 1 clock for a packet that makes no call and has none before
// it. Throughput: a packet a clock while no more than DEPTH are inside; a full rate through an
// engine of latency L needs DEPTH >= L + 2. Order: packets leave as they came. Back-pressure:
// nothing enters when DEPTH packets wait inside; responses are always taken, as each has had its
// place reserved.
`default_nettype none

module pipe_call #(
    parameter STATE_W = 8,  // bits that travel with a packet, at least 1
    parameter REQ_W   = 8,  // bits of a request, at least 1
    parameter RESP_W  = 8,  // bits of a response, at least 1
    parameter DEPTH   = 8   // packets in flight, at least 1; rounded up to a power of two
) (
    input  wire               clk,
    input  wire               rst,

    input  wire               s_valid_i,
    output wire               s_ready_o,
    input  wire [STATE_W-1:0] s_state_i,
    input  wire               s_call_i,
    input  wire [REQ_W-1:0]   s_req_i,

    output wire               req_valid_o,
    input  wire               req_ready_i,
    output wire [REQ_W-1:0]   req_o,

    input  wire               resp_valid_i,
    input  wire [RESP_W-1:0]  resp_i,

    output wire               m_valid_o,
    input  wire               m_ready_i,
    output wire [STATE_W-1:0] m_state_o,
    output wire [RESP_W-1:0]  m_resp_o
);
    localparam WORDS = DEPTH < 2 ? 2 : 1 << $clog2(DEPTH);

    generate
        if (STATE_W < 1 || REQ_W < 1 || RESP_W < 1 || DEPTH < 1) begin : g_illegal
            pipe_call_illegal_parameter u_stop ();
        end
    endgenerate

    wire              state_room;
    wire              state_valid;
    wire              state_call;
    wire              resp_valid;
    wire [RESP_W-1:0] resp;
    wire              leave = m_valid_o && m_ready_i;

    assign req_valid_o = s_valid_i && s_call_i && state_room;
    assign req_o       = s_req_i;
    assign s_ready_o   = state_room && (!s_call_i || req_ready_i);

    pipe_fifo #(
        .WIDTH(STATE_W + 1),
        .DEPTH(WORDS)
    ) u_state (
        .clk      (clk),
        .rst      (rst),
        .s_valid_i(s_valid_i && (!s_call_i || req_ready_i)),
        .s_ready_o(state_room),
        .s_data_i ({s_call_i, s_state_i}),
        .m_valid_o(state_valid),
        .m_ready_i(leave),
        .m_data_o ({state_call, m_state_o})
    );

    // Never full: it is as deep as the FIFO of states, and each response belongs to a state in
    // there.
    wire resp_room_unused;
    pipe_fifo #(
        .WIDTH(RESP_W),
        .DEPTH(WORDS)
    ) u_resp (
        .clk      (clk),
        .rst      (rst),
        .s_valid_i(resp_valid_i),
        .s_ready_o(resp_room_unused),
        .s_data_i (resp_i),
        .m_valid_o(resp_valid),
        .m_ready_i(leave && state_call),
        .m_data_o (resp)
    );

    assign m_valid_o = state_valid && (!state_call || resp_valid);
    assign m_resp_o  = state_call ? resp : {RESP_W{1'b0}};
endmodule

`default_nettype wire
