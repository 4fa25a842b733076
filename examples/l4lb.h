/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef L4LB_H
#define L4LB_H

#include "packet.h"

/* What the load balancer is told, and what it remembers. */

#define VIPS 256 /* addresses and ports; those with the same servers are one service */
#define SERVICES 16
#define RING 1021 /* places of each service in the ring, a prime */
#define SERVERS 256
#define OUTER_TTL 64
#define GUE_PORT 6080 /* RFC draft-ietf-intarea-gue */
#define QUOTE4 68     /* bytes of a packet that an ICMP error quotes; a multiple of 4 */
#define QUOTE6 192

/* May be changed before loading. */
const volatile __u16 tunnel_mtu = 1500;         /* largest IP packet on the way to servers */
const volatile __u16 entropy_port = 0xc000;     /* lowest source port of GUE */
const volatile __u64 udp_idle_ns = 30000000000; /* then a UDP connection is chosen anew */
/* Sources of tunnels, in network order. The last 16 bits of the IPv4 one come from the connection's
 * hash, so that servers spread tunnels over their queues. */
const volatile __u32 balancer4 = 0x0000640a; /* 10.100.0.0 */
const volatile __u32 balancer6[4] = {0xb80d0120, 0x0000feca, 0, 0x01000000};

enum { VIP_GUE = 1, VIP_SOURCE_ONLY = 2 /* one server for all connections of a client */ };

struct vip {
    union address address;
    __be16 port; /* 0: all */
    __u8 protocol;
    __u8 zero[5];
};

struct vip_info {
    __u32 service;
    __u32 flags;
};

struct server {
    union address address; /* IPv4 if the first three words are zero */
    __u8 mac[ETH_ALEN];    /* next hop */
    __u16 up;
};

struct connection {
    __u32 server;
    __u32 zero;
    __u64 last_ns;
};

struct total {
    __u64 packets;
    __u64 bytes;
    __u64 fresh; /* chosen from the ring */
    __u64 too_big;
};

/* What one program leaves for the next. */
struct scratch {
    __u32 server;
    __u32 version; /* of the packet */
    __u32 hash;
    __u16 bytes; /* of the IP packet */
    __u16 mtu;   /* what the client may send */
};

enum { STEP_IPIP, STEP_GUE, STEP_TOO_BIG, STEP_COUNT };

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, VIPS);
    __type(key, struct vip);
    __type(value, struct vip_info);
} vips SEC(".maps");

/* For service s the servers at places s * RING to s * RING + RING - 1. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, SERVICES *RING);
    __type(key, __u32);
    __type(value, __u32);
} ring SEC(".maps");

/* Number 0 is none. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, SERVERS);
    __type(key, __u32);
    __type(value, struct server);
} servers SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 16384);
    __type(key, struct tuple);
    __type(value, struct connection);
} connections SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, SERVICES);
    __type(key, __u32);
    __type(value, struct total);
} totals SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct scratch);
} scratches SEC(".maps");

#endif
