/* SPDX-License-Identifier: BSD-3-Clause */
/* Metadata of constant lengths: what a network card's driver or a program before leaves for the stack. They are cut, grow,
 * and move with the packet's start. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "results.h"

SEC("xdp")
int mark(struct xdp_md *ctx)
{
    __u32 *words;
    __u8 *p;

    put(0, bpf_xdp_adjust_meta(ctx, -20));
    words = (void *)(long)ctx->data_meta;
    p = (void *)(long)ctx->data;
    if ((void *)(words + 5) > (void *)p || p + 14 > (__u8 *)(long)ctx->data_end)
        return XDP_DROP;
    words[0] = 0x11223344;
    words[1] = p[13];
    words[2] = ctx->data_end - ctx->data;
    words[3] = p[5];
    words[4] = 77;
    if (p[12] == 8)
        put(1, bpf_xdp_adjust_head(ctx, -8));
    if (ctx->data_end - ctx->data > 500)
        return XDP_TX;
    put(2, bpf_xdp_adjust_meta(ctx, -233));
    put(3, bpf_xdp_adjust_meta(ctx, 10));
    put(4, bpf_xdp_adjust_meta(ctx, 24));
    put(5, bpf_xdp_adjust_meta(ctx, 8));
    put(6, bpf_xdp_adjust_head(ctx, 6));
    put(7, bpf_xdp_adjust_meta(ctx, -4));
    words = (void *)(long)ctx->data_meta;
    if ((void *)(words + 4) <= (void *)(long)ctx->data)
        words[1] ^= words[0];
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
