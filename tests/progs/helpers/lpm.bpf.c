/* SPDX-License-Identifier: BSD-3-Clause */
/* A trie of prefixes that the program itself fills, asks and thins out by the packets' addresses. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

#include "results.h"

#ifndef MORE
#define MORE 0 /* bytes of a prefix behind the address */
#endif

struct prefix {
    __u32 bits;
    __u32 address;
    __u8 more[MORE];
};

/* The same for all packets at first, then by the packet. */
static __always_inline void name(struct prefix *key, const struct iphdr *ip)
{
#pragma unroll
    for (__u32 i = 0; i < MORE; i++)
        key->more[i] = i < MORE / 2 ? i : ip->tos ^ (i & 1 ? ip->protocol : 0);
}

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(max_entries, 64);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct prefix);
    __type(value, __u64);
} routes SEC(".maps");

SEC("xdp")
int lpm(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    struct prefix key = {.bits = 32 + 8 * MORE};
    __u64 value, *found;

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    name(&key, ip);
    key.address = MORE ? 10 : ip->daddr;
    found = bpf_map_lookup_elem(&routes, &key);
    put(0, found ? ++*found : 7);
    key.address = MORE ? 10 : ip->saddr;
    key.bits = 8 + ip->id % (27 + 8 * MORE); /* now and then longer than an address */
    value = (__u64)ip->saddr << 32 | key.bits;
    put(1, bpf_map_update_elem(&routes, &key, &value, ip->ttl % 4));
    if (ip->check & 1)
        put(2, bpf_map_delete_elem(&routes, &key));
    return found ? XDP_PASS : XDP_TX;
}

char _license[] SEC("license") = "GPL";
