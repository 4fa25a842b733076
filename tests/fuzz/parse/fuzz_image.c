/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/encode.h"
#include "tests/fuzz/parse/fuzz.h"

#include <errno.h>
#include <string.h>

/* A microcode image: refused with a reason, or each of its rows is one that the core runs, and it
 * is written again as it was read. Most inputs get a checksum that is right, so that changes reach
 * what lies behind it; and text, as the listing has it, is read a row a line. */

enum { HEADER_WORDS = 11, CHECKSUM = 3, TEXT_BYTES = 4096 };

static void mend_checksum(uint8_t *data, size_t bytes)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    const uint32_t size = (uint32_t)bytes;
    uint32_t word;

    memcpy(data + 8, &size, 4);
    for (size_t at = 4 * (CHECKSUM + 1); at + 4 <= bytes; at += 4) {
        memcpy(&word, data + at, 4);
        sum = (sum ^ word) * UINT64_C(0x100000001b3);
    }
    word = (uint32_t)(sum ^ sum >> 32);
    memcpy(data + 4 * CHECKSUM, &word, 4);
}

/* Printing a row and reading that back gives the row. */
static void check_row(const struct ucode_row *row)
{
    char text[TEXT_BYTES] = "";
    uint32_t words[UCODE_ROW_WORDS], again[UCODE_ROW_WORDS];
    FILE *out = fmemopen(text, sizeof(text), "w");
    struct ucode_row back;

    if (!out)
        abort();
    ucode_print_row(out, row);
    fclose(out);
    fuzz_require(!ucode_row_fault(row), "rows that are read can be run");
    fuzz_require(ucode_parse_row(text, &back) == 0, "a printed row can be read");
    ucode_encode_row(row, words);
    ucode_encode_row(&back, again);
    fuzz_require(!memcmp(words, again, sizeof(words)), "a printed row is read as it was");
}

static void check_image(const struct ucode_image *image, const uint8_t *data, size_t bytes)
{
    char *written = NULL;
    size_t count = 0;
    FILE *out = open_memstream(&written, &count);

    if (!out)
        abort();
    fuzz_require(ucode_image_write(out, image) == 0, "an image can be written");
    fclose(out);
    /* A name may hold a NUL in the file, and ends there when it is written. */
    fuzz_require(count <= bytes && (count < bytes || !memcmp(written, data, 8)),
                 "an image is written no longer than it was");
    for (uint32_t r = 0; r < image->row_count; r++)
        check_row(&image->rows[r]);
    free(written);
}

static void read_lines(const uint8_t *data, size_t bytes)
{
    char *text = malloc(bytes + 1), *rest = text;
    const char *line;

    if (!text)
        abort();
    memcpy(text, data, bytes);
    text[bytes] = 0;
    while ((line = strsep(&rest, "\n"))) {
        struct ucode_row row;

        if (ucode_parse_row(line, &row) == 0 && !ucode_row_fault(&row))
            check_row(&row);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct ucode_image *image = NULL;
    uint8_t *copy = malloc(bytes + 1);
    int err;

    if (!copy)
        abort();
    memcpy(copy, data, bytes);
    if (bytes >= 4 * HEADER_WORDS && memcmp(data, "SLUC", 4) == 0 && data[bytes - 1] != 0xee)
        mend_checksum(copy, bytes);
    else
        read_lines(data, bytes);
    err = ucode_image_read(copy, bytes, arena, &sink, &image);
    fuzz_require((err == 0) == (image != NULL), "an image, or an error");
    fuzz_require(err == 0 || err == -ENOMEM || sink.errors > 0, "an error has a message");
    if (image)
        check_image(image, copy, bytes);
    free(copy);
    arena_close(arena);
    return 0;
}
