/* SPDX-License-Identifier: BSD-3-Clause */
/* The clocks and the node: all of them follow the packet's arrival. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "results.h"

SEC("xdp")
int clocks(struct xdp_md *ctx)
{
    const __u64 jiffies = bpf_jiffies64();

    put(0, bpf_ktime_get_boot_ns());
    put(1, bpf_ktime_get_coarse_ns());
    put(2, bpf_ktime_get_tai_ns());
    put(3, jiffies);
    put(4, bpf_get_numa_node_id());
    return jiffies & 1 ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
