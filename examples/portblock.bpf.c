/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Drops TCP segments and UDP datagrams to ports that are blocked: a port is blocked by an entry in
 * the map, and open again when the entry is gone. ./dev demo-net changes it while packets flow.
 *
 *   TCP or UDP over IPv4 or IPv6, to a port in blocked: counted there; XDP_DROP
 *   cut off within those headers, or a header length of IPv4 below 20: XDP_DROP
 *   anything else, also later fragments and IPv6 extension headers: XDP_PASS
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define IP_OFFSET 0x1fff

/* In network order, as in the packet. */
struct service {
    __be16 port;
    __u8 protocol;
    __u8 zero;
};

struct ports {
    __be16 source;
    __be16 dest;
};

/* Service to the number of packets dropped. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, struct service);
    __type(value, __u64);
} blocked SEC(".maps");

static __always_inline int verdict(void *header, void *end, __u8 protocol)
{
    struct ports *ports = header;
    struct service service = {.protocol = protocol};
    __u64 *drops;

    if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
        return XDP_PASS;
    if ((void *)(ports + 1) > end)
        return XDP_DROP;
    service.port = ports->dest;
    drops = bpf_map_lookup_elem(&blocked, &service);
    if (!drops)
        return XDP_PASS;
    __sync_fetch_and_add(drops, 1);
    return XDP_DROP;
}

SEC("xdp")
int portblock(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    void *next = eth + 1;
    struct iphdr *ip = next;
    struct ipv6hdr *ip6 = next;
    __u32 header_bytes;

    if (next > end)
        return XDP_DROP;
    if (eth->h_proto == bpf_htons(ETH_P_IP)) {
        if ((void *)(ip + 1) > end)
            return XDP_DROP;
        header_bytes = ip->ihl * 4;
        if (header_bytes < sizeof(*ip))
            return XDP_DROP;
        if (ip->frag_off & bpf_htons(IP_OFFSET))
            return XDP_PASS;
        return verdict(next + header_bytes, end, ip->protocol);
    }
    if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
        if ((void *)(ip6 + 1) > end)
            return XDP_DROP;
        return verdict(ip6 + 1, end, ip6->nexthdr);
    }
    return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
