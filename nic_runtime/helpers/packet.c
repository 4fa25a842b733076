/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_runtime/helpers/internal.h"

#include <errno.h>
#include <string.h>

/* Helpers that move the packet's ends, or copy its bytes. Semantics: net/core/filter.c of Linux. */

enum {
    META_MAX_BYTES = 255, /* skb_shared_info.meta_len has 8 bits */
    BYTES_MAX = 0xffff,   /* bpf_xdp_pointer: offset and length */
};

/* bpf_xdp_adjust_head: what lies before the packet stays as it is, metadata moves along. */
enum vm_fault helper_adjust_head(struct vm *vm)
{
    struct vm_packet *p = vm->packet;
    const int64_t offset = (int32_t)vm->r[2];
    const int64_t data = (int64_t)p->data + offset;
    const uint32_t meta_bytes = p->data - p->data_meta;

    if (vm->r[1] != (uintptr_t)vm->ctx)
        return VM_FAULT_MEMORY;
    if (data < (int64_t)SPEC_PKT_HARD_START + meta_bytes ||
        data > (int64_t)p->data_end - SPEC_PKT_MIN_BYTES)
        return helper_return(vm, -EINVAL);
    memmove(p->buf + data - meta_bytes, p->buf + p->data_meta, meta_bytes);
    p->data = (uint32_t)data;
    p->data_meta = p->data - meta_bytes;
    vm_packet_moved(vm);
    return helper_return(vm, 0);
}

/* bpf_xdp_adjust_tail of a packet in one buffer: new bytes are zero. */
enum vm_fault helper_adjust_tail(struct vm *vm)
{
    struct vm_packet *p = vm->packet;
    const int64_t end = (int64_t)p->data_end + (int32_t)vm->r[2];

    if (vm->r[1] != (uintptr_t)vm->ctx)
        return VM_FAULT_MEMORY;
    if (end > p->hard_end || end < (int64_t)p->data + SPEC_PKT_MIN_BYTES)
        return helper_return(vm, -EINVAL);
    if (end > p->data_end)
        memset(p->buf + p->data_end, 0, (size_t)(end - p->data_end));
    p->data_end = (uint32_t)end;
    vm_packet_moved(vm);
    return helper_return(vm, 0);
}

/* bpf_xdp_adjust_meta: moves where the metadata begin; they end where the packet begins, and are up
 * to 252 bytes in words of 4. */
enum vm_fault helper_adjust_meta(struct vm *vm)
{
    struct vm_packet *p = vm->packet;
    const int64_t meta = (int64_t)p->data_meta + (int32_t)vm->r[2];
    const int64_t bytes = p->data - meta;

    if (vm->r[1] != (uintptr_t)vm->ctx)
        return VM_FAULT_MEMORY;
    if (meta < SPEC_PKT_HARD_START || bytes < 0)
        return helper_return(vm, -EINVAL);
    if (bytes % 4 || bytes > META_MAX_BYTES)
        return helper_return(vm, -EACCES);
    p->data_meta = (uint32_t)meta;
    vm_packet_moved(vm);
    return helper_return(vm, 0);
}

enum vm_fault helper_get_buff_len(struct vm *vm)
{
    if (vm->r[1] != (uintptr_t)vm->ctx)
        return VM_FAULT_MEMORY;
    return helper_return(vm, (int64_t)vm->packet->data_end - vm->packet->data);
}

/* The packet bytes that r2 (offset) and r4 (length) ask for, or a negative errno in *err. */
static uint8_t *packet_bytes(const struct vm *vm, int *err)
{
    const struct vm_packet *p = vm->packet;
    const uint32_t offset = (uint32_t)vm->r[2];
    const uint32_t bytes = (uint32_t)vm->r[4];

    *err = offset > BYTES_MAX || bytes > BYTES_MAX  ? -EFAULT
           : offset + bytes > p->data_end - p->data ? -EINVAL
                                                    : 0;
    return p->buf + p->data + offset;
}

enum vm_fault helper_load_bytes(struct vm *vm)
{
    int err;
    const uint8_t *from = packet_bytes(vm, &err);
    void *to = vm_at(vm, vm->r[3], (uint32_t)vm->r[4], true);

    if (vm->r[1] != (uintptr_t)vm->ctx || !to)
        return VM_FAULT_MEMORY;
    if (!err)
        memmove(to, from, (uint32_t)vm->r[4]);
    return helper_return(vm, err);
}

enum vm_fault helper_store_bytes(struct vm *vm)
{
    int err;
    uint8_t *to = packet_bytes(vm, &err);
    const void *from = vm_at(vm, vm->r[3], (uint32_t)vm->r[4], false);

    if (vm->r[1] != (uintptr_t)vm->ctx || !from)
        return VM_FAULT_MEMORY;
    if (!err)
        memmove(to, from, (uint32_t)vm->r[4]);
    return helper_return(vm, err);
}
