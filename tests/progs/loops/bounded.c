/* SPDX-License-Identifier: BSD-3-Clause */
/* A loop with a constant bound and state that goes round: FNV-1a over the Ethernet header. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int bounded(struct xdp_md *ctx)
{
    const __u8 *data = (const __u8 *)(long)ctx->data;
    const __u8 *end = (const __u8 *)(long)ctx->data_end;
    __u32 hash = 2166136261;

    if (data + 14 > end)
        return XDP_ABORTED;
#pragma clang loop unroll(disable)
    for (int i = 0; i < 14; i++)
        hash = (hash ^ data[i]) * 16777619;
    return (int)hash;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
