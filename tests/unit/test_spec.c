/* SPDX-License-Identifier: BSD-3-Clause */
#include "hw/spec/gen/ebpf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The columns of hw/spec/alu.toml and ebpf.toml that speak of other rows, against the meanings. */

static const uint64_t corners[] = {0,
                                   1,
                                   2,
                                   0x7f,
                                   0x80,
                                   0x1234,
                                   INT32_MAX,
                                   0x80000000u,
                                   UINT32_MAX,
                                   0x100000000u,
                                   0x123456789abcdef0u,
                                   INT64_MAX,
                                   (uint64_t)INT64_MIN,
                                   UINT64_MAX - 1,
                                   UINT64_MAX};
enum { CORNERS = sizeof(corners) / sizeof(*corners) };

static void check_compare(enum spec_alu alu, unsigned width, uint64_t a, uint64_t b)
{
    const struct spec_alu_row *row = &spec_alu_table[alu];
    const uint64_t truth = spec_alu_eval(alu, width, a, b);

    assert_true(truth <= 1);
    assert_int_equal(spec_alu_eval((enum spec_alu)row->swapped, width, b, a), truth);
    if (row->inverse != SPEC_ALU_NONE)
        assert_int_equal(spec_alu_eval((enum spec_alu)row->inverse, width, a, b), !truth);
}

static void test_spec_compares_have_their_opposites(void **state)
{
    unsigned without = 0;

    (void)state;
    for (unsigned op = 1; op < SPEC_ALU_COUNT; op++) {
        const struct spec_alu_row *row = &spec_alu_table[op];

        if (row->cls != SPEC_ALU_CLASS_CMP) {
            assert_int_equal(row->swapped, SPEC_ALU_NONE);
            assert_int_equal(row->inverse, SPEC_ALU_NONE);
            continue;
        }
        without += row->inverse == SPEC_ALU_NONE;
        for (unsigned i = 0; i < CORNERS * CORNERS; i++) {
            check_compare((enum spec_alu)op, 32, corners[i / CORNERS], corners[i % CORNERS]);
            check_compare((enum spec_alu)op, 64, corners[i / CORNERS], corners[i % CORNERS]);
        }
    }
    assert_int_equal(without, 1); /* set */
}

static void test_spec_jumps_have_their_opposites(void **state)
{
    (void)state;
    for (unsigned r = 0; r < EBPF_JMP_ROWS; r++) {
        const struct ebpf_op_row *row = &ebpf_jmp_table[r];
        const uint8_t inverse = ebpf_jmp_inverse[row->code >> 4];
        const uint8_t swapped = ebpf_jmp_swapped[row->code >> 4];

        if (row->alu == SPEC_ALU_NONE) {
            assert_int_equal(inverse + swapped, 0);
            continue;
        }
        assert_int_equal(inverse == row->code, row->code == EBPF_JMP_JSET);
        for (unsigned k = 0; k < EBPF_JMP_ROWS; k++) {
            if (ebpf_jmp_table[k].code == swapped)
                assert_int_equal(ebpf_jmp_table[k].alu, spec_alu_table[row->alu].swapped);
            if (ebpf_jmp_table[k].code == inverse && inverse != row->code)
                assert_int_equal(ebpf_jmp_table[k].alu, spec_alu_table[row->alu].inverse);
        }
    }
}

static void test_spec_atomics_name_their_operation(void **state)
{
    (void)state;
    for (unsigned a = SPEC_ATOMIC_ADD; a < SPEC_ATOMIC_COUNT; a++)
        for (unsigned i = 0; i < CORNERS * CORNERS; i++)
            if (spec_atomic_alu[a] != SPEC_ALU_NONE)
                assert_true(spec_atomic_eval((enum spec_atomic)a, corners[i / CORNERS],
                                             corners[i % CORNERS], 0) ==
                            spec_alu_eval((enum spec_alu)spec_atomic_alu[a], 64,
                                          corners[i / CORNERS], corners[i % CORNERS]));
}

static void test_spec_byte_order_row_does_what_the_instruction_does(void **state)
{
    static const uint8_t opcodes[] = {0xd4, 0xdc, 0xd7, 0xdf}; /* le, be, bswap, none */
    unsigned found = 0;

    (void)state;
    for (unsigned o = 0; o < 4; o++) {
        for (int imm = -1; imm <= 65; imm++) {
            const struct ebpf_insn insn = {.opcode = opcodes[o], .imm = imm};
            const struct ebpf_end_row *row = ebpf_end_find(&insn);
            uint64_t v = 0x0123456789abcdefu;

            assert_int_equal(ebpf_end_eval(&insn, &v), row != NULL);
            if (!row)
                continue;
            found++;
            assert_true(v == spec_alu_eval((enum spec_alu)row->alu, row->width, 0x0123456789abcdefu,
                                           row->operand));
        }
    }
    assert_int_equal(found, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_compares_have_their_opposites),
        cmocka_unit_test(test_spec_jumps_have_their_opposites),
        cmocka_unit_test(test_spec_atomics_name_their_operation),
        cmocka_unit_test(test_spec_byte_order_row_does_what_the_instruction_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
