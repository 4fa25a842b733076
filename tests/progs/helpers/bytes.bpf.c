/* SPDX-License-Identifier: BSD-3-Clause */
/* Packet bytes copied to the stack and to a map's value, and back: of constant and of run-time numbers, within the packet
 * and beyond. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "results.h"

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u8[64]);
} seen SEC(".maps");

static const __u8 stamp[6] = {2, 0, 0, 0, 0, 1};

SEC("xdp")
int bytes(struct xdp_md *ctx)
{
    __u32 zero = 0;
    __u8 *value = bpf_map_lookup_elem(&seen, &zero);
    __u8 head[16] = {};
    __u32 size;

    if (!value)
        return XDP_ABORTED;
    put(0, bpf_xdp_load_bytes(ctx, 0, head, 14));
    put(1, bpf_xdp_load_bytes(ctx, 60, value, 20)); /* often beyond the end */
    put(2, bpf_xdp_load_bytes(ctx, 14 + (head[13] & 15), head, 12));
    size = (head[9] & 3) + 1;
    put(3, bpf_xdp_load_bytes(ctx, 6, value + 24, size));
    put(4, bpf_xdp_load_bytes(ctx, -1, head, 4));
    put(5, bpf_xdp_store_bytes(ctx, 0, (void *)stamp, sizeof(stamp)));
    put(6, bpf_xdp_store_bytes(ctx, head[3] & 15, head, 7));
    if (head[5] & 1)
        put(7, bpf_xdp_adjust_head(ctx, 8));
    put(7, bpf_xdp_store_bytes(ctx, 20, value + 5, 13));
    return head[5] & 1 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
