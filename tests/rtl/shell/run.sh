#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Benches of the wrappers for other shells, around the echo slot of tests/rtl/nic. usage: run.sh [PART_OF_A_NAME]; environment:
# WORK (scratch folder), SEED.
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../../.." && pwd)
own_work=
[ -n "${WORK:-}" ] || own_work=$(mktemp -d)
WORK=${WORK:-$own_work}
[ -z "$own_work" ] || trap 'rm -rf "$own_work"' EXIT
ONLY=${1:-}
. "$ROOT/tests/rtl/pipe/bench.sh"
LIBRARIES="-y $ROOT/hw/rtl/nic -y $ROOT/hw/rtl/shell -y $ROOT/tests/rtl/nic"
SEED=${SEED:-1}
runtime
! wanted shell_mqnic || bench shell_mqnic "$HERE/mqnic" mqnic_app_block "IF_COUNT=2"
! wanted shell_box || bench shell_box "$HERE/box" box_250mhz "NUM_PHYS_FUNC=2 NUM_CMAC_PORT=2"
if wanted lint; then
    sh "$ROOT/hw/rtl/lint/shell.sh" || failures=$((failures + 1))
fi

[ "$failures" = 0 ]
