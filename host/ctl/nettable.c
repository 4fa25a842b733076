/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/nettable.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int put_interfaces(uint32_t map, const struct net *net, nettable_put put, void *ctx)
{
    int err = 0;

    for (uint32_t i = 0; i < net->interface_count && !err; i++) {
        const struct net_interface *n = &net->interfaces[i];
        const struct ir_interface value = {.mtu = n->mtu, .forwarding = n->forwarding};

        err = put(ctx, map, &n->ifindex, &value);
    }
    return err;
}

int nettable_fill(const struct ir_func *ir, const struct net *net, nettable_put put, void *ctx,
                  char *why, size_t why_bytes)
{
    for (uint32_t m = 0; m < ir->map_count; m++) {
        int err;

        if (ir->maps[m].table != IR_TABLE_INTERFACES)
            continue;
        if (net->interface_count > ir->maps[m].max_entries) {
            snprintf(why, why_bytes, "%u interfaces, and a device holds %u", net->interface_count,
                     ir->maps[m].max_entries);
            return -E2BIG;
        }
        err = put_interfaces(m, net, put, ctx);
        if (err) {
            snprintf(why, why_bytes, "the table of %s can't be filled: %s", ir->maps[m].name,
                     strerror(-err));
            return err;
        }
    }
    return 0;
}
