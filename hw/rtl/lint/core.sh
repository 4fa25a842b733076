#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Lints the core's device (hw/rtl/core, axis, csr, common, top) over a matrix of parameters: Verilator with all warnings,
# Icarus as Verilog-2005, and Yosys, which must find every memory of the core. There are no waivers.
set -u
cd "$(dirname "$0")/../../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
count=0
folders="-I. -y hw/rtl/common -y hw/rtl/axis -y hw/rtl/core -y hw/rtl/map -y hw/rtl/csr -y hw/rtl/top"

# Icarus tells that a process waits for a whole array; the map engines have such processes.
allowed='is sensitive to all'
. hw/rtl/lint/functions.sh

lint sluice_dut
lint sluice_dut SLOT_W=3 ROWS=64 VMEM_BYTES=65536 HASH_ENTRIES=256 HASH_BUCKETS=128 LPM_ENTRIES=256 LPM_BUCKETS=64 LPM_CELLS=128
lint sluice_dut SLOT_W=5 ROWS=1024 VMEM_BYTES=1048576 HASH_ENTRIES=4096 HASH_BUCKETS=2048
lint sluice_dut EXT_LINES=1024
lint sluice_dut CORES=2 SLOT_W=3 ROWS=64
lint core_top EXT=1
# each number of slots with each of rows, and either with events and without
for slots in 3 4 5 6; do
    lint core_top SLOT_W=$slots ROWS=2 EVENTS=$((slots % 2))
    lint core_top SLOT_W=$slots ROWS=4096 EVENTS=$(((slots + 1) % 2))
done
lint core_hold CORES=1
lint core_hold CORES=8
lint csr_block KIND=1 STAGES=4096 HAS_PROGRAM=1
lint csr_block KIND=2 STAGES=31 HAS_PROGRAM=0
lint core_div UNITS=1
lint core_div UNITS=8
refuses core_div UNITS=9
refuses core_top SLOT_W=2
refuses core_top SLOT_W=7
refuses core_top EXT=2
refuses core_top ROWS=8192
refuses core_top ROWS=100
refuses csr_block KIND=3
refuses sluice_dut CORES=3
refuses sluice_dut CORES=16

# Yosys takes the registers as they are: no loop index that two blocks share, no latch, no second driver.
for kind in 1 2; do
    check "yosys csr_block KIND=$kind" yosys -q -p "read_verilog -I. hw/rtl/csr/csr_block.v;
        chparam -set KIND $kind -set HAS_PROGRAM $((2 - kind)) csr_block; hierarchy -check -top csr_block; proc;
        select -assert-none t:\$dlatch; check -assert"
done

for cores in 2 4; do
    check "yosys core_ring CORES=$cores" yosys -q -p "read_verilog -I. hw/rtl/core/core_ring.v; chparam -set CORES $cores core_ring;
        hierarchy -check -top core_ring; proc; select -assert-none t:\$dlatch; check -assert"
    for module in core_share core_dispatch core_collect; do
        check "yosys $module CORES=$cores" yosys -q -p "read_verilog -I. hw/rtl/common/fifo_small.v hw/rtl/common/ram_lut.v hw/rtl/core/$module.v;
            chparam -set CORES $cores -set CORE_W $((cores / 2)) $module; hierarchy -check -top $module; proc;
            select -assert-none t:\$dlatch; check -assert"
    done
done

# 24 banks of packet memory, 2 of the stack, 4 register banks, key and value words, program memory: none dissolved into
# flip-flops.
count=$((count + 1))
yosys -p "read_verilog -I. hw/rtl/common/*.v hw/rtl/axis/*.v hw/rtl/core/*.v; chparam -set ROWS 64 -set SLOT_W 3 core_top;
    hierarchy -check -top core_top; proc; flatten; opt -fast; memory -nomap; select -assert-min 55 t:\$mem_v2" \
    >"$work/log" 2>&1 || { tail -5 "$work/log"; echo "FAIL lint yosys core_top"; failures=$((failures + 1)); }
if grep -q '^Warning' "$work/log"; then
    grep '^Warning' "$work/log"
    echo "FAIL lint yosys core_top: warnings"
    failures=$((failures + 1))
fi

[ "$failures" = 0 ] || exit 1
echo "PASS lint core: $count checks"
