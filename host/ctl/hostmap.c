/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/hostmap.h"

#include "host/ctl/job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int hostmap_open_def(struct hostmap *m, const struct map_def *def)
{
    const char *reason;
    const size_t bytes = (map_size_bytes(def, &reason) + 63) & ~(size_t)63;

    *m = (struct hostmap){0};
    if (!bytes)
        return -ENOTSUP;
    m->memory = aligned_alloc(64, bytes);
    if (!m->memory)
        return -ENOMEM;
    memset(m->memory, 0, bytes);
    m->map = map_init(m->memory, def);
    return 0;
}

int hostmap_open(struct hostmap *m, const struct load_object *object, uint32_t index)
{
    const struct map_def def = job_map_def(object, index);
    int err;

    *m = (struct hostmap){0};
    if (spec_map_type_table[def.type].soft == SPEC_SOFT_NONE)
        return 0; /* another program's: whoever uses it does not run */
    err = hostmap_open_def(m, &def);
    if (err)
        return err;
    if (load_has_lock(&object->maps[index]))
        map_set_lock(m->map, object->maps[index].fields->lock_off);
    return 0;
}

void hostmap_close(struct hostmap *m)
{
    free(m->memory);
    *m = (struct hostmap){0};
}

static bool is_queue(const struct hostmap *m)
{
    return m->map && spec_map_type_table[map_definition(m->map)->type].soft == SPEC_SOFT_QUEUE;
}

int hostmap_delete(const struct hostmap *m, const void *key)
{
    if (is_queue(m))
        return -EINVAL;
    return m->map ? map_host_delete(m->map, key) : -ENOTSUP;
}

int hostmap_next_key(const struct hostmap *m, const void *key, void *next)
{
    return m->map ? map_next_key(m->map, key, next) : -ENOTSUP;
}

int hostmap_pop(const struct hostmap *m, void *values)
{
    const int err = is_queue(m) ? map_host_lookup(m->map, NULL, values) : -EOPNOTSUPP;

    return err ? err : map_host_delete(m->map, NULL);
}

typedef int visit_fn(void *ctx, const void *key, const void *values);

/* key has room for two. */
static int walk_keys(struct map *map, uint8_t *key, void *values, visit_fn *visit, void *ctx)
{
    const uint32_t key_bytes = map_definition(map)->key_bytes;
    bool first = true;
    int err = 0;

    while (!err && !map_next_key(map, first ? NULL : key, key + key_bytes)) {
        memcpy(key, key + key_bytes, key_bytes);
        first = false;
        if (!map_host_lookup(map, key, values))
            err = visit(ctx, key, values);
    }
    return err;
}

static int walk_values(struct map *map, void *values, visit_fn *visit, void *ctx)
{
    int err = 0;

    for (uint32_t i = 0; !err && !map_host_value(map, i, values); i++)
        err = visit(ctx, "", values);
    return err;
}

int hostmap_walk(const struct hostmap *m, visit_fn *visit, void *ctx)
{
    const struct map_def *def = m->map ? map_definition(m->map) : NULL;
    uint8_t *key;
    void *values;
    int err = -ENOMEM;

    if (!def)
        return 0;
    key = malloc((size_t)def->key_bytes * 2 + 1);
    values = malloc((size_t)map_cpus(m->map) * map_stride_bytes(m->map) + 1);
    if (key && values)
        err = def->key_bytes ? walk_keys(m->map, key, values, visit, ctx)
                             : walk_values(m->map, values, visit, ctx);
    free(key);
    free(values);
    return err;
}
