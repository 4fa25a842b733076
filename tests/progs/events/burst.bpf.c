// SPDX-License-Identifier: BSD-3-Clause
/* So many perf events a packet as a map says. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct record {
    __u64 number;
    __u64 more[49];
};

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __uint(max_entries, 64);
    __type(key, int);
    __type(value, int);
} events SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} wanted SEC(".maps");

SEC("xdp") int burst(struct xdp_md *ctx)
{
    __u32 key = 0;
    const __u32 *count = bpf_map_lookup_elem(&wanted, &key);
    struct record record = {};

    if (!count)
        return XDP_ABORTED;
    for (__u32 i = 0; i < 2000 && i < *count; i++) {
        record.number = i;
        bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &record, sizeof(record));
    }
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
