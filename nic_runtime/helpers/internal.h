/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_NIC_RUNTIME_HELPERS_INTERNAL_H
#define SLUICE_NIC_RUNTIME_HELPERS_INTERNAL_H

#include "nic_runtime/helpers/helpers.h"
#include "nic_runtime/vm/memory.h"

/* What the helpers' files share; the table is in helpers.c. */

/* The map in register r, if its type is one that the helper takes, or NULL. */
struct map *helper_map(struct vm *vm, uint32_t r, int32_t helper, uint32_t *index);

/* A result or a negative errno in r0. */
static inline enum vm_fault helper_return(struct vm *vm, int64_t value)
{
    vm->r[0] = (uint64_t)value;
    return VM_FAULT_NONE;
}

/* packet.c: the packet's ends and bytes. */
enum vm_fault helper_adjust_head(struct vm *vm);
enum vm_fault helper_adjust_tail(struct vm *vm);
enum vm_fault helper_adjust_meta(struct vm *vm);
enum vm_fault helper_get_buff_len(struct vm *vm);
enum vm_fault helper_load_bytes(struct vm *vm);
enum vm_fault helper_store_bytes(struct vm *vm);

/* tail.c */
enum vm_fault helper_tail_call(struct vm *vm);

/* event.c: what goes to the host. */
enum vm_fault helper_perf_event_output(struct vm *vm);
enum vm_fault helper_ringbuf_output(struct vm *vm);
enum vm_fault helper_ringbuf_query(struct vm *vm);
enum vm_fault helper_ringbuf_reserve(struct vm *vm);
enum vm_fault helper_ringbuf_submit(struct vm *vm);
enum vm_fault helper_ringbuf_discard(struct vm *vm);

/* lock.c */
enum vm_fault helper_spin_lock(struct vm *vm);

/* loop.c */
enum vm_fault helper_loop(struct vm *vm);
enum vm_fault helper_for_each(struct vm *vm);

/* queue.c: queues, stacks. */
enum vm_fault helper_push(struct vm *vm);
enum vm_fault helper_pop(struct vm *vm);
enum vm_fault helper_peek(struct vm *vm);

/* text.c: numbers from text, comparison, what is printed. */
enum vm_fault helper_strtol(struct vm *vm);
enum vm_fault helper_strtoul(struct vm *vm);
enum vm_fault helper_strncmp(struct vm *vm);
enum vm_fault helper_trace_printk(struct vm *vm);
enum vm_fault helper_trace_vprintk(struct vm *vm);
enum vm_fault helper_snprintf(struct vm *vm);

/* fib.c */
enum vm_fault helper_fib_lookup(struct vm *vm);
enum vm_fault helper_check_mtu(struct vm *vm);

#endif
