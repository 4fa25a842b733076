/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_CLI_FRAMES_H
#define SLUICE_HOST_CLI_FRAMES_H

#include <stdint.h>

/* Makes Ethernet frames from a seed. */

enum frame_kind {
    FRAME_TCP, /* over IPv4 */
    FRAME_UDP,
    FRAME_ICMP,
    FRAME_IPV6, /* TCP, UDP or ICMPv6 over IPv6 */
    FRAME_VLAN, /* one or two tags before IPv4 */
    FRAME_ARP,
    FRAME_OTHER,    /* an EtherType that nobody knows */
    FRAME_FLOOD,    /* TCP SYN from anywhere to the flow's destination, port 80 */
    FRAME_FRAGMENT, /* of UDP, over IPv4 or IPv6; every third is a first one */
    FRAME_ERROR,    /* ICMP from a router: a packet from the flow's destination was too big */
    FRAME_6IN4,     /* IPv6 in IPv4 */
    FRAME_OPTIONS6, /* IPv6 with one to three extension headers */
    FRAME_KIND_COUNT
};
extern const char *const frame_kind_names[FRAME_KIND_COUNT];

struct frames_options {
    uint64_t seed;
    uint32_t flows;
    double skew;   /* of the Zipf distribution of flows */
    uint32_t size; /* bytes of a frame; 0: IMIX */
    uint32_t options_percent;
    uint32_t malformed_percent;
    uint32_t replies_percent; /* packets from the flow's destination to its source */
    uint32_t reply_address;   /* 0, or to this address of the source and one of these ports */
    uint16_t reply_low;
    uint16_t reply_high;
    uint32_t weights[FRAME_KIND_COUNT];
};

struct frames;

/* NULL if there is no memory or all weights are 0. */
struct frames *frames_open(const struct frames_options *options);
void frames_close(struct frames *frames);

/* Writes the next frame (room for SPEC_PKT_MAX_BYTES) and returns its length. */
uint32_t frames_next(struct frames *frames, uint8_t *frame);

/* A time between packets around mean_ns, from the same generator. */
uint64_t frames_gap(struct frames *frames, uint64_t mean_ns);

#endif
