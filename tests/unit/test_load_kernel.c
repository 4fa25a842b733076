/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compiler/ebpf/ebpf.h"
#include "compiler/load/load.h"
#include "tests/common/skip.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Map definitions before the raw mode and before Linux: a grid of sizes, entries and flags for each
 * type. Needs bpf(); skipped where the kernel refuses it. */

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const uint32_t keys[] = {0, 1, 4, 5, 8, 260, 261, 512, 513};
static const uint32_t values[] = {0, 1, 4, 6, 8, 12, 16, 1016, 1024, 32768, 32769};
static const uint32_t entries[] = {0, 1, 3, 100, 4096, 12288};
/* No flags that ask for more than a definition: inner maps, BTF, tokens, descriptors. */
static const uint32_t flags[] = {0,
                                 BPF_F_NO_PREALLOC,
                                 BPF_F_NO_COMMON_LRU,
                                 BPF_F_NUMA_NODE,
                                 BPF_F_RDONLY,
                                 BPF_F_RDONLY_PROG,
                                 BPF_F_MMAPABLE,
                                 BPF_F_PRESERVE_ELEMS,
                                 BPF_F_INNER_MAP,
                                 BPF_F_ZERO_SEED | BPF_F_NO_PREALLOC,
                                 BPF_F_RDONLY | BPF_F_WRONLY,
                                 BPF_F_NO_PREALLOC | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG,
                                 BPF_F_NUMA_NODE | BPF_F_NO_COMMON_LRU,
                                 BPF_F_NUMA_NODE | BPF_F_NO_PREALLOC | BPF_F_WRONLY_PROG,
                                 BPF_F_STACK_BUILD_ID,
                                 UINT32_C(1) << 31,
                                 UINT32_MAX};

static bool is_lru(uint32_t type)
{
    return type == SPEC_MAP_LRU_HASH || type == SPEC_MAP_LRU_PERCPU_HASH;
}

/* What decides beside the definition: types of values, other maps. Sluice has none of these maps
 * but those of maps, which the raw mode can't define. */
static bool needs_more(uint32_t type)
{
    switch (type) {
    case SPEC_MAP_UNSPEC:
    case SPEC_MAP_ARRAY_OF_MAPS:
    case SPEC_MAP_HASH_OF_MAPS:
    case SPEC_MAP_CGROUP_STORAGE:
    case SPEC_MAP_PERCPU_CGROUP_STORAGE:
    case SPEC_MAP_SK_STORAGE:
    case SPEC_MAP_INODE_STORAGE:
    case SPEC_MAP_TASK_STORAGE:
    case SPEC_MAP_CGRP_STORAGE:
    case SPEC_MAP_STRUCT_OPS:
    case SPEC_MAP_ARENA:
        return true;
    default:
        return false;
    }
}

static bool we_take(const struct load_map *m, const char **why)
{
    static const struct ebpf_insn program[] = {{.opcode = 0xb7, .imm = 2}, {.opcode = 0x95}};
    static char text[512];
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct load_object *object;
    const int err = load_raw(program, sizeof(program), "grid", m, 1, arena, &sink, &object);

    text[0] = 0;
    if (err) {
        assert_non_null(diag_first_error(&sink));
        strncpy(text, diag_first_error(&sink)->message, sizeof(text) - 1);
    }
    *why = text;
    arena_close(arena);
    return !err;
}

/* -EPERM, or 0 and whether Linux takes it. */
static int linux_takes(const struct load_map *m, bool *out)
{
    LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = m->flags);
    const int fd = bpf_map_create((enum bpf_map_type)m->type, NULL, m->key_bytes, m->value_bytes,
                                  m->max_entries, &o);

    *out = fd >= 0 || fd == -ENOMEM; /* memory is the machine's */
    if (fd >= 0)
        close(fd);
    return fd == -EPERM ? -EPERM : 0;
}

/* More CPUs than this kernel can have. */
static bool is_of_machine(const struct load_map *m)
{
    return m->type == SPEC_MAP_CPUMAP && m->max_entries > 1 && m->max_entries <= 8192;
}

static void compare(const struct load_map *m, uint32_t *taken)
{
    const char *why;
    const bool ours = we_take(m, &why);
    bool theirs;

    if (linux_takes(m, &theirs))
        skip_because("no bpf() here");
    *taken += theirs;
    if (ours != theirs && !is_of_machine(m))
        fail_msg("%s key %u value %u entries %u flags 0x%x: we say %s, Linux %s",
                 spec_map_type_table[m->type].name, m->key_bytes, m->value_bytes, m->max_entries,
                 m->flags, ours ? "yes" : why, theirs ? "yes" : "no");
}

/* All sizes without flags, and with each flag those that some type wants. */
static void compare_type(uint32_t type, uint32_t *taken)
{
    struct load_map m = {.name = "m", .section = "maps", .kind = LOAD_MAP_BTF, .type = type};

    for (size_t k = 0; k < COUNT(keys); k++)
        for (size_t v = 0; v < COUNT(values); v++)
            for (size_t e = 0; e < COUNT(entries); e++)
                for (size_t f = 0; f < COUNT(flags); f++) {
                    const bool usual =
                        keys[k] <= 8 && values[v] <= 8 && (entries[e] == 4096 || entries[e] == 1);

                    m.key_bytes = keys[k];
                    m.value_bytes = values[v];
                    m.max_entries = entries[e];
                    m.flags = flags[f];
                    if (!usual && f > 1)
                        continue;
                    if (is_lru(type) && m.max_entries > 4096) /* slow to make */
                        continue;
                    if (m.max_entries > 100 && m.value_bytes > 1024) /* no memory for it */
                        continue;
                    compare(&m, taken);
                }
}

static void test_load_raw_map_definitions_are_taken_as_by_linux(void **state)
{
    const struct load_map plain = {.name = "m",
                                   .section = "maps",
                                   .type = SPEC_MAP_ARRAY,
                                   .key_bytes = 4,
                                   .value_bytes = 4,
                                   .max_entries = 1};
    uint32_t types = 0, taken = 0;

    (void)state;
    compare(&plain, &taken); /* skips without bpf() */
    for (uint32_t type = 1; type < SPEC_MAP_COUNT; type++) {
        taken = 0;
        if (needs_more(type) || libbpf_probe_bpf_map_type((enum bpf_map_type)type, NULL) != 1)
            continue;
        compare_type(type, &taken);
        assert_true(taken > 0);
        types++;
    }
    print_message("%u types\n", types);
    assert_true(types >= 10);
}

/* The ends of what a size or a number may be. */
static void test_load_raw_map_limits_are_linuxs(void **state)
{
    static const struct load_map limits[] = {
        {.type = SPEC_MAP_HASH, .key_bytes = 4, .value_bytes = 4 << 20, .max_entries = 1},
        {.type = SPEC_MAP_HASH,
         .key_bytes = 1004,
         .value_bytes = (4 << 20) - 48 - 1004,
         .max_entries = 1},
        {.type = SPEC_MAP_HASH, .key_bytes = 4, .value_bytes = UINT32_MAX, .max_entries = 1},
        {.type = SPEC_MAP_HASH, .key_bytes = UINT32_MAX, .value_bytes = 8, .max_entries = 1},
        {.type = SPEC_MAP_HASH, .key_bytes = 4, .value_bytes = 8, .max_entries = UINT32_MAX},
        {.type = SPEC_MAP_HASH, .key_bytes = 4, .value_bytes = 8, .max_entries = (1u << 31) + 1},
        {.type = SPEC_MAP_ARRAY, .key_bytes = 4, .value_bytes = 1u << 31, .max_entries = 1},
        {.type = SPEC_MAP_ARRAY, .key_bytes = 4, .value_bytes = UINT32_MAX, .max_entries = 1},
        {.type = SPEC_MAP_PERCPU_ARRAY, .key_bytes = 4, .value_bytes = 1u << 20, .max_entries = 1},
        {.type = SPEC_MAP_LPM_TRIE,
         .key_bytes = 8,
         .value_bytes = 4 << 20,
         .max_entries = 1,
         .flags = BPF_F_NO_PREALLOC},
        {.type = SPEC_MAP_QUEUE, .value_bytes = UINT32_MAX, .max_entries = 1},
        {.type = SPEC_MAP_BLOOM_FILTER, .value_bytes = (4 << 20) + 1, .max_entries = 1},
        {.type = SPEC_MAP_RINGBUF, .max_entries = 100},
        {.type = SPEC_MAP_RINGBUF, .max_entries = 2048},
        {.type = SPEC_MAP_RINGBUF, .max_entries = 4096 * 3},
        {.type = SPEC_MAP_CPUMAP, .key_bytes = 4, .value_bytes = 4, .max_entries = UINT32_MAX},
        {.type = SPEC_MAP_DEVMAP_HASH, .key_bytes = 4, .value_bytes = 4, .max_entries = UINT32_MAX},
        {.type = SPEC_MAP_PERF_EVENT_ARRAY, .key_bytes = 4, .value_bytes = 4},
    };
    uint32_t taken = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(limits); i++) {
        struct load_map m = limits[i];

        m.name = "m";
        m.section = "maps";
        compare(&m, &taken);
    }
    assert_int_equal(taken, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_raw_map_definitions_are_taken_as_by_linux),
        cmocka_unit_test(test_load_raw_map_limits_are_linuxs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
