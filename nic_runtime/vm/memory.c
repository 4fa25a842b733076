/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_runtime/vm/memory.h"

enum { MAP_RDONLY_PROG = 1 << 7 }; /* BPF_F_RDONLY_PROG */

bool vm_find_value(struct vm *vm, uint64_t address)
{
    for (const struct vm_key *k = vm->keys; k; k = k->outer)
        if (address - k->first < k->bytes) {
            vm->value_first = k->first;
            vm->value_bytes = k->bytes;
            vm->value_writable = false;
            return true;
        }
    for (uint32_t i = 0; i < vm->program->map_count; i++) {
        const struct map *map = vm->program->maps[i];
        uintptr_t first, end;

        if (!map)
            continue;
        map_ring_range(map, &first, &end);
        if (address - first < end - first) { /* a record; the verifier knows how long it is */
            vm->value_first = first;
            vm->value_bytes = end - first;
            vm->value_writable = true;
            return true;
        }
        map_value_range(map, &first, &end);
        if (address - first >= end - first)
            continue;
        vm->value_first = (uintptr_t)(address - (address - first) % map_stride_bytes(map));
        vm->value_bytes = map_definition(map)->value_bytes;
        vm->value_writable = !(map_definition(map)->flags & MAP_RDONLY_PROG);
        return true;
    }
    return false;
}
