/* SPDX-License-Identifier: BSD-3-Clause */
/* Ring buffers that are full before the packet is done: records that are lost, by each call that makes one, and of two buffers
 * through one call. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

#include "results.h"

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} small SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 8192);
} large SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} idle SEC(".maps");

SEC("xdp")
int lost(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    __u8 record[120] = {7};
    __u64 lost_small = 0, lost_large = 0;

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    for (int i = 0; i < 40; i++) { /* 128 bytes each: 31 fit */
        lost_small += bpf_ringbuf_output(&small, record, sizeof(record), 0) != 0;
    }
    for (int i = 0; i < 20; i++) { /* 1008 bytes each: 8 fit */
        void *at = bpf_ringbuf_reserve(&large, 1000, 0);

        if (!at) {
            lost_large++;
            continue;
        }
        __builtin_memset(at, i, 8);
        if (ip->protocol == 17)
            bpf_ringbuf_submit(at, 0);
        else
            bpf_ringbuf_discard(at, 0); /* takes its place all the same */
    }
    lost_small += bpf_ringbuf_output(ip->protocol == 17 ? (void *)&small : (void *)&large, record, sizeof(record), 0) != 0;
    bpf_ringbuf_output(&small, record, 8, 4); /* flags that there are not: refused, not lost */
    put(0, lost_small);
    put(1, lost_large);
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
