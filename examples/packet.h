/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_EXAMPLES_PACKET_H
#define SLUICE_EXAMPLES_PACKET_H

/*
 * What the larger examples share: how a packet is taken apart up to its ports, and checksums.
 * Everything is inlined, so a program has only what it calls.
 */

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* ICMP's header and numbers (RFC 792), under the names of linux/icmp.h: that one leads to the C
 * library's headers, which are there for -target bpf only where those of 32-bit programs are
 * installed. */
enum {
    ICMP_ECHOREPLY = 0,
    ICMP_DEST_UNREACH = 3,
    ICMP_FRAG_NEEDED = 4, /* a code of ICMP_DEST_UNREACH */
    ICMP_ECHO = 8,
    ICMP_TIME_EXCEEDED = 11,
    ICMP_PARAMETERPROB = 12,
};

struct icmphdr {
    __u8 type;
    __u8 code;
    __sum16 checksum;
    union {
        struct {
            __be16 id;
            __be16 sequence;
        } echo;
        __be32 gateway;
    } un;
};

/* Before a loop whose bound is constant. */
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#define IP_MF 0x2000
#define IP_DF 0x4000
#define IP_OFFSET 0x1fff
#define MAX_TAGS 2       /* 802.1Q in 802.1ad */
#define MAX_EXTENSIONS 4 /* IPv6 extension headers that are walked */

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_URG 0x20

/* Protocol numbers that linux/in.h has for user space only. */
#define PROTO_FRAGMENT 44
#define PROTO_ICMPV6 58
#define PROTO_NONE 59

struct vlan_tag {
    __be16 tci; /* 3 bits priority, 1 bit drop eligible, 12 bits VLAN */
    __be16 type;
};

/* The two bytes that every IPv6 extension header starts with (RFC 8200 4). */
struct ipv6_option {
    __u8 next;
    __u8 length; /* in units of 8 bytes, the first not counted */
};

struct ipv6_fragment {
    __u8 next;
    __u8 reserved;
    __be16 offset; /* of 8 bytes, in the upper 13 bits; the last bit: more fragments */
    __be32 id;
};

/* An address of either kind: IPv4 is in the last word, the others are zero. */
union address {
    __be32 word[4];
    __u64 half[2];
};

/* The 5-tuple and what else of a packet decides about it. */
struct tuple {
    union address source;
    union address destination;
    __be16 source_port; /* of ICMP echo: the identifier in both */
    __be16 destination_port;
    __u8 protocol;
    __u8 version; /* 4 or 6 */
    __u16 zero;
};

enum parsed {
    PARSED,           /* with ports, if the protocol has some */
    PARSED_FRAGMENT,  /* not the first one: ports are 0 */
    PARSED_OTHER,     /* neither IPv4 nor IPv6 */
    PARSED_MALFORMED, /* ends within a header, or contradicts itself */
};

struct parser {
    void *data;
    void *end;
    void *network;   /* the IP header */
    void *transport; /* what comes behind it and its options */
    __u16 type;      /* EtherType behind the tags, in host order */
    __u16 vlan;      /* of the outer tag; 0: none */
    __u16 bytes;     /* of the IP packet, as its header says */
    __u8 tcp_flags;
    __u8 ttl;
    __u8 more; /* fragments follow */
};

static __always_inline __u16 fold(__u32 sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (__u16)sum;
}

/* The checksum of an IPv4 header without options whose field is zero. */
static __always_inline __u16 ipv4_checksum(const struct iphdr *ip)
{
    const __u16 *words = (const void *)ip;
    __u32 sum = 0;

    UNROLL
    for (int i = 0; i < 10; i++)
        sum += words[i];
    return (__u16)~fold(sum);
}

/* RFC 1624, equation 3, for one 16-bit word that changed. */
static __always_inline __u16 checksum_replace(__u16 check, __u16 from, __u16 to)
{
    return (__u16)~fold((__u16)~check + (__u32)(__u16)~from + to);
}

static __always_inline void swap_macs(struct ethhdr *eth)
{
    __u8 mac[ETH_ALEN];

    __builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
    __builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
    __builtin_memcpy(eth->h_source, mac, ETH_ALEN);
}

/* Ethernet and up to MAX_TAGS tags. Returns false if the packet ends there. */
static __always_inline int parse_ethernet(struct parser *p, struct xdp_md *ctx)
{
    struct ethhdr *eth;

    p->data = (void *)(long)ctx->data;
    p->end = (void *)(long)ctx->data_end;
    eth = p->data;
    if ((void *)(eth + 1) > p->end)
        return 0;
    p->type = bpf_ntohs(eth->h_proto);
    p->network = eth + 1;
    p->vlan = 0;
    UNROLL
    for (int i = 0; i < MAX_TAGS; i++) {
        struct vlan_tag *tag = p->network;

        if (p->type != ETH_P_8021Q && p->type != ETH_P_8021AD)
            break;
        if ((void *)(tag + 1) > p->end)
            return 0;
        if (!i)
            p->vlan = bpf_ntohs(tag->tci) & 0xfff;
        p->type = bpf_ntohs(tag->type);
        p->network = tag + 1;
    }
    return 1;
}

static __always_inline enum parsed parse_ports(struct parser *p, struct tuple *t)
{
    p->tcp_flags = 0;
    if (t->protocol == IPPROTO_TCP) {
        struct tcphdr *tcp = p->transport;

        if ((void *)(tcp + 1) > p->end || tcp->doff < 5)
            return PARSED_MALFORMED;
        t->source_port = tcp->source;
        t->destination_port = tcp->dest;
        p->tcp_flags = ((__u8 *)tcp)[13] & 0x3f;
    } else if (t->protocol == IPPROTO_UDP) {
        struct udphdr *udp = p->transport;

        if ((void *)(udp + 1) > p->end || bpf_ntohs(udp->len) < sizeof(*udp))
            return PARSED_MALFORMED;
        t->source_port = udp->source;
        t->destination_port = udp->dest;
    } else if (t->protocol == IPPROTO_ICMP || t->protocol == PROTO_ICMPV6) {
        struct icmphdr *icmp = p->transport;

        if ((void *)(icmp + 1) > p->end)
            return PARSED_MALFORMED;
        t->source_port = icmp->un.echo.id;
        t->destination_port = icmp->un.echo.id;
    }
    return PARSED;
}

static __always_inline enum parsed parse_ipv4(struct parser *p, struct tuple *t)
{
    struct iphdr *ip = p->network;
    __u32 header;

    if ((void *)(ip + 1) > p->end)
        return PARSED_MALFORMED;
    header = ip->ihl * 4;
    p->bytes = bpf_ntohs(ip->tot_len);
    if (ip->version != 4 || header < sizeof(*ip) || p->bytes < header)
        return PARSED_MALFORMED;
    t->version = 4;
    t->source.word[3] = ip->saddr;
    t->destination.word[3] = ip->daddr;
    t->protocol = ip->protocol;
    p->ttl = ip->ttl;
    p->more = !!(ip->frag_off & bpf_htons(IP_MF));
    p->transport = p->network + header;
    if (ip->frag_off & bpf_htons(IP_OFFSET))
        return PARSED_FRAGMENT;
    return parse_ports(p, t);
}

static __always_inline enum parsed parse_ipv6(struct parser *p, struct tuple *t)
{
    struct ipv6hdr *ip = p->network;
    __u32 offset = sizeof(*ip);
    __u8 next;

    if ((void *)(ip + 1) > p->end || ip->version != 6)
        return PARSED_MALFORMED;
    t->version = 6;
    __builtin_memcpy(&t->source, &ip->saddr, sizeof(t->source));
    __builtin_memcpy(&t->destination, &ip->daddr, sizeof(t->destination));
    p->bytes = bpf_ntohs(ip->payload_len) + sizeof(*ip);
    p->ttl = ip->hop_limit;
    next = ip->nexthdr;
    UNROLL
    for (int i = 0; i < MAX_EXTENSIONS; i++) {
        struct ipv6_option *option = p->network + offset;

        if (next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS) {
            if ((void *)(option + 1) > p->end)
                return PARSED_MALFORMED;
            next = option->next;
            offset += (option->length + 1) * 8;
        } else if (next == PROTO_FRAGMENT) {
            struct ipv6_fragment *fragment = (void *)option;

            if ((void *)(fragment + 1) > p->end)
                return PARSED_MALFORMED;
            next = fragment->next;
            offset += sizeof(*fragment);
            p->more = !!(fragment->offset & bpf_htons(1));
            if (fragment->offset & bpf_htons(0xfff8)) {
                t->protocol = next;
                p->transport = p->network + offset;
                return PARSED_FRAGMENT;
            }
        } else {
            break;
        }
    }
    t->protocol = next;
    p->transport = p->network + offset;
    return parse_ports(p, t);
}

/* Takes the packet apart; t is zeroed first. p->network is set unless the Ethernet header is cut
 * off, p->transport with PARSED and PARSED_FRAGMENT only. */
static __always_inline enum parsed parse_packet(struct parser *p, struct tuple *t,
                                                struct xdp_md *ctx)
{
    __builtin_memset(t, 0, sizeof(*t));
    __builtin_memset(p, 0, sizeof(*p));
    if (!parse_ethernet(p, ctx))
        return PARSED_MALFORMED;
    if (p->type == ETH_P_IP)
        return parse_ipv4(p, t);
    if (p->type == ETH_P_IPV6)
        return parse_ipv6(p, t);
    return PARSED_OTHER;
}

#endif
