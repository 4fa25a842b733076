#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Lints the wrappers for other shells (hw/rtl/shell): Verilator with all warnings, Icarus as Verilog-2005, and Yosys. One waiver:
# their lists of parameters are those shells', and most of them mean nothing here.
set -u
cd "$(dirname "$0")/../../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
count=0
folders="-I. -y tests/rtl/nic -y hw/rtl/common -y hw/rtl/pipe -y hw/rtl/nic -y hw/rtl/shell"
waived=-Wno-UNUSEDPARAM
cores="-I. -y hw/rtl/common -y hw/rtl/pipe -y hw/rtl/nic -y hw/rtl/shell -y hw/rtl/core -y hw/rtl/map -y hw/rtl/csr -y hw/rtl/axis -y hw/rtl/top"
. hw/rtl/lint/functions.sh

lint mqnic_app_block
lint mqnic_app_block IF_COUNT=2 PTP_TS_ENABLE=0 AXIL_APP_CTRL_ADDR_WIDTH=17
lint mqnic_app_block PORTS_PER_IF=2 DDR_CH=2 HBM_CH=4
lint box_250mhz
lint box_250mhz NUM_PHYS_FUNC=2 NUM_CMAC_PORT=2
for board in au55n au55c au50 au280; do
    # shellcheck disable=SC2086
    check "verilator box_250mhz for $board" verilator --lint-only -Wall $waived "-D__${board}__" --top-module box_250mhz $folders \
        hw/rtl/shell/box_250mhz.v
done
refuses mqnic_app_block AXIS_DATA_WIDTH=64
refuses mqnic_app_block "APP_ID=32'h12340001"
refuses mqnic_app_block AXIL_APP_CTRL_ADDR_WIDTH=16
refuses mqnic_app_block APP_AXIS_SYNC_ENABLE=0
refuses mqnic_app_block PTP_TS_WIDTH=128
refuses box_250mhz USE_PHYS_FUNC=0
refuses box_250mhz NUM_PHYS_FUNC=2
refuses box_250mhz NUM_QDMA=2
refuses box_250mhz MAX_PKT_LEN=9600
refuses shell_bump PORTS=17
refuses shell_bump WORD_W=97
refuses shell_axil_cross ADDR_W=0

bump="; read_verilog -I. -lib hw/rtl/shell/shell_bump.v"
synthesises mqnic_app_block 0 "hw/rtl/shell/mqnic_app_block.v$bump" ""
synthesises box_250mhz 0 "hw/rtl/shell/box_250mhz.v hw/rtl/shell/shell_axil_cross.v$bump" ""
synthesises shell_bump 8 "hw/rtl/common/*.v hw/rtl/pipe/pipe_fifo.v hw/rtl/nic/*.v hw/rtl/shell/shell_bump.v" "-set TARGETS 1 -set PORTS 1"

# With the core instead of the benches' slot.
for top in mqnic_app_block box_250mhz; do
    # shellcheck disable=SC2086
    check "iverilog $top with the core" iverilog -g2005 -Wall -o "$work/out" -s "$top" $cores "hw/rtl/shell/$top.v"
done

[ "$failures" = 0 ] || exit 1
echo "PASS lint shell: $count checks"
