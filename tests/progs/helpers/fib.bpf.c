/* SPDX-License-Identifier: BSD-3-Clause */
/* A router: the next hop of IPv4 and IPv6 packets from the host's tables, as Linux's own routing finds it. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 16);
    __type(key, __u32);
    __type(value, __u64);
} verdicts SEC(".maps");

static __always_inline void count(__u32 index)
{
    __u64 *entry = bpf_map_lookup_elem(&verdicts, &index);

    if (entry)
        ++*entry;
}

SEC("xdp")
int fib(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct bpf_fib_lookup route = {.ifindex = ctx->ingress_ifindex};
    struct ethhdr *eth = data;
    struct iphdr *ip = data + sizeof(*eth);
    struct ipv6hdr *ip6 = data + sizeof(*eth);
    __u32 mtu = 0;
    long ret;

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    if (eth->h_proto == 0x0008) {
        route.family = 2; /* AF_INET */
        route.tot_len = __builtin_bswap16(ip->tot_len);
        route.ipv4_src = ip->saddr;
        route.ipv4_dst = ip->daddr;
    } else if (eth->h_proto == 0xdd86 && (void *)(ip6 + 1) <= end) {
        route.family = 10; /* AF_INET6 */
        route.tot_len = __builtin_bswap16(ip6->payload_len) + sizeof(*ip6);
        *(struct in6_addr *)route.ipv6_src = ip6->saddr;
        *(struct in6_addr *)route.ipv6_dst = ip6->daddr;
    } else {
        return XDP_PASS;
    }
    ret = bpf_fib_lookup(ctx, &route, sizeof(route), 0);
    count(ret & 15);
    if (ret)
        return ret == BPF_FIB_LKUP_RET_FRAG_NEEDED ? XDP_TX : XDP_PASS;
    if (bpf_check_mtu(ctx, route.ifindex, &mtu, 0, 0))
        return XDP_DROP;
    count(8 + mtu % 7);
    __builtin_memcpy(eth->h_dest, route.dmac, ETH_ALEN);
    __builtin_memcpy(eth->h_source, route.smac, ETH_ALEN);
    return bpf_redirect(route.ifindex, 0);
}

char _license[] SEC("license") = "GPL";
