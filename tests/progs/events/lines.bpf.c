/* SPDX-License-Identifier: BSD-3-Clause */
/* Printed lines, some of them errors, and a program that a tail call goes on in, with events of its own. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} notes SEC(".maps");

int next_one(struct xdp_md *ctx);

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 2);
    __uint(key_size, sizeof(__u32));
    __array(values, int(void *));
} programs SEC(".maps") = {.values = {[1] = (void *)&next_one}};

SEC("xdp")
int next_one(struct xdp_md *ctx)
{
    __u32 *r = bpf_ringbuf_reserve(&notes, 12, 0);

    if (!r)
        return XDP_ABORTED;
    r[2] = ctx->rx_queue_index;
    bpf_printk("next %u", r[2]);
    bpf_ringbuf_submit(r, 0);
    return XDP_TX;
}

static __noinline int in_function(struct xdp_md *ctx)
{
    bpf_tail_call(ctx, &programs, 1);
    return 7;
}

SEC("xdp")
int lines(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    __u32 *r, key;

    if ((void *)(ip + 1) > end) {
        bpf_printk("short");
        return XDP_DROP;
    }
    key = ip->saddr;
    if (ip->protocol == 17)
        bpf_printk("udp %x to %x, %d%%", ip->saddr, ip->daddr, (int)ip->ttl - 64);
    else
        bpf_printk("%llu %c", (__u64)ip->id << 32 | ip->daddr, ip->protocol);
    if (ip->id & 1)
        bpf_printk("%d %d %d %d %lld", ip->tos, ip->ttl, ip->tot_len, ip->id, -(__s64)ip->saddr);
    r = bpf_ringbuf_reserve(&notes, 12, 0);
    if (r) {
        r[0] = 1;
        bpf_ringbuf_discard(r, 0);
    }
    if (in_function(ctx) == 9)
        return XDP_DROP;
    bpf_tail_call(ctx, &programs, key & 1);
    bpf_printk("none");
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
