/* SPDX-License-Identifier: BSD-3-Clause */
/* A search that stops at the first hit: which of the first 48 bytes is the first zero one? */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int early_break(struct xdp_md *ctx)
{
    const __u8 *data = (const __u8 *)(long)ctx->data;
    const __u8 *end = (const __u8 *)(long)ctx->data_end;
    __u32 i;

    if (data + 48 > end)
        return XDP_PASS;
#pragma clang loop unroll(disable)
    for (i = 12; i < 48; i++) {
        if (data[i] == 0)
            break;
    }
    return i & 1 ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
