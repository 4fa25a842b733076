/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sends every packet back to where it came from: swaps the two MAC addresses. The usual load for a
 * round-trip measurement.
 *
 *   any packet with an Ethernet header: addresses swapped; XDP_TX
 *   shorter: XDP_DROP
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int swap(struct xdp_md *ctx)
{
    void *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = (void *)(long)ctx->data;
    __u8 mac[ETH_ALEN];

    if ((void *)(eth + 1) > end)
        return XDP_DROP;
    __builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
    __builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
    __builtin_memcpy(eth->h_source, mac, ETH_ALEN);
    return XDP_TX;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
