/* SPDX-License-Identifier: BSD-3-Clause */
/* What pushes, pops and questions to a Bloom filter cost on hardware (docs/maps.md). */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_QUEUE);
    __uint(max_entries, 64);
    __type(value, __u64);
} queue SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
    __uint(max_entries, 1000);
    __type(value, __u32);
} filter SEC(".maps");

SEC("xdp")
int push(struct xdp_md *ctx)
{
    __u64 bytes = ctx->data_end - ctx->data;

    return bpf_map_push_elem(&queue, &bytes, BPF_ANY) ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int push_or_pop(struct xdp_md *ctx)
{
    __u64 bytes = ctx->data_end - ctx->data;

    if (bytes & 1)
        return bpf_map_pop_elem(&queue, &bytes) ? XDP_DROP : XDP_TX;
    return bpf_map_push_elem(&queue, &bytes, BPF_EXIST) ? XDP_DROP : XDP_PASS;
}

/* Packets from addresses that were seen before pass. */
SEC("xdp")
int seen(struct xdp_md *ctx)
{
    __u8 *data = (__u8 *)(long)ctx->data;
    __u32 from;

    if (data + 34 > (__u8 *)(long)ctx->data_end)
        return XDP_DROP;
    __builtin_memcpy(&from, data + 26, 4);
    if (!bpf_map_peek_elem(&filter, &from))
        return XDP_PASS;
    bpf_map_push_elem(&filter, &from, BPF_ANY);
    return XDP_TX;
}

char _license[] SEC("license") = "GPL";
