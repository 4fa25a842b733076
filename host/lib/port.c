/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/lib/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Ports in software. Locks are taken in this order: the port's, its program's, that of the program
 * that replaces it, which no other port has then. */

struct sluice_port {
    pthread_mutex_t lock;
    char *name;
    struct sluice_loaded *loaded; /* or NULL */
    struct sluice_map *maps;      /* handles */
    struct sluice_stats stats;
};

int sluice_port_open(const struct sluice_port_opts *user, struct sluice_port **out)
{
    struct sluice_port_opts opts;
    struct sluice_port *port;
    int err = lib_options(&opts, sizeof(opts), user);

    if (err || !out)
        return err ? err : -EINVAL;
    port = calloc(1, sizeof(*port));
    if (!port)
        return -ENOMEM;
    port->name = strdup(opts.name ? opts.name : "port");
    err = port->name ? lib_lock_open(&port->lock) : -ENOMEM;
    if (err) {
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

/* Makes a program this port's; false if another port has it, or this one. */
static bool claim(struct sluice_port *port, struct sluice_loaded *loaded)
{
    uintptr_t none = 0;

    return atomic_compare_exchange_strong(&loaded->port, &none, (uintptr_t)port);
}

/* The port's program goes. */
static void let_go(struct sluice_loaded *loaded)
{
    atomic_store(&loaded->port, 0);
    lib_loaded_drop(loaded);
}

void sluice_port_close(struct sluice_port *port)
{
    if (!port)
        return;
    if (port->loaded)
        let_go(port->loaded);
    while (port->maps) {
        struct sluice_map *next = port->maps->next;

        free((void *)(uintptr_t)port->maps->def.name);
        free(port->maps);
        port->maps = next;
    }
    pthread_mutex_destroy(&port->lock);
    free(port->name);
    free(port);
}

int sluice_port_attach(struct sluice_port *port, struct sluice_loaded *loaded)
{
    int err = port && loaded ? lib_lock(&port->lock) : -EINVAL;

    if (err)
        return err;
    if (port->loaded || !claim(port, loaded)) {
        err = -EBUSY;
    } else {
        lib_loaded_hold(loaded);
        port->loaded = loaded;
    }
    lib_unlock(&port->lock);
    return err;
}

/* The new program is this port's already; the old one is there, and another one. */
static int hand_over(struct sluice_loaded *old, struct sluice_loaded *loaded,
                     const struct sluice_sink *sink)
{
    int err = lib_lock(&old->lock);

    if (err)
        return err;
    err = lib_lock(&loaded->lock);
    if (!err) {
        err = lib_hand_over(old, loaded, sink);
        if (!err)
            loaded->next_packet = old->next_packet;
        lib_unlock(&loaded->lock);
    }
    lib_unlock(&old->lock);
    return err;
}

int sluice_port_replace(struct sluice_port *port, struct sluice_loaded *loaded,
                        const struct sluice_sink *user)
{
    struct sluice_sink sink;
    struct sluice_loaded *old;
    int err = lib_sink(user, &sink);

    if (!err)
        err = port && loaded ? lib_lock(&port->lock) : -EINVAL;
    if (err)
        return err;
    old = port->loaded;
    if (!old)
        err = -ENOENT;
    else if (!claim(port, loaded))
        err = -EBUSY;
    if (!err) {
        err = hand_over(old, loaded, &sink);
        if (err)
            atomic_store(&loaded->port, 0);
    }
    if (!err) {
        lib_loaded_hold(loaded);
        port->loaded = loaded;
        let_go(old);
    }
    lib_unlock(&port->lock);
    return err;
}

int sluice_port_detach(struct sluice_port *port)
{
    int err = port ? lib_lock(&port->lock) : -EINVAL;

    if (err)
        return err;
    if (port->loaded)
        let_go(port->loaded);
    else
        err = -ENOENT;
    port->loaded = NULL;
    lib_unlock(&port->lock);
    return err;
}

int sluice_port_run(struct sluice_port *port, struct sluice_batch *batch)
{
    int err = port ? lib_lock(&port->lock) : -EINVAL;

    if (err)
        return err;
    if (!port->loaded) {
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
    int err = port && stats ? lib_lock(&port->lock) : -EINVAL;

    if (err)
        return err;
    err = lib_answer(stats, &port->stats, sizeof(port->stats));
    lib_unlock(&port->lock);
    return err;
}

/* A handle for a map like this one. */
static struct sluice_map *handle_of(struct sluice_port *port, const struct load_map *def)
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
    of = sluice_loaded_find_map_by_name(port->loaded, name);
    if (of)
        map = handle_of(port, &of->def);
    lib_unlock(&port->lock);
    return map;
}
