// SPDX-License-Identifier: BSD-3-Clause
/* Maps of maps that engines serve: hashes with insertions and deletions, LRU maps, prefixes, and a map of redirect
 * targets. Which of them a packet uses, its bytes say. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

struct hash {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 6);
    __type(key, __u32);
    __type(value, __u64);
} near SEC(".maps"), far SEC(".maps");

struct recent {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 5);
    __type(key, __u32);
    __type(value, __u32);
} left SEC(".maps"), right SEC(".maps");

struct prefix {
    __u32 bits;
    __u32 to;
};

struct routes {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(max_entries, 8);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct prefix);
    __type(value, __u32);
} inside SEC(".maps"), outside SEC(".maps");

struct ports {
    __uint(type, BPF_MAP_TYPE_DEVMAP);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, __u32);
} first SEC(".maps"), second SEC(".maps");

#define ARRAY_OF(kind, name, ...)                                                                                      \
    struct {                                                                                                           \
        __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);                                                                      \
        __uint(max_entries, 4);                                                                                        \
        __type(key, __u32);                                                                                            \
        __array(values, struct kind);                                                                                  \
    } name SEC(".maps") = {.values = {__VA_ARGS__}}

ARRAY_OF(hash, hashes, [0] = &near, [1] = &far, [3] = &near);
ARRAY_OF(recent, recents, [0] = &left, [2] = &right);
ARRAY_OF(routes, tables, [1] = &inside, [2] = &outside);
ARRAY_OF(ports, cards, [0] = &first, [3] = &second);

SEC("xdp")
int keyed(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    struct prefix to = {.bits = 32};
    __u32 which, key, *target, seen = 1;
    __u64 one = 1, *count;
    void *map;

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    which = ip->saddr >> 24 & 3;
    key = ip->daddr >> 24 & 15;
    switch (KIND) {
    case 0:
        map = bpf_map_lookup_elem(&hashes, &which);
        if (!map)
            return XDP_PASS;
        count = bpf_map_lookup_elem(map, &key);
        if (count && *count > 3)
            return bpf_map_delete_elem(map, &key) ? XDP_ABORTED : XDP_DROP;
        if (count)
            *count += 1;
        else if (bpf_map_update_elem(map, &key, &one, BPF_NOEXIST))
            return bpf_map_delete_elem(&far, &key) ? XDP_ABORTED : XDP_PASS; /* it was full */
        return XDP_TX;
    case 1:
        map = bpf_map_lookup_elem(&recents, &which);
        if (!map)
            return XDP_PASS;
        target = bpf_map_lookup_elem(map, &key);
        if (target)
            __sync_fetch_and_add(target, 1);
        else
            bpf_map_update_elem(map, &key, &seen, BPF_ANY);
        return target ? XDP_TX : XDP_DROP;
    case 2:
        map = bpf_map_lookup_elem(&tables, &which);
        if (!map)
            return XDP_PASS;
        to.to = ip->daddr;
        target = bpf_map_lookup_elem(map, &to);
        return target ? *target & 3 : XDP_PASS;
    default:
        map = bpf_map_lookup_elem(&cards, &which);
        return map ? bpf_redirect_map(map, key, XDP_PASS) : XDP_DROP;
    }
}

char _license[] SEC("license") = "GPL";
