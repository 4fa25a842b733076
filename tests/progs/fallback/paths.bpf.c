/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs of which a path needs what no device has, a comparison of text or a number out of it: packets that come to it are run
 * by the host, the others by the device, on the same maps. What they leave there depends on the order of all packets. */
#include "frame.h"

MAP(counts, BPF_MAP_TYPE_ARRAY, 4);
MAP(sums, BPF_MAP_TYPE_ARRAY, 4);
MAP(flows, BPF_MAP_TYPE_HASH, 64);
MAP(few, BPF_MAP_TYPE_HASH, 5);
MAP(cpus, BPF_MAP_TYPE_PERCPU_ARRAY, 4);
MAP(lanes, BPF_MAP_TYPE_PERCPU_HASH, 16);
MAP(config, BPF_MAP_TYPE_ARRAY, 1);

__u64 chain = 1;
__u32 seen;

/* Whether the packet's path is the host's: one of eight, by the IPv4 checksum. */
static __always_inline int is_rare(const struct frame *f)
{
    return (f->text[10] & 7) == 3;
}

/* value = value * 31 + by: any other order gives something else */
static __always_inline void mix(__u64 *value, __u64 by)
{
    *value = *value * 31 + by;
}

static __always_inline __u64 *sum_of(__u32 key)
{
    return bpf_map_lookup_elem(&sums, &key);
}

/* Which sum it has come to is in the packet. */
static __always_inline int add_up(struct frame *f, __u64 *sum, __u64 by)
{
    if (!sum)
        return XDP_ABORTED;
    mix(sum, by);
    __builtin_memcpy(f->text, sum, sizeof(*sum));
    return XDP_PASS;
}

SEC("xdp") int rare(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    __u32 key = 0;
    __u64 *count;

    if (!f)
        return XDP_PASS;
    if (is_rare(f)) {
        key = compare(f) < 0 ? 1 : 2;
        count = bpf_map_lookup_elem(&counts, &key);
        if (!count)
            return XDP_ABORTED;
        mix(count, f->text[11]);
        f->text[0] = (__u8)*count;
        key = 0;
        count = bpf_map_lookup_elem(&counts, &key);
        if (count)
            ++*count;
        return XDP_PASS;
    }
    count = bpf_map_lookup_elem(&counts, &key);
    if (count)
        __sync_fetch_and_add(count, 1);
    return XDP_PASS;
}

/* One entry that all packets change. */
SEC("xdp") int order(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    __u64 *sum;
    int sign;

    if (!f)
        return XDP_PASS;
    if (!is_rare(f))
        return add_up(f, sum_of(1), f->text[11]);
    sign = compare(f) < 0;
    sum = sum_of(1);
    if (!sum)
        return XDP_ABORTED;
    mix(sum, 1000 + sign);
    return add_up(f, sum_of(1), 5);
}

/* Entries come and go on both paths. */
SEC("xdp") int entries(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    __u64 first = 7;
    __u64 *value;
    __u32 key;

    if (!f)
        return XDP_PASS;
    key = number_of(f) & 31;
    if (is_rare(f)) {
        if (compare(f) < 0) {
            bpf_map_delete_elem(&flows, &key);
            key ^= 1;
        }
        value = bpf_map_lookup_elem(&flows, &key);
        if (value)
            mix(value, 3);
        else
            bpf_map_update_elem(&flows, &key, &first, BPF_ANY);
        return XDP_DROP;
    }
    value = bpf_map_lookup_elem(&flows, &key);
    if (value) {
        mix(value, f->text[11]);
        __builtin_memcpy(f->text, value, sizeof(*value));
    } else {
        bpf_map_update_elem(&flows, &key, &first, BPF_NOEXIST);
    }
    return XDP_PASS;
}

/* Pointers to what is deleted: what a look-up finds behind that is another element, what is added may be the same. */
SEC("xdp") int deleted(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    __u64 *value, *other;
    __u32 key, next;
    __u64 first;

    if (!f)
        return XDP_PASS;
    key = number_of(f) & 7;
    next = key ^ 1;
    first = f->text[19];
    if (is_rare(f)) {
        first += compare(f) < 0;
        value = bpf_map_lookup_elem(&flows, &key);
        if (!value)
            return XDP_DROP;
        bpf_map_delete_elem(&flows, &key);
        other = bpf_map_lookup_elem(&flows, &next);
        mix(value, 5);
        f->text[8] = other ? (__u8)*other : 0;
        next = key ^ 2;
        bpf_map_delete_elem(&flows, &next);
        next += 8;
        bpf_map_update_elem(&flows, &next, &first, BPF_ANY);
        mix(value, 7);
        next += 8;
        bpf_map_update_elem(&flows, &next, &first, BPF_ANY);
        mix(value, 9);
        __builtin_memcpy(f->text, value, sizeof(*value));
        return XDP_PASS;
    }
    bpf_map_update_elem(&flows, &key, &first, BPF_ANY);
    return XDP_PASS;
}

/* A map that is full more often than not. */
SEC("xdp") int full(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    __u64 value;
    __u32 key;
    long err;

    if (!f)
        return XDP_PASS;
    key = number_of(f) & 15;
    value = f->text[19];
    if (is_rare(f)) {
        key ^= compare(f) < 0;
        err = bpf_map_update_elem(&few, &key, &value, BPF_NOEXIST);
        f->text[0] = (__u8)err;
        return XDP_PASS;
    }
    if (key & 4)
        err = bpf_map_delete_elem(&few, &key);
    else
        err = bpf_map_update_elem(&few, &key, &value, BPF_ANY);
    f->text[1] = (__u8)err;
    return XDP_PASS;
}

SEC("xdp") int percpu(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    __u64 first = 11;
    __u32 key = 2, lane;
    __u64 *value;

    if (!f)
        return XDP_PASS;
    lane = number_of(f) & 7;
    value = bpf_map_lookup_elem(&cpus, &key);
    if (!value)
        return XDP_ABORTED;
    if (is_rare(f)) {
        mix(value, compare(f) < 0);
        value = bpf_map_lookup_elem(&lanes, &lane);
        if (value)
            mix(value, 5);
        else
            bpf_map_update_elem(&lanes, &lane, &first, BPF_ANY);
        return XDP_PASS;
    }
    mix(value, f->text[11]);
    value = bpf_map_lookup_elem(&lanes, &lane);
    if (value)
        mix(value, 6);
    return XDP_PASS;
}

/* Variables, of which the host reads and writes what it must. */
SEC("xdp") int variables(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    __u32 key = 0;
    __u64 *add;

    if (!f)
        return XDP_PASS;
    add = bpf_map_lookup_elem(&config, &key);
    if (!add)
        return XDP_ABORTED;
    if (is_rare(f)) {
        chain = chain * 31 + (compare(f) < 0) + *add;
        seen++;
        return XDP_DROP;
    }
    chain = chain * 31 + f->text[11];
    __builtin_memcpy(f->text, &chain, sizeof(chain));
    return XDP_PASS;
}

/* What the device alone knows, before the path and on it. */
SEC("xdp") int inputs(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    __u32 a = bpf_get_prandom_u32(), b;

    if (!f)
        return XDP_PASS;
    if ((f->text[10] ^ f->text[11]) & 3) {
        b = bpf_get_prandom_u32();
    } else {
        b = bpf_get_prandom_u32() + compare(f);
        f->text[12] = (__u8)ctx->ingress_ifindex;
    }
    __builtin_memcpy(f->text, &a, sizeof(a));
    __builtin_memcpy(f->text + 4, &b, sizeof(b));
    return XDP_PASS;
}

/* All packets but short ones. */
SEC("xdp") int every(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    int sign;

    if (!f)
        return XDP_PASS;
    sign = compare(f) < 0;
    return add_up(f, sum_of(3), 2 * f->text[11] + sign);
}

/* No packet: none has this type. */
SEC("xdp") int never(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    __u64 *sum;

    if (!f)
        return XDP_PASS;
    sum = sum_of(3);
    if (!sum)
        return XDP_ABORTED;
    return add_up(f, sum, f->eth.h_proto == 0x1234 ? compare(f) : f->text[11]);
}

/* A number that no device reads out of its text; 0: it is none. */
static __always_inline int put_number(struct frame *f)
{
    char digits[8] = {'1', (char)('0' + (f->text[11] & 7))};
    long number;

    if (bpf_strtol(digits, sizeof(digits), 10, &number) < 0)
        return 0;
    f->text[1] = (__u8)number;
    return 1;
}

/* What the slot sends follows close behind what the host sends. */
SEC("xdp") int answers(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);

    if (!f)
        return XDP_TX;
    if (is_rare(f) && !put_number(f))
        return XDP_ABORTED;
    return XDP_TX;
}

/* Two paths; what the host sends, it sends alone. */
SEC("xdp") int sends(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);
    char text[8] = "";
    __u32 key = 1;
    __u64 *count;

    if (!f)
        return XDP_PASS;
    if (is_rare(f)) {
        if (!put_number(f))
            return XDP_ABORTED;
        return XDP_TX;
    }
    if ((f->text[10] & 7) == 6) {
        __u64 args[] = {f->text[11]};

        bpf_snprintf(text, sizeof(text), "%03d", args, sizeof(args));
        __builtin_memcpy(f->text, text, 4);
        if (bpf_xdp_adjust_head(ctx, -8))
            return XDP_ABORTED;
        return XDP_PASS;
    }
    count = bpf_map_lookup_elem(&counts, &key);
    if (count)
        mix(count, f->text[11]);
    return XDP_PASS;
}

/* All packets are counted before they come to the path, so that the program is the host's as a whole. */
SEC("xdp") int late(struct xdp_md *ctx)
{
    struct frame *f = frame_of(ctx);

    seen++;
    if (!f)
        return XDP_PASS;
    return compare(f) < 0 ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
