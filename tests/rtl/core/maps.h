/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TEST_CORE_MAPS_H
#define SLUICE_TEST_CORE_MAPS_H

#include "compiler/ir/eval.h"
#include "hw/spec/gen/csr.h"
#include "hw/spec/gen/limits.h"

/* Maps in software with the layout of the device (docs/hardware.md), so that pointers and value
 * memory are the same to the byte: entries, spare entry and free list by the same rules. */

enum { MAPS_MAX = 8, MAPS_ENTRIES_MAX = 33 };

struct soft_entry {
    bool used;
    uint8_t key[SPEC_HW_KEY_BYTES];
};

struct soft_map {
    uint32_t desc[SPEC_MAPDESC_WORDS];
    uint8_t *values;
    uint64_t value_bytes; /* of all entries and CPUs */
    struct soft_entry entries[MAPS_ENTRIES_MAX];
    uint32_t free_list[MAPS_ENTRIES_MAX]; /* last freed on top */
    uint32_t free_count;
    uint32_t fresh;
    uint32_t spare;
    uint32_t in_use;
};

struct soft_maps {
    struct soft_map maps[MAPS_MAX];
    uint32_t count;
    uint32_t vmem_bytes; /* given out so far */
    uint32_t hash_entries;
    uint32_t hash_buckets;
    struct ir_maps_ops ops;
};

void soft_maps_init(struct soft_maps *m);
void soft_maps_free(struct soft_maps *m);
/* Adds a map and fills in its descriptor: engine, sizes, CPUs, and where it lies. */
uint32_t soft_maps_add(struct soft_maps *m, uint32_t engine, uint32_t key_bytes,
                       uint32_t value_bytes, uint32_t max_entries, uint32_t cpus);

#endif
