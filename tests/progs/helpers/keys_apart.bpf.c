/* SPDX-License-Identifier: BSD-3-Clause */
/* One call for three maps, whose keys lie in different memories: clang merges the calls, and what r2 leads to depends on the map. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64);
    __type(key, __u64[2]);
    __type(value, __u64);
} wide SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 256);
    __type(key, __u16);
    __type(value, __u64);
} narrow SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, __u64);
} settings SEC(".maps");

SEC("xdp")
int keys_apart(struct xdp_md *ctx)
{
    unsigned char *data = (void *)(long)ctx->data;
    unsigned char *end = (void *)(long)ctx->data_end;
    __u64 value = 1, *found, *setting;
    __u32 index;
    __u16 key;

    if (data + 40 > end)
        return XDP_PASS;
    index = data[37] & 7;
    key = data[36] & 63;
    setting = bpf_map_lookup_elem(&settings, &index);
    if (setting && data[35] & 2) {
        *setting &= 7;
        key = 0;
    }
    switch (data[35] & 3) {
    case 0:
        data[17] &= 15;
        data[18] = data[19] = data[20] = data[21] = data[22] = data[23] = 0;
        bpf_map_update_elem(&wide, data + 16, &value, BPF_ANY);
        found = bpf_map_lookup_elem(&wide, data + 16);
        break;
    case 1:
        bpf_map_update_elem(&narrow, &key, &value, BPF_NOEXIST);
        found = bpf_map_lookup_elem(&narrow, &key);
        break;
    default:
        if (!setting)
            return XDP_DROP;
        found = bpf_map_lookup_elem(&narrow, setting);
        break;
    }
    if (!found)
        return XDP_DROP;
    *found += data[30];
    data[12] = (unsigned char)*found;
    return XDP_TX;
}

char _license[] SEC("license") = "GPL";
