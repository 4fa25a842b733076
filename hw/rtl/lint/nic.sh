#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Lints the NIC around the program slot (hw/rtl/nic, dma, top/sluice_nic) over a matrix of parameters: Verilator with all warnings,
# Icarus as Verilog-2005, and Yosys, which must find RAM where RAM is meant and nothing that two blocks drive. There are no waivers.
set -u
cd "$(dirname "$0")/../../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
count=0
folders="-I. -y tests/rtl/nic -y hw/rtl/common -y hw/rtl/pipe -y hw/rtl/nic -y hw/rtl/dma -y hw/rtl/top"

. hw/rtl/lint/functions.sh

lint sluice_nic
lint sluice_nic PORTS=4 RX_QUEUES=16 TX_QUEUES=9 TARGETS=8
lint sluice_nic PORTS=1 RX_QUEUES=1 TX_QUEUES=1 TARGETS=1 AHEAD=64 RX_BEATS=1024 DMA_BEATS=256 INSIDE=64
refuses turn_next SOURCES=3
refuses nic_frame_fifo DEPTH=100
refuses nic_merge PORTS=17
refuses nic_verdict TARGETS=65
refuses nic_path WORD_W=40
refuses nic_path SHELL=1 WORD_W=97
refuses dma_address MASTERS=17
refuses dma_ring DEPTH=33
refuses dma_rx RINGS=1
refuses dma_tx AHEAD=16
refuses dma_tx PORTS=17
refuses nic_csr RX_QUEUES=65
refuses nic_csr_rings RINGS=66
refuses nic_counters COUNT=1024

# The stores are RAM, and the tables that no one reads all at once.
synthesises sluice_nic 8 "hw/rtl/common/*.v hw/rtl/pipe/pipe_fifo.v hw/rtl/nic/*.v hw/rtl/dma/*.v hw/rtl/top/sluice_nic.v" \
    "-set PORTS 1 -set RX_QUEUES 1 -set TX_QUEUES 1 -set TARGETS 1"

[ "$failures" = 0 ] || exit 1
echo "PASS lint nic: $count checks"
