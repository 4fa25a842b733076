/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_KERNEL_NET_H
#define SLUICE_HOST_KERNEL_NET_H

#include "nic_runtime/net.h"

#include <stddef.h>

/* A network namespace of its own with the interfaces, routes and neighbours of a run, for what the
 * kernel's bpf_fib_lookup and bpf_check_mtu ask. Test runs see the namespace of their thread. */

struct kernel_net {
    int own;     /* descriptors of namespaces, or -1 */
    int outside; /* where the thread was */
};

/* 0, or -ENOTSUP and why. */
int kernel_net_open(struct kernel_net *n, const struct net *net, char *why, size_t why_bytes);
void kernel_net_close(struct kernel_net *n);
/* The thread goes into the namespace, and out of it again. 0 or negative errno. */
int kernel_net_enter(const struct kernel_net *n);
void kernel_net_leave(const struct kernel_net *n);

#endif
