/* SPDX-License-Identifier: BSD-3-Clause */
/* A tail call in a function: the other program's end is the function's return. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

int other(struct xdp_md *ctx);

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 1);
    __uint(key_size, sizeof(__u32));
    __array(values, int(struct xdp_md *));
} steps SEC(".maps") = {.values = {[0] = &other}};

static __attribute__((noinline)) int leave(struct xdp_md *ctx)
{
    bpf_tail_call(ctx, &steps, 0);
    return XDP_DROP;
}

SEC("xdp")
int function(struct xdp_md *ctx)
{
    return leave(ctx) + 1;
}

SEC("xdp")
int other(struct xdp_md *ctx)
{
    return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
