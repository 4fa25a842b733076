/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nic_runtime/vm.h"
#include "tests/common/insn.h"

#include <stdlib.h>
#include <string.h>

/* What the comparison with Linux (test_vm_kernel) can't show: faults, frames, bounds, the seeds. */

enum { MAP_VALUE_BYTES = 12, MAP_ENTRIES = 4, PKT_LEN = 64 };

static uint8_t buf[SPEC_PKT_JUMBO_END];

/* Runs a program on a packet of PKT_LEN bytes 0, 1, 2, ... */
static enum vm_fault run_packet(const struct ebpf_insn *insns, uint32_t count,
                                struct map *const *maps, uint32_t map_count,
                                struct vm_packet *packet, struct vm_result *result, uint32_t *at)
{
    const struct vm_program program = {insns, count, maps, map_count};
    uint8_t bytes[PKT_LEN];

    for (uint32_t i = 0; i < PKT_LEN; i++)
        bytes[i] = (uint8_t)i;
    *packet = (struct vm_packet){.rand = 1, .ifindex = 7, .egress = 9, .queue = 2, .time_ns = 99};
    vm_packet_init(packet, buf, bytes, PKT_LEN);
    return vm_run(&program, packet, 1000, result, at);
}

static void expect_fault(const struct ebpf_insn *insns, uint32_t count, enum vm_fault fault,
                         uint32_t where)
{
    struct vm_packet packet;
    struct vm_result result;
    uint32_t at = UINT32_MAX;

    assert_int_equal(run_packet(insns, count, NULL, 0, &packet, &result, &at), fault);
    assert_int_equal(at, where);
}

static void expect_ret(const struct ebpf_insn *insns, uint32_t count, uint32_t ret)
{
    struct vm_packet packet;
    struct vm_result result;
    uint32_t at = 0;

    assert_int_equal(run_packet(insns, count, NULL, 0, &packet, &result, &at), VM_FAULT_NONE);
    assert_int_equal(result.ret, ret);
}

#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof((a)[0])))
#define FAULT(fault, where, ...)                                                                   \
    do {                                                                                           \
        const struct ebpf_insn insns[] = {__VA_ARGS__};                                            \
        expect_fault(insns, COUNT(insns), fault, where);                                           \
    } while (0)
#define RET(ret, ...)                                                                              \
    do {                                                                                           \
        const struct ebpf_insn insns[] = {__VA_ARGS__};                                            \
        expect_ret(insns, COUNT(insns), ret);                                                      \
    } while (0)

static void test_vm_opcode_unknown_faults(void **state)
{
    static const uint8_t unknown[] = {0x00, 0x20, 0x40, 0x8d, 0xe5, 0xf5, 0xe7,
                                      0xdf, 0x86, 0x96, 0x99, 0xc3, 0xcb, 0x01};

    (void)state;
    for (uint32_t i = 0; i < COUNT(unknown); i++) /* 2 is no atomic operation */
        FAULT(VM_FAULT_OPCODE, 0, insn(unknown[i], 0, 0, 0, 2), EXIT());
    FAULT(VM_FAULT_OPCODE, 0, insn(0xb7, 11, 0, 0, 0), EXIT());
    FAULT(VM_FAULT_OPCODE, 0, insn(0xbf, 0, 12, 0, 0), EXIT());
    FAULT(VM_FAULT_OPCODE, 0, insn(0xbf, 0, 1, 24, 0), EXIT()); /* MOVSX of 24 bits */
    FAULT(VM_FAULT_OPCODE, 0, insn(0xbc, 0, 1, 32, 0), EXIT()); /* MOVSX32 in 32 bits */
    FAULT(VM_FAULT_OPCODE, 0, insn(0xd7, 0, 0, 0, 8), EXIT());  /* swap of 8 bits */
    FAULT(VM_FAULT_OPCODE, 0, insn(0x07, 0, 0, 1, 8), EXIT());  /* add with an offset */
}

static void test_vm_jump_outside_faults(void **state)
{
    (void)state;
    FAULT(VM_FAULT_JUMP, 0, GOTO(5), EXIT());
    FAULT(VM_FAULT_JUMP, 0, GOTO(-2), EXIT());
    FAULT(VM_FAULT_JUMP, 0, GOTOL(INT32_MAX), EXIT());
    FAULT(VM_FAULT_JUMP, 0, MOV_K(0, 1)); /* falls off the end */
    FAULT(VM_FAULT_OPCODE, 0, insn(0x18, 0, 0, 0, 0));
    FAULT(VM_FAULT_OPCODE, 2, GOTO(1), LD_IMM64(0, 0), EXIT());
}

static void test_vm_endless_loop_stops_at_budget(void **state)
{
    (void)state;
    FAULT(VM_FAULT_BUDGET, 0, GOTO(-1));
}

static void test_vm_packet_access_outside_faults(void **state)
{
    (void)state;
    RET(0x3f, LDX(W, 2, 1, SPEC_CTX_DATA), LDX(B, 0, 2, PKT_LEN - 1), EXIT());
    FAULT(VM_FAULT_MEMORY, 1, LDX(W, 2, 1, SPEC_CTX_DATA), LDX(B, 0, 2, PKT_LEN), EXIT());
    FAULT(VM_FAULT_MEMORY, 1, LDX(W, 2, 1, SPEC_CTX_DATA), LDX(DW, 0, 2, PKT_LEN - 7), EXIT());
    FAULT(VM_FAULT_MEMORY, 1, LDX(W, 2, 1, SPEC_CTX_DATA), STX(B, 2, -1, 2), EXIT());
    FAULT(VM_FAULT_MEMORY, 1, LDX(W, 2, 1, SPEC_CTX_DATA_END), ST(B, 2, 0, 0), EXIT());
    FAULT(VM_FAULT_MEMORY, 1, MOV_K(2, 0), LDX(DW, 0, 2, 0), EXIT());
    FAULT(VM_FAULT_MEMORY, 1, MOV_K(2, -4), LDX(DW, 0, 2, 0), EXIT());
}

static void test_vm_stack_access_outside_frames_faults(void **state)
{
    (void)state;
    RET(0, LDX(DW, 0, 10, -512), EXIT());
    FAULT(VM_FAULT_MEMORY, 0, LDX(DW, 0, 10, -520), EXIT());
    FAULT(VM_FAULT_MEMORY, 0, STX(B, 10, 0, 0), EXIT());
    FAULT(VM_FAULT_MEMORY, 0, STX(DW, 10, -4, 0), EXIT()); /* would span two frames */
    /* a callee writes its caller's frame through a pointer */
    RET(77, MOV_X(1, 10), CALL_FUNC(2), LDX(DW, 0, 10, -8), EXIT(), ST(DW, 1, -8, 77), MOV_K(0, 0),
        EXIT());
    /* a caller that keeps a pointer to its callee's frame */
    FAULT(VM_FAULT_MEMORY, 1, CALL_FUNC(2), ST(DW, 0, -8, 77), EXIT(), MOV_X(0, 10), EXIT());
}

static void test_vm_context_access_but_fields_faults(void **state)
{
    (void)state;
    RET(7, LDX(W, 0, 1, SPEC_CTX_INGRESS_IFINDEX), EXIT());
    RET(2, LDX(W, 0, 1, SPEC_CTX_RX_QUEUE_INDEX), EXIT());
    RET(9, LDX(W, 0, 1, SPEC_CTX_EGRESS_IFINDEX), EXIT());
    RET(7, LDSX(W, 0, 1, SPEC_CTX_INGRESS_IFINDEX), EXIT());
    RET(PKT_LEN, LDX(W, 0, 1, SPEC_CTX_DATA_END), LDX(W, 2, 1, SPEC_CTX_DATA), ALU64_X(SUB, 0, 2),
        EXIT());
    RET(0, LDX(W, 0, 1, SPEC_CTX_DATA_META), LDX(W, 2, 1, SPEC_CTX_DATA), ALU64_X(SUB, 0, 2),
        EXIT());
    FAULT(VM_FAULT_MEMORY, 0, LDX(W, 0, 1, 2), EXIT());
    FAULT(VM_FAULT_MEMORY, 0, LDX(DW, 0, 1, 0), EXIT());
    FAULT(VM_FAULT_MEMORY, 0, LDX(B, 0, 1, 0), EXIT());
    FAULT(VM_FAULT_MEMORY, 0, LDX(W, 0, 1, 24), EXIT());
    FAULT(VM_FAULT_MEMORY, 0, ST(W, 1, SPEC_CTX_RX_QUEUE_INDEX, 0), EXIT());
}

static void test_vm_calls_keep_frames_apart(void **state)
{
    (void)state;
    /* r6 to r9 and r10 come back; the callee's stack is its own and zero */
    RET(15, MOV_K(6, 5), ST(DW, 10, -8, 10), CALL_FUNC(3), LDX(DW, 0, 10, -8), ALU64_X(ADD, 0, 6),
        EXIT(), MOV_K(6, 1), LDX(DW, 0, 10, -8), ST(DW, 10, -8, 3), EXIT());
    /* a function that calls itself: seven calls fit beside the program, the eighth does not */
    RET(6, MOV_K(0, 0), MOV_K(1, 6), CALL_FUNC(1), EXIT(), JMP_K(JEQ, 1, 0, 3), ALU64_K(SUB, 1, 1),
        ALU64_K(ADD, 0, 1), CALL_FUNC(-4), EXIT());
    FAULT(VM_FAULT_CALL, 7, MOV_K(0, 0), MOV_K(1, 7), CALL_FUNC(1), EXIT(), JMP_K(JEQ, 1, 0, 3),
          ALU64_K(SUB, 1, 1), ALU64_K(ADD, 0, 1), CALL_FUNC(-4), EXIT());
    FAULT(VM_FAULT_CALL, 0, CALL(9), EXIT());
    FAULT(VM_FAULT_CALL, 0, CALL(-1), EXIT());
    FAULT(VM_FAULT_CALL, 0, CALL(100000), EXIT());
}

static struct map *make_map(uint32_t flags, void **memory)
{
    const struct map_def def = {"m", SPEC_MAP_ARRAY, 4, MAP_VALUE_BYTES, MAP_ENTRIES, flags, 0};
    const char *why;
    const size_t bytes = (map_size_bytes(&def, &why) + 63) & ~(size_t)63;

    *memory = aligned_alloc(64, bytes);
    memset(*memory, 0, bytes);
    return map_init(*memory, &def);
}

static void test_vm_map_value_access_outside_value_faults(void **state)
{
    const struct ebpf_insn programs[][8] = {
        {LD_MAP_VALUE(2, 0, 0), LDX(W, 0, 2, 8), EXIT()},
        {LD_MAP_VALUE(2, 0, 0), LDX(W, 0, 2, 9), EXIT()},  /* into the padding */
        {LD_MAP_VALUE(2, 0, 0), LDX(B, 0, 2, 12), EXIT()}, /* the padding itself */
        {LD_MAP_VALUE(2, 0, 0), LDX(B, 0, 2, 16), EXIT()}, /* another entry's first byte */
        {LD_MAP_VALUE(2, 0, 0), LDX(B, 0, 2, -1), EXIT()},
        {LD_MAP_VALUE(2, 0, 0), ST(B, 2, 0, 1), EXIT()},
        {LD_MAP_VALUE(2, 1, 0), ST(B, 2, 0, 1), EXIT()}, /* read-only */
        {LD_MAP_VALUE(2, 1, 0), LDX(B, 0, 2, 0), EXIT()},
        {LD_MAP_VALUE(2, 1, 0), LDX(B, 0, 2, 0), ATOMIC(W, 2, 0, 0, 0), EXIT()},
        {LD_MAP_VALUE(2, 2, 0), EXIT()}, /* no such map */
        {LD_MAP(2, 2), EXIT()},
        {LD_MAP(2, 0), LDX(B, 0, 2, 0), EXIT()},                          /* the map itself */
        {LD_MAP_VALUE(2, 0, 16 * MAP_ENTRIES), LDX(B, 0, 2, -5), EXIT()}, /* the last byte ... */
        {LD_MAP_VALUE(2, 0, 16 * MAP_ENTRIES), LDX(B, 0, 2, 0), EXIT()},  /* ... and behind it */
        {LD_MAP_VALUE(2, 0, 4), ATOMIC(W, 2, 0, 0, 0), EXIT()},
        {LD_MAP_VALUE(2, 0, 2), ATOMIC(W, 2, 0, 0, 0), EXIT()}, /* not aligned to its size */
        {LD_MAP_VALUE(2, 0, 4), ATOMIC(DW, 2, 0, 0, 0), EXIT()},
    };
    const enum vm_fault expected[] = {
        VM_FAULT_NONE,   VM_FAULT_MEMORY, VM_FAULT_MEMORY, VM_FAULT_NONE,   VM_FAULT_MEMORY,
        VM_FAULT_NONE,   VM_FAULT_MEMORY, VM_FAULT_NONE,   VM_FAULT_MEMORY, VM_FAULT_OPCODE,
        VM_FAULT_OPCODE, VM_FAULT_MEMORY, VM_FAULT_NONE,   VM_FAULT_MEMORY, VM_FAULT_NONE,
        VM_FAULT_MEMORY, VM_FAULT_MEMORY,
    };
    void *memories[2];
    struct map *const maps[] = {make_map(0, &memories[0]), make_map(1 << 7, &memories[1])};

    (void)state;
    for (uint32_t i = 0; i < COUNT(expected); i++) {
        struct vm_packet packet;
        struct vm_result result;
        uint32_t at;

        assert_int_equal(run_packet(programs[i], 8, maps, 2, &packet, &result, &at), expected[i]);
    }
    free(memories[0]);
    free(memories[1]);
}

static void test_vm_bad_helper_arguments_fault(void **state)
{
    const struct ebpf_insn programs[][10] = {
        {MOV_K(1, 0), CALL(1), EXIT()},                                     /* no map */
        {LD_MAP(1, 0), MOV_K(2, 0), CALL(1), EXIT()},                       /* no key */
        {LD_MAP(1, 0), MOV_X(2, 10), ALU64_K(ADD, 2, -2), CALL(1), EXIT()}, /* half a key */
        {LD_MAP(1, 0), MOV_X(2, 10), ALU64_K(ADD, 2, -4), MOV_X(3, 10), CALL(2), EXIT()},
        {LD_MAP(1, 0), MOV_K(2, 0), MOV_K(3, 0), CALL(51), EXIT()}, /* not a redirect map */
        {MOV_K(1, 0), MOV_K(2, 0), CALL(44), EXIT()},               /* not the context */
        {MOV_K(1, 0), MOV_K(2, 0), CALL(65), EXIT()},
    };
    void *memory;
    struct map *const maps[] = {make_map(0, &memory)};

    (void)state;
    for (uint32_t i = 0; i < COUNT(programs); i++) {
        struct vm_packet packet;
        struct vm_result result;
        uint32_t at;

        assert_int_equal(run_packet(programs[i], 10, maps, 1, &packet, &result, &at),
                         VM_FAULT_MEMORY);
    }
    free(memory);
}

static void test_vm_instructions_are_counted(void **state)
{
    const struct ebpf_insn insns[] = {LD_IMM64(0, 5), GOTO(1), EXIT(), GOTO(-2)};
    struct vm_packet packet;
    struct vm_result result;
    uint32_t at;

    (void)state;
    assert_int_equal(run_packet(insns, COUNT(insns), NULL, 0, &packet, &result, &at), 0);
    assert_int_equal(result.insns, 4);
}

/* Instructions of any bytes: every run ends, and the sanitizer sees no access outside. */
static void test_vm_random_bytes_stay_inside(void **state)
{
    enum { LENGTH = 24, RUNS = 30000 };
    static const uint8_t likely[] = {0x18, 0x61, 0x69, 0x71, 0x79, 0x7b, 0x63, 0x72, 0xdb,
                                     0xc3, 0x07, 0xbf, 0xb7, 0x85, 0x0f, 0x15, 0x25, 0x95};
    uint32_t ended[VM_FAULT_COUNT] = {0};
    uint64_t seed = 1;
    void *memory;
    struct map *const maps[] = {make_map(0, &memory)};

    (void)state;
    for (uint32_t n = 0; n < RUNS; n++) {
        struct ebpf_insn insns[LENGTH];
        struct vm_packet packet;
        struct vm_result result;
        uint32_t at;

        for (uint32_t i = 0; i < LENGTH; i++) {
            const uint64_t r = seed = seed * 6364136223846793005u + 1442695040888963407u;
            const uint64_t x = r >> 20;

            insns[i] = insn(x & 64 ? (int)(x >> 8 & 255) : likely[x >> 8 & 15], x >> 16 & 3,
                            x & 7 ? (int)(x >> 18 & 3) : 10, (int)(x >> 20 & 31) - 16,
                            (int64_t)(x >> 25 & 15) - 2);
        }
        ended[run_packet(insns, LENGTH, maps, 1, &packet, &result, &at)]++;
    }
    assert_true(ended[VM_FAULT_NONE] && ended[VM_FAULT_MEMORY] && ended[VM_FAULT_BUDGET] &&
                ended[VM_FAULT_OPCODE] && ended[VM_FAULT_CALL] && ended[VM_FAULT_JUMP]);
    free(memory);
}

static void test_vm_raw_has_memory_and_length(void **state)
{
    const struct ebpf_insn insns[] = {LDX(B, 0, 1, 2), ALU64_K(LSH, 0, 40), ALU64_X(ADD, 0, 2),
                                      EXIT()};
    const struct ebpf_insn over[] = {LDX(B, 0, 1, 3), EXIT()};
    const struct ebpf_insn time[] = {MOV_K(0, 7), CALL(5), EXIT()};
    const struct ebpf_insn head[] = {CALL(44), EXIT()};
    uint8_t memory[3] = {1, 2, 3};
    struct vm_program program = {insns, COUNT(insns), NULL, 0};
    uint64_t r0 = 0;
    uint32_t at;

    (void)state;
    assert_int_equal(vm_run_raw(&program, memory, 3, 0, &r0, &at), VM_FAULT_NONE);
    assert_true(r0 == (3ull << 40) + 3);
    program = (struct vm_program){over, COUNT(over), NULL, 0};
    assert_int_equal(vm_run_raw(&program, memory, 3, 0, &r0, &at), VM_FAULT_MEMORY);
    program = (struct vm_program){time, COUNT(time), NULL, 0};
    assert_int_equal(vm_run_raw(&program, memory, 3, 0, &r0, &at), VM_FAULT_NONE);
    assert_int_equal(r0, 0);
    program = (struct vm_program){head, COUNT(head), NULL, 0};
    assert_int_equal(vm_run_raw(&program, memory, 3, 0, &r0, &at), VM_FAULT_CALL);
}

struct steps {
    uint32_t insns[16];
    uint32_t depths[16];
    uint64_t r0[16];
    uint32_t count;
};

static void note_step(void *ctx, uint32_t insn, uint32_t depth, const uint64_t *r)
{
    struct steps *s = ctx;

    s->insns[s->count] = insn;
    s->depths[s->count] = depth;
    s->r0[s->count++] = r[0];
}

static void test_vm_watch_sees_each_step(void **state)
{
    const struct ebpf_insn insns[] = {MOV_K(0, 1), CALL_FUNC(2), ALU64_K(ADD, 0, 1),
                                      EXIT(),      MOV_K(0, 5),  EXIT()};
    const uint32_t want[] = {0, 1, 4, 5, 2, 3};
    const uint64_t want_r0[] = {0, 1, 1, 5, 5, 6};
    const struct vm_program program = {insns, COUNT(insns), NULL, 0};
    struct steps s = {.count = 0};
    const struct vm_watch watch = {&s, note_step};
    uint64_t r0 = 0;
    uint32_t at = 0;

    (void)state;
    assert_int_equal(vm_run_watched(&program, NULL, 0, 6, &watch, &r0, &at), VM_FAULT_NONE);
    assert_int_equal(r0, 6);
    assert_int_equal(s.count, COUNT(want));
    for (uint32_t i = 0; i < s.count; i++) {
        assert_int_equal(s.insns[i], want[i]);
        assert_int_equal(s.depths[i], want[i] >= 4);
        assert_int_equal(s.r0[i], want_r0[i]);
    }
    s.count = 0;
    assert_int_equal(vm_run_watched(&program, NULL, 0, 5, &watch, &r0, &at), VM_FAULT_BUDGET);
    assert_int_equal(at, 3);
}

static void test_vm_random_states_are_fixed(void **state)
{
    (void)state;
    /* splitmix64 from seed 0 begins with e220a8397b1dcdaf, 6e789e6aa1b965f4 */
    assert_int_equal(vm_rand_seed(0, 0), 0xe220a839);
    assert_int_equal(vm_rand_seed(0, 1), 0x6e789e6a);
    /* 1 ^ 1<<13 = 2001; ^ >>17 the same; ^ <<5 = 42021 */
    assert_int_equal(vm_rand_next(1), 0x42021);
    for (uint32_t x = 1, n = 0; n < 1000; n++, x = vm_rand_next(x))
        assert_int_equal(vm_rand_before(vm_rand_next(x)), x);
    for (uint64_t i = 0; i < 1000; i++)
        assert_true(vm_rand_seed(i * 77, i) != 0);
}

static void test_vm_packet_init_zeroes_around(void **state)
{
    struct vm_packet packet = {0};
    const uint8_t bytes[20] = {1};

    (void)state;
    memset(buf, 0xaa, sizeof(buf));
    vm_packet_init(&packet, buf, bytes, sizeof(bytes));
    assert_int_equal(packet.data, SPEC_PKT_BASE);
    assert_int_equal(packet.data_meta, SPEC_PKT_BASE);
    assert_int_equal(packet.data_end, SPEC_PKT_BASE + 20);
    assert_int_equal(packet.hard_end, SPEC_PKT_LINEAR_END);
    assert_int_equal(
        buf[0] | buf[SPEC_PKT_BASE - 1] | buf[packet.data_end] | buf[SPEC_PKT_LINEAR_END - 1], 0);
    assert_int_equal(buf[SPEC_PKT_BASE], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vm_opcode_unknown_faults),
        cmocka_unit_test(test_vm_jump_outside_faults),
        cmocka_unit_test(test_vm_endless_loop_stops_at_budget),
        cmocka_unit_test(test_vm_packet_access_outside_faults),
        cmocka_unit_test(test_vm_stack_access_outside_frames_faults),
        cmocka_unit_test(test_vm_context_access_but_fields_faults),
        cmocka_unit_test(test_vm_calls_keep_frames_apart),
        cmocka_unit_test(test_vm_map_value_access_outside_value_faults),
        cmocka_unit_test(test_vm_bad_helper_arguments_fault),
        cmocka_unit_test(test_vm_instructions_are_counted),
        cmocka_unit_test(test_vm_random_bytes_stay_inside),
        cmocka_unit_test(test_vm_raw_has_memory_and_length),
        cmocka_unit_test(test_vm_watch_sees_each_step),
        cmocka_unit_test(test_vm_random_states_are_fixed),
        cmocka_unit_test(test_vm_packet_init_zeroes_around),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
