/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/remote.h"
#include "hw/spec/gen/limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum {
    RESTARTS_MAX = 16,               /* of a walk; pages without entries likewise */
    WALK_BYTES_MAX = 1024 * 1048576, /* of entries, so that no process fills this one's memory */
    SLOT_BYTES = 4,
};

static int nonsense(const char *of, char *why, size_t why_bytes)
{
    snprintf(why, why_bytes, "what the process says of its %s makes no sense", of);
    return -EPROTO;
}

int remote_connect(const char *prefix, const char *socket, uint32_t timeout_ms,
                   struct telemetry **out, char *why, size_t why_bytes)
{
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    const int err = socket ? 0 : telemetry_path(prefix, path, sizeof(path));

    if (!err)
        return telemetry_open(socket ? socket : path, timeout_ms, out, why, why_bytes);
    snprintf(why, why_bytes, "--file-prefix %s: %s", prefix, strerror(-err));
    return err;
}

int remote_take_ports(const json_t *answer, uint16_t *ports, uint32_t *count, char *why,
                      size_t why_bytes)
{
    const json_t *list = json_object_get(answer, "ports");
    const size_t n = json_array_size(list);

    if (n > REMOTE_PORTS_MAX)
        return nonsense("devices", why, why_bytes);
    for (size_t i = 0; i < n; i++) {
        const json_t *port = json_array_get(list, i);
        const json_int_t number = json_integer_value(port);

        if (!json_is_integer(port) || number < 0 || number > UINT16_MAX)
            return nonsense("devices", why, why_bytes);
        ports[i] = (uint16_t)number;
    }
    *count = (uint32_t)n;
    return 0;
}

int remote_ports(struct telemetry *telemetry, uint16_t *ports, uint32_t *count, char *why,
                 size_t why_bytes)
{
    json_t *answer;
    int err = telemetry_ask(telemetry, "list", NULL, 0, &answer, why, why_bytes);

    if (err)
        return err;
    err = remote_take_ports(answer, ports, count, why, why_bytes);
    json_decref(answer);
    return err;
}

int remote_ask(const struct remote *remote, const char *command, const char *const *parameters,
               uint32_t count, json_t **answer, char *why, size_t why_bytes)
{
    const char *all[8] = {remote->port};

    for (uint32_t i = 0; i < count; i++)
        all[i + 1] = parameters[i];
    return telemetry_ask(remote->telemetry, command, all, count + 1, answer, why, why_bytes);
}

int remote_counters(const struct remote *remote, json_t **counters, char *why, size_t why_bytes)
{
    json_t *all = json_object();
    int err = all ? 0 : -ENOMEM;
    size_t more = 1;

    while (!err && more && json_object_size(all) < REMOTE_COUNTERS_MAX) {
        const size_t before = json_object_size(all);
        char first[16];
        const char *const parameters[] = {first};
        json_t *page;

        snprintf(first, sizeof(first), "%zu", before);
        err = remote_ask(remote, "stats", parameters, 1, &page, why, why_bytes);
        if (err)
            break;
        if (json_object_update(all, page))
            err = -ENOMEM;
        more = json_object_size(all) - before;
        json_decref(page);
    }
    if (err)
        json_decref(all);
    else
        *counters = all;
    return err;
}

/* --- maps --- */

static uint32_t type_of(const char *name)
{
    uint32_t type = 0;

    while (type < SPEC_MAP_COUNT &&
           (!spec_map_type_table[type].name || strcmp(spec_map_type_table[type].name, name)))
        type++;
    return type;
}

static uint32_t kind_of(const char *name)
{
    static const char *const names[] = {[LOAD_MAP_BTF] = "btf",
                                        [LOAD_MAP_LEGACY] = "legacy",
                                        [LOAD_MAP_RODATA] = "rodata",
                                        [LOAD_MAP_DATA] = "data",
                                        [LOAD_MAP_BSS] = "bss"};
    uint32_t kind = LOAD_MAP_BTF;

    while (kind < LOAD_MAP_KIND_COUNT && strcmp(names[kind], name))
        kind++;
    return kind < LOAD_MAP_KIND_COUNT ? kind : LOAD_MAP_NONE;
}

int remote_take_map(const json_t *answer, struct remote_map *m, char *why, size_t why_bytes)
{
    const struct {
        const char *name;
        uint32_t *to;
    } numbers[] = {
        {"key_bytes", &m->key_bytes}, {"value_bytes", &m->value_bytes}, {"cpus", &m->cpus},
        {"flags", &m->flags},         {"max_entries", &m->max_entries},
    };
    const char *name = telemetry_text(answer, "name"), *type = telemetry_text(answer, "type");

    if (strlen(name) >= sizeof(m->name) || strlen(type) >= sizeof(m->type_name))
        return nonsense("map", why, why_bytes);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        const uint64_t n = telemetry_number(answer, numbers[i].name);

        if (n > UINT32_MAX)
            return nonsense("map", why, why_bytes);
        *numbers[i].to = (uint32_t)n;
    }
    if (!m->cpus || m->cpus > SPEC_QUEUES || telemetry_number(answer, "id") > UINT32_MAX)
        return nonsense("map", why, why_bytes);
    snprintf(m->id, sizeof(m->id), "%u", (unsigned)telemetry_number(answer, "id"));
    snprintf(m->name, sizeof(m->name), "%s", name);
    snprintf(m->type_name, sizeof(m->type_name), "%s", type);
    m->type = type_of(type);
    m->kind = kind_of(telemetry_text(answer, "kind"));
    m->generation = telemetry_number(answer, "generation");
    return 0;
}

bool remote_map_fits(const struct remote_map *m)
{
    return m->key_bytes <= REMOTE_ENTRY_BYTES && m->value_bytes <= REMOTE_ENTRY_BYTES;
}

uint32_t remote_values_bytes(const struct remote_map *m)
{
    return m->cpus * ((m->value_bytes + 7) & ~7u);
}

void remote_entries_begin(const struct remote_map *m, struct snapshot *s)
{
    *s = (struct snapshot){.key_bytes = m->key_bytes,
                           .value_bytes = m->value_bytes,
                           .stride_bytes = (m->value_bytes + 7) & ~7u,
                           .cpus = m->cpus};
    s->entry_bytes = s->key_bytes + s->cpus * s->stride_bytes;
}

void remote_digits(const void *bytes, size_t count, char *digits)
{
    static const char of[] = "0123456789abcdef";
    const uint8_t *b = bytes;

    for (size_t i = 0; i < count; i++) {
        digits[2 * i] = of[b[i] >> 4];
        digits[2 * i + 1] = of[b[i] & 15];
    }
    digits[2 * count] = 0;
}

/* --- walks --- */

void remote_walk_begin(const struct remote_map *map, struct remote_walk *w)
{
    w->map = map;
    remote_entries_begin(map, &w->entries);
    w->key[0] = 0;
    w->more = true;
    w->restarts = w->idle = 0;
    w->slots = 0;
}

void remote_walk_end(struct remote_walk *w)
{
    snapshot_free(&w->entries);
}

/* Adds the entries of an answer. */
static int add_entries(struct remote_walk *w, const json_t *answer, char *why, size_t why_bytes)
{
    const uint64_t count = telemetry_number(answer, "count");
    struct snapshot *s = &w->entries;
    uint8_t *grown;

    if (!s->key_bytes || count > REMOTE_ENTRY_BYTES ||
        s->count + count > 2 * (uint64_t)w->map->max_entries + REMOTE_ENTRY_BYTES)
        return nonsense("map's entries", why, why_bytes);
    if ((s->count + count) * s->entry_bytes > WALK_BYTES_MAX) {
        snprintf(why, why_bytes, "the map has more than %d bytes", WALK_BYTES_MAX);
        return -EMSGSIZE;
    }
    grown = realloc(s->entries, (s->count + count) * s->entry_bytes + 1);
    if (!grown)
        return -ENOMEM;
    s->entries = grown;
    if (telemetry_bytes(answer, "data", grown + s->count * s->entry_bytes,
                        (size_t)count * s->entry_bytes))
        return nonsense("map's entries", why, why_bytes);
    s->count += count;
    return 0;
}

/* Where to go on. In an array of programs or maps the process says at which slot it is, which is
 * behind those before; others go on at their last entry. */
static int go_on(struct remote_walk *w, const json_t *answer, char *why, size_t why_bytes)
{
    const struct snapshot *s = &w->entries;
    uint8_t slot[SLOT_BYTES];
    uint32_t at;

    if (json_object_get(answer, "at")) {
        if (s->key_bytes != SLOT_BYTES || telemetry_bytes(answer, "at", slot, sizeof(slot)))
            return nonsense("map's slots", why, why_bytes);
        memcpy(&at, slot, sizeof(at));
        if (w->more && (at < w->slots || at >= w->map->max_entries))
            return nonsense("map's slots", why, why_bytes);
        w->slots = (uint64_t)at + 1;
        remote_digits(slot, sizeof(slot), w->key);
    } else if (s->count) {
        remote_digits(snapshot_key(s, s->count - 1), s->key_bytes, w->key);
    } else {
        w->key[0] = 0;
    }
    return 0;
}

static int too_fast(char *why, size_t why_bytes)
{
    snprintf(why, why_bytes, "the map changes faster than it can be read");
    return -EAGAIN;
}

int remote_walk_take(struct remote_walk *w, const json_t *answer, char *why, size_t why_bytes)
{
    const bool slots = json_object_get(answer, "at");
    int err;

    w->more = telemetry_number(answer, "more");
    if (telemetry_number(answer, "again")) {
        w->entries.count = 0;
        if (++w->restarts == RESTARTS_MAX)
            return too_fast(why, why_bytes);
    }
    w->idle = telemetry_number(answer, "count") || slots ? 0 : w->idle + 1;
    if (w->more && w->idle == RESTARTS_MAX)
        return too_fast(why, why_bytes);
    err = add_entries(w, answer, why, why_bytes);
    return err ? err : go_on(w, answer, why, why_bytes);
}
