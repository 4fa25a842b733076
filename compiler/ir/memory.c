/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/ir.h"
#include "hw/spec/gen/limits.h"

uint64_t ir_map_bytes(const struct ir_map *map)
{
    const uint64_t line = SPEC_EXT_LINE_BYTES, most = UINT64_C(1) << 47; /* sums can't overflow */
    uint64_t bytes;

    if (!map->engine)
        return 0;
    if (__builtin_mul_overflow(ir_map_entries(map) * map->cpus, map->stride_bytes, &bytes) ||
        bytes > most)
        return most;
    return (bytes + line - 1) / line * line;
}

void ir_choose_memories(const struct ir_func *f, uint64_t chip_bytes, bool *external)
{
    uint64_t on_chip = 0;

    for (uint32_t i = 0; i < f->map_count; i++) {
        external[i] = f->maps[i].engine && (f->maps[i].memory == IR_MEMORY_EXTERNAL ||
                                            f->maps[i].memory == IR_MEMORY_FAR);
        on_chip += external[i] ? 0 : ir_map_bytes(&f->maps[i]);
    }
    while (on_chip > chip_bytes) {
        uint32_t largest = f->map_count;

        for (uint32_t i = 0; i < f->map_count; i++)
            if (!external[i] && f->maps[i].memory == IR_MEMORY_AUTO &&
                (largest == f->map_count ||
                 ir_map_bytes(&f->maps[i]) > ir_map_bytes(&f->maps[largest])))
                largest = i;
        if (largest == f->map_count || ir_map_bytes(&f->maps[largest]) == 0)
            return; /* what is left has to be on chip: the back end refuses it */
        external[largest] = true;
        on_chip -= ir_map_bytes(&f->maps[largest]);
    }
}
