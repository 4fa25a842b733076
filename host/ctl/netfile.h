/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_NETFILE_H
#define SLUICE_HOST_NETFILE_H

#include "compiler/base/arena.h"
#include "nic_runtime/net.h"

#include <stddef.h>

/* Interfaces, routes and neighbours from a file (--fib; the form is in docs/maps.md). */

/* Owned by the arena. 0, or negative errno and why: path, place and what is wrong. */
int netfile_read(const char *path, struct arena *arena, const struct net **out, char *why,
                 size_t why_bytes);

/* What programs see without a file: the ingress interface alone, with an MTU of 1500. NULL if there
 * is no memory. */
const struct net *netfile_default(uint32_t ifindex, struct arena *arena);

/* What programs of a NIC see without a file: its ports, interfaces 1 to count, each as that one.
 * NULL if there is no memory. */
const struct net *netfile_ports(uint32_t count, struct arena *arena);

#endif
