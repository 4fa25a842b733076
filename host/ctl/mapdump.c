/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/mapfile.h"

#include "host/ctl/mapfile_types.h"
#include "host/ctl/typed.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Maps as JSON: the half of map files that writes them. */

static json_t *bytes_json(const uint8_t *bytes, uint32_t count)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < count; i++) {
        char text[8];

        snprintf(text, sizeof(text), "0x%02x", bytes[i]);
        json_array_append_new(array, json_string(text));
    }
    return array;
}

json_t *mapfile_entry(const struct snapshot *s, size_t i)
{
    json_t *entry = json_object();

    json_object_set_new(entry, "key", bytes_json(snapshot_key(s, i), s->key_bytes));
    if (s->cpus == 1) {
        json_object_set_new(entry, "value", bytes_json(snapshot_value(s, i, 0), s->value_bytes));
    } else {
        json_t *list = json_array();

        for (uint32_t c = 0; c < s->cpus; c++) {
            json_t *item = json_object();

            json_object_set_new(item, "cpu", json_integer(c));
            json_object_set_new(item, "value", bytes_json(snapshot_value(s, i, c), s->value_bytes));
            json_array_append_new(list, item);
        }
        json_object_set_new(entry, "values", list);
    }
    return entry;
}

static void put_bytes(FILE *file, const char *what, const uint8_t *bytes, uint32_t count)
{
    static const char digits[] = "0123456789abcdef";

    fprintf(file, "\"%s\":[", what);
    for (uint32_t i = 0; i < count; i++) {
        const char byte[] = {',', '"', '0', 'x', digits[bytes[i] >> 4], digits[bytes[i] & 15], '"'};

        fwrite(byte + !i, 1, sizeof(byte) - !i, file);
    }
    fputc(']', file);
}

/* A key or value by its fields. */
static int put_fields(FILE *file, const char *what, const struct load_type *type, const void *bytes)
{
    json_t *j = typed_json(type, bytes);

    if (!j)
        return -ENOMEM;
    fprintf(file, "\"%s\":", what);
    json_dumpf(j, file, JSON_ENCODE_ANY | JSON_COMPACT);
    json_decref(j);
    return 0;
}

/* "formatted", if the object says of which types key and value are. */
static int put_formatted(FILE *file, const struct load_map *m, const struct snapshot *s, size_t i)
{
    int err;

    if (!mapfile_value_type(m) || (s->key_bytes && !mapfile_key_type(m)) || job_holds_programs(m) ||
        job_holds_maps(m))
        return 0;
    fputs(",\"formatted\":{", file);
    err = s->key_bytes ? put_fields(file, "key", mapfile_key_type(m), snapshot_key(s, i)) : 0;
    fputs(s->key_bytes ? "," : "", file);
    if (s->cpus > 1)
        fputs("\"values\":[", file);
    for (uint32_t c = 0; c < s->cpus && !err; c++) {
        if (s->cpus > 1)
            fprintf(file, "%s{\"cpu\":%u,", c ? "," : "", c);
        err = put_fields(file, "value", mapfile_value_type(m), snapshot_value(s, i, c));
        if (s->cpus > 1)
            fputc('}', file);
    }
    fputs(s->cpus > 1 ? "]}" : "}", file);
    return err;
}

/* What mapfile_entry makes, as text and without the trees: dumps of megabytes are written. */
static int put_entry(FILE *file, const struct load_object *object, const struct load_map *m,
                     const struct snapshot *s, size_t i, bool formatted)
{
    int err = 0;

    uint32_t number;

    fputs(i ? ",{" : "{", file);
    put_bytes(file, "key", snapshot_key(s, i), s->key_bytes);
    fputc(',', file);
    if (job_holds_programs(m) || job_holds_maps(m)) {
        memcpy(&number, snapshot_value(s, i, 0), sizeof(number));
        fprintf(file, "\"value\":\"%s\"", mapfile_held_name(object, m, number - 1));
    } else if (s->cpus == 1) {
        put_bytes(file, "value", snapshot_value(s, i, 0), s->value_bytes);
    } else {
        fputs("\"values\":[", file);
        for (uint32_t c = 0; c < s->cpus; c++) {
            fprintf(file, "%s{\"cpu\":%u,", c ? "," : "", c);
            put_bytes(file, "value", snapshot_value(s, i, c), s->value_bytes);
            fputc('}', file);
        }
        fputc(']', file);
    }
    if (formatted)
        err = put_formatted(file, m, s, i);
    fputc('}', file);
    return err;
}

static int put_map(FILE *file, struct exec *exec, uint32_t index, bool formatted)
{
    const struct load_object *o = exec->job->object;
    json_t *name = json_string(o->maps[index].name);
    struct snapshot s;
    int err;

    if (!name)
        return -EILSEQ;
    err = snapshot_take(exec, index, &s);
    if (!err) {
        json_dumpf(name, file, JSON_ENCODE_ANY);
        fputs(":[", file);
        for (size_t i = 0; i < s.count && !err; i++)
            err = put_entry(file, o, &o->maps[index], &s, i, formatted);
        fputc(']', file);
        snapshot_free(&s);
    }
    json_decref(name);
    return err;
}

int mapfile_write(FILE *file, struct exec *exec, bool formatted, char *why, size_t why_bytes)
{
    const struct load_object *o = exec->job->object;
    int err = 0;

    errno = 0;
    fputc('{', file);
    for (uint32_t i = 0; i < o->map_count && !err; i++) {
        if (i)
            fputc(',', file);
        err = put_map(file, exec, i, formatted);
        if (err)
            snprintf(why, why_bytes, "map %s can't be read back: %s", o->maps[i].name,
                     strerror(-err));
    }
    fputs("}\n", file);
    if (err || !ferror(file))
        return err;
    err = errno ? -errno : -EIO;
    snprintf(why, why_bytes, "%s", strerror(-err));
    return err;
}
