/* SPDX-License-Identifier: BSD-3-Clause */
/* Walks over the options of an IPv4 header: a router alert (RFC 2113) passes, loose or strict source routes are
 * dropped (RFC 791), and an option that leaves the header aborts. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define OPTIONS_MAX 8

SEC("xdp")
int ip_options(struct xdp_md *ctx)
{
    const __u8 *data = (const __u8 *)(long)ctx->data;
    const __u8 *end = (const __u8 *)(long)ctx->data_end;
    const struct ethhdr *eth = (const void *)data;
    const struct iphdr *ip = (const void *)(eth + 1);
    const __u8 *options = (const __u8 *)(ip + 1);
    __u32 bytes;
    __u32 at = 0;

    if ((const __u8 *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl < 5)
        return XDP_PASS;
    bytes = ip->ihl * 4u - sizeof(*ip);
    for (int i = 0; i < OPTIONS_MAX && at < bytes; i++) {
        const __u8 *option = options + (at & 63);

        if (option + 2 > end)
            return XDP_ABORTED;
        if (option[0] == 0)
            return XDP_PASS;
        if (option[0] == 1) {
            at++;
            continue;
        }
        if (option[0] == 0x83 || option[0] == 0x89)
            return XDP_DROP;
        if (option[0] == 0x94)
            return XDP_TX;
        if (option[1] < 2)
            return XDP_ABORTED;
        at += option[1];
    }
    return at > bytes ? XDP_ABORTED : XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
