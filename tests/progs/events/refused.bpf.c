/* SPDX-License-Identifier: BSD-3-Clause */
/* Events that hardware does not make; each program's line says "here". */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define RING(name)                                                                                 \
    struct {                                                                                       \
        __uint(type, BPF_MAP_TYPE_RINGBUF);                                                        \
        __uint(max_entries, 16384);                                                                \
    } name SEC(".maps")

RING(ring);
RING(r1);
RING(r2);
RING(r3);
RING(r4);
RING(r5);
RING(r6);
RING(r7);
RING(r8);

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(__u32));
} perf SEC(".maps"), other SEC(".maps");

SEC("xdp")
int many(struct xdp_md *ctx)
{
    __u32 v = ctx->rx_queue_index;

#pragma clang loop unroll(full)
    for (int i = 0; i < 65; i++)
        bpf_ringbuf_output(&ring, &v, 4, 0); /* IRB0026 here */
    return XDP_PASS;
}

SEC("xdp")
int loop(struct xdp_md *ctx)
{
    __u32 v = 0;

#pragma clang loop unroll(disable)
    for (__u32 i = 0; i < ctx->rx_queue_index && i < 8; i++) {
        v += i;
        bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &v, 4); /* IRB0027 here */
    }
    return XDP_PASS;
}

SEC("xdp")
int large(struct xdp_md *ctx)
{
    __u64 *r = bpf_ringbuf_reserve(&ring, 5000, 0); /* IRB0028 here */

    if (!r)
        return XDP_DROP;
    r[0] = 1;
    bpf_ringbuf_submit(r, 0);
    return XDP_PASS;
}

SEC("xdp")
int rings(struct xdp_md *ctx)
{
    __u32 v = ctx->rx_queue_index;

    bpf_ringbuf_output(&r1, &v, 4, 0);
    bpf_ringbuf_output(&r2, &v, 4, 0);
    bpf_ringbuf_output(&r3, &v, 4, 0);
    bpf_ringbuf_output(&r4, &v, 4, 0);
    bpf_ringbuf_output(&r5, &v, 4, 0);
    bpf_ringbuf_output(&r6, &v, 4, 0);
    bpf_ringbuf_output(&r7, &v, 4, 0);
    bpf_ringbuf_output(&r8, &v, 4, 0);
    return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) ? XDP_DROP : XDP_PASS; /* IRB0020 here */
}

SEC("xdp")
int which(struct xdp_md *ctx)
{
    __u32 v = ctx->rx_queue_index;
    void *map = v & 1 ? (void *)&perf : (void *)&other;

    asm volatile("" : "+r"(map));
    bpf_perf_event_output(ctx, map, BPF_F_CURRENT_CPU, &v, 4); /* IRB0021 here */
    return XDP_PASS;
}

SEC("xdp")
int leavings(struct xdp_md *ctx)
{
    __u32 *r = bpf_ringbuf_reserve(&ring, 16, 0);
    __u32 v;

    if (!r)
        return XDP_DROP;
    if (ctx->rx_queue_index == 1)
        r[1] = 7;
    v = r[1]; /* IRB0022 here */
    r[2] = v;
    bpf_ringbuf_submit(r, 0);
    return XDP_PASS;
}

SEC("xdp")
int positions(struct xdp_md *ctx)
{
    return bpf_ringbuf_query(&ring, BPF_RB_PROD_POS) & 8 ? XDP_DROP : XDP_PASS; /* IRB0023 here */
}

SEC("xdp")
int text(struct xdp_md *ctx)
{
    char word[8] = "x";

    bpf_printk("%s", word); /* IRB0024 here */
    return XDP_PASS;
}

SEC("xdp")
int length(struct xdp_md *ctx)
{
    return bpf_printk("%u", ctx->rx_queue_index) > 1 ? XDP_DROP : XDP_PASS; /* IRB0025 here */
}

char _license[] SEC("license") = "GPL";
