/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Forwards IPv4 and IPv6 by the host's own routing and neighbour tables, with bpf_fib_lookup: the
 * host keeps the control plane (ARP, routing daemons, ICMP), the program moves what needs no more.
 *
 *   a route and a neighbour: TTL or hop limit less one, MAC addresses rewritten, XDP_REDIRECT
 *     through ports, if the port is enabled there
 *   blackhole, unreachable, prohibited: XDP_DROP
 *   headers that contradict themselves: XDP_DROP
 *   what the host must see: XDP_PASS; for itself, no route, no neighbour yet (the host asks for
 *     it), too long for the next link, TTL at its end, IPv4 options, multicast, broadcast,
 *     link-local, tagged, not IP
 * A port that is not enabled: XDP_PASS, as rewritten.
 */
#include "packet.h"

#define FAMILY_IPV4 2 /* AF_INET, AF_INET6 */
#define FAMILY_IPV6 10
#define PORTS 64

enum outcome {
    FORWARDED,
    FOR_HOST, /* local, multicast, link-local, or no route */
    NOT_IP,   /* and tagged packets */
    MALFORMED,
    OPTIONS,        /* of IPv4 */
    EXPIRED,        /* TTL */
    NOT_FORWARDING, /* forwarding is off at one end */
    NO_NEIGHBOUR,
    TOO_LONG,
    PROHIBITED, /* by a route of that type */
    FAILED,     /* the look-up gave something else */
    OUTCOME_COUNT
};

struct total {
    __u64 packets;
    __u64 bytes;
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, OUTCOME_COUNT);
    __type(key, __u32);
    __type(value, struct total);
} outcomes SEC(".maps");

/* Packets to each interface. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, PORTS);
    __type(key, __u32);
    __type(value, struct total);
} sent SEC(".maps");

/* Interfaces that may be sent to, by number. */
struct {
    __uint(type, BPF_MAP_TYPE_DEVMAP);
    __uint(max_entries, PORTS);
    __type(key, __u32);
    __type(value, __u32);
} ports SEC(".maps");

static __always_inline void add(struct total *total, __u64 bytes)
{
    if (total) {
        total->packets++;
        total->bytes += bytes;
    }
}

static __always_inline int finish(__u32 outcome, __u64 bytes, int verdict)
{
    add(bpf_map_lookup_elem(&outcomes, &outcome), bytes);
    return verdict;
}

/* What the kernel's answer means for the packet. */
static __always_inline __u32 outcome_of(long answer)
{
    switch (answer) {
    case BPF_FIB_LKUP_RET_SUCCESS:
        return FORWARDED;
    case BPF_FIB_LKUP_RET_BLACKHOLE:
    case BPF_FIB_LKUP_RET_UNREACHABLE:
    case BPF_FIB_LKUP_RET_PROHIBIT:
        return PROHIBITED;
    case BPF_FIB_LKUP_RET_NOT_FWDED:
        return FOR_HOST;
    case BPF_FIB_LKUP_RET_FWD_DISABLED:
        return NOT_FORWARDING;
    case BPF_FIB_LKUP_RET_NO_NEIGH:
        return NO_NEIGHBOUR;
    case BPF_FIB_LKUP_RET_FRAG_NEEDED:
        return TOO_LONG;
    default:
        return FAILED;
    }
}

/* Checks an IPv4 header and asks for its route's parts; FORWARDED if it may be forwarded. */
static __always_inline __u32 prepare4(struct bpf_fib_lookup *fib, const struct iphdr *ip,
                                      const void *end)
{
    const __u16 bytes = bpf_ntohs(ip->tot_len);

    if (ip->version != 4 || ip->ihl < 5 || bytes < ip->ihl * 4 || (void *)ip + bytes > end)
        return MALFORMED;
    if (ip->ihl != 5)
        return OPTIONS;
    /* 224.0.0.0 and up: multicast, reserved, broadcast */
    if ((ip->daddr & bpf_htonl(0xe0000000)) == bpf_htonl(0xe0000000))
        return FOR_HOST;
    if (ip->ttl <= 1)
        return EXPIRED;
    fib->family = FAMILY_IPV4;
    fib->tos = ip->tos;
    fib->l4_protocol = ip->protocol;
    fib->tot_len = bytes;
    fib->ipv4_src = ip->saddr;
    fib->ipv4_dst = ip->daddr;
    return FORWARDED;
}

static __always_inline __u32 prepare6(struct bpf_fib_lookup *fib, const struct ipv6hdr *ip,
                                      const void *end)
{
    const __u32 bytes = sizeof(*ip) + bpf_ntohs(ip->payload_len);
    const __be32 first = ip->daddr.in6_u.u6_addr32[0];

    if (ip->version != 6 || (void *)ip + bytes > end)
        return MALFORMED;
    if ((first & bpf_htonl(0xff000000)) == bpf_htonl(0xff000000) ||
        (first & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000))
        return FOR_HOST;
    if (ip->hop_limit <= 1)
        return EXPIRED;
    fib->family = FAMILY_IPV6;
    fib->flowinfo = *(const __be32 *)ip & bpf_htonl(0x0fffffff);
    fib->l4_protocol = ip->nexthdr;
    fib->tot_len = (__u16)bytes;
    __builtin_memcpy(fib->ipv6_src, &ip->saddr, sizeof(fib->ipv6_src));
    __builtin_memcpy(fib->ipv6_dst, &ip->daddr, sizeof(fib->ipv6_dst));
    return FORWARDED;
}

/* RFC 1812 5.3.1 and RFC 1624: the TTL is the high byte of its word. */
static __always_inline void decrease_ttl(struct iphdr *ip)
{
    __u32 sum = ip->check + bpf_htons(0x0100);

    ip->check = (__u16)(sum + (sum >= 0xffff));
    ip->ttl--;
}

SEC("xdp")
int router(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct bpf_fib_lookup fib = {.ifindex = ctx->ingress_ifindex};
    const __u64 bytes = end - data;
    struct ethhdr *eth = data;
    struct ipv6hdr *ip6 = (void *)(eth + 1);
    struct iphdr *ip = (void *)(eth + 1);
    __u32 outcome;

    if ((void *)(eth + 1) > end)
        return finish(MALFORMED, bytes, XDP_DROP);
    if (eth->h_dest[0] & 1)
        return finish(FOR_HOST, bytes, XDP_PASS);
    if (eth->h_proto == bpf_htons(ETH_P_IP))
        outcome = (void *)(ip + 1) > end ? MALFORMED : prepare4(&fib, ip, end);
    else if (eth->h_proto == bpf_htons(ETH_P_IPV6))
        outcome = (void *)(ip6 + 1) > end ? MALFORMED : prepare6(&fib, ip6, end);
    else
        outcome = NOT_IP;
    if (outcome == FORWARDED)
        outcome = outcome_of(bpf_fib_lookup(ctx, &fib, sizeof(fib), 0));
    if (outcome != FORWARDED)
        return finish(outcome, bytes,
                      outcome == MALFORMED || outcome == PROHIBITED ? XDP_DROP : XDP_PASS);

    if (fib.family == FAMILY_IPV4) {
        if ((void *)(ip + 1) > end)
            return XDP_ABORTED;
        decrease_ttl(ip);
    } else {
        if ((void *)(ip6 + 1) > end)
            return XDP_ABORTED;
        ip6->hop_limit--;
    }
    __builtin_memcpy(eth->h_dest, fib.dmac, ETH_ALEN);
    __builtin_memcpy(eth->h_source, fib.smac, ETH_ALEN);
    add(bpf_map_lookup_elem(&sent, &fib.ifindex), bytes);
    return finish(FORWARDED, bytes, (int)bpf_redirect_map(&ports, fib.ifindex, XDP_PASS));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
