/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/base/arena.h"
#include "compiler/base/bitset.h"
#include "compiler/base/diag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Arenas, bit sets, diagnostics. */

static void test_base_arena_gives_zeroed_aligned_memory(void **state)
{
    struct arena *arena = arena_open();
    const size_t sizes[] = {1, 15, 16, 17, 4000, 70000, 0, 3};

    (void)state;
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
            unsigned char *p = arena_alloc(arena, sizes[k]);

            assert_int_equal((uintptr_t)p % 16, 0);
            for (size_t i = 0; i < sizes[k]; i++)
                assert_int_equal(p[i], 0);
            memset(p, 0xff, sizes[k]); /* and nobody else's */
        }
    }
    arena_close(arena);
}

static void test_base_arena_counts_and_forgets(void **state)
{
    struct arena *arena = arena_open();

    (void)state;
    arena_alloc(arena, 100);
    assert_in_range(arena_used_bytes(arena), 100, 128);
    arena_reset(arena);
    assert_int_equal(arena_used_bytes(arena), 0);
    assert_non_null(arena_alloc(arena, 100));
    arena_close(arena);
    arena_close(NULL);
}

static void test_base_arena_out_of_memory_returns_null(void **state)
{
    struct arena *arena = arena_open();

    (void)state;
    assert_null(arena_alloc(arena, SIZE_MAX));
    assert_null(arena_alloc(arena, SIZE_MAX - 10));
    assert_null(arena_array(arena, SIZE_MAX / 4, 8)); /* the product overflows */
    assert_non_null(arena_alloc(arena, 8));
    arena_close(arena);
}

static void test_base_arena_out_of_memory_jumps_to_the_handler(void **state)
{
    struct arena *arena = arena_open();
    jmp_buf oom;

    (void)state;
    if (setjmp(oom) == 0) {
        arena_set_oom(arena, &oom);
        arena_array(arena, SIZE_MAX, 2);
        fail();
    }
    arena_set_oom(arena, NULL);
    arena_close(arena);
}

static void test_base_arena_copies_text_and_bytes(void **state)
{
    struct arena *arena = arena_open();
    char text[] = "text";
    char *copy = arena_strdup(arena, text);
    uint32_t *words = arena_memdup(arena, (uint32_t[]){1, 2, 3}, 12);

    (void)state;
    text[0] = 'n';
    assert_string_equal(copy, "text");
    assert_int_equal(words[2], 3);
    assert_string_equal(arena_printf(arena, "%s %d", copy, 7), "text 7");
    arena_close(arena);
}

static void test_base_arena_grow_keeps_the_elements(void **state)
{
    struct arena *arena = arena_open();
    uint32_t *numbers = NULL, capacity = 0;

    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        numbers = arena_grow(arena, numbers, i, &capacity, sizeof(*numbers));
        assert_true(capacity > i);
        numbers[i] = i * i;
    }
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(numbers[i], i * i);
    arena_close(arena);
}

static void test_base_bitset_behaves_as_a_set(void **state)
{
    struct arena *arena = arena_open();
    struct bitset a = bitset_make(arena, 130), b = bitset_make(arena, 130);

    (void)state;
    bitset_add(&a, 0);
    bitset_add(&a, 63);
    bitset_add(&b, 64);
    bitset_add(&b, 129);
    assert_true(bitset_has(&a, 63));
    assert_false(bitset_has(&a, 64));
    assert_true(bitset_union(&a, &b));
    assert_false(bitset_union(&a, &b));
    assert_true(bitset_has(&a, 129));
    bitset_remove(&a, 63);
    assert_false(bitset_has(&a, 63));
    bitset_copy(&b, &a);
    assert_true(bitset_has(&b, 0));
    bitset_clear(&a);
    for (uint32_t i = 0; i < 130; i++)
        assert_false(bitset_has(&a, i));
    arena_close(arena);
}

static void test_base_diag_copies_what_it_is_given(void **state)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    char file[] = "a.o";
    struct diag_where where = DIAG_NOWHERE;

    (void)state;
    where.file = file;
    diag_add(&sink, DIAG_WARNING, "TST0001", where, "%d of %s", 3, "them");
    assert_null(diag_first_error(&sink));
    diag_add(&sink, DIAG_ERROR, "TST0002", where, "first");
    diag_add(&sink, DIAG_ERROR, "TST0003", where, "second");
    file[0] = 'b';
    assert_int_equal(sink.count, 3);
    assert_int_equal(sink.errors, 2);
    assert_string_equal(sink.records[0].message, "3 of them");
    assert_string_equal(sink.records[0].where.file, "a.o");
    assert_string_equal(diag_first_error(&sink)->code, "TST0002");
    arena_close(arena);
}

static void test_base_diag_is_written_as_compilers_do(void **state)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct diag_where where = {.file = "a.o",
                                     .section = "xdp",
                                     .program = "p",
                                     .insn = 7,
                                     .source_file = "a.c",
                                     .source_line = 12,
                                     .source_text = "return x;"};
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    (void)state;
    diag_add(&sink, DIAG_ERROR, "TST0001", where, "wrong");
    diag_add(&sink, DIAG_NOTE, "TST0002", DIAG_NOWHERE, "by the way");
    diag_write(out, &sink.records[0]);
    diag_write(out, &sink.records[1]);
    fclose(out);
    assert_string_equal(text, "a.o: section xdp: p: instruction 7: error: wrong [TST0001]\n"
                              "  at a.c:12: return x;\n"
                              "note: by the way [TST0002]\n");
    free(text);
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_arena_gives_zeroed_aligned_memory),
        cmocka_unit_test(test_base_arena_counts_and_forgets),
        cmocka_unit_test(test_base_arena_out_of_memory_returns_null),
        cmocka_unit_test(test_base_arena_out_of_memory_jumps_to_the_handler),
        cmocka_unit_test(test_base_arena_copies_text_and_bytes),
        cmocka_unit_test(test_base_arena_grow_keeps_the_elements),
        cmocka_unit_test(test_base_bitset_behaves_as_a_set),
        cmocka_unit_test(test_base_diag_copies_what_it_is_given),
        cmocka_unit_test(test_base_diag_is_written_as_compilers_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
