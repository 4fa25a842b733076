/* SPDX-License-Identifier: BSD-3-Clause */
/* Functions everywhere: static and global ones, in .text and beside the programs; there libbpf
 * refuses static ones, hence FOR_LIBBPF. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

static __noinline int in_text(int a)
{
    return a * 3 + 1;
}

__noinline int global_in_text(int a)
{
    return in_text(a) ^ a;
}

#ifndef FOR_LIBBPF
SEC("xdp")
#endif
static __noinline int beside(int a)
{
    return global_in_text(a + 2) - a;
}

SEC("xdp") int first(struct xdp_md *ctx)
{
    return beside(ctx->rx_queue_index) & 3;
}

SEC("xdp") int second(struct xdp_md *ctx)
{
    return in_text(ctx->ingress_ifindex) & 1;
}

SEC("xdp/named") int third(struct xdp_md *ctx)
{
    return XDP_PASS;
}

SEC("xdp.frags") int fourth(struct xdp_md *ctx)
{
    return global_in_text(ctx->rx_queue_index) & 1;
}

SEC("tc") int other(struct __sk_buff *skb)
{
    return beside(skb->len);
}

char LICENSE[] SEC("license") = "GPL";
