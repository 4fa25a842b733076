/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/text_file.h"
#include "tests/vector/vector.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_WORDS = 2 * VECTOR_FIELDS + 4 };

struct reader {
    struct vector *v;
    struct arena *arena;
    struct diag_sink *sink;
    const char *section;
    uint32_t line;
    char *program; /* its text; lines of other sections are empty in it */
    size_t program_bytes;
    uint32_t capacity;
    int err;
};

static void fail(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fail(struct reader *r, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (!r->err)
        diag_add(r->sink, DIAG_ERROR, "VEC0001", DIAG_NOWHERE, "%s:%u: %s", r->v->path, r->line,
                 text);
    r->err = -EINVAL;
}

static uint32_t split(char *line, char *words[LINE_WORDS])
{
    uint32_t n = 0;

    for (char *w = strtok(line, " \t\r"); w && n < LINE_WORDS; w = strtok(NULL, " \t\r"))
        words[n++] = w;
    return n;
}

static uint64_t number(struct reader *r, const char *text)
{
    char *end;
    const uint64_t v = strtoull(text, &end, 0); /* takes a minus sign, modulo 2^64 */

    if (end == text || *end)
        fail(r, "\"%s\" is no number", text);
    return v;
}

static void read_map(struct reader *r, char *line)
{
    char *w[LINE_WORDS];
    const uint32_t n = split(line, w);
    struct load_map *m = &r->v->maps[r->v->map_count];

    if (n != 6 || strcmp(w[0], "map") != 0 || r->v->map_count == VECTOR_MAPS) {
        fail(r, "map NAME array|hash KEY VALUE ENTRIES");
        return;
    }
    *m = (struct load_map){.name = arena_strdup(r->arena, w[1]),
                           .section = "",
                           .kind = LOAD_MAP_BTF,
                           .type = strcmp(w[2], "hash") == 0 ? SPEC_MAP_HASH : SPEC_MAP_ARRAY,
                           .key_bytes = (uint32_t)number(r, w[3]),
                           .value_bytes = (uint32_t)number(r, w[4]),
                           .max_entries = (uint32_t)number(r, w[5])};
    r->v->map_count++;
}

static void read_field(struct reader *r, char *line)
{
    static const char *const uses[] = {
        [VECTOR_IN] = "in", [VECTOR_OUT] = "out", [VECTOR_INOUT] = "inout"};
    static const char *const types[] = {[1] = "u8", [2] = "u16", [4] = "u32", [8] = "u64"};
    char *w[LINE_WORDS];
    const uint32_t n = split(line, w);
    struct vector_field *f = &r->v->fields[r->v->field_count];
    uint32_t use = 0;

    while (n == 3 && use < 3 && strcmp(w[0], uses[use]) != 0)
        use++;
    if (n != 3 || use == 3 || r->v->field_count == VECTOR_FIELDS) {
        fail(r, "in|out|inout u8|u16|u32|u64 NAME, at most %d of them", VECTOR_FIELDS);
        return;
    }
    f->use = (enum vector_use)use;
    for (f->bytes = 8; f->bytes && strcmp(w[1], types[f->bytes]) != 0; f->bytes /= 2)
        ;
    f->at = r->v->bytes;
    f->name = arena_strdup(r->arena, w[2]);
    if (!f->bytes)
        fail(r, "a field of type %s", w[1]);
    r->v->bytes += f->bytes;
    r->v->field_count++;
    if (r->v->bytes > VECTOR_MEMORY_MAX)
        fail(r, "more than %d bytes of memory", VECTOR_MEMORY_MAX);
}

/* A number of so many bytes is one that fits them, signed or not. */
static void put(struct reader *r, uint8_t *memory, const struct vector_field *f, const char *text)
{
    const uint64_t v = number(r, text);
    const int64_t s = (int64_t)v;
    const uint32_t bits = 8 * f->bytes;

    if (bits < 64 && v >> bits && (s >= 0 || s < -(INT64_C(1) << (bits - 1))))
        fail(r, "%s does not fit %s", text, f->name);
    memcpy(memory + f->at, &v, f->bytes);
}

static void read_case(struct reader *r, char *line)
{
    struct vector *v = r->v;
    char *w[LINE_WORDS];
    const uint32_t n = split(line, w);
    struct vector_case *c;
    uint32_t at = 0;

    v->cases = arena_grow(r->arena, v->cases, v->case_count, &r->capacity, sizeof(*v->cases));
    c = &v->cases[v->case_count++];
    *c = (struct vector_case){.line = r->line,
                              .before = arena_alloc(r->arena, v->bytes + 1u),
                              .after = arena_alloc(r->arena, v->bytes + 1u)};
    for (uint32_t f = 0; f < v->field_count && at < n; f++)
        if (v->fields[f].use != VECTOR_OUT)
            put(r, c->before, &v->fields[f], w[at++]);
    memcpy(c->after, c->before, v->bytes);
    if (at == n || strcmp(w[at++], "->") != 0)
        fail(r, "-> behind the fields that are given");
    for (uint32_t f = 0; f < v->field_count && at < n; f++)
        if (v->fields[f].use != VECTOR_IN)
            put(r, c->after, &v->fields[f], w[at++]);
    if (at + 2 != n || strcmp(w[at], ";") != 0) {
        fail(r, "; and r0 behind the fields that come out");
        return;
    }
    c->r0 = number(r, w[at + 1]);
}

static void read_line(struct reader *r, char *line)
{
    const size_t bytes = strlen(line);

    if (strncmp(line, "-- ", 3) == 0) {
        r->section = arena_strdup(r->arena, line + 3);
    } else if (r->section && strcmp(r->section, "program") == 0) {
        memcpy(r->program + r->program_bytes, line, bytes);
        r->program_bytes += bytes;
    } else if (*line && *line != '#') {
        if (!r->section)
            fail(r, "text before the first section");
        else if (strcmp(r->section, "maps") == 0)
            read_map(r, line);
        else if (strcmp(r->section, "memory") == 0)
            read_field(r, line);
        else if (strcmp(r->section, "cases") == 0)
            read_case(r, line);
        else
            fail(r, "no section %s", r->section);
    }
    r->program[r->program_bytes++] = '\n'; /* line numbers stay right */
}

static char *read_file(const char *path, struct arena *arena, struct diag_sink *sink)
{
    char *text = text_file_read(path, arena);

    if (!text)
        diag_add(sink, DIAG_ERROR, "VEC0002", DIAG_NOWHERE, "%s: %s", path, strerror(errno));
    return text;
}

static int assemble(struct reader *r)
{
    struct vector *v = r->v;
    const char *names[VECTOR_MAPS];
    const struct ebpf_names maps = {names, v->map_count};
    struct ebpf_insn *insns;
    int err;

    for (uint32_t m = 0; m < v->map_count; m++)
        names[m] = v->maps[m].name;
    err = ebpf_asm(r->program, v->path, &maps, r->arena, r->sink, &v->insns, &v->insn_count);
    if (err)
        return err;
    /* The text has the number of a function's first instruction, programs the distance to it. */
    insns = arena_memdup(r->arena, v->insns, v->insn_count * sizeof(*insns));
    for (uint32_t at = 0; at < v->insn_count; at += ebpf_slots(&insns[at]))
        if (ebpf_is_ld_imm64(&insns[at]) && insns[at].src == EBPF_PSEUDO_FUNC)
            insns[at].imm -= (int32_t)at + 1;
    v->insns = insns;
    return 0;
}

int vector_read(const char *path, struct arena *arena, struct diag_sink *sink, struct vector *out)
{
    struct reader r = {.v = out, .arena = arena, .sink = sink};
    char *text = read_file(path, arena, sink);

    *out = (struct vector){.path = arena_strdup(arena, path)};
    if (!text)
        return -EIO;
    r.program = arena_alloc(arena, strlen(text) + 2);
    while (*text && !r.err) {
        char *end = text + strcspn(text, "\n");
        const bool last = !*end;

        *end = 0;
        r.line++;
        read_line(&r, text);
        text = last ? end : end + 1;
    }
    if (!r.err)
        r.err = assemble(&r);
    if (!r.err && !out->case_count)
        fail(&r, "no cases");
    return r.err;
}
