/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <string.h>

/* The maps in maps of maps: each stands behind the object's own maps, one for each map of maps
 * whose definition says what they are like. */

const struct load_object *verify_inner_object(const struct load_object *object,
                                              struct arena *scratch)
{
    struct load_object *copy;
    uint32_t count = object->map_count;

    for (uint32_t i = 0; i < object->map_count; i++)
        count += (load_inner(&object->maps[i]) != NULL);
    if (count == object->map_count)
        return object;
    copy = arena_memdup(scratch, object, sizeof(*object));
    copy->maps = arena_array(scratch, count, sizeof(*copy->maps));
    memcpy(copy->maps, object->maps, object->map_count * sizeof(*copy->maps));
    for (uint32_t i = 0; i < object->map_count; i++)
        if (load_inner(&object->maps[i]))
            copy->maps[copy->map_count++] = *load_inner(&object->maps[i]);
    return copy;
}

uint32_t verify_outer_map(const struct verifier *v, uint32_t inner)
{
    uint32_t at = v->own_maps;

    for (uint32_t i = 0; i < v->own_maps && inner >= v->own_maps; i++)
        if (load_inner(&v->object->maps[i]) && at++ == inner)
            return i;
    return VERIFY_MAP_NONE;
}

uint32_t verify_inner_map(const struct verifier *v, uint32_t outer)
{
    uint32_t at = v->own_maps;

    for (uint32_t i = 0; i < outer; i++)
        at += (load_inner(&v->object->maps[i]) != NULL);
    return at;
}
