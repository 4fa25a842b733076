/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_NIC_RUNTIME_VM_MEMORY_H
#define SLUICE_NIC_RUNTIME_VM_MEMORY_H

#include "nic_runtime/vm/state.h"

#include <string.h>

/* Checked memory access. */

#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Finds the map value that an address lies in, and keeps it as the one touched last. */
bool vm_find_value(struct vm *vm, uint64_t address);

static inline bool vm_inside(uint64_t address, uintptr_t first, uint64_t count, uint32_t bytes)
{
    return address - first < count && count - (address - first) >= bytes;
}

/* Stack frames of callers may be touched too: they hand out pointers to them. No access spans two
 * frames. */
static inline bool vm_in_stack(const struct vm *vm, uint64_t address, uint32_t bytes)
{
    const uint64_t offset = address - (uintptr_t)vm->stack;

    return offset < (uint64_t)(vm->depth + 1) * SPEC_STACK_BYTES &&
           offset % SPEC_STACK_BYTES + bytes <= SPEC_STACK_BYTES;
}

/* The memory at an address, if all of it may be touched, else NULL. */
static inline void *vm_at(struct vm *vm, uint64_t address, uint32_t bytes, bool write)
{
    if (vm_inside(address, vm->bytes_first, vm->bytes_count, bytes) ||
        vm_in_stack(vm, address, bytes))
        return (void *)(uintptr_t)address;
    if (!vm_inside(address, vm->value_first, vm->value_bytes, bytes) &&
        (!vm_find_value(vm, address) ||
         !vm_inside(address, vm->value_first, vm->value_bytes, bytes)))
        return NULL;
    return write && !vm->value_writable ? NULL : (void *)(uintptr_t)address;
}

/* Loads and stores by size code (EBPF_SIZE_B and on). */
static inline uint64_t vm_get(const void *from, uint8_t size)
{
    uint64_t v = 0;

    switch (size) {
    case EBPF_SIZE_B:
        memcpy(&v, from, 1);
        break;
    case EBPF_SIZE_H:
        memcpy(&v, from, 2);
        break;
    case EBPF_SIZE_W:
        memcpy(&v, from, 4);
        break;
    default:
        memcpy(&v, from, 8);
        break;
    }
    return v;
}

static inline void vm_put(void *to, uint8_t size, uint64_t v)
{
    switch (size) {
    case EBPF_SIZE_B:
        memcpy(to, &v, 1);
        break;
    case EBPF_SIZE_H:
        memcpy(to, &v, 2);
        break;
    case EBPF_SIZE_W:
        memcpy(to, &v, 4);
        break;
    default:
        memcpy(to, &v, 8);
        break;
    }
}

static inline uint64_t vm_sign_extend(uint64_t v, uint8_t size)
{
    switch (size) {
    case EBPF_SIZE_B:
        return spec_sext8_64(v, 0);
    case EBPF_SIZE_H:
        return spec_sext16_64(v, 0);
    case EBPF_SIZE_W:
        return spec_sext32_64(v, 0);
    default:
        return v;
    }
}

#endif
