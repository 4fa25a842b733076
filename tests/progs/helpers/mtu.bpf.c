/* SPDX-License-Identifier: BSD-3-Clause */
/* What fits the interfaces' MTUs: the packet as it is, changed by so many bytes, and lengths that the program names. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "results.h"

SEC("xdp")
int mtu(struct xdp_md *ctx)
{
    __u32 length = 0;
    __u8 *p = (void *)(long)ctx->data;
    __u32 some;

    if (p + 14 > (__u8 *)(long)ctx->data_end)
        return XDP_DROP;
    some = p[5] | p[4] << 8;
    put(0, bpf_check_mtu(ctx, 0, &length, 0, 0));
    put(1, length);
    length = some & 0x7ff;
    put(2, bpf_check_mtu(ctx, some % 12, &length, (int)(some >> 4 & 255) - 128, 0));
    put(3, length);
    length = 0;
    put(4, bpf_check_mtu(ctx, 4, &length, 1400, 0));
    put(5, bpf_check_mtu(ctx, 3, &length, -70000, some & 1));
    put(6, bpf_check_mtu(ctx, 3, &length, 0, 1ull << 32));
    put(7, length);
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
