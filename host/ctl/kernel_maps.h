/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_KERNEL_MAPS_H
#define SLUICE_HOST_KERNEL_MAPS_H

#include "compiler/load/load.h"
#include "nic_runtime/map.h"

/* A map of the object in the kernel, with what the kernel can't hold of it. */

/* The CPU that programs run on. */
struct kernel_cpu {
    uint32_t number;   /* its slot in the kernel's per-CPU values */
    uint32_t possible; /* slots there are */
    uint32_t queue;    /* our slot that it stands for */
};

struct kernel_map {
    const struct load_map *def;
    struct kernel_cpu cpu;
    int fd;
    uint32_t cpus;   /* our slots */
    uint32_t stride; /* bytes from value to value, ours and the kernel's */
    /* Values as the host gave them, where the kernel holds something else: targets of redirects,
     * and the slots of per-CPU maps beside the running CPU's. NULL for other maps. */
    struct map *shadow;
    void *shadow_memory;
    uint8_t *values; /* room for one entry's values as the kernel has them */
    uint8_t
        *frozen;   /* LOAD_MAP_RODATA: the contents that the program was, or will be, loaded with */
    bool stale;    /* ... which are not those of the map in the kernel */
    uint64_t most; /* LRU maps: entries there can be */
    /* Why the kernel can't take an entry that the host gave, or what it did is its own choice; or
     * NULL. */
    const char *refused;
};

int kernel_map_open(struct kernel_map *m, const struct load_map *def, const struct kernel_cpu *cpu,
                    char *why, size_t why_bytes);
void kernel_map_close(struct kernel_map *m); /* also of a zeroed one */
/* LOAD_MAP_RODATA: makes the kernel's map anew, with the contents given since. */
int kernel_map_refreeze(struct kernel_map *m, char *why, size_t why_bytes);

/* Whether a map holds programs or maps; an entry of those: values as our maps have them, and the
 * descriptor that the kernel takes for it. */
bool kernel_map_holds(const struct load_map *def);
int kernel_map_put_held(struct kernel_map *m, const void *key, const void *values, int fd,
                        uint64_t flags);
int kernel_map_put(struct kernel_map *m, const void *key, const void *values, uint64_t flags);
int kernel_map_get(struct kernel_map *m, const void *key, void *values);
int kernel_map_remove(struct kernel_map *m, const void *key);
int kernel_map_next(struct kernel_map *m, const void *key, void *next);
/* The next value of a queue or stack; -EOPNOTSUPP of other maps. */
int kernel_map_take(struct kernel_map *m, void *values);
/* So many updates and deletions may have changed the map: an LRU map must not have evicted
 * anything.
 */
int kernel_map_changed(struct kernel_map *m, uint64_t updates, uint64_t deletes);
int kernel_map_each(struct kernel_map *m,
                    int (*visit)(void *ctx, const void *key, const void *values), void *ctx);

#endif
