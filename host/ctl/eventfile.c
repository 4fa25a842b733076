/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/eventfile.h"

#include "host/ctl/jsonfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static json_t *hex(const uint8_t *data, uint32_t len)
{
    static const char digits[] = "0123456789abcdef";
    char *text = malloc((size_t)len * 2 + 1);
    json_t *j = NULL;

    for (uint32_t i = 0; text && i < len; i++) {
        text[2 * i] = digits[data[i] >> 4];
        text[2 * i + 1] = digits[data[i] & 15];
    }
    if (text) {
        text[2 * (size_t)len] = 0;
        j = json_string(text);
    }
    free(text);
    return j;
}

json_t *eventfile_json(const struct load_object *object, const struct exec_event *e)
{
    json_t *j = json_object();

    json_object_set_new(j, "i", json_integer((json_int_t)e->packet));
    if (e->map == EXEC_NO_MAP) {
        char *text = strndup((const char *)e->data, e->len);

        json_object_set_new(j, "print", jsonfile_text(text ? text : ""));
        free(text);
        return j;
    }
    json_object_set_new(j, "map", jsonfile_text(object->maps[e->map].name));
    if (object->maps[e->map].type == SPEC_MAP_PERF_EVENT_ARRAY)
        json_object_set_new(j, "cpu", json_integer(e->cpu));
    json_object_set_new(j, "data", hex(e->data, e->len));
    return j;
}

/* A line; the JSON is given away. */
static int write_line(FILE *file, json_t *j)
{
    int err = 0;

    errno = 0;
    if (json_dumpf(j, file, JSON_COMPACT) || fputc('\n', file) == EOF)
        err = errno ? -errno : -EIO;
    json_decref(j);
    return err;
}

int eventfile_write(FILE *file, const struct load_object *object, const struct exec_event *event)
{
    return write_line(file, eventfile_json(object, event));
}

int eventfile_write_lost(FILE *file, const struct load_object *object, uint32_t map, uint64_t lost)
{
    json_t *j = json_object();

    json_object_set_new(j, "map", jsonfile_text(object->maps[map].name));
    json_object_set_new(j, "lost", json_integer((json_int_t)lost));
    return write_line(file, j);
}
