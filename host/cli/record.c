/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/record.h"

#include "host/ctl/mapfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 1 << 20, TEXT_BYTES = 64, META_MAX_BYTES = 256 };

struct block {
    struct block *next;
    size_t used;
    uint8_t data[BLOCK_BYTES];
};

int record_open(struct record *record, size_t count)
{
    *record = (struct record){.count = count};
    record->packets = calloc(count + 1, sizeof(*record->packets));
    return record->packets ? 0 : -ENOMEM;
}

void record_close(struct record *record)
{
    struct block *b = record->blocks;

    while (b) {
        struct block *next = b->next;

        free(b);
        b = next;
    }
    free(record->packets);
    *record = (struct record){0};
}

int record_add(struct record *record, uint64_t index, const struct exec_output *output)
{
    struct block *b = record->blocks;
    struct record_packet *p = &record->packets[index];
    size_t bytes;

    if (!output)
        return 0;
    bytes = (size_t)output->meta_bytes + output->len;
    if (!b || BLOCK_BYTES - b->used < bytes) {
        b = malloc(sizeof(*b));
        if (!b)
            return -ENOMEM;
        b->next = record->blocks;
        b->used = 0;
        record->blocks = b;
    }
    memcpy(b->data + b->used, output->data - output->meta_bytes, bytes);
    *p = (struct record_packet){.data = b->data + b->used + output->meta_bytes,
                                .len = output->len,
                                .ret = output->ret,
                                .redirect = output->redirect,
                                .meta_bytes = output->meta_bytes,
                                .ran = true};
    b->used += bytes;
    return 0;
}

void record_note(json_t *differences, size_t max, json_t *packet, const char *executor,
                 const char *field, json_t *expected, json_t *got)
{
    json_t *d = json_object();

    json_object_set_new(d, "packet", packet);
    json_object_set_new(d, "executor", json_string(executor));
    json_object_set_new(d, "field", cli_json_text(field));
    json_object_set_new(d, "expected", expected);
    json_object_set_new(d, "got", got);
    if (json_array_size(differences) < max)
        json_array_append(differences, d);
    json_decref(d);
}

static json_t *meta_text(const uint8_t *data, uint32_t bytes)
{
    char text[2 * META_MAX_BYTES + 1] = "";

    for (uint32_t i = 0; i < bytes && i < META_MAX_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", data[(size_t)i]);
    return json_string(text);
}

static json_t *hex_at(const uint8_t *data, uint32_t len, uint32_t at)
{
    char text[TEXT_BYTES];
    int n = snprintf(text, sizeof(text), "byte %u:", at);

    for (uint32_t i = at; i < len && i < at + 8; i++)
        n += snprintf(text + n, sizeof(text) - (size_t)n, " %02x", data[i]);
    return json_string(text);
}

bool record_differs(const struct record *record, uint64_t index, const struct exec_ops *ops,
                    const struct exec_output *output, json_t *differences, size_t max)
{
    const struct record_packet *p = &record->packets[index];
    bool differs = false;
    uint32_t at = 0;

    if (!output || !p->ran)
        return false;
    if (output->ret != p->ret) {
        differs = true;
        record_note(differences, max, json_integer((json_int_t)index), ops->name, "ret",
                    json_integer(p->ret), json_integer(output->ret));
    }
    if (!ops->redirect_hidden && output->redirect != p->redirect) {
        differs = true;
        record_note(differences, max, json_integer((json_int_t)index), ops->name, "redirect",
                    json_integer((json_int_t)p->redirect),
                    json_integer((json_int_t)output->redirect));
    }
    if (output->len != p->len) {
        differs = true;
        record_note(differences, max, json_integer((json_int_t)index), ops->name, "len",
                    json_integer(p->len), json_integer(output->len));
    }
    if (output->meta_bytes != p->meta_bytes ||
        memcmp(output->data - output->meta_bytes, p->data - p->meta_bytes, p->meta_bytes)) {
        differs = true;
        record_note(differences, max, json_integer((json_int_t)index), ops->name, "meta",
                    meta_text(p->data - p->meta_bytes, p->meta_bytes),
                    meta_text(output->data - output->meta_bytes, output->meta_bytes));
    }
    while (at < p->len && at < output->len && p->data[at] == output->data[at])
        at++;
    if (at < p->len && at < output->len) {
        differs = true;
        record_note(differences, max, json_integer((json_int_t)index), ops->name, "bytes",
                    hex_at(p->data, p->len, at), hex_at(output->data, output->len, at));
    }
    return differs;
}

uint64_t record_map_differs(const char *map, const struct snapshot *expected,
                            const struct snapshot *got, const char *executor, json_t *differences,
                            size_t max)
{
    char field[256];
    uint64_t count = 0;
    size_t i = 0, k = 0;

    snprintf(field, sizeof(field), "map %s", map);
    while (i < expected->count || k < got->count) {
        const int order = i == expected->count ? 1
                          : k == got->count    ? -1
                                               : memcmp(snapshot_key(expected, i),
                                                        snapshot_key(got, k), got->key_bytes);

        if (order || !snapshot_same_values(expected, i, got, k)) {
            count++;
            if (json_array_size(differences) < max)
                record_note(differences, max, json_null(), executor, field,
                            order <= 0 ? mapfile_entry(expected, i) : json_null(),
                            order >= 0 ? mapfile_entry(got, k) : json_null());
        }
        i += order <= 0;
        k += order >= 0;
    }
    return count;
}
