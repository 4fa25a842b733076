/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The end of 6in4 tunnels (RFC 4213), both directions: IPv6 for a site goes out in IPv4 to the
 * site's tunnel end, and what comes in from there is taken out again.
 *
 *   IPv6 to a prefix of 64 bits in sites: hop limit less one, an IPv4 header in front, XDP_TX
 *   too long for the tunnel: ICMPv6 "packet too big" to its sender, XDP_TX
 *   IPv4 with IPv6 in it, to us from a tunnel's other end: the header is taken off, XDP_TX to the
 *     next hop of IPv6; the inner source must belong to the site
 *   from somebody else, a forged source, malformed, congestion marked against RFC 6040: XDP_DROP
 *   hop limit at its end, fragments of IPv4, IPv4 options, anything else: XDP_PASS
 */
#include <linux/icmpv6.h>

#include "packet.h"

#define OUTER_TTL 64
#define QUOTE 128 /* bytes of a packet that is too big that the error quotes */

enum { ECN_NOT, ECN_1, ECN_0, ECN_CE, ECN_MASK = 3 };

/* May be changed before loading. */
const volatile __u16 tunnel_mtu = 1480;  /* RFC 4213 3.2.1: the IPv4 path's, less 20 */
const volatile __u32 error_ns = 1000000; /* time between errors to one site, RFC 4443 2.4 f */
const volatile __u8 inside_mac[8] = {2, 0, 0, 0, 6, 1}; /* next hop of what comes out */

struct site {
    __be32 local; /* ends of the tunnel */
    __be32 remote;
    __u8 mac[ETH_ALEN]; /* next hop to remote */
    __u16 zero;
    __u64 error_ns;   /* when the last error was sent */
    __u64 packets[2]; /* out, in */
    __u64 bytes[2];
};

/* By the prefix of 64 bits, as it stands in the address. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4096);
    __type(key, __u64);
    __type(value, struct site);
} sites SEC(".maps");

enum outcome {
    SENT,
    RECEIVED,
    TOO_BIG,   /* and an error was sent */
    TOO_OFTEN, /* too big, and none was */
    STRANGER,  /* no tunnel has these ends */
    FORGED,    /* an inner source that is not the site's */
    MALFORMED,
    CONGESTION, /* marked outside, on a packet that can't carry it */
    EXPIRED,
    OUTCOME_COUNT
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, OUTCOME_COUNT);
    __type(key, __u32);
    __type(value, __u64);
} outcomes SEC(".maps");

static __always_inline int finish(__u32 outcome, int verdict)
{
    __u64 *counter = bpf_map_lookup_elem(&outcomes, &outcome);

    if (counter)
        *counter += 1;
    return verdict;
}

static __always_inline __u8 traffic_class(const struct ipv6hdr *ip)
{
    return (__u8)(bpf_ntohl(*(const __be32 *)ip) >> 20);
}

static __always_inline __u64 prefix_of(const struct in6_addr *address)
{
    __u64 prefix;

    __builtin_memcpy(&prefix, address, sizeof(prefix));
    return prefix;
}

/* RFC 4443 3.2: the packet's first bytes go back behind an ICMPv6 header. */
static __always_inline int send_too_big(struct xdp_md *ctx, struct site *site)
{
    const __u32 bytes = sizeof(struct icmp6hdr) + QUOTE;
    const int tail = (int)(sizeof(struct ethhdr) + QUOTE) - (int)(ctx->data_end - ctx->data);
    const __u64 now = bpf_ktime_get_ns();
    struct ethhdr *eth, *was;
    struct ipv6hdr *ip, *quoted;
    struct icmp6hdr *icmp;
    __u32 sum;

    if (now - site->error_ns < error_ns)
        return finish(TOO_OFTEN, XDP_DROP);
    if (tail > 0 || bpf_xdp_adjust_tail(ctx, tail) ||
        bpf_xdp_adjust_head(ctx, -(int)(sizeof(*ip) + sizeof(*icmp))))
        return XDP_ABORTED;
    eth = (void *)(long)ctx->data;
    ip = (void *)(eth + 1);
    icmp = (void *)(ip + 1);
    quoted = (void *)(icmp + 1);
    if ((void *)quoted + QUOTE > (void *)(long)ctx->data_end)
        return XDP_ABORTED;
    was = (void *)eth + sizeof(*ip) + sizeof(*icmp);
    __builtin_memcpy(eth->h_dest, was->h_source, ETH_ALEN);
    __builtin_memcpy(eth->h_source, was->h_dest, ETH_ALEN);
    eth->h_proto = bpf_htons(ETH_P_IPV6);
    *(__be32 *)ip = bpf_htonl(6u << 28);
    ip->payload_len = bpf_htons(bytes);
    ip->nexthdr = PROTO_ICMPV6;
    ip->hop_limit = 255;
    ip->saddr = quoted->daddr;
    ip->daddr = quoted->saddr;
    icmp->icmp6_type = ICMPV6_PKT_TOOBIG;
    icmp->icmp6_code = 0;
    icmp->icmp6_cksum = 0;
    icmp->icmp6_mtu = bpf_htonl(tunnel_mtu);
    sum = bpf_csum_diff(0, 0, (void *)&ip->saddr, 2 * sizeof(ip->saddr),
                        bpf_htonl(bytes + PROTO_ICMPV6));
    icmp->icmp6_cksum = (__u16)~fold(bpf_csum_diff(0, 0, (void *)icmp, bytes, sum));
    site->error_ns = now;
    return finish(TOO_BIG, XDP_TX);
}

static __always_inline int encapsulate(struct xdp_md *ctx)
{
    struct ethhdr *eth = (void *)(long)ctx->data;
    struct ipv6hdr *ip = (void *)(eth + 1);
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *outer;
    struct site *site;
    __u8 mac[ETH_ALEN], tos;
    __u64 prefix;
    __u32 bytes;

    if ((void *)(ip + 1) > end || ip->version != 6)
        return finish(MALFORMED, XDP_DROP);
    prefix = prefix_of(&ip->daddr);
    site = bpf_map_lookup_elem(&sites, &prefix);
    if (!site)
        return XDP_PASS;
    bytes = sizeof(*ip) + bpf_ntohs(ip->payload_len);
    if ((void *)ip + bytes > end)
        return finish(MALFORMED, XDP_DROP);
    if (ip->hop_limit <= 1)
        return finish(EXPIRED, XDP_PASS);
    if (bytes > tunnel_mtu)
        return send_too_big(ctx, site);
    ip->hop_limit--;
    tos = traffic_class(ip);
    __builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
    if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*outer)))
        return XDP_ABORTED;
    eth = (void *)(long)ctx->data;
    outer = (void *)(eth + 1);
    if ((void *)(outer + 1) > (void *)(long)ctx->data_end)
        return XDP_ABORTED;
    __builtin_memcpy(eth->h_dest, site->mac, ETH_ALEN);
    __builtin_memcpy(eth->h_source, mac, ETH_ALEN);
    eth->h_proto = bpf_htons(ETH_P_IP);
    outer->version = 4;
    outer->ihl = 5;
    outer->tos = tos; /* RFC 6040 4.1: ECN is copied, too */
    outer->tot_len = bpf_htons(bytes + sizeof(*outer));
    outer->id = 0;
    outer->frag_off = bpf_htons(IP_DF);
    outer->ttl = OUTER_TTL;
    outer->protocol = IPPROTO_IPV6;
    outer->check = 0;
    outer->saddr = site->local;
    outer->daddr = site->remote;
    outer->check = ipv4_checksum(outer);
    __sync_fetch_and_add(&site->packets[0], 1);
    __sync_fetch_and_add(&site->bytes[0], bytes);
    return finish(SENT, XDP_TX);
}

/* RFC 6040 4.2: congestion that was marked on the way must reach the receiver; a packet that can't
 * carry the mark is dropped instead. Returns false for that. */
static __always_inline int take_congestion(struct ipv6hdr *ip, __u8 outer_tos)
{
    const __u8 inner = traffic_class(ip) & ECN_MASK;

    if ((outer_tos & ECN_MASK) != ECN_CE || inner == ECN_CE)
        return 1;
    if (inner == ECN_NOT)
        return 0;
    *(__be32 *)ip |= bpf_htonl(ECN_CE << 20);
    return 1;
}

static __always_inline int decapsulate(struct xdp_md *ctx)
{
    struct ethhdr *eth = (void *)(long)ctx->data;
    struct iphdr *outer = (void *)(eth + 1);
    struct ipv6hdr *ip = (void *)(outer + 1);
    void *end = (void *)(long)ctx->data_end;
    struct site *site;
    __u8 mac[ETH_ALEN];
    __u64 prefix;
    __u32 bytes;

    if ((void *)(outer + 1) > end)
        return finish(MALFORMED, XDP_DROP);
    if (outer->protocol != IPPROTO_IPV6 || outer->ihl != 5 ||
        outer->frag_off & bpf_htons(IP_MF | IP_OFFSET))
        return XDP_PASS;
    if ((void *)(ip + 1) > end || ip->version != 6)
        return finish(MALFORMED, XDP_DROP);
    bytes = sizeof(*ip) + bpf_ntohs(ip->payload_len);
    if (bpf_ntohs(outer->tot_len) < bytes + sizeof(*outer) || (void *)ip + bytes > end)
        return finish(MALFORMED, XDP_DROP);
    prefix = prefix_of(&ip->saddr);
    site = bpf_map_lookup_elem(&sites, &prefix);
    if (!site)
        return finish(FORGED, XDP_DROP);
    if (outer->daddr != site->local || outer->saddr != site->remote)
        return finish(STRANGER, XDP_DROP);
    if (ip->hop_limit <= 1)
        return finish(EXPIRED, XDP_PASS);
    if (!take_congestion(ip, outer->tos))
        return finish(CONGESTION, XDP_DROP);
    ip->hop_limit--;
    __builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
    if (bpf_xdp_adjust_head(ctx, sizeof(*outer)))
        return XDP_ABORTED;
    eth = (void *)(long)ctx->data;
    if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
        return XDP_ABORTED;
    UNROLL
    for (int i = 0; i < ETH_ALEN; i++)
        eth->h_dest[i] = inside_mac[i];
    __builtin_memcpy(eth->h_source, mac, ETH_ALEN);
    eth->h_proto = bpf_htons(ETH_P_IPV6);
    __sync_fetch_and_add(&site->packets[1], 1);
    __sync_fetch_and_add(&site->bytes[1], bytes);
    return finish(RECEIVED, XDP_TX);
}

SEC("xdp")
int sixinfour(struct xdp_md *ctx)
{
    struct ethhdr *eth = (void *)(long)ctx->data;

    if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
        return finish(MALFORMED, XDP_DROP);
    if (eth->h_proto == bpf_htons(ETH_P_IPV6))
        return encapsulate(ctx);
    if (eth->h_proto == bpf_htons(ETH_P_IP))
        return decapsulate(ctx);
    return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
