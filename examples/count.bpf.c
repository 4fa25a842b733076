/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counts packets and bytes by IP protocol, and drops them. Each queue counts for itself, so that no
 * two share a counter; the reader adds them up.
 *
 *   IPv4: counted under its protocol; XDP_DROP
 *   IPv6: counted under its first next header; XDP_DROP
 *   anything else, or cut off within the header: counted under NOT_IP; XDP_DROP
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define NOT_IP 256

struct counter {
    __u64 packets;
    __u64 bytes;
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 257);
    __type(key, __u32);
    __type(value, struct counter);
} protocols SEC(".maps");

static __always_inline __u32 protocol_of(void *data, void *end)
{
    struct ethhdr *eth = data;

    if ((void *)(eth + 1) > end)
        return NOT_IP;
    if (eth->h_proto == bpf_htons(ETH_P_IP)) {
        struct iphdr *ip = (void *)(eth + 1);

        return (void *)(ip + 1) > end ? NOT_IP : ip->protocol;
    }
    if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
        struct ipv6hdr *ip6 = (void *)(eth + 1);

        return (void *)(ip6 + 1) > end ? NOT_IP : ip6->nexthdr;
    }
    return NOT_IP;
}

SEC("xdp")
int count(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    __u32 key = protocol_of(data, end);
    struct counter *c = bpf_map_lookup_elem(&protocols, &key);

    if (c) {
        c->packets++;
        c->bytes += end - data;
    }
    return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
