/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_runtime/helpers/internal.h"

#include <errno.h>
#include <string.h>

/* bpf_fib_lookup and bpf_check_mtu on the host's tables. Semantics: net/core/filter.c
 * (bpf_ipv4_fib_lookup, bpf_ipv6_fib_lookup, bpf_xdp_check_mtu). Interfaces have no addresses of
 * their own, routes no preferred ones. */

enum {
    FAMILY_IP4 = 2,
    FAMILY_IP6 = 10,
    FLAG_DIRECT = 1 << 0,
    FLAG_OUTPUT = 1 << 1,
    FLAG_SKIP_NEIGH = 1 << 2,
    FLAG_TBID = 1 << 3,
    FLAG_SRC = 1 << 4,
    FLAGS = (1 << 6) - 1,
    ETHERNET_BYTES = 14,
    MTU_MAX_IP4 = 0xffff,
};

/* BPF_FIB_LKUP_RET_* */
enum {
    RET_BLACKHOLE = 1,
    RET_UNREACHABLE = 2,
    RET_PROHIBIT = 3,
    RET_NOT_FORWARDED = 4,
    RET_FORWARDING_DISABLED = 5,
    RET_NO_NEIGHBOUR = 7,
    RET_FRAGMENT = 8,
    RET_NO_SOURCE = 9,
};

/* struct bpf_fib_lookup */
struct fib_params {
    uint8_t family;
    uint8_t protocol;
    uint16_t ports[2];
    uint16_t length; /* afterwards the MTU */
    uint32_t ifindex;
    uint32_t tos; /* afterwards the metric */
    uint8_t source[NET_ADDRESS_BYTES];
    uint8_t to[NET_ADDRESS_BYTES];
    uint32_t table; /* or VLAN */
    uint8_t smac[NET_MAC_BYTES];
    uint8_t dmac[NET_MAC_BYTES];
};
_Static_assert(sizeof(struct fib_params) == 64, "struct bpf_fib_lookup has 64 bytes");

static const int route_ret[NET_ROUTE_TYPES] = {
    [NET_ROUTE_LOCAL] = RET_NOT_FORWARDED,
    [NET_ROUTE_BLACKHOLE] = RET_BLACKHOLE,
    [NET_ROUTE_UNREACHABLE] = RET_UNREACHABLE,
    [NET_ROUTE_PROHIBIT] = RET_PROHIBIT,
};

/* Link-local and multicast addresses are not forwarded. */
static bool stays_on_link(const uint8_t *ip6)
{
    return ip6[0] == 0xff || (ip6[0] == 0xfe && (ip6[1] & 0xc0) == 0x80);
}

static const struct net_route *route_of(const struct net *net, struct fib_params *p, uint32_t flags)
{
    const uint32_t out = flags & FLAG_OUTPUT ? p->ifindex : 0;
    uint32_t table = 0;

    if (flags & FLAG_DIRECT) {
        table = NET_TABLE_MAIN;
        if (flags & FLAG_TBID) {
            table = p->table ? p->table : NET_TABLE_MAIN; /* fib_get_table, fib6_get_table */
            p->table = 0;
        }
    }
    return net_route(net, p->family == FAMILY_IP6, p->to, table, out);
}

/* The neighbour's and the interface's addresses. */
static bool set_macs(const struct net *net, struct fib_params *p, const struct net_interface *out)
{
    const struct net_neighbour *n =
        net_neighbour(net, p->family == FAMILY_IP6, out->ifindex, p->to);

    if (!n)
        return false;
    memcpy(p->dmac, n->mac, sizeof(p->dmac));
    memcpy(p->smac, out->mac, sizeof(p->smac));
    return true;
}

static int leave_by(const struct net *net, const struct net_route *r, struct fib_params *p,
                    uint32_t flags)
{
    const struct net_interface *out = net_interface(net, r->ifindex);
    const bool ip6 = p->family == FAMILY_IP6;
    const uint32_t mtu = !ip6 && out->mtu > MTU_MAX_IP4 ? MTU_MAX_IP4 : out->mtu;

    if (p->length > mtu) {
        p->length = (uint16_t)mtu;
        return RET_FRAGMENT;
    }
    if (ip6 && r->has_via)
        memcpy(p->to, r->via, NET_ADDRESS_BYTES);
    p->tos = r->metric;
    p->ifindex = out->ifindex;
    if (flags & FLAG_SRC && ip6)
        return RET_NO_SOURCE;
    if (flags & FLAG_SRC)
        memset(p->source, 0, 4);
    if (!ip6 && r->has_via)
        memcpy(p->to, r->via, 4);
    if (!(flags & FLAG_SKIP_NEIGH) && !set_macs(net, p, out))
        return RET_NO_NEIGHBOUR;
    p->table = 0;
    p->length = (uint16_t)mtu;
    return 0;
}

static int fib_lookup(const struct net *net, struct fib_params *p, uint32_t flags)
{
    const bool ip6 = p->family == FAMILY_IP6;
    const struct net_interface *in;
    const struct net_route *r;

    if (ip6 && (stays_on_link(p->to) || stays_on_link(p->source)))
        return RET_NOT_FORWARDED;
    in = net_interface(net, p->ifindex);
    if (!in)
        return -ENODEV;
    if (!in->forwarding)
        return RET_FORWARDING_DISABLED;
    r = route_of(net, p, flags);
    if (!r)
        return RET_NOT_FORWARDED;
    return r->type == NET_ROUTE_UNICAST ? leave_by(net, r, p, flags) : route_ret[r->type];
}

static const struct net *net_of(const struct vm *vm)
{
    static const struct net none = {.interface_count = 0};

    return vm->packet->world && vm->packet->world->net ? vm->packet->world->net : &none;
}

enum vm_fault helper_fib_lookup(struct vm *vm)
{
    const uint32_t bytes = (uint32_t)vm->r[3];
    const uint32_t flags = (uint32_t)vm->r[4];
    void *at = vm_at(vm, vm->r[2], bytes, true);
    struct fib_params p;
    int ret;

    if (!at || vm->r[1] != (uintptr_t)vm->ctx)
        return VM_FAULT_MEMORY;
    if (bytes < sizeof(p) || flags & ~(uint32_t)FLAGS)
        return helper_return(vm, -EINVAL);
    memcpy(&p, at, sizeof(p));
    if (p.family != FAMILY_IP4 && p.family != FAMILY_IP6)
        return helper_return(vm, -EAFNOSUPPORT);
    ret = fib_lookup(net_of(vm), &p, flags);
    memcpy(at, &p, sizeof(p));
    return helper_return(vm, ret);
}

enum vm_fault helper_check_mtu(struct vm *vm)
{
    const struct vm_packet *packet = vm->packet;
    const struct net_interface *out;
    void *at = vm_at(vm, vm->r[3], sizeof(uint32_t), true);
    uint32_t want;
    int32_t length = (int32_t)(packet->data_end - packet->data);

    if (!at || vm->r[1] != (uintptr_t)vm->ctx)
        return VM_FAULT_MEMORY;
    if (vm->r[5])
        return helper_return(vm, -EINVAL);
    out = net_interface(net_of(vm), (uint32_t)vm->r[2] ? (uint32_t)vm->r[2] : packet->ifindex);
    if (!out)
        return helper_return(vm, -ENODEV);
    memcpy(&want, at, sizeof(want));
    if (want)
        length = (int32_t)(want + ETHERNET_BYTES);
    length = (int32_t)((uint32_t)length + (uint32_t)vm->r[4]);
    memcpy(at, &out->mtu, sizeof(out->mtu));
    return helper_return(vm, length > (int32_t)out->mtu + ETHERNET_BYTES);
}
