/* SPDX-License-Identifier: BSD-3-Clause */
/* A program for each fault that tests/e2e/test_lockstep.py plants into the core's RTL: it uses what
 * is broken once. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64);
    __type(key, __u32);
    __type(value, __u64);
} seen SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, __u64);
} last SEC(".maps");

#define PACKET(bytes)                                                                              \
    __u8 *data = (__u8 *)(long)ctx->data;                                                          \
                                                                                                   \
    if (data + (bytes) > (__u8 *)(long)ctx->data_end)                                              \
    return XDP_ABORTED

SEC("xdp")
int exclusive_or(struct xdp_md *ctx)
{
    PACKET(14);
    return (*(__u16 *)(data + 12) ^ 0x5eed) > 0x4000 ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int multiply(struct xdp_md *ctx)
{
    PACKET(14);
    return (*(__u16 *)(data + 12) * (__u64)data[5]) % 2 ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int store_swapped(struct xdp_md *ctx)
{
    PACKET(14);
    *(__u32 *)data = __builtin_bswap32(*(__u32 *)(data + 4) + 1);
    return XDP_TX;
}

SEC("xdp")
int greater_signed(struct xdp_md *ctx)
{
    PACKET(14);
    return (__s8)data[11] > 5 ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int store_in_map(struct xdp_md *ctx)
{
    __u32 key = 1;
    __u64 *value = bpf_map_lookup_elem(&last, &key);

    PACKET(14);
    if (value)
        *(__u16 *)value = *(__u16 *)(data + 12);
    return XDP_PASS;
}

SEC("xdp")
int delete_missing(struct xdp_md *ctx)
{
    __u32 key;

    PACKET(14);
    key = data[11] & 3;
    return bpf_map_delete_elem(&seen, &key) == -2 ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
