/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/common/library_maps.h"
#include "tests/common/text_object.h"
#include "tests/device/device.h"

#include <errno.h>
#include <glob.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The library on a device of a process that runs (tests/e2e/test_device.py starts it): the socket
 * is SLUICE_TEST_SOCKET, the device net_sluice0, on whose wire packets go round and round. Tests
 * begin and end without a program. */

#define LOOK LIBRARY_LOOK

/* The same maps; counts in array[1]. */
static const char other[] = ".program other\n" LIBRARY_MAPS LIBRARY_LOOK_AT_ALL
                            "r8 = 1\n*(u64 *)(r10 - 8) = r8\n" LIBRARY_COUNT "r0 = 2\nexit\n";
/* A program that looks at key 0 of its map. */
#define AT_KEY_0(program, map, type, helper)                                                       \
    ".program " program "\n.map " map " " type "\nr1 = 0\n"                                        \
    "*(u64 *)(r10 - 8) = r1\n" LOOK(map, helper) "r0 = 2\nexit\n"

/* An array of another size. */
static const char larger[] = AT_KEY_0("larger", "array", "array 4 8 4", "bpf_map_lookup_elem");
static const char table[] = AT_KEY_0("table", "table", "hash 4 16 140", "bpf_map_lookup_elem");
static const char wide[] = AT_KEY_0("wide", "wide", "hash 4 600 4", "bpf_map_lookup_elem");
static const char bloom[] = AT_KEY_0("bloom", "seen", "bloom_filter 0 8 64", "bpf_map_peek_elem");
static const char rejected[] = ".program rejected\nr0 = *(u64 *)(r1 + 100)\nexit\n";

static int open_bench(void **state)
{
    *state = device_open("net_sluice0", NULL);
    return 0;
}

static int close_bench(void **state)
{
    const int err = sluice_port_detach(*state);
    glob_t left = {0};
    char lent[4096];

    sluice_port_close(*state);
    /* what was lent has been taken back */
    snprintf(lent, sizeof(lent), "%s/sluice-*.o", getenv("TMPDIR"));
    return (err && err != -ENOENT) || glob(lent, 0, NULL, &left) != GLOB_NOMATCH;
}

/* --- which devices there are --- */

static void test_devices_are_listed_and_opened(void **state)
{
    const struct sluice_device_list_opts list = {.size = sizeof(list),
                                                 .socket = getenv("SLUICE_TEST_SOCKET")};
    struct sluice_port_info infos[3], one = {.size = sizeof(one)};
    struct sluice_port_opts opts = {
        .size = sizeof(opts), .device = "net_sluice7", .socket = list.socket};
    struct device_heard heard = {0};
    const struct sluice_sink sink = {sizeof(sink), &heard, device_hear};
    struct sluice_port *port = NULL;
    uint32_t count = 3;

    memset(infos, 0xee, sizeof(infos));
    assert_int_equal(sluice_device_list(&list, infos, sizeof(infos[0]), &count), 0);
    assert_int_equal(count, 2);
    assert_string_equal(infos[0].name, "net_sluice0");
    assert_string_equal(infos[1].name, "net_sluice1");
    assert_int_equal(infos[2].size, (size_t)0xeeeeeeeeeeeeeeee);
    count = 1;
    assert_int_equal(sluice_device_list(&list, infos, 24, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(sluice_port_info(*state, &one), 0);
    assert_string_equal(one.name, "net_sluice0");
    assert_string_equal(sluice_port_name(*state), "net_sluice0");
    assert_string_equal(one.socket, list.socket);
    assert_string_equal(one.program, "");
    assert_string_equal(one.executor, "");
    assert_int_equal(one.kind, SLUICE_DEVICE_CORE);
    assert_int_equal(one.started, 1);
    assert_int_equal(strlen(one.mac), 17);
    assert_true(one.cores >= 1 && one.version && one.link_count == 2 && one.links_up == 3);
    assert_true(one.rx_queues == 1 && one.rx_rings >= 1 && one.mtu == 1500 && one.time_ns);
    opts.sink = &sink;
    assert_int_equal(sluice_port_open(&opts, &port), -ENODEV);
    assert_string_equal(heard.code, "LIB0012");
    opts.device = "";
    assert_int_equal(sluice_port_open(&opts, &port), -ENOTUNIQ);
    opts.device = "1";
    assert_int_equal(sluice_port_open(&opts, &port), 0);
    assert_string_equal(sluice_port_name(port), "net_sluice1");
    sluice_port_close(port);
    opts.file_prefix = "nosuch-process";
    opts.socket = NULL;
    assert_int_equal(sluice_port_open(&opts, &port), -ENOENT);
}

/* --- programs --- */

static void test_programs_are_attached_and_detached(void **state)
{
    struct sluice_port *port = *state, *second = device_open("0", NULL);
    struct sluice_loaded *a = device_load(port, LIBRARY_COUNTER), *b = device_load(second, other);
    struct sluice_port_info info = {.size = sizeof(info)};
    struct sluice_device_info device = {.size = sizeof(device)};
    struct sluice_stats stats = {.size = sizeof(stats)};
    struct sluice_map *map = sluice_loaded_find_map_by_name(a, "array");
    uint64_t value;

    assert_null(sluice_loaded_executor(a));
    assert_int_equal(sluice_map_lookup_elem(map, "\0\0\0", 4, &value, 8, 0), -EBADF);
    assert_int_equal(sluice_port_detach(port), -ENOENT);
    assert_int_equal(sluice_port_swap(port, a, NULL, NULL), -ENOENT);
    assert_int_equal(sluice_port_attach(port, b), -EINVAL);
    assert_int_equal(sluice_loaded_device_info(a, &device), -ENODEV);
    assert_int_equal(sluice_port_attach(port, a), 0);
    assert_string_equal(sluice_loaded_executor(a), "microcode");
    assert_int_equal(sluice_port_attach(port, a), -EBUSY);
    assert_int_equal(sluice_port_attach(second, b), -EBUSY);
    assert_int_equal(sluice_port_replace(port, a, NULL), -EBUSY);
    device_wait_for_more(map, 0);
    assert_int_equal(sluice_port_info(second, &info), 0);
    assert_string_equal(info.program, "count");
    assert_string_equal(info.executor, "microcode");
    assert_string_equal(info.section, "xdp");
    assert_true(info.maps == 7 && info.instructions > 20 && info.generation);
    assert_int_equal(sluice_loaded_device_info(a, &device), 0);
    assert_true(device.id == 0x45434c53 && device.kind == SLUICE_DEVICE_CORE && device.packets_in);
    assert_int_equal(sluice_port_stats(port, &stats), 0);
    assert_true(stats.passed > 20 && stats.packets >= stats.passed && stats.bytes_in > 20 * 14);
    assert_int_equal(sluice_loaded_stats(a, &stats), -EOPNOTSUPP);
    assert_int_equal(sluice_port_run(port, &(struct sluice_batch){0}), -EOPNOTSUPP);
    assert_int_equal(sluice_run(a, &(struct sluice_batch){0}), -EOPNOTSUPP);
    assert_int_equal(sluice_port_detach(second), 0); /* whoever attached it */
    assert_int_equal(sluice_map_lookup_elem(map, "\0\0\0", 4, &value, 8, 0), -EBADF);
    assert_int_equal(sluice_port_detach(port), -ENOENT);
    assert_int_equal(sluice_port_attach(second, b), 0);
    assert_int_equal(sluice_port_info(port, &info), 0);
    assert_string_equal(info.program, "other");
    sluice_port_close(second); /* the program stays */
    assert_int_equal(sluice_port_info(port, &info), 0);
    assert_string_equal(info.program, "other");
    sluice_unload(b);
    sluice_unload(a);
}

static void test_maps_are_kept_under_traffic(void **state)
{
    const struct sluice_swap_opts migrate = {.size = sizeof(migrate), .flags = SLUICE_SWAP_MIGRATE};
    struct sluice_swap_result done = {.size = sizeof(done)};
    struct sluice_port *port = *state;
    struct sluice_loaded *a = device_load(port, LIBRARY_COUNTER), *b = device_load(port, other);
    struct sluice_loaded *c = device_load(port, larger);
    struct sluice_map *array, *hash, *of_a = sluice_loaded_find_map_by_name(a, "hash");
    uint32_t key = 7;
    uint64_t value[2] = {5, 6}, counted;

    assert_int_equal(sluice_port_attach(port, a), 0);
    array = sluice_port_find_map_by_name(port, "array");
    hash = sluice_port_find_map_by_name(port, "hash");
    assert_null(sluice_port_find_map_by_name(port, "nothing"));
    assert_int_equal(sluice_map_max_entries(hash), 6);
    assert_int_equal(sluice_map_update_elem(of_a, &key, 4, value, 12, 0), 0);
    device_wait_for_more(array, 0);
    for (uint32_t i = 0; i < 6; i++) {
        struct sluice_loaded *next = i % 2 ? a : b;

        counted = device_array_at(array, 0) + device_array_at(array, 1);
        assert_int_equal(sluice_port_swap(port, next, NULL, &done), 0);
        assert_true(done.in_place && done.stayed == 6 && !done.moved && done.fresh == i % 2);
        device_wait_for_more(array, !(i % 2));
        assert_true(device_array_at(array, 0) + device_array_at(array, 1) > counted);
        assert_int_equal(sluice_map_lookup_elem(hash, &key, 4, value, 12, 0), 0);
        assert_int_equal(value[0], 5);
    }
    assert_int_equal(sluice_map_lookup_elem(of_a, &key, 4, value, 12, 0), 0);
    assert_int_equal(sluice_port_swap(port, c, NULL, &done), -EXDEV);
    assert_non_null(sluice_port_find_map_by_name(port, "hash"));
    assert_int_equal(sluice_port_swap(port, c, &migrate, &done), 0);
    assert_true(!done.in_place && done.fresh == 1);
    assert_int_equal(sluice_map_lookup_elem(of_a, &key, 4, value, 12, 0), -EBADF);
    assert_int_equal(sluice_map_lookup_elem(hash, &key, 4, value, 12, 0), -EBADF);
    assert_int_equal(sluice_map_lookup_elem(array, &key, 4, value, 8, 0), -ENXIO);
    assert_int_equal(sluice_port_replace(port, a, NULL), 0);
    assert_int_equal(sluice_map_lookup_elem(hash, &key, 4, value, 12, 0), -ENOENT);
    sluice_unload(a);
    sluice_unload(b);
    sluice_unload(c);
}

static void test_what_is_not_a_devices_is_refused(void **state)
{
    const struct sluice_map_size sizes[] = {{"slots", 299, 0}};
    const struct sluice_object_opts sized = {
        .size = sizeof(sized), .map_sizes = sizes, .map_size_count = 1};
    struct device_heard heard = {0};
    const struct sluice_sink sink = {sizeof(sink), &heard, device_hear};
    struct sluice_object *object = library_open(other), *bad = library_open(rejected);
    struct sluice_program *p = sluice_object_next_program(object, NULL);
    struct sluice_load_opts opts = {.size = sizeof(opts), .sink = &sink, .port = *state};
    struct sluice_load_opts some[] = {opts, opts, opts, opts};
    struct sluice_port *software;
    struct sluice_loaded *l = NULL;

    some[0].executor = "microcode,interp";
    some[1].seed = 1;
    some[2].fib = "fib.json";
    some[3].event = (int (*)(void *, const struct sluice_event *))(uintptr_t)1;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(sluice_load(p, &some[i], &l), -EOPNOTSUPP);
        assert_string_equal(heard.code, "LIB0010");
    }
    assert_int_equal(sluice_load(sluice_object_next_program(bad, NULL), &opts, &l), -EACCES);
    assert_int_equal(strncmp(heard.code, "VFY", 3), 0);
    assert_int_equal(sluice_port_open(NULL, &software), 0);
    opts.port = software;
    assert_int_equal(sluice_load(p, &opts, &l), -EINVAL);
    opts.port = *state;
    assert_int_equal(sluice_load(p, &opts, &l), 0);
    assert_int_equal(sluice_port_attach(software, l), -EINVAL);
    sluice_unload(l);
    sluice_port_close(software);
    sluice_object_close(object);
    sluice_object_close(bad);
    /* sizes have no place in an object of several programs */
    assert_int_equal(sluice_object_open(getenv("SLUICE_TEST_SLOTS"), &sized, &object), 0);
    assert_int_equal(sluice_load(sluice_object_find_program_by_name(object, "picks"), &opts, &l),
                     -EOPNOTSUPP);
    assert_string_equal(heard.code, "LIB0011");
    sluice_object_close(object);
}

/* Nothing of what was said of an object gets lost on its way. */
static void test_altered_objects_arrive_as_they_are(void **state)
{
    const struct sluice_map_size sizes[] = {{"hash", 2, 0}};
    const struct sluice_object_opts opts = {
        .size = sizeof(opts), .map_sizes = sizes, .map_size_count = 1};
    const struct sluice_load_opts load = {.size = sizeof(load), .port = *state};
    const uint64_t drop = 1; /* from here on no packet is left */
    struct sluice_object *object = NULL;
    struct sluice_loaded *l = NULL;
    struct sluice_map *map;
    uint64_t value[2] = {0};
    size_t bytes;
    void *data = text_object(LIBRARY_COUNTER, &bytes);

    assert_int_equal(sluice_object_open_memory(data, bytes, &opts, &object), 0);
    free(data);
    map = sluice_object_find_map_by_name(object, ".rodata");
    assert_int_equal(sluice_map_set_initial_value(map, &drop, 8), 0);
    assert_int_equal(sluice_load(sluice_object_next_program(object, NULL), &load, &l), 0);
    assert_int_equal(sluice_port_attach(*state, l), 0);
    map = sluice_port_find_map_by_name(*state, ".rodata");
    assert_int_equal(device_array_at(map, 0), 1);
    map = sluice_port_find_map_by_name(*state, "hash");
    assert_int_equal(sluice_map_max_entries(map), 2);
    for (uint32_t key = 0; key < 3; key++)
        assert_int_equal(sluice_map_update_elem(map, &key, 4, value, 12, 0), key < 2 ? 0 : -E2BIG);
    assert_int_equal(sluice_port_detach(*state), 0);
    sluice_unload(l);
    sluice_object_close(object);
}

static void write_file(const char *path, const void *data, size_t bytes)
{
    FILE *f = fopen(path, "w");

    assert_int_equal(fwrite(data, 1, bytes, f), bytes);
    assert_int_equal(fclose(f), 0);
}

/* The process reads the file, unless that is another one than was opened and verified. */
static void test_files_that_change_are_not_what_runs(void **state)
{
    const struct sluice_load_opts load = {.size = sizeof(load), .port = *state};
    struct sluice_port_info info = {.size = sizeof(info)};
    char path[] = "/tmp/device-client-XXXXXX";
    size_t bytes, changed_bytes;
    void *data = text_object(other, &bytes), *changed = text_object(larger, &changed_bytes);

    assert_true(mkstemp(path) >= 0);
    for (uint32_t i = 0; i < 2; i++) {
        struct sluice_object *object = NULL;
        struct sluice_loaded *l = NULL;

        write_file(path, data, bytes);
        assert_int_equal(sluice_object_open(path, NULL, &object), 0);
        assert_int_equal(sluice_load(sluice_object_next_program(object, NULL), &load, &l), 0);
        if (i)
            write_file(path, changed, changed_bytes);
        assert_int_equal(sluice_port_attach(*state, l), 0);
        assert_int_equal(sluice_port_info(*state, &info), 0);
        assert_string_equal(info.program, "other");
        assert_int_equal(!strcmp(info.path, path), !i);
        assert_int_equal(sluice_port_detach(*state), 0);
        sluice_unload(l);
        sluice_object_close(object);
    }
    unlink(path);
    free(data);
    free(changed);
}

static void test_programs_run_where_they_are_to(void **state)
{
    struct sluice_device_info device = {.size = sizeof(device)};
    struct sluice_port_info info = {.size = sizeof(info)};
    struct sluice_loaded *host = device_load_on(*state, LIBRARY_COUNTER, "interp");
    struct sluice_loaded *core = device_load(*state, LIBRARY_COUNTER);

    assert_int_equal(sluice_port_attach(*state, host), 0);
    assert_string_equal(sluice_loaded_executor(host), "interp");
    assert_int_equal(sluice_loaded_device_info(host, &device), -ENODEV);
    assert_int_equal(sluice_port_info(*state, &info), 0);
    assert_true(!strcmp(info.executor, "interp") && *info.reason);
    device_wait_for_more(sluice_loaded_find_map_by_name(host, "array"), 0);
    assert_int_equal(sluice_port_replace(*state, core, NULL), 0);
    assert_string_equal(sluice_loaded_executor(core), "microcode");
    sluice_unload(host);
    sluice_unload(core);
}

/* --- maps --- */

static void test_maps_give_what_bpf_gives(void **state)
{
    struct sluice_loaded *l = device_load(*state, LIBRARY_COUNTER);

    assert_int_equal(sluice_port_attach(*state, l), 0);
    library_use_maps(l);
    sluice_unload(l);
}

static void test_batches_and_walks_are_whole(void **state)
{
    enum { COUNT = 140 };
    struct sluice_loaded *l = device_load(*state, table);
    uint32_t *keys = calloc(COUNT + 1, 4), key, count = COUNT, i = 0;
    uint64_t(*values)[2] = calloc(COUNT + 1, 16);
    struct sluice_map *map;
    int err;

    assert_int_equal(sluice_port_attach(*state, l), 0);
    map = sluice_port_find_map_by_name(*state, "table");
    for (i = 0; i <= COUNT; i++) {
        keys[i] = 1000 + i * 7;
        values[i][0] = values[i][1] = ~(uint64_t)i;
    }
    assert_int_equal(sluice_map_update_batch(map, keys, values, &count, BPF_NOEXIST), 0);
    assert_int_equal(count, COUNT);
    count = COUNT + 1;
    assert_int_equal(sluice_map_update_batch(map, keys, values, &count, BPF_ANY), -E2BIG);
    assert_int_equal(count, COUNT);
    memset(values, 0, (COUNT + 1) * sizeof(*values));
    count = COUNT + 1;
    assert_int_equal(sluice_map_lookup_batch(map, NULL, keys, values, &count), -ENOENT);
    assert_int_equal(count, COUNT);
    err = sluice_map_get_next_key(map, NULL, &key, 4);
    for (i = 0; !err; i++) {
        assert_int_equal(key, keys[i]);
        assert_true(values[i][1] == ~(uint64_t)((key - 1000) / 7));
        err = sluice_map_get_next_key(map, &key, &key, 4);
    }
    assert_int_equal(err, -ENOENT);
    assert_int_equal(i, COUNT);
    count = COUNT;
    assert_int_equal(sluice_map_lookup_batch(map, &keys[9], keys, values, &count), -ENOENT);
    assert_int_equal(count, COUNT - 10);
    count = 100;
    assert_int_equal(sluice_map_delete_batch(map, keys, &count), 0);
    count = 60;
    assert_int_equal(sluice_map_delete_batch(map, keys + 50, &count), -ENOENT);
    assert_int_equal(count, 0);
    sluice_unload(l);
    free(keys);
    free(values);
}

static void test_filters_and_large_values(void **state)
{
    struct sluice_loaded *filter = device_load(*state, bloom), *large = device_load(*state, wide);
    uint64_t value = 77, absent = 78;
    uint8_t bytes[600] = {0};
    struct sluice_map *map;

    assert_int_equal(sluice_port_attach(*state, filter), 0);
    map = sluice_port_find_map_by_name(*state, "seen");
    assert_int_equal(sluice_map_update_elem(map, NULL, 0, &value, 8, 0), 0);
    assert_int_equal(sluice_map_lookup_elem(map, NULL, 0, &value, 8, 0), 0);
    assert_int_equal(sluice_map_lookup_elem(map, NULL, 0, &absent, 8, 0), -ENOENT);
    assert_int_equal(sluice_map_lookup_and_delete_elem(map, NULL, 0, &value, 8, 0), -EOPNOTSUPP);
    assert_int_equal(sluice_port_detach(*state), 0);
    assert_int_equal(sluice_port_attach(*state, large), 0);
    map = sluice_port_find_map_by_name(*state, "wide");
    assert_int_equal(sluice_map_update_elem(map, "\0\0\0", 4, bytes, 600, 0), -EMSGSIZE);
    assert_int_equal(sluice_map_lookup_elem(map, "\0\0\0", 4, bytes, 600, 0), -ENOENT);
    sluice_unload(filter);
    sluice_unload(large);
}

/* Programs in a prog_array are told by their ids to the port that attached their program. */
static void test_programs_in_maps_go_by_their_ids(void **state)
{
    const struct sluice_load_opts load = {.size = sizeof(load), .port = *state};
    struct sluice_object *object = NULL;
    struct sluice_port *second = device_open("0", NULL);
    struct sluice_loaded *l = NULL;
    struct sluice_map *map;
    uint32_t keys[8], values[8], count = 8, id;

    assert_int_equal(sluice_object_open(getenv("SLUICE_TEST_SLOTS"), NULL, &object), 0);
    id = sluice_program_id(sluice_object_find_program_by_name(object, "sends"));
    assert_int_equal(sluice_load(sluice_object_find_program_by_name(object, "picks"), &load, &l),
                     0);
    assert_int_equal(sluice_port_attach(*state, l), 0);
    map = sluice_port_find_map_by_name(*state, "slots");
    assert_int_equal(sluice_map_lookup_batch(map, NULL, keys, values, &count), -ENOENT);
    assert_int_equal(count, 3);
    assert_true(keys[0] == 3 && keys[1] == 4 && keys[2] == 200);
    assert_true(values[0] == id && values[1] == id && values[2] == id);
    assert_int_equal(sluice_map_lookup_elem(map, &keys[2], 4, values, 4, 0), 0);
    assert_int_equal(values[0], id);
    assert_int_equal(sluice_map_update_elem(map, &keys[2], 4, values, 4, 0), -EOPNOTSUPP);
    map = sluice_port_find_map_by_name(second, "slots");
    assert_int_equal(sluice_map_lookup_elem(map, &keys[2], 4, values, 4, 0), -EOPNOTSUPP);
    sluice_port_close(second);
    sluice_unload(l);
    sluice_object_close(object);
}

/* --- the end --- */

/* Uses maps until the process is killed from outside. */
static int use_until_it_dies(void)
{
    struct device_heard heard = {0};
    struct sluice_port *port = device_open("net_sluice0", &heard);
    struct sluice_loaded *l = device_load(port, table);
    uint32_t key = 0;
    uint64_t value[2];
    int err = sluice_port_attach(port, l);

    printf("attached %d\n", err);
    fflush(stdout);
    while (!err || err == -ENOENT)
        err = sluice_map_lookup_elem(sluice_loaded_find_map_by_name(l, "table"), &key, 4, value, 16,
                                     0);
    printf("%s %s\n", strerror(-err), heard.text);
    printf("%s\n", strerror(-sluice_port_detach(port)));
    sluice_unload(l);
    sluice_port_close(port);
    return 0;
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)
    const struct CMUnitTest tests[] = {
        TEST(test_devices_are_listed_and_opened),
        TEST(test_programs_are_attached_and_detached),
        TEST(test_maps_are_kept_under_traffic),
        TEST(test_programs_run_where_they_are_to),
        TEST(test_what_is_not_a_devices_is_refused),
        TEST(test_altered_objects_arrive_as_they_are),
        TEST(test_files_that_change_are_not_what_runs),
        TEST(test_maps_give_what_bpf_gives),
        TEST(test_batches_and_walks_are_whole),
        TEST(test_filters_and_large_values),
        TEST(test_programs_in_maps_go_by_their_ids),
    };

    (void)argv;
    return argc > 1 ? use_until_it_dies() : cmocka_run_group_tests(tests, NULL, NULL);
}
