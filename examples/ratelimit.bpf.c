/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limits the packets that each IPv4 source may send: a bucket for each address fills with time up
 * to burst_ns, and a packet takes packet_ns out of it.
 *
 *   IPv4 from a new source: it gets a bucket, full but for this packet; XDP_PASS
 *   IPv4 from a source for which no bucket is left: XDP_DROP
 *   IPv4, enough in the bucket: XDP_PASS
 *   IPv4, not enough: XDP_DROP
 *   anything else: XDP_PASS
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* In nanoseconds of credit, so that refilling is an addition: a packet costs the time between two
 * at the full rate. May be changed before loading. */
const volatile __u64 packet_ns = 1000000; /* 1,000 packets a second */
const volatile __u64 burst_ns = 16000000; /* 16 packets at once */

struct bucket {
    __u64 tokens; /* ns of credit */
    __u64 last_ns;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 8192);
    __type(key, __be32);
    __type(value, struct bucket);
} buckets SEC(".maps");

static __always_inline int new_source(__be32 source, __u64 now)
{
    struct bucket bucket = {.tokens = burst_ns - packet_ns, .last_ns = now};

    return bpf_map_update_elem(&buckets, &source, &bucket, BPF_NOEXIST) ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int ratelimit(struct xdp_md *ctx)
{
    void *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = (void *)(long)ctx->data;
    struct iphdr *ip = (void *)(eth + 1);
    struct bucket *bucket;
    __u64 now, tokens;
    __be32 source;

    if ((void *)(ip + 1) > end)
        return XDP_PASS;
    if (eth->h_proto != bpf_htons(ETH_P_IP))
        return XDP_PASS;
    source = ip->saddr;
    now = bpf_ktime_get_ns();
    bucket = bpf_map_lookup_elem(&buckets, &source);
    if (!bucket)
        return new_source(source, now);
    tokens = bucket->tokens + (now - bucket->last_ns);
    if (tokens > burst_ns)
        tokens = burst_ns;
    bucket->last_ns = now;
    if (tokens < packet_ns) {
        bucket->tokens = tokens;
        return XDP_DROP;
    }
    bucket->tokens = tokens - packet_ns;
    return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
