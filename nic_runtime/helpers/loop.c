/* SPDX-License-Identifier: BSD-3-Clause */
#include "hw/spec/gen/helpers.h"
#include "nic_runtime/helpers/internal.h"

#include <errno.h>

/* Helpers that call a function of the program over and over.
 * bpf_loop: calls a function of the program over and over (kernel/bpf/bpf_iter.c). Too many rounds
 * are -E2BIG in 64 bits; where Linux puts the loop into the program itself, it leaves the upper
 * half 0. */

enum { LOOPS_MAX = 1 << 23 }; /* BPF_MAX_LOOPS */

enum vm_fault helper_loop(struct vm *vm)
{
    const uint32_t rounds = (uint32_t)vm->r[1];
    const uint32_t function = (uint32_t)vm->r[2];
    const uint64_t ctx = vm->r[3];
    uint32_t i = 0;

    if (vm->r[4])
        return helper_return(vm, -EINVAL);
    if (rounds > LOOPS_MAX)
        return helper_return(vm, -E2BIG);
    while (i < rounds) {
        enum vm_fault fault;

        vm->r[1] = i++;
        vm->r[2] = ctx;
        fault = vm_call_back(vm, function);
        if (fault)
            return fault;
        if (vm->r[0])
            break;
    }
    return helper_return(vm, i);
}

static enum vm_fault each_element(struct vm *vm, struct map *map, uint8_t *key)
{
    const uint64_t handle = vm->r[1], ctx = vm->r[3];
    const uint32_t function = (uint32_t)vm->r[2];
    struct map_walk walk;
    void *value;

    map_walk_start(map, &walk);
    while (map_walk_next(map, &walk, vm->packet->queue, key, &value)) {
        enum vm_fault fault;

        vm->r[1] = handle;
        vm->r[2] = (uintptr_t)key;
        vm->r[3] = (uintptr_t)value;
        vm->r[4] = ctx;
        vm->r[5] = 0;
        fault = vm_call_back(vm, function);
        if (fault)
            return fault;
        if (vm->r[0])
            break;
    }
    return helper_return(vm, walk.count);
}

/* bpf_for_each_map_elem (kernel/bpf/arraymap.c, hashtab.c). A key is a copy, so that it stays
 * what it was if the callback deletes the element. */
enum vm_fault helper_for_each(struct vm *vm)
{
    _Alignas(8) uint8_t key[SPEC_KEY_MAX_BYTES];
    uint32_t index;
    struct map *map = helper_map(vm, 1, SPEC_HELPER_FOR_EACH_MAP_ELEM, &index);
    const struct vm_key lent = {vm->keys, (uintptr_t)key, map ? map_definition(map)->key_bytes : 0};
    enum vm_fault fault;

    if (!map)
        return VM_FAULT_MEMORY;
    if (vm->r[4])
        return helper_return(vm, -EINVAL);
    vm->keys = &lent;
    fault = each_element(vm, map, key);
    vm->keys = lent.outer;
    vm->value_bytes = 0; /* it may be the key that was touched last */
    return fault;
}
