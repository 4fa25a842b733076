#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Benches of hw/rtl/map. usage: run.sh [PART_OF_A_NAME]; environment: WORK (scratch folder), SEED, LONG=1 for
# runs of 10^6 operations and more.
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../../.." && pwd)
own_work=
[ -n "${WORK:-}" ] || own_work=$(mktemp -d)
WORK=${WORK:-$own_work}
[ -z "$own_work" ] || trap 'rm -rf "$own_work"' EXIT
ONLY=${1:-}
. "$HERE/../pipe/bench.sh"
runtime

run() { # NAME FOLDER TOP PARAMETERS [OPERATIONS of a long run]
    if wanted "$1"; then
        long=
        [ -z "${LONG:-}" ] || long=${5:-}
        bench "$1" "$HERE/$2" "$3" "$4" $long
    fi
}

run map_vmem_32 vmem map_vmem "BYTES=32 TAG_W=1 B_WAIT=0" 3000000
run map_vmem_4096 vmem map_vmem "BYTES=4096 TAG_W=5 B_WAIT=0" 3000000
run map_vmem_hold vmem map_vmem "BYTES=1024 TAG_W=8 B_WAIT=6" 3000000

[ "$failures" = 0 ]
