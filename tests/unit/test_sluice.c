/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/common/library.h"
#include "tests/common/models.h"
#include "tests/common/skip.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The library through its header alone. */

/* Counts packets, and drops those that begin with 0xff. */
static const char counter[] = ".program count\n"
                              ".map counts array 4 8 2\n"
                              ".map seen hash 4 8 4\n"
                              ".map cpus percpu_array 4 8 1\n"
                              "r6 = *(u32 *)(r1 + 0)\n"
                              "r7 = *(u32 *)(r1 + 4)\n"
                              "r8 = 0\n"
                              "*(u32 *)(r10 - 4) = r8\n"
                              "r2 = r10\n"
                              "r2 += -4\n"
                              "r1 = map[counts] ll\n"
                              "call bpf_map_lookup_elem\n"
                              "if r0 == 0 goto out\n"
                              "r1 = 1\n"
                              "lock *(u64 *)(r0 + 0) += r1\n"
                              "r2 = r10\n"
                              "r2 += -4\n"
                              "r1 = map[cpus] ll\n"
                              "call bpf_map_lookup_elem\n"
                              "if r0 == 0 goto out\n"
                              "r1 = *(u64 *)(r0 + 0)\n"
                              "r1 += 1\n"
                              "*(u64 *)(r0 + 0) = r1\n"
                              "r2 = r10\n"
                              "r2 += -4\n"
                              "r1 = map[seen] ll\n"
                              "call bpf_map_lookup_elem\n"
                              "r0 = 2\n"
                              "r6 += 14\n"
                              "if r6 > r7 goto out\n"
                              "r1 = *(u8 *)(r6 - 14)\n"
                              "if r1 != 255 goto +1\n"
                              "r0 = 1\n"
                              "out:\n"
                              "exit\n";
static const char rejected[] = "r0 = r3\nexit\n";

struct heard {
    uint32_t count;
    struct sluice_diag last;
    char text[2048];
};

static void hear(void *ctx, const struct sluice_diag *diag)
{
    struct heard *h = ctx;

    h->count++;
    h->last = *diag;
    assert_true(sluice_diag_format(diag, h->text, sizeof(h->text)) > 0);
}

static struct sluice_sink sink_of(struct heard *h)
{
    return (struct sluice_sink){sizeof(struct sluice_sink), h, hear};
}

static const uint8_t plain[64] = {1}, bad[64] = {0xff};

static struct sluice_batch batch_of(const struct sluice_packet *packets,
                                    struct sluice_result *results, uint32_t count)
{
    return (struct sluice_batch){.size = sizeof(struct sluice_batch),
                                 .packets = packets,
                                 .results = results,
                                 .packet_size = sizeof(struct sluice_packet),
                                 .result_size = sizeof(struct sluice_result),
                                 .count = count};
}

/* --- objects, programs, executors --- */

static void test_sluice_object_lists_programs_and_maps(void **state)
{
    struct sluice_object *object = library_open(counter);
    struct sluice_program *p = sluice_object_find_program_by_name(object, "count");
    struct sluice_map *map = sluice_object_find_map_by_name(object, "cpus");

    (void)state;
    assert_string_equal(sluice_version(), "0.1.0");
    assert_ptr_equal(p, sluice_object_next_program(object, NULL));
    assert_null(sluice_object_next_program(object, p));
    assert_string_equal(sluice_program_name(p), "count");
    assert_string_equal(sluice_program_section(p), "xdp");
    assert_int_equal(sluice_program_id(p), 1);
    assert_true(sluice_program_insn_count(p) > 20);
    assert_int_equal(sluice_map_type(map), 6);
    assert_int_equal(sluice_map_key_size(map), 4);
    assert_int_equal(sluice_map_value_size(map), 8);
    assert_int_equal(sluice_map_max_entries(map), 1);
    assert_int_equal(sluice_map_map_flags(map), 0);
    assert_int_equal(sluice_map_values_size(map), 8 * sluice_num_possible_cpus());
    assert_int_equal(sluice_map_id(map), 3);
    assert_ptr_equal(sluice_object_next_map(object, sluice_object_next_map(object, NULL)),
                     sluice_object_find_map_by_name(object, "seen"));
    assert_null(sluice_object_next_map(object, map));
    assert_null(sluice_object_find_map_by_name(object, "nothing"));
    assert_null(sluice_object_find_program_by_name(object, "nothing"));
    sluice_object_close(object);
}

static void test_sluice_object_that_is_none_refused_with_its_reason(void **state)
{
    struct heard heard = {0};
    const struct sluice_sink sink = sink_of(&heard);
    struct sluice_object_opts opts = {.size = sizeof(opts), .sink = &sink, .name = "noise"};
    struct sluice_object *object = (void *)&heard;

    (void)state;
    assert_int_equal(sluice_object_open_memory("no ELF at all", 13, &opts, &object), -EINVAL);
    assert_ptr_equal(object, &heard);
    assert_int_equal(heard.count, 1);
    assert_non_null(strstr(heard.text, "noise: "));
    assert_int_equal(sluice_object_open("/no/such/file", &opts, &object), -ENOENT);
    assert_int_equal(heard.count, 2);
    assert_int_equal(sluice_object_open(NULL, NULL, &object), -EINVAL);
    assert_int_equal(sluice_object_open("x", NULL, NULL), -EINVAL);
    opts.size = 4;
    assert_int_equal(sluice_object_open("x", &opts, &object), -EINVAL);
    sluice_object_close(NULL);
}

static void test_sluice_options_of_another_header_taken_or_refused(void **state)
{
    struct {
        struct sluice_load_opts opts;
        uint64_t more;
    } newer = {.opts = {.size = sizeof(newer), .executor = "interp"}};
    size_t older[2] = {sizeof(older), 0};
    struct sluice_object *object = library_open(counter);
    struct sluice_program *p = sluice_object_next_program(object, NULL);
    struct sluice_loaded *loaded = NULL;
    struct {
        size_t size;
        uint64_t packets;
        uint64_t untouched;
    } few = {offsetof(struct sluice_stats, bytes_in), 9, 9};

    (void)state;
    assert_int_equal(sluice_load(p, &newer.opts, &loaded), 0);
    assert_int_equal(sluice_loaded_stats(loaded, (struct sluice_stats *)&few), 0);
    assert_int_equal(few.packets, 0);
    assert_int_equal(few.untouched, 9);
    sluice_unload(loaded);
    newer.more = 1;
    assert_int_equal(sluice_load(p, &newer.opts, &loaded), -E2BIG);
    newer.opts.size = 3;
    assert_int_equal(sluice_load(p, &newer.opts, &loaded), -EINVAL);
    assert_int_equal(sluice_program_verify(p, (struct sluice_sink *)older), 0);
    sluice_object_close(object);
}

static void test_sluice_rejected_program_told_with_instruction(void **state)
{
    struct sluice_object *object = library_open(rejected);
    struct sluice_program *p = sluice_object_next_program(object, NULL);
    struct heard heard = {0};
    const struct sluice_sink sink = sink_of(&heard);
    const struct sluice_load_opts opts = {.size = sizeof(opts), .sink = &sink};
    struct sluice_loaded *loaded = NULL;
    char reason[256];

    (void)state;
    assert_int_equal(sluice_program_verify(p, &sink), -EACCES);
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.last.severity, SLUICE_ERROR);
    assert_int_equal(heard.last.insn, 0);
    assert_non_null(strstr(heard.text, "instruction 0: error: "));
    assert_non_null(strstr(heard.text, "[VFY"));
    assert_int_equal(sluice_load(p, &opts, &loaded), -EACCES);
    assert_null(loaded);
    assert_int_equal(sluice_program_fits(p, "interp", reason, sizeof(reason)), -EACCES);
    assert_non_null(strstr(reason, "instruction 0"));
    assert_int_equal(sluice_program_verify(NULL, NULL), -EINVAL);
    sluice_object_close(object);
}

static void test_sluice_best_executor_is_first_that_fits(void **state)
{
    struct sluice_object *object = library_open(counter);
    struct sluice_program *p = sluice_object_next_program(object, NULL);
    struct sluice_executor_info info = {.size = sizeof(info)};
    struct heard heard = {0};
    const struct sluice_sink sink = sink_of(&heard);
    const char *name = NULL;
    char reason[100];
    uint32_t oracles = 0;

    (void)state;
    for (uint32_t i = 0; i < sluice_executor_count(); i++) {
        assert_int_equal(sluice_executor_info(i, &info), 0);
        assert_non_null(info.name);
        oracles += !!(info.flags & SLUICE_EXECUTOR_ORACLE);
    }
    assert_int_equal(oracles, 1);
    assert_int_equal(sluice_executor_info(sluice_executor_count(), &info), -ENOENT);
    assert_int_equal(sluice_program_best(p, NULL, &sink, &name), 0);
    assert_string_equal(name, "pipeline");
    assert_int_equal(sluice_program_best(p, "microcode,interp", &sink, &name), 0);
    assert_string_equal(name, "microcode");
    assert_int_equal(heard.count, 0);
    assert_int_equal(sluice_program_best(p, "abacus,interp", &sink, &name), -ENOENT);
    assert_int_equal(sluice_program_best(p, "interp,abacus", &sink, &name), -ENOENT);
    assert_non_null(strstr(heard.text, "there is no executor \"abacus\" [LIB0003]"));
    assert_int_equal(sluice_program_fits(p, "abacus", reason, sizeof(reason)), -ENOENT);
    assert_non_null(strstr(reason, "abacus"));
    assert_int_equal(sluice_program_fits(p, "interp,microcode", NULL, 0), -ENOENT);
    assert_int_equal(sluice_program_fits(p, "interp", NULL, 0), 0);
    assert_int_equal(sluice_program_best(p, "", &sink, &name), -ENOENT);
    sluice_object_close(object);
}

/* A walk over a hash fits no hardware: it is passed over, with the reason. */
static void test_sluice_executor_that_does_not_fit_passed_over_aloud(void **state)
{
    static const char walk[] = ".map m hash 4 8 4\n"
                               "r1 = map[m] ll\n"
                               "r2 = func[9] ll\n"
                               "r3 = 0\n"
                               "r4 = 0\n"
                               "call bpf_for_each_map_elem\n"
                               "r0 = 2\n"
                               "exit\n"
                               "r0 = 0\n"
                               "exit\n";
    struct heard heard = {0};
    const struct sluice_sink sink = sink_of(&heard);
    const struct sluice_load_opts opts = {.size = sizeof(opts), .sink = &sink};
    struct sluice_object *object = library_open(walk);
    struct sluice_loaded *loaded = NULL;
    const char *name = NULL;

    (void)state;
    assert_int_equal(
        sluice_program_best(sluice_object_next_program(object, NULL), NULL, &sink, &name), 0);
    assert_string_equal(name, "interp");
    assert_int_equal(heard.count, 2);
    assert_int_equal(heard.last.severity, SLUICE_NOTE);
    assert_string_equal(heard.last.code, "LIB0002");
    assert_non_null(strstr(heard.text, "does not fit microcode: instruction "));
    assert_int_equal(sluice_load(sluice_object_next_program(object, NULL), &opts, &loaded), 0);
    assert_string_equal(sluice_loaded_executor(loaded), "interp");
    sluice_unload(loaded);
    sluice_object_close(object);
}

/* --- running --- */

static void run_counter(const char *executor)
{
    struct sluice_object *object = library_open(counter);
    struct sluice_loaded *loaded = library_load(object, executor);
    struct sluice_map *counts = sluice_loaded_find_map_by_name(loaded, "counts");
    struct sluice_map *cpus = sluice_loaded_find_map_by_name(loaded, "cpus");
    const struct sluice_packet packets[] = {{.data = plain, .len = sizeof(plain)},
                                            {.data = bad, .len = 60, .queue = 2},
                                            {.data = plain, .len = 14, .queue = 2, .time_ns = 5}};
    struct sluice_result results[3];
    struct sluice_batch batch = batch_of(packets, results, 3);
    struct sluice_stats stats = {.size = sizeof(stats)};
    const uint32_t key = 0;
    uint64_t value = 0, each[8] = {0};

    sluice_object_close(object); /* what is loaded stays */
    assert_string_equal(sluice_loaded_executor(loaded), executor);
    assert_string_equal(sluice_loaded_name(loaded), "count");
    assert_int_equal(sluice_run(loaded, &batch), 0);
    assert_int_equal(batch.done, 3);
    assert_true(results[0].ret == 2 && results[1].ret == 1 && results[2].ret == 2);
    assert_true(results[0].len == 64 && results[1].len == 60 && results[2].len == 14);
    assert_memory_equal(results[0].data, plain, 64);
    assert_memory_equal(results[1].data, bad, 60);
    assert_memory_equal(results[2].data, plain, 14);
    assert_int_equal(sluice_map_lookup_elem(counts, &key, 4, &value, 8, 0), 0);
    assert_int_equal(value, 3);
    assert_int_equal(sluice_map_lookup_elem(cpus, &key, 4, each, 8 * sluice_num_possible_cpus(), 0),
                     0);
    assert_true(each[0] == 1 && each[1] == 0 && each[2] == 2);
    assert_int_equal(sluice_loaded_stats(loaded, &stats), 0);
    assert_true(stats.packets == 3 && stats.passed == 2 && stats.dropped == 1);
    assert_true(stats.bytes_in == 138 && stats.bytes_out == 78);
    assert_int_equal(stats.cycles != 0, strcmp(executor, "interp") != 0);
    sluice_unload(loaded);
}

static void test_sluice_load_without_what_it_is_told_to_read(void **state)
{
    struct heard heard = {0};
    const struct sluice_sink sink = sink_of(&heard);
    struct sluice_load_opts opts = {
        .size = sizeof(opts), .sink = &sink, .executor = "interp", .fib = "/no/such/file"};
    struct sluice_object *object = library_open(counter);
    struct sluice_program *p = sluice_object_next_program(object, NULL);
    struct sluice_loaded *loaded = NULL;

    (void)state;
    assert_true(sluice_load(p, &opts, &loaded) < 0);
    assert_string_equal(heard.last.code, "LIB0004");
    assert_non_null(strstr(heard.text, "/no/such/file"));
    opts.fib = NULL;
    opts.executor = "interp,abacus"; /* the first is opened, the second is never looked for */
    assert_int_equal(sluice_load(p, &opts, &loaded), 0);
    sluice_unload(loaded);
    opts.executor = "abacus";
    assert_int_equal(sluice_load(p, &opts, &loaded), -ENOENT);
    opts.executor = "";
    assert_int_equal(sluice_load(p, &opts, &loaded), -ENOENT);
    opts.executor = "interp";
    opts.queue = sluice_num_possible_cpus();
    assert_int_equal(sluice_load(p, &opts, &loaded), -EINVAL);
    assert_int_equal(sluice_load(NULL, NULL, &loaded), -EINVAL);
    assert_int_equal(sluice_load(p, NULL, NULL), -EINVAL);
    sluice_unload(NULL);
    sluice_object_close(object);
}

static void test_sluice_run_gives_verdicts_bytes_and_statistics(void **state)
{
    (void)state;
    run_counter("interp");
}

static void test_sluice_run_on_the_core_gives_the_same(void **state)
{
    (void)state;
    if (!has_core_model())
        skip_because("no model of the core in this build");
    run_counter("microcode");
}

static void test_sluice_batch_with_a_packet_that_cannot_be_run_does_not_run(void **state)
{
    struct sluice_object *object = library_open(counter);
    struct sluice_loaded *loaded = library_load(object, "interp");
    struct sluice_map *counts = sluice_loaded_find_map_by_name(loaded, "counts");
    struct sluice_packet packets[] = {{.data = plain, .len = 64}, {.data = plain, .len = 13}};
    struct heard heard = {0};
    const struct sluice_sink sink = sink_of(&heard);
    struct sluice_batch batch = batch_of(packets, NULL, 2);
    const uint32_t key = 0;
    uint64_t value = 7;

    (void)state;
    batch.sink = &sink;
    assert_int_equal(sluice_run(loaded, &batch), -EINVAL);
    assert_int_equal(batch.done, 0);
    assert_non_null(
        strstr(heard.text, "packet 1 of the batch (13 bytes, queue 0): a packet has 14 to 9216"));
    assert_string_equal(heard.last.code, "LIB0005");
    packets[1] = (struct sluice_packet){.data = plain, .len = 14, .queue = 4};
    assert_int_equal(sluice_run(loaded, &batch), -EINVAL);
    packets[1] = (struct sluice_packet){.data = NULL, .len = 14};
    assert_int_equal(sluice_run(loaded, &batch), -EINVAL);
    assert_non_null(strstr(heard.text, "it has no data"));
    batch.packet_size = 4;
    assert_int_equal(sluice_run(loaded, &batch), -EINVAL);
    assert_int_equal(sluice_map_lookup_elem(counts, &key, 4, &value, 8, 0), 0);
    assert_int_equal(value, 0);
    assert_int_equal(sluice_run(NULL, &batch), -EINVAL);
    assert_int_equal(sluice_run(loaded, NULL), -EINVAL);
    sluice_unload(loaded);
    sluice_object_close(object);
}

static void test_sluice_packets_and_results_of_other_headers(void **state)
{
    struct {
        struct sluice_packet p;
        uint64_t more;
    } newer[2] = {{{.data = plain, .len = 64}, 0}, {{.data = bad, .len = 64}, 0}};
    struct {
        uint32_t ret, len;
    } older[2];
    struct sluice_object *object = library_open(counter);
    struct sluice_loaded *loaded = library_load(object, "interp");
    struct sluice_batch batch = batch_of(&newer[0].p, (struct sluice_result *)older, 2);

    (void)state;
    batch.packet_size = sizeof(newer[0]);
    batch.result_size = sizeof(older[0]);
    assert_int_equal(sluice_run(loaded, &batch), 0);
    assert_true(older[0].ret == 2 && older[1].ret == 1 && older[1].len == 64);
    newer[1].more = 1;
    assert_int_equal(sluice_run(loaded, &batch), -E2BIG);
    sluice_unload(loaded);
    sluice_object_close(object);
}

static void test_sluice_device_info_of_software_refused(void **state)
{
    struct sluice_object *object = library_open(counter);
    struct sluice_loaded *loaded = library_load(object, "interp");
    struct sluice_device_info info = {.size = sizeof(info)};

    (void)state;
    assert_int_equal(sluice_loaded_device_info(loaded, &info), -ENODEV);
    assert_int_equal(sluice_loaded_device_info(NULL, &info), -EINVAL);
    sluice_unload(loaded);
    sluice_object_close(object);
}

static void test_sluice_device_info_says_what_the_device_is(void **state)
{
    const struct sluice_packet packet = {.data = plain, .len = 64};
    struct sluice_batch batch = batch_of(&packet, NULL, 1);
    struct sluice_device_info info = {.size = sizeof(info)};
    struct sluice_object *object;
    struct sluice_loaded *loaded;

    (void)state;
    if (!has_core_model())
        skip_because("no model of the core in this build");
    object = library_open(counter);
    loaded = library_load(object, "microcode");
    assert_int_equal(sluice_run(loaded, &batch), 0);
    assert_int_equal(sluice_loaded_device_info(loaded, &info), 0);
    assert_int_equal(info.id, 0x45434c53);
    assert_int_equal(info.kind, SLUICE_DEVICE_CORE);
    assert_true(info.packets_in == 1 && info.packets_out == 1 && info.rows > 0);
    sluice_unload(loaded);
    sluice_object_close(object);
}

/* --- events --- */

struct told {
    struct sluice_loaded *loaded;
    uint32_t count;
    uint64_t value, packet;
    int answer;
    int again; /* what a call from within gave */
};

static int take(void *ctx, const struct sluice_event *event)
{
    struct told *t = ctx;
    struct sluice_stats stats = {.size = sizeof(stats)};

    assert_int_equal(event->kind, SLUICE_EVENT_RINGBUF);
    assert_string_equal(event->map, "ring");
    assert_int_equal(event->data_len, 8);
    memcpy(&t->value, event->data, 8);
    t->packet = event->packet;
    t->count++;
    t->again = sluice_loaded_stats(t->loaded, &stats);
    return t->answer;
}

static void test_sluice_events_come_to_the_callback(void **state)
{
    static const char ring[] = ".map ring 27 0 0 4096\n"
                               "r1 = 77\n"
                               "*(u64 *)(r10 - 8) = r1\n"
                               "r1 = map[ring] ll\n"
                               "r2 = r10\n"
                               "r2 += -8\n"
                               "r3 = 8\n"
                               "r4 = 0\n"
                               "call bpf_ringbuf_output\n"
                               "r0 = 2\n"
                               "exit\n";
    struct heard heard = {0};
    const struct sluice_sink sink = sink_of(&heard);
    struct told told = {0};
    const struct sluice_load_opts opts = {
        .size = sizeof(opts), .executor = "interp", .event = take, .event_ctx = &told};
    const struct sluice_packet packets[] = {{.data = plain, .len = 64}, {.data = plain, .len = 64}};
    struct sluice_batch batch = batch_of(packets, NULL, 2);
    struct sluice_object *object = library_open(ring);
    struct sluice_stats stats = {.size = sizeof(stats)};
    uint64_t lost = 9;

    (void)state;
    assert_int_equal(sluice_load(sluice_object_next_program(object, NULL), &opts, &told.loaded), 0);
    assert_int_equal(sluice_run(told.loaded, &batch), 0);
    assert_true(told.count == 2 && told.value == 77 && told.packet == 1);
    assert_int_equal(told.again, -EDEADLK);
    assert_int_equal(sluice_loaded_stats(told.loaded, &stats), 0);
    assert_int_equal(stats.events, 2);
    assert_int_equal(sluice_map_lost(sluice_loaded_find_map_by_name(told.loaded, "ring"), &lost),
                     0);
    assert_int_equal(lost, 0);
    told.answer = -ECANCELED;
    batch.sink = &sink;
    assert_int_equal(sluice_run(told.loaded, &batch), -ECANCELED);
    assert_int_equal(batch.done, 0);
    assert_string_equal(heard.last.code, "LIB0006");
    assert_non_null(strstr(heard.text, "the run ended at packet 0: Operation canceled"));
    sluice_unload(told.loaded);
    sluice_object_close(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sluice_object_lists_programs_and_maps),
        cmocka_unit_test(test_sluice_object_that_is_none_refused_with_its_reason),
        cmocka_unit_test(test_sluice_options_of_another_header_taken_or_refused),
        cmocka_unit_test(test_sluice_rejected_program_told_with_instruction),
        cmocka_unit_test(test_sluice_best_executor_is_first_that_fits),
        cmocka_unit_test(test_sluice_executor_that_does_not_fit_passed_over_aloud),
        cmocka_unit_test(test_sluice_load_without_what_it_is_told_to_read),
        cmocka_unit_test(test_sluice_run_gives_verdicts_bytes_and_statistics),
        cmocka_unit_test(test_sluice_run_on_the_core_gives_the_same),
        cmocka_unit_test(test_sluice_batch_with_a_packet_that_cannot_be_run_does_not_run),
        cmocka_unit_test(test_sluice_packets_and_results_of_other_headers),
        cmocka_unit_test(test_sluice_device_info_of_software_refused),
        cmocka_unit_test(test_sluice_device_info_says_what_the_device_is),
        cmocka_unit_test(test_sluice_events_come_to_the_callback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
