/* SPDX-License-Identifier: BSD-3-Clause */
/* Leaves the loop at the packet's end: the XOR of up to 80 bytes, written over the last that was read. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int end_break(struct xdp_md *ctx)
{
    __u8 *data = (__u8 *)(long)ctx->data;
    const __u8 *end = (const __u8 *)(long)ctx->data_end;
    __u32 sum = 0;
    int i;

#pragma clang loop unroll(disable)
    for (i = 0; i < 80; i++) {
        if (data + i + 1 > end)
            break;
        sum ^= (__u32)data[i] << (i & 15);
    }
    if (data + 14 > end)
        return XDP_ABORTED;
    data[6] = (__u8)sum;
    data[7] = (__u8)(sum >> 8);
    return i < 80 ? XDP_TX : XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
