/* SPDX-License-Identifier: BSD-3-Clause */
/* One access through a pointer that leads to two or three kinds of memory, each of them the one that comes last in one of the programs, and
 * to the stacks of a function and of its caller. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, __u64[4]);
} words SEC(".maps");

static const __u64 start[4] = {0x0102030405060708, 0x1112131415161718, 0x2122232425262728, 0x3132333435363738};

struct places {
    unsigned char *packet, *stack, *value;
};

/* Loads and stores at offsets, so that each kind's own is counted. */
static __attribute__((always_inline)) __u64 use(unsigned char *at, __u32 with)
{
    __u64 word, half;

    asm volatile("" : "+r"(at));
    asm volatile("%0 = *(u64 *)(%1 +8)" : "=r"(word) : "r"(at) : "memory");
    asm volatile("%0 = *(u16 *)(%1 +2)" : "=r"(half) : "r"(at) : "memory");
    asm volatile("*(u32 *)(%1 +4) = %0" : : "r"((__u64)with), "r"(at) : "memory");
    return word * 5 + half;
}

static __attribute__((always_inline)) int run(struct xdp_md *ctx, unsigned char *(*choose)(struct places *, __u32))
{
    unsigned char *data = (void *)(long)ctx->data;
    unsigned char *end = (void *)(long)ctx->data_end;
    __u64 local[4] = {start[3], start[2], start[1], start[0]};
    __u32 key, way;
    __u64 got;

    if (data + 40 > end)
        return XDP_DROP;
    key = data[3] & 3;
    way = data[4] ^ data[5] ^ data[20];
    struct places p = {data + 12, (unsigned char *)local + 8, bpf_map_lookup_elem(&words, &key)};
    if (!p.value)
        return XDP_ABORTED;
    got = use(choose(&p, way % 3), way + 1);
    *(__u64 *)(data + 32) = got ^ local[0] ^ local[1] << 1 ^ local[2] << 2 ^ local[3] << 3;
    return got & 1 ? XDP_PASS : XDP_TX;
}

#define PROGRAM(name, first, second, last)                                                         \
    static __attribute__((always_inline)) unsigned char *choose_##name(struct places *p, __u32 way) \
    {                                                                                              \
        unsigned char *at = p->last;                                                               \
                                                                                                   \
        asm volatile("" : "+r"(at));                                                               \
        if (way == 0)                                                                              \
            at = p->first;                                                                         \
        asm volatile("" : "+r"(at));                                                               \
        if (way == 1)                                                                              \
            at = p->second;                                                                        \
        asm volatile("" : "+r"(at));                                                               \
        return at;                                                                                 \
    }                                                                                              \
    SEC("xdp")                                                                                     \
    int name(struct xdp_md *ctx)                                                                   \
    {                                                                                              \
        return run(ctx, choose_##name);                                                            \
    }

PROGRAM(packet_first, packet, stack, value)
PROGRAM(stack_first, stack, value, packet)
PROGRAM(value_first, value, packet, stack)
PROGRAM(packet_or_stack, packet, packet, stack)
PROGRAM(stack_or_packet, stack, stack, packet)
PROGRAM(packet_or_value, packet, packet, value)
PROGRAM(value_or_packet, value, value, packet)

/* The caller's stack or its own. */
static __attribute__((noinline)) __u64 either_stack(__u64 *callers, unsigned char *data, __u32 way)
{
    __u64 own[4] = {start[0], start[1], start[2], start[3]};
    unsigned char *at = (unsigned char *)own + 8;

    asm volatile("" : "+r"(at));
    if (way & 1)
        at = (unsigned char *)callers + 8;
    asm volatile("" : "+r"(at));
    if (way & 2)
        at = data + 12;
    return use(at, way) ^ own[1] << 1 ^ own[2] << 2;
}

SEC("xdp")
int two_stacks(struct xdp_md *ctx)
{
    unsigned char *data = (void *)(long)ctx->data;
    unsigned char *end = (void *)(long)ctx->data_end;
    __u64 local[4] = {start[3], start[2], start[1], start[0]};
    __u64 got;

    if (data + 40 > end)
        return XDP_DROP;
    got = either_stack(local, data, data[4] ^ data[5] ^ data[20]);
    *(__u64 *)(data + 32) = got ^ local[1] << 3 ^ local[2] << 4;
    return got & 1 ? XDP_PASS : XDP_TX;
}

char _license[] SEC("license") = "GPL";
