/* SPDX-License-Identifier: BSD-3-Clause */
/* Events for the host: perf events with a part of the packet behind them, records of a ring buffer that gets full. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

#include "results.h"

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(__u32));
} samples SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} records SEC(".maps");

struct sample {
    __u32 src;
    __u16 length;
    __u8 text[100];
};

SEC("xdp")
int events(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    struct sample s = {};
    __u64 bytes;

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    s.src = ip->saddr;
    s.length = end - data;
    __builtin_memcpy(s.text, data, 20);
    bytes = 1 + (ip->id & 63);
    put(0, bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU | (__u64)(ip->ttl & 63) << 32, &s, bytes));
    put(1, bpf_perf_event_output(ctx, &samples, bpf_get_smp_processor_id(), &s, 0));
    put(2, bpf_perf_event_output(ctx, &samples, 1000, &s, 4));
    put(3, bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU | 9000ULL << 32, &s, 4));
    put(4, bpf_perf_event_output(ctx, &samples, 1ULL << 60, &s, 4));
    put(5, bpf_ringbuf_output(&records, &s, bytes, 0));
    put(6, bpf_ringbuf_output(&records, &s, sizeof(s), BPF_RB_NO_WAKEUP));
    put(6, bpf_ringbuf_output(&records, &s, 8, 4));
    for (int i = 0; i < 60 && ip->protocol == 17; i++) /* too many for it */
        put(7, bpf_ringbuf_output(&records, &s, 90, 0));
    put(7, bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA) + bpf_ringbuf_query(&records, BPF_RB_RING_SIZE));
    put(7, bpf_ringbuf_query(&records, BPF_RB_CONS_POS) ^ bpf_ringbuf_query(&records, BPF_RB_PROD_POS));
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
