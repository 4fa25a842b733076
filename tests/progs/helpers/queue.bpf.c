/* SPDX-License-Identifier: BSD-3-Clause */
/* A queue and a stack of packet lengths and addresses, pushed, peeked at and popped by what the packets hold. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

#include "results.h"

struct item {
    __u32 address;
    __u16 length;
    __u16 id;
};

struct {
    __uint(type, BPF_MAP_TYPE_QUEUE);
    __uint(max_entries, 10);
    __type(value, struct item);
} queue SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_STACK);
    __uint(max_entries, 7);
    __type(value, struct item);
} stack SEC(".maps");

SEC("xdp")
int queues(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    struct item item;

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    item.address = ip->saddr;
    item.length = end - data;
    item.id = ip->id;
    if (ip->id & 1)
        put(0, bpf_map_push_elem(&queue, &item, ip->ttl % 5));
    if (ip->id & 2)
        put(1, bpf_map_push_elem(&stack, &item, ip->ttl % 3));
    if (ip->check & 1) {
        put(2, bpf_map_pop_elem(&queue, &item));
        put(3, item.address + item.id);
    }
    put(4, bpf_map_peek_elem(&stack, &item));
    put(5, item.length ^ item.id);
    if (ip->check & 2)
        put(6, bpf_map_pop_elem(&stack, &item));
    put(7, bpf_map_peek_elem(&queue, &item) ^ item.address);
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
