/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/load/internal.h"

#include <errno.h>
#include <linux/bpf.h>

/* What Linux asks of a definition when it makes the map (kernel/bpf, map_alloc_check and map_alloc
 * of each type). Types that no XDP program has a use for are checked too: an object that Linux
 * refuses is refused. What depends on the machine (memory, the number of CPUs) is not asked. */

enum {
    ACCESS_HOST = BPF_F_RDONLY | BPF_F_WRONLY,
    ACCESS_PROG = BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG,
    ACCESS = ACCESS_HOST | ACCESS_PROG,
    NODE = BPF_F_NUMA_NODE,
    HASH_FLAGS = BPF_F_ZERO_SEED | ACCESS,
    KEY_MAX = 512,                   /* MAX_BPF_STACK, where it matters */
    BLOCK_MAX = 4 << 20,             /* KMALLOC_MAX_SIZE */
    HASH_ENTRY_MAX = BLOCK_MAX - 49, /* key and value: less than a block with its head */
    LPM_VALUE_MAX = BLOCK_MAX - 280, /* beside the longest key and a node's head */
    PERCPU_MAX = 32768,              /* PCPU_MIN_UNIT_SIZE */
    CPUS_MAX = 8192,                 /* NR_CPUS of the largest x86-64 kernels */
    STACK_VALUE_MAX = 127 * 32,      /* PERF_MAX_STACK_DEPTH addresses, or build identifiers */
};

struct rule {
    uint32_t key_min, key_max;
    uint32_t value_min, value_max, value_unit;
    uint32_t entries_min, entries_max;
    uint32_t flags; /* that the type may have */
};

#define ANY UINT32_MAX
#define OPEN                                                                                       \
    {                                                                                              \
        0, ANY, 0, ANY, 1, 0, ANY, ANY                                                             \
    }
#define HASH_ENTRIES 1, UINT32_C(1) << 31
#define HASH_LIKE(value_max, flags)                                                                \
    {                                                                                              \
        1, HASH_ENTRY_MAX, 1, value_max, 1, HASH_ENTRIES, HASH_FLAGS | (flags)                     \
    }
#define ARRAY_LIKE(value_max, flags)                                                               \
    {                                                                                              \
        4, 4, 1, value_max, 1, 1, ANY, ACCESS | (flags)                                            \
    }
#define WORDS(value_max, entries_max, flags)                                                       \
    {                                                                                              \
        4, 4, 4, value_max, 4, 1, entries_max, flags                                               \
    }
#define QUEUE_LIKE(value_max, flags)                                                               \
    {                                                                                              \
        0, 0, 1, value_max, 1, 1, ANY, NODE | ACCESS | (flags)                                     \
    }
static const struct rule rules[SPEC_MAP_COUNT] = {
    [SPEC_MAP_UNSPEC] = OPEN,
    [SPEC_MAP_HASH] = HASH_LIKE(HASH_ENTRY_MAX, NODE | BPF_F_NO_PREALLOC),
    [SPEC_MAP_ARRAY] = ARRAY_LIKE(INT32_MAX, NODE | BPF_F_MMAPABLE | BPF_F_INNER_MAP),
    [SPEC_MAP_PROG_ARRAY] = WORDS(4, ANY, NODE | ACCESS_HOST),
    [SPEC_MAP_PERF_EVENT_ARRAY] = WORDS(4, ANY, NODE | ACCESS_HOST | BPF_F_PRESERVE_ELEMS),
    [SPEC_MAP_PERCPU_HASH] = HASH_LIKE(PERCPU_MAX, BPF_F_NO_PREALLOC),
    [SPEC_MAP_PERCPU_ARRAY] = ARRAY_LIKE(PERCPU_MAX, 0),
    [SPEC_MAP_STACK_TRACE] = {4, 4, 8, STACK_VALUE_MAX, 8, 1, ANY,
                              NODE | ACCESS_HOST | BPF_F_STACK_BUILD_ID},
    [SPEC_MAP_CGROUP_ARRAY] = WORDS(4, ANY, NODE | ACCESS_HOST),
    [SPEC_MAP_LRU_HASH] = HASH_LIKE(HASH_ENTRY_MAX, NODE | BPF_F_NO_COMMON_LRU),
    [SPEC_MAP_LRU_PERCPU_HASH] = HASH_LIKE(PERCPU_MAX, BPF_F_NO_COMMON_LRU),
    /* a prefix length and 1 to 256 bytes */
    [SPEC_MAP_LPM_TRIE] = {5, 260, 1, LPM_VALUE_MAX, 1, 1, ANY, NODE | ACCESS | BPF_F_NO_PREALLOC},
    [SPEC_MAP_ARRAY_OF_MAPS] = WORDS(4, ANY, NODE | ACCESS_HOST),
    [SPEC_MAP_HASH_OF_MAPS] = {1, HASH_ENTRY_MAX, 4, 4, 4, HASH_ENTRIES,
                               NODE | ACCESS_HOST | BPF_F_NO_PREALLOC | BPF_F_ZERO_SEED},
    [SPEC_MAP_DEVMAP] = WORDS(8, ANY, NODE | ACCESS_HOST),
    [SPEC_MAP_SOCKMAP] = WORDS(8, ANY, NODE | ACCESS_HOST),
    [SPEC_MAP_CPUMAP] = WORDS(8, CPUS_MAX, NODE),
    [SPEC_MAP_XSKMAP] = WORDS(4, ANY, NODE | ACCESS_HOST),
    [SPEC_MAP_SOCKHASH] = {1, KEY_MAX, 4, 8, 4, HASH_ENTRIES, NODE | ACCESS_HOST},
    [SPEC_MAP_CGROUP_STORAGE] = OPEN,
    [SPEC_MAP_REUSEPORT_SOCKARRAY] = WORDS(8, ANY, NODE | ACCESS),
    [SPEC_MAP_PERCPU_CGROUP_STORAGE] = OPEN,
    [SPEC_MAP_QUEUE] = QUEUE_LIKE(BLOCK_MAX, 0),
    [SPEC_MAP_STACK] = QUEUE_LIKE(BLOCK_MAX, 0),
    [SPEC_MAP_SK_STORAGE] = OPEN,
    [SPEC_MAP_DEVMAP_HASH] = {4, 4, 4, 8, 4, HASH_ENTRIES, NODE | ACCESS_HOST},
    [SPEC_MAP_STRUCT_OPS] = OPEN,
    [SPEC_MAP_RINGBUF] = {0, 0, 0, 0, 1, 1, ANY, NODE},
    [SPEC_MAP_INODE_STORAGE] = OPEN,
    [SPEC_MAP_TASK_STORAGE] = OPEN,
    [SPEC_MAP_BLOOM_FILTER] = QUEUE_LIKE(BLOCK_MAX, BPF_F_ZERO_SEED),
    [SPEC_MAP_USER_RINGBUF] = {0, 0, 0, 0, 1, 1, ANY, NODE},
    [SPEC_MAP_CGRP_STORAGE] = OPEN,
    [SPEC_MAP_ARENA] = OPEN,
};

static int size_error(struct load_ctx *c, const struct load_map *m, const char *what,
                      uint32_t value, uint32_t min, uint32_t max)
{
    const char *type = spec_map_type_table[m->type].name;

    if (max == ANY && value < min)
        return load_fail(c, -EINVAL, LOAD_E_MAP_SIZE, m->section,
                         "map %s (%s): %s is %u, at least %u is needed", m->name, type, what, value,
                         min);
    return load_fail(c, -EINVAL, LOAD_E_MAP_SIZE, m->section,
                     "map %s (%s): %s is %u, must be %u%s%u", m->name, type, what, value, min,
                     min == max ? ", not " : " to ", min == max ? value : max);
}

/* Flags that the type has, but not all together. */
static const char *flags_clash(const struct load_map *m)
{
    if ((m->flags & ACCESS_HOST) == ACCESS_HOST || (m->flags & ACCESS_PROG) == ACCESS_PROG)
        return "it is both read-only and write-only";
    if (m->type == SPEC_MAP_LPM_TRIE && !(m->flags & BPF_F_NO_PREALLOC))
        return "an lpm_trie needs BPF_F_NO_PREALLOC";
    if (m->type == SPEC_MAP_LRU_HASH && m->flags & NODE && m->flags & BPF_F_NO_COMMON_LRU)
        return "BPF_F_NUMA_NODE and BPF_F_NO_COMMON_LRU exclude each other";
    if (m->type == SPEC_MAP_STACK_TRACE &&
        (m->flags & BPF_F_STACK_BUILD_ID ? m->value_bytes % 32 : m->value_bytes > 127 * 8))
        return "a stack's values have 127 addresses of 8 bytes or identifiers of 32 at most";
    return NULL;
}

static int check_flags(struct load_ctx *c, const struct load_map *m)
{
    const uint32_t others = m->flags & ~rules[m->type].flags;
    const char *type = spec_map_type_table[m->type].name;
    const char *clash = rules[m->type].flags == ANY ? NULL : flags_clash(m);

    if (others)
        return load_fail(c, -EINVAL, LOAD_E_MAP_SIZE, m->section,
                         "map %s (%s): its flags are 0x%x; Linux knows no 0x%x for this type",
                         m->name, type, m->flags, others);
    if (clash)
        return load_fail(c, -EINVAL, LOAD_E_MAP_SIZE, m->section,
                         "map %s (%s): its flags are 0x%x: %s", m->name, type, m->flags, clash);
    return 0;
}

static int check_entries(struct load_ctx *c, const struct load_map *m)
{
    const struct rule *r = &rules[m->type];
    const char *type = spec_map_type_table[m->type].name;
    const bool ring = m->type == SPEC_MAP_RINGBUF || m->type == SPEC_MAP_USER_RINGBUF;

    if (m->max_entries == 0 && r->entries_min)
        return load_fail(c, -EINVAL, LOAD_E_MAP_SIZE, m->section,
                         "map %s (%s): max_entries is 0: the object leaves the map's size to the "
                         "program that loads it; give one (--map-entries %s=N)",
                         m->name, type, m->name);
    if (m->max_entries < r->entries_min || m->max_entries > r->entries_max)
        return size_error(c, m, "max_entries", m->max_entries, r->entries_min, r->entries_max);
    if (ring && (m->max_entries & (m->max_entries - 1) || m->max_entries % LOAD_PAGE_BYTES))
        return load_fail(c, -EINVAL, LOAD_E_MAP_SIZE, m->section,
                         "map %s (%s): max_entries is %u: a ring's bytes, a power of two and at "
                         "least a page (%d)",
                         m->name, type, m->max_entries, LOAD_PAGE_BYTES);
    return 0;
}

bool load_map_needs_entries(const struct load_map *m)
{
    return m->type < SPEC_MAP_COUNT && rules[m->type].entries_min;
}

int load_map_check(struct load_ctx *c, const struct load_map *m)
{
    const struct rule *r;
    int err;

    if (m->type >= SPEC_MAP_COUNT) /* a type from the future: whoever uses it refuses it */
        return 0;
    r = &rules[m->type];
    if (m->key_bytes < r->key_min || m->key_bytes > r->key_max)
        return size_error(c, m, "the key's size", m->key_bytes, r->key_min, r->key_max);
    if (m->value_bytes < r->value_min || m->value_bytes > r->value_max ||
        m->value_bytes % r->value_unit)
        return size_error(c, m, "the value's size", m->value_bytes, r->value_min, r->value_max);
    if (r->key_max == HASH_ENTRY_MAX && m->key_bytes > HASH_ENTRY_MAX - m->value_bytes)
        return load_fail(c, -EINVAL, LOAD_E_MAP_SIZE, m->section,
                         "map %s (%s): key and value have %u bytes together, at most %d are taken",
                         m->name, spec_map_type_table[m->type].name, m->key_bytes + m->value_bytes,
                         HASH_ENTRY_MAX);
    err = check_entries(c, m);
    return err ? err : check_flags(c, m);
}
