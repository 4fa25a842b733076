/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames that fill the stack, so that a device has no room for a callback's key beside them. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#ifdef SMALL
enum { OWN = 448, CALLBACK = 32 };
#else
enum { OWN = 448, CALLBACK = 64 };
#endif

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 16);
    __type(key, __u32);
    __type(value, __u64);
} counts SEC(".maps");

static long add(void *map, const __u32 *key, __u64 *value, __u8 *own)
{
    volatile __u8 bytes[CALLBACK] = {};

    bytes[*key & (CALLBACK - 1)] = own[*key & 31];
    *value += bytes[5];
    return 0;
}

SEC("xdp")
int keys(struct xdp_md *ctx)
{
    __u8 own[OWN] = {};

    return bpf_for_each_map_elem(&counts, add, own, 0) & 1 ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
