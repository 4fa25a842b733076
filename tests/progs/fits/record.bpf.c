// SPDX-License-Identifier: BSD-3-Clause
/* A record that is lost on one path. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} events SEC(".maps");

SEC("xdp") int record(struct xdp_md *ctx)
{
    __u64 *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0); /* line 15 */

    if (!event)
        return XDP_PASS;
    *event = ctx->rx_queue_index;
    if (*event == 3)
        return XDP_DROP;
    bpf_ringbuf_submit(event, 0);
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
