/* SPDX-License-Identifier: BSD-3-Clause */
/* A map is written in the loop: the last four source bytes are counted, each in a hash of bytes; a new byte gets
 * an entry of its own until the map is full. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64);
    __type(key, __u32);
    __type(value, __u64);
} seen SEC(".maps");

SEC("xdp")
int map_update(struct xdp_md *ctx)
{
    const __u8 *data = (const __u8 *)(long)ctx->data;
    const __u8 *end = (const __u8 *)(long)ctx->data_end;
    __u32 full = 0;

    if (data + 30 > end)
        return XDP_PASS;
#pragma clang loop unroll(disable)
    for (int i = 26; i < 30; i++) {
        __u32 key = data[i];
        __u64 *count = bpf_map_lookup_elem(&seen, &key);

        if (count) {
            *count += 1;
        } else {
            __u64 one = 1;

            if (bpf_map_update_elem(&seen, &key, &one, BPF_ANY))
                full++;
        }
    }
    return full ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
