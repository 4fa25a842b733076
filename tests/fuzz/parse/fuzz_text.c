/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/load/load.h"
#include "compiler/microcode/microcode.h"
#include "tests/fuzz/parse/fuzz.h"

#include <errno.h>
#include <string.h>

/* Programs and microcode images as text: refused with the line, or what they are printed as reads
 * back to the same, and an object is written that loads, or is refused with a reason. */

static char *program_text(const struct load_object *object, struct arena *arena)
{
    struct diag_sink sink = diag_sink_make(arena);
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    if (!out)
        abort();
    fuzz_require(!load_print(out, object, &object->progs[0], arena, &sink) || sink.errors,
                 "a program is printed, or there is a reason");
    fclose(out);
    if (!sink.errors)
        return text;
    free(text);
    return NULL;
}

static void check_object(const struct load_object *object, struct arena *arena)
{
    const struct load_options options = {.size = sizeof(options), .any_type = true};
    struct diag_sink sink = diag_sink_make(arena);
    const struct load_object *back = NULL;
    char *image = NULL;
    size_t bytes;
    FILE *out = open_memstream(&image, &bytes);
    int err;

    if (!out)
        abort();
    fuzz_require(load_write(out, object, &object->progs[0], arena) == 0, "an object is written");
    fclose(out);
    err = load_object_memory(image, bytes, "fuzz.o", &options, arena, &sink, &back);
    fuzz_require(!err || sink.errors, "an object loads, or there is a reason");
    free(image);
}

static void check_program(const struct load_object *object, struct arena *arena)
{
    struct diag_sink sink = diag_sink_make(arena);
    char *first = program_text(object, arena), *second;
    const struct load_object *back = NULL;

    if (first) {
        fuzz_require(load_parse(first, "printed", arena, &sink, &back) == 0,
                     "a printed program is read");
        second = program_text(back, arena);
        fuzz_require(second && !strcmp(first, second), "a printed program is read as it was");
        free(second);
    }
    free(first);
    check_object(object, arena);
}

static void check_image(const struct ucode_image *image, struct arena *arena)
{
    struct diag_sink sink = diag_sink_make(arena);
    const struct ucode_image *back = NULL;
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    if (!out)
        abort();
    ucode_print_image(out, image);
    fclose(out);
    fuzz_require(ucode_parse_image(text, "printed", arena, &sink, &back) == 0,
                 "a printed image is read");
    fuzz_require(back->row_count == image->row_count && back->map_count == image->map_count &&
                     !memcmp(back->words, image->words, image->row_count * sizeof(*image->words)),
                 "a printed image is read as it was");
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct load_object *object = NULL;
    const struct ucode_image *image = NULL;
    char *text = malloc(bytes + 1);
    int err;

    if (!text)
        abort();
    memcpy(text, data, bytes);
    text[bytes] = 0;
    err = load_parse(text, "fuzz", arena, &sink, &object);
    fuzz_require((err == 0) == (object != NULL), "a program, or an error");
    fuzz_require(!err || err == -ENOMEM || sink.errors, "an error has a message");
    if (object)
        check_program(object, arena);
    sink = diag_sink_make(arena);
    err = ucode_parse_image(text, "fuzz", arena, &sink, &image);
    fuzz_require((err == 0) == (image != NULL), "an image, or an error");
    fuzz_require(!err || err == -ENOMEM || sink.errors, "an error has a message");
    if (image)
        check_image(image, arena);
    free(text);
    arena_close(arena);
    return 0;
}
