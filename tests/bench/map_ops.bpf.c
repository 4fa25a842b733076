/* SPDX-License-Identifier: BSD-3-Clause */
/* A program an operation: ROUNDS times the same one on a map, with another key each time, and `none`, which is the loop alone.
 * TYPE, ENTRIES (a power of two), ROOM (for at least as many), KEY_WORDS (of 4 bytes) and FLAGS are given; PREFIXES for an lpm_trie. */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ROUNDS 256

struct key {
    __u32 words[KEY_WORDS];
};

struct {
    __uint(type, TYPE);
    __uint(max_entries, ROOM);
    __uint(map_flags, FLAGS);
    __type(key, struct key);
    __type(value, __u64);
} entries SEC(".maps");

static __u32 state = 1; /* goes on from packet to packet */
static __u64 seen;

/* The key of entry n, as maps.py fills it in; those from ENTRIES on are in no map. */
static __always_inline void set_key(struct key *key, __u32 n)
{
#ifdef PREFIXES
    key->words[0] = 32 * (KEY_WORDS - 1);
    key->words[1] = bpf_htonl(n << 8 | 5); /* of 24 bits, whatever follows */
    for (int i = 2; i < KEY_WORDS; i++)
        key->words[i] = i;
#else
    key->words[0] = n;
    for (int i = 1; i < KEY_WORDS; i++)
        key->words[i] = i;
#endif
}

static __always_inline __u32 next_number(void)
{
    state = state * 1664525 + 1013904223;
    return state >> 10 & (ENTRIES - 1);
}

#define PROGRAM(name, offset, operation)                                                                                             \
    SEC("xdp")                                                                                                                       \
    int name(struct xdp_md *ctx)                                                                                                     \
    {                                                                                                                                \
        struct key key;                                                                                                              \
        __u64 value = 1;                                                                                                             \
                                                                                                                                     \
        for (int i = 0; i < ROUNDS; i++) {                                                                                           \
            set_key(&key, next_number() + (offset));                                                                                 \
            asm volatile("" : : "r"(&key), "r"(&value) : "memory");                                                                  \
            operation;                                                                                                               \
        }                                                                                                                            \
        return XDP_PASS;                                                                                                             \
    }

static __always_inline void look_up(const struct key *key)
{
    __u64 *value = bpf_map_lookup_elem(&entries, key);

    if (value)
        seen += *value;
}

static __always_inline void exchange(const struct key *key, const __u64 *value)
{
    bpf_map_delete_elem(&entries, key);
    bpf_map_update_elem(&entries, key, value, BPF_ANY);
}

/* A prefix is deleted and put back with its own length. */
#ifdef PREFIXES
#define OWN key.words[0] = 24
#else
#define OWN (void)0
#endif

PROGRAM(none, 0, OWN)
PROGRAM(hit, 0, look_up(&key))
PROGRAM(miss, ENTRIES, look_up(&key))
PROGRAM(update, 0, OWN; bpf_map_update_elem(&entries, &key, &value, BPF_ANY))
PROGRAM(replace, 0, OWN; exchange(&key, &value))

char _license[] SEC("license") = "GPL";
