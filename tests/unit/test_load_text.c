/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compiler/ebpf/ebpf.h"
#include "compiler/load/load.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Programs as text, and objects made of them, as our loader and libbpf read them. */

static const char everything[] =
    ".program sample\n"
    ".section xdp.frags\n"
    ".license Dual BSD/GPL\n"
    ".bytes .rodata 0x0102030405\n"
    ".bytes .rodata 0xff\n"
    ".map rules hash 16 8 1024\n"
    ".map ring 27 0 0 4096\n"
    ".map routes lpm_trie 8 4 100 0x1\n"
    ".zeros .bss 40\n"
    ".bytes .data.more 0x00000000000000000000000000000000000000000000000000000000000000000000aa\n"
    "; sample\n"
    "   0: r1 = map[rules] ll\n"
    "   2: r2 = map[.rodata][0]+4 ll\n"
    "   4: r3 = map[.bss][0]+32 ll\n"
    "   6: r4 = map[.data.more][0]+0 ll\n"
    "   8: r1 = map[routes] ll\n"
    "  10: exit\n";

static const char functions[] = "r1 = 1\n"
                                "call second\n"
                                "r1 = func[6] ll\n"
                                "exit\n"
                                "second:\n"
                                "call first\n"
                                "first:\n"
                                "r0 = 2\n"
                                "exit\n";

struct opened {
    struct arena *arena;
    struct diag_sink sink;
    const struct load_object *object;
    int err;
};

static struct opened parse(const char *text)
{
    struct opened o = {.arena = arena_open()};

    o.sink = diag_sink_make(o.arena);
    o.err = load_parse(text, "sample.s", o.arena, &o.sink, &o.object);
    return o;
}

static void release(struct opened *o)
{
    arena_close(o->arena);
}

/* The text that a program has, to be freed. */
static char *print(const struct load_object *object, struct arena *arena)
{
    struct diag_sink sink = diag_sink_make(arena);
    char *text = NULL;
    size_t bytes;
    FILE *f = open_memstream(&text, &bytes);

    assert_int_equal(load_print(f, object, &object->progs[0], arena, &sink), 0);
    fclose(f);
    return text;
}

/* The object that it becomes, to be freed. */
static char *write_object(struct opened *o, size_t *bytes)
{
    char *image = NULL;
    FILE *f = open_memstream(&image, bytes);

    assert_int_equal(load_write(f, o->object, &o->object->progs[0], o->arena), 0);
    fclose(f);
    return image;
}

static void test_load_text_of_everything_reads_back(void **state)
{
    struct opened o = parse(everything);
    char *text, *again;

    (void)state;
    assert_int_equal(o.err, 0);
    assert_string_equal(o.object->progs[0].name, "sample");
    assert_string_equal(o.object->license, "Dual BSD/GPL");
    assert_true(o.object->progs[0].frags);
    assert_int_equal(o.object->map_count, 6);
    assert_int_equal(o.object->maps[0].kind, LOAD_MAP_RODATA);
    assert_memory_equal(o.object->maps[0].data, "\1\2\3\4\5\377", 6);
    assert_int_equal(o.object->maps[1].type, SPEC_MAP_HASH);
    assert_int_equal(o.object->maps[2].type, 27);
    assert_int_equal(o.object->maps[3].flags, BPF_F_NO_PREALLOC);
    assert_int_equal(o.object->maps[4].value_bytes, 40);
    again = print(o.object, o.arena);
    release(&o);
    o = parse(again);
    assert_int_equal(o.err, 0);
    text = print(o.object, o.arena);
    assert_string_equal(text, again);
    free(text);
    free(again);
    release(&o);
}

static void test_load_text_faults_name_line_and_cure(void **state)
{
    static const struct {
        const char *text;
        uint32_t line; /* 0: of the whole */
        const char *says;
    } cases[] = {
        {"r0 = 0\nexit\n.foo\n", 3, ".program"},
        {".map a hash 4\nexit\n", 1, "the value's size"},
        {".map a hash 4 8 x\nexit\n", 1, "max_entries"},
        {".map a hash 4 8 4294967296\nexit\n", 1, "4294967295"},
        {".map a hash 4 8 16 0x1 7\nexit\n", 1, "\"7\""},
        {".map a beer 4 8 16\nexit\n", 1, "\"beer\""},
        {".map a hash 4 8 16\n.map a hash 4 8 16\nexit\n", 2, "twice"},
        {".map\nexit\n", 1, "a name expected"},
        {".map a array 3 8 16\nexit\n", 0, "key's size"},
        {".bytes .rodata 0x1\nexit\n", 1, "two hexadecimal digits"},
        {".bytes .rodata 01\nexit\n", 1, "two hexadecimal digits"},
        {".bytes .bss 0x00\nexit\n", 1, ".zeros"},
        {".bytes vars 0x00\nexit\n", 1, ".rodata"},
        {".zeros .data 4294967295\nexit\n", 1, "more than"},
        {".program\nexit\n", 1, "a name expected"},
        {".program a b\nexit\n", 1, "\"b\""},
        {"r1 = map[0] ll\nexit\n", 0, ".map"},
        {"call pc+7\nexit\n", 0, "instruction 8"},
        {"call pc-2\nexit\n", 0, "instruction -1"},
        {"r1 = func[9] ll\nexit\n", 0, "instruction 9"},
        {".license GPL\n", 0, "no instruction"},
        {"", 0, "no instruction"},
        {"exit\nbeer\n", 2, "beer"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct opened o = parse(cases[i].text);
        const struct diag *d = diag_first_error(&o.sink);

        assert_int_equal(o.err, -EINVAL);
        assert_non_null(d);
        assert_int_equal(d->where.source_line, cases[i].line);
        if (!strstr(d->message, cases[i].says))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].text, d->message, cases[i].says);
        assert_true(!strncmp(d->code, "LOAD", 4) || !strcmp(d->code, "ASM0001"));
        release(&o);
    }
}

static void test_load_text_object_has_the_same_program(void **state)
{
    struct opened o = parse(functions), back = {.arena = arena_open()};
    char *before, *after, *image;
    size_t bytes;

    (void)state;
    assert_int_equal(o.err, 0);
    assert_int_equal(o.object->progs[0].subprog_count, 3);
    image = write_object(&o, &bytes);
    back.sink = diag_sink_make(back.arena);
    assert_int_equal(
        load_object_memory(image, bytes, "sample.o", NULL, back.arena, &back.sink, &back.object),
        0);
    before = print(o.object, o.arena);
    after = print(back.object, back.arena);
    assert_string_equal(before, after);
    free(before);
    free(after);
    free(image);
    release(&o);
    release(&back);
}

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
    (void)level, (void)format, (void)args;
    return 0;
}

/* libbpf reads maps, variables and calls as we mean them. */
static void test_load_text_object_is_read_by_libbpf(void **state)
{
    static const char text[] = ".program sample\n.map rules hash 16 8 1024\n.bytes .rodata 0x0102\n"
                               ".map routes lpm_trie 8 4 100 1\n.zeros .bss 16\n"
                               "r1 = map[rules] ll\nr2 = map[.rodata][0]+1 ll\n"
                               "r3 = map[.bss][0]+8 ll\nr4 = map[routes] ll\ncall other\nexit\n"
                               "other:\nr0 = 2\nexit\n";
    struct opened o = parse(text);
    struct bpf_object *object;
    struct bpf_program *prog;
    struct bpf_map *map;
    char *image;
    size_t bytes;

    (void)state;
    assert_int_equal(o.err, 0);
    image = write_object(&o, &bytes);
    libbpf_set_print(quiet);
    object = bpf_object__open_mem(image, bytes, NULL);
    assert_non_null(object);
    prog = bpf_object__find_program_by_name(object, "sample");
    assert_non_null(prog);
    assert_int_equal(bpf_program__type(prog), BPF_PROG_TYPE_XDP);
    assert_int_equal(bpf_program__insn_cnt(prog), 10);
    map = bpf_object__find_map_by_name(object, "rules");
    assert_non_null(map);
    assert_int_equal(bpf_map__type(map), BPF_MAP_TYPE_HASH);
    assert_int_equal(bpf_map__key_size(map), 16);
    assert_int_equal(bpf_map__value_size(map), 8);
    assert_int_equal(bpf_map__max_entries(map), 1024);
    map = bpf_object__find_map_by_name(object, "routes");
    assert_non_null(map);
    assert_int_equal(bpf_map__map_flags(map), 1);
    map = bpf_object__find_map_by_name(object, ".rodata");
    assert_non_null(map);
    assert_int_equal(bpf_map__value_size(map), 2);
    assert_non_null(bpf_object__find_map_by_name(object, ".bss"));
    bpf_object__close(object);
    free(image);
    release(&o);
}

static void test_load_text_names_that_are_no_words_refused(void **state)
{
    struct opened o = parse("exit\n");
    struct load_prog prog = o.object->progs[0];
    FILE *f = fopen("/dev/null", "w");

    (void)state;
    prog.name = "two words";
    assert_int_equal(load_print(f, o.object, &prog, o.arena, &o.sink), -EINVAL);
    assert_string_equal(diag_first_error(&o.sink)->code, "LOAD0025");
    fclose(f);
    release(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_text_of_everything_reads_back),
        cmocka_unit_test(test_load_text_faults_name_line_and_cure),
        cmocka_unit_test(test_load_text_object_has_the_same_program),
        cmocka_unit_test(test_load_text_object_is_read_by_libbpf),
        cmocka_unit_test(test_load_text_names_that_are_no_words_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
