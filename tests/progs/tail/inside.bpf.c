// SPDX-License-Identifier: BSD-3-Clause
/* Tail calls in functions: the other program's end is the function's, and the caller goes on with its value. Programs that write the packet,
 * move its start, call functions of their own, go on in others, from a function too. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

int inside_plain(struct xdp_md *ctx);
int inside_write(struct xdp_md *ctx);
int inside_move(struct xdp_md *ctx);
int inside_on(struct xdp_md *ctx);
int inside_deeper(struct xdp_md *ctx);

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 8);
    __uint(key_size, sizeof(__u32));
    __array(values, int(struct xdp_md *));
} steps SEC(".maps") = {
    .values = {[0] = &inside_plain, [1] = &inside_write, [2] = &inside_move, [3] = &inside_on, [5] = &inside_deeper},
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 16);
    __type(key, __u32);
    __type(value, __u64);
} seen SEC(".maps");

static __always_inline void count(__u32 slot, __u64 by)
{
    __u64 *n = bpf_map_lookup_elem(&seen, &slot);

    if (n)
        __sync_fetch_and_add(n, by);
}

/* A number of which clang knows nothing: it takes what a function returns itself for all that the function returns. */
static __always_inline int hidden(int number)
{
    asm volatile("" : "+r"(number));
    return number;
}

static __attribute__((noinline)) int step(struct xdp_md *ctx, __u32 which)
{
    bpf_tail_call(ctx, &steps, which);
    count(8, which);
    return hidden(7);
}

/* A function above: its caller's end comes back here. */
static __attribute__((noinline)) int twice(struct xdp_md *ctx, __u32 which)
{
    int first = step(ctx, which & 7);

    count(9, first);
    return first * 16 + step(ctx, which >> 4 & 7);
}

SEC("xdp")
int inside(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    volatile __u32 kept; /* below it lie the frames of all others */
    __u32 which, verdict;

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    kept = ip->id;
    which = ip->saddr >> 24 ^ ip->protocol;
    verdict = twice(ctx, which);
    count(10, verdict);
    count(11, kept);
    data = (void *)(long)ctx->data;
    end = (void *)(long)ctx->data_end;
    if (data + 16 > end)
        return XDP_ABORTED;
    *(__u16 *)(data + 12) = verdict;
    return verdict & 1 ? XDP_TX : XDP_PASS;
}

SEC("xdp")
int inside_plain(struct xdp_md *ctx)
{
    volatile __u32 own[6] = {1, 2, 3, 4, 5, 6}; /* where its callers' frames are not */

    count(0, own[ctx->rx_queue_index & 3]);
    return ctx->rx_queue_index + 2;
}

SEC("xdp")
int inside_write(struct xdp_md *ctx)
{
    __u8 *data = (void *)(long)ctx->data;

    if (data + 14 > (__u8 *)(long)ctx->data_end)
        return 0;
    data[5]++;
    count(1, data[5]);
    return data[6];
}

SEC("xdp")
int inside_move(struct xdp_md *ctx)
{
    if (bpf_xdp_adjust_head(ctx, 4))
        return 100;
    return 33;
}

/* Goes on in the program of slot 1, and in the end in none. */
SEC("xdp")
int inside_on(struct xdp_md *ctx)
{
    count(3, 1);
    bpf_tail_call(ctx, &steps, 1);
    return 1;
}

static __attribute__((noinline)) int deep(struct xdp_md *ctx)
{
    bpf_tail_call(ctx, &steps, 0);
    return hidden(3);
}

SEC("xdp")
int inside_deeper(struct xdp_md *ctx)
{
    int got = deep(ctx);

    count(5, got);
    return got + 1000;
}

char _license[] SEC("license") = "GPL";
