/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/exec_device_maps.h"

#include "host/ctl/device.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

/* The maps of a program on a device: those that it holds, through its mailbox, and the host's. */

int device_exec_open_maps(struct device_exec *d)
{
    const struct job *job = d->exec.job;
    int err = 0;

    d->soft = calloc(job->object->map_count + 1, sizeof(*d->soft));
    d->maps = calloc(job->object->map_count + 1, sizeof(struct map *));
    d->keys = calloc(job->object->map_count + 1, sizeof(*d->keys));
    if (!d->soft || !d->maps || !d->keys)
        return -ENOMEM;
    for (uint32_t i = 0; i < job->object->map_count && err != -ENOMEM; i++) {
        if (job->ir->maps[i].engine == SPEC_ENGINE_NONE)
            err = hostmap_open(&d->soft[i], job->object, i);
        d->maps[i] = d->soft[i].map;
    }
    return err == -ENOMEM ? err : 0;
}

void device_exec_close_maps(struct device_exec *d)
{
    const uint32_t count = d->exec.job->object->map_count;

    for (uint32_t i = 0; d->soft && i < count; i++)
        hostmap_close(&d->soft[i]);
    for (uint32_t i = 0; d->keys && i < count; i++)
        keylist_close(&d->keys[i]);
    free(d->keys);
    free(d->maps);
    free(d->soft);
}

void device_exec_maps_changed(struct device_exec *d)
{
    for (uint32_t i = 0; i < d->exec.job->object->map_count; i++)
        d->keys[i].valid = false;
}

static const struct ir_map *map_of(const struct exec *exec, uint32_t map)
{
    return &exec->job->ir->maps[map];
}

bool device_exec_is_soft(const struct exec *exec, uint32_t map)
{
    return map_of(exec, map)->engine == SPEC_ENGINE_NONE;
}

/* The host's own copy of a map that the device does not hold, or NULL. */
static struct hostmap *soft_of(const struct exec *exec, uint32_t map)
{
    struct device_exec *d = (struct device_exec *)(uintptr_t)exec;

    return device_exec_is_soft(exec, map) ? &d->soft[map] : NULL;
}

/* Whether a map that the device holds has keys of its own, not indices. */
static bool is_keyed(const struct exec *exec, uint32_t map)
{
    const uint32_t engine = map_of(exec, map)->engine;

    return engine != SPEC_ENGINE_NONE && engine != SPEC_ENGINE_VMEM;
}

/* The lock's word is 0 whatever the host gives. */
static int update_locked(struct device_exec *d, uint32_t map, const void *key, const void *value,
                         uint64_t flags)
{
    const struct load_map *m = &d->exec.job->object->maps[map];
    const struct ir_map *i = map_of(&d->exec, map);
    uint8_t *copy = malloc(i->stride_bytes);
    int err = -ENOMEM;

    if (copy) {
        memcpy(copy, value, i->stride_bytes);
        memset(copy + m->fields->lock_off, 0, sizeof(uint32_t));
        err = device_map_update(d->dev, map, i, key, copy, flags);
    }
    free(copy);
    return err;
}

/* What a map of programs or maps gets must be known to the linked programs. */
static int check_held(struct exec *exec, uint32_t map, const void *key, const void *values)
{
    const struct load_map *m = &exec->job->object->maps[map];
    uint32_t number, slot;

    memcpy(&number, values, sizeof(number));
    if (job_holds_maps(m))
        return job_takes_map(exec->job, map, number);
    if (!job_holds_programs(m) || soft_of(exec, map))
        return 0;
    memcpy(&slot, key, sizeof(slot));
    return job_takes_program(exec->job, map, slot, number);
}

int device_exec_update(struct exec *exec, uint32_t map, const void *key, const void *values,
                       uint64_t flags)
{
    struct device_exec *d = (struct device_exec *)exec;
    const struct hostmap *soft = soft_of(exec, map);
    const bool lock = load_has_lock(&exec->job->object->maps[map]);
    int err = check_held(exec, map, key, values);

    if (err)
        return err;
    if (soft)
        return soft->map ? map_host_update(soft->map, key, values, flags) : -ENOTSUP;
    if (lock) /* no packet runs: nobody can tell in place from elsewhere */
        err = update_locked(d, map, key, values, flags & ~(uint64_t)BPF_F_LOCK);
    else
        err = device_map_update(d->dev, map, map_of(exec, map), key, values, flags);
    if (!err && is_keyed(exec, map))
        keylist_note(&d->keys[map], key);
    return err;
}

int device_exec_delete(struct exec *exec, uint32_t map, const void *key)
{
    const struct hostmap *soft = soft_of(exec, map);

    return soft ? hostmap_delete(soft, key)
                : device_map_delete(((struct device_exec *)exec)->dev, map, map_of(exec, map), key);
}

int device_exec_pop(struct exec *exec, uint32_t map, void *values)
{
    const struct hostmap *soft = soft_of(exec, map);

    return soft ? hostmap_pop(soft, values)
                : device_map_pop(((struct device_exec *)exec)->dev, map, map_of(exec, map), values);
}

static int add_key(void *ctx, const void *key, const void *values)
{
    (void)values;
    return keylist_add(ctx, key);
}

/* The list of a map's keys, made again if it may lack some. */
static int list_keys(struct device_exec *d, uint32_t map)
{
    const struct ir_map *m = map_of(&d->exec, map);
    struct keylist *l = &d->keys[map];
    int err;

    if (l->valid)
        return 0;
    keylist_start(l, m->key_bytes, m->type == SPEC_MAP_LPM_TRIE);
    err = device_map_keys(d->dev, map, m, add_key, l);
    if (!err)
        keylist_end(l);
    return err;
}

/* The mailbox names entries by number, and an entry changes its number when its value is replaced:
 * the walk goes by a list of the keys, past those that are gone. */
static int next_listed(struct device_exec *d, uint32_t map, const void *key, void *next)
{
    const struct ir_map *m = map_of(&d->exec, map);
    const struct keylist *l = &d->keys[map];
    int err = key ? device_map_has(d->dev, map, m, key) : -ENOENT;
    const void *at;
    bool known;

    if (err && err != -ENOENT)
        return err;
    known = !err;
    err = list_keys(d, map);
    if (err)
        return err;
    for (uint32_t i = known ? keylist_after(l, key) : 0; (at = keylist_key(l, i)); i++) {
        err = device_map_has(d->dev, map, m, at);
        if (err == -ENOENT)
            continue;
        if (!err)
            memcpy(next, at, m->key_bytes);
        return err;
    }
    return -ENOENT;
}

int device_exec_next_key(struct exec *exec, uint32_t map, const void *key, void *next)
{
    const struct hostmap *soft = soft_of(exec, map);
    const struct ir_map *m = map_of(exec, map);
    uint32_t index;

    if (soft)
        return hostmap_next_key(soft, key, next);
    if (!m->key_bytes)
        return m->type == SPEC_MAP_BLOOM_FILTER ? -EOPNOTSUPP : -EINVAL;
    if (is_keyed(exec, map))
        return next_listed((struct device_exec *)exec, map, key, next);
    index = UINT32_MAX;
    if (key)
        memcpy(&index, key, sizeof(index));
    index = index < m->max_entries ? index + 1 : 0;
    if (index == m->max_entries)
        return -ENOENT;
    memcpy(next, &index, sizeof(index));
    return 0;
}

int device_exec_lookup(struct exec *exec, uint32_t map, const void *key, void *values)
{
    const struct hostmap *soft = soft_of(exec, map);

    if (soft)
        return soft->map ? map_host_lookup(soft->map, key, values) : -ENOTSUP;
    return device_map_lookup(((struct device_exec *)exec)->dev, map, map_of(exec, map), key,
                             values);
}

int device_exec_walk(struct exec *exec, uint32_t map,
                     int (*visit)(void *ctx, const void *key, const void *values), void *ctx)
{
    const struct hostmap *soft = soft_of(exec, map);

    if (soft)
        return soft->map ? hostmap_walk(soft, visit, ctx) : 0;
    return device_map_walk(((struct device_exec *)exec)->dev, map, map_of(exec, map), visit, ctx);
}

uint64_t device_exec_lost(struct exec *exec, uint32_t map)
{
    const struct map *m = ((struct device_exec *)exec)->maps[map];

    return m ? map_ring_lost(m) : 0;
}
