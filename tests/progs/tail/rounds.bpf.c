/* SPDX-License-Identifier: BSD-3-Clause */
/* Two programs that go on in each other, by what the packet says, until no more tail calls are made: 33 of a packet. Each has a
 * loop of its own, and moves the packet. */
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_helpers.h>

#include "../helpers/results.h"

int rounds_left(struct xdp_md *ctx);
int rounds_right(struct xdp_md *ctx);

enum { LEFT, RIGHT, SIDES };

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, SIDES);
    __uint(key_size, sizeof(__u32));
    __array(values, int(struct xdp_md *));
} sides SEC(".maps") = {
    .values = {[LEFT] = &rounds_left, [RIGHT] = &rounds_right},
};

SEC("xdp")
int rounds(struct xdp_md *ctx)
{
    put(0, ctx->data_end - ctx->data);
    bpf_tail_call(ctx, &sides, RIGHT);
    return XDP_ABORTED;
}

SEC("xdp")
int rounds_left(struct xdp_md *ctx)
{
    __u8 *data = (void *)(long)ctx->data;
    __u8 *end = (void *)(long)ctx->data_end;
    __u32 sum = 0, slot;

    if (data + 24 > end)
        return XDP_DROP;
    slot = data[14] & 1 ? RIGHT : LEFT;
    for (__u32 i = 0; i < 4 && i <= (data[15] & 7u); i++)
        sum += data[16 + i];
    data[20] = sum;
    data[14] = data[14] >> 1 | data[14] << 7;
    bpf_tail_call(ctx, &sides, slot + (data[21] == 77));
    put(1, sum);
    return XDP_TX;
}

SEC("xdp")
int rounds_right(struct xdp_md *ctx)
{
    __u8 *data = (void *)(long)ctx->data;
    __u8 *end = (void *)(long)ctx->data_end;
    __u32 mixed;

    if (data + 64 > end || bpf_xdp_adjust_head(ctx, 2))
        return XDP_PASS;
    data = (void *)(long)ctx->data;
    end = (void *)(long)ctx->data_end;
    if (data + 32 > end)
        return XDP_DROP;
    mixed = data[14] ^= data[31];
    bpf_tail_call(ctx, &sides, mixed % 3); /* 2: beyond the end */
    put(2, mixed);
    return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
