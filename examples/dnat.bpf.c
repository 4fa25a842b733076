/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A gateway in front of servers with private addresses: a client's connection to a public service
 * goes on to the server behind it, from an address and port of the gateway's own, so that the
 * server's packets come back here, and are turned into the service's again. Ports are taken from a
 * pool in turn; one is free when its connection ended or was silent for long.
 *
 *   TCP or UDP over IPv4 to a service: destination and source changed, XDP_TX
 *   from a server to a port of the gateway: source and destination changed back, XDP_TX
 *   TCP that no SYN has begun, a port that nobody has or that belongs to another server, no port
 *     left, a fragment, a cut off header: XDP_DROP
 *   TTL 0 or 1 (the host answers), other protocols and destinations: XDP_PASS
 */
#include "packet.h"

#ifndef PORTS
#define PORTS 4096 /* of each protocol; a power of two */
#endif
#define FIRST_PORT 20000u /* PORTS from here on are the pool */
#define TRIES 4           /* ports that a new connection looks at */

/* May be changed before loading. */
const volatile __u32 gateway = 0x010200c0;        /* 192.0.2.1, in network order */
const volatile __u32 strict = 1;                  /* only the server may send to a port */
const volatile __u64 tcp_idle_ns = 7440000000000; /* RFC 5382: at least 2 hours and 4 minutes */
const volatile __u64 udp_idle_ns = 300000000000;  /* RFC 4787: 5 minutes */
const volatile __u64 closing_ns = 240000000000;   /* after FIN: 4 minutes */

struct service {
    __be32 address;
    __be16 port;
    __u8 protocol;
    __u8 zero;
};

struct server {
    __be32 address;
    __be16 port;
    __u8 mac[ETH_ALEN];
    __u32 zero;
};

struct connection {
    __be32 client;
    __be32 service;
    __be16 client_port;
    __be16 service_port;
    __u8 protocol;
    __u8 zero[3];
};

/* Who has a port of the pool. */
struct owner {
    __u64 last_ns; /* 0: nobody; who changes it from a free one's to now has the port */
    struct connection connection;
    __be32 server;
    __be16 server_port;
    __u8 client_mac[ETH_ALEN];
    __u8 server_mac[ETH_ALEN];
    __u16 closing;    /* FIN was seen */
    __u64 packets[2]; /* to the server, to the client */
};

enum outcome {
    OUTCOME_TO_SERVER,
    OUTCOME_TO_CLIENT,
    OUTCOME_NEW,      /* also one of the first */
    OUTCOME_STRANGER, /* no SYN, no such port, another server */
    OUTCOME_NO_PORT,
    OUTCOME_FRAGMENT,
    OUTCOME_MALFORMED,
    OUTCOME_COUNT
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, struct service);
    __type(value, struct server);
} services SEC(".maps");

/* Connection to its place in owners. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 2 * PORTS);
    __type(key, struct connection);
    __type(value, __u32);
} connections SEC(".maps");

/* TCP's ports first, then UDP's. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 2 * PORTS);
    __type(key, __u32);
    __type(value, struct owner);
} owners SEC(".maps");

/* The next port of the pool that a new connection tries, of each protocol. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 2);
    __type(key, __u32);
    __type(value, __u64);
} next_ports SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, OUTCOME_COUNT);
    __type(key, __u32);
    __type(value, __u64);
} outcomes SEC(".maps");

/* What a packet's addresses and ports become. */
struct change {
    __be32 source;
    __be32 destination;
    __be16 source_port;
    __be16 destination_port;
    const __u8 *mac;
};

static __always_inline void count(__u32 outcome)
{
    __u64 *counter = bpf_map_lookup_elem(&outcomes, &outcome);

    if (counter)
        *counter += 1;
}

static __always_inline int drop(__u32 outcome)
{
    count(outcome);
    return XDP_DROP;
}

/* What the sum of a header grows by when 32 bits of it change (RFC 1624: ~m + m'). */
static __always_inline __u32 difference(__u32 from, __u32 to)
{
    return (~from & 0xffff) + (~from >> 16) + (to & 0xffff) + (to >> 16);
}

static __always_inline int is_free(const struct owner *owner, __u64 now, __u8 protocol)
{
    const __u64 idle = now - owner->last_ns;

    return !owner->last_ns || (owner->closing && idle > closing_ns) ||
           idle > (protocol == IPPROTO_TCP ? tcp_idle_ns : udp_idle_ns);
}

/* Takes a port for a connection; NULL if none of those tried is free. */
static __always_inline struct owner *allocate(const struct connection *c,
                                              const struct server *server, const __u8 *mac,
                                              __u64 now, __u32 *place)
{
    const __u32 udp = c->protocol == IPPROTO_UDP;
    __u64 *next = bpf_map_lookup_elem(&next_ports, &udp);
    struct owner *owner;
    __u64 ticket;

    if (!next)
        return 0;
    ticket = __sync_fetch_and_add(next, 1);
    UNROLL
    for (int i = 0; i < TRIES; i++) {
        __u64 seen;

        *place = udp * PORTS + ((ticket + i) & (PORTS - 1));
        owner = bpf_map_lookup_elem(&owners, place);
        if (!owner)
            return 0;
        seen = owner->last_ns;
        if (is_free(owner, now, c->protocol) &&
            __sync_val_compare_and_swap(&owner->last_ns, seen, now) == seen) {
            if (seen)
                bpf_map_delete_elem(&connections, &owner->connection);
            goto taken;
        }
    }
    return 0;
taken:
    owner->connection = *c;
    owner->server = server->address;
    owner->server_port = server->port;
    __builtin_memcpy(owner->client_mac, mac, ETH_ALEN);
    __builtin_memcpy(owner->server_mac, server->mac, ETH_ALEN);
    owner->closing = 0;
    owner->packets[0] = 0;
    owner->packets[1] = 0;
    return owner;
}

/* TCP's flags end a connection: its port is free at once with RST, and soon with FIN. */
static __always_inline void note_end(struct owner *owner, __u8 tcp_flags)
{
    if (tcp_flags & TCP_RST) {
        bpf_map_delete_elem(&connections, &owner->connection);
        owner->last_ns = 0;
    } else if (tcp_flags & TCP_FIN) {
        owner->closing = 1;
    }
}

/* Writes the change and brings the checksums up to date by it. */
static __always_inline int translate(const struct parser *p, const struct tuple *t,
                                     const struct change *to)
{
    struct ethhdr *eth = p->data;
    struct iphdr *ip = p->network;
    __be16 *ports = p->transport;
    const __u32 addresses =
        difference(ip->saddr, to->source) + difference(ip->daddr, to->destination);
    const __u32 all = addresses + (__u16)~t->source_port + to->source_port +
                      (__u16)~t->destination_port + to->destination_port;

    if (t->protocol == IPPROTO_TCP) {
        struct tcphdr *tcp = p->transport;

        if ((void *)(tcp + 1) > p->end)
            return XDP_DROP;
        tcp->check = (__u16)~fold((__u16)~tcp->check + all);
    } else {
        struct udphdr *udp = p->transport;

        if ((void *)(udp + 1) > p->end)
            return XDP_DROP;
        if (udp->check) { /* 0: it has none */
            udp->check = (__u16)~fold((__u16)~udp->check + all);
            if (!udp->check)
                udp->check = 0xffff;
        }
    }
    ports[0] = to->source_port;
    ports[1] = to->destination_port;
    /* The TTL is the high byte of its word. */
    ip->check = (__u16)~fold((__u16)~ip->check + addresses + (__u16)~bpf_htons(0x0100));
    ip->ttl--;
    ip->saddr = to->source;
    ip->daddr = to->destination;
    __builtin_memcpy(eth->h_source, eth->h_dest, ETH_ALEN);
    __builtin_memcpy(eth->h_dest, to->mac, ETH_ALEN);
    return XDP_TX;
}

static __always_inline __be16 port_of(__u32 place)
{
    return bpf_htons(FIRST_PORT + (place & (PORTS - 1)));
}

static __always_inline int to_server(const struct parser *p, const struct tuple *t,
                                     const struct service *service)
{
    struct connection c = {
        .client = t->source.word[3],
        .service = service->address,
        .client_port = t->source_port,
        .service_port = service->port,
        .protocol = t->protocol,
    };
    const struct ethhdr *eth = p->data;
    const __u64 now = bpf_ktime_get_ns();
    struct change change = {.source = gateway};
    struct server *server;
    struct owner *owner;
    __u32 *known = bpf_map_lookup_elem(&connections, &c);
    __u32 place;

    if (known) {
        place = *known;
        owner = bpf_map_lookup_elem(&owners, &place);
        if (!owner)
            return drop(OUTCOME_NO_PORT);
        owner->last_ns = now;
    } else {
        server = bpf_map_lookup_elem(&services, service);
        if (!server)
            return XDP_PASS;
        if (t->protocol == IPPROTO_TCP && (p->tcp_flags & (TCP_SYN | TCP_ACK)) != TCP_SYN)
            return drop(OUTCOME_STRANGER);
        owner = allocate(&c, server, eth->h_source, now, &place);
        if (!owner)
            return drop(OUTCOME_NO_PORT);
        if (bpf_map_update_elem(&connections, &c, &place, BPF_ANY)) {
            owner->last_ns = 0;
            return drop(OUTCOME_NO_PORT);
        }
        count(OUTCOME_NEW);
    }
    __sync_fetch_and_add(&owner->packets[0], 1);
    change.destination = owner->server;
    change.source_port = port_of(place);
    change.destination_port = owner->server_port;
    change.mac = owner->server_mac;
    note_end(owner, p->tcp_flags);
    count(OUTCOME_TO_SERVER);
    return translate(p, t, &change);
}

static __always_inline int to_client(const struct parser *p, const struct tuple *t)
{
    const __u32 port = bpf_ntohs(t->destination_port) - FIRST_PORT;
    const __u32 place = (t->protocol == IPPROTO_UDP ? PORTS : 0) + port;
    const __u64 now = bpf_ktime_get_ns();
    struct change change;
    struct owner *owner;

    if (port >= PORTS)
        return XDP_PASS;
    owner = bpf_map_lookup_elem(&owners, &place);
    if (!owner || is_free(owner, now, t->protocol))
        return drop(OUTCOME_STRANGER);
    if (strict && (t->source.word[3] != owner->server || t->source_port != owner->server_port))
        return drop(OUTCOME_STRANGER);
    owner->last_ns = now;
    __sync_fetch_and_add(&owner->packets[1], 1);
    change.source = owner->connection.service;
    change.source_port = owner->connection.service_port;
    change.destination = owner->connection.client;
    change.destination_port = owner->connection.client_port;
    change.mac = owner->client_mac;
    note_end(owner, p->tcp_flags);
    count(OUTCOME_TO_CLIENT);
    return translate(p, t, &change);
}

SEC("xdp")
int dnat(struct xdp_md *ctx)
{
    struct service service = {0};
    struct parser p = {0};
    struct tuple t = {0};
    struct ethhdr *eth;
    struct iphdr *ip;
    enum parsed parsed;

    p.data = (void *)(long)ctx->data;
    p.end = (void *)(long)ctx->data_end;
    eth = p.data;
    ip = (void *)(eth + 1);
    if ((void *)(ip + 1) > p.end || eth->h_proto != bpf_htons(ETH_P_IP))
        return XDP_PASS;
    p.network = ip;
    parsed = parse_ipv4(&p, &t);
    service.address = t.destination.word[3];
    service.port = t.destination_port;
    service.protocol = t.protocol;
    if (parsed == PARSED_MALFORMED)
        return drop(OUTCOME_MALFORMED);
    if ((t.protocol != IPPROTO_TCP && t.protocol != IPPROTO_UDP) || p.ttl <= 1)
        return XDP_PASS;
    if (parsed == PARSED_FRAGMENT || p.more)
        return drop(OUTCOME_FRAGMENT);
    return service.address == gateway ? to_client(&p, &t) : to_server(&p, &t, &service);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
