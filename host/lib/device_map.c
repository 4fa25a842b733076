/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/lib/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Maps on devices of other processes. Each request names the program that is meant, by its
 * generation; if another one runs meanwhile, a port's handle looks for the map of that name there,
 * and goes on if its definition is the same. A loaded program's handle is of that program only. */

enum {
    TRIES = 16, /* while programs are replaced */
    PAGE_ENTRIES = 64,
    GENERATION_BYTES = 48
};

/* A map of a device that is locked. */
struct place {
    struct sluice_port *port;
    struct lib_device *device;
    struct sluice_map *map;
    size_t values_bytes; /* in calls, */
    size_t wire_bytes;   /* in requests, */
    size_t stride_bytes; /* in answers, of one CPU */
    char generation[GENERATION_BYTES];
};

bool lib_device_has(const struct sluice_map *map)
{
    return (map->port && map->port->device) || (map->loaded && map->loaded->target);
}

static bool is_held(const struct sluice_map *map)
{
    return job_holds_programs(&map->def) || job_holds_maps(&map->def);
}

/* --- which map --- */

/* The definition of what a process has; its name is the answer's. */
static struct load_map definition_of(const struct remote_map *r)
{
    return (struct load_map){.name = r->name,
                             .kind = r->kind,
                             .type = r->type,
                             .key_bytes = r->key_bytes,
                             .value_bytes = r->value_bytes,
                             .max_entries = r->max_entries,
                             .flags = r->flags};
}

/* -EBADF: there is no such map. */
static int ask_map(struct lib_device *d, const char *name, struct remote_map *r)
{
    const char *const parameters[] = {name};
    char why[EXEC_WHY_BYTES] = "";
    json_t *answer;
    int err = lib_device_ask(d, NULL, "map_info", parameters, 1, &answer);

    if (err)
        return err == -ENXIO ? -EBADF : err;
    err = remote_take_map(answer, r, why, sizeof(why));
    json_decref(answer);
    if (!err && strcmp(r->name, name)) /* a name of digits is a number to the process */
        return -EBADF;
    if (!err && (r->type >= SPEC_MAP_COUNT || !r->generation ||
                 r->cpus != (spec_map_type_table[r->type].percpu ? SPEC_QUEUES : 1))) {
        snprintf(why, sizeof(why), "map %.64s of the process is of a kind that is not known here",
                 name);
        err = -EPROTO;
    }
    if (err)
        lib_say(&d->sink, SLUICE_ERROR, "LIB0009", NULL, "%s", why);
    return err;
}

struct sluice_map *lib_device_find_map(struct sluice_port *port, const char *name)
{
    struct remote_map r;
    struct load_map def;
    struct sluice_map *map;

    if (ask_map(port->device, name, &r))
        return NULL;
    def = definition_of(&r);
    map = lib_port_handle(port, &def);
    if (map) {
        snprintf(map->remote_id, sizeof(map->remote_id), "%s", r.id);
        map->generation = r.generation;
    }
    return map;
}

/* Finds the map in the program that runs now. */
static int find_again(struct place *p)
{
    struct sluice_map *map = p->map;
    struct remote_map r;
    struct load_map def;
    int err = ask_map(p->device, map->def.name, &r);

    if (err)
        return err;
    def = definition_of(&r);
    if (!job_same_definition(&def, &map->def))
        return -ENXIO;
    if (map->loaded && r.generation != map->loaded->generation)
        return -EBADF;
    snprintf(map->remote_id, sizeof(map->remote_id), "%s", r.id);
    map->generation = r.generation;
    return 0;
}

static void name_generation(struct place *p)
{
    snprintf(p->generation, sizeof(p->generation), "generation=%llu",
             (unsigned long long)p->map->generation);
}

/* Locks the port. 0; -EBADF: the program is not attached. */
static int enter(struct sluice_map *map, struct place *p)
{
    struct sluice_port *port = map->port ? map->port : map->loaded->target;
    struct sluice_loaded *attached;
    const uint32_t cpus = spec_map_type_table[map->def.type].percpu ? SPEC_QUEUES : 1;
    int err = lib_port_enter(port, &attached);

    if (err)
        return err;
    *p = (struct place){.port = port,
                        .device = port->device,
                        .map = map,
                        .values_bytes = sluice_map_values_size(map),
                        .stride_bytes = (map->def.value_bytes + 7) & ~(size_t)7};
    p->wire_bytes = cpus > 1 ? cpus * p->stride_bytes : map->def.value_bytes;
    if (!port->device || (map->loaded && attached != map->loaded))
        err = -EBADF;
    else if (map->loaded && map->generation != map->loaded->generation)
        map->generation = 0;
    if (!err && !map->generation)
        err = find_again(p);
    if (err)
        lib_port_leave(port);
    else
        name_generation(p);
    return err;
}

/* Asks about the map; parameters leave room for its number in front and the program's behind them.
 */
static int ask(struct place *p, const char *command, const char **parameters, uint32_t count,
               json_t **answer)
{
    int err = -ESTALE;

    for (uint32_t i = 0; err == -ESTALE && i < TRIES; i++) {
        parameters[0] = p->map->remote_id;
        parameters[count + 1] = p->generation;
        err = lib_device_ask(p->device, NULL, command, parameters, count + 2, answer);
        if (err == -ESTALE) {
            const int gone = find_again(p);

            if (gone)
                return gone;
            name_generation(p);
        }
    }
    return err == -ENXIO ? -EBADF : err;
}

/* --- bytes --- */

/* A key or values as digits, which the caller frees. */
static char *digits_of(const void *bytes, size_t count)
{
    char *digits = malloc(2 * count + 1);

    if (digits)
        remote_digits(bytes, count, digits);
    return digits;
}

/* A value of a map of programs or maps is a number there, and an id here. */
static int translate(const struct place *p, uint8_t *value)
{
    const struct sluice_loaded *l = p->port->loaded;
    uint32_t number;

    if (!is_held(p->map))
        return 0;
    if (!l || l->generation != p->map->generation)
        return -EOPNOTSUPP;
    memcpy(&number, value, sizeof(number));
    number = lib_id_of_number(l, job_holds_programs(&p->map->def), number);
    memcpy(value, &number, sizeof(number));
    return number ? 0 : -ENOENT;
}

static int nonsense(struct place *p)
{
    lib_say(&p->device->sink, SLUICE_ERROR, "LIB0009", NULL,
            "what the process behind %s says of map %s makes no sense", p->device->socket,
            p->map->def.name);
    return -EPROTO;
}

/* Values of an answer. */
static int take_values(struct place *p, const json_t *answer, uint8_t *value)
{
    const size_t bytes = p->wire_bytes > p->stride_bytes ? p->wire_bytes : p->stride_bytes;
    uint8_t *all = malloc(bytes);
    int err = all ? 0 : -ENOMEM;

    if (!err && telemetry_bytes(answer, "data", all, bytes))
        err = nonsense(p);
    if (!err)
        err = translate(p, all);
    if (!err)
        memcpy(value, all, p->values_bytes);
    free(all);
    return err;
}

/* --- one entry --- */

int lib_device_lookup(struct sluice_map *map, const void *key, void *value, bool take)
{
    const bool is_bloom = map->def.type == SPEC_MAP_BLOOM_FILTER;
    const char *parameters[4] = {NULL};
    char *digits, *asked;
    struct place p;
    json_t *answer;
    int err = enter(map, &p);

    if (err)
        return err;
    digits = digits_of(key, map->def.key_bytes);
    asked = digits_of(value, is_bloom ? p.wire_bytes : 0);
    parameters[1] = digits;
    parameters[2] = asked;
    err = digits && asked ? ask(&p, take ? "map_take" : "map_lookup", parameters,
                                is_bloom && !take ? 2 : 1, &answer)
                          : -ENOMEM;
    if (!err) {
        err = take_values(&p, answer, value);
        json_decref(answer);
    }
    free(digits);
    free(asked);
    lib_port_leave(p.port);
    return err;
}

/* What changes an entry says nothing but whether it did. */
static int change(struct place *p, const char *command, const char **parameters, uint32_t count)
{
    json_t *answer;
    const int err = ask(p, command, parameters, count, &answer);

    if (!err)
        json_decref(answer);
    return err;
}

int lib_device_update(struct sluice_map *map, const void *key, const void *value, uint64_t flags)
{
    const char *parameters[5] = {NULL};
    char *key_digits, *value_digits, flag[16];
    struct place p;
    int err = flags > UINT32_MAX ? -EINVAL : enter(map, &p);

    if (err)
        return err;
    key_digits = digits_of(key, map->def.key_bytes);
    value_digits = digits_of(value, p.wire_bytes);
    snprintf(flag, sizeof(flag), "%u", (uint32_t)flags);
    parameters[1] = key_digits;
    parameters[2] = value_digits;
    parameters[3] = flag;
    err = key_digits && value_digits ? change(&p, "map_update", parameters, 3) : -ENOMEM;
    free(key_digits);
    free(value_digits);
    lib_port_leave(p.port);
    return err;
}

int lib_device_delete(struct sluice_map *map, const void *key)
{
    const char *parameters[3] = {NULL};
    struct place p;
    char *digits;
    int err = map->def.key_bytes ? enter(map, &p) : -EINVAL;

    if (err)
        return err;
    digits = digits_of(key, map->def.key_bytes);
    parameters[1] = digits;
    err = digits ? change(&p, "map_delete", parameters, 1) : -ENOMEM;
    free(digits);
    lib_port_leave(p.port);
    return err;
}

int lib_device_next_key(struct sluice_map *map, const void *key, void *next)
{
    const char *parameters[3] = {NULL};
    struct place p;
    json_t *answer;
    char *digits;
    int err = map->def.key_bytes ? enter(map, &p) : -EINVAL;

    if (err)
        return err;
    digits = digits_of(key, key ? map->def.key_bytes : 0);
    parameters[1] = digits;
    err = digits ? ask(&p, "map_next", parameters, 1, &answer) : -ENOMEM;
    if (!err) {
        if (telemetry_bytes(answer, "key", next, map->def.key_bytes))
            err = nonsense(&p);
        json_decref(answer);
    }
    free(digits);
    lib_port_leave(p.port);
    return err;
}

int lib_device_lost(struct sluice_map *map, uint64_t *lost)
{
    const char *parameters[2] = {NULL};
    struct place p;
    json_t *answer;
    int err = enter(map, &p);

    if (err)
        return err;
    err = map->def.type == SPEC_MAP_RINGBUF ? ask(&p, "map_lost", parameters, 0, &answer) : 0;
    if (!err && map->def.type == SPEC_MAP_RINGBUF) {
        *lost = telemetry_number(answer, "lost");
        json_decref(answer);
    } else if (!err) {
        *lost = 0;
    }
    lib_port_leave(p.port);
    return err;
}

/* --- several entries --- */

/* Puts the entries of a page where the caller wants them. */
static int take_page(struct place *p, const struct snapshot *s, uint8_t *keys, uint8_t *values,
                     uint32_t *done)
{
    for (size_t i = 0; i < s->count; i++) {
        uint8_t *value = values + (size_t)*done * p->values_bytes;
        const int err = translate(p, s->entries + i * s->entry_bytes + s->key_bytes);

        if (err == -ENOENT)
            continue;
        if (err)
            return err;
        memcpy(keys + (size_t)*done * s->key_bytes, snapshot_key(s, i), s->key_bytes);
        memcpy(value, snapshot_value(s, i, 0), p->values_bytes);
        ++*done;
    }
    return 0;
}

/* Asks for a page behind walk->key; *again: that entry has gone, and the page is the first. */
static int ask_page(struct place *p, struct remote_walk *walk, uint32_t most, bool *again)
{
    const char *parameters[4] = {NULL, walk->key, NULL};
    char number[16], why[EXEC_WHY_BYTES] = "";
    json_t *answer;
    int err;

    snprintf(number, sizeof(number), "%u", most < PAGE_ENTRIES ? most : PAGE_ENTRIES);
    parameters[2] = number;
    walk->entries.count = 0;
    err = ask(p, "map_dump", parameters, 2, &answer);
    if (err)
        return err;
    *again = telemetry_number(answer, "again");
    err = remote_walk_take(walk, answer, why, sizeof(why));
    if (!err && walk->entries.count > most)
        err = nonsense(p);
    else if (err && err != -ENOMEM)
        lib_say(&p->device->sink, SLUICE_ERROR, "LIB0009", NULL, "%s", why);
    json_decref(answer);
    return err;
}

static int lookup_all(struct place *p, const void *after, uint8_t *keys, uint8_t *values,
                      uint32_t wanted, uint32_t *done)
{
    const struct load_map *def = &p->map->def;
    const struct remote_map shape = {.key_bytes = def->key_bytes,
                                     .value_bytes = def->value_bytes,
                                     .cpus =
                                         spec_map_type_table[def->type].percpu ? SPEC_QUEUES : 1,
                                     .max_entries = def->max_entries};
    struct remote_walk *walk = malloc(sizeof(*walk));
    bool first = true, again = false;
    int err = 0;

    if (!walk)
        return -ENOMEM;
    remote_walk_begin(&shape, walk);
    if (!remote_map_fits(&shape))
        err = -EMSGSIZE;
    else if (after)
        remote_digits(after, def->key_bytes, walk->key);
    while (!err && walk->more && *done < wanted) {
        err = ask_page(p, walk, wanted - *done, &again);
        if (err || (again && !first))
            break;
        first = false;
        err = take_page(p, &walk->entries, keys, values, done);
    }
    if (!err && !walk->more)
        err = -ENOENT;
    remote_walk_end(walk);
    free(walk);
    return err;
}

int lib_device_lookup_batch(struct sluice_map *map, const void *after, void *keys, void *values,
                            uint32_t *count)
{
    uint32_t done = 0;
    struct place p;
    int err = enter(map, &p);

    if (err)
        return err;
    err = lookup_all(&p, after, keys, values, *count, &done);
    *count = done;
    lib_port_leave(p.port);
    return err;
}

/* Entries that are sent: keys and values side by side. */
struct parcel {
    const uint8_t *keys, *values; /* or NULL */
    size_t key_bytes, value_bytes, wire_bytes;
};

static void pack(const struct parcel *of, uint32_t first, uint32_t count, char *digits)
{
    for (uint32_t i = 0; i < count; i++) {
        if (of->keys)
            remote_digits(of->keys + (size_t)(first + i) * of->key_bytes, of->key_bytes, digits);
        digits += 2 * of->key_bytes;
        if (of->values)
            remote_digits(of->values + (size_t)(first + i) * of->value_bytes, of->wire_bytes,
                          digits);
        digits += 2 * of->wire_bytes;
    }
}

/* Sends entries, as many in a request as there is room for, which replaces parameter `data`. */
static int send_all(struct place *p, const char *command, const char **parameters, uint32_t data,
                    const struct parcel *of, uint32_t wanted, uint32_t *done)
{
    const size_t each = 2 * (of->key_bytes + of->wire_bytes);
    char digits[1024];
    size_t room;
    int err = 0;

    parameters[0] = p->map->remote_id;
    parameters[data] = "";
    parameters[data + 1] = p->generation;
    room = telemetry_room(command, parameters, data + 2);
    room -= room < 16 ? room : 16; /* should numbers grow when the program is replaced */
    if (!each || room / each == 0)
        return -EMSGSIZE;
    while (!err && *done < wanted) {
        const uint32_t left = wanted - *done, most = (uint32_t)(room / each);
        const uint32_t count = left < most ? left : most;
        json_t *answer;
        uint64_t got;

        pack(of, *done, count, digits);
        parameters[data] = digits;
        err = ask(p, command, parameters, data, &answer);
        if (err)
            break;
        got = telemetry_number(answer, "done");
        err = -(int)(telemetry_number(answer, "status") & 0xfff);
        json_decref(answer);
        if (got > count || (got < count) != (err != 0))
            return nonsense(p);
        *done += (uint32_t)got;
    }
    return err;
}

int lib_device_update_batch(struct sluice_map *map, const void *keys, const void *values,
                            uint32_t *count, uint64_t flags)
{
    const char *parameters[5] = {NULL};
    uint32_t done = 0;
    char flag[16];
    struct place p;
    int err = flags > UINT32_MAX ? -EINVAL : enter(map, &p);

    if (!err) {
        const struct parcel of = {keys, values, map->def.key_bytes, p.values_bytes, p.wire_bytes};

        snprintf(flag, sizeof(flag), "%u", (uint32_t)flags);
        parameters[1] = flag;
        err = send_all(&p, "map_update_batch", parameters, 2, &of, *count, &done);
        lib_port_leave(p.port);
    }
    *count = done;
    return err;
}

int lib_device_delete_batch(struct sluice_map *map, const void *keys, uint32_t *count)
{
    const struct parcel of = {.keys = keys, .key_bytes = map->def.key_bytes};
    const char *parameters[4] = {NULL};
    uint32_t done = 0;
    struct place p;
    int err = map->def.key_bytes ? enter(map, &p) : -EINVAL;

    if (!err) {
        err = send_all(&p, "map_delete_batch", parameters, 1, &of, *count, &done);
        lib_port_leave(p.port);
    }
    *count = done;
    return err;
}
