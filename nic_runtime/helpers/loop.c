/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_runtime/helpers/internal.h"

#include <errno.h>

/* bpf_loop: calls a function of the program over and over (kernel/bpf/bpf_iter.c). Too many rounds
 * are -E2BIG in 64 bits; where Linux puts the loop into the program itself, it leaves the upper half
 * 0. */

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
