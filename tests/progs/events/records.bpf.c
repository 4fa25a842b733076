/* SPDX-License-Identifier: BSD-3-Clause */
/* Records of ring buffers: with padding, parts that only some paths write, at an offset that is known at run time;
 * submitted and discarded in other blocks and in another order than they were taken; one ring that gets full. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

#define RING(name, bytes)                                                                          \
    struct {                                                                                       \
        __uint(type, BPF_MAP_TYPE_RINGBUF);                                                        \
        __uint(max_entries, bytes);                                                                \
    } name SEC(".maps")

RING(first, 4096);
RING(second, 8192);
RING(small, 4096);

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 8);
    __type(key, __u32);
    __type(value, __u64);
} results SEC(".maps");

struct padded {
    __u8 kind; /* three bytes behind it are nobody's */
    __u32 source;
    __u16 length; /* and six here */
    __u64 sum;
    __u8 text[21];
};

struct large {
    __u64 head;
    __u8 rest[2032];
};

static __always_inline void note(__u32 at, __u64 value)
{
    __u64 *v = bpf_map_lookup_elem(&results, &at);

    if (v)
        *v += value;
}

static __noinline int give(struct iphdr *ip, __u32 more)
{
    struct padded *p = bpf_ringbuf_reserve(&second, sizeof(*p), 0);

    if (!p)
        return 1;
    p->kind = 9;
    p->length = (__u16)more;
    if (more & 1)
        p->sum = more;
    bpf_ringbuf_submit(p, BPF_RB_FORCE_WAKEUP);
    return 0;
}

SEC("xdp")
int records(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    struct padded *a, *b;
    struct large *l, *m;
    __u32 key, at;

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    key = ip->saddr ^ ip->daddr;
    a = bpf_ringbuf_reserve(&first, sizeof(*a), 0);
    b = bpf_ringbuf_reserve(&first, sizeof(*b), 0);
    if (!a || !b) {
        if (a)
            bpf_ringbuf_discard(a, 0);
        if (b)
            bpf_ringbuf_discard(b, 0);
        return XDP_ABORTED;
    }
    a->kind = 1;
    a->source = ip->saddr;
    b->kind = 2;
    b->source = ip->daddr;
    if (ip->protocol == 17) {
        a->length = (__u16)(end - data);
        b->sum = 0x0123456789abcdef;
    } else if (ip->protocol == 6) {
        b->length = (__u16)(end - data);
    }
    at = ip->id & 15;
    b->text[at] = 0x77;
    if (key & 4)
        b->text[20] = a->kind + (__u8)a->source;
    if (key & 1)
        bpf_ringbuf_submit(b, 0);
    else
        bpf_ringbuf_discard(b, 0);
    if (key & 2)
        bpf_ringbuf_submit(a, BPF_RB_NO_WAKEUP);
    else
        bpf_ringbuf_discard(a, 0);
    note(0, bpf_ringbuf_query(&first, BPF_RB_AVAIL_DATA) + bpf_ringbuf_query(&first, BPF_RB_RING_SIZE));
    if (ip->ttl & 1)
        note(1, give(ip, ip->ttl));
    note(1, give(ip, ip->tot_len));
    note(2, bpf_ringbuf_output(&second, &key, sizeof(key), 0));
    note(2, bpf_ringbuf_output(&second, &key, sizeof(key), 8));
    note(2, bpf_ringbuf_query(&second, BPF_RB_AVAIL_DATA));
    l = bpf_ringbuf_reserve(&small, sizeof(*l), 0);
    if (l) {
        l->head = key;
        l->rest[1000] = 5;
        bpf_ringbuf_submit(l, 0);
    }
    m = bpf_ringbuf_reserve(&small, sizeof(struct padded), key >> 3 & 1);
    if (m) {
        note(3, 1);
        bpf_ringbuf_discard(m, 0);
    }
    note(4, bpf_ringbuf_query(&small, BPF_RB_AVAIL_DATA));
    return key & 16 ? XDP_PASS : XDP_TX;
}

char _license[] SEC("license") = "GPL";
