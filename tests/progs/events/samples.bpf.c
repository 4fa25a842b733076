/* SPDX-License-Identifier: BSD-3-Clause */
/* Perf events with a part of the packet that is known at run time, after its start has moved, beside metadata and redirects. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(__u32));
} samples SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(__u32));
    __uint(max_entries, 2);
} few SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 8);
    __type(key, __u32);
    __type(value, __u64);
} results SEC(".maps");

static __always_inline void note(__u32 at, __u64 value)
{
    __u64 *v = bpf_map_lookup_elem(&results, &at);

    if (v)
        *v += value;
}

SEC("xdp")
int samples_of(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    __u64 bytes, head[3] = {1, 2, 3};
    __u32 how, *meta;
    int err;

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    how = ip->saddr;
    head[1] = ip->id;
    if (how & 1)
        err = bpf_xdp_adjust_head(ctx, -14);
    else
        err = bpf_xdp_adjust_head(ctx, 6);
    note(0, (__u64)(__s64)err);
    if (how & 2 && !bpf_xdp_adjust_meta(ctx, -4)) {
        data = (void *)(long)ctx->data;
        meta = (void *)(long)ctx->data_meta;
        if ((void *)(meta + 1) <= data)
            *meta = how;
    }
    data = (void *)(long)ctx->data;
    end = (void *)(long)ctx->data_end;
    bytes = end - data;
    if (bytes > 1800)
        bytes = 1800;
    if (!(how & 4))
        note(1, bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU | bytes << 32, head, sizeof(head)));
    note(2, bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU | (__u64)(how >> 8 & 127) << 32, head, 1 + (how >> 16 & 15)));
    note(3, bpf_perf_event_output(ctx, &samples, 1, head, 8));
    note(4, bpf_perf_event_output(ctx, &few, BPF_F_CURRENT_CPU, head, 20));
    note(5, bpf_perf_event_output(ctx, &few, how & 7, head, 12));
    note(6, bpf_perf_event_output(ctx, &few, 1ULL << 60, head, 4));
    if (how & 8)
        return bpf_redirect(how & 3, 0);
    return how & 16 ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
