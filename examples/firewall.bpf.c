/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A stateless firewall: exact 5-tuples are allowed or denied, and each rule counts what it matched.
 *
 *   not IPv4: XDP_PASS (ARP, IPv6, ... are not this firewall's business)
 *   IPv4, cut off within its headers: XDP_DROP
 *   IPv4 with options, or a fragment: the default of settings[0]
 *   TCP, UDP and SCTP by addresses, ports and protocol, other protocols by addresses and protocol:
 *     a rule with ALLOW: counted; XDP_PASS
 *     a rule with DENY: counted; XDP_DROP
 *     no rule: the default of settings[0]
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define IP_FRAGMENT 0x3fff /* more fragments, or an offset */

enum action { DENY, ALLOW };

/* All in network order, as in the packet. */
struct flow {
    __be32 saddr;
    __be32 daddr;
    __be16 sport;
    __be16 dport;
    __u8 protocol;
    __u8 zero[3];
};

struct rule {
    __u64 packets;
    __u64 bytes;
    __u32 action;
    __u32 zero;
};

struct ports {
    __be16 source;
    __be16 dest;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, struct flow);
    __type(value, struct rule);
} rules SEC(".maps");

/* settings[0]: the action for what no rule matches. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} settings SEC(".maps");

static __always_inline int default_verdict(void)
{
    __u32 key = 0;
    __u32 *action = bpf_map_lookup_elem(&settings, &key);

    return action && *action == ALLOW ? XDP_PASS : XDP_DROP;
}

static __always_inline int has_ports(__u8 protocol)
{
    return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

SEC("xdp")
int firewall(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    struct iphdr *ip = (void *)(eth + 1);
    struct flow flow = {};
    struct rule *rule;

    if ((void *)(eth + 1) > end)
        return XDP_DROP;
    if (eth->h_proto != bpf_htons(ETH_P_IP))
        return XDP_PASS;
    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    if (ip->ihl != 5 || ip->frag_off & bpf_htons(IP_FRAGMENT))
        return default_verdict();
    flow.saddr = ip->saddr;
    flow.daddr = ip->daddr;
    flow.protocol = ip->protocol;
    if (has_ports(ip->protocol)) {
        struct ports *ports = (void *)(ip + 1);

        if ((void *)(ports + 1) > end)
            return XDP_DROP;
        flow.sport = ports->source;
        flow.dport = ports->dest;
    }
    rule = bpf_map_lookup_elem(&rules, &flow);
    if (!rule)
        return default_verdict();
    __sync_fetch_and_add(&rule->packets, 1);
    __sync_fetch_and_add(&rule->bytes, end - data);
    return rule->action == ALLOW ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
