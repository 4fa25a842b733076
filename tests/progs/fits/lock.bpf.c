// SPDX-License-Identifier: BSD-3-Clause
/* A lock in a map's value, with or without what is wrong (WRONG). */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct bucket {
    __u64 tokens;
    struct bpf_spin_lock lock;
    __u32 drops;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16);
    __type(key, __u32);
    __type(value, struct bucket);
} buckets SEC(".maps");

SEC("xdp") int lock(struct xdp_md *ctx)
{
    __u32 key = ctx->rx_queue_index;
    struct bucket *b = bpf_map_lookup_elem(&buckets, &key);
    int ret = XDP_PASS;

    if (!b)
        return XDP_PASS;
    bpf_spin_lock(&b->lock);
#ifdef WRONG
    if (b->drops > 7)
        return XDP_ABORTED;
#endif
    if (b->tokens) {
        b->tokens--;
    } else {
        b->drops++;
        ret = XDP_DROP;
    }
    bpf_spin_unlock(&b->lock);
    return ret;
}

char _license[] SEC("license") = "GPL";
