/* SPDX-License-Identifier: BSD-3-Clause */
/* Values of other CPUs, which are RX queues. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

#include "results.h"

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, __u64);
} counts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
    __uint(max_entries, 1000);
    __type(key, __u32);
    __type(value, __u64);
} flows SEC(".maps");

SEC("xdp")
int percpu_elem(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    __u64 one = 1, *v;
    __u32 key;

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    key = ip->protocol % 5;
    v = bpf_map_lookup_elem(&counts, &key);
    if (v)
        ++*v;
    for (__u32 cpu = 0; cpu < 3; cpu++) {
        v = bpf_map_lookup_percpu_elem(&counts, &key, cpu);
        put(cpu, v ? *v : 77);
    }
    v = bpf_map_lookup_percpu_elem(&counts, &key, 1000);
    put(3, v ? *v : 78);
    key = ip->saddr;
    bpf_map_update_elem(&flows, &key, &one, BPF_NOEXIST);
    v = bpf_map_lookup_percpu_elem(&flows, &key, ip->id & 3);
    if (v)
        *v += ip->id;
    put(4, v ? *v : 79);
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
