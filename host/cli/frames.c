/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/frames.h"

#include "hw/spec/gen/limits.h"

#include <linux/icmp.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const char *const frame_kind_names[FRAME_KIND_COUNT] = {"tcp",  "udp", "icmp", "ipv6",
                                                        "vlan", "arp", "other"};

enum { IPV4_BYTES = 20, IPV6_BYTES = 40, TCP_BYTES = 20, UDP_BYTES = 8, TRUNCATED_MIN = 14 };

/* What the packets of one 5-tuple have in common. */
struct flow {
    uint32_t source;
    uint32_t destination;
    uint16_t source_port;
    uint16_t destination_port;
    uint8_t kind; /* enum frame_kind */
};

struct frames {
    struct frames_options options;
    uint64_t state; /* splitmix64 */
    struct flow *flows;
    double *cumulated; /* of the flows' weights */
};

static uint64_t next_random(struct frames *f)
{
    uint64_t z = f->state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint32_t below(struct frames *f, uint32_t limit)
{
    return (uint32_t)((next_random(f) >> 32) * limit >> 32);
}

static bool chance(struct frames *f, uint32_t percent)
{
    return below(f, 100) < percent;
}

static uint8_t pick_kind(struct frames *f, uint32_t total)
{
    uint32_t r = below(f, total);
    uint8_t kind = 0;

    while (r >= f->options.weights[kind])
        r -= f->options.weights[kind++];
    return kind;
}

/* Addresses and ports that programs tend to tell apart: a few servers with known ports, many
 * clients. */
static struct flow make_flow(struct frames *f, uint32_t total)
{
    static const uint16_t ports[] = {53, 80, 443, 22, 123, 8080, 5353, 1900};
    struct flow flow = {
        .source = 0x0a000000u | below(f, 1 << 16),
        .destination = 0xc0a80000u | below(f, 64),
        .source_port = (uint16_t)(1024 + below(f, 64512)),
        .destination_port = ports[below(f, sizeof(ports) / sizeof(ports[0]))],
        .kind = pick_kind(f, total),
    };

    if (chance(f, 10))
        flow.destination_port = (uint16_t)below(f, 65536);
    return flow;
}

struct frames *frames_open(const struct frames_options *options)
{
    struct frames *f = calloc(1, sizeof(*f));
    uint32_t total = 0;
    double sum = 0;

    for (int i = 0; i < FRAME_KIND_COUNT; i++)
        total += options->weights[i];
    if (!f || !total)
        goto fail;
    f->options = *options;
    f->state = options->seed;
    f->flows = calloc(options->flows, sizeof(*f->flows));
    f->cumulated = calloc(options->flows, sizeof(*f->cumulated));
    if (!f->flows || !f->cumulated)
        goto fail;
    for (uint32_t i = 0; i < options->flows; i++) {
        f->flows[i] = make_flow(f, total);
        sum += pow((double)i + 1, -options->skew);
        f->cumulated[i] = sum;
    }
    return f;
fail:
    frames_close(f);
    return NULL;
}

void frames_close(struct frames *frames)
{
    if (!frames)
        return;
    free(frames->flows);
    free(frames->cumulated);
    free(frames);
}

uint64_t frames_gap(struct frames *frames, uint64_t mean_ns)
{
    return mean_ns ? 1 + below(frames, (uint32_t)mean_ns * 2) : 0;
}

static const struct flow *pick_flow(struct frames *f)
{
    const uint32_t n = f->options.flows;
    const double x = (double)(next_random(f) >> 11) / 9007199254740992.0 * f->cumulated[n - 1];
    uint32_t low = 0, high = n - 1;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;

        if (f->cumulated[middle] > x)
            high = middle;
        else
            low = middle + 1;
    }
    return &f->flows[low];
}

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
        p[i] = (uint8_t)next_random(f);
    if (protocol == IPPROTO_TCP && bytes >= TCP_BYTES) {
        static const uint8_t flags[] = {0x02, 0x12, 0x10, 0x18, 0x11, 0x04};

        put16(put16(p, flow->source_port), flow->destination_port);
        p[12] = TCP_BYTES / 4 << 4;
        p[13] = flags[below(f, sizeof(flags))];
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

    if (chance(f, f->options.options_percent))
        header += 4 * (1 + below(f, 10));
    if (header > bytes)
        header = IPV4_BYTES;
    if (bytes < IPV4_BYTES)
        return;
    memset(p, 0, header);
    p[0] = (uint8_t)(0x40 | header / 4);
    put16(p + 2, bytes);
    put16(p + 4, (uint32_t)next_random(f));
    put16(p + 6, chance(f, 3) ? 0x2000 | below(f, 1480) : 0x4000);
    p[8] = (uint8_t)(chance(f, 5) ? below(f, 3) : 32 + below(f, 224));
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
    put32(put32(p + 8, 0x20010db8), 0);
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

static uint32_t pick_size(struct frames *f)
{
    const uint32_t r = below(f, 12);

    if (f->options.size)
        return f->options.size;
    return r < 7 ? 64 : r < 11 ? 594 : 1518;
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

/* Makes a packet contradict itself or end early. Returns the new length. */
static uint32_t spoil(struct frames *f, uint8_t *frame, uint32_t len)
{
    switch (below(f, 4)) {
    case 0: /* ends within its headers */
        return TRUNCATED_MIN + below(f, len < 60 ? len - TRUNCATED_MIN + 1 : 47);
    case 1: /* a header length or version that can't be */
        frame[14] = (uint8_t)next_random(f);
        return len;
    case 2: /* a total length that is not the packet's */
        if (len >= 18)
            put16(frame + 16, (uint32_t)next_random(f));
        return len;
    default: /* noise in the headers */
        for (int i = 0; i < 4; i++)
            frame[12 + below(f, len < 50 ? len - 12 : 38)] = (uint8_t)next_random(f);
        return len;
    }
}

uint32_t frames_next(struct frames *frames, uint8_t *frame)
{
    const struct flow *flow = pick_flow(frames);
    uint32_t len = pick_size(frames);
    const uint32_t least = flow->kind == FRAME_VLAN ? 22 : TRUNCATED_MIN;
    uint8_t *p;

    if (len < least)
        len = least;
    memset(frame, 0, len);
    p = frame + ETH_HLEN;
    switch ((enum frame_kind)flow->kind) {
    case FRAME_TCP:
    case FRAME_UDP:
    case FRAME_ICMP:
        put_ethernet(frame, flow, ETH_P_IP);
        put_ipv4(frames, p, len - ETH_HLEN, flow,
                 flow->kind == FRAME_TCP   ? IPPROTO_TCP
                 : flow->kind == FRAME_UDP ? IPPROTO_UDP
                                           : IPPROTO_ICMP);
        break;
    case FRAME_IPV6:
        put_ethernet(frame, flow, ETH_P_IPV6);
        put_ipv6(frames, p, len - ETH_HLEN, flow);
        break;
    case FRAME_VLAN:
        put_tagged(frames, frame, len, flow);
        break;
    case FRAME_ARP:
        put_ethernet(frame, flow, ETH_P_ARP);
        put_arp(p, len - ETH_HLEN, flow);
        break;
    case FRAME_OTHER:
    case FRAME_KIND_COUNT:
        put_ethernet(frame, flow, 0x88b5);
        break;
    }
    return chance(frames, frames->options.malformed_percent) ? spoil(frames, frame, len) : len;
}
