// SPDX-License-Identifier: BSD-3-Clause
/* Tail calls in functions, many: a function that is called in a loop, more often than tail calls are made, goes on in a program that goes on in
 * itself. -DPLAIN: in others that don't. -DBACK: the function goes on in its own caller, over and over. -DLARGE: more stack than there is. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

int again(struct xdp_md *ctx);
int again_self(struct xdp_md *ctx);
int again_other(struct xdp_md *ctx);

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 4);
    __uint(key_size, sizeof(__u32));
    __array(values, int(struct xdp_md *));
} steps SEC(".maps") = {
#ifdef BACK
    .values = {[0] = &again},
#elif defined(PLAIN)
    .values = {[0] = &again_other, [1] = &again_other, [2] = &again_other},
#else
    .values = {[0] = &again_self, [2] = &again_other},
#endif
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, __u64);
} seen SEC(".maps");

static __always_inline __u64 count(__u32 slot)
{
    __u64 *n = bpf_map_lookup_elem(&seen, &slot);

    return n ? ++*n : 0;
}

static __attribute__((noinline)) int step(struct xdp_md *ctx, __u32 which)
{
    int own = 5;

    bpf_tail_call(ctx, &steps, which);
    asm volatile("" : "+r"(own));
    return own;
}

SEC("xdp")
int again(struct xdp_md *ctx)
{
    __u32 sum = 0;

#ifdef LARGE
    volatile __u64 room[20] = {0};

    room[ctx->rx_queue_index & 15] = 1;
#endif
    for (int i = 0; i < ROUNDS; i++)
        sum = sum * 3 + step(ctx, i % 4);
    count(2);
#ifdef LARGE
    sum += room[3];
#endif
    return sum % 5;
}

/* Goes on in itself while the packet's own count is odd. */
SEC("xdp")
int again_self(struct xdp_md *ctx)
{
#ifdef LARGE
    volatile __u64 room[50] = {0};

    room[ctx->rx_queue_index & 31] = 2;
#endif
    if (count(0) % 4)
        bpf_tail_call(ctx, &steps, 0);
    return 11;
}

SEC("xdp")
int again_other(struct xdp_md *ctx)
{
    return 20 + count(1) % 3;
}

char _license[] SEC("license") = "GPL";
