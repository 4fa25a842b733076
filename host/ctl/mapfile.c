/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/mapfile.h"

#include "host/ctl/jsonfile.h"
#include "host/ctl/mapfile_types.h"
#include "host/ctl/typed.h"
#include "hw/spec/gen/limits.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a reader stands, for its messages. */
struct place {
    const char *path;
    const char *map;
    size_t entry;
    char *why;
    size_t why_bytes;
};

static int complain(const struct place *p, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int complain(const struct place *p, int err, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    snprintf(p->why, p->why_bytes, "%s: %s[%zu]: %s", p->path, p->map, p->entry, text);
    return err;
}

static uint32_t cpus_of(const struct load_map *m)
{
    return spec_map_type_table[m->type].percpu ? SPEC_QUEUES : 1;
}

static uint32_t stride_of(const struct load_map *m)
{
    return (m->value_bytes + 7) & ~7u;
}

/* One byte: a number, or a string with a number in C's notation. */
static bool byte_of(const json_t *item, uint8_t *out)
{
    if (json_is_integer(item)) {
        const json_int_t v = json_integer_value(item);

        *out = (uint8_t)v;
        return v >= 0 && v <= 255;
    }
    if (json_is_string(item) && json_string_length(item)) {
        char *end;
        const unsigned long v = strtoul(json_string_value(item), &end, 0);

        *out = (uint8_t)v;
        return !*end && v <= 255 && json_string_value(item)[0] != '-';
    }
    return false;
}

/* All bytes in one string: "0x" and two digits a byte, the first byte first. */
static int bytes_of_text(const struct place *p, const char *text, const char *what, uint32_t bytes,
                         uint8_t *out)
{
    const char *digits = !strncmp(text, "0x", 2) ? text + 2 : "";
    const size_t n = strspn(digits, "0123456789abcdefABCDEF");

    if (n != strlen(text) - 2 || n != (size_t)bytes * 2)
        return complain(p, -EINVAL,
                        "\"%s\" is not \"0x\" and %u hexadecimal digits, two for each of the "
                        "%u bytes of the map's %s",
                        what, bytes * 2, bytes, what);
    for (uint32_t i = 0; i < bytes; i++) {
        const char byte[] = {digits[2 * i], digits[2 * i + 1], 0};

        out[i] = (uint8_t)strtoul(byte, NULL, 16);
    }
    return 0;
}

static int bytes_of(const struct place *p, const json_t *array, const char *what, uint32_t bytes,
                    uint8_t *out)
{
    if (json_is_string(array))
        return bytes_of_text(p, json_string_value(array), what, bytes, out);
    if (!json_is_array(array))
        return complain(p, -EINVAL,
                        "\"%s\" is %s; it is an array of bytes, as bpftool -j map dump prints "
                        "them, such as [\"0x0a\", \"0x00\"]",
                        what, array ? "no array" : "missing");
    if (json_array_size(array) != bytes)
        return complain(p, -EINVAL, "\"%s\" has %zu bytes, the map's %s has %u", what,
                        json_array_size(array), what, bytes);
    for (uint32_t i = 0; i < bytes; i++)
        if (!byte_of(json_array_get(array, i), &out[i]))
            return complain(p, -EINVAL,
                            "byte %u of \"%s\" is not a number from 0 to 255 or a "
                            "string such as \"0x1f\"",
                            i, what);
    return 0;
}

/* By its fields' names. */
static int fields_of(const struct place *p, const json_t *json, const struct load_type *type,
                     const char *what, uint8_t *out)
{
    char why[400];
    int err;

    if (!type)
        return complain(p, -EINVAL,
                        "\"%s\" is given by its fields, and the object does not say of which type "
                        "the map's %s is; give its bytes",
                        what, what);
    err = typed_bytes(type, json, !strcmp(what, "key"), out, why, sizeof(why));
    return err ? complain(p, err, "\"%s\": %s", what, why) : 0;
}

/* Bytes and fields that are both given say the same; padding is nobody's. */
static int same_fields(const struct place *p, const json_t *fields, const struct load_type *type,
                       const char *what, uint32_t size, const uint8_t *bytes)
{
    uint8_t *other = calloc(1, size + 1u);
    json_t *a, *b;
    int err = other ? fields_of(p, fields, type, what, other) : -ENOMEM;

    if (!err) {
        a = typed_json(type, bytes);
        b = typed_json(type, other);
        if (!a || !b)
            err = -ENOMEM;
        else if (!json_equal(a, b))
            err = complain(p, -EINVAL,
                           "\"%s\" and that of \"formatted\" differ; take one of them out", what);
        json_decref(a);
        json_decref(b);
    }
    free(other);
    return err;
}

/* A key or value in either form: bytes, or fields, which may also stand in "formatted". */
static int item_of(const struct place *p, const json_t *holder, const json_t *formatted,
                   const char *what, const struct load_type *type, uint32_t bytes, uint8_t *out)
{
    const json_t *json = json_object_get(holder, what);
    const json_t *fields = json_object_get(formatted, what);
    int err;

    if (json && !json_is_array(json) && !json_is_string(json) && type)
        return fields_of(p, json, type, what, out);
    if (!json && fields)
        return fields_of(p, fields, type, what, out);
    err = bytes_of(p, json, what, bytes, out);
    return err || !fields || !type ? err : same_fields(p, fields, type, what, bytes, out);
}

static int key_of(const struct place *p, const json_t *entry, const struct load_map *m,
                  uint8_t *key)
{
    return item_of(p, entry, json_object_get(entry, "formatted"), "key", mapfile_key_type(m),
                   m->key_bytes, key);
}

static int value_of(const struct place *p, const json_t *holder, const json_t *formatted,
                    const struct load_map *m, uint8_t *value)
{
    return item_of(p, holder, formatted, "value", mapfile_value_type(m), m->value_bytes, value);
}

static int percpu_of(const struct place *p, const json_t *entry, const struct load_map *m,
                     uint8_t *values)
{
    const json_t *formatted = json_object_get(entry, "formatted");
    const json_t *more = json_object_get(formatted, "values");
    const json_t *list = json_object_get(entry, "values");
    const json_t *item;
    uint64_t seen = 0;
    size_t i;

    _Static_assert(SPEC_QUEUES <= 64, "seen has a bit for each CPU");
    if (!list && !json_object_get(entry, "value") && more) {
        list = more;
        more = NULL;
    }
    if (!list) { /* one value for all */
        int err = value_of(p, entry, formatted, m, values);

        for (uint32_t c = 1; c < cpus_of(m) && !err; c++)
            memcpy(values + (size_t)c * stride_of(m), values, m->value_bytes);
        return err;
    }
    if (json_object_get(entry, "value"))
        return complain(
            p, -EINVAL,
            "the entry has \"value\" and \"values\"; give one value for all CPUs, or one "
            "for each");
    if (!json_is_array(list))
        return complain(p, -EINVAL, "\"values\" is not an array of {\"cpu\", \"value\"}");
    json_array_foreach((json_t *)(uintptr_t)list, i, item)
    {
        const json_t *cpu = json_object_get(item, "cpu");
        const json_int_t c = json_is_integer(cpu) ? json_integer_value(cpu) : -1;
        int err;

        if (c < 0 || c >= (json_int_t)cpus_of(m))
            return complain(p, -EINVAL,
                            "\"cpu\" %zu of \"values\" is not a number from 0 to %u: a "
                            "per-CPU map has one value for each of the %u RX queues",
                            i, cpus_of(m) - 1, cpus_of(m));
        if (seen >> c & 1)
            return complain(p, -EINVAL, "\"values\" has cpu %d twice", (int)c);
        seen |= UINT64_C(1) << c;
        err = value_of(p, item, json_array_get(more, i), m, values + (size_t)c * stride_of(m));
        if (err)
            return err;
    }
    return 0;
}

/* A map of programs or of maps has their names for values; the value is the number + 1. */
static int held_of(const struct place *p, const json_t *value, const struct load_object *object,
                   const struct load_map *m, uint8_t *values)
{
    const char *what = job_holds_programs(m) ? "XDP program" : "map";
    const char *name = json_string_value(value);

    for (uint32_t i = 0; name && mapfile_held_name(object, m, i); i++)
        if (!strcmp(mapfile_held_name(object, m, i), name)) {
            const uint32_t number = i + 1;

            memcpy(values, &number, sizeof(number));
            return 0;
        }
    if (!name)
        return complain(p, -EINVAL, "\"value\" is no name; here it is that of a %s", what);
    return complain(p, -EINVAL, "\"value\" is \"%s\", and the object has no such %s", name, what);
}

/* Reads one entry; values is zeroed first. */
static int entry_of(const struct place *p, const json_t *entry, const struct load_object *object,
                    const struct load_map *m, uint8_t *key, uint8_t *values)
{
    int err;

    memset(values, 0, (size_t)cpus_of(m) * stride_of(m));
    if (!json_is_object(entry))
        return complain(p, -EINVAL, "an entry is an object with \"key\" and \"value\"");
    err = key_of(p, entry, m, key);
    if (err)
        return err;
    if (job_holds_programs(m) || job_holds_maps(m))
        return held_of(p, json_object_get(entry, "value"), object, m, values);
    if (cpus_of(m) > 1)
        return percpu_of(p, entry, m, values);
    return value_of(p, entry, json_object_get(entry, "formatted"), m, values);
}

typedef int (*entry_fn)(void *ctx, const struct place *p, uint32_t map, const uint8_t *key,
                        const uint8_t *values);

static int each_entry(const struct place *start, const json_t *list,
                      const struct load_object *object, uint32_t index, entry_fn fn, void *ctx)
{
    const struct load_map *m = &object->maps[index];
    struct place p = *start;
    uint8_t *key = calloc(1, m->key_bytes + 1);
    uint8_t *values = calloc(cpus_of(m), stride_of(m) + 1);
    const json_t *entry;
    int err = key && values ? 0 : -ENOMEM;

    p.map = m->name;
    json_array_foreach((json_t *)(uintptr_t)list, p.entry, entry)
    {
        if (!err)
            err = entry_of(&p, entry, object, m, key, values);
        if (!err && fn)
            err = fn(ctx, &p, index, key, values);
    }
    free(key);
    free(values);
    return err;
}

static int unknown_map(const char *path, const char *name, const struct load_object *object,
                       char *why, size_t why_bytes)
{
    int n = snprintf(why, why_bytes, "%s: the object has no map \"%s\"; it has", path, name);

    for (uint32_t i = 0; i < object->map_count && n >= 0 && (size_t)n < why_bytes; i++)
        n += snprintf(why + n, why_bytes - (size_t)n, "%s %s", i ? "," : "", object->maps[i].name);
    if (!object->map_count && n >= 0 && (size_t)n < why_bytes)
        snprintf(why + n, why_bytes - (size_t)n, " none");
    return -EINVAL;
}

static uint32_t find_map(const struct load_object *object, const char *name)
{
    for (uint32_t i = 0; i < object->map_count; i++)
        if (!strcmp(object->maps[i].name, name))
            return i;
    return UINT32_MAX;
}

static int each_map(const struct place *place, const json_t *document,
                    const struct load_object *object, entry_fn fn, void *ctx)
{
    const char *name;
    json_t *list;
    int err = 0;

    json_object_foreach((json_t *)(uintptr_t)document, name, list)
    {
        const uint32_t index = find_map(object, name);

        if (index == UINT32_MAX)
            return unknown_map(place->path, name, object, place->why, place->why_bytes);
        if (!json_is_array(list)) {
            snprintf(place->why, place->why_bytes, "%s: %s: not an array of entries", place->path,
                     name);
            return -EINVAL;
        }
        err = each_entry(place, list, object, index, fn, ctx);
        if (err)
            break;
    }
    return err;
}

/* A key of a list and the entry that has it. */
struct key_at {
    const uint8_t *key;
    size_t entry;
};

static int by_key(const void *a, const void *b, void *key_bytes)
{
    const struct key_at *x = a, *y = b;
    const int order = memcmp(x->key, y->key, *(const uint32_t *)key_bytes);

    return order ? order : (x->entry > y->entry) - (x->entry < y->entry);
}

/* Bits of an LPM trie's key past its prefix length, which is in front, are no part of the key. */
static void cut_prefix(const struct load_map *m, uint8_t *key)
{
    uint32_t bits;

    if (m->type != SPEC_MAP_LPM_TRIE || m->key_bytes < sizeof(bits))
        return;
    memcpy(&bits, key, sizeof(bits));
    for (uint32_t i = sizeof(bits); i < m->key_bytes; i++) {
        const uint32_t before = (i - (uint32_t)sizeof(bits)) * 8;
        const uint32_t kept = bits <= before ? 0 : bits - before;

        key[i] = (uint8_t)(key[i] & (kept >= 8 ? 0xff : 0xff00 >> kept));
    }
}

/* Refuses a list in which a key stands twice: which of the values is meant? Entries have been
 * checked. */
static int check_keys(const struct place *start, const json_t *list, const struct load_map *m)
{
    const size_t count = json_array_size(list);
    struct key_at *keys = calloc(count + 1, sizeof(*keys));
    uint8_t *bytes = calloc(count + 1, m->key_bytes);
    uint32_t key_bytes = m->key_bytes;
    struct place p = *start;
    int err = keys && bytes ? 0 : -ENOMEM;

    p.map = m->name;
    for (size_t i = 0; i < count && !err; i++) {
        keys[i] = (struct key_at){bytes + i * key_bytes, i};
        err = key_of(&p, json_array_get(list, i), m, bytes + i * key_bytes);
        cut_prefix(m, bytes + i * key_bytes);
    }
    if (!err)
        qsort_r(keys, count, sizeof(*keys), by_key, &key_bytes);
    for (size_t i = 1; i < count && !err; i++) {
        p.entry = keys[i].entry;
        if (!memcmp(keys[i - 1].key, keys[i].key, key_bytes))
            err = complain(&p, -EINVAL,
                           "the key stands in entry %zu already; keep one of the two entries",
                           keys[i - 1].entry);
    }
    free(bytes);
    free(keys);
    return err;
}

static int check_all_keys(const struct place *place, const json_t *document,
                          const struct load_object *object)
{
    const char *name;
    json_t *list;
    int err = 0;

    json_object_foreach((json_t *)(uintptr_t)document, name, list)
    {
        const struct load_map *m = &object->maps[find_map(object, name)];

        if (!err && m->key_bytes)
            err = check_keys(place, list, m);
    }
    return err;
}

int mapfile_read(const char *path, const struct load_object *object, json_t **out, char *why,
                 size_t why_bytes)
{
    const struct place place = {.path = path, .why = why, .why_bytes = why_bytes};
    json_t *document;
    int err = jsonfile_read(path, &document, why, why_bytes);

    if (err)
        return err;
    if (!json_is_object(document)) {
        snprintf(why, why_bytes, "%s: not an object of map names", path);
        err = -EINVAL;
    } else {
        err = each_map(&place, document, object, NULL, NULL);
        if (!err)
            err = check_all_keys(&place, document, object);
    }
    if (err) {
        json_decref(document);
        return err;
    }
    *out = document;
    return 0;
}

/* Where preset_entry puts things. */
struct preset {
    const struct load_object *object;
    struct arena *arena;
};

static int preset_entry(void *ctx, const struct place *p, uint32_t map, const uint8_t *key,
                        const uint8_t *values)
{
    static const uint8_t zero[4];
    const struct preset *preset = ctx;
    struct load_map *m = &preset->object->maps[map];

    if (m->kind != LOAD_MAP_RODATA || memcmp(key, zero, sizeof(zero)))
        return 0;
    m->data = arena_memdup(preset->arena, values, m->value_bytes);
    return m->data ? 0 : complain(p, -ENOMEM, "no memory");
}

int mapfile_preset(const char *path, const json_t *document, const struct load_object *object,
                   struct arena *arena, char *why, size_t why_bytes)
{
    const struct place place = {.path = path, .why = why, .why_bytes = why_bytes};
    struct preset preset = {object, arena};

    return each_map(&place, document, object, preset_entry, &preset);
}

/* Where programs_entry puts things. */
struct programs {
    const struct load_object *object;
    struct load_value *values;
    uint32_t count;
};

static int programs_entry(void *ctx, const struct place *p, uint32_t map, const uint8_t *key,
                          const uint8_t *values)
{
    struct programs *to = ctx;
    struct load_value *v = &to->values[to->count++];
    uint32_t number;

    (void)p;
    memcpy(&number, values, sizeof(number));
    *v = (struct load_value){.map = map, .target = number - 1};
    if (to->object->maps[map].key_bytes == sizeof(v->slot)) /* an array's */
        memcpy(&v->slot, key, sizeof(v->slot));
    return 0;
}

int mapfile_programs(const json_t *document, const struct load_object *object, struct arena *arena,
                     struct load_value **out, uint32_t *count)
{
    char why[16]; /* the document has been checked */
    const struct place place = {.path = "", .why = why, .why_bytes = sizeof(why)};
    struct programs to = {.object = object};
    const char *name;
    json_t *list;
    size_t most = 1;

    json_object_foreach((json_t *)(uintptr_t)document, name, list) most += json_array_size(list);
    to.values = arena_array(arena, most, sizeof(*to.values));
    if (!to.values)
        return -ENOMEM;
    json_object_foreach((json_t *)(uintptr_t)document, name, list)
    {
        const uint32_t map = find_map(object, name);

        /* A map that this program doesn't name may hold what it leaves out. */
        if (map != UINT32_MAX &&
            (job_holds_programs(&object->maps[map]) || job_holds_maps(&object->maps[map])) &&
            each_entry(&place, list, object, map, programs_entry, &to) == -ENOMEM)
            return -ENOMEM;
    }
    *out = to.values;
    *count = to.count;
    return 0;
}

static int fill_entry(void *ctx, const struct place *p, uint32_t map, const uint8_t *key,
                      const uint8_t *values)
{
    struct exec *exec = ctx;
    const struct load_map *m = &exec->job->object->maps[map];
    int err = exec->ops->map_update(exec, map, key, values, SPEC_MAP_FLAG_ANY);

    if (err && m->type == SPEC_MAP_PROG_ARRAY && exec->job->other_why)
        return complain(p, err, "the program can't be run: %s", exec->job->other_why);
    if (err == -EACCES && job_holds_maps(m))
        return complain(p, err, "the map can't be put there: %s", exec->job->other_why);
    if (err == -E2BIG)
        return complain(p, err, "the map has no room for this entry (max_entries is %u)",
                        m->max_entries);
    if (err)
        return complain(p, err, "the entry is refused: %s", strerror(-err));
    return 0;
}

int mapfile_fill(const char *path, const json_t *document, struct exec *exec, char *why,
                 size_t why_bytes)
{
    const struct place place = {.path = path, .why = why, .why_bytes = why_bytes};

    return each_map(&place, document, exec->job->object, fill_entry, exec);
}
