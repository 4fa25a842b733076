/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/load_check.h"

#include <bpf/btf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* .BTF and .BTF.ext: map definitions, source lines, CO-RE records, and malformed ones of each. */

/* ---- map definitions ---- */

/* A .maps section with one map "m", whose members the test adds. */
struct map_builder {
    struct btf *btf;
    int int_id;
    int struct_id;
    uint32_t members;
};

static struct map_builder builder_make(void)
{
    struct map_builder b = {.btf = btf__new_empty()};

    assert_non_null(b.btf);
    b.int_id = btf__add_int(b.btf, "int", 4, BTF_INT_SIGNED);
    btf__add_array(b.btf, b.int_id, b.int_id, 1); /* ids of their own for the tests to use */
    return b;
}

/* The type of __uint(name, value). */
static int uint_type(struct map_builder *b, uint32_t value)
{
    return btf__add_ptr(b->btf, btf__add_array(b->btf, b->int_id, b->int_id, value));
}

struct member {
    const char *name;
    int type;
};

/* The image with a struct of these members as map. */
static struct elf_image map_image(struct map_builder *b, const struct member *members,
                                  uint32_t count)
{
    static const uint8_t zeros[64];
    struct elf_image image = elf_image_make();
    const void *raw;
    uint32_t bytes, maps;
    int id = btf__add_struct(b->btf, NULL, 8 * count);

    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(btf__add_field(b->btf, members[i].name, members[i].type, 64 * i, 0), 0);
    id = btf__add_var(b->btf, "m", BTF_VAR_GLOBAL_ALLOCATED, id);
    assert_true(btf__add_datasec(b->btf, ".maps", sizeof(zeros)) > 0);
    assert_int_equal(btf__add_datasec_var_info(b->btf, id, 0, 8 * count), 0);
    load_check_program(&image, NULL, 0);
    maps = elf_image_section(&image, ".maps", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, zeros,
                             sizeof(zeros));
    elf_image_symbol(&image, "m", STB_GLOBAL, STT_OBJECT, maps, 0, 8 * count);
    raw = btf__raw_data(b->btf, &bytes);
    elf_image_section(&image, ".BTF", SHT_PROGBITS, 0, raw, bytes);
    return image;
}

static void reject_map(struct map_builder *b, const struct member *members, uint32_t count,
                       const char *code, const char *text)
{
    const struct elf_image image = map_image(b, members, count);

    load_check_reject(&image, -EINVAL, code, text);
    btf__free(b->btf);
}

static void test_load_btf_map_is_read(void **state)
{
    struct map_builder b = builder_make();
    const int u64 = btf__add_int(b.btf, "long", 8, 0);
    const int typed = btf__add_typedef(b.btf, "value_t", btf__add_const(b.btf, u64));
    const struct member members[] = {{"type", uint_type(&b, BPF_MAP_TYPE_PERCPU_HASH)},
                                     {"max_entries", uint_type(&b, 77)},
                                     {"map_flags", uint_type(&b, BPF_F_NO_PREALLOC)},
                                     {"key", btf__add_ptr(b.btf, b.int_id)},
                                     {"key_size", uint_type(&b, 4)},
                                     {"value", btf__add_ptr(b.btf, typed)},
                                     {"pinning", uint_type(&b, 1)}};
    const struct elf_image image = map_image(&b, members, 7);
    struct load_check check = load_check_accept(&image);
    const struct load_map *m = check.object->maps;

    (void)state;
    assert_int_equal(check.object->map_count, 1);
    assert_int_equal(check.sink.count, 0);
    assert_string_equal(m->name, "m");
    assert_string_equal(m->section, ".maps");
    assert_int_equal(m->kind, LOAD_MAP_BTF);
    assert_int_equal(m->type, SPEC_MAP_PERCPU_HASH);
    assert_int_equal(m->max_entries, 77);
    assert_int_equal(m->flags, BPF_F_NO_PREALLOC);
    assert_int_equal(m->key_bytes, 4);
    assert_int_equal(m->value_bytes, 8);
    load_check_close(&check);
    btf__free(b.btf);
}

static void test_load_btf_map_that_contradicts_itself_is_refused(void **state)
{
    struct map_builder b = builder_make();
    const struct member members[] = {{"type", uint_type(&b, BPF_MAP_TYPE_HASH)},
                                     {"key", btf__add_ptr(b.btf, b.int_id)},
                                     {"key_size", uint_type(&b, 8)}};

    (void)state;
    reject_map(&b, members, 3, "LOAD0014", "key_size says 8 bytes, another member 4");
}

static void test_load_btf_map_without_type_is_refused(void **state)
{
    struct map_builder b = builder_make();
    const struct member members[] = {{"key_size", uint_type(&b, 8)}};

    (void)state;
    reject_map(&b, members, 1, "LOAD0014", "has no type");
}

static void test_load_btf_map_members_of_wrong_form_are_refused(void **state)
{
    struct map_builder b = builder_make();
    const struct member number = {"type", b.int_id};

    (void)state;
    reject_map(&b, &number, 1, "LOAD0014", "type is not written with __uint()");
    b = builder_make();
    const struct member key = {"key", b.int_id};
    reject_map(&b, &key, 1, "LOAD0014", "key is not written with __type()");
    b = builder_make();
    const struct member value = {"value", btf__add_ptr(b.btf, 0)};
    reject_map(&b, &value, 1, "LOAD0014", "value has a type without known size");
    b = builder_make();
    const struct member values = {"values", b.int_id};
    reject_map(&b, &values, 1, "LOAD0014", "values is not written with __array()");
}

static void test_load_btf_map_sizes_follow_the_type(void **state)
{
    struct map_builder b = builder_make();
    const struct member members[] = {{"type", uint_type(&b, BPF_MAP_TYPE_ARRAY)},
                                     {"key_size", uint_type(&b, 4)},
                                     {"value_size", uint_type(&b, 4)}};

    (void)state;
    reject_map(&b, members, 3, "LOAD0015", "max_entries is 0");
}

static void test_load_btf_map_attributes_without_effect_are_noted(void **state)
{
    struct map_builder b = builder_make();
    const struct member members[] = {{"type", uint_type(&b, BPF_MAP_TYPE_HASH)},
                                     {"key_size", uint_type(&b, 4)},
                                     {"values", btf__add_array(b.btf, b.int_id, b.int_id, 0)},
                                     {"max_entries", uint_type(&b, 1)},
                                     {"map_extra", uint_type(&b, 3)}};
    struct elf_image image = map_image(&b, members, 5);
    struct load_check check;

    (void)state;
    elf_image_reloc(&image, 2, 0, 1, 2); /* an initial value */
    check = load_check_accept(&image);
    assert_int_equal(check.sink.count, 2);
    assert_int_equal(check.sink.records[0].severity, DIAG_WARNING);
    assert_string_equal(check.sink.records[0].code, "LOAD0100");
    assert_non_null(strstr(check.sink.records[0].message, "map_extra"));
    assert_string_equal(check.sink.records[1].code, "LOAD0101");
    assert_int_equal(check.object->maps[0].value_bytes, 4);
    load_check_close(&check);
    btf__free(b.btf);
}

static void test_load_maps_without_btf_are_refused(void **state)
{
    struct elf_image image = elf_image_make();

    (void)state;
    load_check_program(&image, NULL, 0);
    elf_image_section(&image, ".maps", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, "1234567", 8);
    load_check_reject(&image, -EINVAL, "LOAD0013", "compile with -g");
}

/* ---- externs ---- */

static void reject_extern(const char *section, const char *text)
{
    static const struct ebpf_insn code[3] = {{.opcode = 0x18, .dst = 1}, {0}, {.opcode = 0x95}};
    struct btf *btf = btf__new_empty();
    const int id = btf__add_int(btf, "int", 4, 0);
    struct elf_image image = elf_image_make();
    uint32_t bytes, program = load_check_program(&image, code, sizeof(code));
    const void *raw;

    btf__add_var(btf, "wanted", BTF_VAR_GLOBAL_EXTERN, id);
    btf__add_datasec(btf, section, 4);
    btf__add_datasec_var_info(btf, id + 1, 0, 4);
    raw = btf__raw_data(btf, &bytes);
    elf_image_section(&image, ".BTF", SHT_PROGBITS, 0, raw, bytes);
    elf_image_reloc(&image, program, 0,
                    elf_image_symbol(&image, "wanted", STB_GLOBAL, STT_NOTYPE, SHN_UNDEF, 0, 0),
                    R_BPF_64_64);
    load_check_reject(&image, -ENOTSUP, "LOAD0012", text);
    btf__free(btf);
}

static void test_load_extern_is_refused_by_its_kind(void **state)
{
    (void)state;
    reject_extern(".kconfig", "wanted is a kernel configuration value");
    reject_extern(".ksyms", "wanted is a kernel symbol");
    reject_extern(".other", "wanted is not defined");
}

/* ---- malformed .BTF ---- */

static void reject_btf(const void *data, size_t bytes, const char *text)
{
    struct elf_image image = elf_image_make();

    load_check_program(&image, NULL, 0);
    elf_image_section(&image, ".BTF", SHT_PROGBITS, 0, data, bytes);
    load_check_reject(&image, -EINVAL, "LOAD0013", text);
}

struct small_btf {
    struct btf_header header;
    uint32_t words[8];
    char strings[8];
};

static struct small_btf small_btf_make(void)
{
    return (struct small_btf){
        .header = {.magic = BTF_MAGIC,
                   .version = 1,
                   .hdr_len = sizeof(struct btf_header),
                   .type_len = 16,
                   .str_off = 32,
                   .str_len = 8},
        .words = {1, BTF_KIND_INT << 24, 4, 32},
        .strings = "\0int",
    };
}

static void test_load_malformed_btf_is_refused(void **state)
{
    struct small_btf b = small_btf_make();
    struct elf_image image = elf_image_make();

    (void)state;
    load_check_program(&image, NULL, 0);
    elf_image_section(&image, ".BTF", SHT_NOBITS, 0, NULL, 100); /* a size, but no bytes */
    load_check_reject(&image, -EINVAL, "LOAD0013", "shorter than its header");
    reject_btf(&b, 10, "shorter than its header");
    b.header.magic = 1;
    reject_btf(&b, sizeof(b), "magic");
    b = small_btf_make();
    b.header.version = 9;
    reject_btf(&b, sizeof(b), "version");
    b = small_btf_make();
    b.header.hdr_len = 4096;
    reject_btf(&b, sizeof(b), "header length");
    b = small_btf_make();
    b.header.type_len = 0xfffffff0;
    reject_btf(&b, sizeof(b), "types lie outside");
    b = small_btf_make();
    b.header.str_len = 9;
    reject_btf(&b, sizeof(b), "strings lie outside");
    b = small_btf_make();
    b.strings[7] = 'x';
    reject_btf(&b, sizeof(b), "strings don't begin and end");
    b = small_btf_make();
    b.header.type_len = 14;
    reject_btf(&b, sizeof(b), "cut off");
    b = small_btf_make();
    b.words[1] = BTF_KIND_STRUCT << 24 | 0xffff;
    reject_btf(&b, sizeof(b), "cut off");
    b = small_btf_make();
    b.words[1] = 31u << 24;
    reject_btf(&b, sizeof(b), "type 1 has unknown kind 31");
}

/* ---- .BTF.ext ---- */

/* Header, then a table of lines and one of CO-RE records, for section "xdp" with two instructions.
 */
struct ext {
    uint16_t magic;
    uint8_t version, flags;
    uint32_t header_bytes, func_off, func_len, line_off, line_len, core_off, core_len;
    uint32_t line_size, line_section, line_count, lines[2][4];
    uint32_t core_size, core_section, core_count, core[4];
};

enum { STR_XDP = 1, STR_FILE = 5, STR_LINE1 = 9, STR_ACCESS = 27, STR_XDP_MD = 31 };
static const char ext_strings[] = "\0xdp\0x.c\0\treturn XDP_PASS;\0"
                                  "0:1\0xdp_md";

static struct ext ext_make(void)
{
    return (struct ext){
        .magic = BTF_MAGIC,
        .version = 1,
        .header_bytes = 32,
        .line_off = 0,
        .line_len = 44,
        .core_off = 44,
        .core_len = 28,
        .line_size = 16,
        .line_section = STR_XDP,
        .line_count = 2,
        .lines = {{0, STR_FILE, STR_LINE1, 7 << 10 | 5}, {8, STR_FILE, 0, 8 << 10 | 1}},
        .core_size = 16,
        .core_section = STR_XDP,
        .core_count = 1,
        .core = {8, 1, STR_ACCESS, BPF_CORE_FIELD_BYTE_OFFSET},
    };
}

/* An image with that .BTF.ext and a .BTF in which type 1 is struct xdp_md. */
static struct elf_image ext_image(const struct ext *e, size_t ext_bytes)
{
    static struct {
        struct btf_header header;
        uint32_t words[3];
        char strings[sizeof(ext_strings)];
    } b;
    struct elf_image image = elf_image_make();

    b.header = (struct btf_header){.magic = BTF_MAGIC,
                                   .version = 1,
                                   .hdr_len = sizeof(struct btf_header),
                                   .type_len = 12,
                                   .str_off = 12,
                                   .str_len = sizeof(ext_strings)};
    b.words[0] = STR_XDP_MD;
    b.words[1] = BTF_KIND_STRUCT << 24;
    memcpy(b.strings, ext_strings, sizeof(ext_strings));
    load_check_program(&image, NULL, 0);
    elf_image_section(&image, ".BTF", SHT_PROGBITS, 0, &b,
                      sizeof(b.header) + sizeof(b.words) + sizeof(ext_strings));
    elf_image_section(&image, ".BTF.ext", SHT_PROGBITS, 0, e, ext_bytes);
    return image;
}

static void test_load_lines_are_found_by_instruction(void **state)
{
    const struct ext e = ext_make();
    const struct elf_image image = ext_image(&e, sizeof(e));
    struct load_check check = load_check_accept(&image);
    const struct load_prog *p = &check.object->progs[0];
    const struct load_line *l = load_line_of(p, 0);
    struct diag_where where;

    (void)state;
    assert_int_equal(p->line_count, 2);
    assert_string_equal(l->file, "x.c");
    assert_int_equal(l->line, 7);
    assert_int_equal(l->column, 5);
    assert_string_equal(l->text, "\treturn XDP_PASS;");
    assert_int_equal(load_line_of(p, 1)->line, 8);
    assert_null(load_line_of(p, 1)->text);
    assert_null(load_line_of(p, 2));
    where = load_where(check.object, p, 0);
    assert_string_equal(where.program, "prog");
    assert_string_equal(where.section, "xdp");
    assert_string_equal(where.source_text, "return XDP_PASS;");
    assert_int_equal(where.source_line, 7);
    load_check_close(&check);
}

static void test_load_core_relocations_of_fields_are_kept(void **state)
{
    (void)state;
    for (uint32_t kind = BPF_CORE_FIELD_BYTE_OFFSET; kind <= BPF_CORE_TYPE_ID_LOCAL; kind++) {
        struct ext e = ext_make();
        struct elf_image image = ext_image(&e, sizeof(e));
        struct load_check check;

        e.core[3] = kind;
        check = load_check_accept(&image);
        assert_int_equal(check.object->progs[0].insns[1].opcode, 0x95);
        load_check_close(&check);
    }
}

static void test_load_core_relocations_of_types_are_refused_by_name(void **state)
{
    static const char *const names[] = {"type_id_target", "type_exists",   "type_size",
                                        "enumval_exists", "enumval_value", "type_matches"};

    (void)state;
    for (uint32_t i = 0; i < 6; i++) {
        struct ext e = ext_make();
        struct elf_image image = ext_image(&e, sizeof(e));

        e.core[3] = BPF_CORE_TYPE_ID_TARGET + i;
        load_check_reject(&image, -ENOTSUP, "LOAD0020", names[i]);
        load_check_reject(&image, -ENOTSUP, "LOAD0020", "of xdp_md");
        e.core[3] = 13;
        load_check_reject(&image, -ENOTSUP, "LOAD0020", "unknown kind 13");
    }
}

static void reject_ext(size_t offset, uint32_t value, const char *text)
{
    struct ext e = ext_make();
    struct elf_image image = ext_image(&e, sizeof(e));

    memcpy((char *)&e + offset, &value, sizeof(value));
    load_check_reject(&image, -EINVAL, "LOAD0013", text);
}

static void test_load_malformed_btf_ext_is_refused(void **state)
{
    struct ext e = ext_make();
    struct elf_image image = ext_image(&e, 20);

    (void)state;
    image.sections[3].type = SHT_NOBITS;
    image.sections[3].bytes = 100;
    load_check_reject(&image, -EINVAL, "LOAD0013", "shorter than its header");
    image = ext_image(&e, 20);
    load_check_reject(&image, -EINVAL, "LOAD0013", "shorter than its header");
    reject_ext(0, 0x1234, "magic");
    reject_ext(0, BTF_MAGIC | 7 << 16, "version");
    reject_ext(offsetof(struct ext, header_bytes), 4096, "header length");
    reject_ext(offsetof(struct ext, header_bytes), 26, "header length");
    reject_ext(offsetof(struct ext, line_off), 0xfffffff0, "outside");
    reject_ext(offsetof(struct ext, line_len), 0xfffffff0, "outside");
    reject_ext(offsetof(struct ext, line_len), 3, "record size");
    reject_ext(offsetof(struct ext, line_len), 8, "head is cut off");
    reject_ext(offsetof(struct ext, line_size), 8, "record size");
    reject_ext(offsetof(struct ext, line_size), 18, "record size");
    reject_ext(offsetof(struct ext, line_section), 4096, "name");
    reject_ext(offsetof(struct ext, line_count), 3, "cut off");
    reject_ext(offsetof(struct ext, line_count), 0xffffffff, "cut off");
    reject_ext(offsetof(struct ext, lines), 16, "byte 16 of section xdp");
    reject_ext(offsetof(struct ext, lines), 4, "byte 4 of section xdp");
    reject_ext(offsetof(struct ext, core) + 4, 77, "type 77");
    reject_ext(offsetof(struct ext, core) + 8, 4096, "CO-RE");
}

static void test_load_btf_ext_alone_is_refused(void **state)
{
    const struct ext e = ext_make();
    struct elf_image image = elf_image_make();

    (void)state;
    load_check_program(&image, NULL, 0);
    elf_image_section(&image, ".BTF.ext", SHT_PROGBITS, 0, &e, sizeof(e));
    load_check_reject(&image, -EINVAL, "LOAD0013", "there is no .BTF");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_btf_map_is_read),
        cmocka_unit_test(test_load_btf_map_that_contradicts_itself_is_refused),
        cmocka_unit_test(test_load_btf_map_without_type_is_refused),
        cmocka_unit_test(test_load_btf_map_members_of_wrong_form_are_refused),
        cmocka_unit_test(test_load_btf_map_sizes_follow_the_type),
        cmocka_unit_test(test_load_btf_map_attributes_without_effect_are_noted),
        cmocka_unit_test(test_load_maps_without_btf_are_refused),
        cmocka_unit_test(test_load_extern_is_refused_by_its_kind),
        cmocka_unit_test(test_load_malformed_btf_is_refused),
        cmocka_unit_test(test_load_lines_are_found_by_instruction),
        cmocka_unit_test(test_load_core_relocations_of_fields_are_kept),
        cmocka_unit_test(test_load_core_relocations_of_types_are_refused_by_name),
        cmocka_unit_test(test_load_malformed_btf_ext_is_refused),
        cmocka_unit_test(test_load_btf_ext_alone_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
