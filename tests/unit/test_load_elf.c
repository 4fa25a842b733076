/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/load_check.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Files, sections, symbols, relocations. */

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

static uint8_t *small_file(size_t *bytes)
{
    const struct elf_image image = small_image();

    return elf_image_finish(&image, bytes);
}

/* ---- files ---- */

static void reject_path(const char *path, int err, const char *text)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct load_object *object = NULL;

    assert_int_equal(load_object(path, NULL, arena, &sink, &object), err);
    assert_null(object);
    assert_string_equal(diag_first_error(&sink)->code, "LOAD0001");
    assert_string_equal(diag_first_error(&sink)->where.file, path);
    assert_non_null(strstr(diag_first_error(&sink)->message, text));
    arena_close(arena);
}

static void test_load_missing_file_is_named(void **state)
{
    (void)state;
    reject_path("/nonexistent/x.o", -ENOENT, "No such file");
}

static void test_load_folder_is_refused(void **state)
{
    (void)state;
    reject_path("/", -EINVAL, "not a regular file");
}

static void test_load_other_bytes_are_not_elf(void **state)
{
    (void)state;
    load_check_reject_bytes("", 0, -EINVAL, "LOAD0002", "not an ELF file");
    load_check_reject_bytes("\177ELF", 4, -EINVAL, "LOAD0002", "not an ELF file");
    load_check_reject_bytes("int main(void) { return 0; }", 28, -EINVAL, "LOAD0002", "clang");
}

static void reject_patched(size_t at, uint64_t value, size_t width, const char *code,
                           const char *text)
{
    size_t bytes;
    uint8_t *file = small_file(&bytes);

    memcpy(file + at, &value, width);
    load_check_reject_bytes(file, bytes, -EINVAL, code, text);
    free(file);
}

static void test_load_other_class_or_order_is_refused(void **state)
{
    (void)state;
    reject_patched(EI_CLASS, ELFCLASS32, 1, "LOAD0003", "32-bit little-endian");
    reject_patched(EI_DATA, ELFDATA2MSB, 1, "LOAD0003", "64-bit big-endian");
}

static void test_load_other_machine_is_named(void **state)
{
    (void)state;
    reject_patched(offsetof(Elf64_Ehdr, e_machine), EM_X86_64, 2, "LOAD0004", "x86-64");
    reject_patched(offsetof(Elf64_Ehdr, e_machine), EM_AARCH64, 2, "LOAD0004", "AArch64");
}

static void test_load_linked_file_is_refused(void **state)
{
    (void)state;
    reject_patched(offsetof(Elf64_Ehdr, e_type), ET_EXEC, 2, "LOAD0005", "relocatable");
}

static void test_load_wrong_section_table_is_refused(void **state)
{
    (void)state;
    reject_patched(offsetof(Elf64_Ehdr, e_shoff), 0, 8, "LOAD0007", "no sections");
    reject_patched(offsetof(Elf64_Ehdr, e_shentsize), 40, 2, "LOAD0007", "40 bytes");
    reject_patched(offsetof(Elf64_Ehdr, e_shoff), UINT64_MAX - 8, 8, "LOAD0006", "truncated");
    reject_patched(offsetof(Elf64_Ehdr, e_shnum), 0xfff0, 2, "LOAD0006", "truncated");
    reject_patched(offsetof(Elf64_Ehdr, e_shstrndx), 77, 2, "LOAD0007", "no readable name");
}

/* Whatever the length, a part of a file is never taken for a whole one. */
static void test_load_truncated_anywhere_is_refused(void **state)
{
    size_t bytes;
    uint8_t *file = small_file(&bytes);

    (void)state;
    for (size_t n = 0; n < bytes; n++) {
        /* A block of exactly n bytes, so that a sanitizer sees what is read behind its end. */
        uint8_t *part = malloc(n + !n);

        memcpy(part, file, n);
        load_check_reject_bytes(part, n, -EINVAL, n < EI_NIDENT ? "LOAD0002" : "LOAD0006", "");
        free(part);
    }
    free(file);
}

/* The field of a section's header in the finished file. */
static uint8_t *header_field(uint8_t *file, uint32_t section, size_t field)
{
    Elf64_Ehdr h;

    memcpy(&h, file, sizeof(h));
    return file + h.e_shoff + section * sizeof(Elf64_Shdr) + field;
}

static void test_load_truncated_section_is_named(void **state)
{
    const uint64_t huge[] = {UINT64_MAX, UINT64_MAX - 60, 1 << 20};

    (void)state;
    for (size_t i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
        for (uint32_t section = 1; section <= 5; section++) {
            size_t bytes;
            uint8_t *file = small_file(&bytes);

            memcpy(header_field(file, section, offsetof(Elf64_Shdr, sh_size)), &huge[i], 8);
            /* The section names themselves are section 5. */
            load_check_reject_bytes(file, bytes, -EINVAL, section == 5 ? "LOAD0007" : "LOAD0006",
                                    "");
            free(file);
        }
    }
}

static void test_load_object_without_symbols_is_refused(void **state)
{
    const uint32_t type = SHT_PROGBITS;
    size_t bytes;
    uint8_t *file = small_file(&bytes);

    (void)state;
    memcpy(header_field(file, 3, offsetof(Elf64_Shdr, sh_type)), &type, 4);
    load_check_reject_bytes(file, bytes, -EINVAL, "LOAD0008", "no symbol table");
    free(file);
}

static void test_load_half_a_symbol_is_refused(void **state)
{
    const uint64_t size = 2 * sizeof(Elf64_Sym) - 1;
    size_t bytes;
    uint8_t *file = small_file(&bytes);

    (void)state;
    memcpy(header_field(file, 3, offsetof(Elf64_Shdr, sh_size)), &size, 8);
    load_check_reject_bytes(file, bytes, -EINVAL, "LOAD0008", "no whole number");
    free(file);
}

static void test_load_unknown_options_are_refused(void **state)
{
    const struct load_options options = {.size = 3};
    struct load_check check = {.arena = arena_open()};

    (void)state;
    check.sink = diag_sink_make(check.arena);
    assert_int_equal(
        load_object_memory("", 0, "x", &options, check.arena, &check.sink, &check.object), -EINVAL);
    assert_string_equal(diag_first_error(&check.sink)->code, "LOAD0024");
    load_check_close(&check);
}

/* ---- symbols ---- */

static void test_load_symbol_in_no_section_is_refused(void **state)
{
    struct elf_image image = small_image();

    (void)state;
    elf_image_symbol(&image, "lost", STB_GLOBAL, STT_OBJECT, 99, 0, 0);
    load_check_reject(&image, -EINVAL, "LOAD0008", "lost");
}

static void test_load_function_outside_its_section_is_refused(void **state)
{
    static const uint64_t places[][2] = {{16, 8}, {8, 16}, {4, 8}, {0, 12}, {UINT64_MAX - 7, 8}};

    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct elf_image image = small_image();

        elf_image_symbol(&image, "far", STB_GLOBAL, STT_FUNC, 1, places[i][0], places[i][1]);
        load_check_reject(&image, -EINVAL, "LOAD0008", "far");
    }
}

static void test_load_function_in_data_is_refused(void **state)
{
    struct elf_image image = small_image();

    (void)state;
    elf_image_symbol(&image, "odd", STB_GLOBAL, STT_FUNC, 2, 0, 0);
    load_check_reject(&image, -EINVAL, "LOAD0008", "no section of code");
}

/* ---- relocations ---- */

/* r1 = (something) ll; call (something); return */
static struct elf_image image_to_relocate(uint32_t *section)
{
    static const struct ebpf_insn code[] = {LD_IMM64(1, 0, 0), CALL_SUB(-1), RETURN};
    struct elf_image image = elf_image_make();

    *section = load_check_program(&image, code, sizeof(code));
    return image;
}

static void reject_reloc(uint64_t offset, uint32_t symbol, uint32_t type, const char *code,
                         const char *text)
{
    uint32_t section;
    struct elf_image image = image_to_relocate(&section);

    elf_image_reloc(&image, section, offset, symbol, type);
    load_check_reject(&image, -EINVAL, code, text);
}

static void test_load_relocation_elsewhere_is_refused(void **state)
{
    (void)state;
    reject_reloc(32, 1, R_BPF_64_64, "LOAD0009", "no instruction");
    reject_reloc(4, 1, R_BPF_64_64, "LOAD0009", "no instruction");
    reject_reloc(UINT64_MAX - 7, 1, R_BPF_64_64, "LOAD0009", "no instruction");
    reject_reloc(0, 0, R_BPF_64_64, "LOAD0009", "symbol 0");
    reject_reloc(0, 2, R_BPF_64_64, "LOAD0009", "symbol 2");
    reject_reloc(0, 0xffffffff, R_BPF_64_64, "LOAD0009", "symbol 4294967295");
    reject_reloc(16, 1, R_BPF_64_64, "LOAD0009", "opcode 0x85");
    reject_reloc(8, 1, R_BPF_64_64, "LOAD0009", "opcode 0x00");
    reject_reloc(0, 1, R_BPF_64_32, "LOAD0009", "opcode 0x18");
}

static void test_load_relocation_of_foreign_type_is_named(void **state)
{
    static const struct {
        uint32_t type;
        const char *name;
    } types[] = {{0, "R_BPF_NONE"},
                 {2, "R_BPF_64_ABS64"},
                 {3, "R_BPF_64_ABS32"},
                 {4, "R_BPF_64_NODYLD32"},
                 {257, "an unknown type"}};

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        uint32_t section;
        struct elf_image image = image_to_relocate(&section);

        elf_image_reloc(&image, section, 0, 1, types[i].type);
        load_check_reject(&image, -ENOTSUP, "LOAD0010", types[i].name);
    }
}

static void test_load_two_relocations_for_one_are_refused(void **state)
{
    uint32_t section;
    struct elf_image image = image_to_relocate(&section);

    (void)state;
    elf_image_reloc(&image, section, 16, 1, R_BPF_64_32);
    elf_image_reloc(&image, section, 16, 1, R_BPF_64_32);
    load_check_reject(&image, -EINVAL, "LOAD0009", "two relocations");
}

static void test_load_relocations_of_other_kind_are_refused(void **state)
{
    uint32_t section;
    struct elf_image image = image_to_relocate(&section);

    (void)state;
    elf_image_reloc(&image, section, 16, 1, R_BPF_64_32);
    image.reloc_type = SHT_RELA;
    load_check_reject(&image, -EINVAL, "LOAD0007", "without addend");
}

static void test_load_relocations_for_no_section_are_refused(void **state)
{
    struct elf_image image = small_image();

    (void)state;
    elf_image_reloc(&image, 31, 0, 1, R_BPF_64_64);
    load_check_reject(&image, -EINVAL, "LOAD0007", "section 31");
}

static void test_load_two_relocation_sections_for_one_are_refused(void **state)
{
    const uint32_t one = 1;
    struct elf_image image = small_image();
    size_t bytes;
    uint8_t *file;

    (void)state;
    elf_image_reloc(&image, 1, 0, 1, R_BPF_64_64);
    elf_image_reloc(&image, 2, 0, 1, R_BPF_64_64);
    file = elf_image_finish(&image, &bytes);
    memcpy(header_field(file, 6, offsetof(Elf64_Shdr, sh_info)), &one, 4);
    load_check_reject_bytes(file, bytes, -EINVAL, "LOAD0007", "two relocation sections");
    free(file);
}

static void test_load_constant_without_relocation_is_refused(void **state)
{
    static const struct ebpf_insn code[] = {LD_IMM64(1, EBPF_PSEUDO_MAP_FD, 5), MOV_K(0, 1),
                                            RETURN};
    struct elf_image image = elf_image_make();

    (void)state;
    load_check_program(&image, code, sizeof(code));
    load_check_reject(&image, -EINVAL, "LOAD0023", "without relocation");
}

static void test_load_extern_is_refused_by_name(void **state)
{
    uint32_t section, symbol;
    struct elf_image image = image_to_relocate(&section);

    (void)state;
    symbol = elf_image_symbol(&image, "elsewhere", STB_GLOBAL, STT_NOTYPE, SHN_UNDEF, 0, 0);
    elf_image_reloc(&image, section, 0, symbol, R_BPF_64_64);
    load_check_reject(&image, -ENOTSUP, "LOAD0012", "elsewhere");
}

static void test_load_common_symbol_is_refused(void **state)
{
    uint32_t section, symbol;
    struct elf_image image = image_to_relocate(&section);

    (void)state;
    symbol = elf_image_symbol(&image, "shared", STB_GLOBAL, STT_OBJECT, SHN_COMMON, 8, 8);
    elf_image_reloc(&image, section, 0, symbol, R_BPF_64_64);
    load_check_reject(&image, -ENOTSUP, "LOAD0008", "shared, a common symbol");
}

static void test_load_reference_to_other_section_is_refused(void **state)
{
    uint32_t section, other, symbol;
    struct elf_image image = image_to_relocate(&section);

    (void)state;
    other = elf_image_section(&image, "license", SHT_PROGBITS, SHF_ALLOC, "GPL", 4);
    symbol = elf_image_symbol(&image, "LICENSE", STB_GLOBAL, STT_OBJECT, other, 0, 4);
    elf_image_reloc(&image, section, 0, symbol, R_BPF_64_64);
    load_check_reject(&image, -ENOTSUP, "LOAD0017", "LICENSE in section license");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_missing_file_is_named),
        cmocka_unit_test(test_load_folder_is_refused),
        cmocka_unit_test(test_load_other_bytes_are_not_elf),
        cmocka_unit_test(test_load_other_class_or_order_is_refused),
        cmocka_unit_test(test_load_other_machine_is_named),
        cmocka_unit_test(test_load_linked_file_is_refused),
        cmocka_unit_test(test_load_wrong_section_table_is_refused),
        cmocka_unit_test(test_load_truncated_anywhere_is_refused),
        cmocka_unit_test(test_load_truncated_section_is_named),
        cmocka_unit_test(test_load_object_without_symbols_is_refused),
        cmocka_unit_test(test_load_half_a_symbol_is_refused),
        cmocka_unit_test(test_load_unknown_options_are_refused),
        cmocka_unit_test(test_load_symbol_in_no_section_is_refused),
        cmocka_unit_test(test_load_function_outside_its_section_is_refused),
        cmocka_unit_test(test_load_function_in_data_is_refused),
        cmocka_unit_test(test_load_relocation_elsewhere_is_refused),
        cmocka_unit_test(test_load_relocation_of_foreign_type_is_named),
        cmocka_unit_test(test_load_two_relocations_for_one_are_refused),
        cmocka_unit_test(test_load_relocations_of_other_kind_are_refused),
        cmocka_unit_test(test_load_relocations_for_no_section_are_refused),
        cmocka_unit_test(test_load_two_relocation_sections_for_one_are_refused),
        cmocka_unit_test(test_load_constant_without_relocation_is_refused),
        cmocka_unit_test(test_load_extern_is_refused_by_name),
        cmocka_unit_test(test_load_common_symbol_is_refused),
        cmocka_unit_test(test_load_reference_to_other_section_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
