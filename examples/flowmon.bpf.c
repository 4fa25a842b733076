/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Watches flows as a NetFlow or IPFIX exporter does: a record for each 5-tuple, which the table
 * drops by itself when others were used later, and events for the collector when a flow begins,
 * ends, pauses, or lasts.
 *
 *   every packet: XDP_PASS; this program only watches
 *   TCP with FIN or RST: the flow has ended, its record goes out and is removed
 *   a packet after idle_ns of silence: the old record goes out, a new one begins
 *   a packet active_ns after the last report: the record goes out, and counting goes on
 * Fragments but the first have no ports, and count for a flow with ports 0.
 */
#include "packet.h"

/* May be changed before loading. With events 0 the records stay in the table, for a collector that
 * walks it, and no perf event is left in the program. */
const volatile __u64 idle_ns = 30000000000;   /* 30 s */
const volatile __u64 active_ns = 60000000000; /* a minute */
const volatile __u32 events = 1;

struct flow {
    __u64 packets;
    __u64 bytes; /* of frames */
    __u64 first_ns;
    __u64 last_ns;
    __u64 reported_ns; /* when the last event of it was made */
    __u16 vlan;
    __u8 tcp_flags; /* all that were seen */
    __u8 ttl_min;
    __u32 ingress;
};

enum flow_event_kind { FLOW_NEW, FLOW_FINISHED, FLOW_IDLE, FLOW_ACTIVE, FLOW_EVENT_COUNT };

struct flow_event {
    struct tuple tuple;
    struct flow flow;
    __u32 kind; /* enum flow_event_kind */
    __u32 queue;
};

enum watched {
    WATCHED_IPV4,
    WATCHED_IPV6,
    WATCHED_FRAGMENT,
    WATCHED_OTHER,
    WATCHED_MALFORMED,
    WATCHED_UNTRACKED, /* no record for it */
    WATCHED_LOST,      /* an event that the collector did not take */
    WATCHED_COUNT
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 8192);
    __type(key, struct tuple);
    __type(value, struct flow);
} flows SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, WATCHED_COUNT);
    __type(key, __u32);
    __type(value, __u64);
} watched SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(__u32));
} flow_events SEC(".maps");

static __always_inline void count(__u32 what)
{
    __u64 *counter = bpf_map_lookup_elem(&watched, &what);

    if (counter)
        *counter += 1;
}

static __always_inline void report(struct xdp_md *ctx, const struct tuple *tuple,
                                   const struct flow *flow, __u32 kind)
{
    struct flow_event event;

    if (!events)
        return;
    event.tuple = *tuple;
    event.flow = *flow;
    event.kind = kind;
    event.queue = ctx->rx_queue_index;
    if (bpf_perf_event_output(ctx, &flow_events, BPF_F_CURRENT_CPU, &event, sizeof(event)))
        count(WATCHED_LOST);
}

static __always_inline void begin(struct xdp_md *ctx, const struct tuple *tuple,
                                  const struct flow *first)
{
    if (bpf_map_update_elem(&flows, tuple, first, BPF_ANY)) {
        count(WATCHED_UNTRACKED);
        return;
    }
    report(ctx, tuple, first, FLOW_NEW);
}

/* A packet of a flow that is known. */
static __always_inline void go_on(struct xdp_md *ctx, const struct tuple *tuple, struct flow *flow,
                                  const struct flow *packet)
{
    const __u64 now = packet->last_ns;

    if (now - flow->last_ns > idle_ns) {
        report(ctx, tuple, flow, FLOW_IDLE);
        *flow = *packet;
        return;
    }
    __sync_fetch_and_add(&flow->packets, 1);
    __sync_fetch_and_add(&flow->bytes, packet->bytes);
    flow->last_ns = now;
    flow->tcp_flags |= packet->tcp_flags;
    if (packet->ttl_min < flow->ttl_min)
        flow->ttl_min = packet->ttl_min;
    if (packet->tcp_flags & (TCP_FIN | TCP_RST)) {
        report(ctx, tuple, flow, FLOW_FINISHED);
        bpf_map_delete_elem(&flows, tuple);
    } else if (now - flow->reported_ns > active_ns) {
        flow->reported_ns = now;
        report(ctx, tuple, flow, FLOW_ACTIVE);
    }
}

SEC("xdp")
int flowmon(struct xdp_md *ctx)
{
    struct flow packet = {.packets = 1};
    struct parser p;
    struct tuple tuple;
    struct flow *flow;

    switch (parse_packet(&p, &tuple, ctx)) {
    case PARSED:
        count(tuple.version == 4 ? WATCHED_IPV4 : WATCHED_IPV6);
        break;
    case PARSED_FRAGMENT:
        count(WATCHED_FRAGMENT);
        break;
    case PARSED_OTHER:
        count(WATCHED_OTHER);
        return XDP_PASS;
    default:
        count(WATCHED_MALFORMED);
        return XDP_PASS;
    }
    packet.bytes = p.end - p.data;
    packet.first_ns = bpf_ktime_get_ns();
    packet.last_ns = packet.first_ns;
    packet.reported_ns = packet.first_ns;
    packet.vlan = p.vlan;
    packet.tcp_flags = p.tcp_flags;
    packet.ttl_min = p.ttl;
    packet.ingress = ctx->ingress_ifindex;
    flow = bpf_map_lookup_elem(&flows, &tuple);
    if (flow)
        go_on(ctx, &tuple, flow, &packet);
    else
        begin(ctx, &tuple, &packet);
    return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
