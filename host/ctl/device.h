/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_DEVICE_H
#define SLUICE_HOST_DEVICE_H

#include "compiler/ir/ir.h"
#include "compiler/microcode/microcode.h"
#include "host/dev.h"

/* What the host does with a device through its registers (hw/spec/csr.toml): load a program, read
 * and write maps. All return 0 or negative errno; -ETIMEDOUT if the device does not finish a
 * command. */

/* Loads an image into bank 0, configures its maps (they become empty) and selects it. */
int device_load_microcode(struct dev *dev, const struct ucode_image *image);

/* Lets packets start. */
int device_start(struct dev *dev);

/* Maps by their number; values are m->cpus values of m->stride_bytes. What they give is what
 * exec_ops says (executor.h); flags without BPF_F_LOCK. */
int device_map_update(struct dev *dev, uint32_t map, const struct ir_map *m, const void *key,
                      const void *values, uint64_t flags);
int device_map_lookup(struct dev *dev, uint32_t map, const struct ir_map *m, const void *key,
                      void *values);
int device_map_delete(struct dev *dev, uint32_t map, const struct ir_map *m, const void *key);
int device_map_pop(struct dev *dev, uint32_t map, const struct ir_map *m, void *value);
/* Whether a map with keys has an entry for exactly this one (a look-up in a map of prefixes finds
 * shorter ones): 0, -ENOENT. */
int device_map_has(struct dev *dev, uint32_t map, const struct ir_map *m, const void *key);
/* Visits the keys of a map of keys and values in the order of its entries, without reading the
 * values. */
int device_map_keys(struct dev *dev, uint32_t map, const struct ir_map *m,
                    int (*visit)(void *ctx, const void *key, const void *values), void *ctx);
int device_map_walk(struct dev *dev, uint32_t map, const struct ir_map *m,
                    int (*visit)(void *ctx, const void *key, const void *values), void *ctx);

#endif
