/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues and stacks of values of many sizes, which packets fill and empty in bursts, with every flag, so that they are full and empty now and then. With WIDE also of 64 and 256 bytes. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

#include "results.h"

#define HOLDER(name, kind, bytes, entries)                                                                                                                                             \
    struct {                                                                                                                                                                           \
        __uint(type, BPF_MAP_TYPE_##kind);                                                                                                                                             \
        __uint(max_entries, entries);                                                                                                                                                  \
        __uint(value_size, bytes);                                                                                                                                                     \
    } name SEC(".maps")

HOLDER(bytes, QUEUE, 1, 3);
HOLDER(words, STACK, 4, 5);
HOLDER(texts, QUEUE, 20, 4);
#ifdef WIDE
HOLDER(blocks, STACK, 64, 2);
HOLDER(pages, QUEUE, 256, 3);
enum { WORDS = 32 };
#else
enum { WORDS = 5 };
#endif

struct page {
    __u64 word[WORDS];
};

SEC("xdp")
int queue_sizes(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    struct page page = {};
    __u32 what, how;

    if ((void *)(ip + 1) > end)
        return XDP_DROP;
    what = ip->id ^ ip->check;
    how = ip->check >> 13;
    for (int i = 0; i < WORDS; i++)
        page.word[i] = (__u64)ip->saddr * (2 * i + 1) + ip->id;
    if (what & 1)
        put(0, bpf_map_push_elem(&bytes, &page, how));
    if (what & 2)
        put(1, bpf_map_pop_elem(&bytes, &page));
    if (what & 4)
        put(2, bpf_map_push_elem(&words, &ip->daddr, BPF_EXIST));
    if (what & 8)
        put(3, bpf_map_pop_elem(&words, &page.word[1]));
    if (what & 16)
        put(4, bpf_map_push_elem(&texts, ip, how == 3 ? BPF_EXIST : BPF_ANY)); /* out of the packet */
    if (what & 32)
        put(5, bpf_map_pop_elem(&texts, &page.word[2]));
#ifdef WIDE
    if (what & 64)
        put(6, bpf_map_push_elem(&blocks, &page, BPF_ANY));
    if (what & 128)
        put(7, bpf_map_pop_elem(&blocks, &page));
    if (what & 256)
        put(8, bpf_map_push_elem(&pages, &page, how & 2));
    if (what & 512)
        put(9, what & 1024 ? bpf_map_pop_elem(&pages, &page) : bpf_map_peek_elem(&pages, &page));
#endif
    put(10, bpf_map_peek_elem(&words, (__u8 *)&page.word[3] + 4));
    for (int i = 0; i < WORDS; i += 3)
        put(11, page.word[i]);
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
