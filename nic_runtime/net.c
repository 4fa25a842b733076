/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_runtime/net.h"

#include <stddef.h>
#include <string.h>

const struct net_interface *net_interface(const struct net *net, uint32_t ifindex)
{
    for (uint32_t i = 0; i < net->interface_count; i++)
        if (net->interfaces[i].ifindex == ifindex)
            return &net->interfaces[i];
    return NULL;
}

const struct net_neighbour *net_neighbour(const struct net *net, bool ip6, uint32_t ifindex,
                                          const uint8_t *address)
{
    for (uint32_t i = 0; i < net->neighbour_count; i++) {
        const struct net_neighbour *n = &net->neighbours[i];

        if (n->ip6 == ip6 && n->ifindex == ifindex &&
            !memcmp(n->address, address, ip6 ? NET_ADDRESS_BYTES : 4))
            return n;
    }
    return NULL;
}

static bool has_prefix(const struct net_route *r, const uint8_t *to)
{
    const uint32_t whole = r->bits / 8;
    const uint32_t rest = r->bits % 8;

    return !memcmp(r->to, to, whole) && (!rest || (r->to[whole] ^ to[whole]) >> (8 - rest) == 0);
}

/* A route that says where to comes before one that Linux would not get to: lower metrics first, and
 * of the same prefix those of the local table. */
static bool goes_before(const struct net_route *a, const struct net_route *b)
{
    if (!b || a->bits != b->bits)
        return !b || a->bits > b->bits;
    if (a->table != b->table)
        return a->table > b->table;
    return a->metric < b->metric;
}

static const struct net_route *find(const struct net *net, bool ip6, const uint8_t *to,
                                    uint32_t first, uint32_t last, uint32_t ifindex)
{
    const struct net_route *best = NULL;

    for (uint32_t i = 0; i < net->route_count; i++) {
        const struct net_route *r = &net->routes[i];
        const bool out = r->type == NET_ROUTE_UNICAST || r->type == NET_ROUTE_LOCAL;

        if (r->ip6 != ip6 || r->table < first || r->table > last || !has_prefix(r, to))
            continue;
        if (ifindex && out && r->ifindex != ifindex)
            continue;
        if (goes_before(r, best))
            best = r;
    }
    return best;
}

const struct net_route *net_route(const struct net *net, bool ip6, const uint8_t *to,
                                  uint32_t table, uint32_t ifindex)
{
    const struct net_route *r;

    /* One trie has both tables of IPv4 (fib_trie.c); those of IPv6 are asked one after the other,
     * and where a packet goes out is no condition there (net/ipv6/route.c, rt6_score_route). */
    if (!ip6 && (!table || table == NET_TABLE_MAIN || table == NET_TABLE_LOCAL))
        return find(net, ip6, to, NET_TABLE_MAIN, NET_TABLE_LOCAL, ifindex);
    if (!ip6)
        return find(net, ip6, to, table, table, ifindex);
    if (table)
        return find(net, ip6, to, table, table, 0);
    r = find(net, ip6, to, NET_TABLE_LOCAL, NET_TABLE_LOCAL, 0);
    return r ? r : find(net, ip6, to, NET_TABLE_MAIN, NET_TABLE_MAIN, 0);
}
