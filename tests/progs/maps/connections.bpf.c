/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables of connections: one that refuses what it has no room for, and an LRU one for each CPU
 * beside it. A packet finds, inserts, replaces or deletes its connection, as its bytes say.
 * CONNECTIONS and RECENT are their sizes, KEY and VALUE those of a connection and of what is known
 * of it, in bytes. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#ifndef CONNECTIONS
#define CONNECTIONS 250000
#endif
#ifndef RECENT
#define RECENT 200000
#endif
#ifndef KEY
#define KEY 12
#endif
#ifndef VALUE
#define VALUE 40
#endif

struct key {
    __u32 word[KEY / 4];
};

struct value {
    __u64 packets;
    __u64 word[VALUE / 8 - 1];
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, CONNECTIONS);
    __type(key, struct key);
    __type(value, struct value);
} known SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, RECENT);
    __type(key, struct key);
    __type(value, __u64);
} recent SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
    __uint(max_entries, 30);
    __type(key, __u32);
    __type(value, __u64);
} closed SEC(".maps");

SEC("xdp")
int connections(struct xdp_md *ctx)
{
    __u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct value fresh = {.packets = 1};
    struct key key = {0};
    __u64 count = 1, *last;
    struct value *v;
    __u32 what;
    long err;

    if (data + 38 > end)
        return XDP_PASS;
    key.word[0] = *(__u32 *)(data + 26);
    key.word[KEY / 4 - 1] = *(__u32 *)(data + 34);
    what = key.word[0] * 2654435761u ^ data[20];
    fresh.word[VALUE / 8 - 2] = what;
    v = bpf_map_lookup_elem(&known, &key);
    if (!v) {
        err = bpf_map_update_elem(&known, &key, &fresh, BPF_NOEXIST);
        *(__u32 *)(data + 6) = err; /* in the source address, so that it is compared */
    } else if (what % 16 == 3 && v->packets > 2) {
        err = bpf_map_delete_elem(&known, &key);
        bpf_map_update_elem(&closed, &key.word[0], &count, BPF_ANY);
        *(__u32 *)(data + 6) = err;
    } else if (what % 16 < 3) {
        fresh.packets = v->packets + 1;
        err = bpf_map_update_elem(&known, &key, &fresh, BPF_EXIST);
        *(__u32 *)(data + 6) = err;
    } else {
        v->packets++;
        *(__u32 *)(data + 6) = v->packets;
    }
    last = bpf_map_lookup_elem(&recent, &key);
    if (last) {
        *(__u32 *)(data + 10) = *last;
        *last += what;
        if (*last % 32 == 7)
            bpf_map_delete_elem(&recent, &key);
        return XDP_TX;
    }
    count = what;
    err = bpf_map_update_elem(&recent, &key, &count, BPF_ANY);
    return err ? XDP_ABORTED : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
