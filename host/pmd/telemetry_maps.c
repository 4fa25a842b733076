/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/program.h"
#include "host/pmd/telemetry.h"
#include "hw/spec/gen/map_types.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Commands on the telemetry socket for the maps of the program: all with the device locked. */

enum { ENTRIES_MAX = 64 /* that are read while it is */ };

/* A map as the host sees it. */
struct view {
    const struct load_map *map;
    struct exec *exec;
    uint32_t index;
    uint32_t cpus;
    uint32_t stride_bytes;
    uint32_t values_bytes; /* of all CPUs */
};

static int view_map(struct pmd_call *c, struct view *v)
{
    const struct pmd_program *p = c->pmd->program;
    const char *name = c->fields[0];

    if (!p)
        return pmd_refuse(c, -ENXIO, "there is no program");
    if (pmd_map_find(p, name, &v->index) &&
        (!pmd_take_number(name, UINT32_MAX, &v->index) || v->index >= p->object->map_count)) {
        snprintf(c->why, sizeof(c->why), "the program %s has no map \"%s\"", p->prog->name, name);
        return -ENXIO;
    }
    v->map = &p->object->maps[v->index];
    v->exec = p->exec;
    v->cpus = spec_map_type_table[v->map->type].percpu ? SPEC_QUEUES : 1;
    v->stride_bytes = (v->map->value_bytes + 7) & ~7u;
    v->values_bytes = v->cpus * v->stride_bytes;
    return 0;
}

/* ... to reach its entries; a queue's have keys of 0 bytes. */
static int view_entries(struct pmd_call *c, struct view *v)
{
    const int err = view_map(c, v);

    if (err)
        return err;
    if (v->map->type == SPEC_MAP_BLOOM_FILTER)
        return pmd_refuse(c, -EOPNOTSUPP, "a Bloom filter has no entries");
    if ((uint64_t)v->map->key_bytes + (uint64_t)v->cpus * v->map->value_bytes + v->cpus * 8u >
        PMD_ANSWER_BYTES)
        return pmd_refuse(c, -EMSGSIZE,
                          "an entry of the map has more bytes than an answer has room for");
    return 0;
}

static int say_map(struct pmd_call *c, int err)
{
    switch (err) {
    case -ENOENT:
        return pmd_refuse(c, err, "there is no such entry");
    case -EEXIST:
        return pmd_refuse(c, err, "there is such an entry already");
    case -E2BIG:
        return pmd_refuse(c, err, "there is no room for the entry");
    case -EINVAL:
        return pmd_refuse(c, err, "the map's type does not take this");
    default:
        return err;
    }
}

static void put_sizes(struct pmd_call *c, const struct view *v)
{
    pmd_put_number(c->answer, "key_bytes", v->map->key_bytes);
    pmd_put_number(c->answer, "value_bytes", v->map->value_bytes);
    pmd_put_number(c->answer, "cpus", v->cpus);
}

static int map_info(struct pmd_call *c)
{
    struct view v;
    const int err = view_map(c, &v);

    if (err)
        return err;
    pmd_put_number(c->answer, "id", v.index);
    pmd_put_text(c->answer, "name", v.map->name);
    pmd_put_text(c->answer, "type", spec_map_type_table[v.map->type].name);
    put_sizes(c, &v);
    pmd_put_number(c->answer, "max_entries", v.map->max_entries);
    pmd_put_number(c->answer, "flags", v.map->flags);
    return 0;
}

static int map_lookup_entry(struct pmd_call *c)
{
    uint8_t key[PMD_ANSWER_BYTES], values[PMD_ANSWER_BYTES];
    struct view v;
    int err = view_entries(c, &v);

    if (!err)
        err = pmd_take_bytes(c, "key", c->count > 1 ? c->fields[1] : "", v.map->key_bytes, key);
    if (err)
        return err;
    err = v.exec->ops->map_lookup(v.exec, v.index, key, values);
    if (err)
        return say_map(c, err);
    put_sizes(c, &v);
    return pmd_put_bytes(c->answer, "data", values, v.values_bytes);
}

/* The program is translated with what these hold. */
static int refuse_held(struct pmd_call *c, const struct view *v)
{
    return job_holds_programs(v->map) || job_holds_maps(v->map)
               ? pmd_refuse(c, -EOPNOTSUPP,
                            "what maps of programs and maps hold is set when they are loaded")
               : 0;
}

/* One value counts for all CPUs, as bpftool takes it. */
static int map_update_entry(struct pmd_call *c)
{
    static const char *const flags[] = {[SPEC_MAP_FLAG_ANY] = "any",
                                        [SPEC_MAP_FLAG_NOEXIST] = "noexist",
                                        [SPEC_MAP_FLAG_EXIST] = "exist"};
    uint8_t key[PMD_ANSWER_BYTES], values[PMD_ANSWER_BYTES] = {0};
    uint32_t flag = 0;
    struct view v;
    int err = view_entries(c, &v);

    if (!err)
        err = refuse_held(c, &v);
    if (!err)
        err = pmd_take_bytes(c, "key", c->fields[1], v.map->key_bytes, key);
    if (!err)
        err = pmd_take_bytes(c, "value", c->fields[2], v.map->value_bytes, values);
    if (err)
        return err;
    while (c->count > 3 && flag < RTE_DIM(flags) && strcmp(c->fields[3], flags[flag]))
        flag++;
    if (flag == RTE_DIM(flags))
        return pmd_refuse(c, -EINVAL, "an update is any, noexist or exist");
    for (uint32_t i = 1; i < v.cpus; i++)
        memcpy(values + (size_t)i * v.stride_bytes, values, v.stride_bytes);
    return say_map(c, v.exec->ops->map_update(v.exec, v.index, key, values, flag));
}

static int map_delete_entry(struct pmd_call *c)
{
    uint8_t key[PMD_ANSWER_BYTES];
    struct view v;
    int err = view_entries(c, &v);

    if (!err && !v.map->key_bytes)
        err = pmd_refuse(c, -EOPNOTSUPP, "the map's entries have no keys");
    if (!err)
        err = refuse_held(c, &v);
    if (!err)
        err = pmd_take_bytes(c, "key", c->fields[1], v.map->key_bytes, key);
    return err ? err : say_map(c, v.exec->ops->map_delete(v.exec, v.index, key));
}

/* Keys that stay when nothing is there: those of arrays of programs and maps. */
static bool has_slots(const struct load_map *m)
{
    return spec_map_type_table[m->type].soft == SPEC_SOFT_FDARRAY;
}

/* Entries behind a key, or from the first one on if that is gone: as many as an answer holds, and
 * whether there may be more. The program may take entries away meanwhile; a walk along slots goes
 * on at the one where it is, slot, if it is empty, too. */
static int read_entries(const struct view *v, const uint8_t *after, uint8_t *data, uint32_t *count,
                        uint32_t *slot, bool *more)
{
    const uint32_t entry_bytes = v->map->key_bytes + v->values_bytes;
    const bool slots = has_slots(v->map);

    *count = 0;
    *more = true;
    for (uint32_t i = 0; i < ENTRIES_MAX && (*count + 1) * entry_bytes <= PMD_ANSWER_BYTES; i++) {
        uint8_t *entry = data + (size_t)*count * entry_bytes;
        int err = v->exec->ops->map_next_key(v->exec, v->index, after, entry);

        *more = err != -ENOENT;
        if (err)
            return *more ? err : 0;
        err = v->exec->ops->map_lookup(v->exec, v->index, entry, entry + v->map->key_bytes);
        if (err && err != -ENOENT)
            return err;
        if (slots) {
            memcpy(slot, entry, sizeof(*slot));
            after = (const uint8_t *)slot;
        } else if (!err) {
            after = entry;
        }
        *count += !err;
    }
    return 0;
}

/* Where the walk is: a key, as the next request gives it. */
static void put_slot(struct rte_tel_data *answer, uint32_t slot)
{
    uint8_t key[sizeof(slot)];
    char digits[2 * sizeof(key) + 1];

    memcpy(key, &slot, sizeof(key));
    for (uint32_t i = 0; i < sizeof(key); i++)
        snprintf(digits + 2 * i, 3, "%02x", key[i]);
    pmd_put_text(answer, "at", digits);
}

static int map_dump_entries(struct pmd_call *c)
{
    uint8_t data[PMD_ANSWER_BYTES], key[PMD_ANSWER_BYTES], values[PMD_ANSWER_BYTES];
    bool from_key = c->count > 1, more;
    uint32_t count = 0, slot = UINT32_MAX;
    struct view v;
    int err = view_entries(c, &v);

    if (!err && !v.map->key_bytes)
        err = pmd_refuse(c, -EOPNOTSUPP, "the map's entries have no keys to walk along");
    if (!err && from_key)
        err = pmd_take_bytes(c, "key", c->fields[1], v.map->key_bytes, key);
    if (err)
        return err;
    pmd_put_number(c->answer, "again",
                   from_key && !has_slots(v.map) &&
                       v.exec->ops->map_lookup(v.exec, v.index, key, values) == -ENOENT);
    err = read_entries(&v, from_key ? key : NULL, data, &count, &slot, &more);
    if (err)
        return err;
    put_sizes(c, &v);
    pmd_put_number(c->answer, "count", count);
    pmd_put_number(c->answer, "more", more);
    if (has_slots(v.map))
        put_slot(c->answer, slot);
    return pmd_put_bytes(c->answer, "data", data, count * (v.map->key_bytes + v.values_bytes));
}

static int locked(struct pmd_call *c, int (*act)(struct pmd_call *c))
{
    int err;

    pthread_mutex_lock(&c->pmd->lock);
    err = act(c);
    pthread_mutex_unlock(&c->pmd->lock);
    return err;
}

int pmd_map_info(struct pmd_call *c)
{
    return locked(c, map_info);
}

int pmd_map_lookup(struct pmd_call *c)
{
    return locked(c, map_lookup_entry);
}

int pmd_map_update(struct pmd_call *c)
{
    return locked(c, map_update_entry);
}

int pmd_map_delete(struct pmd_call *c)
{
    return locked(c, map_delete_entry);
}

int pmd_map_dump(struct pmd_call *c)
{
    return locked(c, map_dump_entries);
}
