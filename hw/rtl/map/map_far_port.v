// SPDX-License-Identifier: BSD-3-Clause
// map_hash_far's side of the AXI4 memory: lines of 64 bytes are read and written, one beat a burst.
//
// A slot has one read under way at most (id ID_BASE + slot); its line is there (data_valid_o) two
// clocks after it came. Writes have a kind, and of each kind one is under way at most (but for
// clearing, 63). AXI promises no order between reads and writes, so a line that is being written is
// not asked for, and one that was asked for is not written, until the memory has answered.
// Latency: 2 clocks to a request, 1 from an answer. Throughput: a read and a write a clock.
// Back-pressure: *_ready_o. An answer with an error leaves its slot waiting for ever.
`default_nettype none

module map_far_port #(
    parameter       SLOTS   = 7,
    parameter [3:0] ID_BASE = 4'd9
) (
    input  wire         clk,
    input  wire         rst,

    input  wire         read_i,
    output wire         read_ready_o,
    input  wire [2:0]   read_slot_i,
    input  wire [24:0]  read_line_i,
    output wire         data_valid_o,
    output wire [2:0]   data_slot_o,
    output wire [511:0] data_o,

    input  wire         write_i,
    output wire         write_ready_o,
    input  wire [1:0]   write_kind_i,   // 0 a bucket, 1 a key or link, 2 a bucket that is cleared
    input  wire [2:0]   write_slot_i,
    input  wire [24:0]  write_line_i,
    input  wire [511:0] write_data_i,
    output wire         quiet_o,        // no write is under way

    output wire [3:0]   m_axi_awid,
    output wire [31:0]  m_axi_awaddr,
    output wire         m_axi_awvalid,
    input  wire         m_axi_awready,
    output wire [511:0] m_axi_wdata,
    output wire         m_axi_wvalid,
    input  wire         m_axi_wready,
    input  wire [1:0]   m_axi_bresp,
    input  wire         m_axi_bvalid,
    output wire [3:0]   m_axi_arid,
    output wire [31:0]  m_axi_araddr,
    output wire         m_axi_arvalid,
    input  wire         m_axi_arready,
    input  wire [3:0]   m_axi_rid,
    input  wire [511:0] m_axi_rdata,
    input  wire [1:0]   m_axi_rresp,
    input  wire         m_axi_rvalid
);
    // --- writes under way
    reg  [1:0]   kept_q;         // by kind: its line is being written
    reg  [24:0]  bucket_q, row_q;
    reg  [5:0]   writes_q;
    reg          aw_valid_q, w_valid_q;
    reg  [24:0]  aw_line_q;
    reg  [2:0]   aw_slot_q;
    reg  [511:0] w_data_q;

    // --- reads
    reg          next_valid_q;   // the next one to be asked for
    reg  [2:0]   next_slot_q;
    reg  [24:0]  next_line_q;
    reg          ar_valid_q;
    reg  [2:0]   ar_slot_q;
    reg  [24:0]  ar_line_q;
    reg  [SLOTS-1:0]    asked_q;
    reg  [25*SLOTS-1:0] lines_q;
    wire         held = (kept_q[0] && bucket_q == next_line_q) || (kept_q[1] && row_q == next_line_q);
    wire         ask  = next_valid_q && !held && (!ar_valid_q || m_axi_arready);
    wire         come = m_axi_rvalid && !m_axi_rresp[1];
    wire [3:0]   come_id = m_axi_rid - ID_BASE;
    integer      i;

    assign read_ready_o = !next_valid_q || ask;

    reg          data_valid_q;
    reg  [2:0]   data_slot_q;
    reg  [511:0] data_q;

    always @(posedge clk) begin
        if (m_axi_arready)
            ar_valid_q <= 1'b0;
        if (ask) begin
            ar_valid_q <= 1'b1;
            ar_slot_q  <= next_slot_q;
            ar_line_q  <= next_line_q;
        end
        if (read_ready_o) begin
            next_valid_q <= read_i;
            next_slot_q  <= read_slot_i;
            next_line_q  <= read_line_i;
        end
        for (i = 0; i < SLOTS; i = i + 1) begin
            if (come && come_id == i[3:0])
                asked_q[i] <= 1'b0;
            if (ask && next_slot_q == i[2:0]) begin
                asked_q[i] <= 1'b1;
                lines_q[25*i+:25] <= next_line_q;
            end
        end
        data_valid_q <= come;
        data_slot_q  <= come_id[2:0];
        data_q       <= m_axi_rdata;
        if (rst) begin
            ar_valid_q   <= 1'b0;
            next_valid_q <= 1'b0;
            asked_q      <= {SLOTS{1'b0}};
            data_valid_q <= 1'b0;
        end
    end

    // --- a write begins
    reg          read_there;     // somebody has asked for the line
    always @* begin
        read_there = ask && next_line_q == write_line_i;
        for (i = 0; i < SLOTS; i = i + 1)
            if (asked_q[i] && lines_q[25*i+:25] == write_line_i)
                read_there = 1'b1;
    end

    wire       gone = (!aw_valid_q || m_axi_awready) && (!w_valid_q || m_axi_wready);
    wire       free = write_kind_i == 2'd2 ? writes_q != 6'd63 : !kept_q[write_kind_i[0]];
    wire       go   = write_i && write_ready_o;
    wire       ends = m_axi_bvalid && !m_axi_bresp[1];
    wire [5:0] writes_d = writes_q + {5'd0, go} - {5'd0, ends};

    assign write_ready_o = gone && free && !read_there;

    always @(posedge clk) begin
        if (m_axi_awready)
            aw_valid_q <= 1'b0;
        if (m_axi_wready)
            w_valid_q <= 1'b0;
        if (go) begin
            aw_valid_q <= 1'b1;
            w_valid_q  <= 1'b1;
            aw_line_q  <= write_line_i;
            aw_slot_q  <= write_slot_i;
            w_data_q   <= write_data_i;
        end
        writes_q <= writes_d;
        if (writes_d == 6'd0)
            kept_q <= 2'd0;
        if (go && write_kind_i == 2'd0) begin
            kept_q[0] <= 1'b1;
            bucket_q  <= write_line_i;
        end
        if (go && write_kind_i == 2'd1) begin
            kept_q[1] <= 1'b1;
            row_q     <= write_line_i;
        end
        if (rst) begin
            aw_valid_q <= 1'b0;
            w_valid_q  <= 1'b0;
            writes_q   <= 6'd0;
            kept_q     <= 2'd0;
        end
    end

    assign data_valid_o  = data_valid_q;
    assign data_slot_o   = data_slot_q;
    assign data_o        = data_q;
    assign quiet_o       = writes_q == 6'd0;
    assign m_axi_awid    = {1'b0, aw_slot_q} + ID_BASE;
    assign m_axi_awaddr  = {1'b0, aw_line_q, 6'd0};
    assign m_axi_awvalid = aw_valid_q;
    assign m_axi_wdata   = w_data_q;
    assign m_axi_wvalid  = w_valid_q;
    assign m_axi_arid    = {1'b0, ar_slot_q} + ID_BASE;
    assign m_axi_araddr  = {1'b0, ar_line_q, 6'd0};
    assign m_axi_arvalid = ar_valid_q;

    wire unused = &{1'b0, m_axi_rresp[0], m_axi_bresp[0], come_id};
endmodule

`default_nettype wire
