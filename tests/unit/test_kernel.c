/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/ctl/kernel.h"
#include "hw/spec/gen/limits.h"
#include "hw/spec/gen/xdp.h"
#include "tests/common/insn.h"
#include "tests/common/skip.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* The kernel executor's own promises; its results are compared in test_vm_kernel and
 * test_helper_kernel. Skipped where the kernel refuses bpf(). */

#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof((a)[0])))

static struct load_prog prog_of(struct ebpf_insn *insns, uint32_t count)
{
    return (struct load_prog){.name = "p", .insns = insns, .insn_count = count};
}

/* Opens, or skips the test if there is no bpf(). */
static struct kernel *open_kernel(const struct load_object *object, const struct load_prog *prog,
                                  uint32_t queue)
{
    char why[KERNEL_WHY_BYTES];
    struct kernel *k = NULL;

    if (kernel_open(object, prog, NULL, queue, &k, why)) {
        if (strstr(why, "bpf()"))
            skip_because("%s", why);
        fail_msg("%s", why);
    }
    return k;
}

static struct kernel_result run_one(struct kernel *k, uint32_t len)
{
    static uint8_t bytes[SPEC_PKT_LINEAR_BYTES];
    char why[KERNEL_WHY_BYTES] = "";
    struct kernel_result result = {0};

    if (kernel_begin(k, why) ||
        kernel_run(k, &(struct kernel_packet){bytes, len, 5, 1, 1, 0}, &result, why))
        fail_msg("%s", why);
    kernel_end(k);
    return result;
}

static void test_kernel_packet_of_wrong_length_refused(void **state)
{
    static const uint8_t bytes[SPEC_PKT_MAX_BYTES];
    static const uint32_t wrong[] = {0, 13, SPEC_PKT_LINEAR_BYTES + 1, SPEC_PKT_MAX_BYTES};
    struct ebpf_insn insns[] = {MOV_K(0, 2), EXIT()};
    const struct load_object object = {.license = "GPL"};
    const struct load_prog prog = prog_of(insns, COUNT(insns));
    struct kernel *k = open_kernel(&object, &prog, 0);
    struct kernel_result result;
    char why[KERNEL_WHY_BYTES];

    (void)state;
    assert_int_equal(kernel_begin(k, why), 0);
    for (uint32_t i = 0; i < COUNT(wrong); i++) {
        why[0] = 0;
        assert_int_equal(
            kernel_run(k, &(struct kernel_packet){bytes, wrong[i], 0, 1, 1, 0}, &result, why),
            -ENOTSUP);
        assert_non_null(strstr(why, "14 to 3520 bytes"));
    }
    kernel_end(k);
    assert_int_equal(run_one(k, SPEC_PKT_LINEAR_BYTES).len, SPEC_PKT_LINEAR_BYTES);
    assert_int_equal(run_one(k, SPEC_PKT_MIN_BYTES).ret, SPEC_XDP_PASS);
    kernel_close(k);
}

static void test_kernel_program_with_fragments_runs(void **state)
{
    struct ebpf_insn insns[] = {MOV_K(0, 2), EXIT()};
    const struct load_object object = {.license = "GPL"};
    struct load_prog prog = prog_of(insns, COUNT(insns));
    struct kernel *k;

    (void)state;
    prog.frags = true;
    k = open_kernel(&object, &prog, 0);
    assert_int_equal(run_one(k, SPEC_PKT_LINEAR_BYTES).ret, SPEC_XDP_PASS);
    kernel_close(k);
}

static void test_kernel_rejected_program_gives_end_of_log(void **state)
{
    struct ebpf_insn insns[] = {MOV_K(0, 0), LDX(W, 2, 1, SPEC_CTX_DATA), LDX(B, 0, 2, 0), EXIT()};
    struct ebpf_insn fine[] = {MOV_K(0, 2), EXIT()};
    const struct load_object object = {.license = "GPL"};
    const struct load_prog good = prog_of(fine, COUNT(fine));
    const struct load_prog bad = prog_of(insns, COUNT(insns));
    struct kernel *k = open_kernel(&object, &good, 0);
    char why[KERNEL_WHY_BYTES];

    (void)state;
    kernel_close(k);
    assert_int_equal(kernel_open(&object, &bad, NULL, 0, &k, why), -ENOTSUP);
    assert_non_null(strstr(why, "verifier rejects"));
    assert_non_null(strstr(why, "invalid access to packet"));
    assert_null(strchr(why, '\n'));
}

static void test_kernel_map_that_linux_refuses_named(void **state)
{
    struct ebpf_insn insns[] = {MOV_K(0, 2), EXIT()};
    struct load_map map = {"wrong", ".maps", LOAD_MAP_BTF, SPEC_MAP_ARRAY, 8, 8, 1, 0, NULL, NULL};
    const struct load_object none = {.license = "GPL"};
    const struct load_object object = {.license = "GPL", .maps = &map, .map_count = 1};
    const struct load_prog prog = prog_of(insns, COUNT(insns));
    struct kernel *k = open_kernel(&none, &prog, 0);
    char why[KERNEL_WHY_BYTES];

    (void)state;
    kernel_close(k);
    assert_int_equal(kernel_open(&object, &prog, NULL, 0, &k, why), -ENOTSUP);
    assert_non_null(strstr(why, "wrong"));
}

static void test_kernel_read_only_data_are_constants_for_the_verifier(void **state)
{
    /* The loop's bound is read-only data: with its contents known the verifier takes the program,
     * and an access that another value would make is never looked at. */
    struct ebpf_insn insns[] = {
        LD_MAP_VALUE(2, 0, 4), LDX(W, 3, 2, 0), MOV_K(0, 0), JMP_K(JEQ, 3, 77, 1),
        JMP_K(JNE, 3, 5, 2),   MOV_X(0, 3),     EXIT(),      MOV_K(2, 0),
        LDX(DW, 0, 2, 0),      EXIT(),
    };
    const uint32_t data[2] = {1, 5}, other[2] = {1, 77};
    struct load_map map = {".rodata", ".rodata", LOAD_MAP_RODATA, SPEC_MAP_ARRAY,        4,
                           8,         1,         1 << 7,          (const uint8_t *)data, NULL};
    const struct load_object object = {.license = "GPL", .maps = &map, .map_count = 1};
    const struct load_prog prog = prog_of(insns, COUNT(insns));
    struct kernel *k = open_kernel(&object, &prog, 0);
    const uint32_t key = 0;
    uint32_t got[2] = {0};

    (void)state;
    assert_int_equal(run_one(k, 64).ret, 5);
    assert_int_equal(kernel_map_update(k, 0, &key, data, SPEC_MAP_FLAG_ANY),
                     0); /* the same again */
    assert_int_equal(run_one(k, 64).ret, 5);
    assert_int_equal(kernel_map_update(k, 0, &key, other, SPEC_MAP_FLAG_ANY), 0);
    assert_int_equal(run_one(k, 64).ret, 77);
    assert_int_equal(kernel_map_lookup(k, 0, &key, got), 0);
    assert_memory_equal(got, other, sizeof(other));
    kernel_close(k);
}

static void test_kernel_data_map_starts_with_its_section(void **state)
{
    struct ebpf_insn insns[] = {LD_MAP_VALUE(2, 0, 0), LDX(W, 0, 2, 0), ST(W, 2, 0, 9), EXIT()};
    const uint8_t data[8] = {3};
    struct load_map map = {".data", ".data", LOAD_MAP_DATA, SPEC_MAP_ARRAY, 4, 8, 1, 0, data, NULL};
    const struct load_object object = {.license = "GPL", .maps = &map, .map_count = 1};
    const struct load_prog prog = prog_of(insns, COUNT(insns));
    struct kernel *k = open_kernel(&object, &prog, 0);

    (void)state;
    assert_int_equal(run_one(k, 64).ret, 3);
    assert_int_equal(run_one(k, 64).ret, 9);
    kernel_close(k);
}

/* Adds 1 to the value of key 0, or makes the entry. */
enum { COUNT_PROGRAM = 22 };

static void count_program(struct ebpf_insn out[COUNT_PROGRAM])
{
    const struct ebpf_insn insns[COUNT_PROGRAM] = {
        ST(W, 10, -4, 0),
        LD_MAP(1, 0),
        MOV_X(2, 10),
        ALU64_K(ADD, 2, -4),
        CALL(1),
        JMP_K(JEQ, 0, 0, 4),
        MOV_K(1, 1),
        ATOMIC(DW, 0, 0, 1, 0),
        MOV_K(0, 2),
        EXIT(),
        ST(DW, 10, -16, 50),
        LD_MAP(1, 0),
        MOV_X(2, 10),
        ALU64_K(ADD, 2, -4),
        MOV_X(3, 10),
        ALU64_K(ADD, 3, -16),
        MOV_K(4, 0),
        CALL(2),
        MOV_K(0, 1),
        EXIT(),
    };

    memcpy(out, insns, sizeof(insns));
}

static void test_kernel_percpu_slots_beside_the_queue_stay(void **state)
{
    struct ebpf_insn insns[COUNT_PROGRAM];
    struct load_map map = {"m", ".maps", LOAD_MAP_BTF, 0, 4, 8, 2, 0, NULL, NULL};
    const struct load_object object = {.license = "GPL", .maps = &map, .map_count = 1};
    const struct load_prog prog = prog_of(insns, COUNT(insns));
    const uint32_t types[] = {SPEC_MAP_PERCPU_ARRAY, SPEC_MAP_PERCPU_HASH};

    (void)state;
    count_program(insns);
    for (uint32_t t = 0; t < 2; t++) {
        for (uint32_t queue = 0; queue < SPEC_QUEUES; queue++) {
            uint64_t values[SPEC_QUEUES] = {10, 20, 30, 40};
            const uint32_t key = 0;
            struct kernel *k;

            map.type = types[t];
            k = open_kernel(&object, &prog, queue);
            assert_int_equal(kernel_map_update(k, 0, &key, values, SPEC_MAP_FLAG_ANY), 0);
            assert_int_equal(run_one(k, 64).ret, 2);
            assert_int_equal(kernel_map_lookup(k, 0, &key, values), 0);
            for (uint32_t q = 0; q < SPEC_QUEUES; q++)
                assert_int_equal(values[q], 10 * (q + 1) + (q == queue));
            kernel_close(k);
        }
    }
}

static void test_kernel_percpu_hash_entry_of_program_is_zero_elsewhere(void **state)
{
    struct ebpf_insn insns[COUNT_PROGRAM];
    struct load_map map = {"m", ".maps", LOAD_MAP_BTF, SPEC_MAP_PERCPU_HASH, 4, 8, 2,
                           0,   NULL,    NULL};
    const struct load_object object = {.license = "GPL", .maps = &map, .map_count = 1};
    const struct load_prog prog = prog_of(insns, COUNT(insns));
    uint64_t values[SPEC_QUEUES] = {1, 1, 1, 1};
    const uint32_t key = 0;
    struct kernel *k;

    (void)state;
    count_program(insns);
    k = open_kernel(&object, &prog, 2);
    assert_int_equal(run_one(k, 64).ret, 1);
    assert_int_equal(kernel_map_lookup(k, 0, &key, values), 0);
    assert_true(values[0] == 0 && values[1] == 0 && values[2] == 50 && values[3] == 0);
    kernel_close(k);
}

static void test_kernel_xskmap_entry_refused_when_run(void **state)
{
    struct ebpf_insn insns[] = {MOV_K(0, 2), EXIT()};
    struct load_map map = {"xsks", ".maps", LOAD_MAP_BTF, SPEC_MAP_XSKMAP, 4, 4, 4, 0, NULL, NULL};
    const struct load_object object = {.license = "GPL", .maps = &map, .map_count = 1};
    const struct load_prog prog = prog_of(insns, COUNT(insns));
    struct kernel *k = open_kernel(&object, &prog, 0);
    const uint32_t key = 1, none = 0, some = 4;
    char why[KERNEL_WHY_BYTES];

    (void)state;
    assert_int_equal(kernel_map_update(k, 0, &key, &none, SPEC_MAP_FLAG_ANY), 0);
    assert_int_equal(run_one(k, 64).ret, SPEC_XDP_PASS);
    assert_int_equal(kernel_map_update(k, 0, &key, &some, SPEC_MAP_FLAG_ANY), 0);
    assert_int_equal(kernel_begin(k, why), -ENOTSUP);
    assert_non_null(strstr(why, "xsks"));
    assert_non_null(strstr(why, "AF_XDP"));
    kernel_close(k);
}

static void test_kernel_map_errors_passed_on(void **state)
{
    struct ebpf_insn insns[] = {MOV_K(0, 2), EXIT()};
    struct load_map map = {"m", ".maps", LOAD_MAP_BTF, SPEC_MAP_HASH, 4, 8, 1, 0, NULL, NULL};
    const struct load_object object = {.license = "GPL", .maps = &map, .map_count = 1};
    const struct load_prog prog = prog_of(insns, COUNT(insns));
    struct kernel *k = open_kernel(&object, &prog, 0);
    const uint32_t one = 1, two = 2;
    uint64_t value = 7;

    (void)state;
    assert_int_equal(kernel_map_update(k, 0, &one, &value, SPEC_MAP_FLAG_ANY), 0);
    assert_int_equal(kernel_map_update(k, 0, &two, &value, SPEC_MAP_FLAG_ANY), -E2BIG);
    assert_int_equal(kernel_map_lookup(k, 0, &two, &value), -ENOENT);
    kernel_close(k);
}

static void test_kernel_leaves_affinity_as_it_was(void **state)
{
    struct ebpf_insn insns[] = {MOV_K(0, 2), EXIT()};
    const struct load_object object = {.license = "GPL"};
    const struct load_prog prog = prog_of(insns, COUNT(insns));
    struct kernel *k = open_kernel(&object, &prog, 0);
    cpu_set_t before, after;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
    run_one(k, 64);
    assert_int_equal(sched_getaffinity(0, sizeof(after), &after), 0);
    assert_true(CPU_EQUAL(&before, &after));
    kernel_close(k);
    kernel_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernel_packet_of_wrong_length_refused),
        cmocka_unit_test(test_kernel_program_with_fragments_runs),
        cmocka_unit_test(test_kernel_rejected_program_gives_end_of_log),
        cmocka_unit_test(test_kernel_map_that_linux_refuses_named),
        cmocka_unit_test(test_kernel_read_only_data_are_constants_for_the_verifier),
        cmocka_unit_test(test_kernel_data_map_starts_with_its_section),
        cmocka_unit_test(test_kernel_percpu_slots_beside_the_queue_stay),
        cmocka_unit_test(test_kernel_percpu_hash_entry_of_program_is_zero_elsewhere),
        cmocka_unit_test(test_kernel_xskmap_entry_refused_when_run),
        cmocka_unit_test(test_kernel_map_errors_passed_on),
        cmocka_unit_test(test_kernel_leaves_affinity_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
