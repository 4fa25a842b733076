/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_KERNEL_EVENTS_H
#define SLUICE_HOST_KERNEL_EVENTS_H

#include "host/ctl/kernel_maps.h"

/* Reads the ring buffers and perf events of the kernel's maps. */

typedef void kernel_event_fn(void *ctx, uint32_t map, const void *data, uint32_t bytes,
                             bool padded);

struct kernel_reader;

/* NULL in *out if the map has no events. -ENOTSUP and why if they can't be read. */
int kernel_reader_open(const struct kernel_map *map, uint32_t index, struct kernel_reader **out,
                       char *why, size_t why_bytes);
void kernel_reader_close(struct kernel_reader *reader); /* NULL-safe */
/* Hands over what has come since. 0 or negative errno; -ENOBUFS: perf events were lost, because
 * more came than the buffer holds. */
int kernel_reader_take(struct kernel_reader *reader, kernel_event_fn *take, void *ctx);

#endif
