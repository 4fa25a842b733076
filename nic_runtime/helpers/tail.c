/* SPDX-License-Identifier: BSD-3-Clause */
#include "hw/spec/gen/helpers.h"
#include "nic_runtime/helpers/internal.h"

#include <string.h>

/* bpf_tail_call: the program goes on in another, if there is one in the map and no more than
 * SPEC_TAIL_CALLS were made for the packet. What stands on the stack is gone, r1 is the context
 * again; in a function, the other program's end is the function's (Documentation/bpf, and the
 * x86-64 JIT). */

static const struct vm_program *program_of(const struct vm *vm, struct map *map, uint32_t key)
{
    const struct vm_world *world = vm->packet->world;
    const void *value = map_lookup(map, &key, 0);
    uint32_t number;

    if (!value || !world)
        return NULL;
    memcpy(&number, value, sizeof(number));
    return number && number <= world->program_count ? world->programs[number - 1] : NULL;
}

enum vm_fault helper_tail_call(struct vm *vm)
{
    uint32_t index;
    struct map *map = helper_map(vm, 2, SPEC_HELPER_TAIL_CALL, &index);
    const struct vm_program *to;

    if (!map || vm->r[1] != (uintptr_t)vm->ctx)
        return VM_FAULT_MEMORY;
    if ((uint32_t)vm->r[3] >= map_definition(map)->max_entries || vm->tail_calls >= SPEC_TAIL_CALLS)
        return VM_FAULT_NONE;
    to = program_of(vm, map, (uint32_t)vm->r[3]);
    if (!to)
        return VM_FAULT_NONE;
    vm->tail_calls++;
    vm->program = to;
    vm->pc = 0;
    vm->base = vm->depth;
    memset(vm->stack[vm->depth], 0, SPEC_STACK_BYTES);
    return VM_SWITCHED;
}
