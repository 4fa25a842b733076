/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/ctl/kernel_patch.h"
#include "hw/spec/gen/helpers.h"
#include "hw/spec/gen/xdp.h"
#include "nic_runtime/vm.h"
#include "tests/common/insn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The patched program, instruction by instruction, and run: in the interpreter, with the hidden map
 * as its last map, it gives what the program gives unpatched. */

enum { ENV_FD = 1, TIME_SLOTS = 3, RAND_SLOTS = 13 };

#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof((a)[0])))

static struct ebpf_insn *patch(const struct ebpf_insn *insns, uint32_t count, const uint8_t *fields,
                               uint32_t *out_count)
{
    static const int maps[] = {40, 41};
    const struct kernel_fds fds = {maps, 2, ENV_FD, false, {0}, 0};
    struct ebpf_insn *out = NULL;
    uint32_t bad;

    assert_int_equal(kernel_patch(insns, count, fields, &fds, &out, out_count, &bad), 0);
    return out;
}

static int patch_error(const struct ebpf_insn *insns, uint32_t count, uint32_t *bad)
{
    static const int maps[] = {40, 41};
    const struct kernel_fds fds = {maps, 2, ENV_FD, false, {0}, 0};
    struct ebpf_insn *out = NULL;
    uint32_t out_count;

    return kernel_patch(insns, count, NULL, &fds, &out, &out_count, bad);
}

static void expect(const struct ebpf_insn *got, struct ebpf_insn wanted)
{
    assert_memory_equal(got, &wanted, sizeof(wanted));
}

static void test_kernel_patch_plain_program_unchanged(void **state)
{
    const struct ebpf_insn insns[] = {MOV_K(0, 1), JMP_K(JEQ, 0, 1, 1), MOV_K(0, 2), CALL(23),
                                      EXIT()};
    uint32_t count;
    struct ebpf_insn *out = patch(insns, COUNT(insns), NULL, &count);

    (void)state;
    assert_int_equal(count, COUNT(insns));
    assert_memory_equal(out, insns, sizeof(insns));
    free(out);
}

static void test_kernel_patch_map_indices_become_descriptors(void **state)
{
    const struct ebpf_insn insns[] = {LD_MAP(1, 1), LD_MAP_VALUE(2, 0, 12), LD_IMM64(3, 1), EXIT()};
    uint32_t count;
    struct ebpf_insn *out = patch(insns, COUNT(insns), NULL, &count);

    (void)state;
    assert_int_equal(count, COUNT(insns));
    assert_int_equal(out[0].imm, 41);
    assert_int_equal(out[2].imm, 40);
    assert_int_equal(out[3].imm, 12);
    assert_int_equal(out[4].imm, 1);
    free(out);
}

static void test_kernel_patch_jumps_over_and_to_replaced_calls(void **state)
{
    const struct ebpf_insn insns[] = {
        JMP_K(JEQ, 1, 0, 2), /* 0 -> 3, over the call of 2 */
        GOTO(0),             /* 1 -> 2, to the call itself */
        CALL(SPEC_HELPER_KTIME_GET_NS),
        JMP32_K(JNE, 0, 0, -2), /* 3 -> 2 */
        GOTOL(-3),              /* 4 -> 2 */
        GOTOL(0),               /* 5 -> 6 */
        EXIT(),
    };
    uint32_t count;
    struct ebpf_insn *out = patch(insns, COUNT(insns), NULL, &count);

    (void)state;
    assert_int_equal(count, COUNT(insns) + TIME_SLOTS - 1);
    expect(&out[0], JMP_K(JEQ, 1, 0, 4));
    expect(&out[1], GOTO(0));
    assert_int_equal(out[2].opcode, 0x18);
    expect(&out[4], LDX(DW, 0, 0, 0));
    expect(&out[5], JMP32_K(JNE, 0, 0, -4));
    expect(&out[6], GOTOL(-5));
    expect(&out[7], GOTOL(0));
    free(out);
}

static void test_kernel_patch_calls_of_functions_follow(void **state)
{
    const struct ebpf_insn insns[] = {
        CALL(SPEC_HELPER_GET_PRANDOM_U32),
        CALL_FUNC(2), /* 1 -> 4 */
        EXIT(),
        EXIT(),
        LD_IMM64_AS(EBPF_PSEUDO_FUNC, 1, 7, 0), /* names instruction 7 */
        CALL(SPEC_HELPER_GET_PRANDOM_U32),
        CALL_FUNC(-4), /* 7 -> 4 */
        EXIT(),
    };
    const uint32_t more = RAND_SLOTS - 1;
    uint32_t count;
    struct ebpf_insn *out = patch(insns, COUNT(insns), NULL, &count);

    (void)state;
    assert_int_equal(count, COUNT(insns) + 2 * more);
    expect(&out[1 + more], CALL_FUNC(2));
    assert_int_equal(out[4 + more].imm, 2 + (int)more); /* from there to 7 + 2 * more */
    expect(&out[7 + 2 * more], CALL_FUNC(-4 - (int)more));
    free(out);
}

static void test_kernel_patch_context_field_uses_destination_only(void **state)
{
    const struct ebpf_insn insns[] = {LDX(W, 5, 5, 12), LDX(W, 2, 1, 16), LDSX(W, 3, 1, 12),
                                      LDX(W, 4, 1, 0), EXIT()};
    const uint8_t fields[] = {SPEC_CTX_INGRESS_IFINDEX, SPEC_CTX_RX_QUEUE_INDEX,
                              SPEC_CTX_INGRESS_IFINDEX, SPEC_CTX_DATA, 0};
    uint32_t count;
    struct ebpf_insn *out = patch(insns, COUNT(insns), fields, &count);

    (void)state;
    assert_int_equal(count, 3 + 3 + 4 + 1 + 1);
    assert_int_equal(out[0].dst, 5);
    assert_int_equal(out[0].src, EBPF_PSEUDO_MAP_VALUE);
    assert_int_equal(out[0].imm, ENV_FD);
    assert_int_equal(out[1].imm, offsetof(struct kernel_env, ifindex));
    expect(&out[2], LDX(W, 5, 5, 0));
    assert_int_equal(out[4].imm, offsetof(struct kernel_env, queue));
    expect(&out[5], LDX(W, 2, 2, 0));
    expect(&out[9], insn(0xbf, 3, 3, 32, 0)); /* sign-extended as asked for */
    expect(&out[10], LDX(W, 4, 1, 0));
    free(out);
}

static void test_kernel_patch_bad_programs_refused(void **state)
{
    const struct ebpf_insn map[] = {EXIT(), LD_MAP(1, 2)};
    const struct ebpf_insn outside[] = {EXIT(), GOTO(0)};
    const struct ebpf_insn before[] = {GOTO(-2)};
    const struct ebpf_insn half[] = {GOTO(1), LD_IMM64(1, 0), EXIT()};
    const struct ebpf_insn cut[] = {EXIT(), insn(0x18, 0, 0, 0, 0)};
    const struct ebpf_insn call[] = {CALL_FUNC(5), EXIT()};
    uint32_t bad = 99;

    (void)state;
    assert_int_equal(patch_error(map, COUNT(map), &bad), -EINVAL);
    assert_int_equal(bad, 1);
    assert_int_equal(patch_error(outside, COUNT(outside), &bad), -EINVAL);
    assert_int_equal(bad, 1);
    assert_int_equal(patch_error(before, COUNT(before), &bad), -EINVAL);
    assert_int_equal(bad, 0);
    assert_int_equal(patch_error(half, COUNT(half), &bad), -EINVAL);
    assert_int_equal(bad, 0);
    assert_int_equal(patch_error(cut, COUNT(cut), &bad), -EINVAL);
    assert_int_equal(bad, 1);
    assert_int_equal(patch_error(call, COUNT(call), &bad), -EINVAL);
    assert_int_equal(bad, 0);
}

static void test_kernel_patch_jump_too_long_refused(void **state)
{
    enum { N = 20000 };
    struct ebpf_insn *insns = calloc(N, sizeof(*insns));
    uint32_t bad = 99;

    (void)state;
    insns[0] = JMP_K(JEQ, 1, 0, N - 2);
    for (uint32_t i = 1; i < N - 1; i++)
        insns[i] = CALL(SPEC_HELPER_KTIME_GET_NS);
    insns[N - 1] = EXIT();
    assert_int_equal(patch_error(insns, N, &bad), -ERANGE);
    assert_int_equal(bad, 0);
    free(insns);
}

/* ---- run ---------------------------------------------------------------------------------------
 */

static uint64_t seed;

static uint32_t below(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

enum { LENGTH = 40 };

/* Inputs are mixed into r6, with jumps in both directions and a function in between; r7 counts
 * down, so that loops end. */
static uint32_t make_program(struct ebpf_insn *p, uint8_t *fields)
{
    static const int32_t helpers[] = {SPEC_HELPER_KTIME_GET_NS, SPEC_HELPER_GET_PRANDOM_U32,
                                      SPEC_HELPER_GET_SMP_PROCESSOR_ID};
    uint32_t n = 0;

    p[n++] = MOV_X(8, 1);
    p[n++] = MOV_K(6, 1);
    p[n++] = MOV_K(7, 30);
    while (n < LENGTH) {
        switch (below(6)) {
        case 0:
            p[n++] = CALL(helpers[below(3)]);
            p[n++] = ALU64_X(ADD, 6, 0);
            break;
        case 1:
            fields[n] = below(2) ? SPEC_CTX_INGRESS_IFINDEX : SPEC_CTX_RX_QUEUE_INDEX;
            p[n] = LDX(W, 9, 8, fields[n]);
            n++;
            p[n++] = ALU64_X(XOR, 6, 9);
            break;
        case 2: /* back to any instruction but the first three, while r7 lasts */
            p[n++] = ALU64_K(SUB, 7, 1);
            p[n] = JMP_K(JSGT, 7, 0, -(int)below(n - 3) - 1);
            n++;
            break;
        case 3:
            p[n++] = ALU64_K(MUL, 6, 31);
            p[n++] = JMP_K(JSET, 6, 1 << below(8), (int)below(4));
            break;
        case 4:
            p[n] = CALL_FUNC((int)(LENGTH + 8 - n - 1));
            n++;
            p[n++] = ALU64_X(ADD, 6, 0);
            break;
        default:
            p[n++] = GOTO((int)below(3));
            break;
        }
    }
    while (n < LENGTH + 6)
        p[n++] = ALU64_K(ADD, 6, 3);
    p[n++] = MOV_X(0, 6);
    p[n++] = EXIT();
    p[n++] = CALL(SPEC_HELPER_GET_PRANDOM_U32); /* the function */
    p[n++] = EXIT();
    return n;
}

static void test_kernel_patch_result_runs_alike(void **state)
{
    static uint8_t buf[SPEC_PKT_JUMBO_END];
    const struct map_def def = {"env", SPEC_MAP_ARRAY, 4, sizeof(struct kernel_env), 1, 0, 0};
    const char *why;
    const size_t bytes = (map_size_bytes(&def, &why) + 63) & ~(size_t)63;
    void *memory = aligned_alloc(64, bytes);
    const uint8_t data[64] = {0};
    struct map *maps[1];
    uint32_t compared = 0;

    (void)state;
    memset(memory, 0, bytes);
    maps[0] = map_init(memory, &def);
    for (uint64_t i = 1; i <= 2000; i++) {
        const struct kernel_env env = {
            .time_ns = i << 33 | i, .rand = (uint32_t)i, .cpu = 3, .ifindex = 77, .queue = 3};
        const struct kernel_fds fds = {NULL, 0, 0, false, {0}, 0};
        struct ebpf_insn insns[LENGTH + 16], *patched;
        uint8_t fields[LENGTH + 16] = {0};
        struct vm_program program = {insns, 0, maps, 1};
        struct vm_packet packet = {.time_ns = env.time_ns, .ifindex = 77, .queue = 3};
        struct vm_result one, two;
        const uint32_t key = 0;
        uint32_t at, count;

        seed = i;
        program.insn_count = make_program(insns, fields);
        packet.rand = env.rand;
        vm_packet_init(&packet, buf, data, sizeof(data));
        assert_int_equal(
            kernel_patch(insns, program.insn_count, fields, &fds, &patched, &count, &at), 0);
        if (vm_run(&program, &packet, 100000, &one, &at)) { /* ran into an endless loop */
            free(patched);
            continue;
        }
        assert_int_equal(map_host_update(maps[0], &key, &env, 0), 0);
        program = (struct vm_program){patched, count, maps, 1};
        assert_int_equal(vm_run(&program, &packet, 0, &two, &at), VM_FAULT_NONE);
        assert_int_equal(one.ret, two.ret);
        compared++;
        free(patched);
    }
    assert_true(compared > 1000);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernel_patch_plain_program_unchanged),
        cmocka_unit_test(test_kernel_patch_map_indices_become_descriptors),
        cmocka_unit_test(test_kernel_patch_jumps_over_and_to_replaced_calls),
        cmocka_unit_test(test_kernel_patch_calls_of_functions_follow),
        cmocka_unit_test(test_kernel_patch_context_field_uses_destination_only),
        cmocka_unit_test(test_kernel_patch_bad_programs_refused),
        cmocka_unit_test(test_kernel_patch_jump_too_long_refused),
        cmocka_unit_test(test_kernel_patch_result_runs_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
