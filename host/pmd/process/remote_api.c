/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/process/remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* rte_pmd_sluice.h in a secondary process: the primary does it. */

static int put_text(char *to, size_t bytes, const char *text)
{
    const int n = snprintf(to, bytes, "%s", text);

    return n < 0 || (size_t)n >= bytes ? -ENAMETOOLONG : 0;
}

/* A file's name as the primary process, which may work elsewhere, finds it. */
static int put_path(char to[PATH_MAX], const char *path, char *why, size_t why_bytes)
{
    if (realpath(path, to))
        return 0;
    if (why && why_bytes)
        snprintf(why, why_bytes, "%s: %s", path, strerror(errno));
    return -errno;
}

static int describe(struct pmd_peer_program *p, const struct rte_pmd_sluice_program *what,
                    char *why, size_t why_bytes)
{
    int err = put_path(p->path, what->path, why, why_bytes);

    if (!err && what->maps) {
        p->texts |= PMD_PEER_MAPS;
        err = put_path(p->maps, what->maps, why, why_bytes);
    }
    if (!err && what->section) {
        p->texts |= PMD_PEER_SECTION;
        err = put_text(p->section, sizeof(p->section), what->section);
    }
    if (!err && what->program) {
        p->texts |= PMD_PEER_PROGRAM;
        err = put_text(p->program, sizeof(p->program), what->program);
    }
    if (!err && what->executor) {
        p->texts |= PMD_PEER_EXECUTOR;
        err = put_text(p->executor, sizeof(p->executor), what->executor);
    }
    return err;
}

int pmd_remote_program(struct pmd_remote *remote, enum pmd_peer_op op, uint32_t flags,
                       const struct rte_pmd_sluice_program *what, struct rte_pmd_sluice_swap *done,
                       char *why, size_t why_bytes)
{
    struct {
        struct pmd_peer_program in;
        struct pmd_peer_swap out;
    } *both = calloc(1, sizeof(*both));
    struct pmd_ask a = {.op = op, .arg = flags};
    int err = both ? 0 : -ENOMEM;

    if (why && why_bytes)
        *why = 0;
    if (!err && (!what || !what->path))
        err = -EINVAL;
    if (!err)
        err = describe(&both->in, what, why, why_bytes);
    if (!err) {
        a.in = &both->in;
        a.in_bytes = sizeof(both->in);
        a.out = &both->out;
        a.out_bytes = sizeof(both->out);
        err = pmd_remote_ask(remote, &a);
        if (err && why && why_bytes)
            snprintf(why, why_bytes, "%s",
                     a.got ? both->out.why : "the primary process does not answer any more");
    }
    if (!err && done)
        *done = (struct rte_pmd_sluice_swap){both->out.in_place, both->out.stayed, both->out.moved,
                                             both->out.fresh};
    free(both);
    return err;
}

int pmd_remote_program_info(struct pmd_remote *remote, struct rte_pmd_sluice_program_info *info)
{
    struct pmd_ask a = {.op = PMD_PEER_PROGRAM_INFO, .out = info, .out_bytes = sizeof(*info)};

    return info ? pmd_remote_ask(remote, &a) : -EINVAL;
}

static int ask_sizes(struct pmd_remote *remote, const struct pmd_peer_map *map, uint32_t sizes[3])
{
    struct pmd_ask a = {.op = PMD_PEER_MAP_SIZES,
                        .in = map,
                        .in_bytes = sizeof(*map),
                        .out = sizes,
                        .out_bytes = 3 * sizeof(*sizes)};

    return pmd_remote_ask(remote, &a);
}

static int ask_entry(struct pmd_remote *remote, enum pmd_peer_op op, const struct pmd_peer_map *map,
                     const void *key, void *values)
{
    const uint32_t key_bytes = key ? map->key_bytes : 0;
    const uint32_t with_values = op == PMD_PEER_MAP_UPDATE ? map->values_bytes : 0;
    struct pmd_ask a = {
        .op = op, .arg = key != NULL, .in_bytes = (uint32_t)sizeof(*map) + key_bytes + with_values};
    uint8_t *in = malloc(a.in_bytes);
    int err;

    if (!in)
        return -ENOMEM;
    memcpy(in, map, sizeof(*map));
    if (key_bytes)
        memcpy(in + sizeof(*map), key, key_bytes);
    if (with_values)
        memcpy(in + sizeof(*map) + key_bytes, values, with_values);
    a.in = in;
    if (op == PMD_PEER_MAP_LOOKUP || op == PMD_PEER_MAP_NEXT) {
        a.out = values;
        a.out_bytes = op == PMD_PEER_MAP_NEXT ? map->key_bytes : map->values_bytes;
    }
    err = pmd_remote_ask(remote, &a);
    free(in);
    return err;
}

int pmd_remote_map(struct pmd_remote *remote, enum pmd_peer_op op, const char *name,
                   const void *key, void *values)
{
    enum { TURNS = 8 }; /* a program with another map of that name may come in between */
    struct pmd_peer_map map = {0};
    uint32_t sizes[3] = {0};
    int err = -EAGAIN;

    if (put_text(map.name, sizeof(map.name), name))
        return -ENAMETOOLONG;
    for (int i = 0; i < TURNS && err == -EAGAIN; i++) {
        err = ask_sizes(remote, &map, sizes);
        map.key_bytes = sizes[0];
        map.values_bytes = sizes[1];
        if (!err && op == PMD_PEER_MAP_SIZES)
            memcpy(values, sizes, sizeof(sizes));
        else if (!err)
            err = ask_entry(remote, op, &map, key, values);
    }
    return err;
}

int pmd_remote_events_poll(struct pmd_remote *remote)
{
    struct pmd_ask a = {.op = PMD_PEER_EVENTS_POLL};

    return pmd_remote_ask(remote, &a);
}

int pmd_remote_events_lost(struct pmd_remote *remote, const char *name, uint64_t *records)
{
    struct pmd_peer_map map = {0};
    uint64_t n = 0;
    struct pmd_ask a = {.op = PMD_PEER_EVENTS_LOST,
                        .in = &map,
                        .in_bytes = sizeof(map),
                        .out = &n,
                        .out_bytes = sizeof(n)};
    int err =
        put_text(map.name, sizeof(map.name), name) ? -ENAMETOOLONG : pmd_remote_ask(remote, &a);

    if (!err)
        *records = n;
    return err;
}
