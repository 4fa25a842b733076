/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scrubs traffic on its way to servers under attack: what is forged, listed, too much or part of a
 * SYN flood goes, and each reason has its counter.
 *
 *   malformed headers, forged sources, TCP flags that no stack sends, tiny fragments: XDP_DROP
 *   a source within a prefix of the blacklist: XDP_DROP, the prefix counts it
 *   a source that sends more than its token bucket holds: XDP_DROP
 *   SYN to a destination that got more than syn_limit of them in the current or the last window:
 *     XDP_DROP; when a window with alarm_syns or more ends, a record goes to the ring buffer
 *   anything else, what is not IP among it: XDP_PASS
 */
#include "packet.h"

/* May be changed before loading. Without the lists or the alarms a program has none of their maps'
 * operations left. */
const volatile __u64 packet_ns = 50000;   /* a packet's price: 20,000 packets a second and source */
const volatile __u64 burst_ns = 3200000;  /* what a bucket holds: 64 packets */
const volatile __u64 window_ns = 1000000; /* SYNs are counted for so long */
const volatile __u32 syn_limit = 16;      /* a window and destination */
const volatile __u32 alarm_syns = 4;
const volatile __u32 use_lists = 1;
const volatile __u32 use_alarms = 1;

enum reason {
    REASON_PASSED,
    REASON_NOT_IP,
    REASON_MALFORMED,
    REASON_FORGED, /* source is multicast, loopback, or the destination */
    REASON_FLAGS,
    REASON_FRAGMENT,
    REASON_LISTED,
    REASON_RATE,
    REASON_SYN_FLOOD,
    REASON_LOST_ALARM, /* no drop: an alarm found no room */
    REASON_COUNT
};

struct total {
    __u64 packets;
    __u64 bytes;
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, REASON_COUNT);
    __type(key, __u32);
    __type(value, struct total);
} reasons SEC(".maps");

struct prefix4 {
    __u32 length;
    __be32 address;
};

struct prefix6 {
    __u32 length;
    __be32 address[4];
};

#ifndef LIST_ENTRIES
#define LIST_ENTRIES 65536 /* prefixes of each list; the core holds 16,382 of both together */
#endif

struct rule {
    __u32 id; /* of the list that it came from */
    __u32 zero;
    __u64 packets;
};

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(max_entries, LIST_ENTRIES);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct prefix4);
    __type(value, struct rule);
} blacklist4 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(max_entries, LIST_ENTRIES);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct prefix6);
    __type(value, struct rule);
} blacklist6 SEC(".maps");

/* In nanoseconds of credit, so that refilling is an addition. */
struct bucket {
    __u64 tokens;
    __u64 last_ns;
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 16384);
    __type(key, union address);
    __type(value, struct bucket);
} buckets SEC(".maps");

struct syn_window {
    __u64 start_ns;
    __u32 syns; /* in this window */
    __u32 acks; /* other TCP packets: a flood has few */
    __u32 dropped;
    __u32 last_syns; /* in the window before */
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 4096);
    __type(key, union address);
    __type(value, struct syn_window);
} syn_windows SEC(".maps");

struct alarm {
    union address destination;
    union address source; /* of the packet that ended the window */
    struct syn_window window;
    __u64 now_ns;
};

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 65536);
} alarms SEC(".maps");

static __always_inline void count(__u32 reason, const struct parser *p)
{
    struct total *total = bpf_map_lookup_elem(&reasons, &reason);

    if (total) {
        total->packets++;
        total->bytes += p->end - p->data;
    }
}

static __always_inline int is_forged(const struct tuple *t)
{
    if (t->source.half[0] == t->destination.half[0] && t->source.half[1] == t->destination.half[1])
        return 1;
    if (t->version == 4) {
        const __u32 source = bpf_ntohl(t->source.word[3]);

        return source >> 24 == 0 || source >> 24 == 127 || source >= 0xe0000000;
    }
    return (t->source.word[0] & bpf_htonl(0xff000000)) == bpf_htonl(0xff000000);
}

/* Flags that no TCP sends: none at all, a beginning that is also an end, FIN without ACK. */
static __always_inline int are_odd(__u8 flags)
{
    if (!(flags & (TCP_SYN | TCP_ACK | TCP_RST)))
        return 1;
    if (flags & TCP_SYN)
        return !!(flags & (TCP_FIN | TCP_RST));
    return (flags & (TCP_FIN | TCP_PSH | TCP_URG)) == (TCP_FIN | TCP_PSH | TCP_URG);
}

static __always_inline int is_listed(const struct tuple *t)
{
    struct rule *rule;

    if (!use_lists)
        return 0;
    if (t->version == 4) {
        struct prefix4 key = {.length = 32, .address = t->source.word[3]};

        rule = bpf_map_lookup_elem(&blacklist4, &key);
    } else {
        struct prefix6 key = {.length = 128};

        __builtin_memcpy(key.address, &t->source, sizeof(key.address));
        rule = bpf_map_lookup_elem(&blacklist6, &key);
    }
    if (!rule)
        return 0;
    __sync_fetch_and_add(&rule->packets, 1);
    return 1;
}

static __always_inline int is_too_fast(const struct tuple *t, __u64 now)
{
    struct bucket *bucket = bpf_map_lookup_elem(&buckets, &t->source);
    __u64 tokens;

    if (!bucket) {
        struct bucket full = {.tokens = burst_ns - packet_ns, .last_ns = now};

        bpf_map_update_elem(&buckets, &t->source, &full, BPF_ANY);
        return 0;
    }
    tokens = bucket->tokens + (now - bucket->last_ns);
    if (tokens > burst_ns)
        tokens = burst_ns;
    bucket->last_ns = now;
    bucket->tokens = tokens < packet_ns ? tokens : tokens - packet_ns;
    return tokens < packet_ns;
}

static __always_inline void raise_alarm(const struct tuple *t, const struct syn_window *window,
                                        __u64 now, const struct parser *p)
{
    struct alarm *alarm;

    if (!use_alarms || window->syns < alarm_syns)
        return;
    alarm = bpf_ringbuf_reserve(&alarms, sizeof(*alarm), 0);
    if (!alarm) {
        count(REASON_LOST_ALARM, p);
        return;
    }
    alarm->destination = t->destination;
    alarm->source = t->source;
    alarm->window = *window;
    alarm->now_ns = now;
    bpf_ringbuf_submit(alarm, 0);
}

/* Counts a TCP packet for its destination; true if it is a SYN too many. */
static __always_inline int is_syn_flood(const struct tuple *t, const struct parser *p, __u64 now)
{
    const int syn = (p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
    struct syn_window *window = bpf_map_lookup_elem(&syn_windows, &t->destination);

    if (!window) {
        struct syn_window first = {.start_ns = now, .syns = syn, .acks = !syn};

        bpf_map_update_elem(&syn_windows, &t->destination, &first, BPF_ANY);
        return 0;
    }
    if (now - window->start_ns > window_ns) {
        raise_alarm(t, window, now, p);
        window->last_syns = window->syns;
        window->start_ns = now;
        window->syns = 0;
        window->acks = 0;
        window->dropped = 0;
    }
    if (!syn) {
        window->acks++;
        return 0;
    }
    window->syns++;
    if (window->syns <= syn_limit && window->last_syns <= syn_limit)
        return 0;
    window->dropped++;
    return 1;
}

/* Why a packet must go, or REASON_PASSED. */
static __always_inline __u32 judge(enum parsed parsed, const struct parser *p,
                                   const struct tuple *t)
{
    const __u64 now = bpf_ktime_get_ns();

    if (parsed == PARSED_MALFORMED)
        return REASON_MALFORMED;
    if (parsed == PARSED_OTHER)
        return REASON_NOT_IP;
    if (is_forged(t))
        return REASON_FORGED;
    /* Whoever cuts a first fragment that short wants to hide ports from filters. */
    if (p->more && p->bytes < 128)
        return REASON_FRAGMENT;
    if (parsed == PARSED && t->protocol == IPPROTO_TCP && are_odd(p->tcp_flags))
        return REASON_FLAGS;
    if (is_listed(t))
        return REASON_LISTED;
    if (is_too_fast(t, now))
        return REASON_RATE;
    if (parsed == PARSED && t->protocol == IPPROTO_TCP && is_syn_flood(t, p, now))
        return REASON_SYN_FLOOD;
    return REASON_PASSED;
}

SEC("xdp")
int scrubber(struct xdp_md *ctx)
{
    struct parser p;
    struct tuple tuple;
    const enum parsed parsed = parse_packet(&p, &tuple, ctx);
    const __u32 reason = judge(parsed, &p, &tuple);

    count(reason, &p);
    return reason <= REASON_NOT_IP ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
