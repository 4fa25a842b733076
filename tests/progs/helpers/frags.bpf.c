/* SPDX-License-Identifier: BSD-3-Clause */
/* A program that takes packets in several buffers (xdp.frags), which is given them in one: lengths, bytes and both ends are as without. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "results.h"

SEC("xdp.frags")
int frags(struct xdp_md *ctx)
{
    __u32 length = bpf_xdp_get_buff_len(ctx);
    __u8 bytes[8] = {};
    __u32 choice;

    if (bpf_xdp_load_bytes(ctx, 6, bytes, 6))
        return XDP_DROP;
    choice = bytes[5] ^ length;
    put(0, length);
    put(1, bpf_xdp_load_bytes(ctx, length - 8, bytes, 8)); /* the last ones */
    put(2, bpf_xdp_load_bytes(ctx, length - 7, bytes, 8)); /* one too far */
    put(3, bpf_xdp_store_bytes(ctx, length - 4, bytes, 4));
    put(4, bpf_xdp_store_bytes(ctx, length, bytes, 1));
    switch (choice & 3) {
    case 0:
        put(5, bpf_xdp_adjust_tail(ctx, 100));
        break;
    case 1:
        put(5, bpf_xdp_adjust_tail(ctx, -(int)(choice & 63)));
        break;
    case 2:
        put(5, bpf_xdp_adjust_tail(ctx, 4000)); /* no room */
        break;
    default:
        put(5, bpf_xdp_adjust_tail(ctx, -(int)length + 14)); /* as short as it gets, and one less */
        put(6, bpf_xdp_adjust_tail(ctx, -1));
        break;
    }
    put(7, bpf_xdp_adjust_head(ctx, choice & 4 ? -20 : 6));
    put(0, bpf_xdp_get_buff_len(ctx));
    return choice & 8 ? XDP_PASS : XDP_TX;
}

char _license[] SEC("license") = "GPL";
