// SPDX-License-Identifier: BSD-3-Clause
/* Locks among variables: in .bss, in a struct of it, and in a section of its own. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

#include "results.h"

#define PRIVATE SEC(".data.x") __attribute__((visibility("hidden")))

static __u64 packets;
static __u32 of_protocol[4];
static struct bpf_spin_lock lock;

PRIVATE __u32 ids = 7;
PRIVATE struct {
    __u16 last;
    struct {
        __u32 changes;
        struct bpf_spin_lock lock;
    } guarded;
} flow;

SEC("xdp")
int data_lock(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    __u64 seen;
    __u32 changes;

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    bpf_spin_lock(&lock);
    packets += of_protocol[ip->protocol & 3] + 1;
    of_protocol[ip->protocol & 3]++;
    seen = packets;
    bpf_spin_unlock(&lock);
    bpf_spin_lock(&flow.guarded.lock);
    if (flow.last != ip->id) {
        flow.last = ip->id;
        flow.guarded.changes++;
        ids ^= ip->id;
    }
    changes = flow.guarded.changes;
    bpf_spin_unlock(&flow.guarded.lock);
    put(0, seen);
    put(1, changes);
    return seen % 5 ? XDP_PASS : XDP_TX;
}

char _license[] SEC("license") = "GPL";
