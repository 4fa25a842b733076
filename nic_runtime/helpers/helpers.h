/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_NIC_RUNTIME_HELPERS_H
#define SLUICE_NIC_RUNTIME_HELPERS_H

#include "nic_runtime/vm/state.h"

/* A helper takes its arguments in r1 to r5 and leaves its result in r0. A bad argument that the
 * verifier would have refused is a fault. */
typedef enum vm_fault (*vm_helper)(struct vm *vm);

/* The function of helper number num, or NULL. */
vm_helper vm_helper_find(int32_t num);

#endif
