/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_DEVICE_BULK_H
#define SLUICE_HOST_DEVICE_BULK_H

#include "host/dev.h"
#include "hw/spec/gen/limits.h"
#include "hw/spec/gen/nic.h"

/* What maps hold, moved by a device's own DMA (dev->bulk is there; block MAPDMA of
 * hw/spec/nic.toml) and not a register at a time. All return 0 or negative errno: the mailbox's,
 * -EIO if host memory answered with an error, -ENODEV, -ETIMEDOUT, -EPROTO. */

/* An entry of a map with keys, as the device writes it. */
struct device_record {
    uint8_t key[SPEC_HW_KEY_BYTES]; /* zero-padded */
    uint32_t addr;                  /* of its values in the map's value memory */
    uint32_t entry;
    uint32_t zero[14];
};

/* A map's value memory, from byte addr on; addr and bytes are multiples of 8. */
int device_bulk_read(struct dev *dev, uint32_t map, uint32_t addr, void *data, uint32_t bytes);
int device_bulk_write(struct dev *dev, uint32_t map, uint32_t addr, const void *data,
                      uint32_t bytes);

/* Records that device_bulk_entries needs room for. */
uint32_t device_bulk_records(const struct dev *dev);
/* Entries from *next on, in their order; *next is then the one to go on with, or UINT32_MAX. */
int device_bulk_entries(struct dev *dev, uint32_t map, uint32_t *next,
                        struct device_record *records, uint32_t *count);

#endif
