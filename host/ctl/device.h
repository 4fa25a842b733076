/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_DEVICE_H
#define SLUICE_HOST_DEVICE_H

#include "compiler/ir/ir.h"
#include "compiler/microcode/microcode.h"
#include "host/dev.h"

/* What the host does with a device through its registers (hw/spec/csr.toml): load a program, read
 * and write maps. All return 0 or negative errno; -ETIMEDOUT if the device does not finish a
 * command. */

/* An image on its way into a device. */
struct device_load {
    const struct ucode_image *image;
    uint32_t bank; /* of program memory, 0 or 1 */
    /* What runs in the other bank meanwhile; NULL: nothing, the device is stopped. */
    const struct ucode_image *beside;
    uint32_t stay; /* beside: maps that stay as they are, by bit */
    /* By map, what value memory it takes: an earlier program may have left something there. NULL:
     * value memory is as after reset. */
    const uint64_t *map_bytes;
};

/* Loads an image and configures its maps, which become empty but for those that stay. Alone it is
 * selected, and packets may not start; beside another one nothing changes for packets. -ENXIO if a
 * map is to lie in external memory and the device has none. */
int device_load_microcode(struct dev *dev, const struct device_load *load);

/* Lets packets start, with the program of bank 0. */
int device_start(struct dev *dev);

/* From one packet to the next the loaded program takes over from load->beside; returns when all
 * packets of that one have left. */
int device_switch(struct dev *dev, const struct device_load *load);

/* Gives a map its descriptor: it becomes empty, but for its value memory. */
int device_map_config(struct dev *dev, uint32_t map, const uint32_t desc[SPEC_MAPDESC_WORDS]);
/* Zeroes so much of its value memory, a multiple of 8 bytes. */
int device_map_clear(struct dev *dev, uint32_t map, uint64_t bytes);

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
