/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TEST_CORE_PROGRAM_H
#define SLUICE_TEST_CORE_PROGRAM_H

#include "tests/rtl/core/bench.h"
#include "tests/rtl/core/maps.h"

/* Random programs that keep the core's rules: branches go forward, everything that is read has been
 * written, accesses stay inside the packet, the stack and the maps, rows that need a token say so.
 */

enum { PROGRAM_ROWS_MAX = 160, PROGRAM_STACK_BYTES = 128 };

/* The maps that programs use, in this order. */
enum program_map {
    PROGRAM_ARRAY,    /* read and written, token 0 */
    PROGRAM_HASH,     /* token 1 */
    PROGRAM_PERCPU,   /* hash, token 2 */
    PROGRAM_CONSTANT, /* read only, no token */
    PROGRAM_COUNTERS, /* added to and never read, no token */
    PROGRAM_MAPS
};

struct program {
    struct ucode_row rows[PROGRAM_ROWS_MAX];
    uint32_t row_count;
    uint32_t min_bytes;      /* shortest packet that it may be given */
    uint32_t headroom_bytes; /* that it may reach below PKT_BASE */
    uint32_t mapdesc[MAPS_MAX][SPEC_MAPDESC_WORDS];
    struct ucode_image image;
};

void program_maps(struct soft_maps *maps);
void program_random(struct bench *b, const struct soft_maps *maps, uint32_t headroom_bytes,
                    struct program *p);

#endif
