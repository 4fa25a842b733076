/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/kernel_net.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LOOPBACK = 1,
    PEER_INDEX = 0x40000000, /* the other ends of veth pairs */
    MESSAGE_BYTES = 512,
};

/* A request under way. */
struct request {
    struct nlmsghdr head;
    uint8_t room[MESSAGE_BYTES];
};

static void *begin(struct request *q, uint16_t type, uint16_t flags, size_t bytes)
{
    memset(q, 0, sizeof(*q));
    q->head.nlmsg_type = type;
    q->head.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
    q->head.nlmsg_len = (uint32_t)NLMSG_LENGTH(bytes);
    return q->room;
}

/* An attribute; returns it, so that others may nest in it. */
static struct rtattr *attribute(struct request *q, uint16_t type, const void *data, size_t bytes)
{
    struct rtattr *a = (struct rtattr *)((uint8_t *)q + NLMSG_ALIGN(q->head.nlmsg_len));

    a->rta_type = type;
    a->rta_len = (uint16_t)RTA_LENGTH(bytes);
    if (bytes)
        memcpy(RTA_DATA(a), data, bytes);
    q->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(q->head.nlmsg_len) + RTA_ALIGN(a->rta_len));
    return a;
}

static void end_nest(const struct request *q, struct rtattr *nest)
{
    nest->rta_len = (uint16_t)((const uint8_t *)q + q->head.nlmsg_len - (const uint8_t *)nest);
}

static int send_request(int fd, const struct request *q)
{
    uint8_t answer[1024];
    struct nlmsgerr error;
    ssize_t n;

    if (send(fd, q, q->head.nlmsg_len, 0) < 0)
        return -errno;
    n = recv(fd, answer, sizeof(answer), 0);
    if (n < (ssize_t)NLMSG_LENGTH(sizeof(error)))
        return n < 0 ? -errno : -EPROTO;
    memcpy(&error, answer + NLMSG_HDRLEN, sizeof(error));
    return error.error;
}

static int make_veth(int fd, uint32_t ifindex)
{
    struct ifinfomsg peer = {.ifi_index = (int)(PEER_INDEX + ifindex)};
    struct request q;
    struct ifinfomsg *link = begin(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*link));
    struct rtattr *info, *data, *other;

    link->ifi_index = (int)ifindex;
    info = attribute(&q, IFLA_LINKINFO, NULL, 0);
    attribute(&q, IFLA_INFO_KIND, "veth", 4);
    data = attribute(&q, IFLA_INFO_DATA, NULL, 0);
    other = attribute(&q, VETH_INFO_PEER, &peer, sizeof(peer));
    end_nest(&q, other);
    end_nest(&q, data);
    end_nest(&q, info);
    return send_request(fd, &q);
}

/* No address of IPv6 comes by itself. */
static void no_addresses(struct request *q)
{
    const uint8_t none = IN6_ADDR_GEN_MODE_NONE;
    struct rtattr *spec = attribute(q, IFLA_AF_SPEC, NULL, 0);
    struct rtattr *ip6 = attribute(q, AF_INET6, NULL, 0);

    attribute(q, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof(none));
    end_nest(q, ip6);
    end_nest(q, spec);
}

static int set_link(int fd, const struct net_interface *i)
{
    struct request q;
    struct ifinfomsg *link = begin(&q, RTM_SETLINK, 0, sizeof(*link));

    link->ifi_index = (int)i->ifindex;
    attribute(&q, IFLA_MTU, &i->mtu, sizeof(i->mtu));
    if (i->ifindex == LOOPBACK) /* stays down, else it gets addresses */
        return send_request(fd, &q);
    attribute(&q, IFLA_ADDRESS, i->mac, sizeof(i->mac));
    no_addresses(&q);
    link->ifi_flags = link->ifi_change = IFF_UP;
    return send_request(fd, &q);
}

static int write_file(const char *path, const char *text)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return -errno;
    n = write(fd, text, strlen(text));
    close(fd);
    return n < 0 ? -EIO : 0;
}

/* The names are the kernel's: lo, and veth with a number. */
static int set_forwarding(const struct net_interface *i, const char *name)
{
    static const char *const families[] = {"ipv4", "ipv6"};
    char path[128];
    int err = 0;

    for (int k = 0; k < 2 && !err; k++) {
        snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/forwarding", families[k], name);
        err = write_file(path, i->forwarding ? "1" : "0");
    }
    return err;
}

static int name_of(int fd, uint32_t ifindex, char name[IFNAMSIZ])
{
    struct request q;
    struct ifinfomsg *link = begin(&q, RTM_SETLINK, 0, sizeof(*link));

    if (ifindex == LOOPBACK) {
        snprintf(name, IFNAMSIZ, "lo");
        return 0;
    }
    snprintf(name, IFNAMSIZ, "s%u", ifindex);
    link->ifi_index = (int)ifindex;
    attribute(&q, IFLA_IFNAME, name, strlen(name) + 1);
    return send_request(fd, &q);
}

static int add_interface(int fd, const struct net_interface *i)
{
    char name[IFNAMSIZ];
    int err = i->ifindex == LOOPBACK ? 0 : make_veth(fd, i->ifindex);

    if (!err)
        err = name_of(fd, i->ifindex, name);
    if (!err)
        err = set_link(fd, i);
    return err ? err : set_forwarding(i, name);
}

static int add_route(int fd, const struct net_route *r)
{
    static const uint8_t types[NET_ROUTE_TYPES] = {
        [NET_ROUTE_UNICAST] = RTN_UNICAST,     [NET_ROUTE_LOCAL] = RTN_LOCAL,
        [NET_ROUTE_BLACKHOLE] = RTN_BLACKHOLE, [NET_ROUTE_UNREACHABLE] = RTN_UNREACHABLE,
        [NET_ROUTE_PROHIBIT] = RTN_PROHIBIT,
    };
    const size_t bytes = r->ip6 ? 16 : 4;
    struct request q;
    struct rtmsg *route = begin(&q, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof(*route));

    *route =
        (struct rtmsg){.rtm_family = r->ip6 ? AF_INET6 : AF_INET,
                       .rtm_dst_len = r->bits,
                       .rtm_protocol = RTPROT_STATIC,
                       .rtm_type = types[r->type],
                       .rtm_scope = r->type == NET_ROUTE_LOCAL                   ? RT_SCOPE_HOST
                                    : r->has_via || r->type != NET_ROUTE_UNICAST ? RT_SCOPE_UNIVERSE
                                                                                 : RT_SCOPE_LINK,
                       .rtm_flags = r->has_via ? RTNH_F_ONLINK : 0};
    attribute(&q, RTA_DST, r->to, bytes);
    attribute(&q, RTA_TABLE, &r->table, sizeof(r->table));
    attribute(&q, RTA_PRIORITY, &r->metric, sizeof(r->metric));
    if (r->type <= NET_ROUTE_LOCAL)
        attribute(&q, RTA_OIF, &r->ifindex, sizeof(r->ifindex));
    if (r->has_via)
        attribute(&q, RTA_GATEWAY, r->via, bytes);
    return send_request(fd, &q);
}

static int add_neighbour(int fd, const struct net_neighbour *n)
{
    struct request q;
    struct ndmsg *m = begin(&q, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*m));

    *m = (struct ndmsg){.ndm_family = n->ip6 ? AF_INET6 : AF_INET,
                        .ndm_ifindex = (int)n->ifindex,
                        .ndm_state = NUD_PERMANENT};
    attribute(&q, NDA_DST, n->address, n->ip6 ? 16 : 4);
    attribute(&q, NDA_LLADDR, n->mac, sizeof(n->mac));
    return send_request(fd, &q);
}

/* Without a local table Linux takes every gateway for one that can't be; it makes the table when the
 * loopback gets its address, which goes again with the interface. */
static int make_local_table(int fd)
{
    int err = 0;

    for (int up = 1; up >= 0 && !err; up--) {
        struct request q;
        struct ifinfomsg *link = begin(&q, RTM_SETLINK, 0, sizeof(*link));

        link->ifi_index = LOOPBACK;
        link->ifi_flags = up ? IFF_UP : 0;
        link->ifi_change = IFF_UP;
        err = send_request(fd, &q);
    }
    return err;
}

/* In the namespace: makes everything; *what names what failed. */
static int fill(const struct net *net, char *what, size_t what_bytes)
{
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    int err = fd < 0 ? -errno : 0;

    snprintf(what, what_bytes, "netlink");
    if (!err)
        err = make_local_table(fd);
    for (uint32_t i = 0; i < net->interface_count && !err; i++) {
        snprintf(what, what_bytes, "interface %u", net->interfaces[i].ifindex);
        err = add_interface(fd, &net->interfaces[i]);
    }
    for (uint32_t i = 0; i < net->route_count && !err; i++) {
        snprintf(what, what_bytes, "routes[%u]", i);
        err = net->routes[i].ifindex == LOOPBACK ? -EOPNOTSUPP : add_route(fd, &net->routes[i]);
    }
    for (uint32_t i = 0; i < net->neighbour_count && !err; i++) {
        snprintf(what, what_bytes, "neighbours[%u]", i);
        err = net->neighbours[i].ifindex == LOOPBACK ? -EOPNOTSUPP
                                                     : add_neighbour(fd, &net->neighbours[i]);
    }
    if (fd >= 0)
        close(fd);
    return err;
}

int kernel_net_open(struct kernel_net *n, const struct net *net, char *why, size_t why_bytes)
{
    char what[64] = "the namespace";
    int err = 0;

    n->own = -1;
    n->outside = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (n->outside < 0 || unshare(CLONE_NEWNET)) {
        err = -errno;
    } else {
        n->own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
        err = n->own < 0 ? -errno : fill(net, what, sizeof(what));
        setns(n->outside, CLONE_NEWNET);
    }
    if (!err)
        return 0;
    snprintf(why, why_bytes, "the kernel can't be given %s of the network (--fib): %s", what,
             err == -EOPNOTSUPP ? "interface 1 is its loopback, to which no routes lead here"
                                : strerror(-err));
    kernel_net_close(n);
    return -ENOTSUP;
}

void kernel_net_close(struct kernel_net *n)
{
    if (n->own >= 0)
        close(n->own);
    if (n->outside >= 0)
        close(n->outside);
    *n = (struct kernel_net){-1, -1};
}

int kernel_net_enter(const struct kernel_net *n)
{
    return n->own >= 0 && setns(n->own, CLONE_NEWNET) ? -errno : 0;
}

void kernel_net_leave(const struct kernel_net *n)
{
    if (n->own >= 0)
        setns(n->outside, CLONE_NEWNET);
}
