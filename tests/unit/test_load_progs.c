/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/verify.h"
#include "tests/common/load_check.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Functions, programs and the calls between them. */

/* Initialisers of struct ebpf_insn. */
#define INSN(op, d, s, value)                                                                      \
    {                                                                                              \
        .opcode = (op), .dst = (d), .src = (s), .imm = (value)                                     \
    }
#define MOV_K(d, value) INSN(0xb7, d, 0, value)
#define CALL_SUB(distance) INSN(0x85, 0, EBPF_PSEUDO_CALL, distance)
#define LD_IMM64_HALF INSN(0x18, 1, 0, 0)
#define LD_IMM64(d, s, value) INSN(0x18, d, s, value), INSN(0, 0, 0, 0)
#define RETURN INSN(0x95, 0, 0, 0)

static struct elf_image small_image(void)
{
    struct elf_image image = elf_image_make();

    load_check_program(&image, NULL, 0);
    elf_image_section(&image, "license", SHT_PROGBITS, SHF_ALLOC, "GPL", 4);
    return image;
}

/* r1 = (something) ll; call (something); return */
static struct elf_image image_to_relocate(uint32_t *section)
{
    static const struct ebpf_insn code[] = {LD_IMM64(1, 0, 0), CALL_SUB(-1), RETURN};
    struct elf_image image = elf_image_make();

    *section = load_check_program(&image, code, sizeof(code));
    return image;
}

static void test_load_no_program_lists_the_sections(void **state)
{
    static const struct ebpf_insn code[] = {MOV_K(0, 0), RETURN};
    struct elf_image image = elf_image_make();

    (void)state;
    load_check_reject(&image, -EINVAL, "LOAD0011", "(none)");
    elf_image_symbol(&image, "f", STB_GLOBAL, STT_FUNC,
                     elf_image_code(&image, "tc", code, sizeof(code)), 0, 16);
    elf_image_code(&image, "socket", code, sizeof(code));
    load_check_reject(&image, -EINVAL, "LOAD0011", "tc, socket");
}

static void test_load_sections_of_xdp_are_recognised(void **state)
{
    static const struct {
        const char *name;
        bool xdp, frags;
    } sections[] = {
        {"xdp", true, false},         {"xdp.frags", true, true},     {"xdp/one", true, false},
        {"xdp_two", true, false},     {"xdp.frags/one", true, true}, {"?xdp", true, false},
        {"?xdp.frags/x", true, true}, {"xdp/devmap", true, false},   {"xdp_cpumap/x", true, false},
        {"xdpx", false, false},       {"xdp.fragsx", false, false},  {"xd", false, false},
        {"tc", false, false},         {"??xdp", false, false},
    };
    static const struct ebpf_insn code[] = {MOV_K(0, 0), RETURN};

    (void)state;
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        struct elf_image image = elf_image_make();
        struct load_check check;

        elf_image_symbol(&image, "f", STB_GLOBAL, STT_FUNC,
                         elf_image_code(&image, sections[i].name, code, sizeof(code)), 0, 16);
        if (!sections[i].xdp) {
            load_check_reject(&image, -EINVAL, "LOAD0011", sections[i].name);
            continue;
        }
        check = load_check_accept(&image);
        assert_int_equal(check.object->prog_count, 1);
        assert_string_equal(check.object->progs[0].section, sections[i].name);
        assert_int_equal(check.object->progs[0].frags, sections[i].frags);
        load_check_close(&check);
    }
}

static void test_load_options_choose_the_section(void **state)
{
    static const struct ebpf_insn code[] = {MOV_K(0, 0), RETURN};
    struct load_options options = {.size = sizeof(options), .section = "classifier"};
    struct elf_image image = small_image();
    struct load_check check = {.arena = arena_open()};
    size_t bytes;
    uint8_t *file;

    (void)state;
    elf_image_symbol(&image, "cls", STB_GLOBAL, STT_FUNC,
                     elf_image_code(&image, "classifier", code, sizeof(code)), 0, 16);
    file = elf_image_finish(&image, &bytes);
    check.sink = diag_sink_make(check.arena);
    assert_int_equal(
        load_object_memory(file, bytes, "x", &options, check.arena, &check.sink, &check.object), 0);
    assert_int_equal(check.object->prog_count, 1);
    assert_string_equal(check.object->progs[0].name, "cls");
    options = (struct load_options){.size = sizeof(options), .any_type = true};
    assert_int_equal(
        load_object_memory(file, bytes, "x", &options, check.arena, &check.sink, &check.object), 0);
    assert_int_equal(check.object->prog_count, 2);
    options = (struct load_options){.size = sizeof(options), .section = "none"};
    assert_int_equal(
        load_object_memory(file, bytes, "x", &options, check.arena, &check.sink, &check.object),
        -EINVAL);
    assert_string_equal(diag_first_error(&check.sink)->code, "LOAD0011");
    load_check_close(&check);
    free(file);
}

static void test_load_call_into_a_function_is_refused(void **state)
{
    static const struct ebpf_insn code[] = {CALL_SUB(1), RETURN, MOV_K(0, 1), RETURN};
    struct elf_image image = elf_image_make();
    uint32_t section = elf_image_code(&image, "xdp", code, sizeof(code));

    (void)state;
    elf_image_symbol(&image, "prog", STB_GLOBAL, STT_FUNC, section, 0, 16);
    load_check_reject(&image, -EINVAL, "LOAD0018", "instruction 2 of section xdp");
}

static void test_load_call_of_data_is_refused(void **state)
{
    uint32_t section, symbol, data;
    struct elf_image image = image_to_relocate(&section);

    (void)state;
    data = elf_image_section(&image, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, "1234567", 8);
    symbol = elf_image_symbol(&image, "table", STB_GLOBAL, STT_OBJECT, data, 0, 8);
    elf_image_reloc(&image, section, 16, symbol, R_BPF_64_32);
    load_check_reject(&image, -EINVAL, "LOAD0018", "calls table");
}

static void test_load_overlapping_functions_are_refused(void **state)
{
    struct elf_image image = small_image();

    (void)state;
    elf_image_symbol(&image, "tail", STB_GLOBAL, STT_FUNC, 1, 8, 8);
    load_check_reject(&image, -EINVAL, "LOAD0019", "prog and tail overlap");
}

static void test_load_half_an_instruction_is_refused(void **state)
{
    static const struct ebpf_insn code[] = {MOV_K(0, 0), RETURN, RETURN};
    struct elf_image image = elf_image_make();

    (void)state;
    elf_image_symbol(&image, "prog", STB_GLOBAL, STT_FUNC, elf_image_code(&image, "xdp", code, 20),
                     0, 16);
    load_check_reject(&image, -EINVAL, "LOAD0019", "20 bytes");
}

static void test_load_half_a_constant_is_refused(void **state)
{
    static const struct ebpf_insn code[] = {MOV_K(0, 0), LD_IMM64_HALF, RETURN};
    struct elf_image image = elf_image_make();
    uint32_t section = elf_image_code(&image, "xdp", code, sizeof(code));
    uint32_t bss = elf_image_section(&image, ".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, NULL, 8);

    (void)state;
    elf_image_symbol(&image, "prog", STB_GLOBAL, STT_FUNC, section, 0, 16);
    elf_image_reloc(&image, section, 8,
                    elf_image_symbol(&image, "v", STB_GLOBAL, STT_OBJECT, bss, 0, 8), R_BPF_64_64);
    load_check_reject(&image, -EINVAL, "LOAD0019", "second half");
}

/* As hand-written assembly leaves them: each function ends where the next begins. */
static void test_load_functions_without_size_end_at_the_next(void **state)
{
    static const struct ebpf_insn code[] = {CALL_SUB(1), RETURN, MOV_K(0, 1), MOV_K(0, 2), RETURN};
    struct elf_image image = elf_image_make();
    uint32_t section = elf_image_code(&image, "xdp", code, sizeof(code));
    struct load_check check;

    (void)state;
    elf_image_symbol(&image, "prog", STB_GLOBAL, STT_FUNC, section, 0, 0);
    elf_image_symbol(&image, "sub", STB_LOCAL, STT_FUNC, section, 16, 0);
    check = load_check_accept(&image);
    assert_int_equal(check.object->prog_count, 1);
    assert_int_equal(check.object->progs[0].insn_count, 5);
    assert_int_equal(check.object->progs[0].subprog_count, 2);
    assert_int_equal(check.object->progs[0].subprogs[1].start, 2);
    assert_int_equal(check.object->progs[0].subprogs[1].count, 3);
    assert_false(check.object->progs[0].subprogs[1].global);
    load_check_close(&check);
}

/* a calls c and then b; c calls b: libbpf's order is a, c, b. */
static void test_load_subprograms_come_depth_first(void **state)
{
    static const struct ebpf_insn text[] = {MOV_K(0, 1), RETURN, CALL_SUB(-3), RETURN};
    static const struct ebpf_insn code[] = {CALL_SUB(1), CALL_SUB(-1), RETURN};
    struct elf_image image = elf_image_make();
    uint32_t in_text = elf_image_code(&image, ".text", text, sizeof(text));
    uint32_t section = load_check_program(&image, code, sizeof(code));
    uint32_t text_symbol = elf_image_symbol(&image, "", STB_LOCAL, STT_SECTION, in_text, 0, 0);
    uint32_t b = elf_image_symbol(&image, "b", STB_GLOBAL, STT_FUNC, in_text, 0, 16);
    struct load_check check;
    const struct load_prog *p;

    (void)state;
    elf_image_symbol(&image, "c", STB_LOCAL, STT_FUNC, in_text, 16, 16);
    elf_image_reloc(&image, section, 0, text_symbol, R_BPF_64_32); /* 0 + 1 + 1: c */
    elf_image_reloc(&image, section, 8, b, R_BPF_64_32);
    check = load_check_accept(&image);
    p = &check.object->progs[0];
    assert_int_equal(p->subprog_count, 3);
    assert_string_equal(p->subprogs[1].name, "c");
    assert_string_equal(p->subprogs[2].name, "b");
    assert_false(p->subprogs[2].global);  /* without BTF all are static */
    assert_int_equal(p->insns[0].imm, 2); /* 0 to 3 */
    assert_int_equal(p->insns[1].imm, 3); /* 1 to 5 */
    assert_int_equal(p->insns[3].imm, 1); /* 3 to 5 */
    assert_int_equal(load_subprog_of(p, 2), 0);
    assert_int_equal(load_subprog_of(p, 3), 1);
    assert_int_equal(load_subprog_of(p, 6), 2);
    load_check_close(&check);
}

static void test_load_recursion_ends(void **state)
{
    static const struct ebpf_insn code[] = {CALL_SUB(-1), RETURN};
    struct elf_image image = elf_image_make();
    struct load_check check;

    (void)state;
    load_check_program(&image, code, sizeof(code));
    check = load_check_accept(&image);
    assert_int_equal(check.object->progs[0].subprog_count, 1);
    assert_int_equal(check.object->progs[0].insns[0].imm, -1);
    load_check_close(&check);
}

static void test_load_function_pointer_gives_the_start(void **state)
{
    static const struct ebpf_insn code[] = {LD_IMM64(1, 0, 0), MOV_K(0, 1), RETURN, MOV_K(0, 7),
                                            RETURN};
    struct elf_image image = elf_image_make();
    uint32_t section = elf_image_code(&image, "xdp", code, sizeof(code)), callback;
    struct load_check check;

    (void)state;
    elf_image_symbol(&image, "prog", STB_GLOBAL, STT_FUNC, section, 0, 32);
    callback = elf_image_symbol(&image, "callback", STB_LOCAL, STT_FUNC, section, 32, 16);
    elf_image_reloc(&image, section, 0, callback, R_BPF_64_64);
    check = load_check_accept(&image);
    assert_int_equal(check.object->progs[0].insns[0].src, EBPF_PSEUDO_FUNC);
    assert_int_equal(check.object->progs[0].insns[0].imm, 4);
    load_check_close(&check);
}

static void test_load_program_of_a_million_instructions_is_the_limit(void **state)
{
    const size_t limit = 1000000;
    struct ebpf_insn *code = calloc(limit + 1, sizeof(*code));
    struct elf_image image = elf_image_make();

    (void)state;
    for (size_t i = 0; i <= limit; i++)
        code[i] = (struct ebpf_insn)MOV_K(0, 0);
    load_check_program(&image, code, (limit + 1) * sizeof(*code));
    load_check_reject(&image, -ENOTSUP, "LOAD0021", "1000000 instructions");
    free(code);
}

/* Two programs; each of those that are marked wants a symbol that nothing defines. */
static struct elf_image two_programs(bool first_wants, bool second_wants)
{
    static const struct ebpf_insn code[] = {
        {.opcode = 0x18, .dst = 1}, {0}, {.opcode = 0xb7}, {.opcode = 0x95}};
    struct elf_image image = elf_image_make();
    const uint32_t first = load_check_program(&image, code, sizeof(code));
    const uint32_t second = elf_image_code(&image, "xdp/second", code, sizeof(code));
    uint32_t wanted;

    elf_image_symbol(&image, "second", STB_GLOBAL, STT_FUNC, second, 0, sizeof(code));
    wanted = elf_image_symbol(&image, "wanted", STB_GLOBAL, STT_NOTYPE, SHN_UNDEF, 0, 0);
    if (first_wants)
        elf_image_reloc(&image, first, 0, wanted, R_BPF_64_64);
    if (second_wants)
        elf_image_reloc(&image, second, 0, wanted, R_BPF_64_64);
    return image;
}

static void test_load_program_that_wants_too_much_leaves_the_others(void **state)
{
    struct elf_image image = two_programs(true, false);
    struct load_check check = load_check_accept(&image);
    const struct load_prog *progs = check.object->progs;
    const struct verify_result *result = NULL;

    (void)state;
    assert_int_equal(check.object->prog_count, 2);
    assert_string_equal(progs[0].name, "prog");
    assert_string_equal(progs[0].refusal->code, "LOAD0012");
    assert_int_equal(progs[0].insn_count, 0);
    assert_null(progs[1].refusal);
    assert_int_equal(progs[1].insn_count, 4);
    assert_int_equal(
        verify_program(check.object, &progs[0], NULL, check.arena, &check.sink, &result), -ENOTSUP);
    assert_string_equal(diag_first_error(&check.sink)->code, "LOAD0012");
    assert_int_equal(
        verify_program(check.object, &progs[1], NULL, check.arena, &check.sink, &result), 0);
    load_check_close(&check);
}

static void test_load_object_whose_programs_all_want_too_much_is_refused(void **state)
{
    struct elf_image image = two_programs(true, true);

    (void)state;
    load_check_reject(&image, -ENOTSUP, "LOAD0012", "wanted is not defined");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_program_that_wants_too_much_leaves_the_others),
        cmocka_unit_test(test_load_object_whose_programs_all_want_too_much_is_refused),
        cmocka_unit_test(test_load_no_program_lists_the_sections),
        cmocka_unit_test(test_load_sections_of_xdp_are_recognised),
        cmocka_unit_test(test_load_options_choose_the_section),
        cmocka_unit_test(test_load_call_into_a_function_is_refused),
        cmocka_unit_test(test_load_call_of_data_is_refused),
        cmocka_unit_test(test_load_overlapping_functions_are_refused),
        cmocka_unit_test(test_load_half_an_instruction_is_refused),
        cmocka_unit_test(test_load_half_a_constant_is_refused),
        cmocka_unit_test(test_load_functions_without_size_end_at_the_next),
        cmocka_unit_test(test_load_subprograms_come_depth_first),
        cmocka_unit_test(test_load_recursion_ends),
        cmocka_unit_test(test_load_function_pointer_gives_the_start),
        cmocka_unit_test(test_load_program_of_a_million_instructions_is_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
