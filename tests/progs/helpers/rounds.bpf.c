/* SPDX-License-Identifier: BSD-3-Clause */
/* bpf_loop that fits hardware: constant and ranged numbers of rounds, callbacks that end the rounds, change the packet, look maps up, call
 * functions, walk and loop themselves; one callback at two calls, two callbacks at one call. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

#include "results.h"

#ifndef TIMES
#define TIMES 1 /* how many rounds, so that pipelines stay small in tests */
#endif

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 512);
    __type(key, __u32);
    __type(value, __u64);
} seen SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 2 * TIMES);
    __type(key, __u32);
    __type(value, __u64);
} few SEC(".maps");

struct work {
    struct xdp_md *ctx;
    __u64 sum;
    __u32 last;
    __u8 bytes[8];
};

/* The last round that the packet asks for is its end. */
static long add(__u32 i, struct work *w)
{
    w->sum = w->sum * 31 + i;
    return i >= w->last;
}

static __attribute__((noinline)) __u64 mix(__u64 a, __u64 b)
{
    return (a ^ b) * 0x9e3779b97f4a7c15ull;
}

__attribute__((noinline)) int global_mix(__u32 a)
{
    return a * 77 + 5;
}

/* Bytes of the packet change, at an offset that the round decides. */
static long change(__u32 i, struct work *w)
{
    __u8 *data = (void *)(long)w->ctx->data, *end = (void *)(long)w->ctx->data_end;

    if (i >= 8)
        return 1;
    data += i;
    if (data + sizeof(struct ethhdr) + 1 > end)
        return 1;
    w->bytes[i] = data[sizeof(struct ethhdr)];
    data[sizeof(struct ethhdr)] = (__u8)(w->sum >> i) ^ (__u8)global_mix(i);
    w->sum = mix(w->sum, w->bytes[i]);
    return 0;
}

static long count(__u32 i, struct work *w)
{
    __u32 key = w->last % 16 + i;
    __u64 one = 1, *n = bpf_map_lookup_elem(&seen, &key);

    if (n)
        *n += i;
    else
        bpf_map_update_elem(&seen, &key, &one, BPF_ANY);
    w->sum += n ? *n : 0;
    return 0;
}

static long inner(__u32 i, __u64 *sum)
{
    *sum = *sum * 5 + i;
    return *sum % 13 == 0;
}

static long each(void *map, const __u32 *key, __u64 *value, struct work *w)
{
    __u32 index = *key ^ 1;
    __u64 *other = bpf_map_lookup_elem(map, &index);

    *value += w->last + *(const __u8 *)key;
    w->sum ^= *value + (other ? *other : 0);
    return w->sum % 7 == 0;
}

static long outer(__u32 i, struct work *w)
{
    __u64 sum = i; /* in this function's own frame */

    w->sum += bpf_loop(i + 1, inner, &sum, 0);
    w->sum += bpf_for_each_map_elem(&few, each, w, 0);
    w->sum = mix(w->sum, sum);
    for (int k = 0; k < 3; k++)
        w->sum += w->bytes[(i + k) & 7];
    return w->sum % 11 == 0;
}

/* The packet's start moves, a round at a time. */
static long cut(__u32 i, struct work *w)
{
    return bpf_xdp_adjust_head(w->ctx, i & 1 ? 4 : -2) != 0;
}

SEC("xdp")
int rounds(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    struct work w = {.ctx = ctx};
    __u32 id, ttl;

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    id = ip->id;
    ttl = ip->ttl;
    w.last = id & 7;
    put(0, bpf_loop(3 * TIMES, add, &w, 0));
    put(1, w.sum);
    put(2, bpf_loop(ttl & (4 * TIMES - 1), add, &w, 0));
    put(3, bpf_loop(2 * TIMES, change, &w, 0));
    put(4, w.sum);
    put(5, bpf_loop(2, count, &w, 0));
    put(6, w.sum);
    put(7, bpf_loop(id & (2 * TIMES - 1), outer, &w, 0));
    put(8, w.sum);
    put(9, bpf_loop(2 * TIMES, ttl & 1 ? add : count, &w, 0)); /* either */
    put(10, w.sum);
    put(11, bpf_loop(ttl & (2 * TIMES - 1), cut, &w, id % 5 == 0 ? 2 : 0)); /* flags that there are none of */
    put(12, bpf_loop(0, add, &w, 0));
    return w.sum & 2 ? XDP_PASS : XDP_TX;
}

char _license[] SEC("license") = "GPL";
