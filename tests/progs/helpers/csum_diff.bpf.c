/* SPDX-License-Identifier: BSD-3-Clause */
/* bpf_csum_diff in all its forms, on packet and stack, and bpf_xdp_get_buff_len. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "results.h"

SEC("xdp")
int csum_diff(struct xdp_md *ctx)
{
    unsigned char *data = (void *)(long)ctx->data;
    unsigned char *end = (void *)(long)ctx->data_end;
    __u32 words[10] = {0};

    if (data + 54 > end)
        return XDP_DROP;
    put(0, bpf_csum_diff(0, 0, (void *)(data + 14), 20, 0));
    put(1, bpf_csum_diff((void *)(data + 14), 20, 0, 0, *(__u16 *)(data + 24)));
    put(2, bpf_csum_diff((void *)(data + 14), 20, (void *)(data + 18), 24, 7));
    put(3, bpf_csum_diff((void *)(data + 14), 20, (void *)(data + 14), 20, 0));
    put(4, bpf_csum_diff(words, 40, words, 8, 0));
    put(5, bpf_csum_diff(0, 0, words, 8, 0));
    put(6, bpf_csum_diff(0, 0, 0, 0, 0xffff1234));
    put(7, bpf_csum_diff(0, 0, (void *)(data + 1), 13, 0x12345678));
    put(8, bpf_csum_diff((void *)(data + 1), 7, 0, 0, 0xdeadbeef));
    /* sums that are 0 modulo 65535 without being 0 */
    words[0] = 0xffffffff;
    put(9, bpf_csum_diff(words, 4, words + 1, 4, 0));
    words[0] = 0x0000ffff;
    put(10, bpf_csum_diff(words, 4, words + 1, 4, 0));
    words[0] = 0xffff0000;
    put(11, bpf_csum_diff(words + 1, 4, words, 4, 0));
    put(12, bpf_xdp_get_buff_len(ctx));
    if (data[20] & 1)
        bpf_xdp_adjust_head(ctx, -8);
    put(13, bpf_xdp_get_buff_len(ctx));
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
