/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int add_entry(void *ctx, const void *key, const void *values)
{
    struct snapshot *s = ctx;
    uint8_t *entry;

    if (s->count == s->capacity) {
        const size_t larger = s->capacity ? s->capacity * 2 : 64;
        void *grown = realloc(s->entries, larger * s->entry_bytes);

        if (!grown)
            return -ENOMEM;
        s->entries = grown;
        s->capacity = larger;
    }
    entry = s->entries + s->count++ * s->entry_bytes;
    memcpy(entry, key, s->key_bytes);
    memcpy(entry + s->key_bytes, values, (size_t)s->cpus * s->stride_bytes);
    return 0;
}

static int by_key(const void *a, const void *b, void *key_bytes)
{
    return memcmp(a, b, *(const uint32_t *)key_bytes);
}

int snapshot_take(struct exec *exec, uint32_t map, struct snapshot *out)
{
    const struct load_map *m = &exec->job->object->maps[map];
    struct snapshot s = {.key_bytes = m->key_bytes,
                         .value_bytes = m->value_bytes,
                         .stride_bytes = (m->value_bytes + 7) & ~7u,
                         .cpus = spec_map_type_table[m->type].percpu ? SPEC_QUEUES : 1};
    int err;

    s.entry_bytes = s.key_bytes + s.cpus * s.stride_bytes;
    err = exec->ops->map_walk(exec, map, add_entry, &s);
    if (err) {
        snapshot_free(&s);
        return err;
    }
    if (s.count && s.key_bytes) /* a queue has an order of its own */
        qsort_r(s.entries, s.count, s.entry_bytes, by_key, &s.key_bytes);
    *out = s;
    return 0;
}

void snapshot_free(struct snapshot *snapshot)
{
    free(snapshot->entries);
    *snapshot = (struct snapshot){0};
}

bool snapshot_same_values(const struct snapshot *a, size_t i, const struct snapshot *b, size_t k)
{
    for (uint32_t c = 0; c < a->cpus; c++)
        if (memcmp(snapshot_value(a, i, c), snapshot_value(b, k, c), a->value_bytes))
            return false;
    return true;
}
