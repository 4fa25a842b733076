/* SPDX-License-Identifier: BSD-3-Clause */
/* bpf_for_each_map_elem over arrays, in the order of their indices, with values that change and a callback that ends the walk. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

#include "results.h"

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, __u64);
} counts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 2);
    __type(key, __u32);
    __type(value, __u64);
} percpu SEC(".maps");

struct walk {
    __u64 sum;
    __u32 last;
    __u32 number;
};

static long add(void *map, const void *key, void *value, void *ctx)
{
    struct walk *w = ctx;
    __u64 *v = value;

    w->sum = w->sum * 31 + *v + *(const __u32 *)key;
    *v += w->number;
    return *(const __u32 *)key == w->last;
}

static long outer(void *map, const void *key, void *value, void *ctx)
{
    struct walk *w = ctx;

    w->number += *(const __u32 *)key;
    w->sum ^= bpf_for_each_map_elem(&percpu, add, w, 0);
    *(__u64 *)value += *(const __u32 *)key + 1; /* the key is still there */
    return w->sum % 5 == 0;
}

SEC("xdp")
int each(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    struct walk w = {};

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    w.last = ip->protocol & 7;
    w.number = ip->id;
    put(0, bpf_for_each_map_elem(&counts, add, &w, 0));
    put(1, w.sum);
    put(2, bpf_for_each_map_elem(&counts, outer, &w, ip->id % 9 == 0));
    put(3, w.sum);
    return w.sum & 1 ? XDP_PASS : XDP_TX;
}

char _license[] SEC("license") = "GPL";
