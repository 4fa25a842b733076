/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs that no device takes, for all compare text, which the host alone can: verdicts, moves of the packet's ends, metadata,
 * redirects, and maps whose contents depend on the order of packets. */
#include "frame.h"

MAP(counts, BPF_MAP_TYPE_ARRAY, 8);
MAP(flows, BPF_MAP_TYPE_HASH, 20);
MAP(recent, BPF_MAP_TYPE_LRU_HASH, 10);
MAP(many, BPF_MAP_TYPE_HASH, 600000);
MAP(queues, BPF_MAP_TYPE_PERCPU_HASH, 16);
struct {
    __uint(type, BPF_MAP_TYPE_QUEUE);
    __uint(max_entries, 5);
    __type(value, __u64);
} waiting SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_DEVMAP);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, __u32);
} devices SEC(".maps");

SEC("xdp") int swap(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    __u8 mac[6];

    if (!f)
        return XDP_DROP;
    __builtin_memcpy(mac, f->eth.h_dest, 6);
    __builtin_memcpy(f->eth.h_dest, f->eth.h_source, 6);
    __builtin_memcpy(f->eth.h_source, mac, 6);
    return compare(f) < 0 ? XDP_TX : XDP_PASS;
}

/* Values that are no verdict, too. */
SEC("xdp") int verdicts(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    int ret;

    if (!f)
        return XDP_PASS;
    ret = (int)(number_of(f) % 8) + compare(f);
    return ret == XDP_REDIRECT ? 1000 : ret; /* there is no target */
}

SEC("xdp") int head(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    int less, by;

    if (!f)
        return XDP_ABORTED;
    less = compare(f);
    by = (int)(number_of(f) % 40) - 20;
    if (bpf_xdp_adjust_head(ctx, by))
        return XDP_DROP;
    f = frame_of(ctx);
    if (!f)
        return XDP_DROP;
    __builtin_memset(f->text, by, sizeof(f->text));
    return less < 0 ? XDP_TX : XDP_PASS;
}

/* Packets grow out of their buffers, and back into one. */
SEC("xdp") int tail(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    int less, by;

    if (!f)
        return XDP_ABORTED;
    less = compare(f);
    by = (int)(number_of(f) * 5) - 400;
    if (bpf_xdp_adjust_tail(ctx, by))
        return XDP_DROP;
    return less < 0 ? XDP_TX : XDP_PASS;
}

SEC("xdp") int meta(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    __u32 *words;
    int less;

    if (!f)
        return XDP_ABORTED;
    less = compare(f);
    if (bpf_xdp_adjust_meta(ctx, -(int)(number_of(f) % 8 * 4)))
        return XDP_DROP;
    words = (void *)(long)ctx->data_meta;
    if ((void *)(words + 2) <= (void *)(long)ctx->data)
        words[0] = words[1] = 0x12345678;
    return less < 0 ? XDP_TX : XDP_PASS;
}

/* Two ports and targets that are not there. */
SEC("xdp") int ports(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);

    if (!f)
        return XDP_PASS;
    f->eth.h_dest[5] = (__u8)compare(f);
    return bpf_redirect(number_of(f) % 4, number_of(f) % 16 == 15);
}

SEC("xdp") int target(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);

    if (!f)
        return XDP_PASS;
    return bpf_redirect_map(&devices, number_of(f) % 6, compare(f) < 0 ? XDP_TX : XDP_PASS);
}

/* The flow's packets so far, in the packet; the map is full now and then. */
SEC("xdp") int flow(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    __u64 one = 1, *count;
    __u32 key;
    int less;

    if (!f)
        return XDP_PASS;
    less = compare(f);
    key = number_of(f) % 32;
    count = bpf_map_lookup_elem(&flows, &key);
    if (count)
        f->text[0] = (__u8)++*count;
    else
        f->text[0] = (__u8)bpf_map_update_elem(&flows, &key, &one, BPF_NOEXIST);
    if (less < 0 && number_of(f) % 3 == 0)
        f->text[1] = (__u8)bpf_map_delete_elem(&flows, &key);
    return less < 0 ? XDP_TX : XDP_PASS;
}

/* Takes no more than a device has, but for the map. */
SEC("xdp") int large(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    __u64 one = 1, *count;
    __u32 key;

    if (!f)
        return XDP_PASS;
    key = number_of(f) * 0x9e3779b9u;
    count = bpf_map_lookup_elem(&many, &key);
    if (!count)
        return bpf_map_update_elem(&many, &key, &one, BPF_NOEXIST) ? XDP_ABORTED : XDP_TX;
    f->text[0] = (__u8)++*count;
    return *count & 1 ? XDP_PASS : XDP_DROP;
}

SEC("xdp") int least(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    __u64 value, *old;
    __u32 key;
    int less;

    if (!f)
        return XDP_PASS;
    less = compare(f);
    key = number_of(f) % 24;
    value = f->text[16];
    old = bpf_map_lookup_elem(&recent, &key);
    f->text[0] = old ? (__u8)*old : 0xee;
    bpf_map_update_elem(&recent, &key, &value, BPF_ANY);
    return less < 0 ? XDP_TX : XDP_PASS;
}

SEC("xdp") int wait(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    __u64 value;
    int less;

    if (!f)
        return XDP_PASS;
    less = compare(f);
    value = f->text[16];
    if (number_of(f) & 1) {
        f->text[1] = (__u8)bpf_map_push_elem(&waiting, &value, BPF_EXIST);
    } else {
        f->text[1] = (__u8)bpf_map_pop_elem(&waiting, &value);
        f->text[0] = (__u8)value;
    }
    return less < 0 ? XDP_TX : XDP_PASS;
}

/* Numbers all packets, in text. */
SEC("xdp") int print(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    static const char format[] = "%05d.%02x";
    char text[12] = {};
    __u32 key = 0;
    __u64 *count = bpf_map_lookup_elem(&counts, &key), args[2];

    if (!f || !count)
        return XDP_ABORTED;
    args[0] = ++*count;
    args[1] = f->text[16];
    bpf_snprintf(text, sizeof(text), format, args, sizeof(args));
    __builtin_memcpy(f->text, text, sizeof(text));
    return *count & 1 ? XDP_TX : XDP_PASS;
}

SEC("xdp") int digits(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    char text[8] = {};
    long value = 0;

    if (!f)
        return XDP_ABORTED;
    for (int i = 0; i < 8; i++)
        text[i] = "0123456789abcx -"[f->text[8 + i] >> (i & 4) & 15];
    f->text[0] = (__u8)bpf_strtol(text, sizeof(text), f->text[19] & 16, &value);
    __builtin_memcpy(f->text + 4, &value, sizeof(value));
    return value & 1 ? XDP_TX : XDP_PASS;
}

/* Where the packet came in. */
SEC("xdp") int where(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    __u64 first = 1, *count;
    __u32 key;

    if (!f)
        return XDP_PASS;
    f->text[0] = (__u8)ctx->ingress_ifindex;
    f->text[1] = (__u8)ctx->rx_queue_index;
    f->text[2] = (__u8)bpf_get_smp_processor_id();
    f->text[3] = (__u8)compare(f);
    key = number_of(f) % 16;
    count = bpf_map_lookup_elem(&queues, &key);
    if (count)
        ++*count;
    else
        bpf_map_update_elem(&queues, &key, &first, BPF_ANY);
    return XDP_PASS;
}

SEC("xdp") int last(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);

    if (!f)
        return XDP_PASS;
    f->text[0] ^= 0x55;
    return compare(f) < 0 ? XDP_TX : XDP_PASS;
}

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 2);
    __type(key, __u32);
    __array(values, int(void *));
} jumps SEC(".maps") = {.values = {[1] = (void *)&last}};

SEC("xdp") int jump(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);

    if (!f)
        return XDP_PASS;
    f->text[1] ^= 0x33;
    bpf_tail_call(ctx, &jumps, number_of(f) & 1);
    return XDP_DROP;
}

static long add(void *map, __u32 *key, __u64 *value, __u64 *sum)
{
    *sum = *sum * 31 + *key + *value;
    return 0;
}

/* All that is in a hash, in the order in which it is walked. */
SEC("xdp") int walk(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    __u64 sum = 0;
    __u32 key;

    if (!f)
        return XDP_PASS;
    key = number_of(f) % 32;
    sum = f->text[16];
    bpf_map_update_elem(&flows, &key, &sum, BPF_ANY);
    bpf_for_each_map_elem(&flows, add, &sum, 0);
    __builtin_memcpy(f->text, &sum, sizeof(sum));
    return sum & 1 ? XDP_TX : XDP_PASS;
}

/* What the device alone knows: time and chance, in the packet. */
SEC("xdp") int inputs(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    __u64 now = bpf_ktime_get_ns();
    __u32 a = bpf_get_prandom_u32(), b = bpf_get_prandom_u32();

    if (!f)
        return XDP_ABORTED;
    __builtin_memcpy(f->text, &now, sizeof(now));
    __builtin_memcpy(f->text + 8, &a, sizeof(a));
    __builtin_memcpy(f->text + 12, &b, sizeof(b));
#ifndef FITS
    f->text[16] = (__u8)compare(f);
#endif
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
