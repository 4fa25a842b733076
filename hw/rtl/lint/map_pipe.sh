#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Lints hw/rtl/map and hw/rtl/pipe over a matrix of parameters: Verilator with all warnings, Icarus as Verilog-2005,
# and Yosys, which must find block RAM where RAM is meant. There are no waivers.
set -u
cd "$(dirname "$0")/../../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
count=0

folders="-I. -y hw/rtl/common -y hw/rtl/map -y hw/rtl/pipe"

. hw/rtl/lint/functions.sh

# MODULE PARAMETERS (as chparam options) LEAST-BLOCK-RAMS MOST-FLIP-FLOPS. The cells are counted when the memories have been mapped, to
# flip-flops if nothing else fits: what comes after that takes a third of the time and makes flip-flops fewer, if anything.
synth() {
    count=$((count + 1))
    yosys -q -p "read_verilog -I. hw/rtl/common/*.v hw/rtl/map/*.v hw/rtl/pipe/*.v; hierarchy -check -top $1 $2;
        synth_xilinx -top $1 -flatten -run begin:fine; memory_map; tee -o $work/stat stat -width" >"$work/log" 2>&1
    awk -v least="$3" -v most="$4" '/RAMB(18|36)E1/ {ram += $2} /^ *\$[a-z]*dff[a-z]*_[0-9]+ / {n = split($1, part, "_"); ff += $2 * part[n]}
        END {exit !(ram >= least && ff <= most && ff > 0)}' "$work/stat" || {
        cat "$work/stat"
        echo "FAIL synth $1 $2"
        failures=$((failures + 1))
    }
}

lint map_vmem BYTES=32
lint map_vmem BYTES=4194304 TAG_W=6 B_WAIT=64
lint map_ext
lint map_ext LINES=16
lint map_ext LINES=65536
lint map_vmem_ext
lint map_vmem_ext LINES=16 TAG_W=5 B_WAIT=0
lint map_rows ROWS=4 WORDS=1
lint map_rows ROWS=1024 WORDS=3 IN_W=130 OUT_W=65 B_WAIT=16
lint map_rows ROWS=65536 WORDS=8
lint map_hash
lint map_hash MAPS=32 KEY_BYTES=64 VALUE_BYTES=256 ENTRIES=65536 BUCKETS=32768 TAG_W=4
lint map_hash MAPS=3 KEY_BYTES=1 VALUE_BYTES=24 ENTRIES=2 BUCKETS=2 FP_BITS=1
lint map_hash KEY_BYTES=40 ENTRIES=1001 BUCKETS=4096
lint map_hash MAPS=3 KEY_BYTES=9 VALUE_BYTES=16 ENTRIES=300 BUCKETS=128 LRU=1
lint map_lru
lint map_lru MAPS=32 ENTRIES=65536 EW=16
lint map_hash_far
lint map_hash_far MAPS=32 KEY_BYTES=64 VALUE_BYTES=256 TAG_W=4 LRU_ENTRIES=1048576
lint map_hash_far MAPS=3 KEY_BYTES=5 VALUE_BYTES=24 FP_BITS=1 SLOTS=1 LRU_ENTRIES=100
lint map_lpm_pick
lint map_lpm_pick BITS=480
lint map_lpm_filter
lint map_lpm_filter MAPS=32 BITS=480 CELLS=65536
lint map_lpm_ring
lint map_lpm_ring BITS=480 SLOTS_W=5 TAG_W=4
lint map_lpm
lint map_lpm MAPS=32 KEY_BYTES=20 VALUE_BYTES=256 ENTRIES=16384 BUCKETS=8192 CELLS=4096 TAG_W=4
lint map_lpm KEY_BYTES=64
lint map_lpm MAPS=3 KEY_BYTES=5 ENTRIES=300 BUCKETS=128 CELLS=16
lint map_keys
lint map_keys MAPS=32 LPM_ENTRIES=1024 LPM_CELLS=4096
lint map_keys MAPS=32 FAR=1 FAR_LRU=4096
lint map_axi_join
lint map_mailbox
lint map_mailbox HAS_HASH=0
lint map_mailbox KEY_BYTES=64 VALUE_BYTES=256
lint pipe_fifo
lint pipe_fifo WIDTH=1 DEPTH=2
lint pipe_fifo WIDTH=513 DEPTH=1024
lint pipe_payload
lint pipe_payload DEPTH=4
lint pipe_payload DEPTH=65536 TAG_W=5
lint pipe_call
lint pipe_call STATE_W=1 REQ_W=1 RESP_W=1 DEPTH=1
lint pipe_call STATE_W=2000 REQ_W=200 RESP_W=65 DEPTH=100
lint pipe_arb PORTS=1
lint pipe_arb PORTS=5 REQ_W=100 RESP_W=64 TAG_W=3
lint pipe_lock DEPTH=1
lint pipe_lock STATE_W=1000 KEY_W=512 DEPTH=20
lint pipe_lock KEY_W=1 DEPTH=16
lint pipe_mul
lint pipe_div STATE_W=1
lint pipe_div STATE_W=900
for window in 64 128 256; do
    lint pipe_ingress WINDOW_BYTES=$window
    lint pipe_ingress WINDOW_BYTES=$window WHOLE=1
    for head in 0 64 256; do
        lint pipe_egress WINDOW_BYTES=$window HEAD_BYTES=$head
    done
done
for events in 64 192 4096; do
    lint pipe_egress HEAD_BYTES=64 EVENT_BYTES=$events
done

refuses map_vmem BYTES=48
refuses map_ext LINES=8
refuses map_ext LINES=1000
refuses map_rows ROWS=24
refuses map_rows WORDS=9
refuses map_hash KEY_BYTES=65
refuses map_hash VALUE_BYTES=12
refuses map_hash_far SLOTS=8
refuses map_hash_far FP_BITS=16
refuses map_lpm KEY_BYTES=4
refuses map_lpm KEY_BYTES=65
refuses map_lpm CELLS=48
refuses map_mailbox KEY_BYTES=0
refuses pipe_fifo DEPTH=12
refuses pipe_payload DEPTH=2
refuses pipe_payload DEPTH=320
refuses pipe_arb PORTS=3
refuses pipe_ingress WINDOW_BYTES=96
refuses pipe_egress HEAD_BYTES=320
refuses pipe_egress EVENT_BYTES=96
refuses pipe_egress EVENT_BYTES=4160

synth map_vmem "-chparam BYTES 65536" 16 3000
synth map_ext "" 16 9000
synth map_vmem_ext "" 16 9000
synth map_hash "-chparam KEY_BYTES 16 -chparam VALUE_BYTES 16 -chparam ENTRIES 4096 -chparam BUCKETS 2048" 20 4000
synth map_hash_far "-chparam SLOTS 2 -chparam LRU_ENTRIES 4096" 4 5000
synth map_lpm "-chparam KEY_BYTES 8 -chparam ENTRIES 1024 -chparam BUCKETS 1024 -chparam CELLS 4096" 20 5000
synth pipe_payload "-chparam DEPTH 512" 30 1500
synth pipe_fifo "-chparam WIDTH 513 -chparam DEPTH 1024" 15 1500

[ "$failures" = 0 ] && echo "PASS lint_map_pipe: $count checks"
