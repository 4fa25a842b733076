/* SPDX-License-Identifier: BSD-3-Clause */
/* The packet's length from before the packet was moved: clang subtracts the old pointers after the call. Both widths. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct lengths {
    __u32 narrow;
    __u32 unused;
    __u64 wide;
};

SEC("xdp")
int length_across_move(struct xdp_md *ctx)
{
    __u64 wide = ctx->data_end - ctx->data;
    __u32 narrow = ctx->data_end - ctx->data;
    struct lengths *lengths;

    if (bpf_xdp_adjust_head(ctx, -16))
        return XDP_ABORTED;
    lengths = (void *)(long)ctx->data;
    if ((void *)(lengths + 1) > (void *)(long)ctx->data_end)
        return XDP_ABORTED;
    lengths->narrow = narrow * 3;
    lengths->unused = 0;
    lengths->wide = wide + 1;
    if (bpf_xdp_adjust_tail(ctx, -4))
        return XDP_ABORTED;
    return narrow > 100 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
