/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/lib/internal.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

/* Maps: definitions, and contents through an executor. */

void lib_map_make(struct sluice_map *map, const struct load_map *def, uint32_t index)
{
    *map = (struct sluice_map){.def = *def, .index = index};
}

const char *sluice_map_name(const struct sluice_map *map)
{
    return map ? map->def.name : NULL;
}

uint32_t sluice_map_type(const struct sluice_map *map)
{
    return map ? map->def.type : 0;
}

uint32_t sluice_map_key_size(const struct sluice_map *map)
{
    return map ? map->def.key_bytes : 0;
}

uint32_t sluice_map_value_size(const struct sluice_map *map)
{
    return map ? map->def.value_bytes : 0;
}

uint32_t sluice_map_max_entries(const struct sluice_map *map)
{
    return map ? map->def.max_entries : 0;
}

uint32_t sluice_map_map_flags(const struct sluice_map *map)
{
    return map ? map->def.flags : 0;
}

uint32_t sluice_map_id(const struct sluice_map *map)
{
    return map ? map->id : 0;
}

static bool is_percpu(const struct sluice_map *map)
{
    return map->def.type < SPEC_MAP_COUNT && spec_map_type_table[map->def.type].percpu;
}

size_t sluice_map_values_size(const struct sluice_map *map)
{
    if (!map)
        return 0;
    return is_percpu(map) ? (((size_t)map->def.value_bytes + 7) & ~(size_t)7) * SPEC_QUEUES
                          : map->def.value_bytes;
}

static bool is_data(const struct load_map *m)
{
    return m->kind == LOAD_MAP_RODATA || m->kind == LOAD_MAP_DATA || m->kind == LOAD_MAP_BSS;
}

int sluice_map_set_initial_value(struct sluice_map *map, const void *data, size_t size)
{
    struct load_map *file;
    uint8_t *copy;

    if (!map || !data)
        return -EINVAL;
    if (!map->object)
        return -EBUSY;
    file = &map->object->file->maps[map->index];
    if (!is_data(file) || size != file->value_bytes)
        return -EINVAL;
    copy = arena_memdup(map->object->arena, data, size);
    if (!copy)
        return -ENOMEM;
    file->data = copy;
    map->def.data = copy;
    map->object->altered = true;
    return 0;
}

const void *sluice_map_initial_value(const struct sluice_map *map, size_t *size)
{
    if (!map || !is_data(&map->def))
        return NULL;
    if (size)
        *size = map->def.value_bytes;
    return map->def.data;
}

/* ---- contents ---- */

/* A map of a program whose lock is held. */
struct contents {
    struct sluice_loaded *loaded;
    struct sluice_port *port; /* locked too, or NULL */
    const struct load_map *def;
    uint32_t index;
};

/* The map of a port's program that a handle stands for. */
static int find_of_port(const struct sluice_map *map, struct contents *c)
{
    const struct load_object *file;

    if (!c->loaded)
        return -EBADF;
    file = c->loaded->file;
    for (uint32_t i = 0; i < file->map_count; i++)
        if (!strcmp(file->maps[i].name, map->def.name)) {
            c->index = i;
            return job_same_definition(&file->maps[i], &map->def) ? 0 : -ENXIO;
        }
    return -EBADF;
}

static void leave(struct contents *c)
{
    if (c->loaded)
        lib_unlock(&c->loaded->lock);
    if (c->port)
        lib_port_leave(c->port);
}

/* 0 and the map, locked; -EBADF, -ENXIO, -EDEADLK. */
static int enter(const struct sluice_map *map, struct contents *c)
{
    int err = 0;

    *c = (struct contents){.loaded = map->loaded, .index = map->index};
    if (map->object)
        return -EBADF;
    if (map->port) {
        err = lib_port_enter(map->port, &c->loaded);
        if (err)
            return err;
        c->port = map->port;
        err = find_of_port(map, c);
    }
    if (!err)
        err = lib_lock(&c->loaded->lock);
    if (err) {
        c->loaded = NULL;
        leave(c);
        return err;
    }
    c->def = &c->loaded->file->maps[c->index];
    return 0;
}

static bool key_fits(const struct sluice_map *map, const void *key, size_t key_sz)
{
    return map && key_sz == map->def.key_bytes && (key || !key_sz);
}

static bool value_fits(const struct sluice_map *map, const void *value, size_t value_sz)
{
    return map && value && value_sz == sluice_map_values_size(map);
}

static uint8_t *room_of(const struct contents *c)
{
    return c->loaded->scratch + c->loaded->key_room;
}

/* A value of a map of programs or maps in the executor's numbers, or back; false: no such. */
static bool translate(const struct contents *c, uint8_t *value, bool back)
{
    const bool programs = job_holds_programs(c->def);
    uint32_t number;

    if (!programs && !job_holds_maps(c->def))
        return true;
    memcpy(&number, value, sizeof(number));
    number = back ? lib_id_of_number(c->loaded, programs, number)
                  : lib_number_of_id(c->loaded, programs, number);
    memcpy(value, &number, sizeof(number));
    return number != 0;
}

static int lookup(const struct contents *c, const void *key, void *value, size_t bytes)
{
    const struct exec_ops *ops = c->loaded->exec->ops;
    uint8_t *room = room_of(c);
    int err = c->def->flags & BPF_F_WRONLY ? -EPERM : 0;

    if (err)
        return err;
    memcpy(room, value, bytes); /* of a Bloom filter */
    err = ops->map_lookup(c->loaded->exec, c->index, key, room);
    if (!err && !translate(c, room, true))
        err = -ENOENT;
    if (!err)
        memcpy(value, room, bytes);
    return err;
}

static bool is_frozen(const struct contents *c)
{
    return c->def->flags & BPF_F_RDONLY || c->def->kind == LOAD_MAP_RODATA;
}

static int update(const struct contents *c, const void *key, const void *value, size_t bytes,
                  uint64_t flags)
{
    uint8_t *room = room_of(c);

    if (is_frozen(c))
        return -EPERM;
    memset(room, 0, (bytes + 7) & ~(size_t)7);
    memcpy(room, value, bytes);
    if (!translate(c, room, false))
        return -EINVAL;
    return c->loaded->exec->ops->map_update(c->loaded->exec, c->index, key, room, flags);
}

static int erase(const struct contents *c, const void *key)
{
    return is_frozen(c) ? -EPERM : c->loaded->exec->ops->map_delete(c->loaded->exec, c->index, key);
}

int sluice_map_lookup_elem(struct sluice_map *map, const void *key, size_t key_sz, void *value,
                           size_t value_sz, uint64_t flags)
{
    struct contents c;
    int err;

    if (!key_fits(map, key, key_sz) || !value_fits(map, value, value_sz) || flags)
        return -EINVAL;
    if (lib_device_has(map))
        return lib_device_lookup(map, key, value, false);
    err = enter(map, &c);
    if (err)
        return err;
    err = lookup(&c, key, value, value_sz);
    leave(&c);
    return err;
}

int sluice_map_update_elem(struct sluice_map *map, const void *key, size_t key_sz,
                           const void *value, size_t value_sz, uint64_t flags)
{
    struct contents c;
    int err;

    if (!key_fits(map, key, key_sz) || !value_fits(map, value, value_sz))
        return -EINVAL;
    if (lib_device_has(map))
        return lib_device_update(map, key, value, flags);
    err = enter(map, &c);
    if (err)
        return err;
    err = update(&c, key, value, value_sz, flags);
    leave(&c);
    return err;
}

int sluice_map_delete_elem(struct sluice_map *map, const void *key, size_t key_sz, uint64_t flags)
{
    struct contents c;
    int err;

    if (!key_fits(map, key, key_sz) || flags)
        return -EINVAL;
    if (lib_device_has(map))
        return lib_device_delete(map, key);
    err = enter(map, &c);
    if (err)
        return err;
    err = erase(&c, key);
    leave(&c);
    return err;
}

int sluice_map_lookup_and_delete_elem(struct sluice_map *map, const void *key, size_t key_sz,
                                      void *value, size_t value_sz, uint64_t flags)
{
    struct contents c;
    int err;

    if (!key_fits(map, key, key_sz) || !value_fits(map, value, value_sz) || flags)
        return -EINVAL;
    if (lib_device_has(map))
        return lib_device_lookup(map, key, value, true);
    err = enter(map, &c);
    if (err)
        return err;
    if (c.def->flags & (BPF_F_RDONLY | BPF_F_WRONLY)) {
        err = -EPERM;
    } else if (c.def->key_bytes) {
        err = lookup(&c, key, value, value_sz);
        if (!err)
            err = erase(&c, key);
    } else {
        err = c.loaded->exec->ops->map_pop(c.loaded->exec, c.index, room_of(&c));
        if (!err)
            memcpy(value, room_of(&c), value_sz);
    }
    leave(&c);
    return err;
}

int sluice_map_get_next_key(struct sluice_map *map, const void *cur_key, void *next_key,
                            size_t key_sz)
{
    struct contents c;
    int err;

    if (!key_fits(map, next_key, key_sz))
        return -EINVAL;
    if (lib_device_has(map))
        return lib_device_next_key(map, cur_key, next_key);
    err = enter(map, &c);
    if (err)
        return err;
    err = c.def->flags & BPF_F_WRONLY
              ? -EPERM
              : c.loaded->exec->ops->map_next_key(c.loaded->exec, c.index, cur_key, next_key);
    leave(&c);
    return err;
}

int sluice_map_lookup_batch(struct sluice_map *map, const void *after, void *keys, void *values,
                            uint32_t *count)
{
    const size_t value_bytes = sluice_map_values_size(map);
    const void *key = after;
    struct contents c;
    uint32_t done = 0;
    uint8_t *cursor;
    int err;

    if (!map || !keys || !values || !count || !map->def.key_bytes)
        return -EINVAL;
    if (lib_device_has(map))
        return lib_device_lookup_batch(map, after, keys, values, count);
    err = enter(map, &c);
    if (err)
        return err;
    cursor = c.loaded->scratch;
    if (c.def->flags & BPF_F_WRONLY)
        err = -EPERM;
    while (!err && done < *count) {
        err = c.loaded->exec->ops->map_next_key(c.loaded->exec, c.index, key, cursor);
        if (err)
            break;
        key = cursor;
        err = lookup(&c, key, (uint8_t *)values + (size_t)done * value_bytes, value_bytes);
        if (!err)
            memcpy((uint8_t *)keys + (size_t)done++ * c.def->key_bytes, key, c.def->key_bytes);
        else if (err == -ENOENT) /* an empty slot */
            err = 0;
    }
    *count = done;
    leave(&c);
    return err;
}

int sluice_map_update_batch(struct sluice_map *map, const void *keys, const void *values,
                            uint32_t *count, uint64_t flags)
{
    const size_t value_bytes = sluice_map_values_size(map);
    struct contents c;
    uint32_t done = 0;
    int err;

    if (!map || !values || !count || (!keys && map->def.key_bytes))
        return -EINVAL;
    if (lib_device_has(map))
        return lib_device_update_batch(map, keys, values, count, flags);
    err = enter(map, &c);
    if (err)
        return err;
    while (!err && done < *count) {
        err = update(&c, keys ? (const uint8_t *)keys + (size_t)done * c.def->key_bytes : NULL,
                     (const uint8_t *)values + done * value_bytes, value_bytes, flags);
        done += !err;
    }
    *count = done;
    leave(&c);
    return err;
}

int sluice_map_delete_batch(struct sluice_map *map, const void *keys, uint32_t *count)
{
    struct contents c;
    uint32_t done = 0;
    int err;

    if (!map || !keys || !count)
        return -EINVAL;
    if (lib_device_has(map))
        return lib_device_delete_batch(map, keys, count);
    err = enter(map, &c);
    if (err)
        return err;
    while (!err && done < *count) {
        err = erase(&c, (const uint8_t *)keys + (size_t)done * c.def->key_bytes);
        done += !err;
    }
    *count = done;
    leave(&c);
    return err;
}

int sluice_map_lost(struct sluice_map *map, uint64_t *lost)
{
    struct contents c;
    int err;

    if (!map || !lost)
        return -EINVAL;
    if (lib_device_has(map))
        return lib_device_lost(map, lost);
    err = enter(map, &c);
    if (err)
        return err;
    *lost = c.loaded->exec->ops->lost ? c.loaded->exec->ops->lost(c.loaded->exec, c.index) : 0;
    leave(&c);
    return 0;
}
