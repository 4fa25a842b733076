/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/ctl/kernel_btf.h"
#include "nic_runtime/map.h"
#include "tests/common/random.h"
#include "tests/common/skip.h"
#include "tests/common/soft_maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The maps against Linux's: random definitions are taken or refused alike, random operations
 * through bpf() give the same results and contents. Needs bpf(); skipped where the kernel refuses
 * it. */

enum {
    OPERATIONS = 100000,
    WALK_EVERY = 10000, /* operations between comparisons of all contents */
    DEFINITIONS = 3000,
    VALUE_MAX = 64,
    KEY_MAX = 32,
    SLOTS_MAX = 256, /* CPUs of the machine */
};

static uint64_t seed;

static uint32_t below(uint32_t n)
{
    return random_below(&seed, n);
}

enum { NO_LOCK = UINT32_MAX };

/* A map of Linux's; at lock its values have a bpf_spin_lock. */
static int create_locked(const struct map_def *def, uint32_t lock)
{
    LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = def->flags);
    struct kernel_map_btf types = {.fd = -1};
    int fd;

    if (lock != NO_LOCK) {
        types = kernel_btf_of_lock(def->key_bytes, def->value_bytes, lock);
        o.btf_fd = (uint32_t)types.fd;
        o.btf_key_type_id = types.key;
        o.btf_value_type_id = types.value;
    }
    fd = bpf_map_create((enum bpf_map_type)def->type, NULL, def->key_bytes, def->value_bytes,
                        def->max_entries, &o);
    if (types.fd >= 0)
        close(types.fd);
    return fd;
}

static int create(const struct map_def *def)
{
    return create_locked(def, NO_LOCK);
}

/* One map twice. */
struct pair {
    struct map_def def;
    int fd;
    struct map *map;
    uint32_t slots; /* the kernel's values an entry */
    uint32_t keys;  /* that operations use: few enough that an LRU map evicts nothing */
    uint8_t theirs[SLOTS_MAX * VALUE_MAX];
    uint8_t ours[SPEC_QUEUES * VALUE_MAX];
};

static void open_pair(struct pair *p, const struct map_def *def, uint32_t lock)
{
    const char *why = NULL;

    p->def = *def;
    p->map = soft_map_make(def, &why);
    if (!p->map)
        fail_msg("%s", why);
    if (lock != NO_LOCK)
        map_set_lock(p->map, lock);
    p->fd = create_locked(def, lock);
    p->keys = spec_map_type_table[def->type].soft == SPEC_SOFT_LRU
                  ? def->max_entries / 10
                  : def->max_entries + def->max_entries / 2 + 2;
    p->slots = map_cpus(p->map) > 1 ? (uint32_t)libbpf_num_possible_cpus() : 1;
    assert_true(p->slots <= SLOTS_MAX);
    if (p->fd == -EPERM) {
        free(p->map);
        skip_because("no bpf() here");
    }
    assert_true(p->fd >= 0);
}

static void close_pair(struct pair *p)
{
    close(p->fd);
    free(p->map);
}

/* Slots that both have. */
static uint32_t common(const struct pair *p)
{
    return p->slots < map_cpus(p->map) ? p->slots : map_cpus(p->map);
}

static void random_key_number(const struct pair *p, uint8_t *key)
{
    const uint32_t n = below(p->keys);

    for (uint32_t i = 0; i < p->def.key_bytes; i++)
        key[i] = (uint8_t)(p->def.key_bytes == 4 ? 0 : n * 7);
    memcpy(key, &n, p->def.key_bytes < 4 ? p->def.key_bytes : 4);
    if (below(50) == 0)
        memset(key, 0xff, p->def.key_bytes);
}

/* A prefix: few bits that differ, so that prefixes lie within each other; lengths now and then too
 * long. */
static void random_prefix(const struct pair *p, uint8_t *key)
{
    const uint32_t bits = 8 * (p->def.key_bytes - 4);
    const uint32_t length = below(60) ? below(bits + 1) : bits + below(3);

    memcpy(key, &length, 4);
    for (uint32_t i = 4; i < p->def.key_bytes; i++)
        key[i] = (uint8_t)((i & 1 ? 0xc0 : 0x05) ^ 1u << below(8));
}

static void random_key(const struct pair *p, uint8_t *key)
{
    if (p->def.type == SPEC_MAP_LPM_TRIE) {
        random_prefix(p, key);
        return;
    }
    random_key_number(p, key);
}

static void random_values(struct pair *p)
{
    const uint32_t stride = map_stride_bytes(p->map);

    memset(p->theirs, 0, sizeof(p->theirs));
    memset(p->ours, 0, sizeof(p->ours));
    for (uint32_t c = 0; c < common(p); c++)
        for (uint32_t i = 0; i < p->def.value_bytes; i++)
            p->theirs[c * stride + i] = p->ours[c * stride + i] = (uint8_t)random_next(&seed);
}

static bool same_values(const struct pair *p)
{
    const uint32_t stride = map_stride_bytes(p->map);

    for (uint32_t c = 0; c < common(p); c++)
        if (memcmp(p->theirs + c * stride, p->ours + c * stride, p->def.value_bytes))
            return false;
    return true;
}

static void one_operation(struct pair *p, uint32_t number)
{
    static const uint64_t flags[] = {0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 1ull << 40};
    uint8_t key[KEY_MAX];
    const uint64_t flag = flags[below(13)];
    const uint32_t what = below(10);
    int ours, theirs;

    random_key(p, key);
    if (what < 5) {
        random_values(p);
        ours = map_host_update(p->map, key, p->ours, flag);
        theirs = bpf_map_update_elem(p->fd, key, p->theirs, flag);
    } else if (what < 8) {
        ours = map_host_lookup(p->map, key, p->ours);
        theirs = bpf_map_lookup_elem(p->fd, key, p->theirs);
        if (!ours && !theirs && !same_values(p))
            fail_msg("operation %u: lookup gives other values", number);
    } else {
        ours = map_host_delete(p->map, key);
        theirs = bpf_map_delete_elem(p->fd, key);
    }
    if (ours != theirs)
        fail_msg("operation %u (%s, flags %llu): %d, Linux %d", number,
                 what < 5   ? "update"
                 : what < 8 ? "lookup"
                            : "delete",
                 (unsigned long long)flag, ours, theirs);
}

/* An lpm_trie is walked in one order, longer prefixes first. */
static void compare_order(const struct pair *p)
{
    uint8_t key[KEY_MAX], theirs[KEY_MAX], ours[KEY_MAX];
    int err = bpf_map_get_next_key(p->fd, NULL, theirs);

    assert_int_equal(map_next_key(p->map, NULL, ours), err);
    while (!err) {
        assert_memory_equal(theirs, ours, p->def.key_bytes);
        memcpy(key, theirs, p->def.key_bytes);
        err = bpf_map_get_next_key(p->fd, key, theirs);
        assert_int_equal(map_next_key(p->map, key, ours), err);
    }
}

/* Both hold the same entries: what Linux walks is here, and there are as many. */
static void compare_contents(struct pair *p)
{
    uint8_t key[KEY_MAX], following[KEY_MAX];
    uint32_t theirs = 0, ours = 0;
    int err = bpf_map_get_next_key(p->fd, NULL, key);

    for (; !err; theirs++) {
        assert_int_equal(bpf_map_lookup_elem(p->fd, key, p->theirs), 0);
        assert_int_equal(map_host_lookup(p->map, key, p->ours), 0);
        assert_true(same_values(p));
        err = bpf_map_get_next_key(p->fd, key, following);
        memcpy(key, following, p->def.key_bytes);
    }
    assert_int_equal(err, -ENOENT);
    if (p->def.type == SPEC_MAP_LPM_TRIE)
        compare_order(p);
    for (err = map_next_key(p->map, NULL, key); !err; ours++) {
        err = map_next_key(p->map, key, following);
        memcpy(key, following, p->def.key_bytes);
    }
    assert_int_equal(err, -ENOENT);
    assert_int_equal(ours, theirs);
}

static void run_locked(struct map_def def, uint32_t lock)
{
    struct pair p = {0};

    seed = def.type * 1000 + def.key_bytes;
    open_pair(&p, &def, lock);
    for (uint32_t i = 1; i <= OPERATIONS; i++) {
        one_operation(&p, i);
        if (i % WALK_EVERY == 0)
            compare_contents(&p);
    }
    close_pair(&p);
}

static void run_pair(struct map_def def)
{
    run_locked(def, NO_LOCK);
}

static void test_map_array_operations_same_as_kernel(void **state)
{
    (void)state;
    run_pair((struct map_def){"m", SPEC_MAP_ARRAY, 4, 13, 97, 0, 0});
}

static void test_map_percpu_array_operations_same_as_kernel(void **state)
{
    (void)state;
    run_pair((struct map_def){"m", SPEC_MAP_PERCPU_ARRAY, 4, 20, 33, 0, 0});
}

static void test_map_hash_operations_same_as_kernel(void **state)
{
    (void)state;
    run_pair((struct map_def){"m", SPEC_MAP_HASH, 13, 24, 100, 0, 0});
    run_pair((struct map_def){"m", SPEC_MAP_HASH, 4, 1, 7, 0, 0});
}

static void test_map_hash_without_preallocation_operations_same_as_kernel(void **state)
{
    (void)state;
    run_pair((struct map_def){"m", SPEC_MAP_HASH, 8, 17, 64, BPF_F_NO_PREALLOC, 0});
}

/* Values with a bpf_spin_lock: its bytes stay 0, and BPF_F_LOCK is taken. */
static void test_map_with_lock_operations_same_as_kernel(void **state)
{
    (void)state;
    run_locked((struct map_def){"m", SPEC_MAP_HASH, 13, 24, 100, 0, 0}, 8);
    run_locked((struct map_def){"m", SPEC_MAP_HASH, 4, 12, 7, BPF_F_NO_PREALLOC, 0}, 0);
    run_locked((struct map_def){"m", SPEC_MAP_ARRAY, 4, 20, 33, 0, 0}, 16);
}

static void test_map_percpu_hash_operations_same_as_kernel(void **state)
{
    (void)state;
    run_pair((struct map_def){"m", SPEC_MAP_PERCPU_HASH, 6, 12, 50, 0, 0});
}

static void test_map_lru_operations_same_as_kernel(void **state)
{
    (void)state;
    run_pair((struct map_def){"m", SPEC_MAP_LRU_HASH, 13, 24, 1000, 0, 0});
    run_pair((struct map_def){"m", SPEC_MAP_LRU_HASH, 4, 3, 2000, BPF_F_NO_COMMON_LRU, 0});
    run_pair((struct map_def){"m", SPEC_MAP_LRU_PERCPU_HASH, 6, 12, 1000, 0, 0});
}

static void test_map_lpm_operations_same_as_kernel(void **state)
{
    (void)state;
    run_pair((struct map_def){"m", SPEC_MAP_LPM_TRIE, 8, 13, 100, BPF_F_NO_PREALLOC, 0});
    run_pair((struct map_def){"m", SPEC_MAP_LPM_TRIE, 5, 4, 300, BPF_F_NO_PREALLOC, 0});
    run_pair((struct map_def){"m", SPEC_MAP_LPM_TRIE, 20, 64, 64, BPF_F_NO_PREALLOC, 0});
}

/* Queues and stacks: pushes with all flags, looks at the next value, and takes. */
static void run_queue(struct map_def def)
{
    static const uint64_t flags[] = {0, 0, 0, 1, 2, 2, 3, 4, 1ull << 40};
    struct pair p = {0};

    seed = def.type;
    open_pair(&p, &def, NO_LOCK);
    for (uint32_t i = 0; i < OPERATIONS; i++) {
        const uint64_t flag = flags[below(9)];
        const uint32_t what = below(8);
        int ours, theirs;

        if (what < 4) {
            random_values(&p);
            ours = map_host_update(p.map, NULL, p.ours, flag);
            theirs = bpf_map_update_elem(p.fd, NULL, p.theirs, flag);
        } else {
            ours = map_host_lookup(p.map, NULL, p.ours);
            if (what < 6) {
                theirs = bpf_map_lookup_elem(p.fd, NULL, p.theirs);
            } else {
                theirs = bpf_map_lookup_and_delete_elem(p.fd, NULL, p.theirs);
                assert_int_equal(map_host_delete(p.map, NULL), ours);
            }
            assert_true(ours || theirs || same_values(&p));
        }
        if (ours != theirs)
            fail_msg("operation %u (%u, flags %llu): %d, Linux %d", i, what,
                     (unsigned long long)flag, ours, theirs);
    }
    close_pair(&p);
}

static void test_map_queue_operations_same_as_kernel(void **state)
{
    (void)state;
    run_queue((struct map_def){"m", SPEC_MAP_QUEUE, 0, 13, 7, 0, 0});
    run_queue((struct map_def){"m", SPEC_MAP_QUEUE, 0, 8, 1, 0, 0});
}

static void test_map_stack_operations_same_as_kernel(void **state)
{
    (void)state;
    run_queue((struct map_def){"m", SPEC_MAP_STACK, 0, 13, 7, 0, 0});
    run_queue((struct map_def){"m", SPEC_MAP_STACK, 0, 4, 1, 0, 0});
}

/* Bloom filters: pushes and questions, false positives among the answers; Linux with the seed 0. */
static void run_bloom(struct map_def def)
{
    LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = def.flags | BPF_F_ZERO_SEED,
                .map_extra = def.extra);
    uint32_t pushed = 0, seen = 0;
    struct pair p = {0};

    seed = def.value_bytes;
    open_pair(&p, &def, NO_LOCK);
    close(p.fd);
    p.fd = bpf_map_create(BPF_MAP_TYPE_BLOOM_FILTER, NULL, 0, def.value_bytes, def.max_entries, &o);
    assert_true(p.fd >= 0);
    for (uint32_t i = 0; i < OPERATIONS / 4; i++) {
        int ours, theirs;

        random_values(&p);
        if (below(10) == 0) {
            const uint64_t flag = below(10) ? BPF_ANY : below(4);

            ours = map_host_update(p.map, NULL, p.ours, flag);
            theirs = bpf_map_update_elem(p.fd, NULL, p.theirs, flag);
            pushed += !ours;
        } else {
            ours = map_host_lookup(p.map, NULL, p.ours);
            theirs = bpf_map_lookup_elem(p.fd, NULL, p.theirs);
            seen += !ours;
        }
        if (ours != theirs)
            fail_msg("operation %u: %d, Linux %d", i, ours, theirs);
    }
    print_message("%u pushed, %u seen\n", pushed, seen);
    assert_true(pushed && seen);
    close_pair(&p);
}

static void test_map_bloom_operations_same_as_kernel(void **state)
{
    (void)state;
    run_bloom((struct map_def){"m", SPEC_MAP_BLOOM_FILTER, 0, 4, 3000, 0, 0});
    run_bloom((struct map_def){"m", SPEC_MAP_BLOOM_FILTER, 0, 13, 2000, 0, 3});
    run_bloom((struct map_def){"m", SPEC_MAP_BLOOM_FILTER, 0, 24, 500, 0, 15});
    run_bloom((struct map_def){"m", SPEC_MAP_BLOOM_FILTER, 0, 37, 1000, 0, 1});
}

/* Random operations whose values are targets; presence is what can be compared. */
static void run_targets(struct map_def def)
{
    struct pair p = {0};

    seed = def.type;
    open_pair(&p, &def, NO_LOCK);
    for (uint32_t i = 0; i < 3000; i++) {
        static const uint64_t flags[] = {0, 0, 0, 1, 2, 3, 4};
        const uint32_t value[2] = {below(3) ? 1 : 0, below(20) ? 0 : 5};
        const uint64_t flag = flags[below(7)];
        uint8_t key[4];
        uint32_t target = 0;
        int ours, theirs;

        random_key(&p, key);
        if (value[0] && value[1]) /* a program's descriptor: no such thing here */
            continue;
        if (below(4)) {
            ours = map_host_update(p.map, key, value, flag);
            theirs = bpf_map_update_elem(p.fd, key, value, flag);
        } else {
            ours = map_host_delete(p.map, key);
            theirs = bpf_map_delete_elem(p.fd, key);
        }
        if (ours != theirs)
            fail_msg("operation %u, flags %llu: %d, Linux %d", i, (unsigned long long)flag, ours,
                     theirs);
        if (!map_host_lookup(p.map, key, p.ours))
            memcpy(&target, p.ours, 4);
        assert_int_equal(target != 0, bpf_map_lookup_elem(p.fd, key, p.theirs) == 0);
    }
    close_pair(&p);
}

static void test_map_devmap_operations_same_as_kernel(void **state)
{
    (void)state;
    run_targets((struct map_def){"m", SPEC_MAP_DEVMAP, 4, 8, 20, 0, 0});
    run_targets((struct map_def){"m", SPEC_MAP_DEVMAP, 4, 4, 5, 0, 0});
}

static void test_map_devmap_hash_operations_same_as_kernel(void **state)
{
    (void)state;
    run_targets((struct map_def){"m", SPEC_MAP_DEVMAP_HASH, 4, 8, 20, 0, 0});
}

static struct map_def random_definition(void)
{
    static const uint32_t types[] = {SPEC_MAP_HASH,
                                     SPEC_MAP_ARRAY,
                                     SPEC_MAP_PERCPU_HASH,
                                     SPEC_MAP_PERCPU_ARRAY,
                                     SPEC_MAP_DEVMAP,
                                     SPEC_MAP_CPUMAP,
                                     SPEC_MAP_XSKMAP,
                                     SPEC_MAP_DEVMAP_HASH,
                                     SPEC_MAP_LPM_TRIE,
                                     SPEC_MAP_LRU_HASH,
                                     SPEC_MAP_LRU_PERCPU_HASH,
                                     SPEC_MAP_PROG_ARRAY,
                                     SPEC_MAP_PERF_EVENT_ARRAY,
                                     SPEC_MAP_QUEUE,
                                     SPEC_MAP_STACK,
                                     SPEC_MAP_RINGBUF,
                                     SPEC_MAP_BLOOM_FILTER};
    static const uint32_t keys[] = {4, 4, 4, 4, 0, 1, 3, 8, 64, 512};
    static const uint32_t values[] = {4, 4, 8, 8, 0, 1, 12, 4096, 32768, 32769};
    static const uint32_t entries[] = {1, 2, 3, 7, 16, 0};
    static const uint32_t sizes[] = {0, 2048, 4096, 8192, 12288};
    /* All but those that ask for more than a definition (inner maps, BTF, tokens, descriptors). */
    static const uint32_t flags[] = {0,
                                     0,
                                     0,
                                     BPF_F_NO_PREALLOC,
                                     BPF_F_NO_COMMON_LRU,
                                     BPF_F_NUMA_NODE,
                                     BPF_F_RDONLY,
                                     BPF_F_WRONLY,
                                     BPF_F_ZERO_SEED,
                                     BPF_F_RDONLY_PROG,
                                     BPF_F_WRONLY_PROG,
                                     BPF_F_MMAPABLE,
                                     BPF_F_PRESERVE_ELEMS};

    const uint32_t type = types[below(17)];
    const bool bare = type >= SPEC_MAP_QUEUE && type != SPEC_MAP_DEVMAP_HASH && below(4);

    return (struct map_def){"m",
                            type,
                            bare ? 0 : keys[below(10)],
                            bare && type == SPEC_MAP_RINGBUF ? 0 : values[below(10)],
                            type == SPEC_MAP_RINGBUF ? sizes[below(5)] : entries[below(6)],
                            flags[below(13)] | flags[below(13)],
                            0};
}

static void test_map_definitions_taken_as_by_kernel(void **state)
{
    uint32_t taken = 0;

    (void)state;
    seed = 1;
    for (uint32_t i = 0; i < DEFINITIONS; i++) {
        const struct map_def def = random_definition();
        const char *why = NULL;
        const size_t bytes = map_size_bytes(&def, &why);
        const int fd = create(&def);

        if (fd == -EPERM)
            skip_because("no bpf() here");
        assert_int_equal(bytes == 0, why != NULL);
        if ((bytes != 0) != (fd >= 0))
            fail_msg("%s key %u value %u entries %u flags 0x%x: we say %s, Linux %s",
                     spec_map_type_table[def.type].name, def.key_bytes, def.value_bytes,
                     def.max_entries, def.flags, why ? why : "yes", fd < 0 ? strerror(-fd) : "yes");
        taken += fd >= 0;
        if (fd >= 0)
            close(fd);
    }
    print_message("%u of %u definitions taken\n", taken, DEFINITIONS);
    assert_true(taken > DEFINITIONS / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map_array_operations_same_as_kernel),
        cmocka_unit_test(test_map_percpu_array_operations_same_as_kernel),
        cmocka_unit_test(test_map_hash_operations_same_as_kernel),
        cmocka_unit_test(test_map_hash_without_preallocation_operations_same_as_kernel),
        cmocka_unit_test(test_map_with_lock_operations_same_as_kernel),
        cmocka_unit_test(test_map_percpu_hash_operations_same_as_kernel),
        cmocka_unit_test(test_map_lru_operations_same_as_kernel),
        cmocka_unit_test(test_map_lpm_operations_same_as_kernel),
        cmocka_unit_test(test_map_devmap_operations_same_as_kernel),
        cmocka_unit_test(test_map_devmap_hash_operations_same_as_kernel),
        cmocka_unit_test(test_map_queue_operations_same_as_kernel),
        cmocka_unit_test(test_map_stack_operations_same_as_kernel),
        cmocka_unit_test(test_map_bloom_operations_same_as_kernel),
        cmocka_unit_test(test_map_definitions_taken_as_by_kernel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
