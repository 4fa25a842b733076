/* SPDX-License-Identifier: BSD-3-Clause */
/* A load balancer as large ones are, for the verifier's figures: VLAN tags, IPv4 options, IPv6 extension headers,
 * tunnels within tunnels, each at an offset that the ones before decide; TCP options; a hash over the flow, a ring
 * of servers, a table of flows, counters, and encapsulation. */
#include <linux/bpf.h>
#include <linux/in.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum { TAGS = 2, EXTENSIONS = 2, TUNNELS = 2, TCP_OPTIONS = 15, RING = 65536, OFFSET_MASK = 0x1ff };

struct flow {
    __u32 src[4], dst[4];
    __u16 sport, dport;
    __u32 proto;
};

struct vip {
    __u32 addr[4];
    __u32 port_proto;
};

struct vip_info {
    __u32 number, flags;
};

struct counter {
    __u64 packets, bytes;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 512);
    __type(key, struct vip);
    __type(value, struct vip_info);
} vips SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4096);
    __type(key, struct flow);
    __type(value, __u32);
} flows SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, RING);
    __type(key, __u32);
    __type(value, __u32);
} ring SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 4096);
    __type(key, __u32);
    __uint(value_size, 16);
} reals SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1024);
    __type(key, __u32);
    __type(value, struct counter);
} counters SEC(".maps");

#define ALWAYS static __attribute__((always_inline)) inline

/* The bytes at an offset, if they are there. */
ALWAYS void *at(void *data, void *end, __u32 offset, __u32 bytes)
{
    void *p = data + (offset & OFFSET_MASK);

    return p + bytes > end ? 0 : p;
}

ALWAYS void count(__u32 which, __u64 bytes)
{
    struct counter *c = bpf_map_lookup_elem(&counters, &which);

    if (c) {
        c->packets += 1;
        c->bytes += bytes;
    }
}

ALWAYS __u32 rotate(__u32 x, int by)
{
    return x << by | x >> (32 - by);
}

#define MIX(a, b, c)                                                                               \
    do {                                                                                           \
        a -= c, a ^= rotate(c, 4), c += b;                                                         \
        b -= a, b ^= rotate(a, 6), a += c;                                                         \
        c -= b, c ^= rotate(b, 8), b += a;                                                         \
        a -= c, a ^= rotate(c, 16), c += b;                                                        \
        b -= a, b ^= rotate(a, 19), a += c;                                                        \
        c -= b, c ^= rotate(b, 4), b += a;                                                         \
    } while (0)

ALWAYS __u32 hash_flow(const struct flow *f, __u32 seed)
{
    __u32 a = 0xdeadbeef + seed, b = a, c = a;

    a += f->src[0], b += f->src[1], c += f->src[2];
    MIX(a, b, c);
    a += f->src[3], b += f->dst[0], c += f->dst[1];
    MIX(a, b, c);
    a += f->dst[2], b += f->dst[3], c += (__u32)f->sport << 16 | f->dport;
    MIX(a, b, c);
    a += f->proto;
    MIX(a, b, c);
    return c;
}

struct place {
    void *data, *end;
    __u32 offset;
    __u32 type; /* Ethernet type in host order, 0: not followed */
};

ALWAYS void skip_tags(struct place *p)
{
#pragma unroll
    for (int i = 0; i < TAGS; i++) {
        __u16 *tag;

        if (p->type != 0x8100 && p->type != 0x88a8)
            return;
        tag = at(p->data, p->end, p->offset, 4);
        if (!tag) {
            p->type = 0;
            return;
        }
        p->type = bpf_ntohs(tag[1]);
        p->offset += 4;
    }
}

/* Goes past an IPv4 header; its protocol, or 255. */
ALWAYS __u32 take_ipv4(struct place *p, struct flow *f)
{
    __u8 *h = at(p->data, p->end, p->offset, 20);
    __u32 bytes;

    if (!h)
        return 255;
    bytes = (h[0] & 15) * 4;
    if (bytes < 20 || (h[6] & 0x3f) || h[7])
        return 255;
    f->src[0] = *(__u32 *)(h + 12);
    f->dst[0] = *(__u32 *)(h + 16);
    f->src[1] = f->src[2] = f->src[3] = 0;
    f->dst[1] = f->dst[2] = f->dst[3] = 0;
    p->offset += bytes;
    return h[9];
}

ALWAYS __u32 take_ipv6(struct place *p, struct flow *f)
{
    __u8 *h = at(p->data, p->end, p->offset, 40);
    __u32 next;

    if (!h)
        return 255;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        f->src[i] = *(__u32 *)(h + 8 + 4 * i);
        f->dst[i] = *(__u32 *)(h + 24 + 4 * i);
    }
    next = h[6];
    p->offset += 40;
#pragma unroll
    for (int i = 0; i < EXTENSIONS; i++) {
        __u8 *e;

        if (next != 0 && next != 43 && next != 60)
            return next;
        e = at(p->data, p->end, p->offset, 8);
        if (!e)
            return 255;
        next = e[0];
        p->offset += (e[1] & 7) * 8 + 8;
    }
    return next;
}

/* The server's number that a TCP option or a QUIC connection id carries, or 0. */
ALWAYS __u32 named_server(struct place *p, __u32 proto, __u32 header_bytes)
{
    __u32 offset = p->offset + 20;
    __u32 left = header_bytes - 20;

    if (proto == IPPROTO_UDP) {
        __u8 *q = at(p->data, p->end, p->offset + 8, 16);

        return q && !(q[0] & 0x80) ? ((__u32)q[2] << 8 | q[3]) & 0xfff : 0;
    }
#pragma unroll
    for (int i = 0; i < TCP_OPTIONS; i++) {
        __u8 *o = at(p->data, p->end, offset, 6);
        __u32 bytes;

        if (!o || left < 2 || left > 40 || o[0] == 0)
            return 0;
        bytes = o[0] == 1 ? 1 : o[1] & 63;
        if (o[0] == 0xb7 && bytes == 6)
            return *(__u16 *)(o + 2) & 0xfff;
        if (bytes == 0)
            return 0;
        left -= bytes;
        offset += bytes;
    }
    return 0;
}

ALWAYS int encapsulate(struct xdp_md *ctx, const __u32 *real, __u32 hash, __u32 bytes)
{
    void *data, *end;
    __u16 *h;
    __u32 sum = 0;

    if (bpf_xdp_adjust_head(ctx, -20))
        return XDP_DROP;
    data = (void *)(long)ctx->data;
    end = (void *)(long)ctx->data_end;
    if (data + 54 > end)
        return XDP_DROP;
#pragma unroll
    for (int i = 0; i < 7; i++)
        ((__u16 *)data)[i] = ((__u16 *)data)[i + 10];
    h = data + 14;
    h[0] = bpf_htons(0x4500);
    h[1] = bpf_htons(bytes + 20);
    h[2] = hash;
    h[3] = bpf_htons(0x4000);
    h[4] = bpf_htons(0x4004);
    h[5] = 0;
    *(__u32 *)(h + 6) = bpf_htonl(0xac100001) ^ (hash & 0xffff0000);
    *(__u32 *)(h + 8) = real[0];
#pragma unroll
    for (int i = 0; i < 10; i++)
        sum += h[i];
    sum = (sum & 0xffff) + (sum >> 16);
    h[5] = ~(sum + (sum >> 16));
    return XDP_TX;
}

/* In IPv6, with a flow label of its own. */
ALWAYS int encapsulate6(struct xdp_md *ctx, const __u32 *real, __u32 hash, __u32 bytes)
{
    void *data, *end;
    __u32 *h;

    if (bpf_xdp_adjust_head(ctx, -40))
        return XDP_DROP;
    data = (void *)(long)ctx->data;
    end = (void *)(long)ctx->data_end;
    if (data + 74 > end)
        return XDP_DROP;
#pragma unroll
    for (int i = 0; i < 6; i++)
        ((__u16 *)data)[i] = ((__u16 *)data)[i + 20];
    ((__u16 *)data)[6] = bpf_htons(0x86dd);
    h = data + 14;
    h[0] = bpf_htonl(0x60000000 | (hash & 0xfffff));
    h[1] = bpf_htonl(bytes << 16 | 0x2940);
    h[2] = bpf_htonl(0xfc000000);
    h[3] = h[4] = 0;
    h[5] = hash;
#pragma unroll
    for (int i = 0; i < 4; i++)
        h[6 + i] = real[i];
    return XDP_TX;
}

ALWAYS int balance(struct xdp_md *ctx, struct place *p, struct flow *f, __u32 proto)
{
    struct vip vip = {};
    struct vip_info *info;
    __u32 *chosen, *real;
    __u32 server = 0, hash, bytes = p->end - p->data, header = 20;
    __u16 *ports = at(p->data, p->end, p->offset, 8);

    if (!ports)
        return XDP_DROP;
    f->sport = ports[0];
    f->dport = ports[1];
    f->proto = proto;
    __builtin_memcpy(vip.addr, f->dst, sizeof(vip.addr));
    vip.port_proto = (__u32)f->dport << 16 | proto;
    info = bpf_map_lookup_elem(&vips, &vip);
    if (!info) {
        vip.port_proto = proto;
        info = bpf_map_lookup_elem(&vips, &vip);
        if (!info)
            return XDP_PASS;
    }
    if (proto == IPPROTO_TCP) {
        __u8 *t = at(p->data, p->end, p->offset, 20);

        if (!t)
            return XDP_DROP;
        header = (t[12] >> 4) * 4;
        if (header < 20)
            return XDP_DROP;
    }
    if (info->flags & 1)
        f->sport = 0;
    hash = hash_flow(f, info->number);
    if (info->flags & 2)
        server = named_server(p, proto, header);
    if (!server) {
        chosen = bpf_map_lookup_elem(&flows, f);
        if (chosen) {
            server = *chosen;
        } else {
            /* of two choices, the one that the flow's other hash prefers */
            __u32 other = hash_flow(f, ~info->number);
            __u32 at_ring = (info->number * 4096 + (other & 1 ? hash : other) % 4093) % RING;

            chosen = bpf_map_lookup_elem(&ring, &at_ring);
            if (!chosen)
                return XDP_DROP;
            server = *chosen;
            bpf_map_update_elem(&flows, f, &server, BPF_ANY);
        }
    }
    real = bpf_map_lookup_elem(&reals, &server);
    if (!real || !real[0])
        return XDP_DROP;
    count(info->number & 511, bytes);
    count(512 + (server & 511), bytes);
    if (info->flags & 4)
        return encapsulate6(ctx, real, hash, bytes - 14);
    return encapsulate(ctx, real, hash, bytes - 14);
}

SEC("xdp")
int balancer(struct xdp_md *ctx)
{
    struct place p = {(void *)(long)ctx->data, (void *)(long)ctx->data_end, 14, 0};
    struct flow f = {};
    __u16 *eth = at(p.data, p.end, 0, 14);
    __u32 proto;

    if (!eth)
        return XDP_DROP;
    p.type = bpf_ntohs(eth[6]);
#pragma unroll
    for (int i = 0; i < TUNNELS; i++) {
        skip_tags(&p);
        if (p.type == 0x0800)
            proto = take_ipv4(&p, &f);
        else if (p.type == 0x86dd)
            proto = take_ipv6(&p, &f);
        else
            return XDP_PASS;
        if (proto == IPPROTO_IPIP) {
            p.type = 0x0800;
        } else if (proto == IPPROTO_IPV6) {
            p.type = 0x86dd;
        } else if (proto == IPPROTO_GRE) {
            __u16 *g = at(p.data, p.end, p.offset, 8);

            if (!g)
                return XDP_DROP;
            p.type = bpf_ntohs(g[1]);
            p.offset += 4 + (g[0] & 0x20 ? 4 : 0) + (g[0] & 0x80 ? 4 : 0);
        } else {
            break;
        }
    }
    if (proto == IPPROTO_ICMP) { /* an error: what it is about is a packet that a server sent */
        __u8 *icmp = at(p.data, p.end, p.offset, 8);

        if (!icmp || icmp[0] != 3)
            return XDP_PASS;
        p.offset += 8;
        if (take_ipv4(&p, &f) != IPPROTO_UDP)
            return XDP_PASS;
        f.src[1] = f.src[0], f.src[0] = f.dst[0], f.dst[0] = f.src[1], f.src[1] = 0;
        return balance(ctx, &p, &f, IPPROTO_UDP);
    }
    if (proto == IPPROTO_TCP)
        return balance(ctx, &p, &f, IPPROTO_TCP);
    if (proto == IPPROTO_UDP)
        return balance(ctx, &p, &f, IPPROTO_UDP);
    return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
