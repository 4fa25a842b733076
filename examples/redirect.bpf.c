/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A small IPv4 router: the destination's /24 network chooses the port and the next hop.
 *
 *   IPv4, TTL above 1, to a network in routes: new MAC addresses, TTL less one; XDP_REDIRECT to the
 * port, or XDP_DROP if ports has none there the same with TTL 0 or 1: XDP_PASS (the host answers
 * with an ICMP error) anything else: XDP_PASS
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct route {
    __u32 port; /* index in ports */
    __u8 dmac[ETH_ALEN];
    __u8 smac[ETH_ALEN];
};

/* Network address, in network order and with the last byte 0, to route. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4096);
    __type(key, __be32);
    __type(value, struct route);
} routes SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_DEVMAP);
    __uint(max_entries, 64);
    __type(key, __u32);
    __type(value, __u32);
} ports SEC(".maps");

/* RFC 1141: the checksum of a header whose TTL, the high byte of a word, went down by one. */
static __always_inline void decrease_ttl(struct iphdr *ip)
{
    __u32 sum = ip->check;

    sum += bpf_htons(0x0100);
    ip->check = (__u16)(sum + (sum >= 0xffff));
    ip->ttl--;
}

SEC("xdp")
int redirect(struct xdp_md *ctx)
{
    void *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = (void *)(long)ctx->data;
    struct iphdr *ip = (void *)(eth + 1);
    struct route *route;
    __be32 network;

    if ((void *)(ip + 1) > end)
        return XDP_PASS;
    if (eth->h_proto != bpf_htons(ETH_P_IP) || ip->ttl <= 1)
        return XDP_PASS;
    network = ip->daddr & bpf_htonl(0xffffff00);
    route = bpf_map_lookup_elem(&routes, &network);
    if (!route)
        return XDP_PASS;
    __builtin_memcpy(eth->h_dest, route->dmac, ETH_ALEN);
    __builtin_memcpy(eth->h_source, route->smac, ETH_ALEN);
    decrease_ttl(ip);
    return bpf_redirect_map(&ports, route->port, XDP_DROP);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
