/* SPDX-License-Identifier: BSD-3-Clause */
/* The same helper for one map or another: clang merges the calls, and the map differs from path to path. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
    __uint(max_entries, 20);
    __type(key, __u16);
    __type(value, __u64);
} hash SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, __u64);
} array SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_DEVMAP);
    __uint(max_entries, 8);
    __uint(key_size, 4);
    __uint(value_size, 4);
} ports SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_CPUMAP);
    __uint(max_entries, 8);
    __uint(key_size, 4);
    __uint(value_size, 4);
} cpus SEC(".maps");

SEC("xdp")
int one_call_two_maps(struct xdp_md *ctx)
{
    unsigned char *data = (void *)(long)ctx->data;
    unsigned char *end = (void *)(long)ctx->data_end;
    __u64 value, flags;
    __u32 index;
    __u16 key;
    long err;

    if (data + 40 > end)
        return XDP_PASS;
    key = data[37] & 63;
    index = key & 7;
    value = *(__u64 *)(data + 20);
    flags = data[30] & 7;
    switch (data[36] & 7) {
    case 0:
    case 1:
        err = bpf_map_update_elem(&hash, &key, &value, flags);
        break;
    case 2:
        err = bpf_map_delete_elem(&hash, &key);
        break;
    case 3:
        err = bpf_map_update_elem(&array, &index, &value, flags);
        break;
    case 4:
        err = bpf_map_delete_elem(&array, &index);
        break;
    case 5:
        return bpf_redirect_map(&ports, index, XDP_PASS);
    case 6:
        return bpf_redirect_map(&cpus, index, XDP_TX);
    default:
        return bpf_redirect_map(&ports, index, XDP_DROP);
    }
    *(__s64 *)(data + 24) = err;
    return XDP_TX;
}

char _license[] SEC("license") = "GPL";
