#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Benches of the VLIW core's device with two cores, which give what one gives: those of tests/rtl/core, whose environment
# this takes too. usage: run.sh [BENCH ...]: directed, limit and hold without an argument.
set -eu
[ $# -gt 0 ] || set -- directed limit hold
export PARAMETERS="${PARAMETERS:--GCORES=2}" SEED="${SEED:-1}" MODEL_OPT="${MODEL_OPT:--O0}"
exec sh "$(dirname "$0")/../core/run.sh" "$@"
