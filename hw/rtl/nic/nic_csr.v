// SPDX-License-Identifier: BSD-3-Clause
// Registers of the NIC (hw/spec/nic.toml) behind its AXI4-Lite port, and the way to those of the program slot.
//
// One read and one write at a time: a read of the NIC's takes 3 clocks, a write 2; those of the slot take what it needs besides.
// Words are written whole: a write with another strobe than 15 does nothing. Without rings the blocks of rings, events and RSS are
// not there, and ports take frames of all lengths after reset.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module nic_csr #(
    parameter PORTS = 2,        // 1 to 16
    parameter RX_QUEUES = 4,    // 1 to 64
    parameter TX_QUEUES = 4,    // 1 to 64
    parameter TARGETS = 64,     // entries of the redirect table, 1 to 64
    parameter RINGS = 5,        // RX_QUEUES + 1
    parameter HAS_RINGS = 1     // 0: a shell has its own
) (
    input  wire         clk,
    input  wire         rst,
    // AXI4-Lite
    input  wire [19:0]  s_axil_awaddr,
    input  wire         s_axil_awvalid,
    output wire         s_axil_awready,
    input  wire [31:0]  s_axil_wdata,
    input  wire [3:0]   s_axil_wstrb,
    input  wire         s_axil_wvalid,
    output wire         s_axil_wready,
    output wire [1:0]   s_axil_bresp,
    output wire         s_axil_bvalid,
    input  wire         s_axil_bready,
    input  wire [19:0]  s_axil_araddr,
    input  wire         s_axil_arvalid,
    output wire         s_axil_arready,
    output wire [31:0]  s_axil_rdata,
    output wire [1:0]   s_axil_rresp,
    output wire         s_axil_rvalid,
    input  wire         s_axil_rready,
    // the slot's
    output wire [15:0]  m_axil_awaddr,
    output wire         m_axil_awvalid,
    input  wire         m_axil_awready,
    output wire [31:0]  m_axil_wdata,
    output wire [3:0]   m_axil_wstrb,
    output wire         m_axil_wvalid,
    input  wire         m_axil_wready,
    input  wire [1:0]   m_axil_bresp,
    input  wire         m_axil_bvalid,
    output wire         m_axil_bready,
    output wire [15:0]  m_axil_araddr,
    output wire         m_axil_arvalid,
    input  wire         m_axil_arready,
    input  wire [31:0]  m_axil_rdata,
    input  wire [1:0]   m_axil_rresp,
    input  wire         m_axil_rvalid,
    output wire         m_axil_rready,
    // the device
    output wire         enable_o,
    output wire         soft_o,             // a reset by the host is under way
    input  wire         idle_i,             // nothing that it would have to wait for
    input  wire         busy_i,             // packets or DMA under way
    input  wire         to_host_busy_i,     // packets in the slot, or on their way from there to the host,
    input  wire         behind_busy_i,      // without those in the slot
    input  wire [1:0]   dma_error_i,        // one pulse an access
    input  wire         hung_i,
    output wire [31:0]  watchdog_o,
    output wire [63:0]  time_o,
    output wire         seed_we_o,
    output wire [31:0]  seed_o,
    // ports
    input  wire [PORTS-1:0]       link_i,
    output wire [3*PORTS-1:0]     port_ctrl_o,
    output wire [32*PORTS-1:0]    ifindex_o,
    output wire [16*PORTS-1:0]    max_bytes_o,
    output wire [48*PORTS-1:0]    mac_o,
    output wire [512*PORTS-1:0]   filter_o,
    // rings; the last RX ring is the event ring
    output wire [RINGS-1:0]       rx_on_o,
    output wire [64*RINGS-1:0]    rx_base_o,
    output wire [4*RINGS-1:0]     rx_size_o,
    output wire [16*RINGS-1:0]    rx_tail_o,
    input  wire [16*RINGS-1:0]    rx_head_i,
    input  wire [RINGS-1:0]       rx_busy_i,
    output wire [TX_QUEUES-1:0]   tx_on_o,
    output wire [64*TX_QUEUES-1:0] tx_base_o,
    output wire [4*TX_QUEUES-1:0] tx_size_o,
    output wire [16*TX_QUEUES-1:0] tx_tail_o,
    input  wire [16*TX_QUEUES-1:0] tx_head_i,
    input  wire [TX_QUEUES-1:0]   tx_busy_i,
    // RSS, verdicts
    output wire [5:0]   rss_types_o,
    output wire [319:0] rss_key_o,
    output wire         rss_we_o,
    output wire [6:0]   rss_index_o,
    output wire [7:0]   rss_queue_o,
    output wire         to_host_o,
    output wire         table_we_o,
    output wire [7:0]   table_index_o,
    output wire [31:0]  table_data_o,
    output wire [7:0]   table_rindex_o,
    input  wire [31:0]  table_rdata_i,
    // the mover of map contents
    output wire         mapdma_we_o,
    output wire [11:0]  mapdma_woffset_o,
    output wire [31:0]  mapdma_wdata_o,
    output wire [11:0]  mapdma_roffset_o,
    input  wire [31:0]  mapdma_rdata_i,
    // counters: 9 a port, 3 an RX ring, 3 a TX ring, 7 of verdicts
    output wire         count_read_o,
    output wire         count_high_o,
    output wire [9:0]   count_index_o,
    input  wire [31:0]  count_data_i
);
    localparam [31:0] VERSION = `SPEC_NIC_VERSION;
    localparam [7:0] PAGE_NIC = 8'h10;
    localparam [7:0] PAGE_PORT = 8'h11;
    localparam [7:0] PAGE_RSS = 8'h16;
    localparam [7:0] PAGE_VERDICT = 8'h17;
    localparam [7:0] PAGE_EVENTQ = 8'h18;
    localparam [7:0] PAGE_MAPDMA = 8'h19;
    localparam [31:0] PORT_BASE = {12'd0, `SPEC_BLOCK_PORT_BASE};
    localparam [31:0] RXQ_BASE = {12'd0, `SPEC_BLOCK_RXQ_BASE};
    localparam [31:0] TXQ_BASE = {12'd0, `SPEC_BLOCK_TXQ_BASE};
    localparam [31:0] RSS_BASE = {12'd0, `SPEC_BLOCK_RSS_BASE};
    localparam [31:0] VERDICT_BASE = {12'd0, `SPEC_BLOCK_VERDICT_BASE};
    localparam [31:0] EVENTQ_BASE = {12'd0, `SPEC_BLOCK_EVENTQ_BASE};
    localparam [31:0] MAPDMA_BASE = {12'd0, `SPEC_BLOCK_MAPDMA_BASE};
    localparam [31:0] RX_COUNT = RX_QUEUES;
    localparam [31:0] TX_COUNT = TX_QUEUES;
    localparam [31:0] TABLE_BYTES = 12 * TARGETS;
    localparam RX_COUNTS = 9 * PORTS;
    localparam TX_COUNTS = RX_COUNTS + 3 * RINGS;
    localparam VERDICT_COUNTS = TX_COUNTS + 3 * TX_QUEUES;

    generate
        if (PORTS < 1 || PORTS > 16 || RX_QUEUES < 1 || RX_QUEUES > 64 || TX_QUEUES < 1 || TX_QUEUES > 64
            || RINGS != RX_QUEUES + 1 || HAS_RINGS < 0 || HAS_RINGS > 1 || TARGETS < 1 || TARGETS > 64) begin : g_illegal
            nic_csr_illegal_parameter u_stop ();
        end
    endgenerate

    // --- writes
    localparam [1:0] WR_IDLE = 2'd0;
    localparam [1:0] WR_OWN = 2'd1;
    localparam [1:0] WR_SLOT = 2'd2;
    localparam [1:0] WR_DONE = 2'd3;
    reg  [1:0]   wr_q;
    reg  [19:0]  waddr_q;
    reg  [31:0]  wdata_q;
    reg  [3:0]   wstrb_q;
    reg          aw_sent_q;
    reg          w_sent_q;
    reg  [1:0]   bresp_q;
    wire         write = wr_q == WR_OWN && wstrb_q == 4'hf;
    wire [11:0]  woffset = waddr_q[11:0];

    assign s_axil_awready = wr_q == WR_IDLE && s_axil_awvalid && s_axil_wvalid;
    assign s_axil_wready = s_axil_awready;
    assign s_axil_bvalid = wr_q == WR_DONE;
    assign s_axil_bresp = bresp_q;
    assign m_axil_awaddr = waddr_q[15:0];
    assign m_axil_awvalid = wr_q == WR_SLOT && !aw_sent_q;
    assign m_axil_wdata = wdata_q;
    assign m_axil_wstrb = wstrb_q;
    assign m_axil_wvalid = wr_q == WR_SLOT && !w_sent_q;
    assign m_axil_bready = wr_q == WR_SLOT;

    always @(posedge clk) begin
        case (wr_q)
            WR_IDLE:
                if (s_axil_awready) begin
                    waddr_q <= s_axil_awaddr;
                    wdata_q <= s_axil_wdata;
                    wstrb_q <= s_axil_wstrb;
                    bresp_q <= 2'd0;
                    aw_sent_q <= 1'b0;
                    w_sent_q <= 1'b0;
                    wr_q <= s_axil_awaddr[19:16] == 4'd0 ? WR_SLOT : WR_OWN;
                end
            WR_OWN: wr_q <= WR_DONE;
            WR_SLOT: begin
                if (m_axil_awready) aw_sent_q <= 1'b1;
                if (m_axil_wready) w_sent_q <= 1'b1;
                if (m_axil_bvalid) begin
                    bresp_q <= m_axil_bresp;
                    wr_q <= WR_DONE;
                end
            end
            default: if (s_axil_bready) wr_q <= WR_IDLE;
        endcase
        if (rst) wr_q <= WR_IDLE;
    end

    // --- the device as a whole
    wire         w_nic = write && waddr_q[19:12] == PAGE_NIC;
    reg          enable_q;
    reg          soft_q;
    reg          failed_q;
    reg  [31:0]  errors_q;
    reg  [71:0]  time_q;        // the low 8 bits are 1/256 ns
    reg  [31:0]  time_lo_q;
    reg  [31:0]  step_q;
    reg  [31:0]  seed_q;
    reg          seed_we_q;
    reg  [31:0]  watchdog_q;
    wire         clear = rst || soft_q;

    always @(posedge clk) begin
        time_q <= time_q + {40'd0, step_q};
        seed_we_q <= 1'b0;
        errors_q <= errors_q + {31'd0, dma_error_i[0]} + {31'd0, dma_error_i[1]};
        if (dma_error_i != 2'd0) failed_q <= 1'b1;
        if (soft_q && idle_i) soft_q <= 1'b0;
        if (w_nic)
            case (woffset)
                `SPEC_NIC_CTRL: {soft_q, enable_q} <= {soft_q || wdata_q[1], wdata_q[0] && !wdata_q[1]};
                `SPEC_NIC_TIME_LO: time_lo_q <= wdata_q;
                `SPEC_NIC_TIME_HI: time_q <= {wdata_q, time_lo_q, 8'd0};
                `SPEC_NIC_TIME_STEP: step_q <= wdata_q;
                `SPEC_NIC_SEED: {seed_we_q, seed_q} <= {1'b1, wdata_q};
                `SPEC_NIC_WATCHDOG: watchdog_q <= wdata_q;
                default: ;
            endcase
        if (clear) begin
            enable_q <= 1'b0;
            failed_q <= 1'b0;
            errors_q <= 32'd0;
        end
        if (rst) begin
            soft_q <= 1'b0;
            time_q <= 72'd0;
            time_lo_q <= 32'd0;
            step_q <= 32'd1024;
            seed_q <= 32'd1;
            seed_we_q <= 1'b0;
            watchdog_q <= 32'd0;
        end
    end

    assign enable_o = enable_q && !soft_q;
    assign soft_o = soft_q;
    assign watchdog_o = watchdog_q;
    assign time_o = time_q[71:8];
    assign seed_we_o = seed_we_q;
    assign seed_o = seed_q;

    // --- ports
    genvar g;
    generate
        for (g = 0; g < PORTS; g = g + 1) begin : g_port
            reg  [2:0]    ctrl_q;
            reg  [31:0]   ifindex_q;
            reg  [15:0]   max_q;
            reg  [47:0]   mac_q;
            reg  [511:0]  filter_q;
            wire          mine = write && waddr_q[19:12] == PAGE_PORT && waddr_q[11:8] == g;
            wire          in_filter = {4'd0, woffset[7:6], 6'd0} == `SPEC_PORT_FILTER;
            assign port_ctrl_o[3*g +: 3] = ctrl_q;
            assign ifindex_o[32*g +: 32] = ifindex_q;
            assign max_bytes_o[16*g +: 16] = max_q;
            assign mac_o[48*g +: 48] = mac_q;
            assign filter_o[512*g +: 512] = filter_q;
            always @(posedge clk) begin
                if (mine)
                    case ({4'd0, woffset[7:0]})
                        `SPEC_PORT_CTRL: ctrl_q <= wdata_q[2:0];
                        `SPEC_PORT_IFINDEX: ifindex_q <= wdata_q;
                        `SPEC_PORT_MAX_BYTES:
                            max_q <= wdata_q > `SPEC_PKT_MAX_BYTES ? 16'd`SPEC_PKT_MAX_BYTES : wdata_q[15:0];
                        `SPEC_PORT_MAC_LO: mac_q[31:0] <= wdata_q;
                        `SPEC_PORT_MAC_HI: mac_q[47:32] <= wdata_q[15:0];
                        default: if (in_filter) filter_q[{woffset[5:2], 5'd0} +: 32] <= wdata_q;
                    endcase
                if (clear) begin
                    ctrl_q <= 3'd0;
                    ifindex_q <= g + 1;
                    max_q <= HAS_RINGS ? 16'd1518 : 16'd`SPEC_PKT_MAX_BYTES;
                    mac_q <= 48'd0;
                    filter_q <= 512'd0;
                end
            end
        end
    endgenerate

    // --- RSS, verdicts
    reg  [5:0]   types_q;
    reg  [319:0] key_q;
    reg          to_host_q;
    wire         w_rss = write && HAS_RINGS && waddr_q[19:12] == PAGE_RSS;
    wire         w_verdict = write && waddr_q[19:12] == PAGE_VERDICT;
    wire [11:0]  rss_word = woffset - `SPEC_RSS_TABLE;
    wire [11:0]  key_word = woffset - `SPEC_RSS_KEY;
    wire [11:0]  verdict_word = woffset - `SPEC_VERDICT_TABLE;

    always @(posedge clk) begin
        if (w_rss && woffset == `SPEC_RSS_CTRL) types_q <= wdata_q[5:0];
        if (w_rss && woffset >= `SPEC_RSS_KEY && key_word < 12'd40) key_q[{key_word[5:2], 5'd0} +: 32] <= wdata_q;
        if (w_verdict && woffset == `SPEC_VERDICT_TO_HOST) to_host_q <= wdata_q[0];
        if (rst) begin
            types_q <= 6'd0;
            key_q <= 320'd0;
            to_host_q <= 1'b0;
        end
    end

    assign rss_types_o = types_q;
    assign rss_key_o = key_q;
    assign rss_index_o = rss_word[8:2];
    assign rss_queue_o = wdata_q < RX_QUEUES ? wdata_q[7:0] : 8'd0;
    assign rss_we_o = w_rss && woffset >= `SPEC_RSS_TABLE && rss_word < 12'd512;
    assign to_host_o = to_host_q;
    assign table_we_o = w_verdict && woffset >= `SPEC_VERDICT_TABLE && verdict_word < TABLE_BYTES[11:0];
    assign table_index_o = verdict_word[9:2];
    assign table_data_o = wdata_q;
    assign mapdma_we_o = write && HAS_RINGS && waddr_q[19:12] == PAGE_MAPDMA;
    assign mapdma_woffset_o = woffset;
    assign mapdma_wdata_o = wdata_q;

    // --- reads
    localparam [1:0] RD_IDLE = 2'd0;
    localparam [1:0] RD_OWN = 2'd1;
    localparam [1:0] RD_SLOT = 2'd2;
    localparam [1:0] RD_DONE = 2'd3;
    reg  [1:0]   rd_q;
    reg  [19:0]  raddr_q;
    reg  [31:0]  rdata_q;
    reg  [1:0]   rresp_q;
    reg          ar_sent_q;
    reg  [31:0]  time_hi_q;
    wire [7:0]   page = raddr_q[19:12];
    wire [11:0]  offset = {raddr_q[11:2], 2'd0};
    wire [11:0]  port_offset = {4'd0, offset[7:0]};
    wire [11:0]  rd_ring_offset = {5'd0, offset[6:0]};
    wire [3:0]   port = raddr_q[11:8];
    wire [8:0]   r_rx = {raddr_q[15:12] - 4'd2, raddr_q[11:7]};
    wire [8:0]   r_tx = {raddr_q[15:12] - 4'd4, raddr_q[11:7]};
    wire         is_nic = page == PAGE_NIC;
    wire         is_port = page == PAGE_PORT && {28'd0, port} < PORTS;
    wire         is_event = HAS_RINGS && raddr_q[19:7] == {PAGE_EVENTQ, 5'd0};
    wire         is_rx = HAS_RINGS && raddr_q[19:16] == 4'd1 && r_rx < RX_COUNT[8:0];
    wire         is_tx = HAS_RINGS && raddr_q[19:16] == 4'd1 && r_tx < TX_COUNT[8:0];
    wire         is_rss = HAS_RINGS && page == PAGE_RSS;
    wire         is_verdict = page == PAGE_VERDICT;
    wire         is_mapdma = HAS_RINGS && page == PAGE_MAPDMA;
    wire [6:0]   rx_ring = is_event ? RX_COUNT[6:0] : r_rx[6:0];
    wire [6:0]   tx_ring = r_tx[6:0];
    wire [11:0]  r_key = offset - `SPEC_RSS_KEY;
    wire [11:0]  r_rss = offset - `SPEC_RSS_TABLE;
    wire [11:0]  r_verdict = offset - `SPEC_VERDICT_TABLE;
    wire [7:0]   rss_rdata;

    ram_lut #(.WIDTH(8), .DEPTH(128)) u_rss_table (
        .clk(clk), .we_i(rss_we_o), .waddr_i(rss_index_o), .wdata_i(rss_queue_o), .raddr_i(r_rss[8:2]),
        .rdata_o(rss_rdata));
    assign table_rindex_o = r_verdict[9:2];
    assign mapdma_roffset_o = offset;

    // --- rings: RX and events, TX
    wire [8:0]   w_rx = {waddr_q[15:12] - 4'd2, waddr_q[11:7]};    // number of the ring: pages 0x12 and 0x13,
    wire [8:0]   w_tx = {waddr_q[15:12] - 4'd4, waddr_q[11:7]};    // 0x14 and 0x15
    wire         w_page1 = write && HAS_RINGS && waddr_q[19:16] == 4'd1;
    wire         w_event = write && HAS_RINGS && waddr_q[19:7] == {PAGE_EVENTQ, 5'd0};
    wire [11:0]  w_ring_offset = {5'd0, woffset[6:0]};
    wire         as_new = rst || (soft_q && idle_i);
    wire [31:0]  rx_data;
    wire [31:0]  tx_data;

    nic_csr_rings #(.RINGS(RINGS)) u_rx (
        .clk(clk), .off_i(clear), .clear_i(as_new), .we_i(w_event || (w_page1 && w_rx < RX_COUNT[8:0])),
        .windex_i(w_event ? RX_COUNT[6:0] : w_rx[6:0]), .woffset_i(w_ring_offset), .wdata_i(wdata_q),
        .rindex_i(rx_ring), .roffset_i(rd_ring_offset), .rdata_o(rx_data), .on_o(rx_on_o), .base_o(rx_base_o),
        .size_o(rx_size_o), .tail_o(rx_tail_o), .head_i(rx_head_i), .busy_i(rx_busy_i));
    nic_csr_rings #(.RINGS(TX_QUEUES)) u_tx (
        .clk(clk), .off_i(clear), .clear_i(as_new), .we_i(w_page1 && w_tx < TX_COUNT[8:0]), .windex_i(w_tx[6:0]),
        .woffset_i(w_ring_offset), .wdata_i(wdata_q), .rindex_i(tx_ring), .roffset_i(rd_ring_offset),
        .rdata_o(tx_data), .on_o(tx_on_o), .base_o(tx_base_o), .size_o(tx_size_o), .tail_o(tx_tail_o),
        .head_i(tx_head_i), .busy_i(tx_busy_i));

    // what is the chosen port's
    reg  [2:0]   p_ctrl;
    reg          p_link;
    reg  [31:0]  p_ifindex;
    reg  [15:0]  p_max;
    reg  [47:0]  p_mac;
    reg  [31:0]  p_filter;
    integer      i;

    always @* begin
        {p_ctrl, p_link, p_ifindex, p_max, p_mac, p_filter} = {132{1'b0}};
        for (i = 0; i < PORTS; i = i + 1)
            if (port == i[3:0]) begin
                p_ctrl = port_ctrl_o[3*i +: 3];
                p_link = link_i[i];
                p_ifindex = ifindex_o[32*i +: 32];
                p_max = max_bytes_o[16*i +: 16];
                p_mac = mac_o[48*i +: 48];
                p_filter = filter_o[512*i + 32*offset[5:2] +: 32];
            end
    end

    // the list of blocks
    wire [31:0]  next_port = {28'd0, port} + 32'd1 < PORTS
                     ? PORT_BASE + ({28'd0, port} + 32'd1) * `SPEC_BLOCK_PORT_STRIDE : HAS_RINGS ? RXQ_BASE : VERDICT_BASE;
    wire [31:0]  next_rx = {25'd0, rx_ring} + 32'd1 < RX_QUEUES
                     ? RXQ_BASE + ({25'd0, rx_ring} + 32'd1) * `SPEC_BLOCK_RXQ_STRIDE : TXQ_BASE;
    wire [31:0]  next_tx = {25'd0, tx_ring} + 32'd1 < TX_QUEUES
                     ? TXQ_BASE + ({25'd0, tx_ring} + 32'd1) * `SPEC_BLOCK_TXQ_STRIDE : RSS_BASE;
    wire [31:0]  kind = is_nic ? `SPEC_BLOCK_NIC : is_port ? `SPEC_BLOCK_PORT : is_event ? `SPEC_BLOCK_EVENTQ
                        : is_rx ? `SPEC_BLOCK_RXQ : is_tx ? `SPEC_BLOCK_TXQ : is_rss ? `SPEC_BLOCK_RSS
                        : is_verdict ? `SPEC_BLOCK_VERDICT : is_mapdma ? `SPEC_BLOCK_MAPDMA : 32'd0;
    wire [31:0]  next = is_nic ? PORT_BASE : is_port ? next_port : is_event ? MAPDMA_BASE : is_rx ? next_rx
                        : is_tx ? next_tx : is_rss ? VERDICT_BASE : is_verdict && HAS_RINGS ? EVENTQ_BASE : 32'd0;
    wire [11:0]  head_offset = is_port ? port_offset : is_event || is_rx || is_tx ? rd_ring_offset : offset;

    // counters
    wire [11:0]  port_count = port_offset - `SPEC_PORT_RX_PACKETS;
    wire [11:0]  ring_count = rd_ring_offset - `SPEC_RXQ_PACKETS;
    wire [11:0]  verdict_count = offset - `SPEC_VERDICT_COUNT;
    wire         in_port_count = is_port && port_count < 12'd72;
    wire         in_ring_count = (is_event || is_rx || is_tx) && ring_count < 12'd24;
    wire         in_verdict_count = is_verdict && verdict_count < 12'd56;
    wire         in_count = in_port_count || in_ring_count || in_verdict_count;
    wire [31:0]  count_index = is_port ? 9 * port + {23'd0, port_count[11:3]}
                               : is_verdict ? VERDICT_COUNTS + {23'd0, verdict_count[11:3]}
                               : is_tx ? TX_COUNTS + 3 * tx_ring + {23'd0, ring_count[11:3]}
                               : RX_COUNTS + 3 * rx_ring + {23'd0, ring_count[11:3]};
    assign count_read_o = rd_q == RD_OWN && in_count;
    assign count_high_o = offset[2];
    assign count_index_o = count_index[9:0];

    reg  [31:0]  data;
    always @* begin
        data = 32'd0;
        if (is_nic)
            case (offset)
                `SPEC_NIC_PORTS: data = PORTS;
                `SPEC_NIC_RX_QUEUES: data = HAS_RINGS ? RX_QUEUES : 32'd0;
                `SPEC_NIC_TX_QUEUES: data = HAS_RINGS ? TX_QUEUES : 32'd0;
                `SPEC_NIC_SLOT_BASE: data = {12'd0, `SPEC_BAR_SLOT};
                `SPEC_NIC_CTRL: data = {30'd0, soft_q, enable_q};
                `SPEC_NIC_STATUS: data = {28'd0, behind_busy_i, to_host_busy_i, failed_q, busy_i};
                `SPEC_NIC_DMA_ERRORS: data = errors_q;
                `SPEC_NIC_TIME_LO: data = time_q[39:8];
                `SPEC_NIC_TIME_HI: data = time_hi_q;
                `SPEC_NIC_TIME_STEP: data = step_q;
                `SPEC_NIC_SEED: data = seed_q;
                `SPEC_NIC_WATCHDOG: data = watchdog_q;
                `SPEC_NIC_HUNG: data = {31'd0, hung_i};
                default: ;
            endcase
        if (is_port)
            case (port_offset)
                `SPEC_PORT_NUMBER: data = {28'd0, port};
                `SPEC_PORT_CTRL: data = {29'd0, p_ctrl};
                `SPEC_PORT_STATUS: data = {31'd0, p_link};
                `SPEC_PORT_IFINDEX: data = p_ifindex;
                `SPEC_PORT_MAX_BYTES: data = {16'd0, p_max};
                `SPEC_PORT_MAC_LO: data = p_mac[31:0];
                `SPEC_PORT_MAC_HI: data = {16'd0, p_mac[47:32]};
                default: if (port_offset[7:6] == 2'd1) data = p_filter;
            endcase
        if (is_event || is_rx) data = rx_data;
        if (is_tx) data = tx_data;
        if (rd_ring_offset == `SPEC_RXQ_NUMBER && is_rx) data = {25'd0, rx_ring};
        if (rd_ring_offset == `SPEC_TXQ_NUMBER && is_tx) data = {25'd0, tx_ring};
        if (is_rss) begin
            if (offset == `SPEC_RSS_CTRL) data = {26'd0, types_q};
            if (offset == `SPEC_RSS_TABLE_MASK) data = 32'd127;
            if (r_key < 12'd40) data = key_q[{r_key[5:2], 5'd0} +: 32];
            if (r_rss < 12'd512) data = {24'd0, rss_rdata};
        end
        if (is_verdict) begin
            if (offset == `SPEC_VERDICT_TO_HOST) data = {31'd0, to_host_q};
            if (r_verdict < TABLE_BYTES[11:0]) data = table_rdata_i;
        end
        if (is_mapdma) data = mapdma_rdata_i;
        if (in_count) data = count_data_i;
        if (kind != 32'd0)
            case (head_offset)
                12'd0: data = kind;
                12'd4: data = VERSION;
                12'd8: data = next;
                default: ;
            endcase
    end

    assign s_axil_arready = rd_q == RD_IDLE;
    assign s_axil_rvalid = rd_q == RD_DONE;
    assign s_axil_rdata = rdata_q;
    assign s_axil_rresp = rresp_q;
    assign m_axil_araddr = raddr_q[15:0];
    assign m_axil_arvalid = rd_q == RD_SLOT && !ar_sent_q;
    assign m_axil_rready = rd_q == RD_SLOT;

    always @(posedge clk) begin
        case (rd_q)
            RD_IDLE:
                if (s_axil_arvalid) begin
                    raddr_q <= s_axil_araddr;
                    ar_sent_q <= 1'b0;
                    rresp_q <= 2'd0;
                    rd_q <= s_axil_araddr[19:16] == 4'd0 ? RD_SLOT : RD_OWN;
                end
            RD_OWN: begin
                rdata_q <= data;
                if (is_nic && offset == `SPEC_NIC_TIME_LO) time_hi_q <= time_q[71:40];
                rd_q <= RD_DONE;
            end
            RD_SLOT: begin
                if (m_axil_arready) ar_sent_q <= 1'b1;
                if (m_axil_rvalid) begin
                    rdata_q <= m_axil_rdata;
                    rresp_q <= m_axil_rresp;
                    rd_q <= RD_DONE;
                end
            end
            default: if (s_axil_rready) rd_q <= RD_IDLE;
        endcase
        if (rst) begin
            rd_q <= RD_IDLE;
            time_hi_q <= 32'd0;
        end
    end

    wire unused = &{1'b0, raddr_q[1:0], key_word, rss_word, verdict_word, r_key, r_rss, r_verdict, port_count[2:0],
                    ring_count[2:0], verdict_count[2:0], count_index[31:10]};
endmodule
`default_nettype wire
