/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_runtime/helpers/helpers.h"

#include "hw/spec/gen/helpers.h"
#include "nic_runtime/helpers/internal.h"

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

struct map *helper_map(struct vm *vm, uint32_t r, int32_t helper, uint32_t *index)
{
    const uint64_t i = vm->r[r] - VM_MAP_HANDLE;
    const uint64_t types = spec_helper_find(helper)->map_types;
    struct map *map = i < vm->program->map_count ? vm->program->maps[i] : NULL;

    if (!map || !(types >> map_definition(map)->type & 1))
        return NULL;
    *index = (uint32_t)i;
    return map;
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

/* r0 leads to an entry of a map of maps: the map of that number instead. */
static enum vm_fault inner_map(struct vm *vm)
{
    uint32_t number = 0;

    if (vm->r[0])
        memcpy(&number, (const void *)(uintptr_t)vm->r[0], sizeof(number));
    vm->r[0] = number ? VM_MAP_HANDLE + number - 1 : 0;
    return VM_FAULT_NONE;
}

static enum vm_fault map_lookup_elem(struct vm *vm)
{
    uint32_t index;
    struct map *map = helper_map(vm, 1, SPEC_HELPER_MAP_LOOKUP_ELEM, &index);
    const void *key = map ? vm_at(vm, vm->r[2], map_definition(map)->key_bytes, false) : NULL;

    if (!key)
        return VM_FAULT_MEMORY;
    vm->r[0] = (uintptr_t)map_lookup(map, key, cpu_of(vm));
    if (map_definition(map)->type == SPEC_MAP_ARRAY_OF_MAPS ||
        map_definition(map)->type == SPEC_MAP_HASH_OF_MAPS)
        return inner_map(vm);
    if (spec_map_type_table[map_definition(map)->type].redirect) {
        uint32_t target;

        memcpy(&target, key, sizeof(target));
        if (!target_present(map, target))
            vm->r[0] = 0;
    }
    return VM_FAULT_NONE;
}

/* The value of another CPU; CPUs are RX queues. */
static enum vm_fault map_lookup_percpu_elem(struct vm *vm)
{
    uint32_t index;
    struct map *map = helper_map(vm, 1, SPEC_HELPER_MAP_LOOKUP_PERCPU_ELEM, &index);
    const void *key = map ? vm_at(vm, vm->r[2], map_definition(map)->key_bytes, false) : NULL;
    const uint32_t cpu = (uint32_t)vm->r[3];

    if (!key)
        return VM_FAULT_MEMORY;
    vm->r[0] = cpu < SPEC_QUEUES ? (uintptr_t)map_lookup(map, key, cpu) : 0;
    return VM_FAULT_NONE;
}

static enum vm_fault map_update_elem(struct vm *vm)
{
    uint32_t index;
    struct map *map = helper_map(vm, 1, SPEC_HELPER_MAP_UPDATE_ELEM, &index);
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
    struct map *map = helper_map(vm, 1, SPEC_HELPER_MAP_DELETE_ELEM, &index);
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

/* Linux counts jiffies by its timer; here there are 250 a second of the packet's time. */
static enum vm_fault jiffies64(struct vm *vm)
{
    vm->r[0] = vm->packet->time_ns / SPEC_JIFFY_NS;
    return VM_FAULT_NONE;
}

static enum vm_fault get_numa_node_id(struct vm *vm)
{
    vm->r[0] = 0;
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
    struct map *map = helper_map(vm, 1, SPEC_HELPER_REDIRECT_MAP, &index);
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

/* By number. Those after the first three need a packet. */
static const vm_helper table[] = {
    [SPEC_HELPER_MAP_LOOKUP_ELEM] = map_lookup_elem,
    [SPEC_HELPER_MAP_UPDATE_ELEM] = map_update_elem,
    [SPEC_HELPER_MAP_DELETE_ELEM] = map_delete_elem,
    [SPEC_HELPER_KTIME_GET_NS] = ktime_get_ns,
    [SPEC_HELPER_GET_PRANDOM_U32] = get_prandom_u32,
    [SPEC_HELPER_GET_SMP_PROCESSOR_ID] = get_smp_processor_id,
    [SPEC_HELPER_REDIRECT] = redirect,
    [SPEC_HELPER_XDP_ADJUST_HEAD] = helper_adjust_head,
    [SPEC_HELPER_REDIRECT_MAP] = redirect_map,
    [SPEC_HELPER_CSUM_DIFF] = csum_diff,
    [SPEC_HELPER_XDP_GET_BUFF_LEN] = helper_get_buff_len,
    [SPEC_HELPER_XDP_ADJUST_TAIL] = helper_adjust_tail,
    [SPEC_HELPER_XDP_ADJUST_META] = helper_adjust_meta,
    [SPEC_HELPER_XDP_LOAD_BYTES] = helper_load_bytes,
    [SPEC_HELPER_XDP_STORE_BYTES] = helper_store_bytes,
    [SPEC_HELPER_JIFFIES64] = jiffies64,
    [SPEC_HELPER_KTIME_GET_BOOT_NS] = ktime_get_ns,
    [SPEC_HELPER_KTIME_GET_COARSE_NS] = ktime_get_ns,
    [SPEC_HELPER_KTIME_GET_TAI_NS] = ktime_get_ns,
    [SPEC_HELPER_GET_NUMA_NODE_ID] = get_numa_node_id,
    [SPEC_HELPER_TAIL_CALL] = helper_tail_call,
    [SPEC_HELPER_PERF_EVENT_OUTPUT] = helper_perf_event_output,
    [SPEC_HELPER_RINGBUF_OUTPUT] = helper_ringbuf_output,
    [SPEC_HELPER_RINGBUF_QUERY] = helper_ringbuf_query,
    [SPEC_HELPER_MAP_PUSH_ELEM] = helper_push,
    [SPEC_HELPER_MAP_POP_ELEM] = helper_pop,
    [SPEC_HELPER_MAP_PEEK_ELEM] = helper_peek,
    [SPEC_HELPER_FIB_LOOKUP] = helper_fib_lookup,
    [SPEC_HELPER_CHECK_MTU] = helper_check_mtu,
    [SPEC_HELPER_RINGBUF_RESERVE] = helper_ringbuf_reserve,
    [SPEC_HELPER_RINGBUF_SUBMIT] = helper_ringbuf_submit,
    [SPEC_HELPER_RINGBUF_DISCARD] = helper_ringbuf_discard,
    [SPEC_HELPER_LOOP] = helper_loop,
    [SPEC_HELPER_SPIN_LOCK] = helper_spin_lock,
    [SPEC_HELPER_SPIN_UNLOCK] = helper_spin_lock,
    [SPEC_HELPER_FOR_EACH_MAP_ELEM] = helper_for_each,
    [SPEC_HELPER_MAP_LOOKUP_PERCPU_ELEM] = map_lookup_percpu_elem,
    [SPEC_HELPER_STRTOL] = helper_strtol,
    [SPEC_HELPER_STRTOUL] = helper_strtoul,
    [SPEC_HELPER_STRNCMP] = helper_strncmp,
    [SPEC_HELPER_TRACE_PRINTK] = helper_trace_printk,
    [SPEC_HELPER_TRACE_VPRINTK] = helper_trace_vprintk,
    [SPEC_HELPER_SNPRINTF] = helper_snprintf,
};
_Static_assert(SPEC_HELPERS_SOFT == 43,
               "each helper with soft in the table needs its function here");

vm_helper vm_helper_find(int32_t num)
{
    return num >= 0 && (size_t)num < sizeof(table) / sizeof(table[0]) ? table[num] : NULL;
}
