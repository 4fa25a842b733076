#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Turns Verilog with a module sluice_dut into a shared object for the simulation (model.h), with --nic one with the NIC around it
# (nic_model.h).
#
# usage: build_model.sh ROOT OUT.so WORK_DIR [--trace] [--opt LEVEL] [--nic] [--cores N] [--runtime DIR] FILE.v ...
#   N         VLIW cores in the slot: of a NIC 4 unless given, else 1; several have no external memory
#   ROOT      the repository (for hw/ and sim/)
#   WORK_DIR  scratch folder, and where Verilator's own objects are kept between runs unless DIR, or RUNTIME_DIR in the environment,
#             names another folder for those
# RTL_FIRST in the environment names a folder whose modules take the place of those of the same name in hw/rtl, for tests; VERILATOR_OPTIONS
# are more options, MODEL_OPT takes the place of LEVEL: a model that runs for some thousand clocks only is there sooner with -O0.
set -eu
absolute() { case $1 in /*) echo "$1" ;; *) echo "$PWD/$1" ;; esac; }
root=$(absolute "$1") out=$(absolute "$2") work=$(absolute "$3")
shift 3
trace= opt=-O2 top=sluice_dut wrapper=model.cpp rows=-DSLUICE_TRACE cores= runtime=$work/runtime
while [ $# -gt 0 ]; do
    case $1 in
    --trace) trace=--trace-fst ;;
    --opt) shift; opt=$1 ;;
    --cores) shift; cores=$1 ;;
    --runtime) shift; runtime=$1 ;;
    --nic) top=sluice_nic wrapper=nic_model.cpp rows= ;;
    *) break ;;
    esac
    shift
done
opt=${MODEL_OPT:-$opt}
need() { # COMMAND TEXT: stops, naming what is missing
    command -v "$1" >/dev/null || { echo "$2 is not in PATH; ./dev build installs it" >&2; exit 1; }
}
need verilator "Verilator (verilator)"
cxx=${CXX:-$(command -v clang++-19 || command -v clang++ || command -v g++ || echo c++)}
need "${cxx%% *}" "a C++ compiler (${CXX:-clang++ or g++})"
vroot=$(verilator --getenv VERILATOR_ROOT)
runtime=$(absolute "${RUNTIME_DIR:-$runtime}")
flags="-std=c++17 -fPIC -I$root -I$vroot/include -I$vroot/include/vltstd -DVM_SC=0 -w -faligned-new -fbracket-depth=4096"
case $cxx in *g++*) case $cxx in *clang*) ;; *) flags=${flags% -fbracket-depth=4096} ;; esac ;; esac
mkdir -p "$work" "$runtime"
pids=
trap 'rm -rf "$work/obj"' EXIT
# Stopped, also because the process that wants the model has ended: nothing stays.
# shellcheck disable=SC2086
trap 'trap "" INT TERM HUP; kill $pids 2>/dev/null || :; wait; rm -rf "$work/obj" "$out.$$" "$runtime"/*.$$ "$work/sluice_dut.v" \
    "$work/build.log" "$work/verilator.log"; rmdir "$work" 2>/dev/null; exit 1' INT TERM HUP

# Verilator's runtime, compiled once; the names say which flags it was built with.
runtime_object() {
    src=$1 obj=$runtime/$2.o
    if [ ! -e "$obj" ]; then
        # shellcheck disable=SC2086
        $cxx $flags $4 -O2 -DVM_TRACE=$3 -DVM_TRACE_FST=$3 -DVM_COVERAGE=0 -c "$vroot/include/$src" -o "$obj.$$"
        mv "$obj.$$" "$obj"
    fi
    objects="$objects $obj"
}

# One core has external memory here, which the simulation serves.
core=
case $* in *hw/rtl/top/sluice_dut.v*) core=-GEXT_LINES=$(sed -n 's/^.define SPEC_CORE_EXT_LINES //p' "$root/hw/spec/gen/sluice_spec.vh") ;; esac
case $top$cores in *[0-9]) [ "$top$cores" = sluice_dut1 ] || core=-DSLUICE_CORES=$cores ;; esac
# A pipeline whose maps all lie on the chip has no port to external memory, which the NIC then ends itself.
[ $top != sluice_nic ] || grep -q m_axi_araddr "$1" || core=-DSLUICE_SLOT_NO_MEMORY
several=
case "$1 $cores" in *sluice_nic.v\ 1 | *sluice_dut.v\  | *sluice_dut.v\ 1) ;; *sluice_nic.v* | *sluice_dut.v*) several=$root/sim/model_cores.vlt ;; esac
rm -rf "$work/obj"
# shellcheck disable=SC2086
# Verilator 5.006 simplifies trees of bit operations wrongly now and then (verilator issues 4059, 4832, 4842), so that pass is off.
verilator --cc --top-module $top --prefix V$top -Mdir "$work/obj" -O3 -fno-const-bit-op-tree \
    -DSLUICE_CLOCK_GATES $rows --x-assign fast --x-initial fast --noassert -Wno-fatal -Wno-lint -Wno-style $trace \
    $core --output-split 20000 --output-split-cfuncs 2000 \
    -I"$root" -I"$root/hw/spec/gen" ${RTL_FIRST:+-y "$RTL_FIRST"} ${VERILATOR_OPTIONS:-} -y "$root/hw/rtl/common" -y "$root/hw/rtl/axis" \
    -y "$root/hw/rtl/core" -y "$root/hw/rtl/map" -y "$root/hw/rtl/pipe" -y "$root/hw/rtl/csr" \
    -y "$root/hw/rtl/nic" -y "$root/hw/rtl/dma" -y "$root/hw/rtl/top" $several "$@" >"$work/verilator.log" 2>&1 || { cat "$work/verilator.log" >&2; exit 1; }
traced=0 libs=
objects=
if [ -n "$trace" ]; then
    traced=1 libs=-lz
fi
runtime_object verilated.cpp verilated_t$traced $traced ""
runtime_object verilated_threads.cpp verilated_threads_t$traced $traced ""
if [ $traced = 1 ]; then
    runtime_object verilated_fst_c.cpp verilated_fst 1 "-I$vroot/include/gtkwave"
fi
# Each of Verilator's files takes longer for its headers than for itself, so they are joined: what runs once, which is not optimised, and
# what runs at each clock, in two halves unless they take no time. Their texts name no folder, so that ccache knows them again.
cp "$root/sim/$wrapper" "$work/obj/"
cd "$work/obj"
half=1000000000 bytes=0
[ "$opt" = -O0 ] || half=$(($(find . -name '*.cpp' ! -name '*__Slow*' -exec cat {} + | wc -c) / 2))
for src in *.cpp; do
    case $src in
    *__Slow* | *Syms* | *__Trace__*Slow*) echo "#include \"$src\"" >>once.cc ;;
    *)
        echo "#include \"$src\"" >>"often_$((bytes >= half)).cc"
        bytes=$((bytes + $(wc -c <"$src")))
        ;;
    esac
done
# modelName: sim/model_ports.hpp
for src in *.cc; do
    o=$opt
    [ "$src" != once.cc ] || o=-O0
    # shellcheck disable=SC2086
    $cxx $flags -DcatName=modelName $o -DVM_TRACE=$traced -DVM_TRACE_FST=$traced -DVM_COVERAGE=0 -I. -c "$src" &
    pids="$pids $!"
done
for p in $pids; do wait "$p"; done
# shellcheck disable=SC2086
$cxx -shared -Wl,-Bsymbolic -o "$out.$$" ./*.o $objects $libs -lpthread -latomic -Wl,--no-undefined
mv "$out.$$" "$out"
rm -rf "$work/obj"
