/* SPDX-License-Identifier: BSD-3-Clause */
/* Bloom filters of addresses and flows, small enough that there are false positives, with several numbers of hash functions. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

#include "results.h"

struct flow {
    __u32 from, to;
    __u16 id;
    __u8 protocol;
    __u8 more[8];
} __attribute__((packed));

struct {
    __uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
    __uint(max_entries, 40);
    __type(value, __u32);
} sources SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
    __uint(max_entries, 100);
    __uint(map_extra, 3);
    __type(value, struct flow);
} flows SEC(".maps");

SEC("xdp")
int bloom(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    struct flow flow = {};

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    flow.from = ip->saddr;
    flow.to = ip->daddr;
    flow.id = ip->id & 0xf0ff;
    flow.protocol = ip->protocol;
    put(0, bpf_map_peek_elem(&sources, &flow.from) + 7);
    put(1, bpf_map_peek_elem(&flows, &flow));
    if (ip->id % 16 == 0)
        put(2, bpf_map_push_elem(&sources, &ip->saddr, ip->ttl & 3));
    if (ip->id % 8 == 1)
        put(3, bpf_map_push_elem(&flows, &flow, BPF_ANY));
    return bpf_map_peek_elem(&flows, &flow) ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
