/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_LIBRARY_MAPS_H
#define SLUICE_TESTS_LIBRARY_MAPS_H

#include "tests/common/library.h"

/* A program's text with maps of all kinds, and what they are to give wherever it is loaded. */

#define LIBRARY_MAPS                                                                               \
    ".map hash hash 4 12 6\n"                                                                      \
    ".map cpus percpu_hash 4 8 6\n"                                                                \
    ".map lpm lpm_trie 8 8 6 1\n"                                                                  \
    ".map array array 4 8 3\n"                                                                     \
    ".map queue queue 0 8 4\n"                                                                     \
    ".map stack stack 0 8 4\n"

#define LIBRARY_LOOK(name, helper) "r2 = r10\nr2 += -8\nr1 = map[" name "] ll\ncall " helper "\n"
#define LIBRARY_LOOK_AT_ALL                                                                        \
    "r8 = 0\n"                                                                                     \
    "*(u64 *)(r10 - 8) = r8\n" LIBRARY_LOOK("hash", "bpf_map_lookup_elem")                         \
        LIBRARY_LOOK("cpus", "bpf_map_lookup_elem")                                                \
            LIBRARY_LOOK("lpm", "bpf_map_lookup_elem") "r2 = r10\nr2 += -16\nr1 = map[queue] "     \
                                                       "ll\ncall bpf_map_peek_elem\n"              \
                                                       "r2 = r10\nr2 += -16\nr1 = map[stack] "     \
                                                       "ll\ncall bpf_map_peek_elem\n"

/* Adds 1 to the entry of an array whose key lies at r10 - 8. */
#define LIBRARY_COUNT                                                                              \
    LIBRARY_LOOK("array", "bpf_map_lookup_elem")                                                   \
    "if r0 == 0 goto out\n"                                                                        \
    "r1 = 1\n"                                                                                     \
    "lock *(u64 *)(r0 + 0) += r1\n"                                                                \
    "out:\n"

/* Adds 1 to array[0], and looks at the others so that a device holds them (peeks write over their
 * operand); returns XDP_PASS out of read-only data. */
#define LIBRARY_COUNTER                                                                            \
    ".program count\n" LIBRARY_MAPS                                                                \
    ".bytes .rodata 0x0200000000000000\n" LIBRARY_LOOK_AT_ALL LIBRARY_COUNT                        \
    "r1 = map[.rodata][0]+0 ll\n"                                                                  \
    "r0 = *(u64 *)(r1 + 0)\n"                                                                      \
    "exit\n"

/* Uses the maps of that program, which are empty but for what packets have counted. */
void library_use_maps(struct sluice_loaded *loaded);

#endif
