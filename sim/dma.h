/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_SIM_DMA_H
#define SLUICE_SIM_DMA_H

#include "sim/nic_model.h"

#include <stddef.h>

/* Host memory as a NIC reaches it through its AXI4 port: the regions that the host has named, and
 * DECERR for all else. Each burst is answered after a number of clocks between two bounds, drawn
 * anew; those of different ids pass each other, beats of a burst stay together. What is written
 * becomes visible when its time has come, before it is acknowledged, words of 8 bytes from the
 * highest to the lowest. */

struct dma;

/* stall_percent: clocks in which a channel takes or gives nothing. NULL if there is no memory. */
struct dma *dma_open(uint32_t min_clocks, uint32_t max_clocks, uint32_t stall_percent,
                     uint64_t seed);
void dma_close(struct dma *dma); /* NULL-safe */
/* See struct dev_ops in host/dev.h. */
int dma_map(struct dma *dma, void *memory, uint64_t addr, size_t bytes);
int dma_unmap(struct dma *dma, uint64_t addr, size_t bytes);
/* What memory offers in this clock. */
void dma_drive(struct dma *dma, struct nic_model_in *in);
/* What has moved, once the outputs are settled; the clock ends. 0, or -EPROTO if the device breaks
 * the rules of AXI4 or docs/nic.md. */
int dma_clock(struct dma *dma, const struct nic_model_in *in, const struct nic_model_out *out);
/* Requests that are not answered. */
bool dma_busy(const struct dma *dma);

#endif
