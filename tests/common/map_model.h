/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_MAP_MODEL_H
#define SLUICE_TESTS_MAP_MODEL_H

#include "nic_runtime/map.h"

/* What maps with keys promise, as plainly as can be: a list of entries, searched from its start.
 * Semantics and errors are Linux's, the eviction of LRU maps is that of docs/maps.md. */

enum {
    MODEL_KEY_MAX = 24,
    MODEL_VALUE_MAX = 40,
    MODEL_HOST = -1,    /* instead of a CPU: the host, who gives the values of all CPUs */
    MODEL_NO_LOCK = -1, /* instead of the offset of a bpf_spin_lock */
};

struct model_entry {
    uint8_t key[MODEL_KEY_MAX];
    uint8_t values[SPEC_QUEUES * MODEL_VALUE_MAX]; /* one a stride */
    uint64_t used;                                 /* the higher, the later */
    bool seen;                                     /* during a walk */
};

struct map_model {
    struct map_def def;
    uint32_t cpus;
    uint32_t stride;
    int lock;                    /* offset in a value, or MODEL_NO_LOCK */
    struct model_entry *entries; /* max_entries; of an array in their order */
    uint32_t count;
    uint64_t clock;
    uint64_t evicted;
};

/* 0 or -ENOMEM. The map's key and value are not longer than the model's. */
int map_model_open(struct map_model *m, const struct map_def *def, int lock);
void map_model_close(struct map_model *m);

/* True of maps whose keys are indices. */
bool map_model_is_array(const struct map_model *m);

/* The entry that a look-up finds, or NULL; nothing is changed. */
struct model_entry *map_model_find(struct map_model *m, const uint8_t *key);
/* The entry of just this key, a prefix of this length; NULL if there is none. */
struct model_entry *map_model_exact(struct map_model *m, const uint8_t *key);
/* A program has looked it up. */
void map_model_used(struct map_model *m, struct model_entry *entry);
/* cpu may be MODEL_HOST. */
int map_model_update(struct map_model *m, const uint8_t *key, const uint8_t *values, uint64_t flags,
                     int cpu);
int map_model_remove(struct map_model *m, const uint8_t *key);

#endif
