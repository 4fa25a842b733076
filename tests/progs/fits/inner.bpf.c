// SPDX-License-Identifier: BSD-3-Clause
/* A map of maps whose definition says what is in it. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct inner {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, __u64[2]);
} first SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 8);
    __type(key, __u32);
    __array(values, struct inner);
} outer SEC(".maps") = {.values = {[2] = &first}};

SEC("xdp") int inner(struct xdp_md *ctx)
{
    __u32 key = ctx->rx_queue_index;
    void *map = bpf_map_lookup_elem(&outer, &key);
    __u64 *value = map ? bpf_map_lookup_elem(map, &key) : 0;

    if (value)
        value[OFFSET]++;
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
