/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters a tenant: a map of maps leads from the source's last byte to the tenant's own map, one by number and one by
 * address. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

struct counters {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, __u64);
} first SEC(".maps"), second SEC(".maps");

struct flows {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 100);
    __type(key, __u32);
    __type(value, __u32);
} few SEC(".maps"), many SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 3);
    __type(key, __u32);
    __array(values, struct counters);
} tenants SEC(".maps") = {
    .values = {[0] = &first, [2] = &second},
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
    __uint(max_entries, 10);
    __type(key, __u32);
    __array(values, struct flows);
} networks SEC(".maps") = {
    .values = {[1] = &many, [3] = &few},
};

SEC("xdp")
int inner(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    __u32 number, slot, one = 1, address;
    __u64 *count;
    void *map;

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    number = ip->saddr >> 24 & 3;
    slot = ip->protocol % 5;
    address = ip->daddr;
    map = bpf_map_lookup_elem(&tenants, &number);
    if (map) {
        count = bpf_map_lookup_elem(map, &slot);
        if (count)
            __sync_fetch_and_add(count, 1);
    }
    map = bpf_map_lookup_elem(&networks, &number);
    if (!map)
        return XDP_PASS;
    if (bpf_map_update_elem(map, &address, &one, BPF_NOEXIST))
        bpf_map_delete_elem(map, &address);
    return XDP_TX;
}

char _license[] SEC("license") = "GPL";
