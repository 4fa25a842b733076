/* SPDX-License-Identifier: BSD-3-Clause */
/* A map of programs that the object leaves empty: who loads it says what is there. CHAIN programs of their own stand beside, each of
 * which goes on in the slot after its own; the first goes on in slot 0. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#ifndef CHAIN
#define CHAIN 36
#endif

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, CHAIN + 1);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(__u32));
} steps SEC(".maps");

SEC("xdp")
int open_first(struct xdp_md *ctx)
{
    bpf_tail_call(ctx, &steps, 0);
    return XDP_ABORTED;
}

/* Each adds one to the packet's first byte, so that it says how many ran. */
#define STEP(n)                                                                                                        \
    SEC("xdp")                                                                                                         \
    int step_##n(struct xdp_md *ctx)                                                                                   \
    {                                                                                                                  \
        __u8 *data = (void *)(long)ctx->data;                                                                          \
        __u8 *end = (void *)(long)ctx->data_end;                                                                       \
                                                                                                                       \
        if (data + 14 > end)                                                                                           \
            return XDP_DROP;                                                                                           \
        data[0] += 1;                                                                                                  \
        bpf_tail_call(ctx, &steps, n + 1);                                                                             \
        return n & 1 ? XDP_TX : XDP_PASS;                                                                              \
    }

STEP(0) STEP(1) STEP(2) STEP(3)
#if CHAIN > 4
STEP(4) STEP(5) STEP(6) STEP(7) STEP(8) STEP(9) STEP(10) STEP(11) STEP(12) STEP(13) STEP(14) STEP(15) STEP(16) STEP(17) STEP(18)
STEP(19) STEP(20) STEP(21) STEP(22) STEP(23) STEP(24) STEP(25) STEP(26) STEP(27) STEP(28) STEP(29) STEP(30) STEP(31) STEP(32)
STEP(33) STEP(34) STEP(35)
#endif

#ifdef LONG
/* A loop whose unrolled rounds are more than a pipeline has room for. */
SEC("xdp")
int long_loop(struct xdp_md *ctx)
{
    __u8 *data = (void *)(long)ctx->data;
    __u8 *end = (void *)(long)ctx->data_end;
    __u32 h = 1;

    if (data + 64 > end)
        return XDP_DROP;
#pragma clang loop unroll(disable)
    for (__u32 i = 0; i < 64; i++) {
        h += data[i];
#pragma clang loop unroll(disable)
        for (__u32 k = 0; k < 128; k++) {
            h ^= h << 13;
            h ^= h >> 17;
            h ^= h << 5;
        }
    }
    return h & 1 ? XDP_PASS : XDP_DROP;
}
#endif

char _license[] SEC("license") = "GPL";
