/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/encode.h"
#include "tests/common/ucode_check.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The sample functions of tests/text/ir: their microcode does on random packets what the evaluator
 * does. */

enum { PACKETS = 300, PACKET_MAX = 200 };

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text;
    long size;

    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    size = ftell(file);
    rewind(file);
    text = calloc(1, (size_t)size + 1);
    assert_int_equal(fread(text, 1, (size_t)size, file), size);
    fclose(file);
    return text;
}

static void check_file(const char *path, FILE *listing)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct ucode_image *image = NULL;
    char *text = read_text(path);
    struct ir_func *f = NULL;
    struct ucode_check c;
    uint64_t seed = 7;

    if (ir_parse(text, arena, &sink, &f) != 0 || ucode_compile(f, arena, &sink, &image) != 0) {
        diag_write(stderr, diag_first_error(&sink));
        fail_msg("%s", path);
    }
    if (listing)
        ucode_print_listing(listing, image, f);
    assert_int_equal(ucode_check_open(&c, f, image, 4, 3), 0);
    for (uint32_t i = 0; i < PACKETS; i++) {
        uint8_t packet[PACKET_MAX];
        const uint32_t len = 32 + (uint32_t)(soft_random(&seed) % (PACKET_MAX - 32));

        for (uint32_t k = 0; k < len; k++)
            packet[k] = (uint8_t)(soft_random(&seed) & (i % 2 ? 3 : 0xff));
        if (!ucode_check_packet(&c, packet, len, &seed)) {
            ucode_print_listing(stderr, image, f);
            fail_msg("%s: packet %u: %s", path, i, c.report);
        }
    }
    if (listing)
        fprintf(listing, "%s: %u rows, %.2f operations a row, %.1f rows a packet\n\n", path,
                image->row_count, (double)image->ops / image->row_count, (double)c.rows / PACKETS);
    ucode_check_close(&c);
    free(text);
    arena_close(arena);
}

static void test_ucode_sample_texts_do_what_the_evaluator_does(void **state)
{
    const char *folder = SLUICE_SOURCE_ROOT "/tests/text/ir";
    FILE *listing = getenv("UCODE_LISTING") ? stdout : NULL;
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    uint32_t files = 0;

    (void)state;
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        const size_t n = strlen(entry->d_name);
        char path[512];

        if (n < 3 || strcmp(entry->d_name + n - 3, ".ir") != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        check_file(path, listing);
        files++;
    }
    closedir(dir);
    assert_true(files >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ucode_sample_texts_do_what_the_evaluator_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
