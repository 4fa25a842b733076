/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_MAPFILE_TYPES_H
#define SLUICE_HOST_MAPFILE_TYPES_H

#include "host/ctl/job.h"

/* What reader and writer of map files both ask of a map. */

/* The types of keys and values, as the object has them; NULL: it does not say. */
static inline const struct load_type *mapfile_key_type(const struct load_map *m)
{
    return m->fields ? m->fields->key : NULL;
}

static inline const struct load_type *mapfile_value_type(const struct load_map *m)
{
    return m->fields ? m->fields->value : NULL;
}

/* The name of program or map number i that a map of such holds; NULL: there are no more. */
static inline const char *mapfile_held_name(const struct load_object *object,
                                            const struct load_map *m, uint32_t i)
{
    if (job_holds_programs(m))
        return i < object->prog_count ? object->progs[i].name : NULL;
    return i < object->map_count ? object->maps[i].name : NULL;
}

#endif
