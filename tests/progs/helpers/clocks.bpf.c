/* SPDX-License-Identifier: BSD-3-Clause */
/* The clocks and the node: all of them follow the packet's arrival. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 8);
    __type(key, __u32);
    __type(value, __u64);
} results SEC(".maps");

static __always_inline void put(__u32 index, __u64 result)
{
    __u64 *entry = bpf_map_lookup_elem(&results, &index);

    if (entry)
        *entry = *entry * 31 + result;
}

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
