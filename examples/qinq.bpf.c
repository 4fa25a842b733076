/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rewrites VLAN tags at the edge of a provider's network (IEEE 802.1ad): a rule for an interface
 * and the tags that a packet has says which tags it leaves with, and where.
 *
 *   the rules are asked for outer and inner VLAN, then for the outer alone with any inner one,
 *     then for the interface's rest
 *   keep, pop one or both tags, push one or two, change one or both, swap; or drop
 *   a pushed tag takes its priority from the tag behind it, or from the DSCP of an IP packet
 *   with a port: XDP_REDIRECT through ports; without: XDP_TX; MAC addresses stay as they are
 *   no rule, a rule that drops or that asks for tags the packet has not, a cut off tag: XDP_DROP
 *   packets of the provider's own protocols (01:80:c2:00:00:00 to 0f): XDP_PASS
 */
#include "packet.h"

#define ANY_VLAN 0xffff
#define NO_TAG 0x1000 /* in a rule's key: no tag at this place */
#define VLAN_MASK 0x0fff

enum operation {
    KEEP,
    DROP,
    POP, /* the outer tag */
    POP_BOTH,
    PUSH,      /* outer, in front of what is there */
    PUSH_BOTH, /* outer and inner, in front of an untagged packet */
    CHANGE,    /* the outer VLAN */
    CHANGE_BOTH,
    SWAP, /* the two VLANs */
    OPERATION_COUNT
};

enum { RULE_DSCP = 1 /* priority of untagged IP packets from their DSCP */ };

struct rule_key {
    __u32 ifindex;
    __u16 outer; /* VLAN, NO_TAG, or ANY_VLAN */
    __u16 inner;
};

struct rule {
    __u8 operation; /* enum operation */
    __u8 flags;
    __u16 outer; /* VLANs that the packet gets */
    __u16 inner;
    __u16 outer_type; /* EtherType of a pushed outer tag, in host order */
    __u32 port;       /* place in ports; 0: back */
    __u32 zero;
    __u64 packets;
    __u64 bytes;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 8192);
    __type(key, struct rule_key);
    __type(value, struct rule);
} rules SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_DEVMAP);
    __uint(max_entries, 64);
    __type(key, __u32);
    __type(value, __u32);
} ports SEC(".maps");

enum reason { NO_RULE, BY_RULE, CUT_OFF, BAD_OPERATION, REASON_COUNT };

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, REASON_COUNT);
    __type(key, __u32);
    __type(value, __u64);
} drops SEC(".maps");

/* What a packet has in front of its payload. */
struct tags {
    __u8 count;
    __u8 priority; /* of the outermost tag, or of DSCP: the upper 4 bits of a TCI, with DEI */
    __u16 outer;   /* VLANs, or NO_TAG */
    __u16 inner;
    __u16 type; /* EtherType behind both, in host order */
    __be16 outer_type;
    __be16 outer_tci;
    __be16 inner_tci;
};

static __always_inline int drop(__u32 reason)
{
    __u64 *counter = bpf_map_lookup_elem(&drops, &reason);

    if (counter)
        *counter += 1;
    return XDP_DROP;
}

/* The class selector of DSCP, its upper three bits, is the priority of 802.1Q. */
static __always_inline __u8 priority_of_ip(const struct tags *tags, const __u8 *ip, const void *end)
{
    __u8 tos;

    if ((void *)(ip + 2) > end)
        return 0;
    if (tags->type == ETH_P_IP)
        tos = ip[1];
    else if (tags->type == ETH_P_IPV6)
        tos = (__u8)(ip[0] << 4 | ip[1] >> 4);
    else
        return 0;
    return tos >> 5 << 1;
}

static __always_inline int read_tags(struct tags *tags, const struct ethhdr *eth, const void *end)
{
    const struct vlan_tag *tag = (const void *)(eth + 1);

    __builtin_memset(tags, 0, sizeof(*tags));
    tags->outer = NO_TAG;
    tags->inner = NO_TAG;
    tags->type = bpf_ntohs(eth->h_proto);
    tags->outer_type = eth->h_proto;
    if (tags->type != ETH_P_8021Q && tags->type != ETH_P_8021AD)
        return 1;
    if ((void *)(tag + 1) > end)
        return 0;
    tags->count = 1;
    tags->outer_tci = tag->tci;
    tags->outer = bpf_ntohs(tag->tci) & VLAN_MASK;
    tags->priority = bpf_ntohs(tag->tci) >> 12;
    tags->type = bpf_ntohs(tag->type);
    if (tags->type != ETH_P_8021Q)
        return 1;
    tag++;
    if ((void *)(tag + 1) > end)
        return 0;
    tags->count = 2;
    tags->inner_tci = tag->tci;
    tags->inner = bpf_ntohs(tag->tci) & VLAN_MASK;
    tags->type = bpf_ntohs(tag->type);
    return 1;
}

static __always_inline struct rule *find_rule(__u32 ifindex, const struct tags *tags)
{
    struct rule_key key = {.ifindex = ifindex, .outer = tags->outer, .inner = tags->inner};
    struct rule *rule = bpf_map_lookup_elem(&rules, &key);

    if (rule)
        return rule;
    key.inner = ANY_VLAN;
    rule = bpf_map_lookup_elem(&rules, &key);
    if (rule)
        return rule;
    key.outer = ANY_VLAN;
    return bpf_map_lookup_elem(&rules, &key);
}

static __always_inline __be16 tci(__u8 priority, __u16 vlan)
{
    return bpf_htons((__u16)(priority << 12 | (vlan & VLAN_MASK)));
}

/* Moves the packet's start by that many bytes, the MAC addresses with it. Returns false if there is
 * no room. */
static __always_inline int move_start(struct xdp_md *ctx, int bytes)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    __u8 macs[2 * ETH_ALEN];

    if ((void *)(eth + 1) > end)
        return 0;
    __builtin_memcpy(macs, eth, sizeof(macs));
    if (bpf_xdp_adjust_head(ctx, bytes))
        return 0;
    data = (void *)(long)ctx->data;
    end = (void *)(long)ctx->data_end;
    eth = data;
    if ((void *)(eth + 1) > end)
        return 0;
    __builtin_memcpy(eth, macs, sizeof(macs));
    return 1;
}

/* The tag at a place behind the MAC addresses. */
static __always_inline int write_tag(struct xdp_md *ctx, __u32 at, __be16 type, __be16 value)
{
    void *tag = (void *)(long)ctx->data + 2 * ETH_ALEN + at;

    if (tag + 4 > (void *)(long)ctx->data_end)
        return 0;
    ((__be16 *)tag)[0] = type;
    ((__be16 *)tag)[1] = value;
    return 1;
}

static __always_inline int push(struct xdp_md *ctx, const struct rule *rule,
                                const struct tags *tags)
{
    const __u16 type = rule->outer_type == ETH_P_8021AD ? ETH_P_8021AD : ETH_P_8021Q;

    return move_start(ctx, -4) &&
           write_tag(ctx, 0, bpf_htons(type), tci(tags->priority, rule->outer));
}

static __always_inline int push_both(struct xdp_md *ctx, const struct rule *rule,
                                     const struct tags *tags)
{
    return move_start(ctx, -8) &&
           write_tag(ctx, 0, bpf_htons(ETH_P_8021AD), tci(tags->priority, rule->outer)) &&
           write_tag(ctx, 4, bpf_htons(ETH_P_8021Q), tci(tags->priority, rule->inner));
}

/* Does what the rule says; false if the packet has not the tags for it, or no room. */
static __always_inline int apply(struct xdp_md *ctx, const struct rule *rule,
                                 const struct tags *tags)
{
    const __be16 dot1q = bpf_htons(ETH_P_8021Q);
    const __u8 inner_priority = bpf_ntohs(tags->inner_tci) >> 12;

    switch (rule->operation) {
    case KEEP:
        return 1;
    case POP:
        return tags->count >= 1 && move_start(ctx, 4);
    case POP_BOTH:
        return tags->count == 2 && move_start(ctx, 8);
    case PUSH:
        return tags->count <= 1 && push(ctx, rule, tags);
    case PUSH_BOTH:
        return tags->count == 0 && push_both(ctx, rule, tags);
    case CHANGE:
        return tags->count >= 1 &&
               write_tag(ctx, 0, tags->outer_type, tci(tags->priority, rule->outer));
    case CHANGE_BOTH:
        return tags->count == 2 &&
               write_tag(ctx, 0, tags->outer_type, tci(tags->priority, rule->outer)) &&
               write_tag(ctx, 4, dot1q, tci(inner_priority, rule->inner));
    case SWAP:
        return tags->count == 2 &&
               write_tag(ctx, 0, tags->outer_type, tci(tags->priority, tags->inner)) &&
               write_tag(ctx, 4, dot1q, tci(inner_priority, tags->outer));
    default:
        return 0;
    }
}

/* Addresses that bridges keep to themselves (IEEE 802.1Q table 8-1). */
static __always_inline int is_reserved(const struct ethhdr *eth)
{
    const __u16 *words = (const void *)eth->h_dest;

    return words[0] == bpf_htons(0x0180) && words[1] == bpf_htons(0xc200) &&
           (words[2] & bpf_htons(0xfff0)) == 0;
}

SEC("xdp")
int qinq(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    struct rule *rule;
    struct tags tags;

    if ((void *)(eth + 1) > end)
        return drop(CUT_OFF);
    if (is_reserved(eth))
        return XDP_PASS;
    if (!read_tags(&tags, eth, end))
        return drop(CUT_OFF);
    rule = find_rule(ctx->ingress_ifindex, &tags);
    if (!rule)
        return drop(NO_RULE);
    __sync_fetch_and_add(&rule->packets, 1);
    __sync_fetch_and_add(&rule->bytes, end - data);
    if (rule->operation == DROP)
        return drop(BY_RULE);
    if (!tags.count && rule->flags & RULE_DSCP)
        tags.priority = priority_of_ip(&tags, (void *)(eth + 1), end);
    if (!apply(ctx, rule, &tags))
        return drop(BAD_OPERATION);
    return rule->port ? bpf_redirect_map(&ports, rule->port, XDP_DROP) : XDP_TX;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
