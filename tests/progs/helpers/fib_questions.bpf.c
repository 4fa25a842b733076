/* SPDX-License-Identifier: BSD-3-Clause */
/* Questions to the routing tables that packets name: both families, few addresses that prefixes nest around, lengths around an
 * MTU, interfaces that are not there or don't forward. All of an answer counts. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "results.h"

#ifndef FLAGS
#define FLAGS 0
#endif

SEC("xdp")
int fib_questions(struct xdp_md *ctx)
{
    const __u8 *p = (void *)(long)ctx->data;
    struct bpf_fib_lookup fib = {.family = 2};
    const __u64 *words = (const __u64 *)&fib;
    __u64 all = 0;
    __u32 some;
    __u32 host;
    long ret;

    if (p + 42 > (const __u8 *)(long)ctx->data_end)
        return XDP_DROP;
    some = (p[18] | p[19] << 8 | p[34] << 16 | (__u32)p[35] << 24) ^ (p[29] << 8 | p[36] << 16 | p[40] | (__u32)p[41] << 24);
    some *= 0x9e3779b1;
    some ^= some >> 15;
    some *= 0x85ebca6b;
    some ^= some >> 13;
    fib.ifindex = (some & 31) == 0 ? some >> 5 & 7 : 4;
    fib.l4_protocol = 17;
    fib.tot_len = (some >> 5 & 3) == 0 ? 1200 + (some >> 7 & 511) : 100;
    host = some >> 16 & 3;
    host |= (1 << (some >> 18 & 7)) << 8 | (some >> 21 & 3) << 16;
    if (some >> 31) {
        fib.family = 10;
        fib.ipv6_src[0] = __builtin_bswap32(0x20010db8);
        fib.ipv6_src[3] = some;
        fib.ipv6_dst[0] = __builtin_bswap32((some >> 23 & 31) == 0 ? 0xfe800000 : (some >> 23 & 31) == 1 ? 0xff020000 : 0x20010db8);
        fib.ipv6_dst[1] = __builtin_bswap32(host & 0x30000);
        fib.ipv6_dst[3] = __builtin_bswap32(host & 0xffff);
        if ((some >> 23 & 31) == 2)
            fib.ipv6_src[0] = __builtin_bswap32(0xfebf0000);
    } else {
        fib.family = (some >> 23 & 63) == 0 ? 9 : 2;
        fib.ipv4_src = some;
        fib.ipv6_dst[1] = some; /* no part of the question, nor of the answer */
        fib.ipv6_dst[2] = ~some;
        fib.ipv6_dst[3] = some >> 3;
        fib.ipv4_dst = __builtin_bswap32(((some >> 29 & 1) ? 0x0a000000 : 0xc0000000) | host);
    }
    ret = bpf_fib_lookup(ctx, &fib, sizeof(fib), FLAGS);
    for (int i = 0; i < (int)(sizeof(fib) / sizeof(*words)); i++)
        all = all * 31 + words[i];
    put(ret & 15, all);
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
