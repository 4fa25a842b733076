/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_SNAPSHOT_H
#define SLUICE_HOST_SNAPSHOT_H

#include "host/ctl/executor.h"

/* The contents of one map at one time: entries sorted by key bytes, each a key followed by the values of all CPUs. */
struct snapshot {
    uint32_t key_bytes;
    uint32_t value_bytes; /* of one CPU */
    uint32_t stride_bytes;
    uint32_t cpus;
    uint32_t entry_bytes;
    uint8_t *entries;
    size_t count;
    size_t capacity;
};

/* Reads all of a map. 0 or negative errno; snapshot_free gives the memory back. */
int snapshot_take(struct exec *exec, uint32_t map, struct snapshot *out);
void snapshot_free(struct snapshot *snapshot);

static inline const uint8_t *snapshot_key(const struct snapshot *s, size_t i)
{
    return s->entries + i * s->entry_bytes;
}

static inline const uint8_t *snapshot_value(const struct snapshot *s, size_t i, uint32_t cpu)
{
    return snapshot_key(s, i) + s->key_bytes + (size_t)cpu * s->stride_bytes;
}

/* True if two entries have the same values; bytes between value_bytes and stride_bytes do not count. */
bool snapshot_same_values(const struct snapshot *a, size_t i, const struct snapshot *b, size_t k);

#endif
