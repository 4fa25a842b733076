// SPDX-License-Identifier: BSD-3-Clause
// Corundum's application section with the program slot in it (docs/board.md), at the streams of its ports that run in clk (sync): frames
// from the wire go through the program, and by its verdict on to the shell, out of a port, or nowhere; what the shell sends goes
// past it. The streams of MACs and interfaces go straight on; DMA, memories, statistics and pins are left alone.
//
// Names and widths of parameters and ports are that shell's. Of a frame from the wire tuser bit 0 is an error, which drops it, and
// the rest, a time, goes along. What the program sends has the highest bit of the tag set: its completions end here.
`include "hw/spec/gen/sluice_spec.vh"
`default_nettype none
module mqnic_app_block #(
    // structure
    parameter IF_COUNT = 1,
    parameter PORTS_PER_IF = 1,
    parameter SCHED_PER_IF = PORTS_PER_IF,
    parameter PORT_COUNT = IF_COUNT * PORTS_PER_IF,         // 1 to 16
    // clocks, time
    parameter CLK_PERIOD_NS_NUM = 4,
    parameter CLK_PERIOD_NS_DENOM = 1,
    parameter PTP_CLK_PERIOD_NS_NUM = 4,
    parameter PTP_CLK_PERIOD_NS_DENOM = 1,
    parameter PTP_TS_WIDTH = 96,
    parameter PTP_PORT_CDC_PIPELINE = 0,
    parameter PTP_PEROUT_ENABLE = 0,
    parameter PTP_PEROUT_COUNT = 1,
    parameter PTP_TS_ENABLE = 1,
    parameter TX_TAG_WIDTH = 16,                            // a bit more than the shell's own tags need
    parameter MAX_TX_SIZE = 9214,
    parameter MAX_RX_SIZE = 9214,
    // DDR memory
    parameter DDR_CH = 1,
    parameter DDR_ENABLE = 0,
    parameter DDR_GROUP_SIZE = 1,
    parameter AXI_DDR_DATA_WIDTH = 256,
    parameter AXI_DDR_ADDR_WIDTH = 32,
    parameter AXI_DDR_STRB_WIDTH = AXI_DDR_DATA_WIDTH / 8,
    parameter AXI_DDR_ID_WIDTH = 8,
    parameter AXI_DDR_AWUSER_ENABLE = 0,
    parameter AXI_DDR_AWUSER_WIDTH = 1,
    parameter AXI_DDR_WUSER_ENABLE = 0,
    parameter AXI_DDR_WUSER_WIDTH = 1,
    parameter AXI_DDR_BUSER_ENABLE = 0,
    parameter AXI_DDR_BUSER_WIDTH = 1,
    parameter AXI_DDR_ARUSER_ENABLE = 0,
    parameter AXI_DDR_ARUSER_WIDTH = 1,
    parameter AXI_DDR_RUSER_ENABLE = 0,
    parameter AXI_DDR_RUSER_WIDTH = 1,
    parameter AXI_DDR_MAX_BURST_LEN = 256,
    parameter AXI_DDR_NARROW_BURST = 0,
    parameter AXI_DDR_FIXED_BURST = 0,
    parameter AXI_DDR_WRAP_BURST = 0,
    // HBM memory
    parameter HBM_CH = 1,
    parameter HBM_ENABLE = 0,
    parameter HBM_GROUP_SIZE = 1,
    parameter AXI_HBM_DATA_WIDTH = 256,
    parameter AXI_HBM_ADDR_WIDTH = 32,
    parameter AXI_HBM_STRB_WIDTH = AXI_HBM_DATA_WIDTH / 8,
    parameter AXI_HBM_ID_WIDTH = 8,
    parameter AXI_HBM_AWUSER_ENABLE = 0,
    parameter AXI_HBM_AWUSER_WIDTH = 1,
    parameter AXI_HBM_WUSER_ENABLE = 0,
    parameter AXI_HBM_WUSER_WIDTH = 1,
    parameter AXI_HBM_BUSER_ENABLE = 0,
    parameter AXI_HBM_BUSER_WIDTH = 1,
    parameter AXI_HBM_ARUSER_ENABLE = 0,
    parameter AXI_HBM_ARUSER_WIDTH = 1,
    parameter AXI_HBM_RUSER_ENABLE = 0,
    parameter AXI_HBM_RUSER_WIDTH = 1,
    parameter AXI_HBM_MAX_BURST_LEN = 256,
    parameter AXI_HBM_NARROW_BURST = 0,
    parameter AXI_HBM_FIXED_BURST = 0,
    parameter AXI_HBM_WRAP_BURST = 0,
    // application
    parameter APP_ID = 32'h534c_0001,                       // no other
    parameter APP_CTRL_ENABLE = 1,
    parameter APP_DMA_ENABLE = 1,
    parameter APP_AXIS_DIRECT_ENABLE = 1,
    parameter APP_AXIS_SYNC_ENABLE = 1,                     // 1
    parameter APP_AXIS_IF_ENABLE = 1,
    parameter APP_STAT_ENABLE = 1,
    parameter APP_GPIO_IN_WIDTH = 32,
    parameter APP_GPIO_OUT_WIDTH = 32,
    // DMA
    parameter DMA_ADDR_WIDTH = 64,
    parameter DMA_IMM_ENABLE = 0,
    parameter DMA_IMM_WIDTH = 32,
    parameter DMA_LEN_WIDTH = 16,
    parameter DMA_TAG_WIDTH = 16,
    parameter RAM_SEL_WIDTH = 4,
    parameter RAM_ADDR_WIDTH = 16,
    parameter RAM_SEG_COUNT = 2,
    parameter RAM_SEG_DATA_WIDTH = 256 * 2 / RAM_SEG_COUNT,
    parameter RAM_SEG_BE_WIDTH = RAM_SEG_DATA_WIDTH / 8,
    parameter RAM_SEG_ADDR_WIDTH = RAM_ADDR_WIDTH - $clog2(RAM_SEG_COUNT * RAM_SEG_BE_WIDTH),
    parameter RAM_PIPELINE = 2,
    // registers
    parameter AXIL_APP_CTRL_DATA_WIDTH = 32,                // 32
    parameter AXIL_APP_CTRL_ADDR_WIDTH = 24,                // 17 at least; the shell's own default is 16
    parameter AXIL_APP_CTRL_STRB_WIDTH = AXIL_APP_CTRL_DATA_WIDTH / 8,
    parameter AXIL_CTRL_DATA_WIDTH = 32,
    parameter AXIL_CTRL_ADDR_WIDTH = 16,
    parameter AXIL_CTRL_STRB_WIDTH = AXIL_CTRL_DATA_WIDTH / 8,
    // packets
    parameter AXIS_DATA_WIDTH = 512,
    parameter AXIS_KEEP_WIDTH = AXIS_DATA_WIDTH / 8,
    parameter AXIS_TX_USER_WIDTH = TX_TAG_WIDTH + 1,
    parameter AXIS_RX_USER_WIDTH = (PTP_TS_ENABLE ? PTP_TS_WIDTH : 0) + 1,
    parameter AXIS_RX_USE_READY = 0,
    parameter AXIS_SYNC_DATA_WIDTH = AXIS_DATA_WIDTH,       // 512
    parameter AXIS_SYNC_KEEP_WIDTH = AXIS_SYNC_DATA_WIDTH / 8,
    parameter AXIS_SYNC_TX_USER_WIDTH = AXIS_TX_USER_WIDTH,
    parameter AXIS_SYNC_RX_USER_WIDTH = AXIS_RX_USER_WIDTH, // at most 97
    parameter AXIS_IF_DATA_WIDTH = AXIS_SYNC_DATA_WIDTH * 2 ** $clog2(PORTS_PER_IF),
    parameter AXIS_IF_KEEP_WIDTH = AXIS_IF_DATA_WIDTH / 8,
    parameter AXIS_IF_TX_ID_WIDTH = 12,
    parameter AXIS_IF_RX_ID_WIDTH = PORTS_PER_IF > 1 ? $clog2(PORTS_PER_IF) : 1,
    parameter AXIS_IF_TX_DEST_WIDTH = $clog2(PORTS_PER_IF) + 4,
    parameter AXIS_IF_RX_DEST_WIDTH = 8,
    parameter AXIS_IF_TX_USER_WIDTH = AXIS_SYNC_TX_USER_WIDTH,
    parameter AXIS_IF_RX_USER_WIDTH = AXIS_SYNC_RX_USER_WIDTH,
    // statistics
    parameter STAT_ENABLE = 1,
    parameter STAT_INC_WIDTH = 24,
    parameter STAT_ID_WIDTH = 12
) (
    input  wire clk, rst,
    // registers, from the host
    input  wire [AXIL_APP_CTRL_ADDR_WIDTH-1:0] s_axil_app_ctrl_awaddr,
    input  wire [2:0] s_axil_app_ctrl_awprot,
    input  wire s_axil_app_ctrl_awvalid,
    output wire s_axil_app_ctrl_awready,
    input  wire [AXIL_APP_CTRL_DATA_WIDTH-1:0] s_axil_app_ctrl_wdata,
    input  wire [AXIL_APP_CTRL_STRB_WIDTH-1:0] s_axil_app_ctrl_wstrb,
    input  wire s_axil_app_ctrl_wvalid,
    output wire s_axil_app_ctrl_wready,
    output wire [1:0] s_axil_app_ctrl_bresp,
    output wire s_axil_app_ctrl_bvalid,
    input  wire s_axil_app_ctrl_bready,
    input  wire [AXIL_APP_CTRL_ADDR_WIDTH-1:0] s_axil_app_ctrl_araddr,
    input  wire [2:0] s_axil_app_ctrl_arprot,
    input  wire s_axil_app_ctrl_arvalid,
    output wire s_axil_app_ctrl_arready,
    output wire [AXIL_APP_CTRL_DATA_WIDTH-1:0] s_axil_app_ctrl_rdata,
    output wire [1:0] s_axil_app_ctrl_rresp,
    output wire s_axil_app_ctrl_rvalid,
    input  wire s_axil_app_ctrl_rready,
    // to the shell's registers
    output wire [AXIL_CTRL_ADDR_WIDTH-1:0] m_axil_ctrl_awaddr,
    output wire [2:0] m_axil_ctrl_awprot,
    output wire m_axil_ctrl_awvalid,
    input  wire m_axil_ctrl_awready,
    output wire [AXIL_CTRL_DATA_WIDTH-1:0] m_axil_ctrl_wdata,
    output wire [AXIL_CTRL_STRB_WIDTH-1:0] m_axil_ctrl_wstrb,
    output wire m_axil_ctrl_wvalid,
    input  wire m_axil_ctrl_wready,
    input  wire [1:0] m_axil_ctrl_bresp,
    input  wire m_axil_ctrl_bvalid,
    output wire m_axil_ctrl_bready,
    output wire [AXIL_CTRL_ADDR_WIDTH-1:0] m_axil_ctrl_araddr,
    output wire [2:0] m_axil_ctrl_arprot,
    output wire m_axil_ctrl_arvalid,
    input  wire m_axil_ctrl_arready,
    input  wire [AXIL_CTRL_DATA_WIDTH-1:0] m_axil_ctrl_rdata,
    input  wire [1:0] m_axil_ctrl_rresp,
    input  wire m_axil_ctrl_rvalid,
    output wire m_axil_ctrl_rready,
    // the shell's DMA, ctrl
    output wire [DMA_ADDR_WIDTH-1:0] m_axis_ctrl_dma_read_desc_dma_addr,
    output wire [RAM_SEL_WIDTH-1:0] m_axis_ctrl_dma_read_desc_ram_sel,
    output wire [RAM_ADDR_WIDTH-1:0] m_axis_ctrl_dma_read_desc_ram_addr,
    output wire [DMA_LEN_WIDTH-1:0] m_axis_ctrl_dma_read_desc_len,
    output wire [DMA_TAG_WIDTH-1:0] m_axis_ctrl_dma_read_desc_tag,
    output wire m_axis_ctrl_dma_read_desc_valid,
    input  wire m_axis_ctrl_dma_read_desc_ready,
    input  wire [DMA_TAG_WIDTH-1:0] s_axis_ctrl_dma_read_desc_status_tag,
    input  wire [3:0] s_axis_ctrl_dma_read_desc_status_error,
    input  wire s_axis_ctrl_dma_read_desc_status_valid,
    output wire [DMA_ADDR_WIDTH-1:0] m_axis_ctrl_dma_write_desc_dma_addr,
    output wire [RAM_SEL_WIDTH-1:0] m_axis_ctrl_dma_write_desc_ram_sel,
    output wire [RAM_ADDR_WIDTH-1:0] m_axis_ctrl_dma_write_desc_ram_addr,
    output wire [DMA_IMM_WIDTH-1:0] m_axis_ctrl_dma_write_desc_imm,
    output wire m_axis_ctrl_dma_write_desc_imm_en,
    output wire [DMA_LEN_WIDTH-1:0] m_axis_ctrl_dma_write_desc_len,
    output wire [DMA_TAG_WIDTH-1:0] m_axis_ctrl_dma_write_desc_tag,
    output wire m_axis_ctrl_dma_write_desc_valid,
    input  wire m_axis_ctrl_dma_write_desc_ready,
    input  wire [DMA_TAG_WIDTH-1:0] s_axis_ctrl_dma_write_desc_status_tag,
    input  wire [3:0] s_axis_ctrl_dma_write_desc_status_error,
    input  wire s_axis_ctrl_dma_write_desc_status_valid,
    // the shell's DMA, data
    output wire [DMA_ADDR_WIDTH-1:0] m_axis_data_dma_read_desc_dma_addr,
    output wire [RAM_SEL_WIDTH-1:0] m_axis_data_dma_read_desc_ram_sel,
    output wire [RAM_ADDR_WIDTH-1:0] m_axis_data_dma_read_desc_ram_addr,
    output wire [DMA_LEN_WIDTH-1:0] m_axis_data_dma_read_desc_len,
    output wire [DMA_TAG_WIDTH-1:0] m_axis_data_dma_read_desc_tag,
    output wire m_axis_data_dma_read_desc_valid,
    input  wire m_axis_data_dma_read_desc_ready,
    input  wire [DMA_TAG_WIDTH-1:0] s_axis_data_dma_read_desc_status_tag,
    input  wire [3:0] s_axis_data_dma_read_desc_status_error,
    input  wire s_axis_data_dma_read_desc_status_valid,
    output wire [DMA_ADDR_WIDTH-1:0] m_axis_data_dma_write_desc_dma_addr,
    output wire [RAM_SEL_WIDTH-1:0] m_axis_data_dma_write_desc_ram_sel,
    output wire [RAM_ADDR_WIDTH-1:0] m_axis_data_dma_write_desc_ram_addr,
    output wire [DMA_IMM_WIDTH-1:0] m_axis_data_dma_write_desc_imm,
    output wire m_axis_data_dma_write_desc_imm_en,
    output wire [DMA_LEN_WIDTH-1:0] m_axis_data_dma_write_desc_len,
    output wire [DMA_TAG_WIDTH-1:0] m_axis_data_dma_write_desc_tag,
    output wire m_axis_data_dma_write_desc_valid,
    input  wire m_axis_data_dma_write_desc_ready,
    input  wire [DMA_TAG_WIDTH-1:0] s_axis_data_dma_write_desc_status_tag,
    input  wire [3:0] s_axis_data_dma_write_desc_status_error,
    input  wire s_axis_data_dma_write_desc_status_valid,
    // its RAM, ctrl
    input  wire [RAM_SEG_COUNT*RAM_SEL_WIDTH-1:0] ctrl_dma_ram_wr_cmd_sel,
    input  wire [RAM_SEG_COUNT*RAM_SEG_BE_WIDTH-1:0] ctrl_dma_ram_wr_cmd_be,
    input  wire [RAM_SEG_COUNT*RAM_SEG_ADDR_WIDTH-1:0] ctrl_dma_ram_wr_cmd_addr,
    input  wire [RAM_SEG_COUNT*RAM_SEG_DATA_WIDTH-1:0] ctrl_dma_ram_wr_cmd_data,
    input  wire [RAM_SEG_COUNT-1:0] ctrl_dma_ram_wr_cmd_valid,
    output wire [RAM_SEG_COUNT-1:0] ctrl_dma_ram_wr_cmd_ready, ctrl_dma_ram_wr_done,
    input  wire [RAM_SEG_COUNT*RAM_SEL_WIDTH-1:0] ctrl_dma_ram_rd_cmd_sel,
    input  wire [RAM_SEG_COUNT*RAM_SEG_ADDR_WIDTH-1:0] ctrl_dma_ram_rd_cmd_addr,
    input  wire [RAM_SEG_COUNT-1:0] ctrl_dma_ram_rd_cmd_valid,
    output wire [RAM_SEG_COUNT-1:0] ctrl_dma_ram_rd_cmd_ready,
    output wire [RAM_SEG_COUNT*RAM_SEG_DATA_WIDTH-1:0] ctrl_dma_ram_rd_resp_data,
    output wire [RAM_SEG_COUNT-1:0] ctrl_dma_ram_rd_resp_valid,
    input  wire [RAM_SEG_COUNT-1:0] ctrl_dma_ram_rd_resp_ready,
    // its RAM, data
    input  wire [RAM_SEG_COUNT*RAM_SEL_WIDTH-1:0] data_dma_ram_wr_cmd_sel,
    input  wire [RAM_SEG_COUNT*RAM_SEG_BE_WIDTH-1:0] data_dma_ram_wr_cmd_be,
    input  wire [RAM_SEG_COUNT*RAM_SEG_ADDR_WIDTH-1:0] data_dma_ram_wr_cmd_addr,
    input  wire [RAM_SEG_COUNT*RAM_SEG_DATA_WIDTH-1:0] data_dma_ram_wr_cmd_data,
    input  wire [RAM_SEG_COUNT-1:0] data_dma_ram_wr_cmd_valid,
    output wire [RAM_SEG_COUNT-1:0] data_dma_ram_wr_cmd_ready, data_dma_ram_wr_done,
    input  wire [RAM_SEG_COUNT*RAM_SEL_WIDTH-1:0] data_dma_ram_rd_cmd_sel,
    input  wire [RAM_SEG_COUNT*RAM_SEG_ADDR_WIDTH-1:0] data_dma_ram_rd_cmd_addr,
    input  wire [RAM_SEG_COUNT-1:0] data_dma_ram_rd_cmd_valid,
    output wire [RAM_SEG_COUNT-1:0] data_dma_ram_rd_cmd_ready,
    output wire [RAM_SEG_COUNT*RAM_SEG_DATA_WIDTH-1:0] data_dma_ram_rd_resp_data,
    output wire [RAM_SEG_COUNT-1:0] data_dma_ram_rd_resp_valid,
    input  wire [RAM_SEG_COUNT-1:0] data_dma_ram_rd_resp_ready,
    // time
    input  wire ptp_clk, ptp_rst, ptp_sample_clk, ptp_td_sd, ptp_pps, ptp_pps_str, ptp_sync_locked,
    input  wire [PTP_TS_WIDTH-1:0] ptp_sync_ts_rel,
    input  wire ptp_sync_ts_rel_step,
    input  wire [PTP_TS_WIDTH-1:0] ptp_sync_ts_tod,
    input  wire ptp_sync_ts_tod_step, ptp_sync_pps, ptp_sync_pps_str,
    input  wire [PTP_PEROUT_COUNT-1:0] ptp_perout_locked, ptp_perout_error, ptp_perout_pulse,
    // packets in the MACs' clocks
    input  wire [PORT_COUNT-1:0] direct_tx_clk, direct_tx_rst,
    input  wire [PORT_COUNT*AXIS_DATA_WIDTH-1:0] s_axis_direct_tx_tdata,
    input  wire [PORT_COUNT*AXIS_KEEP_WIDTH-1:0] s_axis_direct_tx_tkeep,
    input  wire [PORT_COUNT-1:0] s_axis_direct_tx_tvalid,
    output wire [PORT_COUNT-1:0] s_axis_direct_tx_tready,
    input  wire [PORT_COUNT-1:0] s_axis_direct_tx_tlast,
    input  wire [PORT_COUNT*AXIS_TX_USER_WIDTH-1:0] s_axis_direct_tx_tuser,
    output wire [PORT_COUNT*AXIS_DATA_WIDTH-1:0] m_axis_direct_tx_tdata,
    output wire [PORT_COUNT*AXIS_KEEP_WIDTH-1:0] m_axis_direct_tx_tkeep,
    output wire [PORT_COUNT-1:0] m_axis_direct_tx_tvalid,
    input  wire [PORT_COUNT-1:0] m_axis_direct_tx_tready,
    output wire [PORT_COUNT-1:0] m_axis_direct_tx_tlast,
    output wire [PORT_COUNT*AXIS_TX_USER_WIDTH-1:0] m_axis_direct_tx_tuser,
    input  wire [PORT_COUNT*PTP_TS_WIDTH-1:0] s_axis_direct_tx_cpl_ts,
    input  wire [PORT_COUNT*TX_TAG_WIDTH-1:0] s_axis_direct_tx_cpl_tag,
    input  wire [PORT_COUNT-1:0] s_axis_direct_tx_cpl_valid,
    output wire [PORT_COUNT-1:0] s_axis_direct_tx_cpl_ready,
    output wire [PORT_COUNT*PTP_TS_WIDTH-1:0] m_axis_direct_tx_cpl_ts,
    output wire [PORT_COUNT*TX_TAG_WIDTH-1:0] m_axis_direct_tx_cpl_tag,
    output wire [PORT_COUNT-1:0] m_axis_direct_tx_cpl_valid,
    input  wire [PORT_COUNT-1:0] m_axis_direct_tx_cpl_ready,
    input  wire [PORT_COUNT-1:0] direct_rx_clk, direct_rx_rst,
    input  wire [PORT_COUNT*AXIS_DATA_WIDTH-1:0] s_axis_direct_rx_tdata,
    input  wire [PORT_COUNT*AXIS_KEEP_WIDTH-1:0] s_axis_direct_rx_tkeep,
    input  wire [PORT_COUNT-1:0] s_axis_direct_rx_tvalid,
    output wire [PORT_COUNT-1:0] s_axis_direct_rx_tready,
    input  wire [PORT_COUNT-1:0] s_axis_direct_rx_tlast,
    input  wire [PORT_COUNT*AXIS_RX_USER_WIDTH-1:0] s_axis_direct_rx_tuser,
    output wire [PORT_COUNT*AXIS_DATA_WIDTH-1:0] m_axis_direct_rx_tdata,
    output wire [PORT_COUNT*AXIS_KEEP_WIDTH-1:0] m_axis_direct_rx_tkeep,
    output wire [PORT_COUNT-1:0] m_axis_direct_rx_tvalid,
    input  wire [PORT_COUNT-1:0] m_axis_direct_rx_tready,
    output wire [PORT_COUNT-1:0] m_axis_direct_rx_tlast,
    output wire [PORT_COUNT*AXIS_RX_USER_WIDTH-1:0] m_axis_direct_rx_tuser,
    // packets of a port in clk
    input  wire [PORT_COUNT*AXIS_SYNC_DATA_WIDTH-1:0] s_axis_sync_tx_tdata,
    input  wire [PORT_COUNT*AXIS_SYNC_KEEP_WIDTH-1:0] s_axis_sync_tx_tkeep,
    input  wire [PORT_COUNT-1:0] s_axis_sync_tx_tvalid,
    output wire [PORT_COUNT-1:0] s_axis_sync_tx_tready,
    input  wire [PORT_COUNT-1:0] s_axis_sync_tx_tlast,
    input  wire [PORT_COUNT*AXIS_SYNC_TX_USER_WIDTH-1:0] s_axis_sync_tx_tuser,
    output wire [PORT_COUNT*AXIS_SYNC_DATA_WIDTH-1:0] m_axis_sync_tx_tdata,
    output wire [PORT_COUNT*AXIS_SYNC_KEEP_WIDTH-1:0] m_axis_sync_tx_tkeep,
    output wire [PORT_COUNT-1:0] m_axis_sync_tx_tvalid,
    input  wire [PORT_COUNT-1:0] m_axis_sync_tx_tready,
    output wire [PORT_COUNT-1:0] m_axis_sync_tx_tlast,
    output wire [PORT_COUNT*AXIS_SYNC_TX_USER_WIDTH-1:0] m_axis_sync_tx_tuser,
    input  wire [PORT_COUNT*PTP_TS_WIDTH-1:0] s_axis_sync_tx_cpl_ts,
    input  wire [PORT_COUNT*TX_TAG_WIDTH-1:0] s_axis_sync_tx_cpl_tag,
    input  wire [PORT_COUNT-1:0] s_axis_sync_tx_cpl_valid,
    output wire [PORT_COUNT-1:0] s_axis_sync_tx_cpl_ready,
    output wire [PORT_COUNT*PTP_TS_WIDTH-1:0] m_axis_sync_tx_cpl_ts,
    output wire [PORT_COUNT*TX_TAG_WIDTH-1:0] m_axis_sync_tx_cpl_tag,
    output wire [PORT_COUNT-1:0] m_axis_sync_tx_cpl_valid,
    input  wire [PORT_COUNT-1:0] m_axis_sync_tx_cpl_ready,
    input  wire [PORT_COUNT*AXIS_SYNC_DATA_WIDTH-1:0] s_axis_sync_rx_tdata,
    input  wire [PORT_COUNT*AXIS_SYNC_KEEP_WIDTH-1:0] s_axis_sync_rx_tkeep,
    input  wire [PORT_COUNT-1:0] s_axis_sync_rx_tvalid,
    output wire [PORT_COUNT-1:0] s_axis_sync_rx_tready,
    input  wire [PORT_COUNT-1:0] s_axis_sync_rx_tlast,
    input  wire [PORT_COUNT*AXIS_SYNC_RX_USER_WIDTH-1:0] s_axis_sync_rx_tuser,
    output wire [PORT_COUNT*AXIS_SYNC_DATA_WIDTH-1:0] m_axis_sync_rx_tdata,
    output wire [PORT_COUNT*AXIS_SYNC_KEEP_WIDTH-1:0] m_axis_sync_rx_tkeep,
    output wire [PORT_COUNT-1:0] m_axis_sync_rx_tvalid,
    input  wire [PORT_COUNT-1:0] m_axis_sync_rx_tready,
    output wire [PORT_COUNT-1:0] m_axis_sync_rx_tlast,
    output wire [PORT_COUNT*AXIS_SYNC_RX_USER_WIDTH-1:0] m_axis_sync_rx_tuser,
    // packets of an interface in clk
    input  wire [IF_COUNT*AXIS_IF_DATA_WIDTH-1:0] s_axis_if_tx_tdata,
    input  wire [IF_COUNT*AXIS_IF_KEEP_WIDTH-1:0] s_axis_if_tx_tkeep,
    input  wire [IF_COUNT-1:0] s_axis_if_tx_tvalid,
    output wire [IF_COUNT-1:0] s_axis_if_tx_tready,
    input  wire [IF_COUNT-1:0] s_axis_if_tx_tlast,
    input  wire [IF_COUNT*AXIS_IF_TX_ID_WIDTH-1:0] s_axis_if_tx_tid,
    input  wire [IF_COUNT*AXIS_IF_TX_DEST_WIDTH-1:0] s_axis_if_tx_tdest,
    input  wire [IF_COUNT*AXIS_IF_TX_USER_WIDTH-1:0] s_axis_if_tx_tuser,
    output wire [IF_COUNT*AXIS_IF_DATA_WIDTH-1:0] m_axis_if_tx_tdata,
    output wire [IF_COUNT*AXIS_IF_KEEP_WIDTH-1:0] m_axis_if_tx_tkeep,
    output wire [IF_COUNT-1:0] m_axis_if_tx_tvalid,
    input  wire [IF_COUNT-1:0] m_axis_if_tx_tready,
    output wire [IF_COUNT-1:0] m_axis_if_tx_tlast,
    output wire [IF_COUNT*AXIS_IF_TX_ID_WIDTH-1:0] m_axis_if_tx_tid,
    output wire [IF_COUNT*AXIS_IF_TX_DEST_WIDTH-1:0] m_axis_if_tx_tdest,
    output wire [IF_COUNT*AXIS_IF_TX_USER_WIDTH-1:0] m_axis_if_tx_tuser,
    input  wire [IF_COUNT*PTP_TS_WIDTH-1:0] s_axis_if_tx_cpl_ts,
    input  wire [IF_COUNT*TX_TAG_WIDTH-1:0] s_axis_if_tx_cpl_tag,
    input  wire [IF_COUNT-1:0] s_axis_if_tx_cpl_valid,
    output wire [IF_COUNT-1:0] s_axis_if_tx_cpl_ready,
    output wire [IF_COUNT*PTP_TS_WIDTH-1:0] m_axis_if_tx_cpl_ts,
    output wire [IF_COUNT*TX_TAG_WIDTH-1:0] m_axis_if_tx_cpl_tag,
    output wire [IF_COUNT-1:0] m_axis_if_tx_cpl_valid,
    input  wire [IF_COUNT-1:0] m_axis_if_tx_cpl_ready,
    input  wire [IF_COUNT*AXIS_IF_DATA_WIDTH-1:0] s_axis_if_rx_tdata,
    input  wire [IF_COUNT*AXIS_IF_KEEP_WIDTH-1:0] s_axis_if_rx_tkeep,
    input  wire [IF_COUNT-1:0] s_axis_if_rx_tvalid,
    output wire [IF_COUNT-1:0] s_axis_if_rx_tready,
    input  wire [IF_COUNT-1:0] s_axis_if_rx_tlast,
    input  wire [IF_COUNT*AXIS_IF_RX_ID_WIDTH-1:0] s_axis_if_rx_tid,
    input  wire [IF_COUNT*AXIS_IF_RX_DEST_WIDTH-1:0] s_axis_if_rx_tdest,
    input  wire [IF_COUNT*AXIS_IF_RX_USER_WIDTH-1:0] s_axis_if_rx_tuser,
    output wire [IF_COUNT*AXIS_IF_DATA_WIDTH-1:0] m_axis_if_rx_tdata,
    output wire [IF_COUNT*AXIS_IF_KEEP_WIDTH-1:0] m_axis_if_rx_tkeep,
    output wire [IF_COUNT-1:0] m_axis_if_rx_tvalid,
    input  wire [IF_COUNT-1:0] m_axis_if_rx_tready,
    output wire [IF_COUNT-1:0] m_axis_if_rx_tlast,
    output wire [IF_COUNT*AXIS_IF_RX_ID_WIDTH-1:0] m_axis_if_rx_tid,
    output wire [IF_COUNT*AXIS_IF_RX_DEST_WIDTH-1:0] m_axis_if_rx_tdest,
    output wire [IF_COUNT*AXIS_IF_RX_USER_WIDTH-1:0] m_axis_if_rx_tuser,
    // DDR memory
    input  wire [DDR_CH-1:0] ddr_clk, ddr_rst,
    output wire [DDR_CH*AXI_DDR_ID_WIDTH-1:0] m_axi_ddr_awid,
    output wire [DDR_CH*AXI_DDR_ADDR_WIDTH-1:0] m_axi_ddr_awaddr,
    output wire [DDR_CH*8-1:0] m_axi_ddr_awlen,
    output wire [DDR_CH*3-1:0] m_axi_ddr_awsize,
    output wire [DDR_CH*2-1:0] m_axi_ddr_awburst,
    output wire [DDR_CH-1:0] m_axi_ddr_awlock,
    output wire [DDR_CH*4-1:0] m_axi_ddr_awcache,
    output wire [DDR_CH*3-1:0] m_axi_ddr_awprot,
    output wire [DDR_CH*4-1:0] m_axi_ddr_awqos,
    output wire [DDR_CH*AXI_DDR_AWUSER_WIDTH-1:0] m_axi_ddr_awuser,
    output wire [DDR_CH-1:0] m_axi_ddr_awvalid,
    input  wire [DDR_CH-1:0] m_axi_ddr_awready,
    output wire [DDR_CH*AXI_DDR_DATA_WIDTH-1:0] m_axi_ddr_wdata,
    output wire [DDR_CH*AXI_DDR_STRB_WIDTH-1:0] m_axi_ddr_wstrb,
    output wire [DDR_CH-1:0] m_axi_ddr_wlast,
    output wire [DDR_CH*AXI_DDR_WUSER_WIDTH-1:0] m_axi_ddr_wuser,
    output wire [DDR_CH-1:0] m_axi_ddr_wvalid,
    input  wire [DDR_CH-1:0] m_axi_ddr_wready,
    input  wire [DDR_CH*AXI_DDR_ID_WIDTH-1:0] m_axi_ddr_bid,
    input  wire [DDR_CH*2-1:0] m_axi_ddr_bresp,
    input  wire [DDR_CH*AXI_DDR_BUSER_WIDTH-1:0] m_axi_ddr_buser,
    input  wire [DDR_CH-1:0] m_axi_ddr_bvalid,
    output wire [DDR_CH-1:0] m_axi_ddr_bready,
    output wire [DDR_CH*AXI_DDR_ID_WIDTH-1:0] m_axi_ddr_arid,
    output wire [DDR_CH*AXI_DDR_ADDR_WIDTH-1:0] m_axi_ddr_araddr,
    output wire [DDR_CH*8-1:0] m_axi_ddr_arlen,
    output wire [DDR_CH*3-1:0] m_axi_ddr_arsize,
    output wire [DDR_CH*2-1:0] m_axi_ddr_arburst,
    output wire [DDR_CH-1:0] m_axi_ddr_arlock,
    output wire [DDR_CH*4-1:0] m_axi_ddr_arcache,
    output wire [DDR_CH*3-1:0] m_axi_ddr_arprot,
    output wire [DDR_CH*4-1:0] m_axi_ddr_arqos,
    output wire [DDR_CH*AXI_DDR_ARUSER_WIDTH-1:0] m_axi_ddr_aruser,
    output wire [DDR_CH-1:0] m_axi_ddr_arvalid,
    input  wire [DDR_CH-1:0] m_axi_ddr_arready,
    input  wire [DDR_CH*AXI_DDR_ID_WIDTH-1:0] m_axi_ddr_rid,
    input  wire [DDR_CH*AXI_DDR_DATA_WIDTH-1:0] m_axi_ddr_rdata,
    input  wire [DDR_CH*2-1:0] m_axi_ddr_rresp,
    input  wire [DDR_CH-1:0] m_axi_ddr_rlast,
    input  wire [DDR_CH*AXI_DDR_RUSER_WIDTH-1:0] m_axi_ddr_ruser,
    input  wire [DDR_CH-1:0] m_axi_ddr_rvalid,
    output wire [DDR_CH-1:0] m_axi_ddr_rready,
    input  wire [DDR_CH-1:0] ddr_status,
    // HBM memory
    input  wire [HBM_CH-1:0] hbm_clk, hbm_rst,
    output wire [HBM_CH*AXI_HBM_ID_WIDTH-1:0] m_axi_hbm_awid,
    output wire [HBM_CH*AXI_HBM_ADDR_WIDTH-1:0] m_axi_hbm_awaddr,
    output wire [HBM_CH*8-1:0] m_axi_hbm_awlen,
    output wire [HBM_CH*3-1:0] m_axi_hbm_awsize,
    output wire [HBM_CH*2-1:0] m_axi_hbm_awburst,
    output wire [HBM_CH-1:0] m_axi_hbm_awlock,
    output wire [HBM_CH*4-1:0] m_axi_hbm_awcache,
    output wire [HBM_CH*3-1:0] m_axi_hbm_awprot,
    output wire [HBM_CH*4-1:0] m_axi_hbm_awqos,
    output wire [HBM_CH*AXI_HBM_AWUSER_WIDTH-1:0] m_axi_hbm_awuser,
    output wire [HBM_CH-1:0] m_axi_hbm_awvalid,
    input  wire [HBM_CH-1:0] m_axi_hbm_awready,
    output wire [HBM_CH*AXI_HBM_DATA_WIDTH-1:0] m_axi_hbm_wdata,
    output wire [HBM_CH*AXI_HBM_STRB_WIDTH-1:0] m_axi_hbm_wstrb,
    output wire [HBM_CH-1:0] m_axi_hbm_wlast,
    output wire [HBM_CH*AXI_HBM_WUSER_WIDTH-1:0] m_axi_hbm_wuser,
    output wire [HBM_CH-1:0] m_axi_hbm_wvalid,
    input  wire [HBM_CH-1:0] m_axi_hbm_wready,
    input  wire [HBM_CH*AXI_HBM_ID_WIDTH-1:0] m_axi_hbm_bid,
    input  wire [HBM_CH*2-1:0] m_axi_hbm_bresp,
    input  wire [HBM_CH*AXI_HBM_BUSER_WIDTH-1:0] m_axi_hbm_buser,
    input  wire [HBM_CH-1:0] m_axi_hbm_bvalid,
    output wire [HBM_CH-1:0] m_axi_hbm_bready,
    output wire [HBM_CH*AXI_HBM_ID_WIDTH-1:0] m_axi_hbm_arid,
    output wire [HBM_CH*AXI_HBM_ADDR_WIDTH-1:0] m_axi_hbm_araddr,
    output wire [HBM_CH*8-1:0] m_axi_hbm_arlen,
    output wire [HBM_CH*3-1:0] m_axi_hbm_arsize,
    output wire [HBM_CH*2-1:0] m_axi_hbm_arburst,
    output wire [HBM_CH-1:0] m_axi_hbm_arlock,
    output wire [HBM_CH*4-1:0] m_axi_hbm_arcache,
    output wire [HBM_CH*3-1:0] m_axi_hbm_arprot,
    output wire [HBM_CH*4-1:0] m_axi_hbm_arqos,
    output wire [HBM_CH*AXI_HBM_ARUSER_WIDTH-1:0] m_axi_hbm_aruser,
    output wire [HBM_CH-1:0] m_axi_hbm_arvalid,
    input  wire [HBM_CH-1:0] m_axi_hbm_arready,
    input  wire [HBM_CH*AXI_HBM_ID_WIDTH-1:0] m_axi_hbm_rid,
    input  wire [HBM_CH*AXI_HBM_DATA_WIDTH-1:0] m_axi_hbm_rdata,
    input  wire [HBM_CH*2-1:0] m_axi_hbm_rresp,
    input  wire [HBM_CH-1:0] m_axi_hbm_rlast,
    input  wire [HBM_CH*AXI_HBM_RUSER_WIDTH-1:0] m_axi_hbm_ruser,
    input  wire [HBM_CH-1:0] m_axi_hbm_rvalid,
    output wire [HBM_CH-1:0] m_axi_hbm_rready,
    input  wire [HBM_CH-1:0] hbm_status,
    // statistics, pins
    output wire [STAT_INC_WIDTH-1:0] m_axis_stat_tdata,
    output wire [STAT_ID_WIDTH-1:0] m_axis_stat_tid,
    output wire m_axis_stat_tvalid,
    input  wire m_axis_stat_tready,
    input  wire [APP_GPIO_IN_WIDTH-1:0] gpio_in,
    output wire [APP_GPIO_OUT_WIDTH-1:0] gpio_out,
    input  wire jtag_tdi,
    output wire jtag_tdo,
    input  wire jtag_tms, jtag_tck
);
    localparam WORD_W = AXIS_SYNC_RX_USER_WIDTH > 1 ? AXIS_SYNC_RX_USER_WIDTH - 1 : 1;

    generate
        if (PORT_COUNT < 1 || PORT_COUNT > 16 || PORT_COUNT != IF_COUNT * PORTS_PER_IF || APP_ID != 32'h534c_0001
            || APP_AXIS_SYNC_ENABLE == 0 || AXIS_SYNC_DATA_WIDTH != 512 || AXIS_SYNC_RX_USER_WIDTH > 97
            || AXIS_SYNC_TX_USER_WIDTH != TX_TAG_WIDTH + 1 || AXIL_APP_CTRL_DATA_WIDTH != 32
            || AXIL_APP_CTRL_ADDR_WIDTH < 17 || MAX_RX_SIZE > `SPEC_PKT_MAX_BYTES) begin : g_illegal
            mqnic_app_block_illegal_parameter u_stop ();
        end
    endgenerate

    // --- straight on
    assign {m_axis_direct_tx_tdata, m_axis_direct_tx_tkeep, m_axis_direct_tx_tvalid, m_axis_direct_tx_tlast,
        m_axis_direct_tx_tuser} =
        {s_axis_direct_tx_tdata, s_axis_direct_tx_tkeep, s_axis_direct_tx_tvalid, s_axis_direct_tx_tlast, s_axis_direct_tx_tuser};
    assign s_axis_direct_tx_tready = m_axis_direct_tx_tready;
    assign {m_axis_direct_tx_cpl_ts, m_axis_direct_tx_cpl_tag, m_axis_direct_tx_cpl_valid} =
        {s_axis_direct_tx_cpl_ts, s_axis_direct_tx_cpl_tag, s_axis_direct_tx_cpl_valid};
    assign s_axis_direct_tx_cpl_ready = m_axis_direct_tx_cpl_ready;
    assign {m_axis_direct_rx_tdata, m_axis_direct_rx_tkeep, m_axis_direct_rx_tvalid, m_axis_direct_rx_tlast,
        m_axis_direct_rx_tuser} =
        {s_axis_direct_rx_tdata, s_axis_direct_rx_tkeep, s_axis_direct_rx_tvalid, s_axis_direct_rx_tlast, s_axis_direct_rx_tuser};
    assign s_axis_direct_rx_tready = m_axis_direct_rx_tready;
    assign {m_axis_if_tx_tdata, m_axis_if_tx_tkeep, m_axis_if_tx_tvalid, m_axis_if_tx_tlast, m_axis_if_tx_tuser, m_axis_if_tx_tid,
        m_axis_if_tx_tdest} =
        {s_axis_if_tx_tdata, s_axis_if_tx_tkeep, s_axis_if_tx_tvalid, s_axis_if_tx_tlast, s_axis_if_tx_tuser, s_axis_if_tx_tid,
        s_axis_if_tx_tdest};
    assign s_axis_if_tx_tready = m_axis_if_tx_tready;
    assign {m_axis_if_tx_cpl_ts, m_axis_if_tx_cpl_tag, m_axis_if_tx_cpl_valid} =
        {s_axis_if_tx_cpl_ts, s_axis_if_tx_cpl_tag, s_axis_if_tx_cpl_valid};
    assign s_axis_if_tx_cpl_ready = m_axis_if_tx_cpl_ready;
    assign {m_axis_if_rx_tdata, m_axis_if_rx_tkeep, m_axis_if_rx_tvalid, m_axis_if_rx_tlast, m_axis_if_rx_tuser, m_axis_if_rx_tid,
        m_axis_if_rx_tdest} =
        {s_axis_if_rx_tdata, s_axis_if_rx_tkeep, s_axis_if_rx_tvalid, s_axis_if_rx_tlast, s_axis_if_rx_tuser, s_axis_if_rx_tid,
        s_axis_if_rx_tdest};
    assign s_axis_if_rx_tready = m_axis_if_rx_tready;
    assign jtag_tdo = jtag_tdi;

    // --- left alone
    assign {m_axil_ctrl_awaddr, m_axil_ctrl_awprot, m_axil_ctrl_awvalid, m_axil_ctrl_wdata, m_axil_ctrl_wstrb, m_axil_ctrl_wvalid,
        m_axil_ctrl_bready, m_axil_ctrl_araddr, m_axil_ctrl_arprot, m_axil_ctrl_arvalid, m_axil_ctrl_rready,
        m_axis_ctrl_dma_read_desc_dma_addr, m_axis_ctrl_dma_read_desc_ram_sel, m_axis_ctrl_dma_read_desc_ram_addr,
        m_axis_ctrl_dma_read_desc_len, m_axis_ctrl_dma_read_desc_tag, m_axis_ctrl_dma_read_desc_valid,
        m_axis_ctrl_dma_write_desc_dma_addr, m_axis_ctrl_dma_write_desc_ram_sel, m_axis_ctrl_dma_write_desc_ram_addr,
        m_axis_ctrl_dma_write_desc_imm, m_axis_ctrl_dma_write_desc_imm_en, m_axis_ctrl_dma_write_desc_len,
        m_axis_ctrl_dma_write_desc_tag, m_axis_ctrl_dma_write_desc_valid, m_axis_data_dma_read_desc_dma_addr,
        m_axis_data_dma_read_desc_ram_sel, m_axis_data_dma_read_desc_ram_addr, m_axis_data_dma_read_desc_len,
        m_axis_data_dma_read_desc_tag, m_axis_data_dma_read_desc_valid, m_axis_data_dma_write_desc_dma_addr,
        m_axis_data_dma_write_desc_ram_sel, m_axis_data_dma_write_desc_ram_addr, m_axis_data_dma_write_desc_imm,
        m_axis_data_dma_write_desc_imm_en, m_axis_data_dma_write_desc_len, m_axis_data_dma_write_desc_tag,
        m_axis_data_dma_write_desc_valid, ctrl_dma_ram_wr_cmd_ready, ctrl_dma_ram_wr_done, ctrl_dma_ram_rd_cmd_ready,
        ctrl_dma_ram_rd_resp_data, ctrl_dma_ram_rd_resp_valid, data_dma_ram_wr_cmd_ready, data_dma_ram_wr_done,
        data_dma_ram_rd_cmd_ready, data_dma_ram_rd_resp_data, data_dma_ram_rd_resp_valid, m_axi_ddr_awid, m_axi_ddr_awaddr,
        m_axi_ddr_awlen, m_axi_ddr_awsize, m_axi_ddr_awburst, m_axi_ddr_awlock, m_axi_ddr_awcache, m_axi_ddr_awprot,
        m_axi_ddr_awqos, m_axi_ddr_awuser, m_axi_ddr_awvalid, m_axi_ddr_wdata, m_axi_ddr_wstrb, m_axi_ddr_wlast, m_axi_ddr_wuser,
        m_axi_ddr_wvalid, m_axi_ddr_bready, m_axi_ddr_arid, m_axi_ddr_araddr, m_axi_ddr_arlen, m_axi_ddr_arsize,
        m_axi_ddr_arburst, m_axi_ddr_arlock, m_axi_ddr_arcache, m_axi_ddr_arprot, m_axi_ddr_arqos, m_axi_ddr_aruser,
        m_axi_ddr_arvalid, m_axi_ddr_rready, m_axi_hbm_awid, m_axi_hbm_awaddr, m_axi_hbm_awlen, m_axi_hbm_awsize,
        m_axi_hbm_awburst, m_axi_hbm_awlock, m_axi_hbm_awcache, m_axi_hbm_awprot, m_axi_hbm_awqos, m_axi_hbm_awuser,
        m_axi_hbm_awvalid, m_axi_hbm_wdata, m_axi_hbm_wstrb, m_axi_hbm_wlast, m_axi_hbm_wuser, m_axi_hbm_wvalid, m_axi_hbm_bready,
        m_axi_hbm_arid, m_axi_hbm_araddr, m_axi_hbm_arlen, m_axi_hbm_arsize, m_axi_hbm_arburst, m_axi_hbm_arlock,
        m_axi_hbm_arcache, m_axi_hbm_arprot, m_axi_hbm_arqos, m_axi_hbm_aruser, m_axi_hbm_arvalid, m_axi_hbm_rready,
        m_axis_stat_tdata, m_axis_stat_tid, m_axis_stat_tvalid, gpio_out} = 0;

    // --- packets
    wire [PORT_COUNT-1:0]              rx_error;
    wire [WORD_W*PORT_COUNT-1:0]       rx_word;
    wire [WORD_W*PORT_COUNT-1:0]       host_word;
    wire [16*PORT_COUNT-1:0]           host_len;
    wire [PORT_COUNT-1:0]              own;
    wire [AXIS_SYNC_TX_USER_WIDTH*PORT_COUNT-1:0] sent_word;
    wire [16*PORT_COUNT-1:0]           own_len;
    wire [4*PORT_COUNT-1:0]            own_from;
    genvar g;

    generate
        for (g = 0; g < PORT_COUNT; g = g + 1) begin : g_port
            localparam RX = AXIS_SYNC_RX_USER_WIDTH * g;
            localparam TX = AXIS_SYNC_TX_USER_WIDTH * g;
            assign rx_error[g] = s_axis_sync_rx_tuser[RX];
            if (AXIS_SYNC_RX_USER_WIDTH > 1) begin : g_time
                assign rx_word[WORD_W*g +: WORD_W] = s_axis_sync_rx_tuser[RX+1 +: WORD_W];
                assign m_axis_sync_rx_tuser[RX +: WORD_W + 1] = {host_word[WORD_W*g +: WORD_W], 1'b0};
            end else begin : g_no_time
                assign rx_word[g] = 1'b0;
                assign m_axis_sync_rx_tuser[RX] = 1'b0;
            end
            assign m_axis_sync_tx_tuser[TX +: AXIS_SYNC_TX_USER_WIDTH] =
                own[g] ? {1'b1, {TX_TAG_WIDTH{1'b0}}} : sent_word[TX +: AXIS_SYNC_TX_USER_WIDTH];
            // completions of the program's packets go no further
            wire mine = s_axis_sync_tx_cpl_tag[TX_TAG_WIDTH*g+TX_TAG_WIDTH-1];
            assign m_axis_sync_tx_cpl_valid[g] = s_axis_sync_tx_cpl_valid[g] && !mine;
            assign s_axis_sync_tx_cpl_ready[g] = m_axis_sync_tx_cpl_ready[g] || mine;
        end
    endgenerate
    assign m_axis_sync_tx_cpl_ts = s_axis_sync_tx_cpl_ts;
    assign m_axis_sync_tx_cpl_tag = s_axis_sync_tx_cpl_tag;

    wire [AXIL_APP_CTRL_ADDR_WIDTH+2:0] awaddr = {3'd0, s_axil_app_ctrl_awaddr};
    wire [AXIL_APP_CTRL_ADDR_WIDTH+2:0] araddr = {3'd0, s_axil_app_ctrl_araddr};

    shell_bump #(.PORTS(PORT_COUNT), .WORD_W(WORD_W), .SENT_W(AXIS_SYNC_TX_USER_WIDTH)) u_bump (
        .clk(clk), .rst(rst), .s_rx_data_i(s_axis_sync_rx_tdata), .s_rx_keep_i(s_axis_sync_rx_tkeep),
        .s_rx_valid_i(s_axis_sync_rx_tvalid), .s_rx_ready_o(s_axis_sync_rx_tready),
        .s_rx_last_i(s_axis_sync_rx_tlast), .s_rx_error_i(rx_error), .s_rx_word_i(rx_word),
        .m_rx_data_o(m_axis_sync_rx_tdata), .m_rx_keep_o(m_axis_sync_rx_tkeep), .m_rx_valid_o(m_axis_sync_rx_tvalid),
        .m_rx_ready_i(m_axis_sync_rx_tready), .m_rx_last_o(m_axis_sync_rx_tlast), .m_rx_len_o(host_len),
        .m_rx_word_o(host_word), .s_tx_data_i(s_axis_sync_tx_tdata), .s_tx_keep_i(s_axis_sync_tx_tkeep),
        .s_tx_valid_i(s_axis_sync_tx_tvalid), .s_tx_ready_o(s_axis_sync_tx_tready),
        .s_tx_last_i(s_axis_sync_tx_tlast), .s_tx_word_i(s_axis_sync_tx_tuser), .m_tx_data_o(m_axis_sync_tx_tdata),
        .m_tx_keep_o(m_axis_sync_tx_tkeep), .m_tx_valid_o(m_axis_sync_tx_tvalid),
        .m_tx_ready_i(m_axis_sync_tx_tready), .m_tx_last_o(m_axis_sync_tx_tlast), .m_tx_own_o(own),
        .m_tx_word_o(sent_word), .m_tx_len_o(own_len), .m_tx_from_o(own_from),
        .s_axil_awaddr(awaddr[19:0]), .s_axil_awvalid(s_axil_app_ctrl_awvalid),
        .s_axil_awready(s_axil_app_ctrl_awready), .s_axil_wdata(s_axil_app_ctrl_wdata),
        .s_axil_wstrb(s_axil_app_ctrl_wstrb), .s_axil_wvalid(s_axil_app_ctrl_wvalid),
        .s_axil_wready(s_axil_app_ctrl_wready), .s_axil_bresp(s_axil_app_ctrl_bresp),
        .s_axil_bvalid(s_axil_app_ctrl_bvalid), .s_axil_bready(s_axil_app_ctrl_bready),
        .s_axil_araddr(araddr[19:0]), .s_axil_arvalid(s_axil_app_ctrl_arvalid),
        .s_axil_arready(s_axil_app_ctrl_arready), .s_axil_rdata(s_axil_app_ctrl_rdata),
        .s_axil_rresp(s_axil_app_ctrl_rresp), .s_axil_rvalid(s_axil_app_ctrl_rvalid),
        .s_axil_rready(s_axil_app_ctrl_rready));

    wire unused = &{1'b0, s_axil_app_ctrl_awprot, s_axil_app_ctrl_arprot, m_axil_ctrl_awready, m_axil_ctrl_wready,
        m_axil_ctrl_bresp, m_axil_ctrl_bvalid, m_axil_ctrl_arready, m_axil_ctrl_rdata, m_axil_ctrl_rresp, m_axil_ctrl_rvalid,
        m_axis_ctrl_dma_read_desc_ready, s_axis_ctrl_dma_read_desc_status_tag, s_axis_ctrl_dma_read_desc_status_error,
        s_axis_ctrl_dma_read_desc_status_valid, m_axis_ctrl_dma_write_desc_ready, s_axis_ctrl_dma_write_desc_status_tag,
        s_axis_ctrl_dma_write_desc_status_error, s_axis_ctrl_dma_write_desc_status_valid, m_axis_data_dma_read_desc_ready,
        s_axis_data_dma_read_desc_status_tag, s_axis_data_dma_read_desc_status_error, s_axis_data_dma_read_desc_status_valid,
        m_axis_data_dma_write_desc_ready, s_axis_data_dma_write_desc_status_tag, s_axis_data_dma_write_desc_status_error,
        s_axis_data_dma_write_desc_status_valid, ctrl_dma_ram_wr_cmd_sel, ctrl_dma_ram_wr_cmd_be, ctrl_dma_ram_wr_cmd_addr,
        ctrl_dma_ram_wr_cmd_data, ctrl_dma_ram_wr_cmd_valid, ctrl_dma_ram_rd_cmd_sel, ctrl_dma_ram_rd_cmd_addr,
        ctrl_dma_ram_rd_cmd_valid, ctrl_dma_ram_rd_resp_ready, data_dma_ram_wr_cmd_sel, data_dma_ram_wr_cmd_be,
        data_dma_ram_wr_cmd_addr, data_dma_ram_wr_cmd_data, data_dma_ram_wr_cmd_valid, data_dma_ram_rd_cmd_sel,
        data_dma_ram_rd_cmd_addr, data_dma_ram_rd_cmd_valid, data_dma_ram_rd_resp_ready, ptp_clk, ptp_rst, ptp_sample_clk,
        ptp_td_sd, ptp_pps, ptp_pps_str, ptp_sync_locked, ptp_sync_ts_rel, ptp_sync_ts_rel_step, ptp_sync_ts_tod,
        ptp_sync_ts_tod_step, ptp_sync_pps, ptp_sync_pps_str, ptp_perout_locked, ptp_perout_error, ptp_perout_pulse,
        direct_tx_clk, direct_tx_rst, direct_rx_clk, direct_rx_rst, ddr_clk, ddr_rst, m_axi_ddr_awready, m_axi_ddr_wready,
        m_axi_ddr_bid, m_axi_ddr_bresp, m_axi_ddr_buser, m_axi_ddr_bvalid, m_axi_ddr_arready, m_axi_ddr_rid, m_axi_ddr_rdata,
        m_axi_ddr_rresp, m_axi_ddr_rlast, m_axi_ddr_ruser, m_axi_ddr_rvalid, ddr_status, hbm_clk, hbm_rst, m_axi_hbm_awready,
        m_axi_hbm_wready, m_axi_hbm_bid, m_axi_hbm_bresp, m_axi_hbm_buser, m_axi_hbm_bvalid, m_axi_hbm_arready, m_axi_hbm_rid,
        m_axi_hbm_rdata, m_axi_hbm_rresp, m_axi_hbm_rlast, m_axi_hbm_ruser, m_axi_hbm_rvalid, hbm_status, m_axis_stat_tready,
        gpio_in, jtag_tms, jtag_tck, awaddr, araddr, host_len, own_len, own_from, host_word, sent_word};
endmodule
`default_nettype wire
