/* SPDX-License-Identifier: BSD-3-Clause */
/* A Bloom filter of one word, whose pushes have flags that are only known at run time: wrong ones
 * push nothing. The conditions are single bits of the packet, which simulators like to merge. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
    __uint(max_entries, 20);
    __uint(map_extra, 1);
    __type(value, __u32);
} seen SEC(".maps");

SEC("xdp")
int bloom_flags(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    __u8 *bytes = data;
    __u64 result;
    __u32 value;

    if (data + 54 > end)
        return XDP_DROP;
    value = bytes[15]; /* these are of the IPv4 header: type of service, */
    if (bytes[19] & 1) /* identification, */
        result =
            bpf_map_push_elem(&seen, &value, bytes[17] & 4 ? BPF_NOEXIST : BPF_ANY); /* length */
    else
        result = bpf_map_peek_elem(&seen, &value);
    __builtin_memcpy(bytes + 38, &result, sizeof(result));
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
