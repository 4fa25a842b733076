/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/nettable.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

_Static_assert((int)IR_ADDRESS_BYTES == (int)NET_ADDRESS_BYTES &&
                   (int)IR_MAC_BYTES == (int)NET_MAC_BYTES,
               "addresses are copied");

enum { ADDRESS_BITS = 8 * NET_ADDRESS_BYTES, MTU_MAX_IP4 = 0xffff };

/* One map of a device, on its way. */
struct filling {
    const struct net *net;
    nettable_put put;
    void *ctx;
    uint32_t map;
};

/* --- interfaces --- */

static uint32_t count_interfaces(const struct net *net)
{
    return net->interface_count;
}

static int put_interfaces(const struct filling *f)
{
    int err = 0;

    for (uint32_t i = 0; i < f->net->interface_count && !err; i++) {
        const struct net_interface *n = &f->net->interfaces[i];
        const struct ir_interface value = {.mtu = n->mtu, .forwarding = n->forwarding};

        err = f->put(f->ctx, f->map, &n->ifindex, &value);
    }
    return err;
}

/* --- routes --- */

/* Is prefix b one of a's? */
static bool holds(const struct net_route *a, const struct net_route *b)
{
    const uint32_t whole = a->bits / 8;
    const uint32_t rest = a->bits % 8;

    return a->ip6 == b->ip6 && a->bits <= b->bits && !memcmp(a->to, b->to, whole) &&
           (!rest || (a->to[whole] ^ b->to[whole]) >> (8 - rest) == 0);
}

/* Does a look-up in these tables come to the route? That of net_route: IPv6's tables are asked one
 * after the other, IPv4's local and main one are one. Prefix ff00::/8 is never looked up. */
static bool is_asked(const struct net_route *r, bool direct)
{
    if (r->ip6 && r->bits >= 8 && r->to[0] == 0xff)
        return false;
    return r->table == NET_TABLE_MAIN || (r->table == NET_TABLE_LOCAL && !(direct && r->ip6));
}

/* No look-up comes to b where a is. */
static bool hides(const struct net_route *a, const struct net_route *b)
{
    if (!holds(a, b))
        return false;
    if (a->table != b->table)
        return a->table > b->table && (a->ip6 || a->bits == b->bits);
    return a->bits == b->bits && a->metric < b->metric;
}

/* Prefixes alone decide among the routes that are left over. */
static bool is_left(const struct net *net, const struct net_route *r, bool direct)
{
    if (!is_asked(r, direct))
        return false;
    for (uint32_t i = 0; i < net->route_count; i++)
        if (is_asked(&net->routes[i], direct) && hides(&net->routes[i], r))
            return false;
    return true;
}

static bool is_default_ip4(const struct net_route *r)
{
    return !r->ip6 && r->bits == 0;
}

static uint32_t count_left(const struct net *net, bool direct)
{
    uint32_t count = 1; /* the default route of IPv4, or that there is none */

    for (uint32_t i = 0; i < net->route_count; i++)
        count += !is_default_ip4(&net->routes[i]) && is_left(net, &net->routes[i], direct);
    return count;
}

static uint32_t count_routes(const struct net *net)
{
    return count_left(net, false);
}

static uint32_t count_main_routes(const struct net *net)
{
    return count_left(net, true);
}

static void route_address(bool ip6, const uint8_t *from, uint8_t *to)
{
    const uint32_t start = IR_ROUTE_IP4_START;

    memset(to, 0, NET_ADDRESS_BYTES);
    if (ip6) {
        memcpy(to, from, NET_ADDRESS_BYTES);
        return;
    }
    memcpy(to, &start, sizeof(start));
    memcpy(to + IR_ROUTE_IP4_BITS / 8, from, 4);
}

static int put_route(const struct filling *f, const struct net_route *r)
{
    static const uint32_t answers[NET_ROUTE_TYPES] = {
        [NET_ROUTE_UNICAST] = BPF_FIB_LKUP_RET_SUCCESS,
        [NET_ROUTE_LOCAL] = BPF_FIB_LKUP_RET_NOT_FWDED,
        [NET_ROUTE_BLACKHOLE] = BPF_FIB_LKUP_RET_BLACKHOLE,
        [NET_ROUTE_UNREACHABLE] = BPF_FIB_LKUP_RET_UNREACHABLE,
        [NET_ROUTE_PROHIBIT] = BPF_FIB_LKUP_RET_PROHIBIT,
    };
    struct ir_route_key key = {.bits = r->bits + (r->ip6 ? 0u : IR_ROUTE_IP4_BITS)};
    struct ir_route value = {.answer = answers[r->type]};

    route_address(r->ip6, r->to, key.to);
    if (r->type == NET_ROUTE_UNICAST) {
        const struct net_interface *out = net_interface(f->net, r->ifindex);

        if (!out)
            return -ENODEV;
        value.ifindex = r->ifindex;
        value.metric = r->metric;
        value.mtu = !r->ip6 && out->mtu > MTU_MAX_IP4 ? MTU_MAX_IP4 : out->mtu;
        value.has_via = r->has_via;
        memcpy(value.mac, out->mac, sizeof(value.mac));
        memcpy(value.via, r->via, r->ip6 ? sizeof(value.via) : 4);
    }
    return f->put(f->ctx, f->map, &key, &value);
}

static int put_left(const struct filling *f, bool direct)
{
    const struct net *net = f->net;
    struct ir_route_key key = {.bits = IR_ROUTE_IP4_BITS};
    const struct ir_route none = {.answer = BPF_FIB_LKUP_RET_NOT_FWDED};
    const uint8_t any[4] = {0};
    int err;

    route_address(false, any, key.to);
    err = f->put(f->ctx, f->map, &key, &none); /* a default route takes its place */
    for (uint32_t i = 0; i < net->route_count && !err; i++)
        if (is_left(net, &net->routes[i], direct))
            err = put_route(f, &net->routes[i]);
    return err;
}

static int put_routes(const struct filling *f)
{
    return put_left(f, false);
}

static int put_main_routes(const struct filling *f)
{
    return put_left(f, true);
}

/* --- neighbours --- */

static uint32_t count_neighbours(const struct net *net)
{
    return net->neighbour_count;
}

static int put_neighbours(const struct filling *f)
{
    int err = 0;

    for (uint32_t i = 0; i < f->net->neighbour_count && !err; i++) {
        const struct net_neighbour *n = &f->net->neighbours[i];
        struct ir_neighbour_key key = {.ifindex = n->ifindex,
                                       .family = n->ip6 ? AF_INET6 : AF_INET};
        struct ir_neighbour value = {.unused = 0};

        memcpy(key.address, n->address, n->ip6 ? NET_ADDRESS_BYTES : 4);
        memcpy(value.mac, n->mac, sizeof(value.mac));
        err = f->put(f->ctx, f->map, &key, &value);
    }
    return err;
}

/* --- all --- */

static const struct table {
    const char *what;
    uint32_t (*count)(const struct net *net); /* of entries */
    int (*put)(const struct filling *f);
} tables[IR_TABLE_COUNT] = {
    [IR_TABLE_INTERFACES] = {"interfaces", count_interfaces, put_interfaces},
    [IR_TABLE_ROUTES] = {"routes", count_routes, put_routes},
    [IR_TABLE_ROUTES_MAIN] = {"routes", count_main_routes, put_main_routes},
    [IR_TABLE_NEIGHBOURS] = {"neighbours", count_neighbours, put_neighbours},
};

static int fill(const struct ir_map *m, const struct filling *f, char *why, size_t why_bytes)
{
    const struct table *t = &tables[m->table];
    const uint32_t count = t->count(f->net);
    int err;

    if (count > m->max_entries) {
        snprintf(why, why_bytes, "%u %s, and a device holds %u", count, t->what, m->max_entries);
        return -E2BIG;
    }
    err = t->put(f);
    if (err)
        snprintf(why, why_bytes, "the table of %s can't be filled: %s", m->name, strerror(-err));
    return err;
}

int nettable_fill(const struct ir_func *ir, const struct net *net, nettable_put put, void *ctx,
                  char *why, size_t why_bytes)
{
    int err = 0;

    for (uint32_t m = 0; m < ir->map_count && !err; m++) {
        const struct filling f = {.net = net, .put = put, .ctx = ctx, .map = m};

        if (ir->maps[m].table != IR_TABLE_NONE)
            err = fill(&ir->maps[m], &f, why, why_bytes);
    }
    return err;
}
