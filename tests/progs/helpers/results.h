/* SPDX-License-Identifier: BSD-3-Clause */
/* Each result is mixed into an entry of a map, so that one differing bit in one packet shows. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 16);
    __type(key, __u32);
    __type(value, __u64);
} results SEC(".maps");

static __always_inline void put(__u32 index, __u64 result)
{
    __u64 *entry = bpf_map_lookup_elem(&results, &index);

    if (entry)
        *entry = *entry * 31 + result;
}
