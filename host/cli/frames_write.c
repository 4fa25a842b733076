/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/frames_internal.h"

#include <linux/icmp.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <string.h>

/* The bytes of a frame of each kind. */

enum { IPV4_BYTES = 20, IPV6_BYTES = 40, TCP_BYTES = 20, UDP_BYTES = 8, ICMP_BYTES = 8 };
enum { SYN = 0x02, PROTO_FRAGMENT = 44, ICMPV6_TOO_BIG = 2 };

static uint8_t *put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
    return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
    return put16(put16(p, v >> 16), v & 0xffff);
}

/* The Internet checksum (RFC 1071) of an even or odd number of bytes, on top of a sum so far. */
static uint16_t checksum(const uint8_t *p, uint32_t bytes, uint32_t sum)
{
    for (uint32_t i = 0; i + 1 < bytes; i += 2)
        sum += (uint32_t)p[i] << 8 | p[i + 1];
    if (bytes & 1)
        sum += (uint32_t)p[bytes - 1] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static uint8_t *put_ethernet(uint8_t *p, const struct flow *flow, uint16_t type)
{
    p = put16(p, 0x0200);
    p = put32(p, flow->destination);
    p = put16(p, 0x0200);
    p = put32(p, flow->source);
    return put16(p, type);
}

/* Writes a transport header and random payload of so many bytes in all; pseudo is the sum of the
 * pseudo header without protocol and length. */
static void put_transport(struct frames *f, uint8_t *p, uint32_t bytes, uint8_t protocol,
                          const struct flow *flow, uint32_t pseudo)
{
    const uint32_t at = protocol == IPPROTO_TCP ? 16 : protocol == IPPROTO_UDP ? 6 : 2;

    for (uint32_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)frames_random(f);
    if (protocol == IPPROTO_TCP && bytes >= TCP_BYTES) {
        static const uint8_t flags[] = {0x02, 0x12, 0x10, 0x18, 0x11, 0x04};

        put16(put16(p, flow->source_port), flow->destination_port);
        p[12] = TCP_BYTES / 4 << 4;
        p[13] = flags[frames_below(f, sizeof(flags))];
    } else if (protocol == IPPROTO_UDP && bytes >= UDP_BYTES) {
        put16(put16(put16(p, flow->source_port), flow->destination_port), bytes);
    } else if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP && bytes >= 4) {
        p[0] = protocol == IPPROTO_ICMP ? ICMP_ECHO : 128;
        p[1] = 0;
    }
    if (bytes >= at + 2) {
        put16(p + at, 0);
        put16(p + at, checksum(p, bytes, protocol == IPPROTO_ICMP ? 0 : pseudo + protocol + bytes));
    }
}

static uint32_t words_sum(const uint8_t *p, uint32_t bytes)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < bytes; i += 2)
        sum += (uint32_t)p[i] << 8 | p[i + 1];
    return sum;
}

static void put_ipv4(struct frames *f, uint8_t *p, uint32_t bytes, const struct flow *flow,
                     uint8_t protocol)
{
    uint32_t header = IPV4_BYTES;

    if (frames_chance(f, f->options.options_percent))
        header += 4 * (1 + frames_below(f, 10));
    if (header > bytes)
        header = IPV4_BYTES;
    if (bytes < IPV4_BYTES)
        return;
    memset(p, 0, header);
    p[0] = (uint8_t)(0x40 | header / 4);
    put16(p + 2, bytes);
    put16(p + 4, (uint32_t)frames_random(f));
    put16(p + 6, frames_chance(f, 3) ? 0x2000 | frames_below(f, 1480) : 0x4000);
    p[8] = (uint8_t)(frames_chance(f, 5) ? frames_below(f, 3) : 32 + frames_below(f, 224));
    p[9] = protocol;
    put32(put32(p + 12, flow->source), flow->destination);
    for (uint32_t i = IPV4_BYTES; i < header; i++)
        p[i] = 1; /* no operation */
    put16(p + 10, checksum(p, header, 0));
    put_transport(f, p + header, bytes - header, protocol, flow, words_sum(p + 12, 8));
}

static void put_ipv6(struct frames *f, uint8_t *p, uint32_t bytes, const struct flow *flow)
{
    static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMPV6};
    const uint8_t protocol = protocols[flow->source_port % sizeof(protocols)];

    if (bytes < IPV6_BYTES)
        return;
    memset(p, 0, IPV6_BYTES);
    p[0] = 0x60;
    put16(p + 4, bytes - IPV6_BYTES);
    p[6] = protocol;
    p[7] = 64;
    put32(put32(p + 8, 0x20010db8), flow->source_net);
    put32(p + 20, flow->source);
    put32(put32(p + 24, 0x20010db8), 1);
    put32(p + 36, flow->destination);
    put_transport(f, p + IPV6_BYTES, bytes - IPV6_BYTES, protocol, flow, words_sum(p + 8, 32));
}

static void put_arp(uint8_t *p, uint32_t bytes, const struct flow *flow)
{
    if (bytes < 28)
        return;
    p = put16(put16(p, 1), ETH_P_IP);
    *p++ = 6;
    *p++ = 4;
    p = put16(p, 1);
    p = put32(put16(p, 0x0200), flow->source);
    p = put32(p, flow->source);
    p = put32(put16(p, 0), 0);
    put32(p, flow->destination);
}

static void put_tagged(struct frames *f, uint8_t *frame, uint32_t len, const struct flow *flow)
{
    const bool twice = flow->source_port & 1;
    uint8_t *p = put_ethernet(frame, flow, twice ? ETH_P_8021AD : ETH_P_8021Q);
    const uint8_t protocol = flow->source_port & 2 ? IPPROTO_TCP : IPPROTO_UDP;

    if (twice)
        p = put16(put16(p, 100 + (flow->source & 15)), ETH_P_8021Q);
    p = put16(put16(p, 10 + (flow->destination & 15)), ETH_P_IP);
    put_ipv4(f, p, len - (uint32_t)(p - frame), flow, protocol);
}

/* An IPv4 header without options, from the flow's source to its destination. Returns its end. */
static uint8_t *put_plain_ipv4(struct frames *f, uint8_t *p, uint32_t bytes, uint32_t source,
                               uint32_t destination, uint8_t protocol, uint32_t fragment)
{
    memset(p, 0, IPV4_BYTES);
    p[0] = 0x45;
    put16(p + 2, bytes);
    put16(p + 4, (uint32_t)frames_random(f));
    put16(p + 6, fragment);
    p[8] = 64;
    p[9] = protocol;
    put32(put32(p + 12, source), destination);
    put16(p + 10, checksum(p, IPV4_BYTES, 0));
    return p + IPV4_BYTES;
}

static uint8_t *put_plain_ipv6(uint8_t *p, uint32_t bytes, uint32_t source, uint32_t destination,
                               uint8_t next)
{
    memset(p, 0, IPV6_BYTES);
    p[0] = 0x60;
    put16(p + 4, bytes - IPV6_BYTES);
    p[6] = next;
    p[7] = 64;
    put32(put32(p + 8, 0x20010db8), 0);
    put32(p + 20, source);
    put32(put32(p + 24, 0x20010db8), 1);
    put32(p + 36, destination);
    return p + IPV6_BYTES;
}

/* A SYN that nobody will wait for the answer of. */
static void put_flood(struct frames *f, uint8_t *frame, uint32_t len, const struct flow *flow)
{
    struct flow from = *flow;
    uint8_t *p, *tcp;

    from.source = 0x0a000000u | frames_below(f, 1 << 24);
    from.source_port = (uint16_t)frames_below(f, 65536);
    from.destination_port = 80;
    p = put_ethernet(frame, &from, ETH_P_IP);
    tcp = put_plain_ipv4(f, p, len - ETH_HLEN, from.source, from.destination, IPPROTO_TCP, 0x4000);
    put_transport(f, tcp, len - (uint32_t)(tcp - frame), IPPROTO_TCP, &from, words_sum(p + 12, 8));
    put16(tcp + 16, 0);
    tcp[13] = SYN;
    put16(tcp + 16, checksum(tcp, len - (uint32_t)(tcp - frame),
                             words_sum(p + 12, 8) + IPPROTO_TCP + len - (uint32_t)(tcp - frame)));
}

/* The n-th fragment of a datagram; its bytes are as random as another packet's payload. */
static void put_fragment(struct frames *f, uint8_t *frame, uint32_t len, const struct flow *flow)
{
    const uint32_t number = frames_below(f, 3);
    const uint32_t more = number < 2;
    uint8_t *p = frame + ETH_HLEN;

    if (flow->source_port & 1) {
        put_ethernet(frame, flow, ETH_P_IPV6);
        p = put_plain_ipv6(p, len - ETH_HLEN, flow->source, flow->destination, PROTO_FRAGMENT);
        *p++ = IPPROTO_UDP;
        *p++ = 0;
        p = put16(p, number * 1480 | more);
        p = put32(p, (uint32_t)frames_random(f));
    } else {
        put_ethernet(frame, flow, ETH_P_IP);
        p = put_plain_ipv4(f, p, len - ETH_HLEN, flow->source, flow->destination, IPPROTO_UDP,
                           more << 13 | number * (1480 / 8));
    }
    for (uint8_t *q = p; q < frame + len; q++)
        *q = (uint8_t)frames_random(f);
    if (!number)
        put16(put16(put16(p, flow->source_port), flow->destination_port), 3 * 1480);
}

/* What a router on the way to the flow's source says of a packet from the flow's destination. */
static void put_error(struct frames *f, uint8_t *frame, const struct flow *flow)
{
    const uint32_t router = 0x0aff0000u | (flow->source & 0xff);
    const uint8_t protocol = flow->source_port & 2 ? IPPROTO_TCP : IPPROTO_UDP;
    const bool six = flow->source_port & 1;
    const uint32_t header = six ? IPV6_BYTES : IPV4_BYTES;
    const uint32_t bytes = ICMP_BYTES + header + 8;
    uint8_t *ip = put_ethernet(frame, flow, six ? ETH_P_IPV6 : ETH_P_IP);
    uint8_t *icmp, *inner;

    if (six) {
        icmp = put_plain_ipv6(ip, header + bytes, router, flow->destination, IPPROTO_ICMPV6);
        inner = put_plain_ipv6(icmp + ICMP_BYTES, 1500, 0, 0, protocol);
        memcpy(icmp + ICMP_BYTES + 8, ip + 24, 16); /* the flow's destination */
        put32(icmp + ICMP_BYTES + 24, 0x20010db8);
        put32(icmp + ICMP_BYTES + 36, flow->source);
        icmp[0] = ICMPV6_TOO_BIG;
        put32(icmp + 4, 1280);
    } else {
        icmp = put_plain_ipv4(f, ip, header + bytes, router, flow->destination, IPPROTO_ICMP, 0);
        inner = put_plain_ipv4(f, icmp + ICMP_BYTES, 1500, flow->destination, flow->source,
                               protocol, 0x4000);
        icmp[0] = ICMP_DEST_UNREACH;
        icmp[1] = ICMP_FRAG_NEEDED;
        put32(icmp + 4, 1400);
    }
    put32(put16(put16(inner, flow->destination_port), flow->source_port), 0);
    put16(icmp + 2,
          checksum(icmp, bytes, six ? words_sum(ip + 8, 32) + IPPROTO_ICMPV6 + bytes : 0));
}

/* A tunnel has its other end in 10.6.0.0/28, and IPv6 addresses of 2001:db8:6:N::/64 behind it. */
static void put_6in4(struct frames *f, uint8_t *frame, uint32_t len, const struct flow *flow)
{
    const uint32_t number = flow->source & 15;
    uint8_t *p = put_ethernet(frame, flow, ETH_P_IP);
    struct flow inner = *flow;

    inner.source_net = 6 << 16 | number;
    p = put_plain_ipv4(f, p, len - ETH_HLEN, 0x0a060000u | number, 0xc0a80006u, IPPROTO_IPV6,
                       0x4000);
    put_ipv6(f, p, len - (uint32_t)(p - frame), &inner);
}

static void put_options6(struct frames *f, uint8_t *frame, uint32_t len, const struct flow *flow)
{
    static const uint8_t kinds[] = {IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS};
    const uint32_t count = 1 + flow->source_port % 3;
    const uint8_t protocol = flow->source_port & 8 ? IPPROTO_TCP : IPPROTO_UDP;
    uint8_t *ip = put_ethernet(frame, flow, ETH_P_IPV6);
    uint8_t *p =
        put_plain_ipv6(ip, len - ETH_HLEN, flow->source, flow->destination, kinds[3 - count]);

    for (uint32_t i = 3 - count; i < 3; i++) {
        memset(p, 0, 8);
        p[0] = i == 2 ? protocol : kinds[i + 1];
        p[2] = kinds[i] == IPPROTO_ROUTING ? 253 : 1; /* an experiment; padding of 4 bytes */
        p[3] = kinds[i] == IPPROTO_ROUTING ? 0 : 4;
        p += 8;
    }
    put_transport(f, p, len - (uint32_t)(p - frame), protocol, flow, words_sum(ip + 8, 32));
}

uint32_t frames_least(uint8_t kind)
{
    switch ((enum frame_kind)kind) {
    case FRAME_VLAN:
        return ETH_HLEN + 8;
    case FRAME_FLOOD:
        return ETH_HLEN + IPV4_BYTES + TCP_BYTES;
    case FRAME_FRAGMENT:
        return ETH_HLEN + IPV6_BYTES + 8 + UDP_BYTES;
    case FRAME_ERROR:
        return ETH_HLEN + 2 * IPV6_BYTES + ICMP_BYTES + 8;
    case FRAME_6IN4:
        return ETH_HLEN + IPV4_BYTES + IPV6_BYTES + TCP_BYTES;
    case FRAME_OPTIONS6:
        return ETH_HLEN + IPV6_BYTES + 3 * 8 + TCP_BYTES;
    case FRAME_TCP:
    case FRAME_UDP:
    case FRAME_ICMP:
    case FRAME_IPV6:
    case FRAME_ARP:
    case FRAME_OTHER:
    case FRAME_KIND_COUNT:
        break;
    }
    return ETH_HLEN;
}

void frames_write(struct frames *f, uint8_t *frame, uint32_t len, const struct flow *flow)
{
    uint8_t *p = frame + ETH_HLEN;

    switch ((enum frame_kind)flow->kind) {
    case FRAME_TCP:
    case FRAME_UDP:
    case FRAME_ICMP:
        put_ethernet(frame, flow, ETH_P_IP);
        put_ipv4(f, p, len - ETH_HLEN, flow,
                 flow->kind == FRAME_TCP   ? IPPROTO_TCP
                 : flow->kind == FRAME_UDP ? IPPROTO_UDP
                                           : IPPROTO_ICMP);
        break;
    case FRAME_IPV6:
        put_ethernet(frame, flow, ETH_P_IPV6);
        put_ipv6(f, p, len - ETH_HLEN, flow);
        break;
    case FRAME_VLAN:
        put_tagged(f, frame, len, flow);
        break;
    case FRAME_ARP:
        put_ethernet(frame, flow, ETH_P_ARP);
        put_arp(p, len - ETH_HLEN, flow);
        break;
    case FRAME_FLOOD:
        put_flood(f, frame, len, flow);
        break;
    case FRAME_FRAGMENT:
        put_fragment(f, frame, len, flow);
        break;
    case FRAME_ERROR:
        put_error(f, frame, flow);
        break;
    case FRAME_6IN4:
        put_6in4(f, frame, len, flow);
        break;
    case FRAME_OPTIONS6:
        put_options6(f, frame, len, flow);
        break;
    case FRAME_OTHER:
    case FRAME_KIND_COUNT:
        put_ethernet(frame, flow, 0x88b5);
        break;
    }
}
