/* SPDX-License-Identifier: BSD-3-Clause */
/* Maps by records, as before BTF: compiles and loads with and without -g. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#ifndef EXTRA_WORDS
#define EXTRA_WORDS 0 /* 2: struct bpf_map_def with inner map and node; 4: struct bpf_elf_map */
#endif

struct record {
    __u32 type;
    __u32 key_size;
    __u32 value_size;
    __u32 max_entries;
    __u32 map_flags;
    __u32 extra[EXTRA_WORDS];
};

struct record SEC("maps") first = {BPF_MAP_TYPE_HASH, 4, 8, 100, 1};
struct record SEC("maps") second = {BPF_MAP_TYPE_ARRAY, 4, 16, 10, 0};

SEC("xdp_legacy")
int legacy(struct xdp_md *ctx)
{
    __u32 key = ctx->rx_queue_index;
    __u64 *a = bpf_map_lookup_elem(&first, &key), *b = bpf_map_lookup_elem(&second, &key);

    if (a)
        *a += 1;
    if (b)
        *b += 1;
    return a && b ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
