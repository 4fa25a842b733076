// SPDX-License-Identifier: BSD-3-Clause
// AXI4-Lite from one clock to another, whatever the two are: one access at a time, which waits in registers while its toggle crosses.
//
// Latency: what the access takes, 3 to 4 clocks of the far side and 3 to 4 of the near one. Of a read and a write at once the write
// goes first. s_rst and m_rst must come together, each for at least 4 clocks of both sides.
`default_nettype none
module shell_axil_cross #(
    parameter ADDR_W = 20   // bits of an address, at least 1
) (
    input  wire              s_clk,
    input  wire              s_rst,
    input  wire [ADDR_W-1:0] s_axil_awaddr,
    input  wire              s_axil_awvalid,
    output wire              s_axil_awready,
    input  wire [31:0]       s_axil_wdata,
    input  wire              s_axil_wvalid,
    output wire              s_axil_wready,
    output wire [1:0]        s_axil_bresp,
    output wire              s_axil_bvalid,
    input  wire              s_axil_bready,
    input  wire [ADDR_W-1:0] s_axil_araddr,
    input  wire              s_axil_arvalid,
    output wire              s_axil_arready,
    output wire [31:0]       s_axil_rdata,
    output wire [1:0]        s_axil_rresp,
    output wire              s_axil_rvalid,
    input  wire              s_axil_rready,

    input  wire              m_clk,
    input  wire              m_rst,
    output wire [ADDR_W-1:0] m_axil_awaddr,
    output wire              m_axil_awvalid,
    input  wire              m_axil_awready,
    output wire [31:0]       m_axil_wdata,
    output wire              m_axil_wvalid,
    input  wire              m_axil_wready,
    input  wire [1:0]        m_axil_bresp,
    input  wire              m_axil_bvalid,
    output wire              m_axil_bready,
    output wire [ADDR_W-1:0] m_axil_araddr,
    output wire              m_axil_arvalid,
    input  wire              m_axil_arready,
    input  wire [31:0]       m_axil_rdata,
    input  wire [1:0]        m_axil_rresp,
    input  wire              m_axil_rvalid,
    output wire              m_axil_rready
);
    localparam [1:0] ST_IDLE = 2'd0;
    localparam [1:0] ST_FAR = 2'd1;
    localparam [1:0] ST_DONE = 2'd2;

    generate
        if (ADDR_W < 1) begin : g_illegal
            shell_axil_cross_illegal_parameter u_stop ();
        end
    endgenerate

    // What crosses holds still from one toggle to the other.
    reg  [1:0]        state_q;
    reg               write_q;
    reg  [ADDR_W-1:0] addr_q;
    reg  [31:0]       wdata_q;
    reg               asked_q;      // toggles with each access
    reg  [1:0]        answered_near_q;
    reg               begun_q;
    reg               aw_q;
    reg               w_q;
    reg               ar_q;
    reg  [31:0]       rdata_q;
    reg  [1:0]        resp_q;
    reg               answered_q;   // follows when it is answered
    reg  [1:0]        asked_far_q;

    // --- near
    wire              idle = state_q == ST_IDLE && !s_rst;
    wire              accept_write = idle && s_axil_awvalid && s_axil_wvalid;
    wire              accept_read = idle && !accept_write && s_axil_arvalid;

    assign s_axil_awready = accept_write;
    assign s_axil_wready = accept_write;
    assign s_axil_arready = accept_read;
    assign s_axil_bvalid = state_q == ST_DONE && write_q;
    assign s_axil_bresp = resp_q;
    assign s_axil_rvalid = state_q == ST_DONE && !write_q;
    assign s_axil_rresp = resp_q;
    assign s_axil_rdata = rdata_q;

    always @(posedge s_clk) begin
        answered_near_q <= {answered_near_q[0], answered_q};
        case (state_q)
            ST_IDLE:
                if (accept_write || accept_read) begin
                    state_q <= ST_FAR;
                    write_q <= accept_write;
                    addr_q <= accept_write ? s_axil_awaddr : s_axil_araddr;
                    wdata_q <= s_axil_wdata;
                    asked_q <= !asked_q;
                end
            ST_FAR: if (answered_near_q[1] == asked_q) state_q <= ST_DONE;
            default: if (write_q ? s_axil_bready : s_axil_rready) state_q <= ST_IDLE;
        endcase
        if (s_rst) begin
            state_q <= ST_IDLE;
            asked_q <= 1'b0;
            answered_near_q <= 2'd0;
        end
    end

    // --- far
    assign m_axil_awaddr = addr_q;
    assign m_axil_awvalid = aw_q;
    assign m_axil_wdata = wdata_q;
    assign m_axil_wvalid = w_q;
    assign m_axil_bready = begun_q;
    assign m_axil_araddr = addr_q;
    assign m_axil_arvalid = ar_q;
    assign m_axil_rready = begun_q;

    always @(posedge m_clk) begin
        asked_far_q <= {asked_far_q[0], asked_q};
        if (m_axil_awready) aw_q <= 1'b0;
        if (m_axil_wready) w_q <= 1'b0;
        if (m_axil_arready) ar_q <= 1'b0;
        if (!begun_q) begin
            if (asked_far_q[1] != answered_q) begin
                begun_q <= 1'b1;
                aw_q <= write_q;
                w_q <= write_q;
                ar_q <= !write_q;
            end
        end else if (m_axil_bvalid || m_axil_rvalid) begin
            begun_q <= 1'b0;
            rdata_q <= m_axil_rdata;
            resp_q <= m_axil_bvalid ? m_axil_bresp : m_axil_rresp;
            answered_q <= !answered_q;
        end
        if (m_rst) begin
            begun_q <= 1'b0;
            {aw_q, w_q, ar_q} <= 3'd0;
            answered_q <= 1'b0;
            asked_far_q <= 2'd0;
        end
    end
endmodule
`default_nettype wire
