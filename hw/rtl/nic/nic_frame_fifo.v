// SPDX-License-Identifier: BSD-3-Clause
// Store of whole frames: a frame comes out after its last beat was kept. A frame that is given up, or that finds no room on the way,
// leaves nothing behind.
//
// Latency: 2 clocks from the last beat to the first one out. Throughput: a beat a clock, also for frames of one beat. Order: kept.
// Back-pressure: with BLOCK s_ready_o is low while the store is full, and a frame longer than it never ends; without BLOCK it is
// always high, and a frame without room is lost (s_lost_o); with BLOCK 2 likewise, but s_ready_o is low while fewer than 4 beats are
// free: a source that heeds it within 3 clocks loses nothing.
`default_nettype none
module nic_frame_fifo #(
    parameter DEPTH = 256,  // beats, a power of two, at least 2
    parameter BLOCK = 0     // 1: wait for room, 0: lose the frame, 2: lose it, but warn
) (
    input  wire         clk,
    input  wire         rst,
    input  wire         s_valid_i,
    output wire         s_ready_o,
    input  wire [511:0] s_data_i,
    input  wire [5:0]   s_tail_i,    // bytes of the last beat, 0 for 64
    input  wire         s_last_i,
    input  wire         s_keep_i,    // 0: the frame is given up, this beat is not written
    input  wire         s_drop_i,    // with the last beat: the frame is given up
    output wire         s_lost_o,    // with the last beat: the frame found no room
    output wire         s_done_o,    // a frame was kept

    output wire         m_valid_o,
    input  wire         m_ready_i,
    output wire [511:0] m_data_o,
    output wire [5:0]   m_tail_o,
    output wire         m_last_o
);
    localparam AW = $clog2(DEPTH);

    generate
        if (DEPTH < 2 || (1 << AW) != DEPTH || BLOCK < 0 || BLOCK > 2) begin : g_illegal
            nic_frame_fifo_illegal_parameter u_stop ();
        end
    endgenerate

    // [rd_q, commit_q) are beats of whole frames, [commit_q, wr_q) those of the one under way.
    reg  [AW:0]  wr_q;
    reg  [AW:0]  commit_q;
    reg  [AW:0]  rd_q;
    reg          lost_q;
    reg          out_q;
    wire         full = wr_q == {~rd_q[AW], rd_q[AW-1:0]};
    wire [AW:0]  used = wr_q - rd_q;
    wire         scarce = {{31 - AW{1'b0}}, used} + 32'd4 > DEPTH;
    wire         take = s_valid_i && (BLOCK != 1 || !full);
    wire         lost = lost_q || (s_keep_i && full);
    wire         write = take && s_keep_i && !lost;
    wire         gone = !s_keep_i || s_drop_i || lost;
    wire         read = rd_q != commit_q && (!out_q || m_ready_i);
    reg  [518:0] mem [0:DEPTH-1];
    reg  [518:0] word_q;

    assign s_ready_o = BLOCK == 0 || (BLOCK == 1 ? !full : !scarce);
    assign s_lost_o = lost;
    assign s_done_o = take && s_last_i && !gone;

    always @(posedge clk) begin
        if (write) mem[wr_q[AW-1:0]] <= {s_last_i, s_tail_i, s_data_i};
        if (read) word_q <= mem[rd_q[AW-1:0]];
    end

    always @(posedge clk) begin
        if (write) wr_q <= wr_q + 1'b1;
        if (take) lost_q <= lost && !s_last_i;
        if (take && s_last_i) begin
            if (gone) wr_q <= commit_q;
            else commit_q <= wr_q + 1'b1;
        end
        if (read) rd_q <= rd_q + 1'b1;
        if (!out_q || m_ready_i) out_q <= read;
        if (rst) begin
            wr_q <= {AW + 1{1'b0}};
            commit_q <= {AW + 1{1'b0}};
            rd_q <= {AW + 1{1'b0}};
            lost_q <= 1'b0;
            out_q <= 1'b0;
        end
    end

    assign m_valid_o = out_q;
    assign {m_last_o, m_tail_o, m_data_o} = word_q;
endmodule
`default_nettype wire
