/* SPDX-License-Identifier: BSD-3-Clause */
/* Rounds whose number the packet decides, up to 3. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

static long add(__u32 i, __u64 *sum)
{
    *sum = *sum * 5 + i + 1;
    return 0;
}

SEC("xdp")
int ranged(struct xdp_md *ctx)
{
    struct iphdr *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);
    __u64 sum = 0;

    if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
        return XDP_DROP;
    ip->ttl = bpf_loop(ip->id & 3, add, &sum, 0);
    ip->check = sum;
    return XDP_TX;
}

char _license[] SEC("license") = "GPL";
