/* SPDX-License-Identifier: BSD-3-Clause */
#include "hw/spec/gen/helpers.h"
#include "nic_runtime/helpers/internal.h"

#include <errno.h>

/* What programs tell the host: perf events and ring buffers. Semantics: net/core/filter.c
 * (bpf_xdp_event_output), kernel/trace/bpf_trace.c (__bpf_perf_event_output),
 * kernel/bpf/ringbuf.c. */

#define PERF_INDEX UINT64_C(0xffffffff) /* BPF_F_INDEX_MASK; all of it: the current CPU */
#define PERF_CTXLEN (UINT64_C(0xfffff) << 32)

enum {
    RINGBUF_WAKEUP = 3, /* BPF_RB_NO_WAKEUP, BPF_RB_FORCE_WAKEUP */
};

static void tell(const struct vm *vm, const struct vm_event *event)
{
    const struct vm_world *world = vm->packet->world;

    if (world && world->event)
        world->event(world->ctx, event);
}

/* The host listens on the entries of all queues that the map has, each on its own queue. */
static int perf_index(const struct vm *vm, const struct map *map, uint64_t flags)
{
    const uint32_t cpu = vm->packet->queue;
    const uint32_t index = (flags & PERF_INDEX) == PERF_INDEX ? cpu : (uint32_t)flags;

    if (index >= map_definition(map)->max_entries)
        return -E2BIG;
    if (index >= SPEC_QUEUES)
        return -ENOENT;
    return index == cpu ? 0 : -EOPNOTSUPP;
}

enum vm_fault helper_perf_event_output(struct vm *vm)
{
    const struct vm_packet *p = vm->packet;
    const uint64_t flags = vm->r[3];
    const uint32_t bytes = (uint32_t)vm->r[5];
    const uint64_t more = (flags & PERF_CTXLEN) >> 32;
    uint32_t index;
    struct map *map = helper_map(vm, 2, SPEC_HELPER_PERF_EVENT_OUTPUT, &index);
    const void *data = bytes ? vm_at(vm, vm->r[4], bytes, false) : p->buf;
    int err;

    if (!map || !data || vm->r[1] != (uintptr_t)vm->ctx)
        return VM_FAULT_MEMORY;
    if (flags & ~(PERF_INDEX | PERF_CTXLEN))
        return helper_return(vm, -EINVAL);
    if (more > p->data_end - p->data)
        return helper_return(vm, -EFAULT);
    err = perf_index(vm, map, flags);
    if (!err)
        tell(vm,
             &(struct vm_event){index, p->queue, data, bytes, p->buf + p->data, (uint32_t)more});
    return helper_return(vm, err);
}

enum vm_fault helper_ringbuf_output(struct vm *vm)
{
    const uint32_t bytes = (uint32_t)vm->r[3];
    uint32_t index;
    struct map *map = helper_map(vm, 1, SPEC_HELPER_RINGBUF_OUTPUT, &index);
    const void *data = bytes ? vm_at(vm, vm->r[2], bytes, false) : vm->packet->buf;

    if (!map || !data)
        return VM_FAULT_MEMORY;
    if (vm->r[4] & ~(uint64_t)RINGBUF_WAKEUP)
        return helper_return(vm, -EINVAL);
    return helper_return(vm, map_ring_output(map, data, bytes));
}

enum vm_fault helper_ringbuf_reserve(struct vm *vm)
{
    uint32_t index;
    struct map *map = helper_map(vm, 1, SPEC_HELPER_RINGBUF_RESERVE, &index);

    if (!map)
        return VM_FAULT_MEMORY;
    vm->r[0] = 0;
    if (!vm->r[3] && vm->r[2] <= UINT32_MAX)
        vm->r[0] = (uintptr_t)map_ring_reserve(map, (uint32_t)vm->r[2]);
    return VM_FAULT_NONE;
}

static enum vm_fault finish(struct vm *vm, bool discard)
{
    for (uint32_t i = 0; i < vm->program->map_count; i++)
        if (vm->program->maps[i] && map_ring_finish(vm->program->maps[i], vm->r[1], discard))
            return VM_FAULT_NONE;
    return VM_FAULT_MEMORY;
}

enum vm_fault helper_ringbuf_submit(struct vm *vm)
{
    return finish(vm, false);
}

enum vm_fault helper_ringbuf_discard(struct vm *vm)
{
    return finish(vm, true);
}

enum vm_fault helper_ringbuf_query(struct vm *vm)
{
    uint32_t index;
    struct map *map = helper_map(vm, 1, SPEC_HELPER_RINGBUF_QUERY, &index);

    if (!map)
        return VM_FAULT_MEMORY;
    return helper_return(vm, (int64_t)map_ring_query(map, vm->r[2]));
}
