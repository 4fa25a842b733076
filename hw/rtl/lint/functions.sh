# SPDX-License-Identifier: BSD-3-Clause
# What the linters share; sourced by scripts that are in the root, have set `work` and `folders`, and count in `count` and
# `failures`. `waived` are options of Verilator, `allowed` is what a line of a tool may tell.

check() { # NAME COMMAND ...
    name=$1
    shift
    count=$((count + 1))
    if ! "$@" >"$work/log" 2>&1 || grep -v "${allowed:-^$}" "$work/log" | grep -q -i 'warning\|error'; then
        head -30 "$work/log"
        echo "FAIL lint $name"
        failures=$((failures + 1))
    fi
}

lint() { # MODULE PARAMETER=VALUE ...
    module=$1
    shift
    generics= icarus=
    for p in "$@"; do
        generics="$generics -G$p"
        icarus="$icarus -P$module.$p"
    done
    file=$(find hw/rtl -name "$module.v")
    # shellcheck disable=SC2086
    check "verilator $module $*" verilator --lint-only -Wall ${waived:-} $generics --top-module "$module" $folders "$file"
    # shellcheck disable=SC2086
    check "iverilog $module $*" iverilog -g2005 -Wall $icarus -o "$work/out" -s "$module" $folders "$file"
}

refuses() { # MODULE PARAMETER=VALUE ...
    count=$((count + 1))
    module=$1
    shift
    generics=
    for p in "$@"; do
        generics="$generics -G$p"
    done
    # shellcheck disable=SC2086
    if verilator --lint-only $generics --top-module "$module" $folders "$(find hw/rtl -name "$module.v")" >"$work/log" 2>&1; then
        echo "FAIL lint $module takes $*"
        failures=$((failures + 1))
    fi
}

# The tool that synthesises: nothing is driven twice, nothing is a latch, RAM is RAM.
synthesises() { # MODULE RAMS FILES PARAMETERS (as chparam takes them)
    count=$((count + 1))
    yosys -p "read_verilog -I. $3; read_verilog -I. -lib tests/rtl/nic/sluice_dut.v; chparam $4 $1; hierarchy -check -top $1; proc;
        select -assert-none t:\$dlatch; check -assert; memory_collect; select -assert-min $2 t:\$mem_v2" >"$work/log" 2>&1 || {
        tail -5 "$work/log"
        echo "FAIL lint yosys $1"
        failures=$((failures + 1))
    }
    if grep '^Warning' "$work/log"; then
        echo "FAIL lint yosys $1: warnings"
        failures=$((failures + 1))
    fi
}
