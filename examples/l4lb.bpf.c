/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A layer-4 load balancer in the manner of large deployments: connections to a virtual address
 * (VIP) go to one of its servers, in a tunnel, and the servers answer clients directly. Which
 * server is remembered for a connection; a new one gets it from a consistent-hash ring, so that
 * several balancers choose alike, and few connections move when a server comes or goes.
 *
 * l4lb takes the packet apart and chooses; it leaves what it found in scratch, and goes on in
 * one of three programs by tail call: ipip and gue encapsulate, too_big answers.
 *
 *   TCP or UDP to a VIP (of the port, or of all ports): encapsulated to the server, XDP_TX
 *   the same, but too long for the tunnel: ICMP "too big" to the client, XDP_TX
 *   an ICMP error about a connection of a VIP: to the server that has the connection, XDP_TX
 *   ICMP echo request to a VIP: answered, XDP_TX
 *   to a VIP without a server, a fragment to a VIP, malformed: XDP_DROP
 *   anything else: XDP_PASS
 */
#include <linux/icmpv6.h>

#include "l4lb.h"

int ipip(struct xdp_md *ctx);
int gue(struct xdp_md *ctx);
int too_big(struct xdp_md *ctx);

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, STEP_COUNT);
    __uint(key_size, sizeof(__u32));
    __array(values, int(struct xdp_md *));
} steps SEC(".maps") = {
    .values = {[STEP_IPIP] = &ipip, [STEP_GUE] = &gue, [STEP_TOO_BIG] = &too_big},
};

static __always_inline struct scratch *my_scratch(void)
{
    const __u32 zero = 0;

    return bpf_map_lookup_elem(&scratches, &zero);
}

static __always_inline struct total *total_of(__u32 service)
{
    return bpf_map_lookup_elem(&totals, &service);
}

static __always_inline int is_ipv4(const union address *a)
{
    return !a->half[0] && !a->word[2];
}

/* One word more into a hash: a multiplication spreads upwards, a shift back down. */
static __always_inline __u32 mix(__u32 hash, __u32 word)
{
    hash = (hash ^ word) * 0x9e3779b1;
    return hash ^ hash >> 15;
}

static __always_inline __u32 hash_of(const struct tuple *t, __u32 flags)
{
    __u32 hash = t->protocol;

    UNROLL
    for (int i = 0; i < 4; i++)
        hash = mix(hash, t->source.word[i]);
    if (!(flags & VIP_SOURCE_ONLY))
        hash = mix(hash, (__u32)t->source_port << 16 | t->destination_port);
    return mix(hash, hash >> 7);
}

static __always_inline struct vip_info *find_vip(const struct tuple *t)
{
    struct vip key = {
        .address = t->destination, .port = t->destination_port, .protocol = t->protocol};
    struct vip_info *vip = bpf_map_lookup_elem(&vips, &key);

    if (vip)
        return vip;
    key.port = 0;
    return bpf_map_lookup_elem(&vips, &key);
}

/* The server of the connection, or 0. A connection that is remembered keeps it unless it is down,
 * begins anew, or is UDP and was silent for long. */
static __always_inline __u32 choose(const struct tuple *t, const struct vip_info *vip, __u32 hash,
                                    __u8 tcp_flags)
{
    struct connection fresh = {.last_ns = bpf_ktime_get_ns()};
    struct connection *known = bpf_map_lookup_elem(&connections, t);
    __u32 place = vip->service * RING + (__u32)((__u64)hash * RING >> 32);
    const int begins = (tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
    struct server *server;
    struct total *total;
    __u32 *number;

    if (known && !begins &&
        (t->protocol == IPPROTO_TCP || fresh.last_ns - known->last_ns < udp_idle_ns)) {
        number = &known->server;
        server = bpf_map_lookup_elem(&servers, number);
        if (server && server->up) {
            known->last_ns = fresh.last_ns;
            return *number;
        }
    }
    number = bpf_map_lookup_elem(&ring, &place);
    if (!number)
        return 0;
    fresh.server = *number;
    server = bpf_map_lookup_elem(&servers, &fresh.server);
    if (!server || !server->up)
        return 0;
    total = total_of(vip->service);
    if (total)
        total->fresh++;
    bpf_map_update_elem(&connections, t, &fresh, BPF_ANY);
    return fresh.server;
}

/* Where a packet goes on to. */
struct choice {
    struct vip_info *vip;
    __u32 server;
    __u32 hash;
};

enum { FORWARD = -1 }; /* no verdict: a choice was made */

/* ICMP echo to a VIP: the balancer answers itself. The type changes, and the checksum by that; with
 * IPv6 extension headers the host may answer. */
static __always_inline int answer_echo(const struct parser *p)
{
    struct ethhdr *eth = p->data;
    struct icmphdr *icmp;

    if (p->type == ETH_P_IP) {
        struct iphdr *ip = p->network;
        const __be32 source = ip->saddr;

        icmp = p->network + ip->ihl * 4;
        if ((void *)(icmp + 1) > p->end)
            return XDP_DROP;
        ip->saddr = ip->daddr;
        ip->daddr = source;
        icmp->type = ICMP_ECHOREPLY;
        icmp->checksum = checksum_replace(icmp->checksum, bpf_htons(ICMP_ECHO << 8), 0);
    } else {
        struct ipv6hdr *ip = p->network;
        const struct in6_addr source = ip->saddr;

        icmp = (void *)(ip + 1);
        if (ip->nexthdr != PROTO_ICMPV6 || (void *)(icmp + 1) > p->end)
            return XDP_PASS;
        ip->saddr = ip->daddr;
        ip->daddr = source;
        icmp->type = ICMPV6_ECHO_REPLY;
        icmp->checksum = checksum_replace(icmp->checksum, bpf_htons(ICMPV6_ECHO_REQUEST << 8),
                                          bpf_htons(ICMPV6_ECHO_REPLY << 8));
    }
    swap_macs(eth);
    return XDP_TX;
}

/* The connection that an ICMP error quotes a packet of, as the client's packets have it. */
static __always_inline int parse_quoted(const struct parser *p, struct tuple *t)
{
    void *inner = p->transport + sizeof(struct icmphdr);
    __be16 *ports;

    __builtin_memset(t, 0, sizeof(*t));
    if (p->type == ETH_P_IP) {
        struct iphdr *ip = inner;

        ports = (void *)(ip + 1);
        if ((void *)(ports + 2) > p->end || ip->ihl != 5)
            return 0;
        t->version = 4;
        t->source.word[3] = ip->daddr;
        t->destination.word[3] = ip->saddr;
        t->protocol = ip->protocol;
    } else {
        struct ipv6hdr *ip = inner;

        ports = (void *)(ip + 1);
        if ((void *)(ports + 2) > p->end)
            return 0;
        t->version = 6;
        __builtin_memcpy(&t->source, &ip->daddr, sizeof(t->source));
        __builtin_memcpy(&t->destination, &ip->saddr, sizeof(t->destination));
        t->protocol = ip->nexthdr;
    }
    t->source_port = ports[1];
    t->destination_port = ports[0];
    return t->protocol == IPPROTO_TCP || t->protocol == IPPROTO_UDP;
}

static __always_inline int is_error(const struct tuple *t, __u8 type)
{
    if (t->protocol == IPPROTO_ICMP)
        return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED ||
               type == ICMP_PARAMETERPROB;
    return type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMPROB;
}

static __always_inline int decide_icmp(const struct parser *p, const struct tuple *t,
                                       struct choice *c)
{
    struct icmphdr *icmp = p->transport;
    struct tuple quoted;
    struct connection *known;

    if ((void *)(icmp + 1) > p->end ||
        t->protocol != (p->type == ETH_P_IP ? IPPROTO_ICMP : PROTO_ICMPV6))
        return XDP_DROP;
    if (icmp->type == (p->type == ETH_P_IP ? ICMP_ECHO : ICMPV6_ECHO_REQUEST))
        return find_vip(t) ? answer_echo(p) : XDP_PASS;
    if (!is_error(t, icmp->type) || !parse_quoted(p, &quoted) ||
        quoted.destination.half[0] != t->destination.half[0] ||
        quoted.destination.half[1] != t->destination.half[1])
        return XDP_PASS;
    c->vip = find_vip(&quoted);
    known = c->vip ? bpf_map_lookup_elem(&connections, &quoted) : 0;
    if (!known)
        return XDP_PASS;
    c->server = known->server;
    c->hash = hash_of(&quoted, c->vip->flags);
    return FORWARD;
}

static __always_inline int decide(enum parsed parsed, const struct parser *p, const struct tuple *t,
                                  struct choice *c)
{
    struct ethhdr *eth = p->data;

    if (parsed == PARSED_OTHER)
        return XDP_PASS;
    if (parsed == PARSED_MALFORMED || (void *)(eth + 1) > p->end || p->network + p->bytes > p->end)
        return XDP_DROP;
    if (eth->h_proto != bpf_htons(p->type))
        return XDP_PASS; /* tagged */
    if (parsed == PARSED && (t->protocol == IPPROTO_ICMP || t->protocol == PROTO_ICMPV6))
        return decide_icmp(p, t, c);
    c->vip = find_vip(t);
    if (!c->vip)
        return XDP_PASS;
    if (parsed == PARSED_FRAGMENT || p->more)
        return XDP_DROP;
    c->hash = hash_of(t, c->vip->flags);
    c->server = choose(t, c->vip, c->hash, p->tcp_flags);
    return c->server ? FORWARD : XDP_DROP;
}

/* Makes room in front and writes the Ethernet header there. Returns false if there is none. */
static __always_inline int push(struct xdp_md *ctx, const struct server *server, __u32 bytes,
                                __u16 type, __u8 *tos, __u32 version)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    __u8 mac[ETH_ALEN];
    __u8 *ip = (void *)(eth + 1);

    if ((void *)(ip + 2) > end)
        return 0;
    __builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
    *tos = version == 4 ? ip[1] : (__u8)(ip[0] << 4 | ip[1] >> 4);
    if (bpf_xdp_adjust_head(ctx, -(int)bytes))
        return 0;
    data = (void *)(long)ctx->data;
    end = (void *)(long)ctx->data_end;
    eth = data;
    if ((void *)(eth + 1) > end)
        return 0;
    __builtin_memcpy(eth->h_dest, server->mac, ETH_ALEN);
    __builtin_memcpy(eth->h_source, mac, ETH_ALEN);
    eth->h_proto = bpf_htons(type);
    return 1;
}

static __always_inline void write_outer4(struct iphdr *outer, const struct scratch *s,
                                         const struct server *server, __u8 tos, __u8 protocol,
                                         __u16 bytes)
{
    outer->version = 4;
    outer->ihl = 5;
    outer->tos = tos;
    outer->tot_len = bpf_htons(bytes);
    outer->id = 0;
    outer->frag_off = bpf_htons(IP_DF);
    outer->ttl = OUTER_TTL;
    outer->protocol = protocol;
    outer->check = 0;
    outer->saddr = balancer4 | (s->hash & 0xffff) << 16;
    outer->daddr = server->address.word[3];
    outer->check = ipv4_checksum(outer);
}

static __always_inline void write_outer6(struct ipv6hdr *outer, const struct server *server,
                                         __u8 tos, __u8 protocol, __u16 bytes)
{
    *(__be32 *)outer = bpf_htonl(6u << 28 | (__u32)tos << 20);
    outer->payload_len = bpf_htons(bytes);
    outer->nexthdr = protocol;
    outer->hop_limit = OUTER_TTL;
    UNROLL
    for (int i = 0; i < 4; i++)
        outer->saddr.in6_u.u6_addr32[i] = balancer6[i];
    __builtin_memcpy(&outer->daddr, &server->address, sizeof(outer->daddr));
}

/* Generic UDP encapsulation, variant 1: the IP packet follows at once. Without a checksum, as RFC
 * 6935 allows for tunnels over IPv6, too. */
static __always_inline void write_gue(struct udphdr *udp, const struct scratch *s, __u16 bytes)
{
    udp->source = bpf_htons(entropy_port | (s->hash >> 16 & 0x3fff));
    udp->dest = bpf_htons(GUE_PORT);
    udp->len = bpf_htons(bytes);
    udp->check = 0;
}

/* Sends the packet to its server in IP, behind a GUE header if `with_gue`. */
static __always_inline int encapsulate(struct xdp_md *ctx, int with_gue)
{
    struct scratch *s = my_scratch();
    struct server *server = s ? bpf_map_lookup_elem(&servers, &s->server) : 0;
    const __u32 gue_bytes = with_gue ? sizeof(struct udphdr) : 0;
    void *network, *end, *inner;
    __u8 tos, protocol;
    __u16 bytes;

    if (!server)
        return XDP_DROP;
    protocol = with_gue ? IPPROTO_UDP : s->version == 4 ? IPPROTO_IPIP : IPPROTO_IPV6;
    bytes = s->bytes + gue_bytes;
    if (is_ipv4(&server->address)) {
        if (!push(ctx, server, sizeof(struct iphdr) + gue_bytes, ETH_P_IP, &tos, s->version))
            return XDP_ABORTED;
        network = (void *)(long)ctx->data + sizeof(struct ethhdr);
        end = (void *)(long)ctx->data_end;
        inner = network + sizeof(struct iphdr);
        if (inner + gue_bytes > end)
            return XDP_ABORTED;
        write_outer4(network, s, server, tos, protocol, bytes + sizeof(struct iphdr));
    } else {
        if (!push(ctx, server, sizeof(struct ipv6hdr) + gue_bytes, ETH_P_IPV6, &tos, s->version))
            return XDP_ABORTED;
        network = (void *)(long)ctx->data + sizeof(struct ethhdr);
        end = (void *)(long)ctx->data_end;
        inner = network + sizeof(struct ipv6hdr);
        if (inner + gue_bytes > end)
            return XDP_ABORTED;
        write_outer6(network, server, tos, protocol, bytes);
    }
    if (with_gue)
        write_gue(inner, s, bytes);
    return XDP_TX;
}

SEC("xdp")
int ipip(struct xdp_md *ctx)
{
    return encapsulate(ctx, 0);
}

SEC("xdp")
int gue(struct xdp_md *ctx)
{
    return encapsulate(ctx, 1);
}

/* Cuts the packet down to what is quoted, and makes room for another IP and ICMP header. */
static __always_inline int quote(struct xdp_md *ctx, __u32 quoted, __u32 headers)
{
    const int length = (int)(ctx->data_end - ctx->data);
    const int tail = (int)(sizeof(struct ethhdr) + quoted) - length;

    if (tail < 0 && bpf_xdp_adjust_tail(ctx, tail))
        return 0;
    return !bpf_xdp_adjust_head(ctx, -(int)headers);
}

/* Ethernet back to where the packet came from; it lies `headers` bytes further back. */
static __always_inline void turn_round(struct ethhdr *eth, const struct ethhdr *was)
{
    __builtin_memcpy(eth->h_dest, was->h_source, ETH_ALEN);
    __builtin_memcpy(eth->h_source, was->h_dest, ETH_ALEN);
    eth->h_proto = was->h_proto;
}

/* RFC 792 and 1191: destination unreachable, fragmentation needed. It is sent without the "don't
 * fragment" flag, too: the balancer does not fragment. */
static __always_inline int too_big4(struct xdp_md *ctx, __u16 mtu)
{
    struct ethhdr *eth;
    struct iphdr *ip, *quoted;
    struct icmphdr *icmp;

    if (!quote(ctx, QUOTE4, sizeof(*ip) + sizeof(*icmp)))
        return XDP_ABORTED;
    eth = (void *)(long)ctx->data;
    ip = (void *)(eth + 1);
    icmp = (void *)(ip + 1);
    quoted = (void *)(icmp + 1);
    if ((void *)quoted + QUOTE4 > (void *)(long)ctx->data_end)
        return XDP_ABORTED;
    turn_round(eth, (void *)eth + sizeof(*ip) + sizeof(*icmp));
    icmp->type = ICMP_DEST_UNREACH;
    icmp->code = ICMP_FRAG_NEEDED;
    icmp->checksum = 0;
    icmp->un.gateway = bpf_htonl(mtu);
    icmp->checksum = (__u16)~fold(bpf_csum_diff(0, 0, (void *)icmp, sizeof(*icmp) + QUOTE4, 0));
    ip->version = 4;
    ip->ihl = 5;
    ip->tos = 0;
    ip->tot_len = bpf_htons(sizeof(*ip) + sizeof(*icmp) + QUOTE4);
    ip->id = 0;
    ip->frag_off = 0;
    ip->ttl = OUTER_TTL;
    ip->protocol = IPPROTO_ICMP;
    ip->check = 0;
    ip->saddr = quoted->daddr;
    ip->daddr = quoted->saddr;
    ip->check = ipv4_checksum(ip);
    return XDP_TX;
}

/* RFC 4443 3.2: packet too big. */
static __always_inline int too_big6(struct xdp_md *ctx, __u16 mtu)
{
    const __u32 bytes = sizeof(struct icmp6hdr) + QUOTE6;
    struct ethhdr *eth;
    struct ipv6hdr *ip, *quoted;
    struct icmp6hdr *icmp;
    __u32 sum;

    if (!quote(ctx, QUOTE6, sizeof(*ip) + sizeof(*icmp)))
        return XDP_ABORTED;
    eth = (void *)(long)ctx->data;
    ip = (void *)(eth + 1);
    icmp = (void *)(ip + 1);
    quoted = (void *)(icmp + 1);
    if ((void *)quoted + QUOTE6 > (void *)(long)ctx->data_end)
        return XDP_ABORTED;
    turn_round(eth, (void *)eth + sizeof(*ip) + sizeof(*icmp));
    *(__be32 *)ip = bpf_htonl(6u << 28);
    ip->payload_len = bpf_htons(bytes);
    ip->nexthdr = PROTO_ICMPV6;
    ip->hop_limit = OUTER_TTL;
    ip->saddr = quoted->daddr;
    ip->daddr = quoted->saddr;
    icmp->icmp6_type = ICMPV6_PKT_TOOBIG;
    icmp->icmp6_code = 0;
    icmp->icmp6_cksum = 0;
    icmp->icmp6_mtu = bpf_htonl(mtu);
    sum = bpf_csum_diff(0, 0, (void *)&ip->saddr, 2 * sizeof(ip->saddr),
                        bpf_htonl(bytes + PROTO_ICMPV6));
    icmp->icmp6_cksum = (__u16)~fold(bpf_csum_diff(0, 0, (void *)icmp, bytes, sum));
    return XDP_TX;
}

SEC("xdp")
int too_big(struct xdp_md *ctx)
{
    struct scratch *s = my_scratch();

    if (!s)
        return XDP_DROP;
    return s->version == 4 ? too_big4(ctx, s->mtu) : too_big6(ctx, s->mtu);
}

/* To the program that encapsulates, or to the one that tells the client that it can't be. */
static __always_inline int forward(struct xdp_md *ctx, const struct choice *c, __u32 version,
                                   __u16 bytes)
{
    struct scratch *s = my_scratch();
    struct server *server = bpf_map_lookup_elem(&servers, &c->server);
    struct total *total = total_of(c->vip->service);
    __u32 step = c->vip->flags & VIP_GUE ? STEP_GUE : STEP_IPIP;
    __u16 overhead;

    if (!s || !server || !total)
        return XDP_DROP;
    overhead = is_ipv4(&server->address) ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
    if (step == STEP_GUE)
        overhead += sizeof(struct udphdr);
    s->version = version;
    s->server = c->server;
    s->hash = c->hash;
    s->bytes = bytes;
    s->mtu = tunnel_mtu - overhead;
    if (bytes > s->mtu) {
        step = STEP_TOO_BIG;
        total->too_big++;
    } else {
        total->packets++;
        total->bytes += bytes;
    }
    bpf_tail_call(ctx, &steps, step);
    return XDP_DROP; /* the program is missing */
}

SEC("xdp")
int l4lb(struct xdp_md *ctx)
{
    struct choice c;
    struct parser p;
    struct tuple t;
    const enum parsed parsed = parse_packet(&p, &t, ctx);
    const int verdict = decide(parsed, &p, &t, &c);

    return verdict == FORWARD ? forward(ctx, &c, t.version, p.bytes) : verdict;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
