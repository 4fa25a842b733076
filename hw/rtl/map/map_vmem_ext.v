// SPDX-License-Identifier: BSD-3-Clause
// map_vmem's ports before external memory: the value memory of a pipeline's maps that do not lie on chip.
//
// map_ext behind it knows eight contexts. Operations take them in turn, so answers come in order of acceptance, as
// map_vmem's do, and take effect in this order where they meet. An operation that has to wait is tried again in clocks
// without a new one, the oldest first. When one of those that wait gets on, all are tried before a new one is taken: those
// of one word wait for each other, so a new one would only join them.
// Latency: 5 clocks if the line is in the cache and no answer before it is missing. Throughput: an operation a clock
// while that is so; up to eight are inside. Back-pressure: port A takes no operation while eight are inside, in the eight
// clocks after one that waited got on if others wait, and when port B has waited B_WAIT clocks, until it is served. Writes of port B are of all 8 bytes.
// Addresses: bits 30:0 count. The memory must be zero at the start; its errors leave the operation waiting for ever.
`default_nettype none
module map_vmem_ext #(
    parameter LINES  = 1024,  // of the cache, a power of two, 16 to 65536
    parameter TAG_W  = 1,     // bits of the tag, at least 1
    parameter B_WAIT = 16     // clocks that port B waits before port A is held; 0: never
) (
    input  wire             clk,
    input  wire             rst,

    input  wire             a_valid_i,
    output wire             a_ready_o,
    input  wire [1:0]       a_op_i,      // 0 load, 1 store, 2 atomic
    input  wire [3:0]       a_atomic_i,
    input  wire [3:0]       a_size_i,
    input  wire [31:0]      a_addr_i,
    input  wire [63:0]      a_data_i,
    input  wire [63:0]      a_expect_i,
    input  wire [TAG_W-1:0] a_tag_i,

    output wire             r_valid_o,
    output wire [TAG_W-1:0] r_tag_o,
    output wire [63:0]      r_data_o,

    input  wire             b_valid_i,
    output wire             b_ready_o,
    input  wire             b_write_i,
    input  wire [31:0]      b_addr_i,
    input  wire [63:0]      b_data_i,

    output wire             b_rvalid_o,
    output wire [63:0]      b_rdata_o,

    // AXI4: as of map_ext
    output wire [3:0]       m_axi_awid,
    output wire [31:0]      m_axi_awaddr,
    output wire             m_axi_awvalid,
    input  wire             m_axi_awready,
    output wire [511:0]     m_axi_wdata,
    output wire             m_axi_wvalid,
    input  wire             m_axi_wready,
    input  wire [3:0]       m_axi_bid,
    input  wire [1:0]       m_axi_bresp,
    input  wire             m_axi_bvalid,
    output wire             m_axi_bready,
    output wire [3:0]       m_axi_arid,
    output wire [31:0]      m_axi_araddr,
    output wire             m_axi_arvalid,
    input  wire             m_axi_arready,
    input  wire [3:0]       m_axi_rid,
    input  wire [511:0]     m_axi_rdata,
    input  wire [1:0]       m_axi_rresp,
    input  wire             m_axi_rvalid,
    output wire             m_axi_rready
);
    reg  [3:0]  in_q, out_q;             // operations taken, answered: mod 16; their contexts: mod 8
    reg  [7:0]  done_q;                  // contexts whose answer is here
    reg  [7:0]  waits_q;                 // contexts that waited a clock ago
    reg  [3:0]  first_q;                 // clocks in which those that wait go first
    reg  [2:0]  next_q;                  // who is tried next, or the first after it that waits
    reg  [11:0] ctx_q;                   // whose turn it was in the four clocks before, the last one lowest
    reg         tried_q;                 // an operation was tried in the clock before
    wire [7:0]  waits;
    wire        hold;
    wire        done;
    wire [63:0] data;
    wire        full  = in_q == {!out_q[3], out_q[2:0]};
    wire        take  = a_valid_i && a_ready_o;
    wire [2:0]  head  = out_q[2:0];
    wire        leave = done_q[head];
    wire [2:0]  of    = ctx_q[11:9];     // whose operation map_ext answers

    // Who waits and is not just being tried: the first from next_q on.
    wire [7:0]  last  = tried_q ? 8'd1 << ctx_q[2:0] : 8'd0;
    wire [7:0]  can   = waits & ~last;
    wire [15:0] twice = {can, can} >> next_q;
    wire        any   = can != 8'd0;
    reg  [2:0]  steps;
    wire [2:0]  again = next_q + steps;
    wire [2:0]  ctx   = take ? in_q[2:0] : again;
    integer     i;

    always @* begin
        steps = 3'd0;
        for (i = 7; i >= 0; i = i - 1)
            if (twice[i]) steps = i[2:0];
    end

    // Once held, until port B is served.
    reg         held_q;
    wire        held = hold || held_q;
    assign a_ready_o = !full && !held && !(any && first_q != 4'd0);

    map_hold #(.B_WAIT(B_WAIT)) u_hold (
        .clk(clk), .rst(rst), .waiting_i(b_valid_i && !b_ready_o), .hold_o(hold));

    always @(posedge clk) begin
        ctx_q   <= {ctx_q[8:0], ctx};
        tried_q <= take || any;
        waits_q <= waits;
        held_q  <= held && b_valid_i && !b_ready_o;
        first_q <= (waits_q & ~waits) != 8'd0 ? 4'd8 : first_q != 4'd0 ? first_q - 4'd1 : 4'd0;
        if (!take && any) next_q <= again + 3'd1;
        if (take) in_q <= in_q + 4'd1;
        if (leave) out_q <= out_q + 4'd1;
        if (done) done_q[of] <= 1'b1;
        if (leave) done_q[head] <= 1'b0;
        if (rst) begin
            tried_q <= 1'b0;
            held_q  <= 1'b0;
            waits_q <= 8'd0;
            first_q <= 4'd0;
            next_q  <= 3'd0;
            in_q    <= 4'd0;
            out_q   <= 4'd0;
            done_q  <= 8'd0;
        end
    end

    // what came with an operation, and its answer, by context
    ram_lut #(.WIDTH(TAG_W), .DEPTH(8)) u_tags (
        .clk(clk), .we_i(take), .waddr_i(in_q[2:0]), .wdata_i(a_tag_i), .raddr_i(head),
        .rdata_o(r_tag_o));

    ram_lut #(.WIDTH(64), .DEPTH(8)) u_answers (
        .clk(clk), .we_i(done), .waddr_i(of), .wdata_i(data), .raddr_i(head),
        .rdata_o(r_data_o));

    assign r_valid_o = leave;

    map_ext #(.LINES(LINES)) u_ext (
        .clk(clk), .rst(rst), .a_valid_i(take), .a_ctx_i(ctx), .a_op_i(a_op_i),
        .a_atomic_i(a_atomic_i), .a_size_i(a_size_i), .a_addr_i(a_addr_i), .a_data_i(a_data_i),
        .a_expect_i(a_expect_i), .wait_o(waits), .r_valid_o(done), .r_data_o(data),
        .b_valid_i(b_valid_i), .b_ready_o(b_ready_o), .b_write_i(b_write_i), .b_addr_i(b_addr_i),
        .b_data_i(b_data_i), .b_rvalid_o(b_rvalid_o), .b_rdata_o(b_rdata_o),
        .m_axi_awid(m_axi_awid), .m_axi_awaddr(m_axi_awaddr), .m_axi_awvalid(m_axi_awvalid),
        .m_axi_awready(m_axi_awready), .m_axi_wdata(m_axi_wdata), .m_axi_wvalid(m_axi_wvalid),
        .m_axi_wready(m_axi_wready), .m_axi_bid(m_axi_bid), .m_axi_bresp(m_axi_bresp),
        .m_axi_bvalid(m_axi_bvalid), .m_axi_bready(m_axi_bready), .m_axi_arid(m_axi_arid),
        .m_axi_araddr(m_axi_araddr), .m_axi_arvalid(m_axi_arvalid), .m_axi_arready(m_axi_arready),
        .m_axi_rid(m_axi_rid), .m_axi_rdata(m_axi_rdata), .m_axi_rresp(m_axi_rresp),
        .m_axi_rvalid(m_axi_rvalid), .m_axi_rready(m_axi_rready));

    wire unused = &{1'b0, twice[15:8]};
endmodule
`default_nettype wire
