/* SPDX-License-Identifier: BSD-3-Clause */
/* Values with a bpf_spin_lock: changed while it is held, and replaced by updates with and without BPF_F_LOCK, which are seen,
 * or not, through an older pointer. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "results.h"

struct bucket {
    __u64 packets;
    struct bpf_spin_lock lock;
    __u32 drops;
    __u64 bytes;
};

struct last {
    struct bpf_spin_lock lock;
    __u16 length;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64);
    __type(key, __u32);
    __type(value, struct bucket);
} buckets SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, struct last);
} lasts SEC(".maps");

SEC("xdp")
int lock(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    struct bucket fresh = {};
    struct bucket *old;
    struct last last = {};
    struct last *l;
    __u32 key, number;
    int verdict = XDP_PASS;

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    key = ip->saddr & bpf_htonl(0x3f);
    number = ip->protocol % 5;
    fresh.packets = ip->id;
    fresh.drops = ip->check;
    fresh.bytes = end - data;
    old = bpf_map_lookup_elem(&buckets, &key);
    /* in place or not, with flags known or not */
    if (ip->ttl & 1)
        put(0, bpf_map_update_elem(&buckets, &key, &fresh, ip->ttl & 2 ? BPF_F_LOCK : BPF_F_LOCK | BPF_EXIST));
    else
        put(1, bpf_map_update_elem(&buckets, &key, &fresh, ip->id % 9));
    if (old) {
        __u64 packets, bytes;
        __u32 drops;

        bpf_spin_lock(&old->lock);
        old->packets++;
        old->bytes += end - data;
        if (old->bytes % 7 == 0) {
            old->drops++;
            verdict = XDP_DROP;
        }
        packets = old->packets;
        bytes = old->bytes;
        drops = old->drops;
        bpf_spin_unlock(&old->lock);
        put(2, packets + bytes * 3 + drops * 7);
    }
    last.length = end - data;
    put(3, bpf_map_update_elem(&lasts, &number, &last, ip->id & 1 ? BPF_F_LOCK : BPF_ANY));
    put(4, bpf_map_update_elem(&lasts, &number, &last, ip->id & 7));
    if (ip->id % 5 == 0)
        put(5, bpf_map_delete_elem(&buckets, &key));
    l = bpf_map_lookup_elem(&lasts, &number);
    if (l) {
        bpf_spin_lock(&l->lock);
        l->length ^= key;
        bpf_spin_unlock(&l->lock);
    }
    return verdict;
}

char _license[] SEC("license") = "GPL";
