/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_HOSTMAP_H
#define SLUICE_HOST_HOSTMAP_H

#include "compiler/load/load.h"
#include "nic_runtime/map.h"

/* A map of an object in this process's memory: those of the software executor, and those that a
 * device does not hold because its program never names them. */
struct hostmap {
    struct map *map; /* NULL: not made */
    void *memory;
};

/* Makes an empty map. 0, -ENOTSUP if its definition is not possible (map_size_bytes says why),
 * -ENOMEM. */
int hostmap_open(struct hostmap *m, const struct load_object *object, uint32_t index);
/* The same of a map that no object has. */
int hostmap_open_def(struct hostmap *m, const struct map_def *def);
void hostmap_close(struct hostmap *m); /* also of a zeroed one */

/* As the system call of Linux: what a queue or stack gives next is no key to delete, map_pop takes
 * it. -ENOTSUP of a map that was not made. */
int hostmap_delete(const struct hostmap *m, const void *key);
int hostmap_next_key(const struct hostmap *m, const void *key, void *next);
/* Takes the next value of a queue or stack: 0, -ENOENT, -EOPNOTSUPP of other maps. */
int hostmap_pop(const struct hostmap *m, void *values);

/* Visits all entries; the result of the first visit that is not 0, or -ENOMEM. */
int hostmap_walk(const struct hostmap *m,
                 int (*visit)(void *ctx, const void *key, const void *values), void *ctx);

#endif
