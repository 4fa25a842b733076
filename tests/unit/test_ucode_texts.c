/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/encode.h"
#include "tests/common/random.h"
#include "tests/common/text_file.h"
#include "tests/common/ucode_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The sample functions of tests/text/ir and tests/text/microcode: their microcode does on random
 * packets what the evaluator does. Those of tests/text/microcode say which rows they become, in
 * lines that start with ";=" (UCODE_LISTING=1 prints what they became). */

enum { PACKETS = 300, PACKET_MAX = 200, TEXT_MAX = 16384 };

/* The rows as a text test has them. */
static void print_expectation(const struct ucode_image *image, char *text, size_t bytes)
{
    FILE *out = fmemopen(text, bytes, "w");

    fprintf(out, ";= tokens %02x, headroom %u\n", image->tokens, image->headroom_bytes);
    for (uint32_t r = 0; r < image->row_count; r++) {
        fprintf(out, ";= %u: ", r);
        ucode_print_row(out, &image->rows[r]);
        fputc('\n', out);
    }
    fclose(out);
}

static void check_packets(const char *path, const struct ir_func *f,
                          const struct ucode_image *image)
{
    struct ucode_check c;
    uint64_t seed = 7;

    assert_int_equal(ucode_check_open(&c, f, image, 4, 3), 0);
    for (uint32_t i = 0; i < PACKETS; i++) {
        uint8_t packet[PACKET_MAX];
        const uint32_t len = 48 + (uint32_t)(random_next(&seed) % (PACKET_MAX - 48));

        for (uint32_t k = 0; k < len; k++)
            packet[k] = (uint8_t)(random_next(&seed) & (i % 2 ? 3 : 0xff));
        if (!ucode_check_packet(&c, packet, len, &seed))
            fail_msg("%s: packet %u: %s", path, i, c.report);
    }
    ucode_check_close(&c);
}

static void check_file(const char *path, bool rows)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct ucode_image *image = NULL;
    char *text = text_file_read(path, arena);
    char *expected = strstr(text, ";=");
    struct ir_func *f = NULL;

    if (ir_parse(text, arena, &sink, &f) != 0 || ucode_compile(f, arena, &sink, &image) != 0) {
        diag_write(stderr, diag_first_error(&sink));
        fail_msg("%s", path);
    }
    if (getenv("UCODE_LISTING"))
        ucode_print_listing(stdout, image, f);
    check_packets(path, f, image);
    if (rows) {
        char *got = calloc(1, TEXT_MAX);

        print_expectation(image, got, TEXT_MAX);
        if (!expected || strcmp(expected, got) != 0)
            fail_msg("%s: the rows are\n%s", path, got);
        free(got);
    }
    arena_close(arena);
}

static uint32_t check_folder(const char *folder, bool rows)
{
    struct arena *arena = arena_open();
    const char **paths;
    const uint32_t files = text_file_list(folder, ".ir", arena, &paths);

    for (uint32_t i = 0; i < files; i++)
        check_file(paths[i], rows);
    arena_close(arena);
    return files;
}

static void test_ucode_sample_texts_do_what_the_evaluator_does(void **state)
{
    (void)state;
    assert_true(check_folder(SLUICE_SOURCE_ROOT "/tests/text/ir", false) >= 8);
}

static void test_ucode_texts_become_the_expected_rows(void **state)
{
    (void)state;
    assert_true(check_folder(SLUICE_SOURCE_ROOT "/tests/text/microcode", true) >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ucode_sample_texts_do_what_the_evaluator_does),
        cmocka_unit_test(test_ucode_texts_become_the_expected_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
