/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sending end of an IPIP tunnel (RFC 2003): IPv4 packets to a known destination get an outer
 * IPv4 header and leave by the port that they came in.
 *
 *   IPv4 to an address in tunnels, TTL above 1: TTL less one, encapsulated, counted; XDP_TX
 *   the same with TTL 0 or 1, or with a total length that the outer header would overflow: XDP_PASS
 * (the host answers with an ICMP error) no room in front of the packet: XDP_ABORTED anything else:
 * XDP_PASS
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define OUTER_TTL 64

struct tunnel {
    __be32 saddr; /* outer addresses */
    __be32 daddr;
    __u8 dmac[ETH_ALEN]; /* next hop */
    __u8 smac[ETH_ALEN];
    __u32 zero;
    __u64 packets;
    __u64 bytes; /* of the inner packets */
};

/* Inner destination to tunnel. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, __be32);
    __type(value, struct tunnel);
} tunnels SEC(".maps");

/* RFC 1141: the checksum of a header whose TTL, the high byte of a word, went down by one. */
static __always_inline void decrease_ttl(struct iphdr *ip)
{
    __u32 sum = ip->check;

    sum += bpf_htons(0x0100);
    ip->check = (__u16)(sum + (sum >= 0xffff));
    ip->ttl--;
}

/* The ones' complement sum over a header without options. */
static __always_inline __u16 header_checksum(const struct iphdr *ip)
{
    const __u16 *words = (const void *)ip;
    __u32 sum = 0;

#pragma unroll
    for (int i = 0; i < 10; i++)
        sum += words[i];
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (__u16)~sum;
}

static __always_inline void write_outer(struct iphdr *outer, const struct tunnel *t, __u8 tos,
                                        __u16 inner_bytes)
{
    outer->version = 4;
    outer->ihl = 5;
    outer->tos = tos;
    outer->tot_len = bpf_htons(inner_bytes + sizeof(*outer));
    outer->id = 0;
    outer->frag_off = bpf_htons(0x4000); /* don't fragment */
    outer->ttl = OUTER_TTL;
    outer->protocol = IPPROTO_IPIP;
    outer->check = 0;
    outer->saddr = t->saddr;
    outer->daddr = t->daddr;
    outer->check = header_checksum(outer);
}

SEC("xdp")
int tunnel(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    struct iphdr *ip = (void *)(eth + 1);
    struct tunnel *t;
    __u16 inner_bytes;
    __be32 daddr;
    __u8 tos;

    if ((void *)(ip + 1) > end)
        return XDP_PASS;
    if (eth->h_proto != bpf_htons(ETH_P_IP))
        return XDP_PASS;
    daddr = ip->daddr;
    t = bpf_map_lookup_elem(&tunnels, &daddr);
    if (!t)
        return XDP_PASS;
    inner_bytes = bpf_ntohs(ip->tot_len);
    if (ip->ttl <= 1 || inner_bytes > 0xffff - sizeof(*ip))
        return XDP_PASS;
    tos = ip->tos;
    decrease_ttl(ip);

    if (bpf_xdp_adjust_head(ctx, -(int)sizeof(struct iphdr)))
        return XDP_ABORTED;
    data = (void *)(long)ctx->data;
    end = (void *)(long)ctx->data_end;
    eth = data;
    ip = (void *)(eth + 1);
    if ((void *)(ip + 1) > end)
        return XDP_ABORTED;
    __builtin_memcpy(eth->h_dest, t->dmac, ETH_ALEN);
    __builtin_memcpy(eth->h_source, t->smac, ETH_ALEN);
    eth->h_proto = bpf_htons(ETH_P_IP);
    write_outer(ip, t, tos, inner_bytes);
    __sync_fetch_and_add(&t->packets, 1);
    __sync_fetch_and_add(&t->bytes, inner_bytes);
    return XDP_TX;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
