/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_SOFTMAP_H
#define SLUICE_HOST_SOFTMAP_H

#include "compiler/ir/eval.h"
#include "nic_runtime/map.h"

/* The software maps of nic_runtime as the evaluators of IR and of microcode see maps: pointers are
 * the hardware's. Entries lie where the engines put them, so the offsets are the same too. */
struct softmap {
    struct map *const *maps;
    uint32_t count;
};

/* The operations on these maps; valid while *s stays where it is. */
struct ir_maps_ops softmap_ops(const struct softmap *s);

#endif
