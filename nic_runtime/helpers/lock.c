/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_runtime/helpers/internal.h"

/* bpf_spin_lock and bpf_spin_unlock (kernel/bpf/helpers.c). Packets run one after the other, so a
 * lock is free whenever a program takes it, and nobody can see that it is held: the verifier keeps
 * programs from the word itself, and the host is shown zeros. */
enum vm_fault helper_spin_lock(struct vm *vm)
{
    return vm_at(vm, vm->r[1], sizeof(uint32_t), true) ? VM_FAULT_NONE : VM_FAULT_MEMORY;
}
