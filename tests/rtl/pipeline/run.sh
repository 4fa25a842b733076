#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Generated pipelines in simulation beside the IR's evaluator, and past the linters.
# usage: run.sh [PART_OF_A_NAME]; environment: WORK (scratch folder), SEED, LONG (all programs, more random ones).
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../../.." && pwd)
own_work=
[ -n "${WORK:-}" ] || own_work=$(mktemp -d)
WORK=${WORK:-$own_work}
[ -z "$own_work" ] || trap 'rm -rf "$own_work"' EXIT
ONLY=${1:-}
SEED=${SEED:-1}
LONG=${LONG:-}
status=0

cc -std=c11 -D_GNU_SOURCE -O1 -I"$ROOT" -o "$WORK/bench" "$HERE"/*.c "$ROOT/tests/common/soft_maps.c" "$ROOT/host/ctl/softmap.c" \
    "$ROOT"/nic_runtime/maps/*.c "$ROOT"/compiler/pipeline/*.c "$ROOT"/compiler/base/*.c \
    "$ROOT/compiler/ir/ir.c" "$ROOT"/compiler/ir/parse*.c "$ROOT/compiler/ir/check.c" "$ROOT/compiler/ir/memory.c" "$ROOT/compiler/ir/eval.c" \
    "$ROOT/compiler/ir/print.c" "$ROOT/compiler/ir/pointers.c" -ldl

libraries="-I$ROOT -I$ROOT/hw/spec/gen -y $ROOT/hw/rtl/common -y $ROOT/hw/rtl/map -y $ROOT/hw/rtl/pipe -y $ROOT/hw/rtl/csr"

# The three readers of Verilog must take the file; Verilator without a word.
lint() {
    # shellcheck disable=SC2086
    verilator --lint-only -Wall --top-module sluice_dut $libraries "$2" >"$WORK/lint" 2>&1 &&
        iverilog -g2005 -s sluice_dut -o "$WORK/icarus.vvp" $libraries "$2" >>"$WORK/lint" 2>&1 || {
        echo "FAIL $1 lint"
        head -20 "$WORK/lint"
        status=1
    }
}

bench() {
    case $1 in *"$ONLY"*) ;; *) return 0 ;; esac
    mkdir -p "$WORK/$1"
    if "$WORK/bench" "$ROOT" "$WORK/$1" "$2" "$SEED" "${3:-200}" >"$WORK/out" 2>"$WORK/err"; then
        cat "$WORK/out"
        lint "$1" "$WORK/$1/sluice_dut.v"
    else
        echo "FAIL $1 $SEED"
        tail -30 "$WORK/err"
        status=1
    fi
    rm -rf "${WORK:?}/$1"
}

for file in "$ROOT"/tests/text/ir/*.ir "$ROOT"/tests/text/pipeline/*.ir; do
    name=$(basename "$file" .ir)
    if grep -q '^; expect error' "$file"; then
        continue
    fi
    case $name in
    array_rmw | hash_insert | lru_insert | hash_delete | head_and_tail | run_time_offset | divide | loops_nested | far_read | any_map | events | unit_bucket) bench "$name" "$file" ;;
    *) [ -z "$LONG" ] || bench "$name" "$file" ;;
    esac
done
last=$((SEED + 1))
[ -z "$LONG" ] || last=$((SEED + 30))
for seed in $(seq "$SEED" "$last"); do
    bench "random$seed" "random:$seed"
done

if [ -z "$ONLY" ]; then
    "$WORK/bench" "$ROOT" - "$ROOT/tests/text/pipeline/hash_insert.ir" verilog >"$WORK/sluice_dut.v"
    if yosys -q -p "read_verilog -I$ROOT -I$ROOT/hw/spec/gen $WORK/sluice_dut.v; \
hierarchy -check -top sluice_dut -libdir $ROOT/hw/rtl/common -libdir $ROOT/hw/rtl/map -libdir $ROOT/hw/rtl/pipe \
-libdir $ROOT/hw/rtl/csr; proc; check -assert sluice_dut" >"$WORK/lint" 2>&1; then
        echo "PASS yosys"
    else
        echo "FAIL yosys"
        tail -20 "$WORK/lint"
        status=1
    fi
fi
exit $status
