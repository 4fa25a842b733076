/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/common/library_maps.h"
#include "tests/common/models.h"
#include "tests/common/skip.h"

#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Maps and ports of the library, through its header alone. */

static const char counter[] = LIBRARY_COUNTER;

static const char bloom[] =
    ".map array array 4 8 3\n.map bloom bloom_filter 0 8 16\n"
    "r1 = 0\n*(u64 *)(r10 - 8) = r1\n" LIBRARY_LOOK("bloom", "bpf_map_peek_elem")
        LIBRARY_LOOK("array", "bpf_map_lookup_elem") "r0 = 2\nexit\n";

static const uint8_t bytes[64] = {1};

static struct sluice_loaded *load_text(const char *text, const char *executor)
{
    struct sluice_object *object = library_open(text);
    struct sluice_loaded *loaded = library_load(object, executor);

    sluice_object_close(object);
    return loaded;
}

static struct sluice_batch one_packet(struct sluice_result *result)
{
    static const struct sluice_packet packet = {.data = bytes, .len = sizeof(bytes)};

    return (struct sluice_batch){.size = sizeof(struct sluice_batch),
                                 .packets = &packet,
                                 .results = result,
                                 .packet_size = sizeof(packet),
                                 .result_size = sizeof(*result),
                                 .count = 1};
}

/* --- contents --- */

static void use_maps(const char *executor)
{
    struct sluice_loaded *l = load_text(counter, executor);

    library_use_maps(l);
    sluice_unload(l);
}

static void test_sluice_maps_give_what_bpf_gives(void **state)
{
    (void)state;
    use_maps("interp");
}

static void test_sluice_maps_on_the_core_give_the_same(void **state)
{
    (void)state;
    if (!has_core_model())
        skip_because("no model of the core in this build");
    use_maps("microcode");
}

static void test_sluice_map_wrong_use_refused(void **state)
{
    struct sluice_object *object = library_open(counter);
    struct sluice_loaded *l = library_load(object, "interp");
    struct sluice_map *m = sluice_loaded_find_map_by_name(l, "hash");
    uint32_t key = 1, count = 1;
    uint8_t value[16] = {0};

    (void)state;
    assert_int_equal(sluice_map_lookup_elem(NULL, &key, 4, value, 12, 0), -EINVAL);
    assert_int_equal(sluice_map_lookup_elem(m, NULL, 4, value, 12, 0), -EINVAL);
    assert_int_equal(sluice_map_lookup_elem(m, &key, 8, value, 12, 0), -EINVAL);
    assert_int_equal(sluice_map_lookup_elem(m, &key, 4, value, 16, 0), -EINVAL);
    assert_int_equal(sluice_map_lookup_elem(m, &key, 4, NULL, 12, 0), -EINVAL);
    assert_int_equal(sluice_map_lookup_elem(m, &key, 4, value, 12, 1), -EINVAL);
    assert_int_equal(sluice_map_update_elem(m, &key, 4, value, 8, 0), -EINVAL);
    assert_int_equal(sluice_map_update_elem(m, &key, 4, value, 12, BPF_F_LOCK), -EINVAL);
    assert_int_equal(sluice_map_delete_elem(m, &key, 4, 1), -EINVAL);
    assert_int_equal(sluice_map_get_next_key(m, NULL, NULL, 4), -EINVAL);
    assert_int_equal(sluice_map_lookup_batch(m, NULL, NULL, value, &count), -EINVAL);
    assert_int_equal(sluice_map_update_batch(m, NULL, value, &count, 0), -EINVAL);
    assert_int_equal(sluice_map_delete_batch(m, &key, NULL), -EINVAL);
    m = sluice_object_find_map_by_name(object, "hash"); /* a definition has no contents */
    assert_int_equal(sluice_map_lookup_elem(m, &key, 4, value, 12, 0), -EBADF);
    assert_int_equal(sluice_map_update_elem(m, &key, 4, value, 12, 0), -EBADF);
    assert_null(sluice_loaded_find_map_by_name(l, "nothing"));
    assert_null(sluice_loaded_find_map_by_name(NULL, "hash"));
    assert_null(sluice_map_name(NULL));
    sluice_unload(l);
    sluice_object_close(object);
}

static void test_sluice_initial_value_counts_for_what_is_loaded_later(void **state)
{
    struct sluice_object *object = library_open(counter);
    struct sluice_map *m = sluice_object_find_map_by_name(object, ".rodata");
    struct sluice_loaded *before = library_load(object, "interp"), *after;
    struct sluice_result result;
    struct sluice_batch batch = one_packet(&result);
    const uint64_t one = 1;
    size_t size = 0;

    (void)state;
    assert_int_equal(*(const uint8_t *)sluice_map_initial_value(m, &size), 2);
    assert_int_equal(size, 8);
    assert_int_equal(sluice_map_set_initial_value(m, &one, 4), -EINVAL);
    assert_int_equal(sluice_map_set_initial_value(m, &one, 8), 0);
    after = library_load(object, "interp");
    assert_int_equal(
        sluice_map_set_initial_value(sluice_loaded_find_map_by_name(after, ".rodata"), &one, 8),
        -EBUSY);
    assert_int_equal(
        sluice_map_set_initial_value(sluice_object_find_map_by_name(object, "hash"), &one, 8),
        -EINVAL);
    assert_int_equal(sluice_run(before, &batch), 0);
    assert_int_equal(result.ret, 2);
    assert_int_equal(sluice_run(after, &batch), 0);
    assert_int_equal(result.ret, 1);
    sluice_unload(before);
    sluice_unload(after);
    sluice_object_close(object);
}

/* --- ports --- */

static uint64_t first_of(struct sluice_map *array)
{
    const uint32_t key = 0;
    uint64_t value = UINT64_MAX;

    assert_int_equal(sluice_map_lookup_elem(array, &key, 4, &value, 8, 0), 0);
    return value;
}

static void test_sluice_port_attaches_one_program_at_a_time(void **state)
{
    struct sluice_loaded *a = load_text(counter, "interp"), *b = load_text(counter, "interp");
    struct sluice_port_opts opts = {.size = sizeof(opts), .name = "eth7"};
    struct sluice_stats stats = {.size = sizeof(stats)};
    struct sluice_port *port = NULL, *other = NULL;
    struct sluice_result result;
    struct sluice_batch batch = one_packet(&result);

    (void)state;
    assert_int_equal(sluice_port_open(&opts, &port), 0);
    assert_int_equal(sluice_port_open(NULL, &other), 0);
    assert_string_equal(sluice_port_name(port), "eth7");
    assert_int_equal(sluice_port_run(port, &batch), 0); /* passes, as without XDP */
    assert_true(result.ret == 2 && result.len == 64 && result.data == bytes);
    assert_int_equal(sluice_port_detach(port), -ENOENT);
    assert_int_equal(sluice_port_replace(port, a, NULL), -ENOENT);
    assert_int_equal(sluice_port_attach(port, a), 0);
    assert_int_equal(sluice_port_attach(port, b), -EBUSY);
    assert_int_equal(sluice_port_attach(other, a), -EBUSY);
    assert_int_equal(sluice_port_replace(port, a, NULL), -EBUSY);
    assert_int_equal(sluice_port_run(port, &batch), 0);
    assert_int_equal(sluice_port_stats(port, &stats), 0);
    assert_true(stats.packets == 2 && stats.passed == 2 && stats.bytes_in == 128);
    assert_int_equal(first_of(sluice_port_find_map_by_name(port, "array")), 1);
    assert_int_equal(sluice_port_detach(port), 0);
    assert_int_equal(sluice_port_attach(other, a), 0);
    assert_int_equal(sluice_port_attach(NULL, a), -EINVAL);
    sluice_unload(a); /* the port keeps it */
    assert_int_equal(sluice_port_run(other, &batch), 0);
    assert_int_equal(first_of(sluice_port_find_map_by_name(other, "array")), 2);
    sluice_port_close(port);
    sluice_port_close(other);
    sluice_port_close(NULL);
    sluice_unload(b);
}

static void fill(struct sluice_port *port)
{
    struct sluice_map *queue = sluice_port_find_map_by_name(port, "queue");
    struct sluice_map *stack = sluice_port_find_map_by_name(port, "stack");
    struct sluice_map *lpm = sluice_port_find_map_by_name(port, "lpm");
    struct sluice_map *cpus = sluice_port_find_map_by_name(port, "cpus");
    const uint32_t prefix[2] = {24, 0x0003a8c0}, key = 9;
    const uint64_t each[4] = {1, 2, 3, 4};

    for (uint64_t i = 1; i < 4; i++) {
        assert_int_equal(sluice_map_update_elem(queue, NULL, 0, &i, 8, 0), 0);
        assert_int_equal(sluice_map_update_elem(stack, NULL, 0, &i, 8, 0), 0);
    }
    assert_int_equal(sluice_map_update_elem(lpm, prefix, 8, &each[3], 8, 0), 0);
    assert_int_equal(sluice_map_update_elem(cpus, &key, 4, each, 32, 0), 0);
}

static void check_filled(struct sluice_port *port)
{
    struct sluice_map *queue = sluice_port_find_map_by_name(port, "queue");
    struct sluice_map *stack = sluice_port_find_map_by_name(port, "stack");
    const uint32_t address[2] = {32, 0x7703a8c0}, key = 9;
    uint64_t each[4] = {0}, value = 0;

    assert_int_equal(
        sluice_map_lookup_elem(sluice_port_find_map_by_name(port, "lpm"), address, 8, &value, 8, 0),
        0);
    assert_int_equal(value, 4);
    assert_int_equal(
        sluice_map_lookup_elem(sluice_port_find_map_by_name(port, "cpus"), &key, 4, each, 32, 0),
        0);
    assert_true(each[0] == 1 && each[1] == 2 && each[2] == 3 && each[3] == 4);
    for (uint64_t i = 1; i < 4; i++) {
        assert_int_equal(sluice_map_lookup_and_delete_elem(queue, NULL, 0, &value, 8, 0), 0);
        assert_int_equal(value, i);
        assert_int_equal(sluice_map_lookup_and_delete_elem(stack, NULL, 0, &value, 8, 0), 0);
        assert_int_equal(value, 4 - i);
    }
    assert_int_equal(sluice_map_lookup_elem(queue, NULL, 0, &value, 8, 0), -ENOENT);
}

/* Packets go on counting from executor to executor, and what the new one had before is gone. */
static void replace_through(const char *const *executors, uint32_t count)
{
    struct sluice_loaded *l = load_text(counter, executors[0]);
    struct sluice_port *port = NULL;
    struct sluice_map *array, *hash;
    struct sluice_result result;
    struct sluice_batch batch = one_packet(&result);
    uint32_t key = 5, stale = 6;
    uint8_t value[12] = {42}, got[12];

    assert_int_equal(sluice_port_open(NULL, &port), 0);
    assert_int_equal(sluice_port_attach(port, l), 0);
    sluice_unload(l);
    array = sluice_port_find_map_by_name(port, "array");
    hash = sluice_port_find_map_by_name(port, "hash");
    assert_int_equal(sluice_map_update_elem(hash, &key, 4, value, 12, 0), 0);
    fill(port);
    for (uint32_t i = 1; i < count; i++) {
        assert_int_equal(sluice_port_run(port, &batch), 0);
        l = load_text(counter, executors[i]);
        assert_int_equal(sluice_map_update_elem(sluice_loaded_find_map_by_name(l, "hash"), &stale,
                                                4, value, 12, 0),
                         0);
        assert_int_equal(sluice_port_replace(port, l, NULL), 0);
        sluice_unload(l);
        assert_int_equal(first_of(array), i);
        assert_int_equal(sluice_map_lookup_elem(hash, &key, 4, got, 12, 0), 0);
        assert_memory_equal(got, value, 12);
        assert_int_equal(sluice_map_lookup_elem(hash, &stale, 4, got, 12, 0), -ENOENT);
    }
    check_filled(port);
    sluice_port_close(port);
}

static void test_sluice_replace_hands_maps_over(void **state)
{
    static const char *const executors[] = {"interp", "interp", "interp"};

    (void)state;
    replace_through(executors, 3);
}

static void test_sluice_replace_hands_maps_over_between_executors(void **state)
{
    static const char *const executors[] = {"interp", "microcode", "microcode", "interp"};

    (void)state;
    if (!has_core_model())
        skip_because("no model of the core in this build");
    replace_through(executors, 4);
}

static void test_sluice_replace_hands_maps_over_to_a_pipeline(void **state)
{
    static const char *const executors[] = {"interp",   "pipeline", "microcode",
                                            "pipeline", "kernel",   "interp"};

    (void)state;
    if (!has_core_model())
        skip_because("no model of the core in this build");
    replace_through(executors, 6);
}

static char last[1024];

static void hear(void *ctx, const struct sluice_diag *diag)
{
    (void)ctx;
    sluice_diag_format(diag, last, sizeof(last));
}

static void test_sluice_replace_refuses_to_forget_a_bloom_filter(void **state)
{
    const struct sluice_sink sink = {sizeof(sink), NULL, hear};
    struct sluice_loaded *a = load_text(bloom, "interp"), *b = load_text(bloom, "interp");
    struct sluice_map *filter = sluice_loaded_find_map_by_name(a, "bloom");
    struct sluice_port *port = NULL;
    uint64_t value = 7;

    (void)state;
    assert_int_equal(sluice_map_lookup_elem(filter, NULL, 0, &value, 8, 0), -ENOENT);
    assert_int_equal(sluice_map_update_elem(filter, NULL, 0, &value, 8, 0), 0);
    assert_int_equal(sluice_map_lookup_elem(filter, NULL, 0, &value, 8, 0), 0);
    assert_int_equal(sluice_map_delete_elem(filter, NULL, 0, 0), -EOPNOTSUPP);
    assert_int_equal(sluice_port_open(NULL, &port), 0);
    assert_int_equal(sluice_port_attach(port, a), 0);
    assert_int_equal(sluice_port_replace(port, b, &sink), -EOPNOTSUPP);
    assert_non_null(strstr(last, "map bloom is a Bloom filter"));
    assert_non_null(strstr(last, "[LIB0007]"));
    assert_int_equal(sluice_port_detach(port), 0); /* the old one was still there */
    assert_int_equal(sluice_port_attach(port, b), 0);
    sluice_port_close(port);
    sluice_unload(a);
    sluice_unload(b);
}

static void test_sluice_port_map_follows_the_program_of_the_port(void **state)
{
    static const char other[] =
        ".map array array 4 8 4\nr1 = 0\n*(u64 *)(r10 - 8) = r1\n" LIBRARY_LOOK(
            "array", "bpf_map_lookup_elem") "r0 = 2\nexit\n";
    struct sluice_loaded *a = load_text(counter, "interp"), *b = load_text(other, "interp");
    struct sluice_port *port = NULL;
    struct sluice_map *array;
    const uint32_t key = 0;
    uint64_t value = 3;

    (void)state;
    assert_int_equal(sluice_port_open(NULL, &port), 0);
    assert_null(sluice_port_find_map_by_name(port, "array"));
    assert_int_equal(sluice_port_attach(port, a), 0);
    array = sluice_port_find_map_by_name(port, "array");
    assert_ptr_equal(array, sluice_port_find_map_by_name(port, "array"));
    assert_int_equal(sluice_map_update_elem(array, &key, 4, &value, 8, 0), 0);
    assert_int_equal(sluice_port_replace(port, b, NULL), 0); /* another size: it starts empty */
    assert_int_equal(sluice_map_lookup_elem(array, &key, 4, &value, 8, 0), -ENXIO);
    assert_int_equal(first_of(sluice_port_find_map_by_name(port, "array")), 0);
    assert_int_equal(sluice_port_detach(port), 0);
    assert_int_equal(sluice_map_lookup_elem(array, &key, 4, &value, 8, 0), -EBADF);
    sluice_port_close(port);
    sluice_unload(a);
    sluice_unload(b);
}

/* --- threads --- */

enum { REPLACEMENTS = 40 };

struct adder {
    struct sluice_map *array;
    atomic_bool stop;
    atomic_uint_fast64_t written;
    atomic_int err;
};

/* One writer of its own slot: whatever it has written must be there, whoever has the map then. */
static void *add(void *ctx)
{
    struct adder *a = ctx;
    const uint32_t key = 1;

    while (!atomic_load(&a->stop) && !a->err) {
        const uint64_t next = atomic_load(&a->written) + 1;
        uint64_t value = 0;

        a->err = sluice_map_update_elem(a->array, &key, 4, &next, 8, 0);
        sched_yield();
        if (!a->err)
            a->err = sluice_map_lookup_elem(a->array, &key, 4, &value, 8, 0);
        if (!a->err && value != next)
            a->err = -EILSEQ;
        atomic_store(&a->written, next);
    }
    return NULL;
}

static void test_sluice_replace_loses_no_update_of_another_thread(void **state)
{
    struct sluice_object *object = library_open(counter);
    struct sluice_loaded *l = library_load(object, "interp");
    struct sluice_port *port = NULL;
    struct sluice_result result;
    struct sluice_batch batch = one_packet(&result);
    struct adder adder = {0};
    pthread_t thread;

    (void)state;
    assert_int_equal(sluice_port_open(NULL, &port), 0);
    assert_int_equal(sluice_port_attach(port, l), 0);
    sluice_unload(l);
    adder.array = sluice_port_find_map_by_name(port, "array");
    assert_int_equal(pthread_create(&thread, NULL, add, &adder), 0);
    for (uint32_t i = 0; i < REPLACEMENTS; i++) {
        l = library_load(object, "interp");
        assert_int_equal(sluice_port_run(port, &batch), 0);
        while (atomic_load(&adder.written) < 3 * i && !adder.err)
            sched_yield(); /* it writes before, between and after */
        assert_int_equal(sluice_port_replace(port, l, NULL), 0);
        sluice_unload(l);
    }
    atomic_store(&adder.stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(adder.err, 0);
    assert_int_equal(first_of(adder.array), REPLACEMENTS);
    sluice_port_close(port);
    sluice_object_close(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sluice_maps_give_what_bpf_gives),
        cmocka_unit_test(test_sluice_maps_on_the_core_give_the_same),
        cmocka_unit_test(test_sluice_map_wrong_use_refused),
        cmocka_unit_test(test_sluice_initial_value_counts_for_what_is_loaded_later),
        cmocka_unit_test(test_sluice_port_attaches_one_program_at_a_time),
        cmocka_unit_test(test_sluice_replace_hands_maps_over),
        cmocka_unit_test(test_sluice_replace_hands_maps_over_between_executors),
        cmocka_unit_test(test_sluice_replace_hands_maps_over_to_a_pipeline),
        cmocka_unit_test(test_sluice_replace_refuses_to_forget_a_bloom_filter),
        cmocka_unit_test(test_sluice_port_map_follows_the_program_of_the_port),
        cmocka_unit_test(test_sluice_replace_loses_no_update_of_another_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
