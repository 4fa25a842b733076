/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compiler/microcode/microcode.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Images as text; that those of whole programs come back to the byte is an end-to-end test's
 * matter. */

static int parse(const char *text, struct arena *arena, struct diag_sink *sink,
                 const struct ucode_image **image)
{
    *sink = diag_sink_make(arena);
    return ucode_parse_image(text, "image.s", arena, sink, image);
}

static char *print(const struct ucode_image *image)
{
    char *text = NULL;
    size_t bytes;
    FILE *f = open_memstream(&text, &bytes);

    ucode_print_image(f, image);
    fclose(f);
    return text;
}

static void test_ucode_image_text_reads_back(void **state)
{
    static const char source[] = "# a comment\n"
                                 ".program sample\n"
                                 ".tokens 03\n.headroom 128 ; as much as it takes\n"
                                 ".map 2 16 8 8 1024 1 0 0 0 511\n"
                                 "\n; file.c:7: return 2;\n"
                                 "    0: need=02 rel=01 wait: - | - | - | -\n"
                                 "          ; 4: r0 = 2\n"
                                 "exit 2 | - | - | -\n";
    struct arena *arena = arena_open();
    const struct ucode_image *image, *back;
    struct diag_sink sink;
    char *text;

    (void)state;
    assert_int_equal(parse(source, arena, &sink, &image), 0);
    assert_string_equal(image->name, "sample");
    assert_int_equal(image->tokens, 3);
    assert_int_equal(image->headroom_bytes, 128);
    assert_int_equal(image->map_count, 1);
    assert_int_equal(image->mapdesc[0][SPEC_MAPDESC_BUCKET_MASK], 511);
    assert_int_equal(image->row_count, 2);
    assert_int_equal(image->rows[0].need, 2);
    assert_int_equal(image->ops, 1);
    text = print(image);
    assert_int_equal(parse(text, arena, &sink, &back), 0);
    assert_memory_equal(image->words, back->words, 2 * sizeof(*image->words));
    assert_memory_equal(image->mapdesc, back->mapdesc, sizeof(*image->mapdesc));
    free(text);
    arena_close(arena);
}

static void test_ucode_image_text_faults_name_the_line(void **state)
{
    static const struct {
        const char *text;
        uint32_t line;
        const char *says;
    } cases[] = {
        {"exit 2 | - | - | -\nbeer\n", 2, "beer"},
        {"1: exit 2 | - | - | -\n", 1, "row 0 is due"},
        {"0: exit 2 | - | - | -\n0: exit 2 | - | - | -\n", 2, "row 1 is due"},
        {".tokens zz\nexit 2 | - | - | -\n", 1, "mask"},
        {".tokens 1 2\nexit 2 | - | - | -\n", 1, "nothing more"},
        {".headroom 100\nexit 2 | - | - | -\n", 0, "64"},
        {".headroom 320\nexit 2 | - | - | -\n", 0, "at most 256"},
        {".tokens 100\nexit 2 | - | - | -\n", 0, "token"},
        {".map 1 2\nexit 2 | - | - | -\n", 1, "10 numbers"},
        {".foo\n", 1, ".program"},
        {"# nothing\n", 0, "no row"},
        {"jmp -> 7 | - | - | -\n", 0, "row 7"},
        {"need=01: exit 2 | - | - | -\n", 0, ".tokens gives 00"},
        {"- | - | - | ldmap.8 r7, r11+0\nexit 2 | - | - | -\n", 0, ".map"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena *arena = arena_open();
        const struct ucode_image *image = NULL;
        struct diag_sink sink;
        const struct diag *d;

        assert_int_equal(parse(cases[i].text, arena, &sink, &image), -EINVAL);
        assert_null(image);
        d = diag_first_error(&sink);
        assert_string_equal(d->code, "UCODE0020");
        if (d->where.source_line != cases[i].line || !strstr(d->message, cases[i].says))
            fail_msg("%s: line %u, \"%s\" does not say \"%s\"", cases[i].text, d->where.source_line,
                     d->message, cases[i].says);
        arena_close(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ucode_image_text_reads_back),
        cmocka_unit_test(test_ucode_image_text_faults_name_the_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
