/* SPDX-License-Identifier: BSD-3-Clause */
/* Routes for IPv4 and IPv6: tries that packets ask, count in, fill and thin out by their addresses;
 * a third one is small, so that it is full soon, and a fourth is never changed. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "results.h"

struct prefix4 {
    __u32 bits;
    __u32 address;
};

struct prefix6 {
    __u32 bits;
    __u32 address[4];
};

struct route {
    __u64 packets;
    __u32 learnt;
    __u8 hop[4];
};

#define ROUTES(name, key_type, value_type, entries)                                                \
    struct {                                                                                       \
        __uint(type, BPF_MAP_TYPE_LPM_TRIE);                                                       \
        __uint(max_entries, entries);                                                              \
        __uint(map_flags, BPF_F_NO_PREALLOC);                                                      \
        __type(key, key_type);                                                                     \
        __type(value, value_type);                                                                 \
    } name SEC(".maps")

ROUTES(routes4, struct prefix4, struct route, 200);
ROUTES(routes6, struct prefix6, struct route, 200);
ROUTES(few, struct prefix6, __u32, 5);
ROUTES(fixed, struct prefix4, __u64, 16);

static __always_inline __u64 known(struct route *r, __u32 len)
{
    if (!r)
        return 0;
    __sync_fetch_and_add(&r->packets, 1);
    r->hop[1] += (__u8)len;
    return r->packets << 8 | r->hop[1];
}

static __always_inline int ipv4(const struct iphdr *ip)
{
    struct prefix4 key = {.bits = 32, .address = ip->daddr};
    struct route fresh = {.learnt = ip->saddr, .hop = {1, 2, 3}};
    struct route *r = bpf_map_lookup_elem(&routes4, &key);
    __u64 *constant = bpf_map_lookup_elem(&fixed, &key);

    put(0, known(r, ip->tot_len));
    put(1, constant ? *constant : 5);
    key.address = ip->saddr;
    key.bits = ip->id % 33;
    if (ip->check % 4 == 0)
        put(2, bpf_map_delete_elem(&routes4, &key));
    else
        put(2, bpf_map_update_elem(&routes4, &key, &fresh, ip->check % 3));
    return r ? XDP_TX : XDP_PASS;
}

static __always_inline int ipv6(const struct ipv6hdr *ip)
{
    struct prefix6 key = {.bits = 128};
    struct route fresh = {.learnt = ip->payload_len, .hop = {4, 5, 6}};
    struct route *r;
    __u32 *small, one = ip->payload_len;

    __builtin_memcpy(key.address, &ip->daddr, sizeof(key.address));
    r = bpf_map_lookup_elem(&routes6, &key);
    put(0, known(r, ip->payload_len));
    small = bpf_map_lookup_elem(&few, &key);
    put(3, small ? *small : 3);
    __builtin_memcpy(key.address, &ip->saddr, sizeof(key.address));
    key.bits = ip->flow_lbl[2] % 130; /* now and then longer than an address */
    put(2, bpf_map_update_elem(&routes6, &key, &fresh, 0));
    put(4, bpf_map_update_elem(&few, &key, &one, ip->hop_limit % 4));
    if (ip->flow_lbl[1] % 4 == 0) {
        put(5, bpf_map_delete_elem(&routes6, &key));
        put(6, bpf_map_delete_elem(&few, &key));
    }
    return r ? XDP_TX : XDP_PASS;
}

SEC("xdp")
int routes(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    struct iphdr *ip = (void *)(eth + 1);
    struct ipv6hdr *ip6 = (void *)(eth + 1);

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    if (eth->h_proto == bpf_htons(ETH_P_IPV6) && (void *)(ip6 + 1) <= end)
        return ipv6(ip6);
    return ipv4(ip);
}

char _license[] SEC("license") = "GPL";
