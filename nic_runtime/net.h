/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_NIC_RUNTIME_NET_H
#define SLUICE_NIC_RUNTIME_NET_H

#include <stdbool.h>
#include <stdint.h>

/* What bpf_fib_lookup and bpf_check_mtu ask: interfaces, routes and neighbours, which the host
 * gives. Addresses are in network order; an IPv4 address takes the first 4 bytes. */

enum {
    NET_ADDRESS_BYTES = 16,
    NET_MAC_BYTES = 6,
    NET_TABLE_MAIN = 254, /* RT_TABLE_MAIN, RT_TABLE_LOCAL */
    NET_TABLE_LOCAL = 255,
};

enum net_route_type {
    NET_ROUTE_UNICAST,
    NET_ROUTE_LOCAL,
    NET_ROUTE_BLACKHOLE,
    NET_ROUTE_UNREACHABLE,
    NET_ROUTE_PROHIBIT,
    NET_ROUTE_TYPES
};

struct net_interface {
    uint32_t ifindex;
    uint32_t mtu;
    bool forwarding; /* packets that come in there are forwarded */
    uint8_t mac[NET_MAC_BYTES];
};

struct net_route {
    bool ip6;
    uint8_t type; /* enum net_route_type */
    uint8_t bits; /* of the prefix; the bits behind are 0 */
    bool has_via;
    uint32_t table;
    uint32_t metric;
    uint32_t ifindex; /* unicast, local */
    uint8_t to[NET_ADDRESS_BYTES];
    uint8_t via[NET_ADDRESS_BYTES];
};

struct net_neighbour {
    bool ip6;
    uint32_t ifindex;
    uint8_t address[NET_ADDRESS_BYTES];
    uint8_t mac[NET_MAC_BYTES];
};

/* No two routes of a table have the same prefix and metric. */
struct net {
    const struct net_interface *interfaces;
    uint32_t interface_count;
    const struct net_route *routes;
    uint32_t route_count;
    const struct net_neighbour *neighbours;
    uint32_t neighbour_count;
};

/* NULL if there is none. */
const struct net_interface *net_interface(const struct net *net, uint32_t ifindex);
const struct net_neighbour *net_neighbour(const struct net *net, bool ip6, uint32_t ifindex,
                                          const uint8_t *address);

/* The route to an address: the longest prefix, of these the lowest metric. table 0: as Linux
 * without rules of its own asks its tables. ifindex 0: any, else only routes out of there (IPv4).
 */
const struct net_route *net_route(const struct net *net, bool ip6, const uint8_t *to,
                                  uint32_t table, uint32_t ifindex);

#endif
