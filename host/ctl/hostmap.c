/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/hostmap.h"

#include "host/ctl/job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int hostmap_open(struct hostmap *m, const struct load_object *object, uint32_t index)
{
    const struct map_def def = job_map_def(object, index);
    const char *reason;
    const size_t bytes = (map_size_bytes(&def, &reason) + 63) & ~(size_t)63;

    *m = (struct hostmap){0};
    if (!bytes)
        return -ENOTSUP;
    m->memory = aligned_alloc(64, bytes);
    if (!m->memory)
        return -ENOMEM;
    memset(m->memory, 0, bytes);
    m->map = map_init(m->memory, &def);
    return 0;
}

void hostmap_close(struct hostmap *m)
{
    free(m->memory);
    *m = (struct hostmap){0};
}

int hostmap_walk(const struct hostmap *m,
                 int (*visit)(void *ctx, const void *key, const void *values), void *ctx)
{
    const struct map_def *def = map_definition(m->map);
    uint8_t *key = malloc((size_t)def->key_bytes * 2);
    void *values = malloc((size_t)map_cpus(m->map) * map_stride_bytes(m->map));
    int err = key && values ? 0 : -ENOMEM;
    bool first = true;

    while (!err && !map_next_key(m->map, first ? NULL : key, key + def->key_bytes)) {
        memcpy(key, key + def->key_bytes, def->key_bytes);
        first = false;
        if (!map_host_lookup(m->map, key, values))
            err = visit(ctx, key, values);
    }
    free(key);
    free(values);
    return err;
}
