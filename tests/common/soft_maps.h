/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_SOFT_MAPS_H
#define SLUICE_TESTS_SOFT_MAPS_H

#include "compiler/ir/eval.h"
#include "compiler/load/load.h"
#include "host/ctl/softmap.h"

/* The software maps of nic_runtime behind the calls that evaluators of IR and of microcode make. */
struct soft_maps {
    struct map *maps[SPEC_MAPS];
    size_t bytes[SPEC_MAPS];
    uint64_t holds[SPEC_MAPS]; /* as ir_map.holds */
    uint32_t count;
    struct softmap view;
};

/* Makes empty maps; those of data sections hold their initial values. 0, or -EINVAL if one is not
 * possible. */
int soft_maps_open(struct soft_maps *s, const struct ir_map *maps, uint32_t count);
int soft_maps_open_object(struct soft_maps *s, const struct load_object *object);
/* Takes the records of ring buffers, as the host does after each packet. */
void soft_maps_drain(struct soft_maps *s);
/* Behind an object's maps those of the host's tables, empty: nobody has told of an interface. */
int soft_maps_add_tables(struct soft_maps *s, const struct ir_func *f);
void soft_maps_close(struct soft_maps *s);

/* The operations on these maps; valid while s stays where it is. */
struct ir_maps_ops soft_maps_ops(struct soft_maps *s);

/* Puts up to `entries` random entries into each map that the host may fill. Targets of redirect
 * maps are 0 or small numbers. The same seed gives the same contents. */
void soft_maps_fill(struct soft_maps *s, uint32_t entries, uint64_t *seed);

/* True if both hold the same entries (keys and all CPUs' values); else *map is the first that
 * differs. */
bool soft_maps_equal(const struct soft_maps *a, const struct soft_maps *b, uint32_t *map);

/* An empty map, given back with free(); NULL if the definition is bad (*why says the reason) or
 * there is no memory. */
struct map *soft_map_make(const struct map_def *def, const char **why);

#endif
