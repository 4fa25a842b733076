/* SPDX-License-Identifier: BSD-3-Clause */
#include "hw/spec/gen/helpers.h"
#include "nic_runtime/helpers/internal.h"

#include <errno.h>
#include <string.h>

/* Queues, stacks, Bloom filters. Semantics: kernel/bpf/queue_stack_maps.c, bloom_filter.c. */

enum vm_fault helper_push(struct vm *vm)
{
    uint32_t index;
    struct map *map = helper_map(vm, 1, SPEC_HELPER_MAP_PUSH_ELEM, &index);
    const void *value = map ? vm_at(vm, vm->r[2], map_definition(map)->value_bytes, false) : NULL;

    if (!value)
        return VM_FAULT_MEMORY;
    return helper_return(vm, map_update(map, NULL, value, vm->r[3], 0));
}

/* Copies the next value, and takes it out; zeros if there is none. */
static enum vm_fault take(struct vm *vm, int32_t helper, bool out)
{
    uint32_t index;
    struct map *map = helper_map(vm, 1, helper, &index);
    const uint32_t bytes = map ? map_definition(map)->value_bytes : 0;
    void *to = map ? vm_at(vm, vm->r[2], bytes, true) : NULL;
    const void *value = to ? map_lookup(map, NULL, 0) : NULL;

    if (!to)
        return VM_FAULT_MEMORY;
    if (!value) {
        memset(to, 0, bytes);
        return helper_return(vm, -ENOENT);
    }
    memmove(to, value, bytes);
    return helper_return(vm, out ? map_delete(map, NULL) : 0);
}

enum vm_fault helper_pop(struct vm *vm)
{
    return take(vm, SPEC_HELPER_MAP_POP_ELEM, true);
}

/* A Bloom filter is asked for a value. */
enum vm_fault helper_peek(struct vm *vm)
{
    uint32_t index;
    struct map *map = helper_map(vm, 1, SPEC_HELPER_MAP_PEEK_ELEM, &index);

    if (map && map_definition(map)->type == SPEC_MAP_BLOOM_FILTER) {
        const void *value = vm_at(vm, vm->r[2], map_definition(map)->value_bytes, false);

        if (!value)
            return VM_FAULT_MEMORY;
        return helper_return(vm, map_bloom_has(map, value) ? 0 : -ENOENT);
    }
    return take(vm, SPEC_HELPER_MAP_PEEK_ELEM, false);
}
