/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/program/program.h"
#include "host/pmd/telemetry.h"
#include "hw/spec/gen/map_types.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

/* Commands on the telemetry socket for the maps of the program. */

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

    if (pmd_same_program(c))
        return -ESTALE;
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
    if ((uint64_t)v->map->key_bytes + (uint64_t)v->cpus * v->map->value_bytes + v->cpus * 8u >
        PMD_ANSWER_BYTES)
        return pmd_refuse(c, -EMSGSIZE,
                          "an entry of the map has more bytes than an answer has room for");
    return 0;
}

/* The program is translated with what these hold. */
static int refuse_held(struct pmd_call *c, const struct view *v)
{
    return job_holds_programs(v->map) || job_holds_maps(v->map)
               ? pmd_refuse(c, -EOPNOTSUPP,
                            "what maps of programs and maps hold is set when they are loaded")
               : 0;
}

static bool is_bloom(const struct view *v)
{
    return v->map->type == SPEC_MAP_BLOOM_FILTER;
}

/* To read entries. */
static int view_to_read(struct pmd_call *c, struct view *v)
{
    const int err = view_entries(c, v);

    return !err && v->map->flags & BPF_F_WRONLY
               ? pmd_refuse(c, -EPERM, "the host may not read the map")
               : err;
}

/* To change them; a program is translated with what read-only data hold. */
static int view_to_write(struct pmd_call *c, struct view *v)
{
    const int err = view_entries(c, v);

    if (!err && (v->map->flags & BPF_F_RDONLY || v->map->kind == LOAD_MAP_RODATA))
        return pmd_refuse(c, -EPERM, "the map is read-only");
    return err ? err : refuse_held(c, v);
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

int pmd_map_info(struct pmd_call *c)
{
    static const char *const kinds[LOAD_MAP_KIND_COUNT] = {
        [LOAD_MAP_NONE] = "",         [LOAD_MAP_BTF] = "btf",   [LOAD_MAP_LEGACY] = "legacy",
        [LOAD_MAP_RODATA] = "rodata", [LOAD_MAP_DATA] = "data", [LOAD_MAP_BSS] = "bss"};
    struct view v;
    const int err = view_map(c, &v);

    if (err)
        return err;
    pmd_put_number(c->answer, "id", v.index);
    pmd_put_text(c->answer, "name", v.map->name);
    pmd_put_text(c->answer, "type", spec_map_type_table[v.map->type].name);
    pmd_put_text(c->answer, "kind", kinds[v.map->kind]);
    put_sizes(c, &v);
    pmd_put_number(c->answer, "max_entries", v.map->max_entries);
    pmd_put_number(c->answer, "flags", v.map->flags);
    pmd_put_number(c->answer, "generation", c->pmd->generation);
    return 0;
}

int pmd_map_lookup(struct pmd_call *c)
{
    uint8_t key[PMD_ANSWER_BYTES], values[PMD_ANSWER_BYTES] = {0};
    struct view v;
    int err = view_to_read(c, &v);

    if (!err)
        err = pmd_take_bytes(c, "key", c->count > 1 ? c->fields[1] : "", v.map->key_bytes, key);
    if (!err && is_bloom(&v) != (c->count > 2))
        err = pmd_refuse(c, -EOPNOTSUPP,
                         is_bloom(&v) ? "a Bloom filter tells of values only: give one"
                                      : "only a Bloom filter is asked for a value");
    if (!err && is_bloom(&v))
        err = pmd_take_bytes(c, "value", c->fields[2], v.map->value_bytes, values);
    if (err)
        return err;
    err = v.exec->ops->map_lookup(v.exec, v.index, key, values);
    if (err)
        return say_map(c, err);
    put_sizes(c, &v);
    return pmd_put_bytes(c->answer, "data", values, v.values_bytes);
}

/* Bytes of an entry's values in a request: those of all CPUs have their stride. */
static uint32_t wire_bytes(const struct view *v)
{
    return v->cpus > 1 ? v->values_bytes : v->map->value_bytes;
}

/* Values of all CPUs; one alone counts for each, as bpftool takes it. */
static int take_values(struct pmd_call *c, const struct view *v, const char *text, uint8_t *values)
{
    int err;

    if (v->cpus > 1 && strlen(text) == 2 * (size_t)v->values_bytes)
        return pmd_take_bytes(c, "value", text, v->values_bytes, values);
    err = pmd_take_bytes(c, "value", text, v->map->value_bytes, values);
    for (uint32_t i = 1; !err && i < v->cpus; i++)
        memcpy(values + (size_t)i * v->stride_bytes, values, v->stride_bytes);
    return err;
}

/* A word of bpftool's, or a number, which the map takes or refuses. */
static int take_flag(struct pmd_call *c, const char *text, uint32_t *flag)
{
    static const char *const words[] = {[SPEC_MAP_FLAG_ANY] = "any",
                                        [SPEC_MAP_FLAG_NOEXIST] = "noexist",
                                        [SPEC_MAP_FLAG_EXIST] = "exist"};

    for (uint32_t i = 0; i < RTE_DIM(words); i++)
        if (!strcmp(text, words[i])) {
            *flag = i;
            return 0;
        }
    return pmd_take_number(text, UINT32_MAX, flag)
               ? 0
               : pmd_refuse(c, -EINVAL, "an update is any, noexist or exist");
}

int pmd_map_update(struct pmd_call *c)
{
    uint8_t key[PMD_ANSWER_BYTES], values[PMD_ANSWER_BYTES] = {0};
    uint32_t flag = SPEC_MAP_FLAG_ANY;
    struct view v;
    int err = view_to_write(c, &v);

    if (!err)
        err = pmd_take_bytes(c, "key", c->fields[1], v.map->key_bytes, key);
    if (!err)
        err = take_values(c, &v, c->fields[2], values);
    if (!err && c->count > 3)
        err = take_flag(c, c->fields[3], &flag);
    return err ? err : say_map(c, v.exec->ops->map_update(v.exec, v.index, key, values, flag));
}

/* How many entries of a batch were done, and the errno of the next one. */
static void put_done(struct pmd_call *c, uint32_t done, int err)
{
    pmd_put_number(c->answer, "done", done);
    pmd_put_number(c->answer, "status", (uint64_t)-err);
}

/* Bytes of several things, each of so many. */
static int take_several(struct pmd_call *c, const char *what, const char *text, uint32_t each,
                        uint8_t *bytes, uint32_t *count)
{
    const size_t digits = strlen(text);

    if (!each || !digits || digits % (2 * (size_t)each) || digits / 2 > PMD_ANSWER_BYTES) {
        snprintf(c->why, sizeof(c->why), "%s have %u bytes each, not %zu digits", what, each,
                 digits);
        return -EINVAL;
    }
    *count = (uint32_t)(digits / 2 / each);
    return pmd_take_bytes(c, what, text, (uint32_t)(digits / 2), bytes);
}

int pmd_map_update_batch(struct pmd_call *c)
{
    uint8_t data[PMD_ANSWER_BYTES], values[PMD_ANSWER_BYTES];
    uint32_t flag = 0, count = 0, done = 0, each;
    struct view v;
    int err = view_to_write(c, &v);

    if (!err)
        err = take_flag(c, c->fields[1], &flag);
    if (err)
        return err;
    each = v.map->key_bytes + wire_bytes(&v);
    err = take_several(c, "entries", c->fields[2], each, data, &count);
    if (err)
        return err;
    while (!err && done < count) {
        const uint8_t *entry = data + (size_t)done * each;

        memset(values, 0, v.values_bytes);
        memcpy(values, entry + v.map->key_bytes, wire_bytes(&v));
        err = v.exec->ops->map_update(v.exec, v.index, entry, values, flag);
        done += !err;
    }
    put_done(c, done, err);
    return 0;
}

int pmd_map_delete_batch(struct pmd_call *c)
{
    uint8_t keys[PMD_ANSWER_BYTES];
    uint32_t count = 0, done = 0;
    struct view v;
    int err = view_to_write(c, &v);

    if (!err)
        err = take_several(c, "keys", c->fields[1], v.map->key_bytes, keys, &count);
    if (err)
        return err;
    while (!err && done < count) {
        err = v.exec->ops->map_delete(v.exec, v.index, keys + (size_t)done * v.map->key_bytes);
        done += !err;
    }
    put_done(c, done, err);
    return 0;
}

/* Looks an entry up and deletes it; of a queue or a stack, takes its next value. */
int pmd_map_take(struct pmd_call *c)
{
    uint8_t key[PMD_ANSWER_BYTES], values[PMD_ANSWER_BYTES] = {0};
    struct view v;
    int err = view_to_write(c, &v);

    if (!err)
        err = view_to_read(c, &v);
    if (!err)
        err = pmd_take_bytes(c, "key", c->count > 1 ? c->fields[1] : "", v.map->key_bytes, key);
    if (err)
        return err;
    if (v.map->key_bytes) {
        err = v.exec->ops->map_lookup(v.exec, v.index, key, values);
        if (!err)
            err = v.exec->ops->map_delete(v.exec, v.index, key);
    } else {
        err = v.exec->ops->map_pop(v.exec, v.index, values);
    }
    if (err)
        return say_map(c, err);
    put_sizes(c, &v);
    return pmd_put_bytes(c->answer, "data", values, v.values_bytes);
}

int pmd_map_delete(struct pmd_call *c)
{
    uint8_t key[PMD_ANSWER_BYTES];
    struct view v;
    int err = view_to_write(c, &v);

    if (!err && !v.map->key_bytes)
        err = pmd_refuse(c, -EOPNOTSUPP, "the map's entries have no keys");
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
static int read_entries(const struct view *v, const uint8_t *after, uint32_t most, uint8_t *data,
                        uint32_t *count, uint32_t *slot, bool *more)
{
    const uint32_t entry_bytes = v->map->key_bytes + v->values_bytes;
    const bool slots = has_slots(v->map);

    *count = 0;
    *more = true;
    for (uint32_t i = 0;
         i < ENTRIES_MAX && *count < most && (*count + 1) * entry_bytes <= PMD_ANSWER_BYTES; i++) {
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

int pmd_map_dump(struct pmd_call *c)
{
    uint8_t data[PMD_ANSWER_BYTES], key[PMD_ANSWER_BYTES], values[PMD_ANSWER_BYTES];
    const bool from_key = c->count > 1 && *c->fields[1];
    uint32_t count = 0, slot = UINT32_MAX, most = ENTRIES_MAX;
    struct view v;
    bool more;
    int err = view_to_read(c, &v);

    if (!err && !v.map->key_bytes)
        err = pmd_refuse(c, -EOPNOTSUPP, "the map's entries have no keys to walk along");
    if (!err && from_key)
        err = pmd_take_bytes(c, "key", c->fields[1], v.map->key_bytes, key);
    if (!err && c->count > 2 && (!pmd_take_number(c->fields[2], UINT32_MAX, &most) || !most))
        err = pmd_refuse(c, -EINVAL, "the most entries are a number over 0");
    if (err)
        return err;
    pmd_put_number(c->answer, "again",
                   from_key && !has_slots(v.map) &&
                       v.exec->ops->map_lookup(v.exec, v.index, key, values) == -ENOENT);
    err = read_entries(&v, from_key ? key : NULL, most, data, &count, &slot, &more);
    if (err)
        return err;
    put_sizes(c, &v);
    pmd_put_number(c->answer, "count", count);
    pmd_put_number(c->answer, "more", more);
    if (has_slots(v.map))
        put_slot(c->answer, slot);
    return pmd_put_bytes(c->answer, "data", data, count * (v.map->key_bytes + v.values_bytes));
}

/* The key after a given one, or the first. */
int pmd_map_next(struct pmd_call *c)
{
    const bool from_key = c->count > 1 && *c->fields[1];
    uint8_t key[PMD_ANSWER_BYTES];
    struct view v;
    int err = view_to_read(c, &v);

    if (!err && !v.map->key_bytes)
        err = pmd_refuse(c, -EINVAL, "the map's entries have no keys to walk along");
    if (!err && from_key)
        err = pmd_take_bytes(c, "key", c->fields[1], v.map->key_bytes, key);
    if (err)
        return err;
    err = v.exec->ops->map_next_key(v.exec, v.index, from_key ? key : NULL, key);
    return err ? say_map(c, err) : pmd_put_bytes(c->answer, "key", key, v.map->key_bytes);
}

int pmd_map_lost(struct pmd_call *c)
{
    struct view v;
    const int err = view_map(c, &v);

    if (err)
        return err;
    if (v.map->type != SPEC_MAP_RINGBUF)
        return pmd_refuse(c, -EOPNOTSUPP, "the map is no ring buffer");
    pmd_put_number(c->answer, "lost", v.exec->ops->lost ? v.exec->ops->lost(v.exec, v.index) : 0);
    return 0;
}
