# SPDX-License-Identifier: BSD-3-Clause
# Builds and runs one bench; sourced by the run.sh of the bench folders, which set ROOT, HERE and WORK.
#
# bench NAME FOLDER TOP "PARAM=VALUE ..." [ARGUMENT ...]
#   FOLDER/bench.cpp gets the parameters as macros P_PARAM, except sized literals; +NAME=VALUE is a macro only. FOLDER/checks.sv, if any, binds the handshake
#   checks; other *.v there are sources too. LIBRARIES are more folders (-y FOLDER). LONG=1 runs ten times as many operations. SEED=N replays one.

failures=0
cxx=${CXX:-$(command -v clang++-19 || command -v clang++ || command -v g++)}
vroot=$(verilator --getenv VERILATOR_ROOT)
cxx_flags="-std=c++17 -O1 -w -faligned-new -I$vroot/include -I$vroot/include/vltstd -I$ROOT -I$ROOT/tests/rtl/pipe"
cxx_flags="$cxx_flags -DVM_SC=0 -DVM_TRACE=0 -DVM_COVERAGE=0"

runtime() {
    mkdir -p "$WORK/runtime"
    for unit in verilated verilated_threads; do
        [ -e "$WORK/runtime/$unit.o" ] || $cxx $cxx_flags -c "$vroot/include/$unit.cpp" -o "$WORK/runtime/$unit.o"
    done
}

bench() {
    name=$1 folder=$2 top=$3 parameters=$4
    shift 4
    obj=$WORK/$name
    rm -rf "$obj"
    mkdir -p "$obj"
    generics= macros="-DBENCH_NAME=\"$name\""
    for p in $parameters; do
        case $p in
        +*) macros="$macros -DP_${p#+}" ;;
        *\'*) generics="$generics -G$p" ;;
        *) generics="$generics -G$p" macros="$macros -DP_${p%%=*}=${p#*=}" ;;
        esac
    done
    sources=$(find "$folder" -name '*.v' -o -name '*.sv' | sort)
    found=$(find "$ROOT/hw/rtl" -name "$top.v")
    if ! verilator --cc --top-module "$top" --prefix Vtop -Mdir "$obj" -O3 -fno-const-bit-op-tree -Wno-fatal -Wno-lint -Wno-style \
        -I"$ROOT" -I"$ROOT/hw/spec/gen" -y "$ROOT/hw/rtl/map" -y "$ROOT/hw/rtl/pipe" -y "$ROOT/hw/rtl/csr" \
        -y "$ROOT/hw/rtl/common" ${LIBRARIES:-} $generics $found $sources "$ROOT/tests/rtl/pipe/hs_check.v" >"$obj/log" 2>&1; then
        cat "$obj/log"
        echo "FAIL $name verilator"
        failures=$((failures + 1))
        return 0
    fi
    for f in "$obj"/*.cpp; do
        echo "#include \"$(basename "$f")\""
    done >"$obj/all.cc"
    if ! $cxx $cxx_flags $macros -I"$obj" -x c++ "$obj/all.cc" "$folder/bench.cpp" -x none \
        "$WORK/runtime/verilated.o" "$WORK/runtime/verilated_threads.o" -pthread -o "$obj/bench" >"$obj/log" 2>&1; then
        head -40 "$obj/log"
        echo "FAIL $name compile"
        failures=$((failures + 1))
        return 0
    fi
    for seed in ${SEED:-1 2}; do
        if ! "$obj/bench" "$seed" "$@" >"$obj/out" 2>&1; then
            cat "$obj/out"
            grep -q '^FAIL' "$obj/out" || echo "FAIL $name seed=$seed"
            failures=$((failures + 1))
        else
            cat "$obj/out"
        fi
    done
    return 0
}

# With an argument, run.sh runs the benches whose name contains it.
wanted() {
    case $1 in
    *"$ONLY"*) return 0 ;;
    esac
    return 1
}
