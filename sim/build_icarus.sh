#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Turns Verilog with a module sluice_dut into a file for Icarus' vvp, with the bench of sim/icarus.c around it.
#
# usage: build_icarus.sh ROOT OUT.vvp WORK_DIR FILE.v ...
set -eu
root=$1 out=$2
shift 3
rtl=$root/hw/rtl
iverilog -g2005 -s icarus_bench -o "$out.$$" -I"$root" -I"$root/hw/spec/gen" -y "$rtl/common" -y "$rtl/axis" \
    -y "$rtl/core" -y "$rtl/map" -y "$rtl/pipe" -y "$rtl/csr" "$root/sim/icarus_bench.v" "$@"
mv "$out.$$" "$out"
