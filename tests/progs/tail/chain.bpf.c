/* SPDX-License-Identifier: BSD-3-Clause */
/* A parser, a program for each protocol, and a forwarder behind them: tail calls between all, through two maps, at constant and
 * run-time indices, to empty slots and beyond the end. What a program leaves for the next is in the packet, in maps, in the
 * pending redirect and in the random generator; registers and stack start anew. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_helpers.h>

#include "../helpers/results.h"

int chain_ip(struct xdp_md *ctx);
int chain_ip6(struct xdp_md *ctx);
int chain_other(struct xdp_md *ctx);
int chain_forward(struct xdp_md *ctx);
int chain_drop(struct xdp_md *ctx);

enum { BY_IP, BY_IP6, BY_OTHER, PROTOCOLS = 5 };
enum { END_FORWARD, END_DROP, END_NONE, ENDS };

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, PROTOCOLS);
    __uint(key_size, sizeof(__u32));
    __array(values, int(struct xdp_md *));
} protocols SEC(".maps") = {
    .values = {[BY_IP] = &chain_ip, [BY_IP6] = &chain_ip6, [BY_OTHER] = &chain_other},
};

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, ENDS);
    __uint(key_size, sizeof(__u32));
    __array(values, int(struct xdp_md *));
} ends SEC(".maps") = {
    .values = {[END_FORWARD] = &chain_forward, [END_DROP] = &chain_drop},
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 8);
    __type(key, __u32);
    __type(value, __u64);
} counts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64);
    __type(key, __u32);
    __type(value, __u32);
} talkers SEC(".maps");

static __always_inline void count(__u32 what)
{
    __u64 *n = bpf_map_lookup_elem(&counts, &what);

    if (n)
        *n += 1;
}

/* Functions stay what they are in each program. */
static __attribute__((noinline)) __u32 mix(__u32 a, __u32 b)
{
    return (a << 5 | a >> 27) + (b ^ a >> 3);
}

SEC("xdp")
int chain(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    volatile __u64 left[4]; /* what the next program must not see */
    __u32 type, host;

    if ((void *)(eth + 1) > end)
        return XDP_DROP;
    type = eth->h_proto;
    host = eth->h_source[5];
    for (int i = 0; i < 4; i++)
        left[i] = type ^ ~0ull;
    count(0);
    put(0, mix(type, bpf_get_prandom_u32()));
    bpf_tail_call(ctx, &protocols, PROTOCOLS);  /* beyond the end */
    bpf_tail_call(ctx, &protocols, PROTOCOLS - 1); /* nothing there */
    bpf_tail_call(ctx, &protocols, host + 3); /* the same, whichever */
    if (type == 0x0008)
        bpf_tail_call(ctx, &protocols, BY_IP);
    else if (type == 0xdd86)
        bpf_tail_call(ctx, &protocols, BY_IP6);
    if (type == 0x0608 || host & 1)
        bpf_tail_call(ctx, &protocols, BY_OTHER);
    put(1, left[host & 3]); /* fallen through: all is as it was */
    return XDP_PASS;
}

SEC("xdp")
int chain_ip(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    __u32 saddr, one = 1, *seen;

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    saddr = ip->saddr;
    count(1);
    seen = bpf_map_lookup_elem(&talkers, &saddr);
    if (seen)
        *seen += 1;
    else
        bpf_map_update_elem(&talkers, &saddr, &one, BPF_ANY);
    if (ip->protocol == IPPROTO_UDP && bpf_redirect(3, 0) == XDP_REDIRECT && bpf_xdp_adjust_head(ctx, -8))
        return XDP_ABORTED;
    bpf_tail_call(ctx, &ends, saddr & 3); /* 0 to 3: each end, an empty slot, beyond the end */
    bpf_map_delete_elem(&talkers, &saddr);
    return XDP_TX;
}

SEC("xdp")
int chain_ip6(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct ipv6hdr *ip = data + sizeof(struct ethhdr);

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    count(2);
    ip->hop_limit -= 1;
    bpf_tail_call(ctx, &ends, END_FORWARD);
    return XDP_ABORTED;
}

SEC("xdp")
int chain_other(struct xdp_md *ctx)
{
    count(3);
    put(2, ctx->data_end - ctx->data);
    if (bpf_xdp_adjust_tail(ctx, 6))
        return XDP_ABORTED;
    bpf_tail_call(ctx, &ends, END_DROP);
    return XDP_PASS;
}

SEC("xdp")
int chain_forward(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    __u8 was[ETH_ALEN];

    if ((void *)(eth + 1) > end)
        return XDP_DROP;
    count(4);
    put(3, mix(bpf_get_prandom_u32(), eth->h_proto));
    __builtin_memcpy(was, eth->h_dest, sizeof(was));
    __builtin_memcpy(eth->h_dest, eth->h_source, sizeof(was));
    __builtin_memcpy(eth->h_source, was, sizeof(was));
    return data + 64 > end ? XDP_TX : XDP_REDIRECT; /* where chain_ip said, if it did */
}

SEC("xdp")
int chain_drop(struct xdp_md *ctx)
{
    put(4, ctx->data_end - ctx->data);
    count(5);
    return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
