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

# Sizes between others of the same engine: run when they are asked for, by name or in a long run.
more() {
    if [ -n "$ONLY${LONG:-}" ]; then
        run "$@"
    else
        left_out="$left_out $1"
    fi
}
left_out=

run map_vmem_32 vmem map_vmem "BYTES=32 TAG_W=1 B_WAIT=0" 3000000
more map_vmem_4096 vmem map_vmem "BYTES=4096 TAG_W=5 B_WAIT=0" 3000000
run map_vmem_hold vmem map_vmem "BYTES=1024 TAG_W=8 B_WAIT=6" 3000000

# External memory: a cache in which lines meet all the time, and one as in the core.
run map_ext_small ext map_ext "LINES=16" 1000000
more map_ext ext map_ext "LINES=1024" 1000000
run map_vmem_ext_small vmem_ext map_vmem_ext "LINES=16 TAG_W=3 B_WAIT=4" 1000000
run map_vmem_ext vmem_ext map_vmem_ext "LINES=1024 TAG_W=6 B_WAIT=16" 1000000
more map_rows_one rows tb_rows "ROWS=4 WORDS=1 B_WAIT=0" 3000000
run map_rows_three rows tb_rows "ROWS=64 WORDS=3 B_WAIT=5" 3000000
run map_rows_eight rows tb_rows "ROWS=16 WORDS=8 B_WAIT=16" 3000000

# A descriptor that map 0 has after reset: 2 hash, key, value and stride 8 bytes, 5 entries, 1 CPU, 4 buckets.
run map_hash_one hash map_hash "MAPS=1 KEY_BYTES=4 VALUE_BYTES=8 ENTRIES=64 BUCKETS=32 TAG_W=1 LRU=0 DESC=320'h00000003000000000000000000000000000000010000000500000008000000080000000400000002 +RESET_ENTRIES=5" 1000000
run map_hash_many hash map_hash "MAPS=4 KEY_BYTES=16 VALUE_BYTES=32 ENTRIES=1024 BUCKETS=512 TAG_W=4 LRU=1" 1000000
run map_hash_collide hash map_hash "MAPS=2 KEY_BYTES=6 VALUE_BYTES=16 ENTRIES=64 BUCKETS=2 TAG_W=3 FP_BITS=1 LRU=1" 1000000
run map_hash_core hash map_hash "MAPS=32 KEY_BYTES=64 VALUE_BYTES=256 ENTRIES=2048 BUCKETS=1024 TAG_W=4 LRU=1" 1000000
more map_hash_large hash map_hash "MAPS=1 KEY_BYTES=13 VALUE_BYTES=8 ENTRIES=16384 BUCKETS=8192 TAG_W=2 LRU=0" 1000000
more map_hash_roomy hash map_hash "MAPS=1 KEY_BYTES=8 VALUE_BYTES=8 ENTRIES=4096 BUCKETS=4096 TAG_W=2 LRU=0" 1000000

# Small maps that are always full, so that nearly each insertion evicts.
run map_hash_lru hash map_hash "MAPS=3 KEY_BYTES=4 VALUE_BYTES=16 ENTRIES=24 BUCKETS=6 TAG_W=3 FP_BITS=2 LRU=1" 1000000
more map_hash_lru_roomy hash map_hash "MAPS=1 KEY_BYTES=8 VALUE_BYTES=8 ENTRIES=1024 BUCKETS=1024 TAG_W=2 LRU=1" 1000000
more map_hash_lru_one hash map_hash "MAPS=1 KEY_BYTES=2 VALUE_BYTES=8 ENTRIES=65 BUCKETS=16 TAG_W=1 LRU=1" 1000000

# The order of use alone: all short sequences on one small map, then random commands, also to several maps.
run map_lru_few lru map_lru "MAPS=1 ENTRIES=4 EW=2" 10000000
run map_lru_maps lru map_lru "MAPS=5 ENTRIES=15 EW=4" 10000000
more map_lru_many lru map_lru "MAPS=3 ENTRIES=100 EW=7" 1000000

# Keys in external memory: maps that are full and whose lines overflow, with short fingerprints; one line a map; keys
# and values as in the core.
run map_far_small far map_hash_far "MAPS=3 KEY_BYTES=4 VALUE_BYTES=16 TAG_W=4 FP_BITS=3 SLOTS=7 LRU_ENTRIES=96 +ENTRIES=96 +BUCKETS=12 +EVICT=0 +OPERATIONS=9000" 1000000
more map_far_line far map_hash_far "MAPS=4 KEY_BYTES=8 VALUE_BYTES=8 TAG_W=3 FP_BITS=15 SLOTS=7 LRU_ENTRIES=32 +ENTRIES=32 +BUCKETS=4 +EVICT=0 +OPERATIONS=4000" 1000000
run map_far_lru far map_hash_far "MAPS=2 KEY_BYTES=3 VALUE_BYTES=16 TAG_W=4 FP_BITS=2 SLOTS=7 LRU_ENTRIES=16 +ENTRIES=32 +BUCKETS=16 +EVICT=1 +OPERATIONS=12000" 1000000
run map_far_core far map_hash_far "MAPS=2 KEY_BYTES=64 VALUE_BYTES=256 TAG_W=4 FP_BITS=15 SLOTS=7 LRU_ENTRIES=512 +ENTRIES=512 +BUCKETS=128 +EVICT=0 +OPERATIONS=3000" 1000000

# A descriptor as above, of engine 4 lpm. Long and short keys, one map and several, filters that are nearly always wrong.
run map_lpm_one lpm map_lpm "MAPS=1 KEY_BYTES=8 VALUE_BYTES=8 ENTRIES=256 BUCKETS=256 CELLS=1024 TAG_W=1 DESC=320'h00000003000000000000000000000000000000010000000500000008000000080000000800000004 +RESET_ENTRIES=5" 1000000
more map_lpm_many lpm map_lpm "MAPS=4 KEY_BYTES=20 VALUE_BYTES=32 ENTRIES=1024 BUCKETS=1024 CELLS=4096 TAG_W=4" 1000000
run map_lpm_wide lpm map_lpm "MAPS=2 KEY_BYTES=64 VALUE_BYTES=8 ENTRIES=256 BUCKETS=256 CELLS=1024 TAG_W=2" 1000000
run map_lpm_crowded lpm map_lpm "MAPS=3 KEY_BYTES=9 VALUE_BYTES=16 ENTRIES=60 BUCKETS=6 CELLS=16 TAG_W=3 FP_BITS=4" 1000000
run map_lpm_short lpm map_lpm "MAPS=1 KEY_BYTES=5 VALUE_BYTES=8 ENTRIES=200 BUCKETS=64 CELLS=16 TAG_W=1" 1000000

# Host and data path at the same map of each engine, full and with colliding keys.
run map_mailbox_hash mailbox tb_mailbox "HAS_HASH=1 ENGINE=2 KEY_BYTES=8 VALUE_BYTES=16 BYTES=16384 ENTRIES=128 +CPUS=4" 1000000
run map_mailbox_lru mailbox tb_mailbox "HAS_HASH=1 ENGINE=3 KEY_BYTES=8 VALUE_BYTES=16 BYTES=16384 ENTRIES=128 +CPUS=4" 1000000
run map_mailbox_lpm mailbox tb_mailbox "HAS_HASH=1 ENGINE=4 KEY_BYTES=8 VALUE_BYTES=16 BYTES=16384 ENTRIES=256 +CPUS=1" 1000000
run map_mailbox_vmem mailbox tb_mailbox "HAS_HASH=0 ENGINE=2 KEY_BYTES=8 VALUE_BYTES=16 BYTES=16384 ENTRIES=128 +CPUS=1"

run map_csr csr csr_block "KIND=2 STAGES=9 HAS_PROGRAM=0" 300000

[ -z "$left_out" ] || echo "left out unless LONG or a name is given:$left_out"

if wanted lint; then
    sh "$ROOT/hw/rtl/lint/map_pipe.sh" || failures=$((failures + 1))
fi

[ "$failures" = 0 ]
