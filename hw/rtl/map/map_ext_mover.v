// SPDX-License-Identifier: BSD-3-Clause
// Brings the lines that map_ext lacks from an AXI4 memory to their place in the cache, and what is there back to the
// memory if it was written.
//
// A miss is taken in any clock (a slot has one at a time, and its place to itself until moving_o is low again). The line
// is asked for at once; meanwhile what lies at its place goes out. Words go in and out through port B of the line memory,
// one move at a time: 8 clocks in and 12 out, and what port A holds them up. A slot is done when its line is in place and
// what it put out has arrived (B), so a line is never asked for while it is still on its way out.
// Bursts are one beat of 64 bytes. Requests of different slots may be answered in any order. An answer with an error
// leaves its slot moving for ever, so no wrong value is used.
`default_nettype none
module map_ext_mover #(
    parameter LINES = 1024          // lines of the cache, a power of two, 16 to 65536
) (
    input  wire         clk,
    input  wire         rst,
    input  wire         miss_i,
    input  wire [3:0]   slot_i,
    input  wire [24:0]  line_i,
    input  wire         victim_i,        // there is a line at its place,
    input  wire [24:0]  victim_line_i,   // this one
    output wire [8:0]   moving_o,        // slots whose line is not in place
    // which lines were written since they came
    input  wire         wrote_i,
    input  wire [$clog2(LINES)-1:0] wrote_index_i,
    // a line is in place
    output wire         tag_we_o,
    output wire [24:0]  tag_line_o,
    // port B of the line memory
    output wire         v_valid_o,
    input  wire         v_ready_i,
    output wire         v_write_o,
    output wire [31:0]  v_addr_o,
    output wire [63:0]  v_data_o,
    input  wire         v_rvalid_i,
    input  wire [63:0]  v_rdata_i,
    // AXI4
    output wire [3:0]   m_axi_awid,
    output wire [31:0]  m_axi_awaddr,
    output wire         m_axi_awvalid,
    input  wire         m_axi_awready,
    output wire [511:0] m_axi_wdata,
    output wire         m_axi_wvalid,
    input  wire         m_axi_wready,
    input  wire [3:0]   m_axi_bid,
    input  wire [1:0]   m_axi_bresp,
    input  wire         m_axi_bvalid,
    output wire         m_axi_bready,
    output wire [3:0]   m_axi_arid,
    output wire [31:0]  m_axi_araddr,
    output wire         m_axi_arvalid,
    input  wire         m_axi_arready,
    input  wire [3:0]   m_axi_rid,
    input  wire [511:0] m_axi_rdata,
    input  wire [1:0]   m_axi_rresp,
    input  wire         m_axi_rvalid,
    output wire         m_axi_rready
);
    localparam IW = $clog2(LINES);
    localparam ST_IDLE = 3'd0, ST_CHECK = 3'd1, ST_OUT = 3'd2, ST_IN = 3'd3, ST_TAG = 3'd4;

    generate
        if (LINES < 16 || LINES > 65536 || (1 << IW) != LINES) begin : g_illegal
            map_ext_mover_illegal_parameter u_stop ();
        end
    endgenerate

    // --- what each slot still waits for
    reg  [8:0] ask_q;       // its line is to be asked for
    reg  [8:0] out_q;       // what lies at its place is to be looked at
    reg  [8:0] come_q;      // its line is not in place
    reg  [8:0] back_q;      // what it put out has not arrived
    reg  [8:0] ask_d, out_d, come_d, back_d;
    reg  [3:0] ask_slot;    // the lowest of each
    reg  [3:0] out_slot;
    integer    i;

    always @* begin
        ask_slot = 4'd0;
        out_slot = 4'd0;
        for (i = 8; i >= 0; i = i - 1) begin
            if (ask_q[i]) ask_slot = i[3:0];
            if (out_q[i]) out_slot = i[3:0];
        end
    end

    // --- lines of the slots
    wire [24:0] ask_line;
    wire [24:0] in_line;
    wire [24:0] out_line;
    reg  [3:0]  in_slot_q;

    ram_lut #(.WIDTH(25), .DEPTH(16)) u_ask (
        .clk(clk), .we_i(miss_i), .waddr_i(slot_i), .wdata_i(line_i), .raddr_i(ask_slot),
        .rdata_o(ask_line));
    ram_lut #(.WIDTH(25), .DEPTH(16)) u_in (
        .clk(clk), .we_i(miss_i), .waddr_i(slot_i), .wdata_i(line_i), .raddr_i(in_slot_q),
        .rdata_o(in_line));
    ram_lut #(.WIDTH(25), .DEPTH(16)) u_out (
        .clk(clk), .we_i(miss_i), .waddr_i(slot_i), .wdata_i(victim_line_i), .raddr_i(out_slot),
        .rdata_o(out_line));

    // --- read requests
    reg        ar_valid_q;
    reg [3:0]  ar_slot_q;
    reg [24:0] ar_line_q;
    wire       ar_load = (!ar_valid_q || m_axi_arready) && |ask_q;

    always @(posedge clk) begin
        if (m_axi_arready) ar_valid_q <= 1'b0;
        if (ar_load) begin
            ar_valid_q <= 1'b1;
            ar_slot_q  <= ask_slot;
            ar_line_q  <= ask_line;
        end
        if (rst) ar_valid_q <= 1'b0;
    end

    // --- lines that were written: set at a hit, cleared when another comes, which waits for a free clock
    wire dirty;
    wire in_place;
    reg  [24:0] old_line_q;

    ram_lut #(.WIDTH(1), .DEPTH(LINES)) u_dirty (
        .clk(clk), .we_i(wrote_i || in_place), .waddr_i(wrote_i ? wrote_index_i : in_line[IW-1:0]),
        .wdata_i(wrote_i), .raddr_i(old_line_q[IW-1:0]), .rdata_o(dirty));

    // --- the move under way
    reg  [2:0]   state_q, state_d;
    reg  [3:0]   word_q, word_d;       // words asked for, or written
    reg  [2:0]   got_q;                // words read
    reg          in_full_q;            // a line has come
    reg  [511:0] in_q;
    reg  [511:0] old_q;                // the line that goes out
    reg  [3:0]   old_slot_q;
    reg          aw_valid_q;
    reg          w_valid_q;
    reg  [24:0]  aw_line_q;
    reg  [3:0]   aw_slot_q;
    wire         old_free = !aw_valid_q && !w_valid_q;
    wire         read_all = state_q == ST_OUT && v_rvalid_i && got_q == 3'd7;
    wire         clean    = state_q == ST_CHECK && !dirty;
    assign       in_place = state_q == ST_TAG && !wrote_i;

    always @* begin
        state_d = state_q;
        word_d  = word_q;
        case (state_q)
            ST_IDLE: begin
                word_d = 4'd0;
                if (in_full_q && !out_q[in_slot_q]) state_d = ST_IN;
                else if (|out_q && old_free) state_d = ST_CHECK;
            end
            ST_CHECK: state_d = dirty ? ST_OUT : ST_IDLE;
            ST_OUT: begin
                if (v_valid_o && v_ready_i) word_d = word_q + 4'd1;
                if (read_all) state_d = ST_IDLE;
            end
            ST_IN: if (v_ready_i) begin
                word_d = word_q + 4'd1;
                if (word_q == 4'd7) state_d = ST_TAG;
            end
            default: if (!wrote_i) state_d = ST_IDLE;   // ST_TAG
        endcase
    end

    always @* begin
        ask_d  = ask_q;
        out_d  = out_q;
        come_d = come_q;
        back_d = back_q;
        if (ar_load) ask_d[ask_slot] = 1'b0;
        if (clean || read_all) out_d[old_slot_q] = 1'b0;
        if (read_all) back_d[old_slot_q] = 1'b1;
        if (in_place) come_d[in_slot_q] = 1'b0;
        if (m_axi_bvalid && !m_axi_bresp[1]) back_d[m_axi_bid] = 1'b0;
        if (miss_i) begin
            ask_d[slot_i]  = 1'b1;
            come_d[slot_i] = 1'b1;
            out_d[slot_i]  = victim_i;
        end
    end

    always @(posedge clk) begin
        state_q <= state_d;
        word_q  <= word_d;
        ask_q   <= ask_d;
        out_q   <= out_d;
        come_q  <= come_d;
        back_q  <= back_d;
        if (state_q == ST_IDLE) begin
            old_slot_q <= out_slot;
            old_line_q <= out_line;
            got_q      <= 3'd0;
        end
        if (state_q == ST_OUT && v_rvalid_i) begin
            got_q <= got_q + 3'd1;
            old_q <= {v_rdata_i, old_q[511:64]};
        end
        if (m_axi_awready) aw_valid_q <= 1'b0;
        if (m_axi_wready) w_valid_q <= 1'b0;
        if (read_all) begin
            aw_valid_q <= 1'b1;
            w_valid_q  <= 1'b1;
            aw_line_q  <= old_line_q;
            aw_slot_q  <= old_slot_q;
        end
        if (in_place) in_full_q <= 1'b0;
        if (m_axi_rvalid && m_axi_rready) begin
            in_full_q <= !m_axi_rresp[1];
            in_slot_q <= m_axi_rid;
            in_q      <= m_axi_rdata;
        end else if (state_q == ST_IN && v_ready_i) begin
            in_q <= {64'd0, in_q[511:64]};
        end
        if (rst) begin
            state_q    <= ST_IDLE;
            ask_q      <= 9'd0;
            out_q      <= 9'd0;
            come_q     <= 9'd0;
            back_q     <= 9'd0;
            in_full_q  <= 1'b0;
            aw_valid_q <= 1'b0;
            w_valid_q  <= 1'b0;
        end
    end

    assign moving_o   = ask_q | out_q | come_q | back_q;
    assign tag_we_o   = in_place;
    assign tag_line_o = in_line;
    assign v_write_o  = state_q == ST_IN;
    assign v_valid_o  = state_q == ST_IN || (state_q == ST_OUT && !word_q[3]);
    assign v_addr_o   = {{26 - IW{1'b0}}, v_write_o ? in_line[IW-1:0] : old_line_q[IW-1:0],
                         word_q[2:0], 3'd0};
    assign v_data_o   = in_q[63:0];

    assign m_axi_arid    = ar_slot_q;
    assign m_axi_araddr  = {1'b0, ar_line_q, 6'd0};
    assign m_axi_arvalid = ar_valid_q;
    assign m_axi_rready  = !in_full_q;
    assign m_axi_awid    = aw_slot_q;
    assign m_axi_awaddr  = {1'b0, aw_line_q, 6'd0};
    assign m_axi_awvalid = aw_valid_q;
    assign m_axi_wdata   = old_q;
    assign m_axi_wvalid  = w_valid_q;
    assign m_axi_bready  = 1'b1;

    wire unused = &{1'b0, m_axi_bresp[0], m_axi_rresp[0]};
endmodule
`default_nettype wire
