/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/netfile.h"

#include "host/ctl/jsonfile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MTU_DEFAULT = 1500,
    MTU_MIN = 1280, /* below, an interface has no IPv6 */
    MTU_MAX = 65535,
    IFINDEX_MAX =
        0x3fffffff,    /* the numbers above are those of the kernel executor (kernel_net.c) */
    METRIC_IP6 = 1024, /* IP6_RT_PRIO_USER: of a route that names none */
};

static const char *const route_types[NET_ROUTE_TYPES] = {
    [NET_ROUTE_UNICAST] = "unicast",     [NET_ROUTE_LOCAL] = "local",
    [NET_ROUTE_BLACKHOLE] = "blackhole", [NET_ROUTE_UNREACHABLE] = "unreachable",
    [NET_ROUTE_PROHIBIT] = "prohibit",
};

/* A file being read; entry is the list and the number of what is read. */
struct reader {
    const char *path;
    const char *list;
    size_t entry;
    struct arena *arena;
    struct net_interface *interfaces;
    struct net_route *routes;
    struct net_neighbour *neighbours;
    struct net *net;
    char *why;
    size_t why_bytes;
};

static int complain(const struct reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int complain(const struct reader *r, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    snprintf(r->why, r->why_bytes, "%s: %s[%zu]: %s", r->path, r->list, r->entry, text);
    return -EINVAL;
}

/* A whole number from min to max; absent: as *out is, unless it must be there. */
static int number(const struct reader *r, const json_t *entry, const char *name, bool must,
                  uint32_t min, uint32_t max, uint32_t *out)
{
    const json_t *j = json_object_get(entry, name);

    if (!j && !must)
        return 0;
    if (!json_is_integer(j) || json_integer_value(j) < min || json_integer_value(j) > max)
        return complain(r, "\"%s\" is %s; it is a number from %u to %u", name,
                        j ? "none that is possible" : "missing", min, max);
    *out = (uint32_t)json_integer_value(j);
    return 0;
}

static int mac(const struct reader *r, const json_t *entry, bool must, uint8_t *out)
{
    const char *text = json_string_value(json_object_get(entry, "mac"));
    unsigned b[NET_MAC_BYTES];
    int end = 0;

    if (!json_object_get(entry, "mac") && !must)
        return 0;
    if (!text ||
        sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &end) !=
            NET_MAC_BYTES ||
        text[end])
        return complain(r, "\"mac\" is no address such as \"02:00:00:00:00:01\"");
    for (int i = 0; i < NET_MAC_BYTES; i++)
        out[i] = (uint8_t)b[i];
    return 0;
}

static bool address(const char *text, bool *ip6, uint8_t *out)
{
    *ip6 = text && strchr(text, ':');
    return text && inet_pton(*ip6 ? AF_INET6 : AF_INET, text, out) == 1;
}

static bool knows(const struct reader *r, uint32_t ifindex)
{
    return net_interface(r->net, ifindex) != NULL;
}

/* There always is a loopback: interface 1, unless the network has one of this number. */
static const struct net_interface loopback = {.ifindex = 1, .mtu = 65536, .forwarding = false};

/* An interface of which only the number is known. */
static struct net_interface plain_interface(uint32_t ifindex)
{
    struct net_interface i = {.ifindex = ifindex, .mtu = MTU_DEFAULT, .forwarding = true};

    i.mac[0] = 2; /* of local administration */
    for (int k = 0; k < 4; k++)
        i.mac[5 - k] = (uint8_t)(ifindex >> 8 * k);
    return i;
}

static int read_interface(struct reader *r, const json_t *entry)
{
    const json_t *forwarding = json_object_get(entry, "forwarding");
    struct net_interface i;
    uint32_t ifindex = 0;
    int err = number(r, entry, "ifindex", true, 1, IFINDEX_MAX, &ifindex);

    i = plain_interface(ifindex);
    if (!err)
        err = number(r, entry, "mtu", false, MTU_MIN, MTU_MAX, &i.mtu);
    if (!err)
        err = mac(r, entry, false, i.mac);
    if (err)
        return err;
    if (forwarding && !json_is_boolean(forwarding))
        return complain(r, "\"forwarding\" is neither true nor false");
    if (knows(r, i.ifindex))
        return complain(r, "there is an interface %u already", i.ifindex);
    i.forwarding = !forwarding || json_is_true(forwarding);
    r->interfaces[r->net->interface_count++] = i;
    return 0;
}

/* "10.0.0.0/8", "2001:db8::/32", or an address without a length. */
static int prefix(const struct reader *r, const json_t *entry, struct net_route *route)
{
    const char *text = json_string_value(json_object_get(entry, "to"));
    char *copy = text ? strdup(text) : NULL;
    char *slash = copy ? strchr(copy, '/') : NULL;
    unsigned long bits;
    char *end = NULL;
    bool good;

    if (slash)
        *slash++ = 0;
    good = address(copy, &route->ip6, route->to);
    bits = slash ? strtoul(slash, &end, 10) : route->ip6 ? 128 : 32;
    good = good && bits <= (route->ip6 ? 128 : 32) && (!slash || (*slash && !*end));
    free(copy);
    if (!good)
        return complain(r, "\"to\" is no prefix such as \"10.0.0.0/8\" or \"2001:db8::/32\"");
    route->bits = (uint8_t)bits;
    for (uint32_t b = (uint32_t)bits; b < 8 * NET_ADDRESS_BYTES; b++)
        if (route->to[b / 8] >> (7 - b % 8) & 1)
            return complain(r, "\"to\" has bits behind its length of %lu", bits);
    return 0;
}

static int gateway(const struct reader *r, const json_t *entry, struct net_route *route)
{
    const json_t *via = json_object_get(entry, "via");
    bool ip6;

    if (!via)
        return 0;
    if (!address(json_string_value(via), &ip6, route->via) || ip6 != route->ip6)
        return complain(r, "\"via\" is no address of the kind that \"to\" has");
    route->has_via = true;
    return 0;
}

static int route_type(const struct reader *r, const json_t *entry, struct net_route *route)
{
    const char *text = json_string_value(json_object_get(entry, "type"));

    if (!json_object_get(entry, "type"))
        return 0;
    for (uint8_t t = 0; t < NET_ROUTE_TYPES; t++)
        if (text && !strcmp(text, route_types[t])) {
            route->type = t;
            return 0;
        }
    return complain(r, "\"type\" is none of unicast, local, blackhole, unreachable, prohibit");
}

static bool same_place(const struct net_route *a, const struct net_route *b)
{
    return a->ip6 == b->ip6 && a->bits == b->bits && a->table == b->table &&
           a->metric == b->metric && !memcmp(a->to, b->to, sizeof(a->to));
}

static int read_route(struct reader *r, const json_t *entry)
{
    struct net_route route = {.table = NET_TABLE_MAIN};
    int err = prefix(r, entry, &route);

    if (!err)
        err = route_type(r, entry, &route);
    if (err)
        return err;
    if (route.type == NET_ROUTE_LOCAL)
        route.table = NET_TABLE_LOCAL;
    route.metric = route.ip6 ? METRIC_IP6 : 0;
    err = gateway(r, entry, &route);
    if (!err)
        err = number(r, entry, "table", false, 1, INT32_MAX, &route.table);
    if (!err)
        err = number(r, entry, "metric", false, route.ip6, INT32_MAX, &route.metric);
    if (!err && route.type <= NET_ROUTE_LOCAL)
        err = number(r, entry, "dev", true, 1, INT32_MAX, &route.ifindex);
    if (err)
        return err;
    if (route.type <= NET_ROUTE_LOCAL && !knows(r, route.ifindex))
        return complain(r, "\"dev\" is %u, and there is no such interface", route.ifindex);
    for (uint32_t i = 0; i < r->net->route_count; i++)
        if (same_place(&r->routes[i], &route))
            return complain(r, "routes[%u] has the same prefix, table and metric", i);
    r->routes[r->net->route_count++] = route;
    return 0;
}

static int read_neighbour(struct reader *r, const json_t *entry)
{
    struct net_neighbour n = {.ip6 = false};
    int err = 0;

    if (!address(json_string_value(json_object_get(entry, "address")), &n.ip6, n.address))
        return complain(r, "\"address\" is no address");
    err = number(r, entry, "dev", true, 1, INT32_MAX, &n.ifindex);
    if (!err)
        err = mac(r, entry, true, n.mac);
    if (err)
        return err;
    if (!knows(r, n.ifindex))
        return complain(r, "\"dev\" is %u, and there is no such interface", n.ifindex);
    if (net_neighbour(r->net, n.ip6, n.ifindex, n.address))
        return complain(r, "there is a neighbour of this address already");
    r->neighbours[r->net->neighbour_count++] = n;
    return 0;
}

typedef int read_fn(struct reader *r, const json_t *entry);

static int read_list(struct reader *r, const json_t *document, const char *name, read_fn *fn)
{
    const json_t *list = json_object_get(document, name);
    const json_t *entry;
    int err = 0;

    r->list = name;
    r->entry = 0;
    if (list && !json_is_array(list))
        return complain(r, "not a list");
    json_array_foreach((json_t *)(uintptr_t)list, r->entry, entry)
    {
        if (!err)
            err = json_is_object(entry) ? fn(r, entry) : complain(r, "not an object");
        if (err)
            break;
    }
    return err;
}

static bool make_room(struct reader *r, const json_t *document)
{
    const size_t i = json_array_size(json_object_get(document, "interfaces"));
    const size_t k = json_array_size(json_object_get(document, "routes"));
    const size_t n = json_array_size(json_object_get(document, "neighbours"));

    r->net = arena_alloc(r->arena, sizeof(*r->net));
    r->interfaces = arena_array(r->arena, i + 1, sizeof(*r->interfaces));
    r->routes = arena_array(r->arena, k + 1, sizeof(*r->routes));
    r->neighbours = arena_array(r->arena, n + 1, sizeof(*r->neighbours));
    if (!r->net || !r->interfaces || !r->routes || !r->neighbours)
        return false;
    *r->net =
        (struct net){.interfaces = r->interfaces, .routes = r->routes, .neighbours = r->neighbours};
    return true;
}

int netfile_read(const char *path, struct arena *arena, const struct net **out, char *why,
                 size_t why_bytes)
{
    struct reader r = {.path = path, .arena = arena, .why = why, .why_bytes = why_bytes};
    json_t *document;
    int err = jsonfile_read(path, &document, why, why_bytes);

    if (err)
        return err;
    if (!json_is_object(document)) {
        snprintf(why, why_bytes,
                 "%s: not an object with \"interfaces\", \"routes\" and \"neighbours\"", path);
        err = -EINVAL;
    } else if (!make_room(&r, document)) {
        snprintf(why, why_bytes, "%s: no memory", path);
        err = -ENOMEM;
    }
    if (!err)
        err = read_list(&r, document, "interfaces", read_interface);
    if (!err && !knows(&r, loopback.ifindex))
        r.interfaces[r.net->interface_count++] = loopback;
    if (!err)
        err = read_list(&r, document, "routes", read_route);
    if (!err)
        err = read_list(&r, document, "neighbours", read_neighbour);
    json_decref(document);
    if (!err)
        *out = r.net;
    return err;
}

const struct net *netfile_default(uint32_t ifindex, struct arena *arena)
{
    struct net_interface *i = arena_array(arena, 2, sizeof(*i));
    struct net *net = arena_alloc(arena, sizeof(*net));

    if (!i || !net)
        return NULL;
    *i = plain_interface(ifindex);
    i[1] = loopback;
    *net = (struct net){.interfaces = i, .interface_count = ifindex == loopback.ifindex ? 1 : 2};
    return net;
}

const struct net *netfile_ports(uint32_t count, struct arena *arena)
{
    struct net_interface *i = arena_array(arena, count, sizeof(*i));
    struct net *net = arena_alloc(arena, sizeof(*net));

    if (!i || !net)
        return NULL;
    for (uint32_t n = 0; n < count; n++)
        i[n] = plain_interface(n + 1);
    *net = (struct net){.interfaces = i, .interface_count = count};
    return net;
}
