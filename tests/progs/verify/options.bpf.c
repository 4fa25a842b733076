/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A walk over the options of a TCP header, round by round, as a SYN proxy reads them: each round
 * has many ways, and the pointer, the bytes that are left and what was found all differ from way to
 * way.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#include <bpf/bpf_helpers.h>

enum { ROUNDS = 8, END = 0, NOTHING = 1, SEGMENT_SIZE = 2, TIME_STAMPS = 8, TCP = 6 };

struct options {
    __u16 segment_size;
    __u32 time_stamp;
};

SEC("xdp")
int tcp_options(struct xdp_md *ctx)
{
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);
    struct tcphdr *tcp = (void *)(ip + 1);
    struct options found = {0};
    __u8 *at = (__u8 *)(tcp + 1);
    int left;

    if ((void *)(tcp + 1) > end || ip->protocol != TCP)
        return XDP_PASS;
    left = tcp->doff * 4 - (int)sizeof(*tcp);
#pragma clang loop unroll(disable)
    for (int round = 0; round < ROUNDS && left > 0; round++) {
        __u8 bytes = 1;

        if ((void *)(at + 1) > end)
            return XDP_DROP;
        if (at[0] == END)
            break;
        if (at[0] != NOTHING) {
            if ((void *)(at + 2) > end)
                return XDP_DROP;
            bytes = at[1];
            if (bytes < 2 || bytes > left)
                return XDP_DROP;
        }
        if (at[0] == SEGMENT_SIZE && bytes == 4) {
            if ((void *)(at + 4) > end)
                return XDP_DROP;
            found.segment_size = *(__u16 *)(at + 2);
        } else if (at[0] == TIME_STAMPS && bytes == 10) {
            if ((void *)(at + 10) > end)
                return XDP_DROP;
            found.time_stamp = *(__u32 *)(at + 2);
        }
        at += bytes;
        left -= bytes;
    }
    return found.time_stamp ? XDP_TX : found.segment_size ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
