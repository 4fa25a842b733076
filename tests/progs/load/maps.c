/* SPDX-License-Identifier: BSD-3-Clause */
/* Maps by BTF and variables of all kinds. Needs -g. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct key {
    __u32 a;
    __u16 b;
    __u8 c[6];
};

typedef struct {
    __u64 n;
} value_t;

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 512);
    __type(key, struct key);
    __type(value, const volatile value_t);
} by_type SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(key_size, 4);
    __uint(value_size, 24);
    __uint(max_entries, 7);
    __uint(map_flags, BPF_F_RDONLY);
    __uint(pinning, 1);
} by_size SEC(".maps");

static struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} hidden SEC(".maps");

const volatile __u32 constant = 0x11223344;
const volatile __u64 constants[4] = {1, 2, 3, 0x5566778899aabbcc};
__u32 counter = 5;
static volatile __u64 local_counter = 6;
__u64 zeroes[3];
static volatile __u32 local_zero;
__u32 grouped SEC(".data.group") = 9;

SEC("xdp")
int maps(struct xdp_md *ctx)
{
    struct key key = {.a = ctx->rx_queue_index, .b = 2, .c = {1, 2, 3, 4, 5, 6}};
    value_t *v = bpf_map_lookup_elem(&by_type, &key);
    __u32 index = 1;
    __u64 *w = bpf_map_lookup_elem(&by_size, &index);
    __u64 *h = bpf_map_lookup_elem(&hidden, &index);

    if (!v || !w || !h)
        return XDP_DROP;
    local_counter += constants[ctx->rx_queue_index & 3] + constant;
    counter++;
    zeroes[2] += v->n + *w + *h + grouped;
    local_zero++;
    return zeroes[1] ? XDP_PASS : XDP_TX;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
