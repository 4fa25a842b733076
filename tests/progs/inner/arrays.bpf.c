// SPDX-License-Identifier: BSD-3-Clause
/* Maps of arrays: a tenant's own counters by a byte of the packet, values that are no power of two long, per-CPU
 * values behind short keys, an array in two maps of maps that is also used by its name, atomics with and without the
 * old value, an update, a map that is never there. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct flow {
    __u64 packets;
    __u64 bytes;
    __u32 last;
    __u32 highest;
};

struct flows {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 5);
    __type(key, __u32);
    __type(value, struct flow);
} red SEC(".maps"), green SEC(".maps"), blue SEC(".maps");

struct per_queue {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 3);
    __type(key, __u32);
    __type(value, __u64);
} even SEC(".maps"), odd SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 6);
    __type(key, __u32);
    __array(values, struct flows);
} tenants SEC(".maps") = {
    .values = {[0] = &red, [1] = &green, [3] = &blue, [5] = &red},
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 1);
    __type(key, __u32);
    __array(values, struct flows);
} favourite SEC(".maps") = {
    .values = {[0] = &green},
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
    __uint(max_entries, 8);
    __type(key, __u16);
    __array(values, struct per_queue);
} queues SEC(".maps"); /* filled from outside */

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 2);
    __type(key, __u32);
    __array(values, struct flows);
} nobody SEC(".maps");

static __always_inline void count(struct flow *f, const struct iphdr *ip)
{
    __u64 before = __sync_fetch_and_add(&f->packets, 1);

    f->bytes = f->bytes * 3 + bpf_ntohs(ip->tot_len) + before;
    f->last = ip->daddr;
    if (f->highest < ip->saddr)
        f->highest = ip->saddr;
}

SEC("xdp")
int arrays(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    struct flow fresh = {.packets = 7};
    __u32 tenant, slot, zero = 0;
    __u64 *value;
    __u16 side;
    struct flow *f;
    void *map;

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    tenant = ip->saddr >> 24 & 7; /* 6 and 7 are beyond the map, 2 and 4 are empty */
    slot = ip->protocol % 6;      /* 5 is beyond the maps */
    side = ip->daddr >> 24 & 3;
    map = bpf_map_lookup_elem(&nobody, &zero);
    if (map && bpf_map_lookup_elem(map, &slot))
        return XDP_ABORTED;
    map = bpf_map_lookup_elem(&tenants, &tenant);
    if (!map) {
        map = bpf_map_lookup_elem(&favourite, &zero);
        if (!map)
            return XDP_DROP;
    } else if (ip->ttl & 1) {
        map = &blue;
    }
    f = bpf_map_lookup_elem(map, &slot);
    if (!f)
        return XDP_PASS;
    count(f, ip);
    if (f->packets % 9 == 0)
        bpf_map_update_elem(map, &slot, &fresh, BPF_EXIST);
    f = bpf_map_lookup_elem(&green, &slot);
    if (f)
        __sync_fetch_and_add(&f->packets, 2);
    map = bpf_map_lookup_elem(&queues, &side);
    if (!map)
        return XDP_TX;
    slot = side;
    value = bpf_map_lookup_elem(map, &slot);
    if (!value)
        return XDP_REDIRECT;
    __sync_fetch_and_add(value, ip->ttl);
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
