/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/ctl/executor.h"

#include "tests/common/models.h"
#include "tests/common/skip.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the host does with maps is the same on every executor: results, errors, values, what a walk
 * by key comes by. Random operations, held against those on interp, whose maps the tests of
 * nic_runtime hold against Linux. */

enum {
    KEY_MAX = 8,
    VALUES_MAX = SPEC_QUEUES * 16,
    OPERATIONS = 260,
    OPERATIONS_ICARUS = 12,
    KEYS = 12
};

/* The program names all maps, so that a device holds them. */
static const char text[] = ".map hash hash 4 12 6\n"
                           ".map cpus percpu_hash 4 8 6\n"
                           ".map lru lru_hash 4 8 6\n"
                           ".map lpm lpm_trie 8 8 6 1\n"
                           ".map array array 4 16 6\n"
                           ".map slots percpu_array 4 8 6\n"
                           ".map ports devmap 4 4 6\n"
                           ".map queue queue 0 8 4\n"
                           ".map stack stack 0 8 4\n"
                           ".map bloom bloom_filter 0 8 16\n"
                           "r1 = 0\n"
                           "*(u64 *)(r10 - 8) = r1\n"
                           "*(u64 *)(r10 - 16) = r1\n"
#define LOOK(name) "r2 = r10\nr2 += -8\nr1 = map[" name "] ll\ncall bpf_map_lookup_elem\n"
#define PEEK(name) "r2 = r10\nr2 += -16\nr1 = map[" name "] ll\ncall bpf_map_peek_elem\n"
    LOOK("hash") LOOK("cpus") LOOK("lru") LOOK("lpm") LOOK("array") LOOK("slots") PEEK("queue")
        PEEK("stack") PEEK("bloom") "r1 = map[ports] ll\n"
                                    "r2 = 0\n"
                                    "r3 = 2\n"
                                    "call bpf_redirect_map\n"
                                    "r0 = 2\n"
                                    "exit\n";

static const char *const names[] = {"hash",  "cpus",  "lru",   "lpm",   "array",
                                    "slots", "ports", "queue", "stack", "bloom"};
enum { MAPS = sizeof(names) / sizeof(names[0]) };

struct opened {
    struct arena *arena;
    const struct load_object *object;
    struct exec *exec;
    char why[EXEC_WHY_BYTES];
    int err;
};

static struct opened open_on(const char *executor)
{
    const struct exec_options options = {.size = sizeof(options), .icarus = true};
    struct opened o = {.arena = arena_open()};
    struct diag_sink sink = diag_sink_make(o.arena);
    struct job *job;

    assert_int_equal(load_parse(text, "maps", o.arena, &sink, &o.object), 0);
    job = job_open(o.object, o.object->progs, NULL, o.arena);
    o.err = exec_open(exec_find(executor), job, &options, &o.exec, o.why);
    return o;
}

static void close_on(struct opened *o)
{
    exec_close(o->exec);
    arena_close(o->arena);
}

/* An executor beside interp; false, and why, where this machine or build doesn't have it. */
static bool open_pair(const char *executor, struct opened *reference, struct opened *other,
                      char why[EXEC_WHY_BYTES])
{
    if (exec_find(executor)->hardware && !has_core_model()) {
        snprintf(why, EXEC_WHY_BYTES, "%s: no model of the core in this build", executor);
        return false;
    }
    *other = open_on(executor);
    if (other->err) {
        memcpy(why, other->why, EXEC_WHY_BYTES);
        close_on(other);
        if (!strstr(why, "bpf()"))
            fail_msg("%s: %s", executor, why);
        return false;
    }
    *reference = open_on("interp");
    assert_int_equal(reference->err, 0);
    return true;
}

static uint64_t seed;

static uint32_t below(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

/* Few keys, so that they meet: indices some of which are past the end, or prefixes. */
static void make_key(const struct load_map *m, uint8_t key[KEY_MAX])
{
    static const uint32_t bits[] = {0, 3, 8, 9, 16, 24, 32, 33};
    const uint32_t n = below(KEYS);

    memset(key, 0, KEY_MAX);
    if (m->type != SPEC_MAP_LPM_TRIE) {
        memcpy(key, &n, sizeof(n));
        return;
    }
    memcpy(key, &bits[below(8)], sizeof(bits[0]));
    key[4] = (uint8_t)(below(2) * 0x60);
    key[5] = (uint8_t)(below(3) << 6);
}

static void make_values(const struct load_map *m, uint8_t values[VALUES_MAX])
{
    const uint32_t stride = (m->value_bytes + 7) & ~7u;

    memset(values, 0, VALUES_MAX);
    for (uint32_t c = 0; c < SPEC_QUEUES; c++)
        for (uint32_t i = 0; i < m->value_bytes; i++)
            values[c * stride + i] = (uint8_t)below(256);
    if (m->type == SPEC_MAP_DEVMAP || m->type == SPEC_MAP_BLOOM_FILTER)
        memset(values + 1, 0, VALUES_MAX - 1);
}

static uint32_t value_bytes(const struct load_map *m)
{
    return (spec_map_type_table[m->type].percpu ? SPEC_QUEUES : 1) * ((m->value_bytes + 7) & ~7u);
}

enum operation { UPDATE, LOOKUP, DELETE, NEXT, POP, OPERATION_COUNT };
static const char *const operations[] = {"update", "lookup", "delete", "next_key", "pop"};

static int operate(struct exec *e, enum operation op, uint32_t map, uint8_t *key, uint8_t *values,
                   uint64_t flags)
{
    switch (op) {
    case UPDATE:
        return e->ops->map_update(e, map, key, values, flags);
    case LOOKUP:
        return e->ops->map_lookup(e, map, key, values);
    case DELETE:
        return e->ops->map_delete(e, map, key);
    case NEXT:
        return e->ops->map_next_key(e, map, key, values);
    case POP:
        return e->ops->map_pop(e, map, values);
    case OPERATION_COUNT:
        break;
    }
    return 0;
}

/* The keys in the order of a walk by key. */
static uint32_t walk(struct exec *e, uint32_t map, uint8_t keys[][KEY_MAX], uint32_t most)
{
    uint32_t count = 0;
    int err = e->ops->map_next_key(e, map, NULL, keys[0]);

    while (!err) {
        assert_true(++count < most);
        memcpy(keys[count], keys[count - 1], KEY_MAX);
        err = e->ops->map_next_key(e, map, keys[count], keys[count]);
    }
    assert_int_equal(err, -ENOENT);
    return count;
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, KEY_MAX);
}

/* Hashes have an order of the executor's own. */
static bool is_ordered(const struct load_map *m)
{
    return spec_map_type_table[m->type].soft != SPEC_SOFT_HASH &&
           spec_map_type_table[m->type].soft != SPEC_SOFT_LRU;
}

/* All keys, each once; of arrays and prefixes in the same order. */
static void compare_walks(struct exec *a, struct exec *b, uint32_t map)
{
    const struct load_map *m = &a->job->object->maps[map];
    uint8_t keys[2][KEYS + 8][KEY_MAX];
    uint32_t counts[2];

    memset(keys, 0, sizeof(keys));
    counts[0] = walk(a, map, keys[0], KEYS + 8);
    counts[1] = walk(b, map, keys[1], KEYS + 8);
    assert_int_equal(counts[0], counts[1]);
    if (!is_ordered(m))
        for (int i = 0; i < 2; i++)
            qsort(keys[i], counts[i], KEY_MAX, by_bytes);
    assert_memory_equal(keys[0], keys[1], counts[0] * KEY_MAX);
}

static void operate_both(struct exec *a, struct exec *b, uint32_t map, uint32_t number)
{
    const struct load_map *m = &a->job->object->maps[map];
    const enum operation op = below(4) ? below(2) ? UPDATE : DELETE : below(OPERATION_COUNT);
    uint8_t key[KEY_MAX], values[2][VALUES_MAX];
    const uint64_t flags = below(2) ? BPF_ANY : below(6);
    uint32_t bytes = value_bytes(m);
    int got, expected;

    if (op == NEXT && !is_ordered(m))
        return; /* compare_walks does these */
    if (op == NEXT)
        bytes = m->key_bytes;
    make_key(m, key);
    make_values(m, values[0]);
    memcpy(values[1], values[0], VALUES_MAX);
    expected = operate(a, op, map, key, values[0], flags);
    got = operate(b, op, map, key, values[1], flags);
    if (got != expected)
        fail_msg("operation %u, %s of map %s with flags %llu: %s gives %d, interp %d", number,
                 operations[op], m->name, (unsigned long long)flags, b->ops->name, got, expected);
    if (!got && op != DELETE && op != UPDATE && memcmp(values[0], values[1], bytes) != 0)
        fail_msg("operation %u, %s of map %s: values differ", number, operations[op], m->name);
}

/* The pipeline is simulated by Icarus, which takes its time; it has the same mailbox as the core.
 * The kernel's LRU maps evict earlier, so it is given none. */
static void compare_with(const char *executor, uint32_t count, const char *without)
{
    char why[EXEC_WHY_BYTES];
    struct opened a, b;

    if (!open_pair(executor, &a, &b, why))
        skip_because("%s", why);
    for (uint32_t map = 0; map < MAPS; map++) {
        const struct load_map *m = &a.object->maps[map];

        assert_string_equal(m->name, names[map]);
        if (without && !strcmp(m->name, without))
            continue;
        seed = 3 + map;
        for (uint32_t i = 0; i < count; i++) {
            operate_both(a.exec, b.exec, map, i);
            if (m->key_bytes && i % 20 == 10)
                compare_walks(a.exec, b.exec, map);
        }
    }
    close_on(&a);
    close_on(&b);
}

static void test_exec_maps_of_microcode_are_as_those_of_interp(void **state)
{
    (void)state;
    compare_with("microcode", OPERATIONS, NULL);
}

static void test_exec_maps_of_pipeline_are_as_those_of_interp(void **state)
{
    (void)state;
    compare_with("pipeline", OPERATIONS_ICARUS, NULL);
}

static void test_exec_maps_of_kernel_are_as_those_of_interp(void **state)
{
    (void)state;
    compare_with("kernel", OPERATIONS, "lru");
}

static uint32_t number_of(const char *name)
{
    for (uint32_t i = 0; i < MAPS; i++)
        if (!strcmp(names[i], name))
            return i;
    fail_msg("no map %s", name);
    return 0;
}

/* A walk that changes each value on its way meets every key: an entry of the device's hash has
 * another number then. */
static void walk_with_updates(const char *executor)
{
    struct opened o, reference;
    const uint32_t map = number_of("hash");
    uint64_t values[2] = {1, 0};
    uint32_t seen = 0, key = 0, next;
    char why[EXEC_WHY_BYTES];

    if (!open_pair(executor, &reference, &o, why)) {
        skip_part_because("%s", why);
        return;
    }
    for (key = 0; key < 6; key++)
        assert_int_equal(o.exec->ops->map_update(o.exec, map, &key, values, BPF_ANY), 0);
    for (int err = o.exec->ops->map_next_key(o.exec, map, NULL, &key); !err; key = next) {
        assert_false(seen >> key & 1);
        seen |= 1u << key;
        values[0] = key;
        err = o.exec->ops->map_next_key(o.exec, map, &key, &next);
        assert_int_equal(o.exec->ops->map_update(o.exec, map, &key, values, BPF_EXIST), 0);
    }
    assert_int_equal(seen, 0x3f);
    close_on(&o);
    close_on(&reference);
}

static void test_exec_maps_walk_with_updates_meets_each_key_once(void **state)
{
    static const char *const executors[] = {"interp", "microcode", "kernel"};

    (void)state;
    for (uint32_t i = 0; i < 3; i++)
        walk_with_updates(executors[i]);
}

/* Keys that the host has deleted, one after the other, until none is first. */
static void test_exec_maps_delete_of_each_first_key_empties_the_map(void **state)
{
    static const char *const executors[] = {"interp", "microcode", "kernel"};
    static const char *const maps[] = {"hash", "cpus", "lru", "lpm"};

    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct opened o, reference;
        char why[EXEC_WHY_BYTES];

        if (!open_pair(executors[i], &reference, &o, why)) {
            skip_part_because("%s", why);
            continue;
        }
        for (uint32_t k = 0; k < 4; k++) {
            const uint32_t map = number_of(maps[k]);
            uint64_t values[SPEC_QUEUES] = {1, 2, 3, 4};
            uint8_t key[KEY_MAX] = {8};
            uint32_t count = 0;

            for (uint8_t n = 0; n < 6; n++) {
                key[maps[k][0] == 'l' && maps[k][1] == 'p' ? 4 : 0] = n;
                assert_int_equal(o.exec->ops->map_update(o.exec, map, key, values, BPF_ANY), 0);
            }
            while (!o.exec->ops->map_next_key(o.exec, map, NULL, key)) {
                assert_int_equal(o.exec->ops->map_delete(o.exec, map, key), 0);
                assert_int_equal(o.exec->ops->map_lookup(o.exec, map, key, values), -ENOENT);
                assert_int_equal(o.exec->ops->map_delete(o.exec, map, key), -ENOENT);
                count++;
            }
            assert_int_equal(count, 6);
        }
        close_on(&o);
        close_on(&reference);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exec_maps_of_microcode_are_as_those_of_interp),
        cmocka_unit_test(test_exec_maps_of_pipeline_are_as_those_of_interp),
        cmocka_unit_test(test_exec_maps_of_kernel_are_as_those_of_interp),
        cmocka_unit_test(test_exec_maps_walk_with_updates_meets_each_key_once),
        cmocka_unit_test(test_exec_maps_delete_of_each_first_key_empties_the_map),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
