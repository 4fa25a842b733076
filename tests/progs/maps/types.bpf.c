/* SPDX-License-Identifier: BSD-3-Clause */
/* Maps of every form of type, for map files by the names of fields. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

enum state { CLOSED, OPEN = 7, LOST = -2 };

struct address {
    union {
        __u32 v4;
        __u8 bytes[4];
    };
    __u16 port;
};

struct flow {
    struct address from, to;
    char name[8];
};

struct record {
    __u64 packets;
    __s32 balance;
    enum state state;
    __u32 low : 3;
    __u32 high : 29;
    __s16 signs : 5;
    _Bool seen;
    union {
        __u16 word;
        __u8 halves[2];
    } either;
    struct address hops[2];
    char text[12];
    void *pointer;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16);
    __type(key, struct flow);
    __type(value, struct record);
} flows SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 2);
    __type(key, __u32);
    __type(value, struct address);
} percpu SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 2);
    __type(key, __u32);
    __type(value, enum state);
} states SEC(".maps");

SEC("xdp")
int types(struct xdp_md *ctx)
{
    __u32 key = 0;

    bpf_map_lookup_elem(&percpu, &key);
    bpf_map_lookup_elem(&states, &key);
    bpf_map_lookup_elem(&flows, &(struct flow){});
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
