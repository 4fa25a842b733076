/* SPDX-License-Identifier: BSD-3-Clause */
/* A function whose address is taken. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

static int step(__u32 i, void *data)
{
    *(__u32 *)data += i;
    return 0;
}

SEC("xdp")
int callback(struct xdp_md *ctx)
{
    __u32 sum = 0;

    bpf_loop(4, step, &sum, 0);
    return sum == 6 ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
