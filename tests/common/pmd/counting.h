/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_PMD_COUNTING_H
#define SLUICE_TESTS_PMD_COUNTING_H

#include "tests/common/pmd/bench.h"

/* Programs that replace each other: each counts packets in maps that others count in, too, and says
 * in a packet who it is. */

enum {
    /* offsets in a packet: what the host writes ... */
    AT_FLOW = 14,
    AT_PATH = 15,
    AT_SEQUENCE = 16,
    /* ... and the program */
    AT_FIRST = 24,
    AT_LAST = 25,
    AT_COUNT = 28,
    AT_SETTING = 36,
};

#define START(id)                                                                                  \
    "r6 = *(u32 *)(r1 + 0)\nr7 = *(u32 *)(r1 + 4)\nr2 = r6\nr2 += 64\nif r2 > r7 goto drop\n"      \
    "r3 = " id "\n*(u8 *)(r6 + 24) = r3\n"                                                         \
    "r3 = *(u8 *)(r6 + 14)\n*(u32 *)(r10 - 4) = r3\n"
#define LOOK(name) "r2 = r10\nr2 += -4\nr1 = map[" name "] ll\ncall bpf_map_lookup_elem\n"
#define INSERT                                                                                     \
    "r3 = 0\n*(u64 *)(r10 - 16) = r3\n"                                                            \
    "r2 = r10\nr2 += -4\nr3 = r10\nr3 += -16\nr4 = 1\nr1 = map[flows] ll\n"                        \
    "call bpf_map_update_elem\n"
#define SETTING                                                                                    \
    "r3 = 0\n*(u32 *)(r10 - 4) = r3\n" LOOK("setting") "if r0 == 0 goto drop\n"                    \
                                                       "r3 = *(u32 *)(r0 + 0)\n"                   \
                                                       "*(u32 *)(r6 + 36) = r3\n"
#define OWN(name)                                                                                  \
    LOOK(name) "if r0 == 0 goto drop\nr3 = *(u64 *)(r0 + 0)\nr3 += 1\n*(u64 *)(r0 + 0) = r3\n"
#define END(id) "r3 = " id "\n*(u8 *)(r6 + 25) = r3\nr0 = 2\nexit\ndrop:\nr0 = 1\nexit\n"
#define MAPS                                                                                       \
    ".map shared array 4 8 4\n.map flows hash 4 8 64\n.map setting array 4 4 1\n"                  \
    ".map of_a array 4 8 40\n.map of_b array 4 8 20\n.map keys_of_b hash 4 8 7\n"

/* Counts by load, add and store, first in the array. */
#define A_BODY                                                                                     \
    START("0xa1")                                                                                  \
    LOOK("shared")                                                                                 \
    "if r0 == 0 goto drop\nr3 = *(u64 *)(r0 + 0)\nr3 += 1\n"                                       \
    "*(u64 *)(r0 + 0) = r3\n*(u32 *)(r6 + 28) = r3\n" LOOK(                                        \
        "flows") "if r0 != 0 goto there\n" INSERT                                                  \
        LOOK("flows") "if r0 == 0 goto drop\nthere:\nr1 = 1\n"                                     \
                      "lock *(u64 *)(r0 + 0) += r1\n" SETTING OWN("of_a") END("0xa1")
static const char program_a[] = ".program a\n" MAPS A_BODY;

/* The same, but some packets come to what no device has. */
static const char program_path[] =
    ".program path\n" MAPS "r9 = r1\nr6 = *(u32 *)(r1 + 0)\nr7 = *(u32 *)(r1 + 4)\nr2 = r6\n"
    "r2 += 64\nif r2 > r7 goto drop\nr3 = *(u8 *)(r6 + 15)\nif r3 != 1 goto on\n" PMD_BENCH_STRTOL
    "on:\nr1 = r9\n" A_BODY;

/* Counts by atomics, first in the hash, and has a map more on the device. */
static const char program_b[] =
    ".program b\n" MAPS START("0xb2") LOOK("flows") "if r0 != 0 goto there\n" INSERT LOOK(
        "flows") "if r0 == 0 goto drop\nthere:\nr3 = *(u64 *)(r0 + 0)\nr3 += 1\n*(u64 *)(r0 + 0) = "
                 "r3\n" LOOK("shared") "if r0 == 0 goto drop\nr1 = 1\nr1 = atomic_fetch_add((u64 "
                                       "*)(r0 + 0), r1)\nr1 += 1\n"
                                       "*(u32 *)(r6 + 28) = r1\n" LOOK(
                                           "keys_of_b") "if r0 != 0 goto drop\n" SETTING OWN("of_b")
                                           END("0xb2");

/* The map of flows has another size, and one has another number. */
static const char program_other[] =
    ".program other\n.map setting array 4 4 1\n.map shared array 4 8 4\n.map flows hash 4 8 "
    "65\n" START("0xcc")
        LOOK("shared") "if r0 == 0 goto drop\nr1 = 1\nlock *(u64 *)(r0 + 0) += r1\n" LOOK("flows")
            SETTING END("0xcc");

#endif
