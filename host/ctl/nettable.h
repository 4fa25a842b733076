/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_NETTABLE_H
#define SLUICE_HOST_NETTABLE_H

#include "compiler/ir/ir.h"
#include "nic_runtime/net.h"

#include <stddef.h>

/* The host's network tables as maps of a device: those of a compiled program that it does not name
 * (ir_map.table). */

/* Puts an entry into map number `map` of the IR. 0 or negative errno. */
typedef int (*nettable_put)(void *ctx, uint32_t map, const void *key, const void *value);

/* Fills all of them. 0, -E2BIG if the map has not room for the table, or what put gave; with the
 * reason. */
int nettable_fill(const struct ir_func *ir, const struct net *net, nettable_put put, void *ctx,
                  char *why, size_t why_bytes);

#endif
