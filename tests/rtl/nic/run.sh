#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Benches of the NIC around an echo slot. usage: run.sh [PART_OF_A_NAME]; environment: WORK (scratch folder), SEED.
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../../.." && pwd)
own_work=
[ -n "${WORK:-}" ] || own_work=$(mktemp -d)
WORK=${WORK:-$own_work}
[ -z "$own_work" ] || trap 'rm -rf "$own_work"' EXIT
ONLY=${1:-}
. "$ROOT/tests/rtl/pipe/bench.sh"
runtime
! wanted nic_counters || bench nic_counters "$HERE/counters" nic_counters "COUNT=3"
parameters="PORTS=2 RX_QUEUES=4 TX_QUEUES=4"
generics= macros=
for p in $parameters; do
    generics="$generics -G$p" macros="$macros -DP_${p%%=*}=${p#*=}"
done
cd "$ROOT"

build() { # NAME OPTIONS of Verilator: a bench of that name
    obj=$WORK/$1
    mkdir -p "$obj"
    # shellcheck disable=SC2086
    verilator --cc --top-module sluice_nic --prefix Vtop -Mdir "$obj" -O3 -fno-const-bit-op-tree -Wno-fatal -Wno-lint -Wno-style -I. -y hw/rtl/common \
        -y hw/rtl/pipe -y hw/rtl/nic -y hw/rtl/dma $generics $2 -y tests/rtl/nic hw/rtl/top/sluice_nic.v >"$obj/log" 2>&1 || {
        cat "$obj/log"
        echo "FAIL $1 verilator"
        exit 1
    }
    for f in "$obj"/*.cpp; do
        echo "#include \"$(basename "$f")\""
    done >"$obj/all.cc"
    # shellcheck disable=SC2086
    $cxx $cxx_flags $macros -I"$obj" -I"$HERE" -x c++ "$obj/all.cc" "$HERE/bench.cpp" "$HERE/world.cpp" "$HERE/mapdma.cpp" "$HERE/order.cpp" -x none \
        "$WORK/runtime/verilated.o" "$WORK/runtime/verilated_threads.o" -pthread -o "$obj/bench" >"$obj/log" 2>&1 || {
        head -40 "$obj/log"
        echo "FAIL $1 compile"
        exit 1
    }
}

scenarios="random starve errors reset rings registers wrap overload rss pace mapdma order"
build nic ""
for scenario in $scenarios; do
    wanted "nic_$scenario" || continue
    for seed in ${SEED:-1 2}; do
        "$obj/bench" "$seed" "$scenario" >"$obj/out" 2>&1 || {
            grep -q '^FAIL' "$obj/out" || echo "FAIL nic_$scenario seed=$seed"
            failures=$((failures + 1))
        }
        cat "$obj/out"
    done
done

# Parts whose clock rests (clock_gate): the same to the clock.
if wanted nic_gates; then
    build gates -DSLUICE_CLOCK_GATES
    before=$failures
    for scenario in $scenarios; do
        for bench in nic gates; do
            "$WORK/$bench/bench" "${SEED:-3}" "$scenario" >"$WORK/$bench/out" 2>&1 || :
        done
        cmp -s "$WORK/nic/out" "$WORK/gates/out" || {
            echo "FAIL nic_gates: with clocks that rest"
            cat "$WORK/gates/out"
            failures=$((failures + 1))
        }
    done
    [ "$failures" != "$before" ] || echo "PASS nic_gates: clocks that rest change nothing"
fi

if wanted lint; then
    sh "$ROOT/hw/rtl/lint/nic.sh" || failures=$((failures + 1))
fi

[ "$failures" = 0 ]
