/* SPDX-License-Identifier: BSD-3-Clause */
/* Bloom filters of values of several sizes and numbers of hash functions; one is only pushed to, one only asked (--maps-in fills it). */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

#include "results.h"

#define FILTER(name, bytes, entries, functions)                                                                                                                                        \
    struct {                                                                                                                                                                           \
        __uint(type, BPF_MAP_TYPE_BLOOM_FILTER);                                                                                                                                       \
        __uint(max_entries, entries);                                                                                                                                                  \
        __uint(value_size, bytes);                                                                                                                                                     \
        __uint(map_extra, functions);                                                                                                                                                  \
    } name SEC(".maps")

FILTER(one, 13, 60, 1);
FILTER(two, 8, 50, 2);
FILTER(pushed, 4, 100, 5);
FILTER(asked, 1, 10, 3);

SEC("xdp")
int bloom_sizes(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);

    struct {
        __u64 addresses;
        __u8 ttl, bytes[13];
    } here = {};

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    here.addresses = (__u64)ip->daddr << 32 | ip->saddr;
    here.ttl = ip->ttl;
    __builtin_memcpy(here.bytes, (__u8 *)ip + 7, 13);
    put(0, bpf_map_peek_elem(&one, here.bytes));
    put(1, bpf_map_peek_elem(&two, &here));
    put(2, bpf_map_peek_elem(&asked, &here.ttl));
    if (ip->id % 8 == 0)
        put(3, bpf_map_push_elem(&one, (__u8 *)ip + 7, BPF_ANY)); /* out of the packet, at an odd place */
    if (ip->id % 8 == 1)
        put(4, bpf_map_push_elem(&two, &ip->saddr, ip->ttl & 1));
    if (ip->id % 2)
        put(5, bpf_map_push_elem(&pushed, &ip->saddr, BPF_ANY));
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
