/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One-to-one destination NAT: a packet to a public address goes on to the private one behind it.
 * The checksums of IP, TCP and UDP are brought up to date by what changed (RFC 1624), not summed
 * anew.
 *
 *   IPv4, no options, TTL above 1, to an address in addresses: destination, TTL and checksums
 * changed, MAC addresses swapped, counted; XDP_TX of these, a first fragment or a whole packet of
 * TCP or UDP, cut off within its header: XDP_DROP anything else: XDP_PASS
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define IP_OFFSET 0x1fff

struct target {
    __be32 daddr;
    __u32 zero;
    __u64 packets;
};

/* Public address to private one. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, __be32);
    __type(value, struct target);
} addresses SEC(".maps");

/* RFC 1624, equation 3: HC' = ~(~HC + ~m + m'), the difference ~m + m' given. */
static __always_inline __u16 adjust(__u16 check, __u32 difference)
{
    __u32 sum = (__u16)~check + difference;

    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (__u16)~sum;
}

/* ~m + m' over both halves of an address, folded once. */
static __always_inline __u32 address_difference(__be32 from, __be32 to)
{
    __u32 sum = (~from & 0xffff) + (~from >> 16) + (to & 0xffff) + (to >> 16);

    return (sum & 0xffff) + (sum >> 16);
}

/* The checksum of the transport header covers the address too. Gives a verdict if there is one
 * already. */
static __always_inline int fix_transport(struct iphdr *ip, void *end, __u32 difference)
{
    void *transport = ip + 1;

    if (ip->frag_off & bpf_htons(IP_OFFSET))
        return -1;
    if (ip->protocol == IPPROTO_TCP) {
        struct tcphdr *tcp = transport;

        if ((void *)(tcp + 1) > end)
            return XDP_DROP;
        tcp->check = adjust(tcp->check, difference);
    } else if (ip->protocol == IPPROTO_UDP) {
        struct udphdr *udp = transport;

        if ((void *)(udp + 1) > end)
            return XDP_DROP;
        /* 0 says that there is no checksum; one that comes out as 0 is written as its other form.
         */
        if (udp->check) {
            __u16 check = adjust(udp->check, difference);

            udp->check = check ? check : 0xffff;
        }
    }
    return -1;
}

static __always_inline void swap_addresses(struct ethhdr *eth)
{
    __u8 mac[ETH_ALEN];

    __builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
    __builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
    __builtin_memcpy(eth->h_source, mac, ETH_ALEN);
}

SEC("xdp")
int csum(struct xdp_md *ctx)
{
    void *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = (void *)(long)ctx->data;
    struct iphdr *ip = (void *)(eth + 1);
    struct target *target;
    __u32 difference;
    __be32 daddr;
    int verdict;

    if ((void *)(ip + 1) > end)
        return XDP_PASS;
    if (eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5 || ip->ttl <= 1)
        return XDP_PASS;
    daddr = ip->daddr;
    target = bpf_map_lookup_elem(&addresses, &daddr);
    if (!target)
        return XDP_PASS;
    difference = address_difference(daddr, target->daddr);
    verdict = fix_transport(ip, end, difference);
    if (verdict >= 0)
        return verdict;
    /* The TTL is the high byte of its word: one less is ~0x0100 more, in network order. */
    ip->check = adjust(ip->check, difference + bpf_htons(0xfeff));
    ip->daddr = target->daddr;
    ip->ttl--;
    swap_addresses(eth);
    __sync_fetch_and_add(&target->packets, 1);
    return XDP_TX;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
