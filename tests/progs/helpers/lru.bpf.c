/* SPDX-License-Identifier: BSD-3-Clause */
/* Flows in LRU maps, as a connection tracker keeps them: counted by address pair and port, new ones put in, some
 * forgotten. With -DFLOWS=N the maps hold N entries and evict. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

#ifndef FLOWS
#define FLOWS 16384
#endif

struct flow {
    __u32 src;
    __u32 dst;
    __u32 ports;
};

struct state {
    __u64 packets;
    __u64 seen;
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, FLOWS);
    __type(key, struct flow);
    __type(value, struct state);
} flows SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
    __uint(max_entries, FLOWS);
    __uint(map_flags, BPF_F_NO_COMMON_LRU);
    __type(key, __u32);
    __type(value, __u32);
} sources SEC(".maps");

static __always_inline __u32 count_source(__u32 address)
{
    const __u32 one = 1;
    __u32 *count = bpf_map_lookup_elem(&sources, &address);

    if (count)
        return ++*count;
    bpf_map_update_elem(&sources, &address, &one, BPF_NOEXIST);
    return 1;
}

SEC("xdp")
int lru(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    struct state fresh = {1, 0}, *state;
    struct flow flow = {};
    __u32 from_source;

    if ((void *)(ip + 1) + 4 > end)
        return XDP_DROP;
    flow.src = ip->saddr;
    flow.dst = ip->daddr;
    flow.ports = *(__u32 *)(ip + 1);
    from_source = count_source(ip->saddr);
    state = bpf_map_lookup_elem(&flows, &flow);
    if (!state) {
        fresh.seen = bpf_ktime_get_ns();
        return bpf_map_update_elem(&flows, &flow, &fresh, BPF_NOEXIST) ? XDP_ABORTED : XDP_PASS;
    }
    state->packets++;
    if (state->packets % 7 == 0)
        bpf_map_delete_elem(&flows, &flow);
    else if (state->packets % 3 == 0)
        bpf_map_update_elem(&flows, &flow, &fresh, BPF_EXIST);
    return from_source & 1 ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
