/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/ebpf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* What instructions are and touch, asked of their text. */

struct insn_case {
    const char *text;
    uint16_t read; /* registers, 1 << r */
    uint16_t written;
    const char *is; /* letters of the questions below that are answered yes */
};

#define R(n) (1 << (n))
#define ARGS 0x3e

/* a alu, 6 alu64, 3 alu32, c 64-bit constant, p classic packet load, l load, s signed load, t
 * atomic, S store, J jump class, C call, h helper call, b subprogram call, x exit, g goto, j jump,
 * ? conditional jump, e ends a block */
static const struct insn_case cases[] = {
    {"r1 = 5", 0, R(1), "a6"},
    {"w1 = w2", R(2), R(1), "a3"},
    {"r1 = (s8)r2", R(2), R(1), "a6"},
    {"r1 += r2", R(1) | R(2), R(1), "a6"},
    {"w1 += 1", R(1), R(1), "a3"},
    {"r1 = -r1", R(1), R(1), "a6"},
    {"r1 = be16 r1", R(1), R(1), "a3"}, /* its class is ALU */
    {"r1 = bswap16 r1", R(1), R(1), "a6"},
    {"r1 = 7 ll", 0, R(1), "c"},
    {"r0 = *(u16 *)skb[12]", R(6), R(0) | ARGS, "p"},
    {"r0 = *(u16 *)skb[r7 + 12]", R(6) | R(7), R(0) | ARGS, "p"},
    {"r1 = *(u32 *)(r6 +4)", R(6), R(1), "l"},
    {"r1 = *(s8 *)(r6 +4)", R(6), R(1), "ls"},
    {"*(u32 *)(r6 +4) = r1", R(6) | R(1), 0, "S"},
    {"*(u32 *)(r6 +4) = 1", R(6), 0, "S"},
    {"lock *(u32 *)(r6 +4) += r1", R(6) | R(1), 0, "t"},
    {"r1 = atomic_fetch_add((u32 *)(r6 +4), r1)", R(6) | R(1), R(1), "t"},
    {"r1 = atomic_xchg((u32 *)(r6 +4), r1)", R(6) | R(1), R(1), "t"},
    {"r0 = atomic_cmpxchg((u32 *)(r6 +4), r0, r1)", R(6) | R(1) | R(0), R(0), "t"},
    {"call bpf_ktime_get_ns", ARGS, R(0) | ARGS, "JCh"},
    {"call pc+3", ARGS, R(0) | ARGS, "JCb"},
    {"call kfunc#3", ARGS, R(0) | ARGS, "JC"},
    {"exit", R(0), 0, "Jxe"},
    {"goto +3", 0, 0, "Jgje"},
    {"gotol +3", 0, 0, "Jgje"},
    {"if r1 > 3 goto +3", R(1), 0, "Jj?"},
    {"if w1 > w2 goto +3", R(1) | R(2), 0, "Jj?"},
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

typedef bool question_fn(const struct ebpf_insn *i);

static const struct {
    char letter;
    question_fn *ask;
} questions[] = {
    {'a', ebpf_is_alu},          {'6', ebpf_is_alu64},     {'3', ebpf_is_alu32},
    {'c', ebpf_is_ld_imm64},     {'p', ebpf_is_ld_packet}, {'l', ebpf_is_load},
    {'s', ebpf_is_load_signed},  {'t', ebpf_is_atomic},    {'S', ebpf_is_store},
    {'J', ebpf_is_jmp_class},    {'C', ebpf_is_call},      {'h', ebpf_is_helper_call},
    {'b', ebpf_is_subprog_call}, {'x', ebpf_is_exit},      {'g', ebpf_is_goto},
    {'j', ebpf_is_jump},         {'?', ebpf_is_cond_jump}, {'e', ebpf_ends_block},
};

static const struct ebpf_insn *assemble(struct arena *arena, const char *text)
{
    struct diag_sink sink = diag_sink_make(arena);
    const struct ebpf_insn *insns;
    uint32_t count;

    assert_int_equal(ebpf_asm(text, "test", NULL, arena, &sink, &insns, &count), 0);
    return insns;
}

static void test_ebpf_insn_kinds_are_told_apart(void **state)
{
    (void)state;
    for (unsigned k = 0; k < CASES; k++) {
        struct arena *arena = arena_open();
        const struct ebpf_insn *i = assemble(arena, cases[k].text);

        for (unsigned q = 0; q < sizeof(questions) / sizeof(questions[0]); q++)
            if (questions[q].ask(i) != (strchr(cases[k].is, questions[q].letter) != NULL))
                fail_msg("%s: question %c", cases[k].text, questions[q].letter);
        arena_close(arena);
    }
}

static void test_ebpf_insn_registers_are_known(void **state)
{
    (void)state;
    for (unsigned k = 0; k < CASES; k++) {
        struct arena *arena = arena_open();
        const struct ebpf_insn *i = assemble(arena, cases[k].text);

        if (ebpf_regs_read(i) != cases[k].read || ebpf_regs_written(i) != cases[k].written)
            fail_msg("%s", cases[k].text);
        arena_close(arena);
    }
}

static void test_ebpf_insn_targets_count_from_the_next(void **state)
{
    static const struct {
        const char *text;
        int64_t target; /* from instruction 10 */
    } targets[] = {{"goto +3", 14},          {"goto -1", 10},   {"gotol +100000", 100011},
                   {"if w1 > 2 goto -5", 6}, {"call pc-11", 0}, {"call pc-12", -1}};
    struct arena *arena = arena_open();

    (void)state;
    for (unsigned k = 0; k < sizeof(targets) / sizeof(targets[0]); k++)
        assert_true(ebpf_target(assemble(arena, targets[k].text), 10) == targets[k].target);
    assert_true(ebpf_imm64(assemble(arena, "r1 = -2 ll")) == UINT64_MAX - 1);
    assert_int_equal(ebpf_slots(assemble(arena, "r1 = -2 ll")), 2);
    assert_int_equal(ebpf_slots(assemble(arena, "r1 = -2")), 1);
    arena_close(arena);
}

static void test_ebpf_insn_rows_are_of_code_and_offset(void **state)
{
    struct arena *arena = arena_open();
    struct ebpf_insn odd = {.opcode = 0x07, .off = 8};

    (void)state;
    assert_int_equal(ebpf_alu_row(assemble(arena, "r1 /= r2"))->alu, SPEC_ALU_UDIV);
    assert_int_equal(ebpf_alu_row(assemble(arena, "r1 s/= r2"))->alu, SPEC_ALU_SDIV);
    assert_int_equal(ebpf_alu_row(assemble(arena, "r1 = (s16)r2"))->alu, SPEC_ALU_SEXT16);
    assert_null(ebpf_alu_row(&odd));
    assert_int_equal(ebpf_jmp_row(assemble(arena, "if r1 s< 1 goto +1"))->alu, SPEC_ALU_SLT);
    odd.opcode = 0xe5;
    assert_null(ebpf_jmp_row(&odd));
    arena_close(arena);
}

static void test_ebpf_helpers_have_names_and_numbers(void **state)
{
    (void)state;
    assert_string_equal(ebpf_helper_name(1), "map_lookup_elem");
    assert_string_equal(ebpf_helper_name(44), "xdp_adjust_head");
    assert_string_equal(ebpf_helper_name(6), "trace_printk"); /* Linux's, not among ours */
    assert_null(ebpf_helper_name(0));
    assert_null(ebpf_helper_name(UINT32_MAX));
    assert_int_equal(ebpf_helper_number("redirect_map"), 51);
    assert_int_equal(ebpf_helper_number("fib_lookup"), 69);
    assert_int_equal(ebpf_helper_number("nothing"), 0);
    for (uint32_t n = 1; n < 200; n++)
        if (ebpf_helper_name(n))
            assert_int_equal(ebpf_helper_number(ebpf_helper_name(n)), n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ebpf_insn_kinds_are_told_apart),
        cmocka_unit_test(test_ebpf_insn_registers_are_known),
        cmocka_unit_test(test_ebpf_insn_targets_count_from_the_next),
        cmocka_unit_test(test_ebpf_insn_rows_are_of_code_and_offset),
        cmocka_unit_test(test_ebpf_helpers_have_names_and_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
