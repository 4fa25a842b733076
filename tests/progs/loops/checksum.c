/* SPDX-License-Identifier: BSD-3-Clause */
/* The IPv4 header's checksum, options included, in a loop whose bound comes from the packet: a wrong one is
 * dropped, a right one goes back with its time to live one lower and the checksum made anew. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

static __always_inline __u32 fold(__u32 sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (sum & 0xffff) + (sum >> 16);
}

SEC("xdp")
int checksum(struct xdp_md *ctx)
{
    __u8 *data = (__u8 *)(long)ctx->data;
    const __u8 *end = (const __u8 *)(long)ctx->data_end;
    struct ethhdr *eth = (void *)data;
    struct iphdr *ip = (void *)(eth + 1);
    const __u16 *words = (const void *)ip;
    __u32 sum = 0;

    if ((const __u8 *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
        return XDP_PASS;
    for (__u32 i = 0; i < 30; i++) {
        if (i >= 2u * ip->ihl)
            break;
        if ((const __u8 *)(words + i + 1) > end)
            return XDP_ABORTED;
        sum += words[i];
    }
    if (fold(sum) != 0xffff || ip->ttl <= 1)
        return XDP_DROP;
    /* the time to live is the low byte of its word as a little-endian machine adds it up */
    ip->ttl--;
    ip->check = (__u16)~fold(sum - ip->check - 1);
    return XDP_TX;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
