#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Benches of hw/rtl/pipe. usage: run.sh [PART_OF_A_NAME]; environment: WORK (scratch folder), SEED, LONG.
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../../.." && pwd)
own_work=
[ -n "${WORK:-}" ] || own_work=$(mktemp -d)
WORK=${WORK:-$own_work}
[ -z "$own_work" ] || trap 'rm -rf "$own_work"' EXIT
ONLY=${1:-}
. "$HERE/bench.sh"
runtime

run() {
    if wanted "$1"; then
        bench "$1" "$HERE/$2" "$3" "$4"
    fi
}

run pipe_fifo_1x2 fifo pipe_fifo "WIDTH=1 DEPTH=2"
run pipe_fifo_40x16 fifo pipe_fifo "WIDTH=40 DEPTH=16"
run pipe_fifo_512x64 fifo pipe_fifo "WIDTH=512 DEPTH=64"
run pipe_call_1 call pipe_call "STATE_W=32 REQ_W=32 RESP_W=32 DEPTH=1"
run pipe_call_8 call pipe_call "STATE_W=32 REQ_W=32 RESP_W=32 DEPTH=8"
run pipe_arb_1 arb pipe_arb "PORTS=1 REQ_W=24 RESP_W=24 TAG_W=1"
run pipe_arb_5 arb pipe_arb "PORTS=5 REQ_W=24 RESP_W=24 TAG_W=3"
run pipe_lock_1 lock pipe_lock "STATE_W=32 KEY_W=9 DEPTH=1"
run pipe_lock_6 lock pipe_lock "STATE_W=32 KEY_W=9 DEPTH=6"
run pipe_mul mul pipe_mul "STATE_W=16"
run pipe_div div pipe_div "STATE_W=16"
run alu_table alu alu_table ""
run pipe_ingress_64 ingress pipe_ingress "WINDOW_BYTES=64 WHOLE=0"
run pipe_ingress_192 ingress pipe_ingress "WINDOW_BYTES=192 WHOLE=0"
run pipe_ingress_64_whole ingress pipe_ingress "WINDOW_BYTES=64 WHOLE=1"
run pipe_ingress_192_whole ingress pipe_ingress "WINDOW_BYTES=192 WHOLE=1"
run pipe_payload_4 payload pipe_payload "DEPTH=4 TAG_W=3"
run pipe_payload_64 payload pipe_payload "DEPTH=64 TAG_W=3"
run pipe_egress_64_0 egress pipe_egress "WINDOW_BYTES=64 HEAD_BYTES=0"
run pipe_egress_128_64 egress pipe_egress "WINDOW_BYTES=128 HEAD_BYTES=64"
run pipe_egress_256_256 egress pipe_egress "WINDOW_BYTES=256 HEAD_BYTES=256"
run pipe_egress_64_0_64 egress pipe_egress "WINDOW_BYTES=64 HEAD_BYTES=0 EVENT_BYTES=64"
run pipe_egress_128_256_1024 egress pipe_egress "WINDOW_BYTES=128 HEAD_BYTES=256 EVENT_BYTES=1024"

if wanted icarus; then
    iverilog -g2005 -Wall -I"$ROOT" -y "$ROOT/hw/rtl/common" -y "$ROOT/hw/rtl/map" -y "$ROOT/hw/rtl/pipe" -o "$WORK/icarus" \
        "$HERE/icarus/tb_icarus.v"
    vvp "$WORK/icarus" | tee "$WORK/icarus.log"
    grep -q '^PASS' "$WORK/icarus.log" || failures=$((failures + 1))
fi

[ "$failures" = 0 ]
