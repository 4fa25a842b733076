/* SPDX-License-Identifier: BSD-3-Clause */
/* One load and one store through a pointer that leads into the packet, to the stack or into a map's value, as branches say. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64);
    __type(key, __u32);
    __type(value, __u64[4]);
} seen SEC(".maps");

SEC("xdp")
int either(struct xdp_md *ctx)
{
    unsigned char *data = (void *)(long)ctx->data;
    unsigned char *end = (void *)(long)ctx->data_end;
    __u64 start[4] = {5, 7}, local[8] = {1, 2, 3, 4, 5, 6, 7, 8}, *value;
    unsigned char *at;
    __u64 word;
    __u32 key, half, i;

    if (data + 60 > end)
        return XDP_PASS;
    key = data[37] & 31;
    bpf_map_update_elem(&seen, &key, start, BPF_NOEXIST);
    value = bpf_map_lookup_elem(&seen, &key);
    if (!value)
        return XDP_ABORTED;
    switch (data[36] & 3) {
    case 0:
        at = data + 12;
        break;
    case 1:
        at = (unsigned char *)local + 8;
        break;
    case 2:
        at = (unsigned char *)local + 8 * (data[35] & 3);
        break;
    default:
        at = (unsigned char *)value + 8 * (data[35] & 1);
        break;
    }
    asm volatile("" : "+r"(at));
    asm volatile("%0 = *(u64 *)(%1 +0)" : "=r"(word) : "r"(at) : "memory");
    asm volatile("%0 = *(u32 *)(%1 +12)" : "=r"(half) : "r"(at) : "memory");
    word += half;
    asm volatile("*(u32 *)(%1 +4) = %0" : : "r"(word), "r"(at) : "memory");
    asm volatile("%0 = *(u64 *)(%1 +8)" : "=r"(word) : "r"(at) : "memory");
    for (i = 0; i < 8; i++)
        word ^= local[i] << i;
    *(__u64 *)(data + 40) = word;
    return data[36] & 1 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
