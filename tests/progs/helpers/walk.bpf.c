/* SPDX-License-Identifier: BSD-3-Clause */
/* bpf_for_each_map_elem over hashes while entries come and go; results don't depend on the order. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

#include "results.h"

struct flows {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64);
    __type(key, __u32);
    __type(value, __u64);
} flows SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
    __uint(max_entries, 64);
    __type(key, __u64);
    __type(value, __u64);
} recent SEC(".maps");

static long drop_old(void *map, __u32 *key, __u64 *value, __u64 *sum)
{
    __u32 k = *key;

    *sum += *value + k;
    if (*value % 3 == 0)
        bpf_map_delete_elem(&flows, &k);
    else
        ++*value;
    *sum += *key ^ k; /* 0, though the element may be gone */
    return 0;
}

static long add(void *map, __u64 *key, __u64 *value, __u64 *sum)
{
    *sum += *key ^ *value;
    return 0;
}

SEC("xdp")
int walk(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    __u64 sum = 0, wide;
    __u32 key;

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    key = ip->saddr;
    wide = ip->daddr;
    sum = ip->id;
    bpf_map_update_elem(&flows, &key, &sum, BPF_ANY);
    bpf_map_update_elem(&recent, &wide, &sum, BPF_ANY);
    if (ip->id % 4 == 0)
        put(0, bpf_for_each_map_elem(&flows, drop_old, &sum, 0));
    put(1, bpf_for_each_map_elem(&recent, add, &sum, 0));
    put(2, sum);
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
