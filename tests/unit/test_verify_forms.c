/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/verify.h"
#include "tests/common/insn.h"
#include "tests/common/linux_verdict.h"
#include "tests/common/random.h"
#include "tests/common/skip.h"
#include "tests/common/soft_maps.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Forms of instructions: every opcode with fields that fit and fields that don't, where a path
 * comes there and where none does, gets the verdict of Linux. What Sluice refuses by name is
 * counted.
 *
 * VERIFY_FORMS sets how many fields each opcode is tried with, VERIFY_SHOW prints what only Linux
 * accepts. */

enum { OPCODES = 256, PROGRAM_MAX = 64, PAD = 40 };

static const int registers[] = {0, 3, 10, 12}, sources[] = {0, 1, 2, 3, 10, 12};
static const int offsets[] = {0, 0, 1, -8, -16, 8, 16, 32};
static const int32_t constants[] = {0, 0, 1, 5, -1, 8, 16, 31, 32, 63, 64, 0x40, 0x41, 0xe1, 0xf1};

#define PICK(array, seed) (array)[random_next(seed) % (sizeof(array) / sizeof((array)[0]))]

static struct ebpf_insn any_form(int opcode, uint32_t number, uint64_t *seed)
{
    const int dst = PICK(registers, seed), src = PICK(sources, seed), off = PICK(offsets, seed);
    const int32_t imm = PICK(constants, seed);

    switch (number) { /* each field alone, then any */
    case 0:
        return insn(opcode, 0, 0, 0, 0);
    case 1:
        return insn(opcode, 12, 0, 0, 0);
    case 2:
        return insn(opcode, 0, 12, 0, 0);
    case 3:
        return insn(opcode, 0, 0, 1, 0);
    case 4:
        return insn(opcode, 0, 0, 0, 1);
    case 5:
        return insn(opcode, 0, 0, 0, 32);
    case 6:
        return insn(opcode, 0, 3, 0, 0);
    default:
        return insn(opcode, dst, src, off, imm);
    }
}

/* A program with the instruction in it: behind a branch that goes both ways, or one that always
 * skips it. r0 and r3 are numbers, r1 is the context, two slots of the stack are written. */
static uint32_t make_program(struct ebpf_insn *p, struct ebpf_insn form, bool dead)
{
    const struct ebpf_insn head[] = {MOV_K(0, 2), LDX(W, 6, 1, 16),  MOV_K(3, 5),
                                     MOV_K(2, 3), ST(DW, 10, -8, 7), ST(DW, 10, -16, 9),
                                     MOV_K(4, 1), MOV_K(5, 1),       MOV_K(7, 1)};
    const bool two = form.opcode == 0x18;
    uint32_t n = sizeof(head) / sizeof(head[0]);

    memcpy(p, head, sizeof(head));
    p[n++] = dead ? JMP_K(JEQ, 0, 2, 1 + two) : JMP_K(JEQ, 6, 2, 1 + two);
    p[n++] = form;
    if (two)
        p[n++] = insn(0, 0, 0, 0, 0);
    for (uint32_t i = 0; i < PAD; i++)
        p[n++] = MOV_K(0, 2);
    p[n++] = EXIT();
    assert_true(n <= PROGRAM_MAX);
    return n;
}

static void try_form(struct verdict_tally *t, struct ebpf_insn form, bool dead)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct verdict_talk talk = {stderr, getenv("VERIFY_SHOW")};
    const struct load_object *object = NULL;
    struct ebpf_insn program[PROGRAM_MAX];
    const uint32_t n = make_program(program, form, dead);
    char name[80];

    snprintf(name, sizeof(name), "%s %02x r%u r%u %d 0x%x", dead ? "dead" : "live", form.opcode,
             form.dst, form.src, form.off, (uint32_t)form.imm);
    if (load_raw(program, n * sizeof(program[0]), name, NULL, 0, arena, &sink, &object))
        fail_msg("%s: not taken", name);
    verdict_compare(t, &talk, name, object, &object->progs[0], NULL);
    arena_close(arena);
}

static void try_all(bool dead)
{
    const char *text = getenv("VERIFY_FORMS");
    const uint32_t count = text ? (uint32_t)strtoul(text, NULL, 0) : 32;
    struct verdict_tally t = {0};
    uint64_t seed = 1 + dead;
    const char *why;

    if (!verdict_kernel_is_here(&why))
        skip_because("no bpf() here: %s", why);
    for (int opcode = 0; opcode < OPCODES; opcode++)
        for (uint32_t i = 0; i < count; i++)
            try_form(&t, any_form(opcode, i, &seed), dead);
    verdict_print(stdout, dead ? "dead" : "live", &t);
    assert_int_equal(t.ours_only, 0);
    assert_int_equal(verdict_false_permille(&t), 0);
    assert_true(t.both > 100 && t.neither > 1000);
}

static void test_verify_forms_that_are_reached_have_linux_verdict(void **state)
{
    (void)state;
    try_all(false);
}

static void test_verify_forms_that_are_not_reached_have_linux_verdict(void **state)
{
    (void)state;
    try_all(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify_forms_that_are_reached_have_linux_verdict),
        cmocka_unit_test(test_verify_forms_that_are_not_reached_have_linux_verdict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
