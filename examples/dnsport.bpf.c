/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Drops UDP datagrams by destination port, say DNS answers that nobody asked for or an amplifier's
 * port. The port's place depends on the IPv4 header's length, which options make longer.
 *
 *   IPv4 UDP, not a later fragment, to a port in blocked: counted there; XDP_DROP
 *   IPv4 with a header length below 20, or UDP cut off within its header: XDP_DROP
 *   anything else: XDP_PASS
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define IP_OFFSET 0x1fff

/* Port, in host order, to the number of datagrams dropped. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 256);
    __type(key, __u16);
    __type(value, __u64);
} blocked SEC(".maps");

SEC("xdp")
int dnsport(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    struct iphdr *ip = (void *)(eth + 1);
    struct udphdr *udp;
    __u32 header_bytes;
    __u64 *drops;
    __u16 port;

    if ((void *)(ip + 1) > end)
        return XDP_PASS;
    if (eth->h_proto != bpf_htons(ETH_P_IP))
        return XDP_PASS;
    header_bytes = ip->ihl * 4;
    if (header_bytes < sizeof(*ip))
        return XDP_DROP;
    if (ip->protocol != IPPROTO_UDP || ip->frag_off & bpf_htons(IP_OFFSET))
        return XDP_PASS;
    udp = (void *)ip + header_bytes;
    if ((void *)(udp + 1) > end)
        return XDP_DROP;
    port = bpf_ntohs(udp->dest);
    drops = bpf_map_lookup_elem(&blocked, &port);
    if (!drops)
        return XDP_PASS;
    __sync_fetch_and_add(drops, 1);
    return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
