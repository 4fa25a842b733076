/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_runtime/helpers/helpers.h"

#include "hw/spec/gen/helpers.h"
#include "nic_runtime/vm/memory.h"

#include <errno.h>
#include <string.h>

/* The helpers of hw/spec/helpers.toml. Semantics: kernel/bpf/helpers.c and net/core/filter.c of
 * Linux. */

/* Flags of bpf_redirect_map (uapi/linux/bpf.h). */
enum {
    REDIRECT_ACTION = 3, /* what is returned when there is no such entry */
    REDIRECT_BROADCAST = 1 << 3,
    REDIRECT_EXCLUDE_INGRESS = 1 << 4,
};

/* Words of vm_result.redirect. */
#define REDIRECT_TO_IFINDEX (UINT64_C(1) << 63)
#define REDIRECT_TO_ALL (UINT64_C(1) << 62)

static struct map *map_arg(struct vm *vm, uint32_t *index)
{
    const uint64_t i = vm->r[1] - VM_MAP_HANDLE;

    if (i >= vm->program->map_count)
        return NULL;
    *index = (uint32_t)i;
    return vm->program->maps[i];
}

/* A map argument whose type the helper takes, or NULL. */
static struct map *map_arg_for(struct vm *vm, int32_t helper, uint32_t *index)
{
    struct map *map = map_arg(vm, index);
    const uint64_t types = spec_helper_find(helper)->map_types;

    return map && (types >> map_definition(map)->type & 1) ? map : NULL;
}

static uint32_t cpu_of(const struct vm *vm)
{
    return vm->packet->queue;
}

/* An entry is there if it names a target: an array's exists anyway. */
static bool target_present(struct map *map, uint32_t key)
{
    const void *value = map_lookup(map, &key, 0);
    uint32_t target = 0;

    if (value)
        memcpy(&target, value, sizeof(target));
    return target != 0;
}

static enum vm_fault map_lookup_elem(struct vm *vm)
{
    uint32_t index;
    struct map *map = map_arg_for(vm, SPEC_HELPER_MAP_LOOKUP_ELEM, &index);
    const void *key = map ? vm_at(vm, vm->r[2], map_definition(map)->key_bytes, false) : NULL;

    if (!key)
        return VM_FAULT_MEMORY;
    vm->r[0] = (uintptr_t)map_lookup(map, key, cpu_of(vm));
    if (spec_map_type_table[map_definition(map)->type].redirect) {
        uint32_t target;

        memcpy(&target, key, sizeof(target));
        if (!target_present(map, target))
            vm->r[0] = 0;
    }
    return VM_FAULT_NONE;
}

static enum vm_fault map_update_elem(struct vm *vm)
{
    uint32_t index;
    struct map *map = map_arg_for(vm, SPEC_HELPER_MAP_UPDATE_ELEM, &index);
    const void *key = map ? vm_at(vm, vm->r[2], map_definition(map)->key_bytes, false) : NULL;
    const void *value = key ? vm_at(vm, vm->r[3], map_definition(map)->value_bytes, false) : NULL;

    if (!value)
        return VM_FAULT_MEMORY;
    vm->r[0] = (uint64_t)(int64_t)map_update(map, key, value, vm->r[4], cpu_of(vm));
    return VM_FAULT_NONE;
}

static enum vm_fault map_delete_elem(struct vm *vm)
{
    uint32_t index;
    struct map *map = map_arg_for(vm, SPEC_HELPER_MAP_DELETE_ELEM, &index);
    const void *key = map ? vm_at(vm, vm->r[2], map_definition(map)->key_bytes, false) : NULL;

    if (!key)
        return VM_FAULT_MEMORY;
    vm->r[0] = (uint64_t)(int64_t)map_delete(map, key);
    return VM_FAULT_NONE;
}

static enum vm_fault ktime_get_ns(struct vm *vm)
{
    vm->r[0] = vm->packet->time_ns;
    return VM_FAULT_NONE;
}

static enum vm_fault get_prandom_u32(struct vm *vm)
{
    vm->packet->rand = vm_rand_next(vm->packet->rand);
    vm->r[0] = vm->packet->rand;
    return VM_FAULT_NONE;
}

static enum vm_fault get_smp_processor_id(struct vm *vm)
{
    vm->r[0] = vm->packet->queue;
    return VM_FAULT_NONE;
}

static enum vm_fault redirect(struct vm *vm)
{
    if (vm->r[2]) {
        vm->r[0] = SPEC_XDP_ABORTED;
        return VM_FAULT_NONE;
    }
    vm->redirect = REDIRECT_TO_IFINDEX | (uint32_t)vm->r[1];
    vm->r[0] = SPEC_XDP_REDIRECT;
    return VM_FAULT_NONE;
}

static enum vm_fault redirect_map(struct vm *vm)
{
    uint32_t index;
    struct map *map = map_arg_for(vm, SPEC_HELPER_REDIRECT_MAP, &index);
    const uint32_t key = (uint32_t)vm->r[2];
    const uint64_t flags = vm->r[3];
    uint64_t known = REDIRECT_ACTION;
    uint64_t to;

    if (!map)
        return VM_FAULT_MEMORY;
    if (map_definition(map)->type == SPEC_MAP_DEVMAP ||
        map_definition(map)->type == SPEC_MAP_DEVMAP_HASH)
        known |= REDIRECT_BROADCAST | REDIRECT_EXCLUDE_INGRESS;
    if (flags & ~known) {
        vm->r[0] = SPEC_XDP_ABORTED;
        return VM_FAULT_NONE;
    }
    to = (uint64_t)(index + 1) << 32;
    if (flags & REDIRECT_BROADCAST) {
        vm->redirect = REDIRECT_TO_ALL | to | (flags & REDIRECT_EXCLUDE_INGRESS ? 1 : 0);
        vm->r[0] = SPEC_XDP_REDIRECT;
    } else if (target_present(map, key)) {
        vm->redirect = to | key;
        vm->r[0] = SPEC_XDP_REDIRECT;
    } else {
        vm->redirect = 0;
        vm->r[0] = flags & REDIRECT_ACTION;
    }
    return VM_FAULT_NONE;
}

/* bpf_xdp_adjust_head: what lies before the packet stays as it is, metadata moves along. */
static enum vm_fault xdp_adjust_head(struct vm *vm)
{
    struct vm_packet *p = vm->packet;
    const int64_t offset = (int32_t)vm->r[2];
    const int64_t data = (int64_t)p->data + offset;
    const uint32_t meta_bytes = p->data - p->data_meta;

    if (vm->r[1] != (uintptr_t)vm->ctx)
        return VM_FAULT_MEMORY;
    vm->r[0] = (uint64_t)-EINVAL;
    if (data < (int64_t)SPEC_PKT_HARD_START + meta_bytes ||
        data > (int64_t)p->data_end - SPEC_PKT_MIN_BYTES)
        return VM_FAULT_NONE;
    memmove(p->buf + data - meta_bytes, p->buf + p->data_meta, meta_bytes);
    p->data = (uint32_t)data;
    p->data_meta = p->data - meta_bytes;
    vm_packet_moved(vm);
    vm->r[0] = 0;
    return VM_FAULT_NONE;
}

/* bpf_xdp_adjust_tail of a packet in one buffer: new bytes are zero. */
static enum vm_fault xdp_adjust_tail(struct vm *vm)
{
    struct vm_packet *p = vm->packet;
    const int64_t end = (int64_t)p->data_end + (int32_t)vm->r[2];

    if (vm->r[1] != (uintptr_t)vm->ctx)
        return VM_FAULT_MEMORY;
    vm->r[0] = (uint64_t)-EINVAL;
    if (end > p->hard_end || end < (int64_t)p->data + SPEC_PKT_MIN_BYTES)
        return VM_FAULT_NONE;
    if (end > p->data_end)
        memset(p->buf + p->data_end, 0, (size_t)(end - p->data_end));
    p->data_end = (uint32_t)end;
    vm_packet_moved(vm);
    vm->r[0] = 0;
    return VM_FAULT_NONE;
}

/* Adds the 32-bit words of memory, the rest of it filled up with zeros, in ones' complement. The
 * sum of anything but zeros is not 0, as csum_partial has it. */
static uint32_t sum_words(const uint8_t *from, uint64_t bytes, uint32_t seed)
{
    uint64_t sum = seed;

    for (; bytes; bytes -= bytes < 4 ? bytes : 4, from += 4) {
        uint32_t word = 0;

        memcpy(&word, from, bytes < 4 ? bytes : 4);
        sum += word;
    }
    sum = (sum & UINT32_MAX) + (sum >> 32);
    return (uint32_t)(sum + (sum >> 32));
}

/* bpf_csum_diff as it is since Linux 6.13: the result is folded to 16 bits, and buffers may have
 * any size. */
static enum vm_fault csum_diff(struct vm *vm)
{
    const uint32_t from_bytes = (uint32_t)vm->r[2];
    const uint32_t to_bytes = (uint32_t)vm->r[4];
    const uint8_t *from = from_bytes ? vm_at(vm, vm->r[1], from_bytes, false) : NULL;
    const uint8_t *to = to_bytes ? vm_at(vm, vm->r[3], to_bytes, false) : NULL;
    uint64_t sum = (uint32_t)vm->r[5];

    if ((from_bytes && !from) || (to_bytes && !to))
        return VM_FAULT_MEMORY;
    if (to_bytes) {
        sum = sum_words(to, to_bytes, (uint32_t)sum);
        if (from_bytes) {
            sum += (uint32_t)~sum_words(from, from_bytes, 0);
            sum = (uint32_t)(sum + (sum >> 32));
        }
    } else if (from_bytes) {
        sum = (uint32_t)~sum_words(from, from_bytes, (uint32_t)~sum);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    vm->r[0] = (sum & 0xffff) + (sum >> 16);
    return VM_FAULT_NONE;
}

static enum vm_fault xdp_get_buff_len(struct vm *vm)
{
    if (vm->r[1] != (uintptr_t)vm->ctx)
        return VM_FAULT_MEMORY;
    vm->r[0] = vm->packet->data_end - vm->packet->data;
    return VM_FAULT_NONE;
}

/* By number. Those after the first three need a packet. */
static const vm_helper table[] = {
    [SPEC_HELPER_MAP_LOOKUP_ELEM] = map_lookup_elem,
    [SPEC_HELPER_MAP_UPDATE_ELEM] = map_update_elem,
    [SPEC_HELPER_MAP_DELETE_ELEM] = map_delete_elem,
    [SPEC_HELPER_KTIME_GET_NS] = ktime_get_ns,
    [SPEC_HELPER_GET_PRANDOM_U32] = get_prandom_u32,
    [SPEC_HELPER_GET_SMP_PROCESSOR_ID] = get_smp_processor_id,
    [SPEC_HELPER_REDIRECT] = redirect,
    [SPEC_HELPER_XDP_ADJUST_HEAD] = xdp_adjust_head,
    [SPEC_HELPER_REDIRECT_MAP] = redirect_map,
    [SPEC_HELPER_CSUM_DIFF] = csum_diff,
    [SPEC_HELPER_XDP_GET_BUFF_LEN] = xdp_get_buff_len,
    [SPEC_HELPER_XDP_ADJUST_TAIL] = xdp_adjust_tail,
};
_Static_assert(SPEC_HELPERS_SOFT == 12,
               "each helper with soft in the table needs its function here");

vm_helper vm_helper_find(int32_t num)
{
    return num >= 0 && (size_t)num < sizeof(table) / sizeof(table[0]) ? table[num] : NULL;
}
