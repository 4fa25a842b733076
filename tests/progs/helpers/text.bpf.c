/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers from text, text from numbers, and what is printed. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

#include "results.h"

enum { TEXT = 12 };

static const char word[] = "10.0.";

/* Results and what was written are mixed. */
static __always_inline void put_text(__u32 index, long result, const char *text, __u32 bytes)
{
    __u64 sum = 0;

    for (__u32 i = 0; i < bytes; i++)
        sum = sum * 33 + (__u8)text[i];
    put(index, sum * 3 + result);
}

static __always_inline void numbers(const struct iphdr *ip)
{
    static const char kinds[16] = "0123456789 -xf8a";
    char text[TEXT] = {};
    unsigned long u = 7;
    long v = 7;

    for (int i = 0; i < TEXT; i++) {
        __u32 bits = (ip->saddr ^ ip->id * 0x9e3779b9u) >> i * 2;

        text[i] = kinds[bits & (i & 4 ? 15 : 7)];
    }
    if (ip->id & 1)
        text[0] = ip->id & 2 ? '-' : ip->id & 4 ? ' ' : '0';
    if (ip->id & 8)
        text[1] = 'x';
    if ((ip->id & 0x30) == 0)
        text[5] = ' ';
    put(0, bpf_strtol(text, TEXT, ip->ttl & 1 ? 0 : ip->ttl & 0x1f, &v));
    put(1, v);
    put(2, bpf_strtoul(text, 1 + (ip->id >> 4 & 7), ip->ttl & 2 ? 16 : 0, &u));
    put(3, u);
}

SEC("xdp")
int text(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    char out[64] = {};
    char begin[6] = "10.0.";
    __u64 args[4];
    long n;

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    numbers(ip);
    begin[4] = ip->id;
    put(4, bpf_strncmp(begin, 1 + (ip->ttl & 5), word));
    n = BPF_SNPRINTF(out, sizeof(out), "%d|%5u|%-8x|%08lX|%+d|%c|% i", ip->id - 30000, ip->ttl, ip->saddr, (__u64)ip->daddr << 9,
                     (int)ip->check, ip->protocol + 'A', (int)ip->saddr);
    put_text(5, n, out, sizeof(out));
    args[0] = ip->id;
    args[1] = (__u64)ip->saddr << 32 | ip->daddr;
    args[2] = (__u64)(long)begin;
    args[3] = (__u64)(long)&ip->saddr;
    n = bpf_snprintf(out, ip->ttl & 63, "%u%%%lld %s", args, 24);
    put_text(6, n, out, sizeof(out));
    put(7, BPF_SNPRINTF(out, sizeof(out), "%12s.%-9s.%pI4.%pi4", "", word, &args[0], &args[1]));
    put_text(8, 0, out, sizeof(out));
    put(9, bpf_printk("%s to %x, id %d\n", word, ip->daddr, ip->id));
    put(10, bpf_printk("%d %d %d %d %d", ip->ttl, ip->id, ip->tos, ip->protocol, -1));
    return n & 1 ? XDP_PASS : XDP_TX;
}

char _license[] SEC("license") = "GPL";
