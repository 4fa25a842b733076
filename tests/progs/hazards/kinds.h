/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Programs whose packets collide in maps, a function for each kind of hazard. A packet is, behind
 * its Ethernet header: kind, operation, two unused bytes, key, operand, and 8 bytes that get the
 * result, so that whatever a packet saw in a map leaves with it.
 *
 *   clang -DKIND=array_rmw one.c            one kind
 *   clang -DFIRST several.c                 several, chosen by the packet's kind
 *   clang -DKEYLESS ...                     those of maps without keys
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "request.h"

enum { ENTRIES = 256, WIDE_WORDS = 5, SMALL_ENTRIES = 8 };

/* What a kind's function gets: copies of the packet's fields. */
struct job {
    __u32 op;
    __u32 key;
    __u64 operand;
};

#define MAP(name, map_type, entries, value_type)                                                   \
    struct {                                                                                       \
        __uint(type, map_type);                                                                    \
        __uint(max_entries, entries);                                                              \
        __type(key, __u32);                                                                        \
        __type(value, value_type);                                                                 \
    } name SEC(".maps")

#define ERROR_OF(r) ((__u64)(__s64)(r))
enum { NOT_THERE = 0x4e4f4e45 };

struct wide {
    __u64 word[WIDE_WORDS];
};

#ifndef KEYLESS /* a core holds 32 maps */

/* Reads, changes and writes back a value of an array, without an atomic operation. */
MAP(array_rmw_map, BPF_MAP_TYPE_ARRAY, ENTRIES, __u64);
static __always_inline __u64 array_rmw(const struct job *j)
{
    __u32 key = j->key % ENTRIES;
    __u64 *value = bpf_map_lookup_elem(&array_rmw_map, &key);

    if (!value)
        return 0;
    *value = *value * 3 + j->operand;
    return *value;
}

/* The same with a hash; what is not there is not inserted. */
MAP(hash_rmw_map, BPF_MAP_TYPE_HASH, ENTRIES, __u64);
static __always_inline __u64 hash_rmw(const struct job *j)
{
    __u64 *value = bpf_map_lookup_elem(&hash_rmw_map, &j->key);

    if (!value)
        return NOT_THERE;
    *value = *value * 5 + j->operand;
    return *value;
}

/* A value is read through a pointer and written by an update. */
MAP(lookup_update_map, BPF_MAP_TYPE_HASH, ENTRIES, __u64);
static __always_inline __u64 lookup_update(const struct job *j)
{
    __u64 *value = bpf_map_lookup_elem(&lookup_update_map, &j->key);
    __u64 next = value ? *value * 7 + j->operand : j->operand;

    return bpf_map_update_elem(&lookup_update_map, &j->key, &next, BPF_ANY) ? NOT_THERE : next;
}

/* An entry is deleted if it is there, else inserted. */
MAP(lookup_delete_map, BPF_MAP_TYPE_HASH, ENTRIES, __u64);
static __always_inline __u64 lookup_delete(const struct job *j)
{
    __u64 *value = bpf_map_lookup_elem(&lookup_delete_map, &j->key);
    __u64 old;

    if (!value)
        return bpf_map_update_elem(&lookup_delete_map, &j->key, &j->operand, BPF_ANY) ? 1
                                                                                      : NOT_THERE;
    old = *value;
    return old + ERROR_OF(bpf_map_delete_elem(&lookup_delete_map, &j->key));
}

/* The first inserts, the others see its value; one in four deletes. */
MAP(insert_if_missing_map, BPF_MAP_TYPE_HASH, ENTRIES, __u64);
static __always_inline __u64 insert_if_missing(const struct job *j)
{
    __u64 *value;
    long err;

    if (j->op % 4 == 3)
        return ERROR_OF(bpf_map_delete_elem(&insert_if_missing_map, &j->key));
    err = bpf_map_update_elem(&insert_if_missing_map, &j->key, &j->operand, BPF_NOEXIST);
    value = bpf_map_lookup_elem(&insert_if_missing_map, &j->key);
    return value ? *value * 2 + (err != 0) : NOT_THERE;
}

/* Deletes, then inserts anew, or not. */
MAP(delete_insert_map, BPF_MAP_TYPE_HASH, ENTRIES, __u64);
static __always_inline __u64 delete_insert(const struct job *j)
{
    __u64 result = ERROR_OF(bpf_map_delete_elem(&delete_insert_map, &j->key));

    if (j->op % 3)
        result += ERROR_OF(
            bpf_map_update_elem(&delete_insert_map, &j->key, &j->operand, BPF_NOEXIST) + 100);
    return result;
}

/* Two maps in both orders: one's value goes into the other. */
MAP(two_maps_a, BPF_MAP_TYPE_ARRAY, ENTRIES, __u64);
MAP(two_maps_b, BPF_MAP_TYPE_HASH, ENTRIES, __u64);
static __always_inline __u64 two_maps(const struct job *j)
{
    __u32 key = j->key % ENTRIES;
    __u64 *a, *b;
    __u64 next;

    if (j->op % 2) {
        a = bpf_map_lookup_elem(&two_maps_a, &key);
        b = bpf_map_lookup_elem(&two_maps_b, &key);
        if (!a || !b)
            return NOT_THERE;
        next = *a * 3 + j->operand;
        *b = next;
        asm volatile("# b is written" ::: "memory"); /* so that clang keeps both stores */
        return next;
    }
    b = bpf_map_lookup_elem(&two_maps_b, &key);
    a = bpf_map_lookup_elem(&two_maps_a, &key);
    if (!a || !b)
        return NOT_THERE;
    next = *b * 5 + j->operand;
    *a = next;
    asm volatile("# a is written" ::: "memory");
    return next;
}

/* Atomics with fetch at two places of the program, a plain read between them. */
MAP(atomic_fetch_map, BPF_MAP_TYPE_ARRAY, ENTRIES, __u64);
static __always_inline __u64 atomic_fetch(const struct job *j)
{
    __u32 key = j->key % ENTRIES;
    __u64 *value = bpf_map_lookup_elem(&atomic_fetch_map, &key);
    __u64 first, second;

    if (!value)
        return 0;
    first = __sync_fetch_and_add(value, j->operand);
    second = *(volatile __u64 *)value;
    first = first * 31 + second;
    return first * 31 + __sync_fetch_and_xor(value, first);
}

/* Atomics without fetch, which every other packet reads and puts back to 0. */
MAP(atomic_plain_map, BPF_MAP_TYPE_ARRAY, ENTRIES, __u64);
static __always_inline __u64 atomic_plain(const struct job *j)
{
    __u32 key = j->key % ENTRIES;
    __u64 *value = bpf_map_lookup_elem(&atomic_plain_map, &key);
    __u64 seen;

    if (!value)
        return 0;
    if (j->op % 2) {
        __sync_fetch_and_add(value, j->operand);
        return 1;
    }
    seen = *(volatile __u64 *)value;
    *(volatile __u64 *)value = 0;
    return seen;
}

/* Exchange, and compare and exchange with what the packet brings. */
MAP(exchange_map, BPF_MAP_TYPE_HASH, ENTRIES, __u64);
static __always_inline __u64 exchange(const struct job *j)
{
    __u64 *value = bpf_map_lookup_elem(&exchange_map, &j->key);
    __u64 seen;

    if (!value)
        return NOT_THERE;
    if (j->op % 2)
        return __sync_lock_test_and_set(value, j->operand % 4);
    seen = __sync_val_compare_and_swap(value, j->operand % 4, j->operand);
    return seen * 3 + *(volatile __u64 *)value;
}

/* Per-CPU values, of an array and of a hash; an entry that is gone is gone for all CPUs. */
MAP(percpu_array, BPF_MAP_TYPE_PERCPU_ARRAY, 64, __u64);
MAP(percpu_hash, BPF_MAP_TYPE_PERCPU_HASH, 64, __u64);
static __always_inline __u64 percpu(const struct job *j)
{
    __u32 key = j->key % 64;
    __u64 *a = bpf_map_lookup_elem(&percpu_array, &key);
    __u64 *h;

    if (!a)
        return 0;
    *a = *a * 3 + j->operand;
    h = bpf_map_lookup_elem(&percpu_hash, &key);
    if (!h)
        return ERROR_OF(bpf_map_update_elem(&percpu_hash, &key, a, BPF_NOEXIST));
    if (j->op % 8 == 0)
        return *h + ERROR_OF(bpf_map_delete_elem(&percpu_hash, &key));
    *h = *h * 5 + *a;
    return *h;
}

/* One branch reads what another writes. */
MAP(read_or_write_map, BPF_MAP_TYPE_ARRAY, ENTRIES, __u64);
static __always_inline __u64 read_or_write(const struct job *j)
{
    __u32 key = j->key % ENTRIES;
    __u64 *value = bpf_map_lookup_elem(&read_or_write_map, &key);

    if (!value)
        return 0;
    if (j->op % 2)
        return *value;
    *value = j->operand * (j->operand + 3);
    return 1;
}

/* Deletes, updates of what is there, of what is not, and look-ups, a packet each. */
MAP(deleted_map, BPF_MAP_TYPE_HASH, ENTRIES, __u64);
static __always_inline __u64 deleted(const struct job *j)
{
    __u64 *value;

    switch (j->op % 4) {
    case 0:
        return ERROR_OF(bpf_map_delete_elem(&deleted_map, &j->key));
    case 1:
        return ERROR_OF(bpf_map_update_elem(&deleted_map, &j->key, &j->operand, BPF_EXIST));
    case 2:
        return ERROR_OF(bpf_map_update_elem(&deleted_map, &j->key, &j->operand, BPF_NOEXIST));
    }
    value = bpf_map_lookup_elem(&deleted_map, &j->key);
    return value ? *value : NOT_THERE;
}

/* The least: a packet deletes, or updates. Both are at one place each, next to each other. */
MAP(delete_or_update_map, BPF_MAP_TYPE_HASH, ENTRIES, __u64);
static __always_inline __u64 delete_or_update(const struct job *j)
{
    if (j->op % 2)
        return ERROR_OF(bpf_map_delete_elem(&delete_or_update_map, &j->key));
    return ERROR_OF(
        bpf_map_update_elem(&delete_or_update_map, &j->key, &j->operand, j->op / 2 % 3));
}

/* A value of 40 bytes, read and written in pieces of all sizes. */
MAP(wide_map, BPF_MAP_TYPE_HASH, 64, struct wide);
static __always_inline __u64 wide(const struct job *j)
{
    __u32 key = j->key % 64;
    volatile struct wide *value = bpf_map_lookup_elem(&wide_map, &key);
    __u64 sum;

    if (!value)
        return NOT_THERE;
    sum = value->word[0] + value->word[4] * 3;
    value->word[0] = sum + j->operand;
    *(volatile __u32 *)&value->word[1] = (__u32)sum;
    *((volatile __u16 *)&value->word[1] + 2) = (__u16)j->operand;
    *((volatile __u8 *)&value->word[1] + 7) = (__u8)j->op;
    value->word[3] = value->word[1] ^ sum;
    value->word[4] = value->word[3] + value->word[2];
    value->word[2] = j->operand;
    return sum;
}

/* A pointer into one map is kept across operations on another. */
MAP(kept_map, BPF_MAP_TYPE_HASH, ENTRIES, __u64);
MAP(kept_other, BPF_MAP_TYPE_HASH, 16, __u64);
static __always_inline __u64 kept(const struct job *j)
{
    __u64 *value = bpf_map_lookup_elem(&kept_map, &j->key);
    __u32 other = j->operand % 24;
    __u64 seen;
    long err;

    if (!value)
        return NOT_THERE;
    seen = *(volatile __u64 *)value;
    if (j->op % 3)
        err = bpf_map_update_elem(&kept_other, &other, &seen, BPF_ANY);
    else
        err = bpf_map_delete_elem(&kept_other, &other);
    *value = seen * 3 + ERROR_OF(err) + j->operand;
    return *value;
}

/* A pointer is used after its entry was replaced: the old value is nobody's then. */
MAP(replaced_map, BPF_MAP_TYPE_HASH, ENTRIES, __u64);
static __always_inline __u64 replaced(const struct job *j)
{
    __u64 *value = bpf_map_lookup_elem(&replaced_map, &j->key);
    __u64 next;

    if (!value)
        return NOT_THERE;
    next = *value + j->operand;
    if (bpf_map_update_elem(&replaced_map, &j->key, &next, BPF_EXIST))
        return 1;
    *(volatile __u64 *)value += j->operand * 16;
    return *(volatile __u64 *)value;
}

/* Global variables: one entry for all packets. */
__u64 bss_sum;
__u32 bss_last_key;
__u64 bss_count[4];
static __always_inline __u64 bss(const struct job *j)
{
    __u64 result = bss_sum + bss_last_key;

    bss_sum = bss_sum * 3 + j->operand;
    bss_last_key = j->key;
    bss_count[j->op % 4] += bss_sum;
    return result + bss_count[j->key % 4];
}

/* A map that is full most of the time. */
MAP(full_map, BPF_MAP_TYPE_HASH, SMALL_ENTRIES, __u64);
static __always_inline __u64 full(const struct job *j)
{
    __u32 key = j->key % 32;
    __u64 *value;

    if (j->op % 4 == 0)
        return ERROR_OF(bpf_map_delete_elem(&full_map, &key));
    value = bpf_map_lookup_elem(&full_map, &key);
    if (value) {
        *value = *value * 3 + j->operand;
        return *value;
    }
    return ERROR_OF(bpf_map_update_elem(&full_map, &key, &j->operand, BPF_ANY));
}

/* An LRU map that is full: what a packet looks up and inserts decides what later ones still find.
 */
MAP(lru_map, BPF_MAP_TYPE_LRU_HASH, SMALL_ENTRIES, __u64);
static __always_inline __u64 lru(const struct job *j)
{
    __u32 key = j->key % 16;
    __u32 other = j->operand % 16;
    __u64 *value = bpf_map_lookup_elem(&lru_map, &key);
    __u64 result = NOT_THERE;

    if (value) {
        *value = *value * 3 + j->operand;
        result = *value;
    } else {
        bpf_map_update_elem(&lru_map, &key, &j->operand, BPF_ANY);
    }
    if (j->op % 8 == 0)
        return result + ERROR_OF(bpf_map_delete_elem(&lru_map, &other));
    value = bpf_map_lookup_elem(&lru_map, &other);
    return value ? result + *value : result;
}

/* Keys that fill no words, beside garbage on the stack: 6 bytes, and 13 of which most are the same.
 */
struct key6 {
    __u8 bytes[6];
};
struct key13 {
    __u8 bytes[13];
};
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, ENTRIES);
    __type(key, struct key6);
    __type(value, __u64);
} odd_key6 SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, ENTRIES);
    __type(key, struct key13);
    __type(value, struct key13);
} odd_key13 SEC(".maps");
static __always_inline __u64 odd_keys(const struct job *j)
{
    struct {
        struct key6 key;
        __u16 garbage;
    } six = {.garbage = (__u16)j->operand};
    struct {
        struct key13 key;
        __u8 garbage[3];
    } thirteen = {.garbage = {(__u8)j->op, (__u8)j->operand}};
    struct key13 value = {.bytes = {[12] = (__u8)j->operand}};
    struct key13 *old;
    __u64 *count, one = j->operand;
    __u64 result;

    six.key.bytes[5] = (__u8)j->key;
    six.key.bytes[4] = (__u8)(j->key >> 8);
    asm volatile("" : : "r"(&six) : "memory");
    count = bpf_map_lookup_elem(&odd_key6, &six.key);
    if (count) {
        *count = *count * 3 + j->operand;
        result = *count;
    } else {
        result = ERROR_OF(bpf_map_update_elem(&odd_key6, &six.key, &one, BPF_ANY));
    }
    thirteen.key.bytes[12] = (__u8)j->key;
    asm volatile("" : : "r"(&thirteen) : "memory");
    old = bpf_map_lookup_elem(&odd_key13, &thirteen.key);
    if (old) {
        value.bytes[0] = old->bytes[12];
        value.bytes[12] += old->bytes[0];
    }
    result = result * 5 + value.bytes[0] + value.bytes[12];
    return result + ERROR_OF(bpf_map_update_elem(&odd_key13, &thirteen.key, &value, BPF_ANY));
}

/* Two entries of one map in one packet: the packet's own and its neighbour. */
MAP(neighbours_map, BPF_MAP_TYPE_ARRAY, ENTRIES, __u64);
static __always_inline __u64 neighbours(const struct job *j)
{
    __u32 key = j->key % ENTRIES;
    __u32 next = (j->key + 1) % ENTRIES;
    __u64 *a = bpf_map_lookup_elem(&neighbours_map, &key);
    __u64 *b = bpf_map_lookup_elem(&neighbours_map, &next);

    if (!a || !b)
        return 0;
    *b = *a * 3 + j->operand;
    return *b;
}

/* Values under a lock: several words that change together, and updates in place. */
struct guarded {
    __u64 sum;
    struct bpf_spin_lock lock;
    __u32 count;
    __u64 last;
};
MAP(locked_map, BPF_MAP_TYPE_HASH, ENTRIES, struct guarded);
MAP(locked_array, BPF_MAP_TYPE_ARRAY, ENTRIES, struct guarded);
static __always_inline __u64 locked(const struct job *j)
{
    __u32 key = j->key % ENTRIES;
    struct guarded *a = bpf_map_lookup_elem(&locked_array, &key);
    struct guarded *v = bpf_map_lookup_elem(&locked_map, &j->key);
    struct guarded fresh = {.sum = j->operand, .count = 1};
    __u64 result = 0;

    if (!a)
        return 0;
    bpf_spin_lock(&a->lock);
    a->sum = a->sum * 3 + j->operand;
    a->count++;
    a->last ^= a->sum;
    result = a->last + a->count;
    bpf_spin_unlock(&a->lock);
    if (j->op % 4 == 0 || !v) {
        result += ERROR_OF(
            bpf_map_update_elem(&locked_map, &j->key, &fresh, j->op & 8 ? BPF_F_LOCK : BPF_ANY));
        if (!v)
            return result;
    }
    bpf_spin_lock(&v->lock); /* what was looked up, replaced or changed in place */
    v->sum = v->sum * 5 + j->operand;
    v->count++;
    result = result * 7 + v->sum + v->count;
    bpf_spin_unlock(&v->lock);
    return result;
}

/* Prefixes of all lengths: what a key finds, entries of other keys decide; few entries, so that it
 * is full now and then. */
struct prefix {
    __u32 bits;
    __u8 byte[4];
};
struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(max_entries, 24);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct prefix);
    __type(value, __u64);
} prefixes_map SEC(".maps");
static __always_inline __u64 prefixes(const struct job *j)
{
    struct prefix key = {.bits = 32, .byte = {(__u8)(j->key >> 2), (__u8)(j->key << 6), 0, 1}};
    __u64 *value = bpf_map_lookup_elem(&prefixes_map, &key);
    __u64 one = j->operand, result = NOT_THERE;

    if (value) {
        *value = *value * 3 + j->operand;
        result = *value;
    }
    key.bits = j->op % 4 * 4 + (j->operand >> 32) % 3;
    if (j->op & 4)
        return result * 7 + ERROR_OF(bpf_map_delete_elem(&prefixes_map, &key));
    return result * 7 + ERROR_OF(bpf_map_update_elem(&prefixes_map, &key, &one, BPF_ANY));
}

/* The same prefix looked up and inserted, others in between that lie around it. */
struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(max_entries, ENTRIES);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct prefix);
    __type(value, __u64);
} one_prefix_map SEC(".maps");
static __always_inline __u64 one_prefix(const struct job *j)
{
    struct prefix key = {.bits = 2 + j->op % 9, .byte = {(__u8)(j->key << 2), 0, 0, 1}};
    __u64 *value = bpf_map_lookup_elem(&one_prefix_map, &key);
    __u64 next = value ? *value * 3 + j->operand : j->operand;

    return next * 7 + ERROR_OF(bpf_map_update_elem(&one_prefix_map, &key, &next, BPF_ANY));
}

/* Other kinds' maps, by a map of maps. Every fourth key's is used by its name, too. */
struct counters {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, ENTRIES);
    __type(key, __u32);
    __type(value, __u64);
};
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 4);
    __type(key, __u32);
    __array(values, struct counters);
} inner_arrays_map SEC(".maps") = {
    .values = {
        [0] = (void *)&array_rmw_map, [1] = (void *)&two_maps_a, [3] = (void *)&neighbours_map}};
static __always_inline __u64 inner_arrays(const struct job *j)
{
    __u32 slot = j->key & 3, key = j->key % ENTRIES;
    void *map = bpf_map_lookup_elem(&inner_arrays_map, &slot);
    __u64 *value = NULL;

    if (slot == 0 && j->op % 2)
        value = bpf_map_lookup_elem(&array_rmw_map, &key);
    else if (map)
        value = bpf_map_lookup_elem(map, &key);
    if (!value)
        return NOT_THERE;
    *value = *value * 7 + j->operand;
    return *value;
}

/* The same with hashes, in which entries come and go. */
struct entries {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, ENTRIES);
    __type(key, __u32);
    __type(value, __u64);
};
struct {
    __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
    __uint(max_entries, 4);
    __type(key, __u32);
    __array(values, struct entries);
} inner_hashes_map SEC(".maps") = {
    .values = {
        [0] = (void *)&lookup_delete_map, [1] = (void *)&kept_map, [2] = (void *)&hash_rmw_map}};
static __always_inline __u64 inner_hashes(const struct job *j)
{
    __u32 slot = j->key & 3;
    void *map = bpf_map_lookup_elem(&inner_hashes_map, &slot);
    __u64 *value = map ? bpf_map_lookup_elem(map, &j->key) : NULL;
    __u64 old;

    if (!map)
        return NOT_THERE;
    if (!value)
        return ERROR_OF(bpf_map_update_elem(map, &j->key, &j->operand, BPF_NOEXIST)) + 1;
    old = *value;
    if (j->op % 4 == 0)
        return old + ERROR_OF(bpf_map_delete_elem(map, &j->key));
    *value = old * 3 + j->operand;
    return *value;
}

#else

/* A queue whose end and beginning all packets share, and a stack, both with room for few. */
struct {
    __uint(type, BPF_MAP_TYPE_QUEUE);
    __uint(max_entries, 6);
    __type(value, __u64);
} queued_map SEC(".maps");
static __always_inline __u64 queued(const struct job *j)
{
    __u64 value = j->operand + j->key;

    if (j->op % 8 < 4)
        return ERROR_OF(bpf_map_push_elem(&queued_map, &value, j->op & 2)) + 1;
    if (j->op % 8 < 7)
        return ERROR_OF(bpf_map_pop_elem(&queued_map, &value)) ^ value;
    return ERROR_OF(bpf_map_peek_elem(&queued_map, &value)) ^ value;
}

struct {
    __uint(type, BPF_MAP_TYPE_STACK);
    __uint(max_entries, 8);
    __uint(value_size, 12);
} stacked_map SEC(".maps");
static __always_inline __u64 stacked(const struct job *j)
{
    __u64 value[2] = {j->operand, j->key};

    if (j->op % 8 < 5)
        return ERROR_OF(bpf_map_push_elem(&stacked_map, value, j->op & 2)) + 1;
    return ERROR_OF(bpf_map_pop_elem(&stacked_map, value)) ^ value[0] ^ value[1];
}

/* A Bloom filter that is asked for what packets before have pushed. */
struct {
    __uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
    __uint(max_entries, 3000);
    __uint(map_extra, 2);
    __type(value, __u32);
} filtered_map SEC(".maps");
static __always_inline __u64 filtered(const struct job *j)
{
    __u32 key = j->key + (__u32)(j->operand & 0x700);
    __u64 there = ERROR_OF(bpf_map_peek_elem(&filtered_map, &key));

    if (j->op % 2)
        bpf_map_push_elem(&filtered_map, &key, BPF_ANY);
    return there;
}

/* A token bucket, refilled by the time that went by: one atomic unit in a pipeline. */
struct bucket {
    __u64 tokens;
    __u64 last_ns;
};
MAP(bucket_map, BPF_MAP_TYPE_ARRAY, ENTRIES, struct bucket);
static __always_inline __u64 bucket(const struct job *j)
{
    const __u64 now = bpf_ktime_get_ns(), price = j->operand % 1024 * 4, most = 20000;
    __u32 key = j->key % ENTRIES;
    struct bucket *bucket = bpf_map_lookup_elem(&bucket_map, &key);
    __u64 tokens;

    if (!bucket)
        return 0;
    tokens = bucket->tokens + (now - bucket->last_ns);
    if (tokens > most)
        tokens = most;
    bucket->last_ns = now;
    if (tokens < price) {
        bucket->tokens = tokens;
        return NOT_THERE;
    }
    bucket->tokens = tokens - price;
    return tokens;
}

/* Largest, smallest, time stamp and a state of a few bits, in a value of 24 bytes. */
struct summary {
    __u64 last_ns;
    __u32 largest;
    __u32 smallest;
    __u16 seen;
    __u8 state;
    __u8 unused[5];
};
MAP(summary_map, BPF_MAP_TYPE_PERCPU_ARRAY, 64, struct summary);
static __always_inline __u64 summary(const struct job *j)
{
    __u32 key = j->key % 64, size = (__u32)j->operand;
    struct summary *s = bpf_map_lookup_elem(&summary_map, &key);
    __u64 before;

    if (!s)
        return 0;
    before = s->last_ns;
    s->last_ns = bpf_ktime_get_ns();
    if (size > s->largest)
        s->largest = size;
    if (s->seen == 0 || size < s->smallest)
        s->smallest = size;
    s->seen++;
    s->state = j->op % 4 == 0 ? 0 : s->state == 3 ? 1 : s->state + 1;
    return before ^ (__u64)s->largest << 32 ^ s->smallest ^ (__u64)s->state << 60;
}

/* A leaky bucket for each key, inserted by its first packet, which alone waits in a pipeline. */
MAP(leaky_map, BPF_MAP_TYPE_HASH, 64, struct bucket);
static __always_inline __u64 leaky(const struct job *j)
{
    const __u64 now = bpf_ktime_get_ns();
    __u32 key = j->key % 96;
    struct bucket *bucket = bpf_map_lookup_elem(&leaky_map, &key);
    __u64 level, gone;

    if (!bucket) {
        struct bucket first = {.tokens = j->op, .last_ns = now};

        return ERROR_OF(bpf_map_update_elem(&leaky_map, &key, &first, BPF_NOEXIST));
    }
    gone = (now - bucket->last_ns) >> 4;
    level = bucket->tokens > gone ? bucket->tokens - gone : 0;
    bucket->last_ns = now;
    bucket->tokens = level + j->op;
    return level;
}

#endif
