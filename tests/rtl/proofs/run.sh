#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Proofs about the RTL, by Yosys and abc: what a block does is what a module of hw/rtl/formal says, for all inputs.
# usage: run.sh [PART_OF_A_NAME]; environment: WORK (scratch folder), BUILD (the build folder), LONG (all forms of expressions: hours).
#
# Three kinds, each printed with its line:
#   equal       a function of its inputs (registers of a pipeline become wires): equivalent for all of them (abc &cec)
#   induction   a property of all reachable states, at any time
#   bounded N   a property of the first N clocks after reset, whatever happens in them
# Each proof has a negative control: the block with one operator flipped must fail it.
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../../.." && pwd)
own_work=
[ -n "${WORK:-}" ] || own_work=$(mktemp -d)
WORK=${WORK:-$own_work}
[ -z "$own_work" ] || trap 'rm -rf "$own_work"' EXIT
ONLY=${1:-}
failures=0
core=hw/rtl/core
pipe=hw/rtl/pipe
cd "$ROOT"
mkdir -p "$WORK/mutant"

# All inputs of a combinational design: 0 proved, 1 refuted, 2 neither.
decide_equal() { # TOP CHPARAM SOURCES
    yosys -q -p "read_verilog -I. $3; $2 hierarchy -check -top $1; proc; flatten; opt_expr; opt_dff -nosdff; opt_clean;
        techmap -map tests/rtl/proofs/transparent.v; opt -fast; check -assert; techmap; opt_clean;
        setundef -anyseq; aigmap; write_aiger $WORK/proof.aig" >"$WORK/log" 2>&1 || return 2
    yosys-abc -c "&r $WORK/proof.aig; &cec -m" >>"$WORK/log" 2>&1 || return 2
    ! grep -q 'Networks are equivalent' "$WORK/log" || return 0
    ! grep -q 'NOT EQUIVALENT' "$WORK/log" || return 1
    return 2
}

# A property good_o of a clocked design, while given_o holds.
decide_clocked() { # TOP CHPARAM SOURCES OPTIONS
    rm -f "$WORK/log"
    yosys -q -l "$WORK/log" -p "read_verilog -I. $3; $2 hierarchy -check -top $1; proc; flatten; memory -nordff; opt -fast;
        opt_dff -nosdff -nodffe; sat -verify -tempinduct -prove good_o 1 -seq 1 -show-inputs $4 $1" >/dev/null 2>&1 && return 0
    ! grep -q 'proof did fail' "$WORK/log" || return 1
    return 2
}

decide() { # KIND TOP CHPARAM SOURCES OPTIONS
    case $1 in
    equal) decide_equal "$2" "$3" "$4" ;;
    induction) decide_clocked "$2" "$3" "$4" "-maxsteps 2 -set-at 1 rst 1 $5" ;;
    bounded*) decide_clocked "$2" "$3" "$4" "-tempinduct-baseonly -maxsteps ${1#bounded } -set-at 1 rst 1 $5" ;;
    esac
}

# NAME KIND TOP CHPARAM "FILES" OPTIONS FILE SED: FILE is flipped by SED for the negative control.
prove() {
    name=$1 kind=$2 top=$3 chparam=$4 files=$5 options=$6 flipped=$7 sed=$8
    case $name in
    *"$ONLY"*) ;;
    *) return 0 ;;
    esac
    files="hw/rtl/formal/$top.v $files"
    [ -z "$chparam" ] || chparam="chparam $chparam $top;"
    code=0
    decide "$kind" "$top" "$chparam" "$files" "$options" || code=$?
    if [ $code != 0 ]; then
        tail -60 "$WORK/log"
        if [ $code = 1 ]; then echo "FAIL proof of $name: refuted"; else echo "FAIL proof of $name: no answer"; fi
        failures=$((failures + 1))
        return 0
    fi
    mutant=$WORK/mutant/$(basename "$flipped")
    sed "$sed" "$flipped" >"$mutant"
    code=0
    decide "$kind" "$top" "$chparam" "$(echo "$files" | sed "s|$flipped|$mutant|")" "$options" || code=$?
    if cmp -s "$flipped" "$mutant" || [ $code != 1 ]; then
        tail -20 "$WORK/log"
        echo "FAIL proof of $name: not refuted by $sed in $flipped"
        failures=$((failures + 1))
        return 0
    fi
    echo "PASS proof of $name ($kind)"
}

offer=hw/rtl/formal/formal_offer.v

# Integers count and are compared with narrow signals in what is proved; nothing is built from it.
lint() {
    for file in hw/rtl/formal/*.v; do
        top=$(basename "$file" .v)
        folders="-I. -y hw/rtl/formal -y $core -y $pipe -y hw/rtl/axis -y hw/rtl/map -y hw/rtl/common"
        # shellcheck disable=SC2086
        verilator --lint-only -Wall -Wno-WIDTH -Wno-UNUSED -Wno-CMPCONST -Wno-PINCONNECTEMPTY --top-module "$top" $folders "$file" \
            >"$WORK/log" 2>&1 && iverilog -g2005 -Wall -s "$top" -o "$WORK/out" $folders "$file" >"$WORK/log" 2>&1 &&
            ! grep -v 'is sensitive to all' "$WORK/log" | grep -q . || {
            cat "$WORK/log"
            echo "FAIL lint of $top"
            failures=$((failures + 1))
        }
    done
    [ "$failures" != 0 ] || echo "PASS lint of hw/rtl/formal"
}

case lint in
*"$ONLY"*) lint ;;
esac

# What the pipeline generator writes for operations, many in one program (expressions.py).
prove_expressions() {
    cc -std=c11 -D_GNU_SOURCE -I. -o "$WORK/pipeline" tests/rtl/proofs/pipeline.c tests/common/text_file.c \
        "${BUILD:-build}/libsluice_compiler.a"
    rm -rf "$WORK/expressions"
    /usr/bin/python3 tests/rtl/proofs/expressions.py "$WORK/expressions" ${LONG:+--all}
    for program in "$WORK"/expressions/*.ir; do
        name=${program%.ir}
        "$WORK/pipeline" "$program" >"$name.dut.v"
        code=0
        decide_equal formal_expressions "" "$name.v $name.dut.v" || code=$?
        if [ $code != 0 ]; then
            output=$(sed -n 's/.*[Oo]utput \([0-9]*\) .*/\1/p; s/.*number \([0-9]*\)).*/\1/p' "$WORK/log" | head -1)
            tail -5 "$WORK/log"
            echo "FAIL proof of expressions: code $code, program $(basename "$name")," \
                "$(grep 'bytes of it$' "$name.v" | sed -n "$((${output:-0} + 1))p")"
            failures=$((failures + 1))
        fi
    done
    name=$(grep -l '^    wire .* >= ' "$WORK"/expressions/*.dut.v | head -1)
    sed '0,/^    wire .* >= / s/^\(    wire .*\) >= /\1 > /' "$name" >"$WORK/mutant/expressions.v"
    code=0
    decide_equal formal_expressions "" "${name%.dut.v}.v $WORK/mutant/expressions.v" || code=$?
    if [ $code = 1 ]; then
        echo "PASS proof of expressions (equal), $(cat "$WORK"/expressions/*.v | grep -c 'bytes of it$') operations"
    else
        echo "FAIL proof of expressions: not refuted with another comparison"
        failures=$((failures + 1))
    fi
}

case expressions in
*"$ONLY"*) prove_expressions ;;
esac

# --- the core against the tables
prove lane_alu equal formal_lane_alu "" "$core/core_lane_alu.v" "" \
    "$core/core_lane_alu.v" 's/SPEC_ALU_SGT: true4 = !less4/SPEC_ALU_SGT: true4 = less4/'
prove lane equal formal_lane "" "$core/core_lane.v $core/core_lane_alu.v" "" \
    "$core/core_lane.v" 's/{48{imm3_q\[15\]}}/48'"'"'d0/'
prove bytes_load equal formal_bytes_load "-set ROW_W 2" "$core/core_bytes_load.v" "" \
    "$core/core_bytes_load.v" 's/end4 > 5/end4 >= 5/; s/row4 + 1/row4 - 1/'
prove bytes_load_2 equal formal_bytes_load "-set BANKS 2 -set ROW_W 5" "$core/core_bytes_load.v" "" \
    "$core/core_bytes_load.v" 's/swapped7 >> {pad7/swapped7 << {pad7/'
prove bytes_store equal formal_bytes_store "-set ROW_W 2" "$core/core_bytes_store.v" "" \
    "$core/core_bytes_store.v" "s/8'hff >> pad4/8'hff << pad4/"
prove bytes_store_2 equal formal_bytes_store "-set BANKS 2 -set ROW_W 5" "$core/core_bytes_store.v" "" \
    "$core/core_bytes_store.v" 's/data4_i} << /data4_i} >> /'
prove branch equal formal_branch "" "$core/core_branch.v" "" \
    "$core/core_branch.v" 's/i = 3; i >= 0; i = i - 1/i = 0; i < 4; i = i + 1/'

# --- the map's value memory against the table of atomics
prove rmw "bounded 6" formal_rmw "" "hw/rtl/map/map_vmem_lane.v hw/rtl/map/map_bank.v" "-set given_o 1 -set-init-zero" \
    hw/rtl/map/map_vmem_lane.v 's/s3_write_q && s3_write_word_q == s1_read_word_q/1'"'"'b0/'

# --- streams
prove fifo_offer induction formal_fifo "-set WIDTH 8 -set DEPTH 16 -set ORDER 0" "$offer $pipe/pipe_fifo.v" "" \
    "$pipe/pipe_fifo.v" 's/if (out_free)/if (1)/'
prove fifo "bounded 14" formal_fifo "" "$offer $pipe/pipe_fifo.v" "" \
    "$pipe/pipe_fifo.v" 's/push \&\& out_free \&\& ram_empty/push \&\& out_free/'
prove arb "bounded 12" formal_arb "" "$offer $pipe/pipe_arb.v" "-set given_o 1" \
    "$pipe/pipe_arb.v" 's/held_q  *<= m_valid_o \&\& !m_ready_i/held_q <= 0/'
prove lock "bounded 10" formal_lock "" "$offer $pipe/pipe_lock.v" "-set given_o 1" \
    "$pipe/pipe_lock.v" 's/s_take_i \&\& |match/s_take_i \&\& \&match/'
prove lock_3 "bounded 9" formal_lock "-set DEPTH 3" "$offer $pipe/pipe_lock.v" "-set given_o 1" \
    "$pipe/pipe_lock.v" 's/head_q == LAST/tail_q == LAST/'
prove call "bounded 8" formal_call "" "$offer $pipe/pipe_call.v $pipe/pipe_fifo.v" "-set given_o 1" \
    "$pipe/pipe_call.v" 's/leave \&\& state_call)/leave)/'
prove ingress induction formal_packets "-set BLOCK 0" "$offer $pipe/pipe_ingress.v" "" \
    "$pipe/pipe_ingress.v" 's/whole || window_free/whole || !window_free/'
prove egress_align induction formal_packets "-set BLOCK 1" "$offer $pipe/pipe_egress_align.v" "" \
    "$pipe/pipe_egress_align.v" 's/m_free    = !m_valid_q || /m_free = m_valid_q || /'
prove axis_egress induction formal_packets "-set BLOCK 2" "$offer hw/rtl/axis/axis_egress.v" "" \
    hw/rtl/axis/axis_egress.v 's/c_ready = !m_valid_q || /c_ready = m_valid_q || /'

[ "$failures" = 0 ]
