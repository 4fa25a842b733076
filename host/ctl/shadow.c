/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/shadow.h"

#include "host/ctl/exec_device_maps.h"
#include "host/ctl/exec_interp.h"
#include "hw/spec/gen/map_types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Keys that a packet has looked at, each with what the device has of it. While a packet runs the
 * program's own maps hold these entries and no others; an array's others are stale. What it deletes
 * leaves an element that pointers of the packet may still lead to: only what it adds itself may
 * take that, as in a map of its own. */

struct shadow_map {
    struct shadow *shadow;
    struct map *map; /* the program's own; NULL: not shadowed */
    uint32_t index;
    uint32_t key_bytes;
    uint32_t values_bytes; /* of all CPUs */
    uint32_t freed;        /* by the packet, and not used again */
    struct map_source source;
    uint8_t *now; /* values, for a comparison */
};

/* Behind it: the key, then the values that the device has. */
struct seen {
    struct seen *next;
    struct shadow_map *of;
    bool there; /* on the device */
    uint8_t bytes[];
};

struct shadow {
    struct exec *soft;
    struct exec *device;
    struct shadow_map *maps;
    uint32_t count;
    struct seen *seen; /* by the packet */
    int error;         /* the first one since it began */
};

static uint8_t *values_of(struct seen *s)
{
    return s->bytes + s->of->key_bytes;
}

static struct seen *find(const struct shadow_map *m, const void *key)
{
    for (struct seen *s = m->shadow->seen; s; s = s->next)
        if (s->of == m && !memcmp(s->bytes, key, m->key_bytes))
            return s;
    return NULL;
}

static void failed(struct shadow *shadow, int err)
{
    if (!shadow->error)
        shadow->error = err;
}

/* The program is about to look at a key. */
static void before(void *ctx, const void *key)
{
    struct shadow_map *m = ctx;
    struct exec *device = m->shadow->device;
    struct seen *s;
    int err;

    if (m->shadow->error || find(m, key))
        return;
    s = calloc(1, sizeof(*s) + m->key_bytes + m->values_bytes);
    if (!s) {
        failed(m->shadow, -ENOMEM);
        return;
    }
    s->of = m;
    memcpy(s->bytes, key, m->key_bytes);
    s->next = m->shadow->seen;
    m->shadow->seen = s;
    err = device->ops->map_lookup(device, m->index, key, values_of(s));
    s->there = !err;
    if (!err)
        err = map_source_put(m->map, key, values_of(s), m->freed);
    if (err && err != -ENOENT && err != -E2BIG) /* an array's end is -E2BIG to Linux */
        failed(m->shadow, err);
}

/* Makes the device agree with the program's map about a key. */
static int settle(struct seen *s)
{
    struct shadow_map *m = s->of;
    struct exec *device = m->shadow->device;
    const bool there = !map_host_lookup(m->map, s->bytes, m->now);
    int err = 0;

    if (there && (!s->there || memcmp(m->now, values_of(s), m->values_bytes) != 0))
        err = device->ops->map_update(device, m->index, s->bytes, m->now, SPEC_MAP_FLAG_ANY);
    else if (!there && s->there)
        err = device->ops->map_delete(device, m->index, s->bytes);
    if (err)
        return err;
    s->there = there;
    if (there)
        memcpy(values_of(s), m->now, m->values_bytes);
    return 0;
}

/* The program has updated or deleted a key. The device may have no room for one more. */
static int after(void *ctx, const void *key, int result)
{
    struct shadow_map *m = ctx;
    struct seen *s = find(m, key);
    bool was_there;
    int err;

    if (result || !s)
        return result;
    was_there = s->there;
    err = settle(s);
    if (was_there && !s->there)
        m->freed++;
    else if (!was_there && s->there && m->freed)
        m->freed--;
    if (err == -E2BIG)
        map_host_delete(m->map, key);
    else if (err)
        failed(m->shadow, err);
    return err;
}

static bool is_shared(uint32_t type)
{
    return type == SPEC_MAP_HASH || type == SPEC_MAP_ARRAY || type == SPEC_MAP_PERCPU_HASH ||
           type == SPEC_MAP_PERCPU_ARRAY;
}

static bool is_hash(const struct shadow_map *m)
{
    return spec_map_type_table[map_definition(m->map)->type].soft == SPEC_SOFT_HASH;
}

int shadow_open(struct exec *soft, struct exec *device, struct shadow **out)
{
    const struct load_object *o = soft->job->object;
    struct shadow *shadow = calloc(1, sizeof(*shadow));
    struct map *const *maps;

    if (!shadow)
        return -ENOMEM;
    *shadow = (struct shadow){.soft = soft, .device = device};
    maps = exec_interp_maps(soft, &shadow->count);
    shadow->maps = calloc(shadow->count + 1, sizeof(*shadow->maps));
    for (uint32_t i = 0; shadow->maps && i < shadow->count; i++) {
        struct shadow_map *m = &shadow->maps[i];

        if (!is_shared(o->maps[i].type) || o->maps[i].kind == LOAD_MAP_RODATA ||
            device_exec_is_soft(device, i))
            continue;
        *m = (struct shadow_map){.shadow = shadow,
                                 .map = maps[i],
                                 .index = i,
                                 .key_bytes = o->maps[i].key_bytes,
                                 .values_bytes = map_cpus(maps[i]) * map_stride_bytes(maps[i]),
                                 .source = {m, before, after}};
        m->now = malloc(m->values_bytes);
        if (!m->now) {
            shadow_close(shadow);
            return -ENOMEM;
        }
        map_set_source(m->map, &m->source);
    }
    if (!shadow->maps) {
        free(shadow);
        return -ENOMEM;
    }
    *out = shadow;
    return 0;
}

void shadow_close(struct shadow *shadow)
{
    for (uint32_t i = 0; shadow && i < shadow->count; i++) {
        if (shadow->maps[i].map)
            map_set_source(shadow->maps[i].map, NULL);
        free(shadow->maps[i].now);
    }
    if (shadow)
        free(shadow->maps);
    free(shadow);
}

/* Global variables have no look-up: their addresses are in the program. */
int shadow_begin(struct shadow *shadow)
{
    const struct load_object *o = shadow->soft->job->object;
    const uint32_t first = 0;

    shadow->error = 0;
    for (uint32_t i = 0; i < shadow->count; i++)
        shadow->maps[i].freed = 0;
    for (uint32_t i = 0; i < shadow->count; i++)
        if (shadow->maps[i].map && o->maps[i].type == SPEC_MAP_ARRAY && o->maps[i].max_entries == 1)
            before(&shadow->maps[i], &first);
    return shadow->error;
}

int shadow_end(struct shadow *shadow)
{
    while (shadow->seen) {
        struct seen *s = shadow->seen;
        const int err = shadow->error ? 0 : settle(s);

        if (err)
            failed(shadow, err);
        if (is_hash(s->of))
            map_host_delete(s->of->map, s->bytes);
        shadow->seen = s->next;
        free(s);
    }
    return shadow->error;
}
