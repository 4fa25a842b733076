/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/softmap.h"

#include <errno.h>
#include <string.h>

static int maps_access(void *ctx, uint64_t pointer, uint32_t size, uint64_t *value, bool write)
{
    const struct softmap *s = ctx;
    const uint64_t map = (pointer >> SPEC_MAPPTR_SHIFT) - 1;
    const uintptr_t offset = (uint32_t)pointer;
    uintptr_t first;
    uintptr_t end;

    if (map >= s->count)
        return -EFAULT;
    map_value_range(s->maps[map], &first, &end);
    if (offset > end - first || end - first - offset < size)
        return -EFAULT;
    if (write) {
        memcpy((void *)(first + offset), value, size);
    } else {
        *value = 0;
        memcpy(value, (const void *)(first + offset), size);
    }
    return 0;
}

static uint64_t maps_lookup(void *ctx, uint32_t map, uint32_t cpu, const uint64_t *key)
{
    const struct softmap *s = ctx;
    const void *p = map_lookup(s->maps[map], key, cpu);
    uintptr_t first;
    uintptr_t end;

    if (!p)
        return 0;
    map_value_range(s->maps[map], &first, &end);
    return (uint64_t)(map + 1) << SPEC_MAPPTR_SHIFT | (uint64_t)((uintptr_t)p - first);
}

static int64_t maps_update(void *ctx, uint32_t map, uint32_t cpu, uint64_t flags,
                           const uint64_t *key, const uint64_t *value)
{
    const struct softmap *s = ctx;

    return map_update(s->maps[map], key, value, flags, cpu);
}

static int64_t maps_erase(void *ctx, uint32_t map, uint32_t cpu, const uint64_t *key)
{
    const struct softmap *s = ctx;

    (void)cpu;
    return map_delete(s->maps[map], key);
}

struct ir_maps_ops softmap_ops(const struct softmap *s)
{
    return (struct ir_maps_ops){(void *)(uintptr_t)s, maps_access, maps_lookup, maps_update,
                                maps_erase};
}
