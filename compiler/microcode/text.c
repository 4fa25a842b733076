/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/encode.h"

#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* An image as text. What is no row stands in lines of its own, the rows behind it, each with its
 * number:
 *   .program NAME
 *   .tokens 03          mask of the ordering tokens, hexadecimal
 *   .headroom 64        bytes
 *   .map 2 16 8 8 1024 1 0 0 0 511     a descriptor's words (SPEC_MAPDESC_*), one line a map
 *       0: need=03: ldpkt.2 r4, r0+268 | - | - | exit 2
 * "#" and ";" begin comments, so a listing's rows can be read too. */

static void print_map(FILE *out, const uint32_t words[SPEC_MAPDESC_WORDS])
{
    fputs(".map", out);
    for (uint32_t i = 0; i < SPEC_MAPDESC_WORDS; i++)
        fprintf(out, " %u", words[i]);
    fputc('\n', out);
}

void ucode_print_image(FILE *out, const struct ucode_image *image)
{
    if (image->name && *image->name)
        fprintf(out, ".program %s\n", image->name);
    fprintf(out, ".tokens %02x\n.headroom %u\n", image->tokens, image->headroom_bytes);
    if (image->map_count)
        fputs("# engine, key, value, stride, entries, CPUs, value base, entry base, bucket base, "
              "bucket mask\n",
              out);
    for (uint32_t i = 0; i < image->map_count; i++)
        print_map(out, image->mapdesc[i]);
    for (uint32_t r = 0; r < image->row_count; r++) {
        fprintf(out, "%5u: ", r);
        ucode_print_row(out, &image->rows[r]);
        fputc('\n', out);
    }
}

struct reader {
    struct arena *arena;
    struct diag_sink *sink;
    struct ucode_image *image;
    const char *file;
    uint32_t line;
    uint32_t row_capacity, map_capacity;
    const char *at;
};

static void fail(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fail(struct reader *r, const char *format, ...)
{
    struct diag_where where = DIAG_NOWHERE;
    va_list args;

    where.file = r->file;
    where.source_file = r->line ? r->file : NULL;
    where.source_line = r->line;
    va_start(args, format);
    diag_add_args(r->sink, DIAG_ERROR, "UCODE0020", where, format, args);
    va_end(args);
}

static void skip_blanks(struct reader *r)
{
    while (isspace((unsigned char)*r->at))
        r->at++;
}

static bool take_number(struct reader *r, int base, uint32_t *out)
{
    char *end;
    unsigned long long value;

    skip_blanks(r);
    errno = 0;
    value = strtoull(r->at, &end, base);
    if (!isxdigit((unsigned char)*r->at) || errno || value > UINT32_MAX)
        return false;
    r->at = end;
    *out = (uint32_t)value;
    return true;
}

static void need_number(struct reader *r, const char *what, int base, uint32_t *out)
{
    if (!take_number(r, base, out))
        fail(r, "%s expected before \"%.32s\"", what, r->at);
}

static void take_map(struct reader *r)
{
    struct ucode_image *image = r->image;
    uint32_t *words;

    if (image->map_count == SPEC_HW_MAPS) {
        fail(r, "more than %d maps; the core serves no more", SPEC_HW_MAPS);
        return;
    }
    image->mapdesc = arena_grow(r->arena, image->mapdesc, image->map_count, &r->map_capacity,
                                sizeof(*image->mapdesc));
    words = image->mapdesc[image->map_count++];
    for (uint32_t i = 0; i < SPEC_MAPDESC_WORDS; i++)
        if (!take_number(r, 10, &words[i])) {
            fail(r, ".map takes %d numbers, not \"%.32s\" as number %u", SPEC_MAPDESC_WORDS, r->at,
                 i + 1);
            return;
        }
}

static void take_directive(struct reader *r)
{
    const char *name = r->at;
    const size_t n = strcspn(name, " \t");

    r->at += n;
    if (n == 8 && !strncmp(name, ".program", n)) {
        skip_blanks(r);
        r->image->name = arena_strdup(r->arena, r->at);
        r->at += strlen(r->at);
    } else if (n == 7 && !strncmp(name, ".tokens", n)) {
        need_number(r, "a hexadecimal mask", 16, &r->image->tokens);
    } else if (n == 9 && !strncmp(name, ".headroom", n)) {
        need_number(r, "a number of bytes", 10, &r->image->headroom_bytes);
    } else if (n == 4 && !strncmp(name, ".map", n)) {
        take_map(r);
    } else {
        fail(r, "no directive %.*s; there are .program, .tokens, .headroom, .map", (int)n, name);
        return;
    }
    skip_blanks(r);
    if (*r->at && !r->sink->errors)
        fail(r, "nothing more expected at \"%.32s\"", r->at);
}

static void take_row(struct reader *r)
{
    struct ucode_image *image = r->image;
    uint32_t number;

    if (isdigit((unsigned char)*r->at) && strchr(r->at, ':')) {
        need_number(r, "a row's number", 10, &number);
        if (number != image->row_count)
            fail(r, "row %u stands where row %u is due", number, image->row_count);
        r->at += *r->at == ':';
    }
    if (image->row_count == SPEC_ROWS) {
        fail(r, "more than %d rows; the core holds no more", SPEC_ROWS);
        return;
    }
    image->rows =
        arena_grow(r->arena, image->rows, image->row_count, &r->row_capacity, sizeof(*image->rows));
    if (ucode_parse_row(r->at, &image->rows[image->row_count]))
        fail(r, "not a row that the core can run: %.80s", r->at);
    image->row_count++;
}

static void take_line(struct reader *r, const char *line, size_t bytes)
{
    const size_t end = strcspn(line, "#;\n");
    char *text = arena_printf(r->arena, "%.*s", (int)(end < bytes ? end : bytes), line);

    for (size_t n = strlen(text); n && isspace((unsigned char)text[n - 1]);)
        text[--n] = 0;
    r->at = text;
    skip_blanks(r);
    if (*r->at == '.')
        take_directive(r);
    else if (*r->at)
        take_row(r);
}

static void take_lines(struct reader *r, const char *text)
{
    for (; *text; r->line++) {
        const size_t bytes = strcspn(text, "\n");

        take_line(r, text, bytes);
        text += bytes;
        text += *text == '\n';
    }
}

/* What a row needs of the image: its branches' targets, maps and tokens. A listing has the rows
 * alone. */
static void check_row(struct reader *r, uint32_t number)
{
    struct ucode_image *image = r->image;
    const struct ucode_row *row = &image->rows[number];

    for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
        const struct ucode_slot *s = &row->slots[lane];
        const bool values = s->op == UCODE_LDMAP || s->op == UCODE_STMAP || s->op == UCODE_ATMAP;
        const uint32_t map = s->op == UCODE_MAPOP ? (uint32_t)s->imm & 0xffff : 0;

        image->ops += s->op != UCODE_NOP;
        if (s->br && s->tgt >= image->row_count)
            fail(r, "row %u branches to row %u, which is not there", number, s->tgt);
        if ((values || s->op == UCODE_MAPOP) && map >= image->map_count)
            fail(r, "row %u uses map %u, which no .map line gives", number, map);
    }
    if ((row->need | row->rel) & ~image->tokens)
        fail(r, "row %u has tokens %02x, .tokens gives %02x", number, row->need | row->rel,
             image->tokens);
}

static void finish(struct reader *r)
{
    struct ucode_image *image = r->image;

    r->line = 0;
    if (!image->row_count)
        fail(r, "no row in it");
    image->words = arena_array(r->arena, image->row_count + 1, sizeof(*image->words));
    for (uint32_t i = 0; i < image->row_count && !r->sink->errors; i++) {
        ucode_encode_row(&image->rows[i], image->words[i]);
        check_row(r, i);
    }
    if (image->tokens >> SPEC_TOKENS)
        fail(r, "the core has no token beyond %d", SPEC_TOKENS - 1);
    if (image->headroom_bytes > SPEC_PKT_BASE || image->headroom_bytes % 64)
        fail(r, "the headroom is a multiple of 64, at most %d", SPEC_PKT_BASE);
}

int ucode_parse_image(const char *text, const char *name, struct arena *arena,
                      struct diag_sink *sink, const struct ucode_image **out)
{
    struct reader r = {.arena = arena, .sink = sink, .file = name, .line = 1};
    jmp_buf oom;

    if (setjmp(oom)) {
        arena_set_oom(arena, NULL);
        return -ENOMEM;
    }
    arena_set_oom(arena, &oom);
    r.image = arena_alloc(arena, sizeof(*r.image));
    r.image->name = "";
    take_lines(&r, text);
    finish(&r);
    arena_set_oom(arena, NULL);
    if (sink->errors)
        return -EINVAL;
    *out = r.image;
    return 0;
}
