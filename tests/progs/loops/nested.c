/* SPDX-License-Identifier: BSD-3-Clause */
/* Loops in loops, without a pragma; the inner one's bound grows with the outer one's turn, so that on one path
 * its body runs 36 times, not 64. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int nested(struct xdp_md *ctx)
{
    const __u8 *data = (const __u8 *)(long)ctx->data;
    const __u8 *end = (const __u8 *)(long)ctx->data_end;
    __u32 found = 0;

    if (data + 22 > end)
        return XDP_PASS;
    for (int i = 0; i < 8; i++) {
        for (int k = 0; k <= i; k++) {
            if (data[6 + i] == data[14 + k]) {
                found += (__u32)(i * 8 + k);
                break;
            }
        }
    }
    return (int)(found << 2 | XDP_PASS);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
