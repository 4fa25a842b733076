#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Benches of the VLIW core's device. usage: run.sh [BENCH ...]: directed, units, tokens, limit, hold, random; all without an argument.
# Environment: WORK (scratch folder), SEED (replays one), LONG=1 for many more random programs, PARAMETERS of sluice_dut,
# such as "-GSLOT_W=5", MODEL_OPT (default -O1).
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../../.." && pwd)
own_work=
[ -n "${WORK:-}" ] || own_work=$(mktemp -d)
WORK=${WORK:-$own_work}
[ -z "$own_work" ] || trap 'rm -rf "$own_work"' EXIT
cc=${CC:-cc}
cxx=${CXX:-$(command -v clang++-19 || command -v clang++ || command -v g++)}
vroot=$(verilator --getenv VERILATOR_ROOT)/include
benches=${*:-directed units tokens limit hold random}
failures=0

cd "$ROOT"
mkdir -p "$WORK"
top="--top-module sluice_dut ${PARAMETERS:-}"
rm -rf "$WORK/obj"
mkdir -p "$WORK/obj"
verilator --cc $top --prefix Vsluice_dut -Mdir "$WORK/obj" -O3 -fno-const-bit-op-tree --x-assign fast \
    --x-initial fast -Wno-fatal -Wno-lint -Wno-style --output-split 20000 -I. -y hw/rtl/common \
    -y hw/rtl/axis -y hw/rtl/core -y hw/rtl/map -y hw/rtl/csr -y hw/rtl/top hw/rtl/top/*_dut.v \
    >"$WORK/log" 2>&1 || { cat "$WORK/log"; echo "FAIL core verilator"; exit 1; }
cxx_flags="${MODEL_OPT:--O1} -w -I$vroot -I$vroot/vltstd -I$WORK/obj -I. -DVM_TRACE=0 -DVM_SC=0 -DVM_COVERAGE=0"
objects=
# Verilator's headers take longer than each of its files.
for unit in "$WORK"/obj/*.cpp; do
    echo "#include \"$unit\""
done >"$WORK/obj/all.cc"
for unit in "$WORK/obj/all.cc" "$vroot/verilated.cpp" "$vroot/verilated_threads.cpp" sim/model.cpp; do
    object=$WORK/obj/$(basename "$unit").o
    $cxx $cxx_flags -c "$unit" -o "$object" || { echo "FAIL core compile"; exit 1; }
    objects="$objects $object"
done
for unit in tests/rtl/core/bench tests/rtl/core/maps tests/rtl/core/program tests/rtl/core/program_map \
    compiler/microcode/encode compiler/microcode/model; do
    object=$WORK/obj/$(basename "$unit").c.o
    $cc -std=c11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Wshadow -I. -c "$unit.c" -o "$object"
    objects="$objects $object"
done

run() { # BENCH SEED [ARGUMENT ...]
    bench=$1
    shift
    if ! "$WORK/$bench" "$@" >"$WORK/out" 2>&1; then
        failures=$((failures + 1))
        grep -q '^FAIL' "$WORK/out" || echo "FAIL $bench seed $1: $(tail -1 "$WORK/out")"
    fi
    cat "$WORK/out"
}

for bench in $benches; do
    $cc -std=c11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Wshadow -I. -c "tests/rtl/core/$bench.c" \
        -o "$WORK/obj/$bench.c.o"
    $cxx -o "$WORK/$bench" "$WORK/obj/$bench.c.o" $objects -pthread -latomic
    for seed in ${SEED:-1 795278875}; do
        if [ "$bench" = random ]; then
            run random "$seed" ${LONG:+1000 200}
        else
            run "$bench" "$seed"
        fi
    done
done
[ "$failures" = 0 ]
