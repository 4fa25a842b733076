// SPDX-License-Identifier: BSD-3-Clause
// Map values in external memory: a direct-mapped write-back cache of 64-byte lines between the core's eight contexts, the
// host, and an AXI4 memory.
//
// An operation of a context comes in clock c, its turn (a_ctx_i), and is answered in clock c + 4 if its line is in the
// cache: r_valid_o. If not, the context waits (wait_o, from clock c + 1 on) and the operation is tried again in each of its
// turns that finds the line there; the answer comes 4 clocks after the turn that succeeds. A context has one operation
// inside, so nothing can overflow and nobody needs to be held back. The host (and the hash engine, which writes values)
// has one more, which takes the clocks that contexts leave; its port has the handshake of map_vmem's port B.
// Throughput: an operation a clock while lines are there, whatever its address; up to nine lines on the way at once.
// Order: operations that meet in a place of the cache take effect in order of arrival, whether their line is there or
// not: each waits for those before it (dep_q), and the first has the place to itself until it is done, so nothing can take
// its line away before it was used. Operations on other places pass.
// A load or store that spans two lines is done in two parts, and keeps its order at both.
// For about LINES clocks after reset nothing is done. The memory's errors leave the operation waiting for ever
// (map_ext_mover).
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module map_ext #(
    parameter LINES = 1024          // lines of the cache, a power of two, 16 to 65536
) (
    input  wire         clk,
    input  wire         rst,
    // contexts: as map_vmem's port A, bits 30:0 of the address count
    input  wire         a_valid_i,
    input  wire [2:0]   a_ctx_i,    // whose turn it is, in every clock: another one than in the clock before if that was tried
    input  wire [1:0]   a_op_i,
    input  wire [3:0]   a_atomic_i,
    input  wire [3:0]   a_size_i,
    input  wire [31:0]  a_addr_i,
    input  wire [63:0]  a_data_i,
    input  wire [63:0]  a_expect_i,
    output wire [7:0]   wait_o,     // contexts whose operation is not done
    output wire         r_valid_o,  // the operation of the context whose turn was 4 clocks ago is done
    output wire [63:0]  r_data_o,
    // host and hash engine; bytes written are the lowest ones
    input  wire         b_valid_i,
    output wire         b_ready_o,
    input  wire         b_write_i,
    input  wire [31:0]  b_addr_i,
    input  wire [63:0]  b_data_i,
    output wire         b_rvalid_o,
    output wire [63:0]  b_rdata_o,
    // AXI4: one beat a burst, ids are slots
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
    localparam IW    = $clog2(LINES);
    localparam LINE  = 25;              // bits of a line's number: 2^31 bytes
    localparam TW    = LINE - IW;
    localparam SLOTS = 9;               // the contexts' and the host's
    localparam [3:0] HOST = 4'd8;
    localparam OP_W  = 2 + 4 + 4 + 31 + 64 + 64;
    localparam TAG_W = 1 + 1 + 1 + 3 + 4;

    generate
        if (LINES < 16 || LINES > 65536 || (1 << IW) != LINES) begin : g_illegal
            map_ext_illegal_parameter u_stop ();
        end
    endgenerate

    // --- slots
    reg  [SLOTS-1:0]       pend_q;      // an operation that is not done
    reg  [SLOTS-1:0]       part_q;      // its first part is done
    reg  [SLOTS-1:0]       spans_q;     // it has two
    reg  [SLOTS*SLOTS-1:0] dep_q;       // slots whose operations go first, by slot
    reg  [SLOTS*IW-1:0]    index_q;     // place of its (first) line
    wire [SLOTS-1:0]       moving;      // its line is on the way
    reg  [SLOTS-1:0]       ready;
    reg  [IW:0]            clear_q;     // places that are cleared; all: top bit
    wire                   clearing = !clear_q[IW];
    reg                    s1_valid_q;
    reg  [3:0]             s1_slot_q;
    reg  [SLOTS-1:0]       one;         // s1_slot_q
    integer                i;

    always @* begin
        one = {SLOTS{1'b0}};
        one[s1_slot_q] = 1'b1;
    end

    // The one before it may just be at stage 1: so operations on one place follow each other clock by clock. If that is
    // not done after all, this one comes to nothing too, and is tried again.
    always @* begin
        for (i = 0; i < SLOTS; i = i + 1)
            ready[i] = pend_q[i] && !moving[i] &&
                       (dep_q[SLOTS*i +: SLOTS] & ~(s1_valid_q ? one : {SLOTS{1'b0}})) == {SLOTS{1'b0}};
    end

    // --- stage 0: who goes
    wire        host_inside = s1_valid_q && s1_slot_q == HOST;
    wire        retry_ctx  = !a_valid_i && ready[{1'b0, a_ctx_i}];
    wire        retry_host = !a_valid_i && !retry_ctx && ready[HOST] && !host_inside;
    wire        host_free  = !a_valid_i && !retry_ctx && !pend_q[HOST] && !host_inside && !clearing;
    wire        host_new   = host_free && b_valid_i;
    wire        fresh = a_valid_i || host_new;
    wire        go    = fresh || retry_ctx || retry_host;
    wire [3:0]  slot  = a_valid_i || retry_ctx ? {1'b0, a_ctx_i} : HOST;

    wire [OP_W-1:0] a_word = {a_op_i, a_atomic_i, a_size_i, a_addr_i[30:0], a_data_i, a_expect_i};
    wire [OP_W-1:0] b_word = {1'b0, b_write_i, 4'd0, 4'd8, b_addr_i[30:3], 3'd0, b_data_i, 64'd0};
    wire [OP_W-1:0] new_word = a_valid_i ? a_word : b_word;
    wire [OP_W-1:0] old_word;
    wire [1:0]      op;
    wire [3:0]      atomic;
    wire [3:0]      size;
    wire [30:0]     addr;
    wire [63:0]     data;
    wire [63:0]     expect0;

    ram_lut #(.WIDTH(OP_W), .DEPTH(16)) u_ops (
        .clk(clk), .we_i(fresh), .waddr_i(slot), .wdata_i(new_word), .raddr_i(slot),
        .rdata_o(old_word));

    assign {op, atomic, size, addr, data, expect0} = fresh ? new_word : old_word;

    // the part of it that lies in one line
    wire [6:0]  past   = {1'b0, addr[5:0]} + {3'd0, size};
    wire        spans  = op != 2'd2 && past > 7'd64;
    wire        second = !fresh && part_q[slot];
    wire [3:0]  size_a = 4'd0 - {1'b0, addr[2:0]};               // 64 minus the offset, if it crosses
    wire [2:0]  n_a    = size_a[2:0];
    wire [24:0] line   = addr[30:6] + {24'd0, second};
    wire [30:0] p_addr = second ? {line, 6'd0} : addr;
    wire [3:0]  p_size = !spans ? size : second ? size - {1'b0, n_a} : {1'b0, n_a};
    wire [63:0] p_data = second ? data >> {n_a, 3'd0} : data;
    wire        unused_n = &{1'b0, size_a[3]};

    // --- stage 1: is the line there, and is the operation the first at its place
    reg              s1_fresh_q;
    reg              s1_spans_q;
    reg              s1_second_q;
    reg              s1_write_q;
    reg  [LINE-1:0]  s1_line_q;
    wire [IW-1:0]    s1_index = s1_line_q[IW-1:0];
    wire [IW-1:0]    s1_next  = s1_index + 1'b1;
    wire [TW:0]      s1_tag;            // valid, tag of the line that is there
    reg  [SLOTS-1:0] older;
    reg  [IW-1:0]    place;
    integer          k;

    always @* begin
        older = s1_fresh_q ? {SLOTS{1'b0}} : dep_q[SLOTS*s1_slot_q +: SLOTS];
        for (k = 0; k < SLOTS; k = k + 1) begin
            place = index_q[IW*k +: IW];
            if (s1_fresh_q)
                older[k] = pend_q[k] && (place == s1_index || (s1_spans_q && place == s1_next) ||
                                         (spans_q[k] && place + 1'b1 == s1_index));
        end
    end

    wire             first = older == {SLOTS{1'b0}};
    wire             there = s1_tag[TW] && s1_tag[TW-1:0] == s1_line_q[LINE-1:IW];
    wire             hit   = s1_valid_q && first && there && !clearing;
    wire             miss  = s1_valid_q && first && !there && !clearing;
    wire             done  = hit && (!s1_spans_q || s1_second_q);
    integer          j;

    always @(posedge clk) begin
        s1_slot_q   <= slot;
        s1_fresh_q  <= fresh;
        s1_spans_q  <= spans;
        s1_second_q <= second;
        s1_write_q  <= op != 2'd0;
        s1_line_q   <= line;
        s1_valid_q  <= go;
        for (j = 0; j < SLOTS; j = j + 1) begin
            if (done) dep_q[SLOTS*j +: SLOTS] <= dep_q[SLOTS*j +: SLOTS] & ~one;
            if (s1_valid_q && s1_fresh_q && one[j]) begin
                dep_q[SLOTS*j +: SLOTS] <= older;
                index_q[IW*j +: IW] <= s1_index;
                spans_q[j] <= s1_spans_q;
            end
        end
        if (s1_valid_q) begin
            pend_q <= done ? pend_q & ~one : pend_q | one;
            part_q <= hit && !done ? part_q | one : s1_fresh_q ? part_q & ~one : part_q;
        end
        if (clearing) clear_q <= clear_q + 1'b1;
        if (rst) begin
            s1_valid_q <= 1'b0;
            pend_q     <= {SLOTS{1'b0}};
            clear_q    <= {IW + 1{1'b0}};
        end
    end

    // --- contexts that wait
    reg [7:0] wait_q;
    reg [7:0] wait_d;

    always @* begin
        wait_d = wait_q;
        if (done) wait_d = wait_d & ~one[7:0];
        if (a_valid_i) wait_d[a_ctx_i] = 1'b1;
    end

    always @(posedge clk) begin
        wait_q <= wait_d;
        if (rst) wait_q <= 8'd0;
    end

    // --- lines
    wire            v_valid;
    wire            v_ready;
    wire            v_write;
    wire [31:0]     v_addr;
    wire [63:0]     v_data;
    wire            v_rvalid;
    wire [63:0]     v_rdata;
    wire            tag_we;
    wire [LINE-1:0] tag_line;

    map_bank #(.WIDTH(TW + 1), .WORDS(LINES)) u_tags (
        .clk(clk), .write_i(tag_we || clearing),
        .write_addr_i(clearing ? clear_q[IW-1:0] : tag_line[IW-1:0]),
        .write_data_i(clearing ? {TW + 1{1'b0}} : {1'b1, tag_line[LINE-1:IW]}), .read_i(go),
        .read_addr_i(line[IW-1:0]), .read_data_o(s1_tag));

    map_ext_mover #(.LINES(LINES)) u_mover (
        .clk(clk), .rst(rst), .miss_i(miss), .slot_i(s1_slot_q), .line_i(s1_line_q),
        .victim_i(s1_tag[TW]), .victim_line_i({s1_tag[TW-1:0], s1_index}), .moving_o(moving),
        .wrote_i(hit && s1_write_q), .wrote_index_i(s1_index), .tag_we_o(tag_we),
        .tag_line_o(tag_line), .v_valid_o(v_valid), .v_ready_i(v_ready), .v_write_o(v_write),
        .v_addr_o(v_addr), .v_data_o(v_data), .v_rvalid_i(v_rvalid), .v_rdata_i(v_rdata),
        .m_axi_awid(m_axi_awid), .m_axi_awaddr(m_axi_awaddr), .m_axi_awvalid(m_axi_awvalid),
        .m_axi_awready(m_axi_awready), .m_axi_wdata(m_axi_wdata), .m_axi_wvalid(m_axi_wvalid),
        .m_axi_wready(m_axi_wready), .m_axi_bid(m_axi_bid), .m_axi_bresp(m_axi_bresp),
        .m_axi_bvalid(m_axi_bvalid), .m_axi_bready(m_axi_bready), .m_axi_arid(m_axi_arid),
        .m_axi_araddr(m_axi_araddr), .m_axi_arvalid(m_axi_arvalid), .m_axi_arready(m_axi_arready),
        .m_axi_rid(m_axi_rid), .m_axi_rdata(m_axi_rdata), .m_axi_rresp(m_axi_rresp),
        .m_axi_rvalid(m_axi_rvalid), .m_axi_rready(m_axi_rready));

    wire             a_ready;
    wire             r_valid;
    wire [TAG_W-1:0] r_tag;
    wire [63:0]      r_data;
    wire             unused_ready = &{1'b0, a_ready};

    map_values #(.BYTES(64 * LINES), .TAG_W(TAG_W)) u_values (
        .clk(clk), .rst(rst), .a_valid_i(go), .a_ready_o(a_ready), .a_op_i(op), .a_atomic_i(atomic),
        .a_size_i(p_size), .a_addr_i({1'b0, p_addr}), .a_data_i(p_data), .a_expect_i(expect0),
        .a_tag_i({op == 2'd0, spans, second, n_a, slot}), .a_drop_i(s1_valid_q && !hit),
        .r_valid_o(r_valid), .r_tag_o(r_tag), .r_data_o(r_data), .b_valid_i(v_valid),
        .b_ready_o(v_ready), .b_write_i(v_write), .b_addr_i(v_addr), .b_data_i(v_data),
        .b_strb_i(8'hff), .b_rvalid_o(v_rvalid), .b_rdata_o(v_rdata));

    // --- answers; what the first part gave waits for the second
    wire        r_load;
    wire        r_spans;
    wire        r_second;
    wire [2:0]  r_n;
    wire [3:0]  r_slot;
    wire [63:0] first_data;

    assign {r_load, r_spans, r_second, r_n, r_slot} = r_tag;

    ram_lut #(.WIDTH(64), .DEPTH(16)) u_first (
        .clk(clk), .we_i(r_valid && r_spans && !r_second), .waddr_i(r_slot), .wdata_i(r_data),
        .raddr_i(r_slot), .rdata_o(first_data));

    wire r_whole = r_valid && (!r_spans || r_second);

    assign wait_o     = wait_q;
    assign r_valid_o  = r_whole && r_slot != HOST;
    assign r_data_o   = r_second ? (r_data << {r_n, 3'd0}) | first_data : r_data;
    assign b_ready_o  = host_free;
    assign b_rvalid_o = r_whole && r_slot == HOST && r_load;
    assign b_rdata_o  = r_data_o;

    wire unused = &{1'b0, a_addr_i[31], b_addr_i[31], b_addr_i[2:0]};
endmodule
`default_nettype wire
