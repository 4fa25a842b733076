/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_SIM_MEMORY_H
#define SLUICE_SIM_MEMORY_H

#include "sim/model.h"

/* The memory behind the device's AXI4 port: beats of 64 bytes, each request answered after a number
 * of clocks between two bounds, drawn anew for each; those of different ids pass each other. It
 * takes a request of each kind in every clock. */

struct memory;

/* A memory of bytes (a multiple of 64), all 0; only what is written takes room. seed decides the
 * latencies. NULL if there is no memory. */
struct memory *memory_open(uint64_t bytes, uint32_t min_clocks, uint32_t max_clocks, uint64_t seed);
void memory_close(struct memory *m); /* NULL-safe */
/* What the memory offers in this clock. */
void memory_drive(struct memory *m, struct model_memory_in *in);
/* What has moved, once the outputs are settled; the clock ends. 0, or -EPROTO if the device asks
 * for what is not there, or no whole beat. */
int memory_clock(struct memory *m, const struct model_memory_in *in,
                 const struct model_memory_out *out);

#endif
