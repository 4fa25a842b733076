/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/common/library_maps.h"
#include "tests/device/device.h"

#include <errno.h>
#include <string.h>

/* A device whose slot becomes a pipeline, and a core again. It is built, which takes its time. */

#define LOOK LIBRARY_LOOK

/* What a pipeline has, and what it has not. */
static const char counts[] = ".program counts\n.map array array 4 8 3\n.map hash hash 4 12 6\n"
                             "r8 = 0\n*(u64 *)(r10 - 8) = r8\n" LOOK("hash", "bpf_map_lookup_elem")
                                 LIBRARY_COUNT "r0 = 2\nexit\n";
static const char reads[] = ".program reads\nr1 = 49\n*(u64 *)(r10 - 8) = r1\nr1 = r10\n"
                            "r1 += -8\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -16\n"
                            "call bpf_strtol\nr0 = 2\nexit\n";

/* Where a program runs, by all that tells it, and that packets come there. */
static void runs_on(struct sluice_port *port, struct sluice_loaded *l, const char *executor,
                    uint32_t kind)
{
    struct sluice_device_info device = {.size = sizeof(device)};
    struct sluice_port_info info = {.size = sizeof(info)};

    assert_string_equal(sluice_loaded_executor(l), executor);
    assert_int_equal(sluice_loaded_device_info(l, &device), 0);
    assert_int_equal(device.kind, kind);
    assert_int_equal(sluice_port_info(port, &info), 0);
    assert_string_equal(info.executor, executor);
    assert_int_equal(info.kind, kind);
    device_wait_for_more(sluice_loaded_find_map_by_name(l, "array"), 0);
}

static void test_pipeline_comes_and_goes_with_its_maps(void **state)
{
    const struct sluice_swap_opts migrate = {.size = sizeof(migrate), .flags = SLUICE_SWAP_MIGRATE};
    struct sluice_swap_result done = {.size = sizeof(done)};
    struct device_heard heard = {0};
    struct sluice_port *port = device_open("0", &heard);
    struct sluice_loaded *core = device_load(port, counts),
                         *pipe = device_load_on(port, counts, "pipeline");
    struct sluice_loaded *unfit = device_load_on(port, reads, "pipeline");
    uint64_t value[2] = {5, 6}, counted = 0;

    (void)state;
    assert_int_equal(sluice_port_attach(port, core), 0);
    for (uint32_t key = 0; key < 4; key++) {
        struct sluice_loaded *from = key % 2 ? pipe : core, *to = key % 2 ? core : pipe;
        struct sluice_map *hash = sluice_loaded_find_map_by_name(from, "hash");

        runs_on(port, from, key % 2 ? "pipeline" : "microcode",
                key % 2 ? SLUICE_DEVICE_PIPELINE : SLUICE_DEVICE_CORE);
        assert_int_equal(sluice_map_update_elem(hash, &key, 4, value, 12, 0), 0);
        assert_true(device_array_at(sluice_loaded_find_map_by_name(from, "array"), 0) > counted);
        counted = device_array_at(sluice_loaded_find_map_by_name(from, "array"), 0);
        assert_int_equal(sluice_port_swap(port, to, NULL, &done), -EXDEV);
        assert_non_null(strstr(heard.text, "becomes another one"));
        assert_int_equal(sluice_port_swap(port, unfit, &migrate, &done), -EOPNOTSUPP);
        assert_non_null(strstr(heard.text, "bpf_strtol"));
        assert_int_equal(sluice_port_swap(port, to, &migrate, &done), 0);
        assert_true(!done.in_place && done.moved == 2 && !done.stayed && !done.fresh);
        hash = sluice_loaded_find_map_by_name(to, "hash");
        for (uint32_t k = 0; k <= key; k++)
            assert_int_equal(sluice_map_lookup_elem(hash, &k, 4, value, 12, 0), 0);
    }
    assert_int_equal(sluice_port_detach(port), 0);
    assert_int_equal(sluice_port_attach(port, pipe), 0); /* in place of no program */
    assert_true(device_array_at(sluice_loaded_find_map_by_name(pipe, "array"), 0) < counted);
    runs_on(port, pipe, "pipeline", SLUICE_DEVICE_PIPELINE);
    assert_int_equal(sluice_port_detach(port), 0);
    sluice_port_close(port);
    sluice_unload(core);
    sluice_unload(pipe);
    sluice_unload(unfit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipeline_comes_and_goes_with_its_maps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
