/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_EXEC_INTERP_H
#define SLUICE_HOST_EXEC_INTERP_H

#include "host/ctl/executor.h"

extern const struct exec_ops exec_interp;

/* The maps of an executor that exec_interp has opened, by their index in the object. */
struct map *const *exec_interp_maps(const struct exec *exec, uint32_t *count);

struct vm_observer; /* nic_runtime/vm.h */

/* Shows such an executor's every step to somebody, from the next packet on; NULL: to nobody. */
void exec_interp_observe(struct exec *exec, const struct vm_observer *observer);

#endif
