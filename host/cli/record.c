/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 1 << 20, TEXT_BYTES = 64 };

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

    if (!output)
        return 0;
    if (!b || BLOCK_BYTES - b->used < output->len) {
        b = malloc(sizeof(*b));
        if (!b)
            return -ENOMEM;
        b->next = record->blocks;
        b->used = 0;
        record->blocks = b;
    }
    memcpy(b->data + b->used, output->data, output->len);
    *p =
        (struct record_packet){b->data + b->used, output->len, output->ret, output->redirect, true};
    b->used += output->len;
    return 0;
}

static void note(json_t *differences, size_t max, json_t *packet, const char *executor,
                 const char *field, json_t *expected, json_t *got)
{
    json_t *d = json_object();

    json_object_set_new(d, "packet", packet);
    json_object_set_new(d, "executor", json_string(executor));
    json_object_set_new(d, "field", json_string(field));
    json_object_set_new(d, "expected", expected);
    json_object_set_new(d, "got", got);
    if (json_array_size(differences) < max)
        json_array_append(differences, d);
    json_decref(d);
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
        note(differences, max, json_integer((json_int_t)index), ops->name, "ret",
             json_integer(p->ret), json_integer(output->ret));
    }
    if (!ops->redirect_hidden && output->redirect != p->redirect) {
        differs = true;
        note(differences, max, json_integer((json_int_t)index), ops->name, "redirect",
             json_integer((json_int_t)p->redirect), json_integer((json_int_t)output->redirect));
    }
    if (output->len != p->len) {
        differs = true;
        note(differences, max, json_integer((json_int_t)index), ops->name, "len",
             json_integer(p->len), json_integer(output->len));
    }
    while (at < p->len && at < output->len && p->data[at] == output->data[at])
        at++;
    if (at < p->len && at < output->len) {
        differs = true;
        note(differences, max, json_integer((json_int_t)index), ops->name, "bytes",
             hex_at(p->data, p->len, at), hex_at(output->data, output->len, at));
    }
    return differs;
}

/* The entry of a list with this key, or NULL. Lists are sorted alike, so the search starts where it
 * is likely. */
static const json_t *entry_with_key(const json_t *list, const json_t *key, size_t likely)
{
    const size_t n = json_array_size(list);

    for (size_t i = 0; i < n; i++) {
        const json_t *e = json_array_get(list, (likely + i) % n);

        if (json_equal(json_object_get(e, "key"), key))
            return e;
    }
    return NULL;
}

static uint64_t map_differs(const char *name, const json_t *expected, const json_t *got,
                            const char *executor, json_t *differences, size_t max)
{
    char field[256];
    uint64_t count = 0;
    const json_t *e;
    size_t i;

    if (json_equal(expected, got))
        return 0;
    snprintf(field, sizeof(field), "map %s", name);
    json_array_foreach((json_t *)(uintptr_t)expected, i, e)
    {
        const json_t *g = entry_with_key(got, json_object_get(e, "key"), i);

        if (json_equal(e, g))
            continue;
        count++;
        note(differences, max, json_null(), executor, field, json_deep_copy(e),
             g ? json_deep_copy(g) : json_null());
    }
    json_array_foreach((json_t *)(uintptr_t)got, i, e)
    {
        if (entry_with_key(expected, json_object_get(e, "key"), i))
            continue;
        count++;
        note(differences, max, json_null(), executor, field, json_null(), json_deep_copy(e));
    }
    return count;
}

uint64_t record_maps_differ(const json_t *expected, const json_t *got, const char *executor,
                            json_t *differences, size_t max)
{
    uint64_t count = 0;
    const char *name;
    const json_t *list;

    json_object_foreach((json_t *)(uintptr_t)expected, name, list) count +=
        map_differs(name, list, json_object_get(got, name), executor, differences, max);
    return count;
}
