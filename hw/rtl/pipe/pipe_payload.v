// SPDX-License-Identifier: BSD-3-Clause
// The FIFO in which payload waits beside a pipeline, of which any eight bytes can be read meanwhile.
//
// A position counts bytes from the first beat after reset: beat k, counted modulo 2^16, has
// positions 64 * k to 64 * k + 63. What is read must lie in beats that were taken and have not left
// yet: then it is what was taken, also in the clock after the beat was taken. Of the eight bytes
// those beyond such beats are undefined.
//
// Latency: 1 clock from a beat's acceptance in an empty FIFO to its offer; 4 clocks from a read
// request to its answer. Throughput: a beat and a read a clock. Order: kept, both ways.
// Back-pressure: s_ready_o does not depend on m_ready_i; requests are always taken. Holds DEPTH
// beats.
`default_nettype none

module pipe_payload #(
    parameter DEPTH = 256,  // beats: a power of two, 4 to 65536
    parameter TAG_W = 1     // bits of a request's tag, at least 1
) (
    input  wire             clk,
    input  wire             rst,

    input  wire             s_valid_i,
    output wire             s_ready_o,
    input  wire [511:0]     s_data_i,
    input  wire             s_last_i,

    output wire             m_valid_o,
    input  wire             m_ready_i,
    output wire [511:0]     m_data_o,
    output wire             m_last_o,

    input  wire             req_valid_i,
    input  wire [21:0]      req_position_i,
    input  wire [TAG_W-1:0] req_tag_i,
    output wire             resp_valid_o,
    output wire [TAG_W-1:0] resp_tag_o,
    output wire [63:0]      resp_o
);
    localparam AW = $clog2(DEPTH);

    generate
        if (DEPTH < 4 || DEPTH > 65536 || (1 << AW) != DEPTH || TAG_W < 1) begin : g_illegal
            pipe_payload_illegal_parameter u_stop ();
        end
    endgenerate

    // The FIFO holds a word more than its depth; a beat's place in the memory that is read from is
    // free only when the beat DEPTH before it has left.
    reg [AW:0]   held_q;
    reg [AW-1:0] wr_q;
    wire         fifo_ready;
    wire         room = !held_q[AW];
    wire         push = s_valid_i && s_ready_o;
    wire         pop  = m_valid_o && m_ready_i;
    assign s_ready_o = fifo_ready && room;

    pipe_fifo #(
        .WIDTH(513),
        .DEPTH(DEPTH)
    ) u_fifo (
        .clk      (clk),
        .rst      (rst),
        .s_valid_i(s_valid_i && room),
        .s_ready_o(fifo_ready),
        .s_data_i ({s_last_i, s_data_i}),
        .m_valid_o(m_valid_o),
        .m_ready_i(m_ready_i),
        .m_data_o ({m_last_o, m_data_o})
    );

    always @(posedge clk) begin
        if (push)
            wr_q <= wr_q + 1'b1;
        if (push && !pop)
            held_q <= held_q + 1'b1;
        else if (pop && !push)
            held_q <= held_q - 1'b1;
        if (rst) begin
            wr_q   <= {AW{1'b0}};
            held_q <= {(AW + 1) {1'b0}};
        end
    end

    // Step 1: the request in a register, so that a beat that is taken with it is in the memories
    // when they are read. Step 2: even and odd beats, of which each request needs one of both.
    reg          valid1_q, valid2_q, valid3_q, valid4_q;
    reg [TAG_W-1:0] tag1_q, tag2_q, tag3_q, tag4_q;
    reg [AW+5:0] position1_q;
    reg [6:0]    position2_q;
    reg [2:0]    position3_q;

    wire [AW-2:0] row      = position1_q[AW+5:7];
    wire [AW-2:0] even_row = position1_q[6] ? row + 1'b1 : row;
    wire [511:0]  even;
    wire [511:0]  odd;

    ram_1w1r #(
        .WIDTH(512),
        .DEPTH(DEPTH / 2)
    ) u_even (
        .clk    (clk),
        .we_i   (push && !wr_q[0]),
        .waddr_i(wr_q[AW-1:1]),
        .wdata_i(s_data_i),
        .wstrb_i({64{1'b1}}),
        .ren_i  (valid1_q),
        .raddr_i(even_row),
        .rdata_o(even)
    );
    ram_1w1r #(
        .WIDTH(512),
        .DEPTH(DEPTH / 2)
    ) u_odd (
        .clk    (clk),
        .we_i   (push && wr_q[0]),
        .waddr_i(wr_q[AW-1:1]),
        .wdata_i(s_data_i),
        .wstrb_i({64{1'b1}}),
        .ren_i  (valid1_q),
        .raddr_i(row),
        .rdata_o(odd)
    );

    // Step 3: the two words that hold the bytes; of the second beat only the first word can be
    // meant. Step 4: the bytes.
    wire [575:0] beats = position2_q[6] ? {even[63:0], odd} : {odd[63:0], even};
    wire [127:0] words = beats[64*position2_q[5:3]+:128];
    reg [127:0]  words_q;
    reg [63:0]   resp_q;
    wire [63:0]  unused_high;
    wire [63:0]  bytes;
    assign {unused_high, bytes} = words_q >> {position3_q, 3'd0};

    always @(posedge clk) begin
        valid1_q    <= req_valid_i;
        tag1_q      <= req_tag_i;
        position1_q <= req_position_i[AW+5:0];
        valid2_q    <= valid1_q;
        tag2_q      <= tag1_q;
        position2_q <= position1_q[6:0];
        valid3_q    <= valid2_q;
        tag3_q      <= tag2_q;
        position3_q <= position2_q[2:0];
        words_q     <= words;
        valid4_q    <= valid3_q;
        tag4_q      <= tag3_q;
        resp_q      <= bytes;
        if (rst) begin
            valid1_q <= 1'b0;
            valid2_q <= 1'b0;
            valid3_q <= 1'b0;
            valid4_q <= 1'b0;
        end
    end

    assign resp_valid_o = valid4_q;
    assign resp_tag_o   = tag4_q;
    assign resp_o       = resp_q;

    wire unused = &{1'b0, req_position_i, unused_high};
endmodule

`default_nettype wire
