/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_DEVICE_H
#define SLUICE_HOST_DEVICE_H

#include "compiler/ir/ir.h"
#include "compiler/microcode/microcode.h"
#include "host/dev.h"

/* What the host does with a device through its registers (hw/spec/csr.toml): load a program, read and write maps. All
 * return 0 or negative errno; -ETIMEDOUT if the device does not finish a command. */

/* Loads an image into bank 0, configures its maps (they become empty) and selects it. */
int device_load_microcode(struct dev *dev, const struct ucode_image *image);

/* Lets packets start. */
int device_start(struct dev *dev);

/* Maps by their number; values are m->cpus values of m->stride_bytes. update inserts or replaces: -E2BIG when the map is full or the
 * index of an array is too large. lookup: -ENOENT. */
int device_map_update(struct dev *dev, uint32_t map, const struct ir_map *m, const void *key,
                      const void *values);
int device_map_lookup(struct dev *dev, uint32_t map, const struct ir_map *m, const void *key,
                      void *values);
int device_map_walk(struct dev *dev, uint32_t map, const struct ir_map *m,
                    int (*visit)(void *ctx, const void *key, const void *values), void *ctx);

#endif
