/* SPDX-License-Identifier: BSD-3-Clause */
/* Sums of packet bytes by bpf_loop, one loop within the other; records of a ring buffer that are filled in place. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

#include "results.h"

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 8192);
} records SEC(".maps");

struct sum {
    __u64 total;
    __u32 most;
    __u32 rounds;
};

static long add_small(__u32 i, struct sum *s)
{
    s->total = s->total * 7 + i;
    return i == 5;
}

static long add(__u32 i, struct sum *s)
{
    s->rounds += bpf_loop(i, add_small, s, 0);
    s->total ^= s->rounds;
    return s->rounds > s->most;
}

SEC("xdp")
int loop(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    struct sum s = {}, *record;

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    s.most = ip->ttl & 63;
    put(0, bpf_loop(ip->id & 31, add, &s, 0));
    put(1, s.total);
    put(2, bpf_loop(1, add, &s, 1)); /* flags that there are none of */
    put(3, (int)bpf_loop(1 << 24, add, &s, 0)); /* too often */
    record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
    if (!record)
        return XDP_ABORTED;
    *record = s;
    if (s.total & 1)
        bpf_ringbuf_submit(record, 0);
    else
        bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
    put(4, bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA));
    return s.total & 2 ? XDP_PASS : XDP_TX;
}

char _license[] SEC("license") = "GPL";
