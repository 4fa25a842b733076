// SPDX-License-Identifier: BSD-3-Clause
// A sluice_dut under Icarus, driven through its standard input (sim/icarus.c). "s HEX" applies the inputs and shows, in one line
// of hex (handshakes in binary, so that an unknown bit hides no other), the outputs that follow from them; "c" lets one rising clock edge pass. Ends with the input.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module icarus_bench;
    localparam [31:0] STDIN = 32'h8000_0000, STDOUT = 32'h8000_0001;
    localparam        TUSER_IN_W = `SPEC_IN_TUSER_BITS, TUSER_OUT_W = `SPEC_OUT_TUSER_BITS;

    reg                    clk;
    reg                    rst;
    reg  [511:0]           s_tdata;
    reg  [63:0]            s_tkeep;
    reg  [TUSER_IN_W-1:0]  s_tuser;
    reg                    s_tvalid, s_tlast, m_tready;
    reg                    awvalid, wvalid, bready, arvalid, rready;
    reg  [15:0]            awaddr, araddr;
    reg  [31:0]            wdata;
    wire                   s_tready, m_tvalid, m_tlast;
    wire [511:0]           m_tdata;
    wire [63:0]            m_tkeep;
    wire [TUSER_OUT_W-1:0] m_tuser;
    wire                   awready, wready, bvalid, arready, rvalid;
    wire [1:0]             bresp, rresp;
    wire [31:0]            rdata;
    integer                got;
    reg  [3:0]             packet_flags;
    reg  [4:0]             register_flags;
    reg  [7:0]             command;
    reg                    more;

    sluice_dut u_dut (
        .clk(clk), .rst(rst),
        .s_axis_tdata(s_tdata), .s_axis_tkeep(s_tkeep), .s_axis_tvalid(s_tvalid),
        .s_axis_tready(s_tready), .s_axis_tlast(s_tlast), .s_axis_tuser(s_tuser),
        .m_axis_tdata(m_tdata), .m_axis_tkeep(m_tkeep), .m_axis_tvalid(m_tvalid),
        .m_axis_tready(m_tready), .m_axis_tlast(m_tlast), .m_axis_tuser(m_tuser),
        .s_axil_awaddr(awaddr), .s_axil_awvalid(awvalid), .s_axil_awready(awready),
        .s_axil_wdata(wdata), .s_axil_wstrb(4'hf), .s_axil_wvalid(wvalid),
        .s_axil_wready(wready), .s_axil_bresp(bresp), .s_axil_bvalid(bvalid),
        .s_axil_bready(bready), .s_axil_araddr(araddr), .s_axil_arvalid(arvalid),
        .s_axil_arready(arready), .s_axil_rdata(rdata), .s_axil_rresp(rresp),
        .s_axil_rvalid(rvalid), .s_axil_rready(rready));

    initial begin
        clk = 1'b0;
        more = 1'b1;
        while (more) begin
            got = $fscanf(STDIN, " %c", command);
            if (got != 1) begin
                more = 1'b0;
            end else if (command == "s") begin
                got = $fscanf(STDIN, " %h %h %h %h %h %h %h %h", packet_flags, register_flags, awaddr,
                              araddr, wdata, s_tkeep, s_tuser, s_tdata);
                {rst, s_tvalid, s_tlast, m_tready} = packet_flags;
                {awvalid, wvalid, bready, arvalid, rready} = register_flags;
                #1;
                $fdisplay(STDOUT, "%b %h %h %h %h %h",
                          {s_tready, m_tvalid, m_tlast, awready, wready, bvalid, arready, rvalid},
                          {2'd0, bresp, 2'd0, rresp}, rdata, m_tkeep, m_tuser, m_tdata);
                $fflush(STDOUT);
            end else begin
                clk = 1'b1;
                #1;
                clk = 1'b0;
                #1;
            end
        end
        $finish;
    end
endmodule
`default_nettype wire
