/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/soft_maps.h"

#include "tests/common/random.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

struct map *soft_map_make(const struct map_def *def, const char **why)
{
    const size_t bytes = (map_size_bytes(def, why) + 63) & ~(size_t)63;
    void *memory = bytes ? aligned_alloc(64, bytes) : NULL;

    if (!memory) {
        *why = *why ? *why : "no memory";
        return NULL;
    }
    memset(memory, 0, bytes);
    return map_init(memory, def);
}

static int open_map(struct soft_maps *s, const struct map_def *def)
{
    const char *why = NULL;

    if (s->count == SPEC_MAPS)
        return -EINVAL;
    s->bytes[s->count] = map_size_bytes(def, &why);
    s->maps[s->count] = soft_map_make(def, &why);
    if (!s->maps[s->count])
        return s->bytes[s->count] ? -ENOMEM : -EINVAL;
    s->count++;
    return 0;
}

int soft_maps_open(struct soft_maps *s, const struct ir_map *maps, uint32_t count)
{
    *s = (struct soft_maps){.count = 0};
    for (uint32_t m = 0; m < count; m++) {
        const struct map_def def = {.name = maps[m].name,
                                    .type = maps[m].type,
                                    .key_bytes = maps[m].key_bytes,
                                    .value_bytes = maps[m].value_bytes,
                                    .max_entries = maps[m].max_entries,
                                    .extra = maps[m].extra};
        const int err = open_map(s, &def);

        if (err) {
            soft_maps_close(s);
            return err;
        }
        s->holds[m] = maps[m].holds;
    }
    return 0;
}

int soft_maps_add_tables(struct soft_maps *s, const struct ir_func *f)
{
    int err = 0;

    while (s->count < f->map_count && !err) {
        const struct ir_map *m = &f->maps[s->count];
        const struct map_def def = {.name = m->name,
                                    .type = m->type,
                                    .key_bytes = m->key_bytes,
                                    .value_bytes = m->value_bytes,
                                    .max_entries = m->max_entries,
                                    .flags = m->type == SPEC_MAP_LPM_TRIE ? BPF_F_NO_PREALLOC : 0};

        err = open_map(s, &def);
    }
    return err;
}

int soft_maps_open_object(struct soft_maps *s, const struct load_object *object)
{
    *s = (struct soft_maps){.count = 0};
    for (uint32_t m = 0; m < object->map_count; m++) {
        const struct load_map *map = &object->maps[m];
        const struct map_def def = {.name = map->name,
                                    .type = map->type,
                                    .key_bytes = map->key_bytes,
                                    .value_bytes = map->value_bytes,
                                    .max_entries = map->max_entries,
                                    .flags = map->flags,
                                    .extra = load_extra(map)};
        const int err = open_map(s, &def);

        if (err) {
            soft_maps_close(s);
            return err;
        }
        if (map->data) {
            uintptr_t first;
            uintptr_t end;

            map_value_range(s->maps[m], &first, &end);
            memcpy((void *)first, map->data, map->value_bytes);
        }
    }
    return 0;
}

void soft_maps_close(struct soft_maps *s)
{
    for (uint32_t m = 0; m < s->count; m++)
        free(s->maps[m]);
    s->count = 0;
}

struct ir_maps_ops soft_maps_ops(struct soft_maps *s)
{
    s->view = (struct softmap){s->maps, s->count};
    return softmap_ops(&s->view);
}

/* --- contents --------------------------------------------------------------------------- */

enum { RDONLY_PROG = 1 << 7 }; /* BPF_F_RDONLY_PROG: .rodata, which is frozen */

static size_t values_bytes(const struct map *map)
{
    return (size_t)map_cpus(map) * map_stride_bytes(map);
}

static void random_value(const struct map *map, uint8_t *values, uint64_t *seed)
{
    const struct map_def *def = map_definition(map);
    const bool small = random_next(seed) % 2;

    memset(values, 0, values_bytes(map));
    for (uint32_t c = 0; c < map_cpus(map); c++) {
        uint8_t *value = values + (size_t)c * map_stride_bytes(map);

        for (uint32_t i = 0; i < def->value_bytes; i++)
            value[i] = small ? (uint8_t)(random_next(seed) % 8 == 0) : (uint8_t)random_next(seed);
        if (spec_map_type_table[def->type].redirect) {
            memset(value, 0, def->value_bytes);
            value[0] = (uint8_t)(random_next(seed) % 3);
        }
    }
}

/* A map of maps holds one of those that may be in it, or none. */
static void random_map(uint64_t holds, uint8_t *value, uint64_t *seed)
{
    uint32_t number = (uint32_t)(random_next(seed) % 64);

    while (holds && !(holds >> number & 1))
        number = (number + 1) % 64;
    *value = holds && random_next(seed) % 4 ? (uint8_t)(number + 1) : 0;
}

static bool holds_maps(const struct map_def *def)
{
    return def->type == SPEC_MAP_ARRAY_OF_MAPS || def->type == SPEC_MAP_HASH_OF_MAPS;
}

static void random_key(const struct map *map, uint8_t *key, uint32_t i, uint64_t *seed)
{
    const struct map_def *def = map_definition(map);

    if (spec_map_type_table[def->type].soft == SPEC_SOFT_ARRAY ||
        def->type == SPEC_MAP_ARRAY_OF_MAPS) {
        const uint32_t index = i % def->max_entries;

        memcpy(key, &index, sizeof(index));
        return;
    }
    for (uint32_t k = 0; k < def->key_bytes; k++)
        key[k] = (uint8_t)(random_next(seed) % 4);
}

void soft_maps_fill(struct soft_maps *s, uint32_t entries, uint64_t *seed)
{
    for (uint32_t m = 0; m < s->count; m++) {
        struct map *map = s->maps[m];
        const bool constant = map_definition(map)->flags & RDONLY_PROG;
        uint8_t *key = malloc(map_definition(map)->key_bytes);
        uint8_t *values = malloc(values_bytes(map));

        for (uint32_t i = 0; i < entries && key && values && !constant; i++) {
            random_key(map, key, i, seed);
            if (holds_maps(map_definition(map))) {
                memset(values, 0, values_bytes(map));
                random_map(s->holds[m], values, seed);
            } else {
                random_value(map, values, seed);
            }
            map_host_update(map, key, values, SPEC_MAP_FLAG_ANY);
        }
        free(key);
        free(values);
    }
}

/* All that a map holds: values, bits, the state of a queue; and what it held before. */
static bool same_memory(const struct map *a, const struct map *b)
{
    uintptr_t from_a, from_b, to_a, to_b;

    map_value_range(a, &from_a, &to_a);
    map_value_range(b, &from_b, &to_b);
    return to_a - from_a == to_b - from_b &&
           memcmp((const void *)from_a, (const void *)from_b, to_a - from_a) == 0;
}

static bool has_keys(const struct map *map)
{
    return map_definition(map)->key_bytes != 0;
}

static bool same_entries(struct map *a, struct map *b)
{
    const uint32_t key_bytes = map_definition(a)->key_bytes;
    uint8_t *key = malloc(key_bytes);
    uint8_t *next = malloc(key_bytes);
    uint8_t *va = malloc(values_bytes(a));
    uint8_t *vb = malloc(values_bytes(b));
    uint32_t count_a = 0;
    uint32_t count_b = 0;
    bool same = key && next && va && vb;

    for (int err = map_next_key(a, NULL, next); same && !err; err = map_next_key(a, key, next)) {
        int err_a;

        memcpy(key, next, key_bytes);
        count_a++;
        err_a = map_host_lookup(a, key, va); /* a map of programs lists empty entries, too */
        same =
            map_host_lookup(b, key, vb) == err_a && (err_a || memcmp(va, vb, values_bytes(a)) == 0);
    }
    for (int err = map_next_key(b, NULL, next); same && !err; err = map_next_key(b, key, next)) {
        memcpy(key, next, key_bytes);
        count_b++;
    }
    free(key);
    free(next);
    free(va);
    free(vb);
    return same && count_a == count_b;
}

bool soft_maps_equal(const struct soft_maps *a, const struct soft_maps *b, uint32_t *map)
{
    for (uint32_t m = 0; m < a->count; m++) {
        if (has_keys(a->maps[m]) ? same_entries(a->maps[m], b->maps[m])
                                 : same_memory(a->maps[m], b->maps[m]))
            continue;
        *map = m;
        return false;
    }
    return true;
}

void soft_maps_drain(struct soft_maps *s)
{
    const void *data;
    uint32_t bytes;

    for (uint32_t i = 0; i < s->count; i++)
        while (s->maps[i] && map_ring_next(s->maps[i], &data, &bytes))
            ;
}
