// SPDX-License-Identifier: BSD-3-Clause
/* Callbacks: bpf_loop and bpf_for_each_map_elem. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16);
    __type(key, __u32);
    __type(value, __u64);
} counts SEC(".maps");

struct sum {
    __u64 all;
    __u32 rounds;
};

static long add_one(__u32 i, void *data)
{
    struct sum *s = data;

    s->all += i;
    s->rounds++;
    return i > 20;
}

static long add_value(void *map, const void *key, void *value, void *data)
{
    ((struct sum *)data)->all += *(__u64 *)value + *(const __u32 *)key;
    return 0;
}

SEC("xdp") int loop(struct xdp_md *ctx)
{
    struct sum s = {0};

    bpf_loop(ctx->rx_queue_index, add_one, &s, 0);
    bpf_for_each_map_elem(&counts, add_value, &s, 0);
    return s.all & 1 ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
