/* SPDX-License-Identifier: BSD-3-Clause */
/* Values that lie across lines of external memory, read and written across them too, and maps of every kind with an
 * engine. SLOTS and FLOWS are their sizes; the packet's source port and time say where it goes. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifndef SLOTS
#define SLOTS 1000
#endif
#ifndef FLOWS
#define FLOWS 60
#endif

struct slot {
    __u64 packets;
    __u8 bytes[88]; /* 96 in all: every other value begins in the middle of a line */
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, SLOTS);
    __type(key, __u32);
    __type(value, struct slot);
} slots SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 16);
    __type(key, __u32);
    __type(value, __u64);
} cpus SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, FLOWS);
    __type(key, __u32);
    __type(value, struct slot);
} flows SEC(".maps");

static __always_inline __u64 across(struct slot *s, __u32 at, __u64 seed)
{
    __u64 *word = (__u64 *)(s->bytes + (at & 63)); /* any alignment, also over the end of a line */
    __u64 old = *word;

    *word = old * 31 + seed;
    return old;
}

SEC("xdp")
int external(struct xdp_md *ctx)
{
    __u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct slot fresh = {.packets = 1};
    __u64 old, *cpu;
    struct slot *s;
    __u32 key, flow, few;

    if (data + 34 > end)
        return XDP_PASS;
    flow = *(__u32 *)(data + 26);
    key = (flow * 2654435761u >> 7) % SLOTS;
    few = key & 15;
    s = bpf_map_lookup_elem(&slots, &key);
    cpu = bpf_map_lookup_elem(&cpus, &few);
    if (!s || !cpu)
        return XDP_ABORTED;
    old = across(s, flow, key) + __sync_fetch_and_add(&s->packets, 3);
    *cpu += old;
    *(__u64 *)(data + 6) = old; /* in the source address, so that it is compared */
    s = bpf_map_lookup_elem(&flows, &flow);
    if (!s) {
        bpf_map_update_elem(&flows, &flow, &fresh, BPF_ANY);
        return XDP_DROP;
    }
    old = across(s, key, s->packets++);
    if ((old & 7) == 5)
        bpf_map_delete_elem(&flows, &flow);
    return old & 1 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
