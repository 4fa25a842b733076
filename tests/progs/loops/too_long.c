/* SPDX-License-Identifier: BSD-3-Clause */
/* Rounds that a pipeline cannot unroll: a generator of random numbers, 128 steps for each of 64 bytes. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int too_long(struct xdp_md *ctx)
{
    const __u8 *data = (const __u8 *)(long)ctx->data;
    const __u8 *end = (const __u8 *)(long)ctx->data_end;
    __u32 x = 2463534242;

    if (data + 64 > end)
        return XDP_PASS;
#pragma clang loop unroll(disable)
    for (int i = 0; i < 64; i++) {
        x += data[i];
#pragma clang loop unroll(disable)
        for (int k = 0; k < 128; k++) {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
        }
    }
    return (int)(x << 2 | XDP_PASS);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
