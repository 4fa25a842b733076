/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/lib/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Ports, in software or of a device. Locks are taken in this order: the port's, its program's, that
 * of the program that replaces it, which no other port has then. */

static int open_device(struct sluice_port *port, const struct sluice_port_opts *opts)
{
    char name[64] = "";
    int err = lib_device_open(opts, &port->device, name, sizeof(name));

    if (!err && !port->name)
        port->name = strdup(name);
    return err;
}

int sluice_port_open(const struct sluice_port_opts *user, struct sluice_port **out)
{
    struct sluice_port_opts opts;
    struct sluice_port *port;
    int err = lib_options(&opts, sizeof(opts), user);

    if (err || !out || opts.reserved)
        return err ? err : -EINVAL;
    if (!opts.device && (opts.file_prefix || opts.socket || opts.timeout_ms))
        return -EINVAL;
    port = calloc(1, sizeof(*port));
    if (!port)
        return -ENOMEM;
    atomic_init(&port->holders, 1);
    if (opts.name || !opts.device)
        port->name = strdup(opts.name ? opts.name : "port");
    if (opts.device)
        err = open_device(port, &opts);
    if (!err)
        err = port->name ? lib_lock_open(&port->lock) : -ENOMEM;
    if (err) {
        lib_device_close(port->device);
        free(port->name);
        free(port);
        return err;
    }
    *out = port;
    return 0;
}

const char *sluice_port_name(const struct sluice_port *port)
{
    return port ? port->name : NULL;
}

int lib_port_enter(struct sluice_port *port, struct sluice_loaded **loaded)
{
    const int err = lib_lock(&port->lock);

    if (!err)
        *loaded = port->loaded;
    return err;
}

void lib_port_leave(struct sluice_port *port)
{
    lib_unlock(&port->lock);
}

void lib_port_hold(struct sluice_port *port)
{
    atomic_fetch_add(&port->holders, 1);
}

void lib_port_drop(struct sluice_port *port)
{
    if (!port || atomic_fetch_sub(&port->holders, 1) != 1)
        return;
    pthread_mutex_destroy(&port->lock);
    free(port->name);
    free(port);
}

bool lib_port_claim(struct sluice_port *port, struct sluice_loaded *loaded)
{
    uintptr_t none = 0;

    return atomic_compare_exchange_strong(&loaded->port, &none, (uintptr_t)port);
}

void lib_port_let_go(struct sluice_port *port)
{
    struct sluice_loaded *loaded = port->loaded;

    port->loaded = NULL;
    atomic_store(&loaded->port, 0);
    lib_loaded_drop(loaded);
}

void sluice_port_close(struct sluice_port *port)
{
    if (!port || lib_lock(&port->lock))
        return;
    if (port->loaded)
        lib_port_let_go(port);
    while (port->maps) {
        struct sluice_map *next = port->maps->next;

        free((void *)(uintptr_t)port->maps->def.name);
        free(port->maps);
        port->maps = next;
    }
    lib_device_close(port->device);
    port->device = NULL;
    lib_unlock(&port->lock);
    lib_port_drop(port);
}

static int attach(struct sluice_port *port, struct sluice_loaded *loaded)
{
    if (loaded->target)
        return -EINVAL;
    if (port->loaded || !lib_port_claim(port, loaded))
        return -EBUSY;
    lib_loaded_hold(loaded);
    port->loaded = loaded;
    return 0;
}

int sluice_port_attach(struct sluice_port *port, struct sluice_loaded *loaded)
{
    int err = port && loaded ? lib_lock(&port->lock) : -EINVAL;

    if (err)
        return err;
    err = port->device ? lib_device_attach(port, loaded) : attach(port, loaded);
    lib_unlock(&port->lock);
    return err;
}

/* The new program is this port's already; the old one is there, and another one. */
static int hand_over(struct sluice_loaded *old, struct sluice_loaded *loaded,
                     const struct sluice_sink *sink, struct sluice_swap_result *result)
{
    int err = lib_lock(&old->lock);

    if (err)
        return err;
    err = lib_lock(&loaded->lock);
    if (!err) {
        err = lib_hand_over(old, loaded, sink, result);
        if (!err)
            loaded->next_packet = old->next_packet;
        lib_unlock(&loaded->lock);
    }
    lib_unlock(&old->lock);
    return err;
}

/* In software packets come in batches: it is always between two. */
static int swap(struct sluice_port *port, struct sluice_loaded *loaded,
                const struct sluice_sink *sink, struct sluice_swap_result *result)
{
    struct sluice_loaded *old = port->loaded;
    int err;

    if (loaded->target)
        return -EINVAL;
    if (!old)
        return -ENOENT;
    if (!lib_port_claim(port, loaded))
        return -EBUSY;
    err = hand_over(old, loaded, sink, result);
    if (err) {
        atomic_store(&loaded->port, 0);
        return err;
    }
    lib_port_let_go(port);
    lib_loaded_hold(loaded);
    port->loaded = loaded;
    return 0;
}

int sluice_port_swap(struct sluice_port *port, struct sluice_loaded *loaded,
                     const struct sluice_swap_opts *user, struct sluice_swap_result *result)
{
    struct sluice_swap_result done = {.size = sizeof(done)};
    struct sluice_swap_opts opts;
    struct sluice_sink sink;
    size_t room = sizeof(room);
    int err = lib_options(&opts, sizeof(opts), user);

    if (!err)
        err = lib_sink(opts.sink, &sink);
    if (result)
        memcpy(&room, result, sizeof(room));
    if (!err && (!port || !loaded || opts.reserved || opts.flags & ~SLUICE_SWAP_MIGRATE ||
                 room < sizeof(room)))
        err = -EINVAL;
    if (!err)
        err = lib_lock(&port->lock);
    if (err)
        return err;
    err = port->device ? lib_device_swap(port, loaded, opts.flags, &sink, &done)
                       : swap(port, loaded, &sink, &done);
    lib_unlock(&port->lock);
    return err || !result ? err : lib_answer(result, &done, sizeof(done));
}

int sluice_port_replace(struct sluice_port *port, struct sluice_loaded *loaded,
                        const struct sluice_sink *sink)
{
    const struct sluice_swap_opts opts = {
        .size = sizeof(opts), .sink = sink, .flags = SLUICE_SWAP_MIGRATE};

    return sluice_port_swap(port, loaded, &opts, NULL);
}

int sluice_port_detach(struct sluice_port *port)
{
    int err = port ? lib_lock(&port->lock) : -EINVAL;

    if (err)
        return err;
    if (port->device)
        err = lib_device_detach(port);
    else if (port->loaded)
        lib_port_let_go(port);
    else
        err = -ENOENT;
    lib_unlock(&port->lock);
    return err;
}

int sluice_port_run(struct sluice_port *port, struct sluice_batch *batch)
{
    int err = port ? lib_lock(&port->lock) : -EINVAL;

    if (err)
        return err;
    if (port->device) {
        err = -EOPNOTSUPP;
    } else if (!port->loaded) {
        err = lib_pass(batch, &port->stats);
    } else {
        err = lib_lock(&port->loaded->lock);
        if (!err) {
            err = lib_run(port->loaded, batch, &port->stats);
            lib_unlock(&port->loaded->lock);
        }
    }
    lib_unlock(&port->lock);
    return err;
}

int sluice_port_stats(struct sluice_port *port, struct sluice_stats *stats)
{
    struct sluice_stats out = {.size = sizeof(out)};
    int err = port && stats ? lib_lock(&port->lock) : -EINVAL;

    if (err)
        return err;
    if (port->device)
        err = lib_device_stats(port->device, &out);
    else
        out = port->stats;
    lib_unlock(&port->lock);
    return err ? err : lib_answer(stats, &out, sizeof(out));
}

int sluice_port_counters(struct sluice_port *port, struct sluice_counter *counters, uint32_t *count)
{
    int err = port && count && (counters || !*count) ? lib_lock(&port->lock) : -EINVAL;

    if (err)
        return err;
    err = port->device ? lib_device_counters(port->device, counters, count) : -EOPNOTSUPP;
    lib_unlock(&port->lock);
    return err;
}

int sluice_port_info(struct sluice_port *port, struct sluice_port_info *info)
{
    struct sluice_port_info out;
    int err = port && info ? lib_lock(&port->lock) : -EINVAL;

    if (err)
        return err;
    err = port->device ? lib_device_info(port->device, &out) : -EOPNOTSUPP;
    lib_unlock(&port->lock);
    return err ? err : lib_answer(info, &out, sizeof(out));
}

struct sluice_map *lib_port_handle(struct sluice_port *port, const struct load_map *def)
{
    struct sluice_map *map = port->maps;
    char *name;

    while (map && !job_same_definition(&map->def, def))
        map = map->next;
    if (map)
        return map;
    map = calloc(1, sizeof(*map));
    name = strdup(def->name);
    if (!map || !name) {
        free(map);
        free(name);
        return NULL;
    }
    map->def = (struct load_map){.name = name,
                                 .kind = def->kind,
                                 .type = def->type,
                                 .key_bytes = def->key_bytes,
                                 .value_bytes = def->value_bytes,
                                 .max_entries = def->max_entries,
                                 .flags = def->flags};
    map->port = port;
    map->next = port->maps;
    port->maps = map;
    return map;
}

struct sluice_map *sluice_port_find_map_by_name(struct sluice_port *port, const char *name)
{
    const struct sluice_map *of;
    struct sluice_map *map = NULL;

    if (!port || !name || lib_lock(&port->lock))
        return NULL;
    of = port->device ? NULL : sluice_loaded_find_map_by_name(port->loaded, name);
    if (port->device)
        map = lib_device_find_map(port, name);
    else if (of)
        map = lib_port_handle(port, &of->def);
    lib_unlock(&port->lock);
    return map;
}
