/* SPDX-License-Identifier: BSD-3-Clause */
/* Metadata in front of the packet, of all sizes, across moves of the packet's start; packet bytes copied to and from the
 * stack. */
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_helpers.h>

#include "results.h"

SEC("xdp")
int meta(struct xdp_md *ctx)
{
    __u8 bytes[12] = {};
    __u32 *mark;
    int size;

    put(0, bpf_xdp_load_bytes(ctx, 2, bytes, sizeof(bytes)));
    put(1, bpf_xdp_load_bytes(ctx, bytes[9] * 64, bytes, 8)); /* now and then outside */
    put(2, bpf_xdp_load_bytes(ctx, 0x10000 + bytes[8], bytes, 4));
    size = (bytes[9] ^ bytes[3]) % 80 * 4 - 16;
    if (bytes[5] % 16 == 0)
        size++;
    put(3, bpf_xdp_adjust_meta(ctx, -size));
    mark = (void *)(long)ctx->data_meta;
    if ((void *)(mark + 2) <= (void *)(long)ctx->data) {
        mark[0] = *(__u32 *)bytes;
        mark[1] = size;
    }
    put(4, ctx->data - ctx->data_meta);
    put(5, bpf_xdp_adjust_head(ctx, (int)(bytes[4] % 32) - 16));
    put(5, bpf_xdp_adjust_meta(ctx, 4));
    mark = (void *)(long)ctx->data_meta;
    if ((void *)(mark + 1) <= (void *)(long)ctx->data)
        put(6, *mark);
    put(7, bpf_xdp_store_bytes(ctx, bytes[4], bytes, sizeof(bytes)));
    return bytes[9] & 1 ? XDP_PASS : XDP_TX;
}

char _license[] SEC("license") = "GPL";
