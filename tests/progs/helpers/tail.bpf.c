/* SPDX-License-Identifier: BSD-3-Clause */
/* A parser in pieces: each program goes on in the next, by what the packet holds; one of them over and over, until no more
 * tail calls are made. What each did comes together in a map. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

#include "results.h"

int parse_ip(struct xdp_md *ctx);
int parse_other(struct xdp_md *ctx);
int again(struct xdp_md *ctx);

enum { STEP_IP, STEP_OTHER, STEP_AGAIN, STEP_NONE, STEPS };

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, STEPS);
    __uint(key_size, sizeof(__u32));
    __array(values, int(struct xdp_md *));
} steps SEC(".maps") = {
    .values = {[STEP_IP] = &parse_ip, [STEP_OTHER] = &parse_other, [STEP_AGAIN] = &again},
};

SEC("xdp")
int tail(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    __u32 type, odd;

    if ((void *)(eth + 1) > end)
        return XDP_DROP;
    type = eth->h_proto;
    odd = eth->h_source[5];
    put(0, type);
    bpf_tail_call(ctx, &steps, STEP_NONE); /* nothing there */
    bpf_tail_call(ctx, &steps, STEPS + odd);
    bpf_tail_call(ctx, &steps, type == 0x0008 ? STEP_IP : STEP_OTHER);
    return XDP_ABORTED;
}

SEC("xdp")
int parse_ip(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    put(1, ip->saddr ^ ip->id);
    if (ip->protocol == 17)
        bpf_tail_call(ctx, &steps, STEP_AGAIN);
    return XDP_PASS;
}

SEC("xdp")
int parse_other(struct xdp_md *ctx)
{
    put(2, ctx->data_end - ctx->data);
    return bpf_xdp_adjust_head(ctx, -4) ? XDP_ABORTED : XDP_TX;
}

SEC("xdp")
int again(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    __u8 *byte = data + 20, times;

    if ((void *)(byte + 1) > end)
        return XDP_DROP;
    times = ++*byte; /* so often was it here */
    bpf_tail_call(ctx, &steps, STEP_AGAIN);
    put(3, times);
    return XDP_TX;
}

char _license[] SEC("license") = "GPL";
