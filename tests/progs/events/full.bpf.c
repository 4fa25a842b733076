/* SPDX-License-Identifier: BSD-3-Clause */
/* A ring buffer that has no room for some packets' second record. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} small SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 2);
    __type(key, __u32);
    __type(value, __u64);
} results SEC(".maps");

static __u8 sample[2000];

SEC("xdp")
int full(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    __u32 zero = 0;
    __u64 *v, *r, bytes;
    int err;

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    v = bpf_map_lookup_elem(&results, &zero);
    if (!v)
        return XDP_ABORTED;
    bytes = 1 + ((ip->saddr ^ ip->id) & 1023) + (ip->daddr & 511);
    if (bytes > sizeof(sample))
        return XDP_ABORTED;
    sample[3] = ip->ttl;
    err = bpf_ringbuf_output(&small, sample, bytes, 0);
    r = bpf_ringbuf_reserve(&small, 2000, 0);
    if (r) {
        r[7] = bytes;
        r[249] = ip->id;
        if (ip->id & 1)
            bpf_ringbuf_submit(r, 0);
        else
            bpf_ringbuf_discard(r, 0);
        *v += 1;
    }
    r = bpf_ringbuf_reserve(&small, 4090, 0); /* never */
    if (r)
        bpf_ringbuf_discard(r, 0);
    *v += (__u64)(__s64)err << 32;
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
