/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/load_check.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Maps: by BTF, by records, and from data sections. What clang makes of them is in
 * test_load_clang.c. */

/* ---- legacy records ---- */

static struct elf_image legacy_image(const uint32_t *words, size_t bytes, uint32_t maps,
                                     uint64_t symbol_bytes)
{
    static const char *const names[] = {"one", "two", "three"};
    struct elf_image image = elf_image_make();
    uint32_t section;

    load_check_program(&image, NULL, 0);
    section = elf_image_section(&image, "maps", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, words, bytes);
    for (uint32_t i = 0; i < maps; i++)
        elf_image_symbol(&image, names[i], STB_GLOBAL, STT_OBJECT, section, i * (bytes / maps),
                         symbol_bytes);
    return image;
}

static void accept_legacy(size_t record_bytes, uint64_t symbol_bytes)
{
    const size_t words = record_bytes / 4;
    uint32_t records[2 * 9] = {0};
    struct load_check check;
    struct elf_image image;

    memcpy(records, (uint32_t[]){BPF_MAP_TYPE_HASH, 16, 8, 100, BPF_F_NO_PREALLOC}, 20);
    memcpy(records + words, (uint32_t[]){BPF_MAP_TYPE_ARRAY, 4, 12, 3, 0}, 20);
    image = legacy_image(records, 2 * record_bytes, 2, symbol_bytes);
    check = load_check_accept(&image);
    assert_int_equal(check.object->map_count, 2);
    assert_string_equal(check.object->maps[0].name, "one");
    assert_int_equal(check.object->maps[0].kind, LOAD_MAP_LEGACY);
    assert_int_equal(check.object->maps[0].type, SPEC_MAP_HASH);
    assert_int_equal(check.object->maps[0].key_bytes, 16);
    assert_int_equal(check.object->maps[0].value_bytes, 8);
    assert_int_equal(check.object->maps[0].max_entries, 100);
    assert_int_equal(check.object->maps[0].flags, BPF_F_NO_PREALLOC);
    assert_string_equal(check.object->maps[1].name, "two");
    assert_int_equal(check.object->maps[1].value_bytes, 12);
    load_check_close(&check);
}

static void test_load_legacy_records_of_each_size_are_read(void **state)
{
    (void)state;
    for (size_t bytes = 20; bytes <= 36; bytes += 8) {
        accept_legacy(bytes, bytes);
        accept_legacy(bytes, 0); /* only the section's size tells */
    }
}

static void test_load_legacy_record_of_wrong_size_is_refused(void **state)
{
    static const uint32_t words[9] = {BPF_MAP_TYPE_HASH, 4, 4, 1};
    struct elf_image image = legacy_image(words, 16, 1, 16);

    (void)state;
    load_check_reject(&image, -EINVAL, "LOAD0014", "16 bytes");
    image = legacy_image(words, 22, 1, 22);
    load_check_reject(&image, -EINVAL, "LOAD0014", "22 bytes");
    image = legacy_image(words, 32, 3, 0);
    load_check_reject(&image, -EINVAL, "LOAD0014", "divided among 3");
    image = legacy_image(words, 20, 1, 24);
    load_check_reject(&image, -EINVAL, "LOAD0008", "outside");
    image = legacy_image(words, 20, 0, 0);
    load_check_reject(&image, -EINVAL, "LOAD0014", "without any symbol");
}

static void test_load_two_names_of_one_map_are_refused(void **state)
{
    static const uint32_t words[10] = {BPF_MAP_TYPE_HASH, 4, 4, 1};
    struct elf_image image = legacy_image(words, 40, 1, 20);

    (void)state;
    elf_image_symbol(&image, "other", STB_GLOBAL, STT_OBJECT, 2, 0, 20);
    load_check_reject(&image, -EINVAL, "LOAD0014", "other");
}

static void test_load_too_many_maps_are_refused(void **state)
{
    static uint32_t words[65 * 5];
    static char names[65][8];
    struct elf_image image = elf_image_make();
    uint32_t section;

    (void)state;
    load_check_program(&image, NULL, 0);
    for (unsigned i = 0; i < 65; i++)
        memcpy(words + 5 * i, (uint32_t[]){BPF_MAP_TYPE_HASH, 4, 4, 1, 0}, 20);
    section = elf_image_section(&image, "maps", SHT_PROGBITS, SHF_ALLOC, words, sizeof(words));
    for (unsigned i = 0; i < 65; i++) {
        snprintf(names[i], sizeof(names[i]), "m%u", i);
        elf_image_symbol(&image, names[i], STB_GLOBAL, STT_OBJECT, section, 20 * i, 20);
    }
    load_check_reject(&image, -ENOTSUP, "LOAD0016", "more than 64");
}

/* ---- sizes ---- */

struct sizes {
    uint32_t type, key, value, entries;
    const char *text; /* of the refusal; NULL: fine */
};

static const struct sizes size_cases[] = {
    {BPF_MAP_TYPE_HASH, 1, 1, 1, NULL},
    {BPF_MAP_TYPE_HASH, 0, 4, 1, "the key's size is 0"},
    {BPF_MAP_TYPE_HASH, 4, 0, 1, "the value's size is 0"},
    {BPF_MAP_TYPE_HASH, 4, 4, 0, "max_entries is 0"},
    {BPF_MAP_TYPE_ARRAY, 4, 1, 1, NULL},
    {BPF_MAP_TYPE_ARRAY, 8, 1, 1, "the key's size is 8, must be 4"},
    {BPF_MAP_TYPE_ARRAY, 4, 0, 1, "the value's size is 0"},
    {BPF_MAP_TYPE_PERCPU_ARRAY, 2, 8, 1, "the key's size is 2"},
    {BPF_MAP_TYPE_DEVMAP, 4, 4, 1, NULL},
    {BPF_MAP_TYPE_DEVMAP, 4, 8, 1, NULL},
    {BPF_MAP_TYPE_DEVMAP, 4, 6, 1, "the value's size is 6"},
    {BPF_MAP_TYPE_DEVMAP, 4, 12, 1, "the value's size is 12, must be 4 to 8"},
    {BPF_MAP_TYPE_XSKMAP, 4, 8, 1, "the value's size is 8, must be 4"},
    {BPF_MAP_TYPE_LPM_TRIE, 8, 8, 1, "an lpm_trie needs BPF_F_NO_PREALLOC"},
    {BPF_MAP_TYPE_LPM_TRIE, 4, 8, 1, "the key's size is 4"},
    {BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, NULL},
    {BPF_MAP_TYPE_RINGBUF, 0, 0, 100, NULL}, /* libbpf makes a page of it */
    {BPF_MAP_TYPE_RINGBUF, 4, 0, 4096, "the key's size is 4"},
    {BPF_MAP_TYPE_QUEUE, 0, 4, 1, NULL},
    {BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 0, NULL},
    {BPF_MAP_TYPE_SOCKMAP, 4, 4, 1, NULL}, /* of no use to XDP, but that is for others to say */
    {200, 77, 77, 0, NULL},
};

static void test_load_map_sizes_follow_the_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(size_cases) / sizeof(size_cases[0]); i++) {
        const struct sizes *s = &size_cases[i];
        const uint32_t words[5] = {s->type, s->key, s->value, s->entries};
        struct elf_image image = legacy_image(words, 20, 1, 20);
        struct load_check check;

        if (s->text) {
            load_check_reject(&image, -EINVAL, "LOAD0015", s->text);
            continue;
        }
        check = load_check_accept(&image);
        if (check.object->map_count) /* of a type that executors have */
            assert_int_equal(check.object->maps[0].type, s->type);
        load_check_close(&check);
    }
}

/* ---- maps of other programs ---- */

/* Two programs; the second, whose section the caller names, uses the second of three maps. */
static struct load_check load_two_programs(const char *second)
{
    static const struct ebpf_insn first[] = {
        {.opcode = 0x18, .dst = 1}, {0}, {.opcode = 0xb7}, {.opcode = 0x95}};
    static const uint32_t words[15] = {BPF_MAP_TYPE_REUSEPORT_SOCKARRAY,
                                       4,
                                       4,
                                       1,
                                       0,
                                       BPF_MAP_TYPE_SOCKMAP,
                                       4,
                                       4,
                                       1,
                                       0,
                                       BPF_MAP_TYPE_ARRAY,
                                       4,
                                       8,
                                       5,
                                       0};
    struct elf_image image = elf_image_make();
    const uint32_t xdp = load_check_program(&image, first, sizeof(first));
    const uint32_t code = elf_image_code(&image, second, first, sizeof(first));
    const uint32_t maps =
        elf_image_section(&image, "maps", SHT_PROGBITS, SHF_ALLOC, words, sizeof(words));

    elf_image_symbol(&image, "other", STB_GLOBAL, STT_FUNC, code, 0, sizeof(first));
    elf_image_symbol(&image, "a", STB_GLOBAL, STT_OBJECT, maps, 0, 20);
    elf_image_reloc(&image, code, 0,
                    elf_image_symbol(&image, "b", STB_GLOBAL, STT_OBJECT, maps, 20, 20),
                    R_BPF_64_64);
    elf_image_reloc(&image, xdp, 0,
                    elf_image_symbol(&image, "c", STB_GLOBAL, STT_OBJECT, maps, 40, 20),
                    R_BPF_64_64);
    return load_check_accept(&image);
}

static void test_load_maps_of_other_programs_are_left_out(void **state)
{
    struct load_check check = load_two_programs("sk_skb");

    (void)state;
    assert_int_equal(check.object->map_count, 1);
    assert_string_equal(check.object->maps[0].name, "c");
    assert_int_equal(check.object->progs[0].insns[0].imm, 0);
    assert_int_equal(check.sink.count, 2);
    assert_int_equal(check.sink.records[0].severity, DIAG_NOTE);
    assert_string_equal(check.sink.records[0].code, "LOAD0102");
    assert_non_null(strstr(check.sink.records[0].message, "map a (reuseport_sockarray)"));
    load_check_close(&check);
}

static void test_load_map_that_any_xdp_program_uses_stays(void **state)
{
    struct load_check check = load_two_programs("xdp/other");

    (void)state;
    assert_int_equal(check.object->map_count, 2);
    assert_string_equal(check.object->maps[0].name, "b");
    assert_string_equal(check.object->maps[1].name, "c");
    assert_int_equal(check.object->progs[0].insns[0].imm, 1);
    assert_int_equal(check.object->progs[1].insns[0].imm, 0);
    load_check_close(&check);
}

static void test_load_only_one_program_has_its_maps_alone(void **state)
{
    struct load_check check = load_two_programs("xdp/other");
    const struct load_object *alone = load_only(check.object, &check.object->progs[0], check.arena);

    (void)state;
    assert_int_equal(alone->prog_count, 1);
    assert_string_equal(alone->progs[0].name, "prog");
    assert_int_equal(alone->map_count, 1);
    assert_string_equal(alone->maps[0].name, "c");
    assert_int_equal(alone->progs[0].insns[0].imm, 0);
    assert_int_equal(check.object->progs[0].insns[0].imm, 1); /* the object is as it was */
    alone = load_only(check.object, &check.object->progs[1], check.arena);
    assert_int_equal(alone->map_count, 2); /* others may use an array, too */
    assert_string_equal(alone->maps[0].name, "b");
    load_check_close(&check);
}

/* ---- sizes from outside ---- */

/* Three maps: a has a size, b and c have none. */
static struct load_check load_sized(const struct load_map_size *sizes, uint32_t count, int err)
{
    static const char *const names[] = {"a", "b", "c"};
    const uint32_t words[15] = {BPF_MAP_TYPE_ARRAY, 4, 8, 5, 0, BPF_MAP_TYPE_HASH, 4, 8, 0, 0,
                                BPF_MAP_TYPE_ARRAY, 4, 8, 0, 0};
    const struct load_options options = {
        .size = sizeof(options), .map_sizes = sizes, .map_size_count = count};
    struct load_check check = {.arena = arena_open()};
    struct elf_image image = elf_image_make();
    uint32_t section;
    size_t bytes;
    uint8_t *file;

    check.sink = diag_sink_make(check.arena);
    load_check_program(&image, NULL, 0);
    section = elf_image_section(&image, "maps", SHT_PROGBITS, SHF_ALLOC, words, sizeof(words));
    for (uint32_t i = 0; i < 3; i++)
        elf_image_symbol(&image, names[i], STB_GLOBAL, STT_OBJECT, section, 20 * i, 20);
    file = elf_image_finish(&image, &bytes);
    assert_int_equal(load_object_memory(file, bytes, "image.o", &options, check.arena, &check.sink,
                                        &check.object),
                     err);
    free(file);
    return check;
}

static void test_load_open_map_sizes_come_from_the_options(void **state)
{
    static const struct load_map_size sizes[] = {{NULL, 7}, {"c", 9}, {"a", 3}};
    struct load_check check = load_sized(sizes, 3, 0);

    (void)state;
    assert_int_equal(check.object->maps[0].max_entries, 3);
    assert_int_equal(check.object->maps[1].max_entries, 7);
    assert_int_equal(check.object->maps[2].max_entries, 9);
    load_check_close(&check);
    check = load_sized(sizes, 1, 0);
    assert_int_equal(check.object->maps[0].max_entries, 5);
    load_check_close(&check);
}

static void test_load_open_map_size_that_stays_open_is_refused(void **state)
{
    static const struct load_map_size size = {"b", 7};
    struct load_check check = load_sized(&size, 1, -EINVAL);
    const struct diag *d = diag_first_error(&check.sink);

    (void)state;
    assert_string_equal(d->code, "LOAD0015");
    assert_non_null(strstr(d->message, "map c (array): max_entries is 0"));
    load_check_close(&check);
}

static void test_load_size_of_a_map_that_is_not_there_is_refused(void **state)
{
    static const struct load_map_size sizes[] = {{NULL, 7}, {"d", 1}};
    struct load_check check = load_sized(sizes, 2, -EINVAL);

    (void)state;
    assert_string_equal(diag_first_error(&check.sink)->code, "LOAD0024");
    load_check_close(&check);
}

/* ---- data sections ---- */

static void test_load_data_sections_are_maps(void **state)
{
    struct elf_image image = elf_image_make();
    struct load_check check;
    const struct load_map *m;

    (void)state;
    load_check_program(&image, NULL, 0);
    elf_image_section(&image, ".rodata.str1.1", SHT_PROGBITS, SHF_ALLOC, "abc", 4);
    elf_image_section(&image, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, "12345", 5);
    elf_image_section(&image, ".bss.x", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, NULL, 7);
    elf_image_section(&image, ".data.empty", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, "", 0);
    elf_image_section(&image, ".rodatax", SHT_PROGBITS, SHF_ALLOC, "no", 3);
    check = load_check_accept(&image);
    m = check.object->maps;
    assert_int_equal(check.object->map_count, 3);
    assert_string_equal(m[0].name, ".rodata.str1.1");
    assert_int_equal(m[0].kind, LOAD_MAP_RODATA);
    assert_int_equal(m[0].flags, BPF_F_RDONLY_PROG);
    assert_memory_equal(m[0].data, "abc", 4);
    assert_int_equal(m[1].kind, LOAD_MAP_DATA);
    assert_int_equal(m[1].value_bytes, 5);
    assert_int_equal(m[1].type, SPEC_MAP_ARRAY);
    assert_int_equal(m[1].key_bytes, 4);
    assert_int_equal(m[1].max_entries, 1);
    assert_int_equal(m[2].kind, LOAD_MAP_BSS);
    assert_memory_equal(m[2].data, "\0\0\0\0\0\0\0", 7);
    load_check_close(&check);
}

static void test_load_huge_data_is_refused(void **state)
{
    struct elf_image image = elf_image_make();

    (void)state;
    load_check_program(&image, NULL, 0);
    elf_image_section(&image, ".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, NULL, 1ULL << 40);
    load_check_reject(&image, -ENOTSUP, "LOAD0021", "1099511627776 bytes");
}

/* r1 = (variable at an offset) ll; return */
static struct elf_image variable_image(uint64_t symbol_value, int32_t addend, unsigned symbol_type)
{
    static struct ebpf_insn code[3];
    struct elf_image image = elf_image_make();
    uint32_t section, data, symbol;

    memset(code, 0, sizeof(code));
    code[0] = (struct ebpf_insn){.opcode = 0x18, .dst = 1, .imm = addend};
    code[2] = (struct ebpf_insn){.opcode = 0x95};
    section = load_check_program(&image, code, sizeof(code));
    data = elf_image_section(&image, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, "0123456", 8);
    symbol = elf_image_symbol(&image, "v", STB_LOCAL, symbol_type, data, symbol_value, 4);
    elf_image_reloc(&image, section, 0, symbol, R_BPF_64_64);
    return image;
}

static void test_load_variable_is_map_and_offset(void **state)
{
    static const struct {
        uint64_t value;
        int32_t addend, offset;
    } cases[] = {{0, 0, 0}, {4, 0, 4}, {0, 4, 4}, {4, 3, 7}, {4, -2, 2}, {8, 0, 8}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct elf_image image =
            variable_image(cases[i].value, cases[i].addend, i % 2 ? STT_OBJECT : STT_SECTION);
        struct load_check check = load_check_accept(&image);
        const struct ebpf_insn *insns = check.object->progs[0].insns;

        assert_int_equal(insns[0].src, EBPF_PSEUDO_MAP_VALUE);
        assert_int_equal(insns[0].imm, 0);
        assert_int_equal(insns[1].imm, cases[i].offset);
        load_check_close(&check);
    }
}

static void test_load_variable_outside_its_section_is_refused(void **state)
{
    struct elf_image image = variable_image(8, 1, STT_OBJECT);

    (void)state;
    load_check_reject(&image, -EINVAL, "LOAD0017", "byte 9 of section .data");
    image = variable_image(0, -1, STT_SECTION);
    load_check_reject(&image, -EINVAL, "LOAD0017", "section .data, which has 8");
}

static void test_load_pointers_in_data_are_refused(void **state)
{
    struct elf_image image = variable_image(0, 0, STT_OBJECT);

    (void)state;
    elf_image_reloc(&image, 2, 0, 1, 2);
    load_check_reject(&image, -ENOTSUP, "LOAD0022", ".rel.data");
}

static void test_load_reference_between_maps_is_refused(void **state)
{
    static const struct ebpf_insn code[3] = {{.opcode = 0x18, .dst = 1}, {0}, {.opcode = 0x95}};
    static const uint32_t words[5] = {BPF_MAP_TYPE_HASH, 4, 4, 1, 0};
    struct elf_image image = elf_image_make();
    uint32_t section = load_check_program(&image, code, sizeof(code)), maps;

    (void)state;
    maps = elf_image_section(&image, "maps", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, words, 20);
    elf_image_symbol(&image, "m", STB_GLOBAL, STT_OBJECT, maps, 0, 20);
    elf_image_reloc(&image, section, 0,
                    elf_image_symbol(&image, "", STB_LOCAL, STT_SECTION, maps, 4, 0), R_BPF_64_64);
    load_check_reject(&image, -EINVAL, "LOAD0017", "byte 4 of section maps");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_legacy_records_of_each_size_are_read),
        cmocka_unit_test(test_load_legacy_record_of_wrong_size_is_refused),
        cmocka_unit_test(test_load_two_names_of_one_map_are_refused),
        cmocka_unit_test(test_load_too_many_maps_are_refused),
        cmocka_unit_test(test_load_map_sizes_follow_the_type),
        cmocka_unit_test(test_load_maps_of_other_programs_are_left_out),
        cmocka_unit_test(test_load_map_that_any_xdp_program_uses_stays),
        cmocka_unit_test(test_load_only_one_program_has_its_maps_alone),
        cmocka_unit_test(test_load_open_map_sizes_come_from_the_options),
        cmocka_unit_test(test_load_open_map_size_that_stays_open_is_refused),
        cmocka_unit_test(test_load_size_of_a_map_that_is_not_there_is_refused),
        cmocka_unit_test(test_load_data_sections_are_maps),
        cmocka_unit_test(test_load_huge_data_is_refused),
        cmocka_unit_test(test_load_variable_is_map_and_offset),
        cmocka_unit_test(test_load_variable_outside_its_section_is_refused),
        cmocka_unit_test(test_load_pointers_in_data_are_refused),
        cmocka_unit_test(test_load_reference_between_maps_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
