// SPDX-License-Identifier: BSD-3-Clause
// pipe_lock: of the packets inside that took the lock no two have the same key, no more than DEPTH are inside, and a
// packet that nothing bars passes at once. given_o is what the neighbours promise, good_o what must follow.
`default_nettype none
module formal_lock #(
    parameter DEPTH = 2,
    parameter KEY_W = 2,
    parameter STATE_W = 1
) (
    input  wire               clk,
    input  wire               rst,
    input  wire               s_valid_i,
    input  wire [STATE_W-1:0] s_state_i,
    input  wire               s_take_i,
    input  wire [KEY_W-1:0]   s_key_i,
    input  wire               m_ready_i,
    input  wire               release_i,
    output wire               given_o,
    output wire               good_o
);
    wire               s_ready, m_valid, stall, kept, offer;
    wire [STATE_W-1:0] m_state;

    pipe_lock #(.STATE_W(STATE_W), .KEY_W(KEY_W), .DEPTH(DEPTH)) u_lock (
        .clk(clk), .rst(rst), .s_valid_i(s_valid_i), .s_ready_o(s_ready), .s_state_i(s_state_i),
        .s_take_i(s_take_i), .s_key_i(s_key_i), .m_valid_o(m_valid), .m_ready_i(m_ready_i),
        .m_state_o(m_state), .release_i(release_i), .stall_o(stall));

    formal_offer #(.WIDTH(STATE_W + 1 + KEY_W)) u_given (
        .clk(clk), .rst(rst), .valid_i(s_valid_i), .ready_i(s_ready),
        .data_i({s_state_i, s_take_i, s_key_i}), .good_o(kept));
    formal_offer #(.WIDTH(STATE_W)) u_offer (
        .clk(clk), .rst(rst), .valid_i(m_valid), .ready_i(m_ready_i), .data_i(m_state),
        .good_o(offer));

    // who is inside, the oldest first; one place more than may be used
    reg [7:0]           count_q;
    reg [DEPTH:0]       takes_q;
    reg [DEPTH*KEY_W+KEY_W-1:0] keys_q;
    wire                enter = m_valid && m_ready_i;
    wire [7:0]          left = count_q - release_i;
    wire [DEPTH:0]      takes = release_i ? takes_q >> 1 : takes_q;
    wire [DEPTH*KEY_W+KEY_W-1:0] keys = release_i ? keys_q >> KEY_W : keys_q;
    reg                 barred;
    integer             i;

    always @* begin
        barred = count_q >= DEPTH;
        for (i = 0; i < DEPTH; i = i + 1)
            if (i < count_q && s_take_i && takes_q[i] && keys_q[i*KEY_W +: KEY_W] == s_key_i)
                barred = 1'b1;
    end

    always @(posedge clk) begin
        count_q <= left + enter;
        takes_q <= takes;
        keys_q <= keys;
        for (i = 0; i <= DEPTH; i = i + 1) begin
            if (enter && left == i) begin
                takes_q[i] <= s_take_i;
                keys_q[i*KEY_W +: KEY_W] <= s_key_i;
            end
        end
        if (rst) count_q <= 8'd0;
    end

    assign given_o = kept && (rst || !release_i || count_q != 8'd0);
    assign good_o = rst || (offer && count_q <= DEPTH && m_valid == (s_valid_i && !barred)
        && s_ready == (m_ready_i && !barred) && stall == (s_valid_i && barred)
        && m_state == s_state_i);
endmodule
`default_nettype wire
