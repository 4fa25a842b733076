/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/load/internal.h"

#include "hw/spec/gen/limits.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_DATA_BYTES = 32, WORD_BYTES = 256 };

/* ---- out ---- */

/* A word that stands for itself: no space, nothing that begins a comment. */
static bool is_word(const char *name)
{
    for (const char *p = name; *p; p++)
        if (!isgraph((unsigned char)*p) || *p == ';' || *p == ']' || (p[0] == '/' && p[1] == '/'))
            return false;
    return *name && strlen(name) < WORD_BYTES;
}

static int check_name(const char *name, struct diag_sink *sink)
{
    if (is_word(name))
        return 0;
    diag_add(sink, DIAG_ERROR, LOAD_E_TEXT, DIAG_NOWHERE, "the name \"%s\" can't be told as text",
             name);
    return -EINVAL;
}

static void print_variables(FILE *out, const struct load_map *m)
{
    bool zero = true;

    for (uint32_t i = 0; m->data && i < m->value_bytes; i++)
        zero &= m->data[i] == 0;
    if (zero) {
        fprintf(out, ".zeros %s %u\n", m->name, m->value_bytes);
        return;
    }
    for (uint32_t i = 0; i < m->value_bytes; i++) {
        if (i % LINE_DATA_BYTES == 0)
            fprintf(out, "%s.bytes %s 0x", i ? "\n" : "", m->name);
        fprintf(out, "%02x", m->data[i]);
    }
    fputc('\n', out);
}

static void print_map(FILE *out, const struct load_map *m)
{
    const char *type = m->type < SPEC_MAP_COUNT ? spec_map_type_table[m->type].name : NULL;

    if (m->kind == LOAD_MAP_RODATA || m->kind == LOAD_MAP_DATA || m->kind == LOAD_MAP_BSS) {
        print_variables(out, m);
        return;
    }
    fprintf(out, ".map %s ", m->name);
    if (type)
        fputs(type, out);
    else
        fprintf(out, "%u", m->type);
    fprintf(out, " %u %u %u", m->key_bytes, m->value_bytes, m->max_entries);
    if (m->flags)
        fprintf(out, " 0x%x", m->flags);
    fputc('\n', out);
}

int load_print(FILE *out, const struct load_object *object, const struct load_prog *prog,
               struct arena *arena, struct diag_sink *sink)
{
    const char **maps = arena_array(arena, object->map_count + 1, sizeof(*maps));
    const struct ebpf_names names = {maps, object->map_count};
    int err = check_name(prog->name, sink) | check_name(prog->section, sink);

    if (!maps)
        return -ENOMEM;
    for (uint32_t i = 0; i < object->map_count; i++) {
        maps[i] = object->maps[i].name;
        err |= check_name(maps[i], sink);
    }
    if (err)
        return -EINVAL;
    fprintf(out, ".program %s\n.section %s\n", prog->name, prog->section);
    if (object->license)
        fprintf(out, ".license %s\n", object->license);
    for (uint32_t i = 0; i < object->map_count; i++)
        print_map(out, &object->maps[i]);
    for (uint32_t at = 0; at < prog->insn_count;) {
        const uint32_t sub = load_subprog_of(prog, at);
        char text[256];

        if (prog->subprogs[sub].start == at)
            fprintf(out, "; %s\n", prog->subprogs[sub].name);
        fprintf(out, "%4u: ", at);
        at += ebpf_disasm(prog->insns, prog->insn_count, at, &names, text, sizeof(text));
        fprintf(out, "%s\n", text);
    }
    return 0;
}

/* ---- in ---- */

struct reader {
    struct arena *arena;
    struct diag_sink *sink;
    struct load_object *object;
    struct load_prog *prog;
    struct ebpf_names names;
    const char *file;
    uint32_t line;
    char *at; /* in the directive at hand */
    bool failed;
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
    diag_add_args(r->sink, DIAG_ERROR, LOAD_E_TEXT, where, format, args);
    va_end(args);
    r->failed = true;
}

/* The next word of the directive, or "" at its end. */
static const char *word(struct reader *r)
{
    char *start;

    while (isblank((unsigned char)*r->at))
        r->at++;
    start = r->at;
    while (*r->at && !isspace((unsigned char)*r->at))
        r->at++;
    return arena_printf(r->arena, "%.*s", (int)(r->at - start), start);
}

static uint32_t number(struct reader *r, const char *what)
{
    const char *text = word(r);
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, strncmp(text, "0x", 2) ? 10 : 16);
    if (!isdigit((unsigned char)*text) || *end || errno || value > UINT32_MAX)
        fail(r, "%s is a number from 0 to %u, not \"%s\"", what, UINT32_MAX, text);
    return (uint32_t)value;
}

static struct load_map *map_named(const struct reader *r, const char *name)
{
    for (uint32_t i = 0; i < r->object->map_count; i++)
        if (!strcmp(r->object->maps[i].name, name))
            return &r->object->maps[i];
    return NULL;
}

static struct load_map *add_map(struct reader *r, const char *name)
{
    struct load_map *m;

    if (!is_word(name)) {
        fail(r, "a name expected, not \"%s\"", name);
        return NULL;
    }
    if (r->object->map_count == SPEC_MAPS) {
        fail(r, "more than %d maps; Linux takes no program that uses more", SPEC_MAPS);
        return NULL;
    }
    m = &r->object->maps[r->object->map_count++];
    m->name = name;
    return m;
}

static uint32_t map_type(struct reader *r, const char *text)
{
    char *end;
    const unsigned long value = strtoul(text, &end, 10);

    for (uint32_t t = 1; t < SPEC_MAP_COUNT; t++)
        if (spec_map_type_table[t].name && !strcmp(spec_map_type_table[t].name, text))
            return t;
    if (!isdigit((unsigned char)*text) || *end || value > UINT32_MAX)
        fail(r, "no map type \"%s\"; such as hash, array, percpu_array, or a number", text);
    return (uint32_t)value;
}

static void take_map(struct reader *r)
{
    const char *name = word(r);
    struct load_map *m;

    if (map_named(r, name)) {
        fail(r, "map %s stands here twice", name);
        return;
    }
    m = add_map(r, name);
    if (!m)
        return;
    m->section = ".maps";
    m->kind = LOAD_MAP_BTF;
    m->type = map_type(r, word(r));
    m->key_bytes = number(r, "the key's size");
    m->value_bytes = number(r, "the value's size");
    m->max_entries = number(r, "max_entries");
    while (isblank((unsigned char)*r->at))
        r->at++;
    if (*r->at && !r->failed)
        m->flags = number(r, "the flags");
}

/* The map of a section of variables; made if it is not there. */
static struct load_map *variables(struct reader *r, const char *section)
{
    static const struct {
        const char *name;
        enum load_map_kind kind;
    } kinds[] = {{".rodata", LOAD_MAP_RODATA}, {".data", LOAD_MAP_DATA}, {".bss", LOAD_MAP_BSS}};
    struct load_map *m = map_named(r, section);

    if (m && m->kind != LOAD_MAP_BTF)
        return m;
    for (int i = 0; i < 3 && !m; i++) {
        const size_t n = strlen(kinds[i].name);

        if (strncmp(section, kinds[i].name, n) || (section[n] && section[n] != '.'))
            continue;
        m = add_map(r, section);
        if (!m)
            return NULL;
        m->section = section;
        m->kind = kinds[i].kind;
        m->type = SPEC_MAP_ARRAY;
        m->key_bytes = 4;
        m->max_entries = 1;
        m->flags = m->kind == LOAD_MAP_RODATA ? BPF_F_RDONLY_PROG : 0;
        return m;
    }
    fail(r, "variables are in .rodata, .data or .bss, not \"%s\"", section);
    return NULL;
}

static uint8_t *append(struct reader *r, struct load_map *m, uint32_t bytes)
{
    uint8_t *data;

    if (bytes > LOAD_DATA_MAX_BYTES - m->value_bytes) {
        fail(r, "more than %d bytes of variables", LOAD_DATA_MAX_BYTES);
        return NULL;
    }
    data = arena_alloc(r->arena, m->value_bytes + bytes);
    if (m->value_bytes)
        memcpy(data, m->data, m->value_bytes);
    m->data = data;
    m->value_bytes += bytes;
    return data + m->value_bytes - bytes;
}

static void take_bytes(struct reader *r)
{
    struct load_map *m = variables(r, word(r));
    const char *hex = word(r);
    const size_t digits = strlen(hex) > 2 ? strspn(hex + 2, "0123456789abcdefABCDEF") : 0;
    uint8_t *to;

    if (!m)
        return;
    if (strncmp(hex, "0x", 2) || !digits || digits % 2 || hex[2 + digits]) {
        fail(r, ".bytes takes 0x and two hexadecimal digits a byte, not \"%.40s\"", hex);
        return;
    }
    if (m->kind == LOAD_MAP_BSS) {
        fail(r, "%s holds zeros only; use .zeros, or .data", m->name);
        return;
    }
    to = append(r, m, (uint32_t)(digits / 2));
    for (size_t i = 0; to && i < digits / 2; i++) {
        const char byte[] = {hex[2 + 2 * i], hex[3 + 2 * i], 0};

        to[i] = (uint8_t)strtoul(byte, NULL, 16);
    }
}

static void take_zeros(struct reader *r)
{
    struct load_map *m = variables(r, word(r));
    const uint32_t bytes = number(r, "a number of bytes");

    if (m && !r->failed)
        append(r, m, bytes);
}

static void take_name(struct reader *r, const char **to)
{
    const char *name = word(r);

    if (is_word(name))
        *to = name;
    else
        fail(r, "a name expected, not \"%s\"", name);
}

static void take_program(struct reader *r)
{
    take_name(r, &r->prog->name);
}

static void take_section(struct reader *r)
{
    take_name(r, &r->prog->section);
}

static void take_license(struct reader *r)
{
    while (isblank((unsigned char)*r->at))
        r->at++;
    r->object->license = arena_strdup(r->arena, r->at);
    r->at += strlen(r->at);
}

static const struct {
    const char *name;
    void (*take)(struct reader *r);
} directives[] = {
    {".program", take_program}, {".section", take_section}, {".license", take_license},
    {".map", take_map},         {".bytes", take_bytes},     {".zeros", take_zeros},
};
enum { DIRECTIVES = sizeof(directives) / sizeof(directives[0]) };

/* Takes a directive and leaves blanks where it was, so that lines keep their numbers. */
static void take_directive(struct reader *r, char *line, size_t bytes)
{
    const char *name;
    int i = 0;

    r->at = arena_printf(r->arena, "%.*s", (int)bytes, line);
    memset(line, ' ', bytes);
    r->failed = false;
    name = word(r);
    while (i < DIRECTIVES && strcmp(directives[i].name, name))
        i++;
    if (i == DIRECTIVES) {
        fail(r, "no directive %s; there are .program, .section, .license, .map, .bytes, .zeros",
             name);
        return;
    }
    directives[i].take(r);
    name = word(r);
    if (!r->failed && *name && *name != ';')
        fail(r, "%s takes no more than stands before \"%s\"", directives[i].name, name);
}

static void take_directives(struct reader *r, char *text)
{
    static const char insn[] = ".insn";

    for (r->line = 1; *text; r->line++) {
        const size_t bytes = strcspn(text, "\n");
        const size_t blanks = strspn(text, " \t\r");

        if (text[blanks] == '.' && strncmp(text + blanks, insn, sizeof(insn) - 1))
            take_directive(r, text, bytes);
        text += bytes;
        text += *text == '\n';
    }
}

/* What instructions refer to must be there. */
static void check_references(struct reader *r)
{
    const struct load_prog *p = r->prog;

    r->line = 0;
    for (uint32_t at = 0; at < p->insn_count; at += ebpf_slots(&p->insns[at])) {
        const struct ebpf_insn *i = &p->insns[at];
        int64_t to = 0;

        if (ebpf_is_subprog_call(i))
            to = ebpf_target(i, at);
        else if (ebpf_is_ld_imm64(i) && i->src == EBPF_PSEUDO_FUNC)
            to = i->imm;
        else if (ebpf_is_ld_imm64(i) && i->src && (uint32_t)i->imm >= r->object->map_count)
            fail(r, "instruction %u refers to map %d, which no .map line gives", at, i->imm);
        if (to < 0 || to >= p->insn_count)
            fail(r, "instruction %u refers to instruction %" PRId64 ", which is not there", at, to);
    }
}

static int read_directives(struct reader *r, char *text)
{
    struct load_ctx c = {.arena = r->arena, .sink = r->sink};
    const char **maps;
    int err = 0;

    r->object->maps = arena_array(r->arena, SPEC_MAPS, sizeof(*r->object->maps));
    r->object->license = "GPL";
    r->object->path = arena_strdup(r->arena, r->file);
    r->prog->name = "prog";
    r->prog->section = "xdp";
    take_directives(r, text);
    c.at = DIAG_NOWHERE;
    c.at.file = r->file;
    for (uint32_t i = 0; i < r->object->map_count && !err && !r->sink->errors; i++)
        err = load_map_check(&c, &r->object->maps[i]);
    r->prog->frags = !strncmp(r->prog->section, "xdp.frags", 9);
    maps = arena_array(r->arena, r->object->map_count + 1, sizeof(*maps));
    for (uint32_t i = 0; i < r->object->map_count; i++)
        maps[i] = r->object->maps[i].name;
    r->names = (struct ebpf_names){maps, r->object->map_count};
    return err || r->sink->errors ? -EINVAL : 0;
}

static int take_insns(struct reader *r, const struct ebpf_insn *insns, uint32_t count)
{
    r->line = 0;
    if (!count) {
        fail(r, "no instruction in it");
        return -EINVAL;
    }
    r->prog->insns = arena_memdup(r->arena, insns, count * sizeof(*insns));
    r->prog->insn_count = count;
    check_references(r);
    if (r->sink->errors)
        return -EINVAL;
    load_cut_functions(r->prog, r->arena);
    r->prog->subprogs[0].name = r->prog->name;
    r->object->progs = r->prog;
    r->object->prog_count = 1;
    return 0;
}

int load_parse(const char *text, const char *name, struct arena *arena, struct diag_sink *sink,
               const struct load_object **out)
{
    struct reader *r = arena_alloc(arena, sizeof(*r));
    char *copy = arena_strdup(arena, text);
    const struct ebpf_insn *insns = NULL;
    uint32_t count = 0;
    jmp_buf oom;
    int err;

    if (!r || !copy)
        return -ENOMEM;
    r->arena = arena;
    r->sink = sink;
    r->file = name;
    r->object = arena_alloc(arena, sizeof(*r->object));
    r->prog = arena_alloc(arena, sizeof(*r->prog));
    if (!r->object || !r->prog)
        return -ENOMEM;
    if (setjmp(oom)) {
        arena_set_oom(arena, NULL);
        return -ENOMEM;
    }
    arena_set_oom(arena, &oom);
    err = read_directives(r, copy);
    arena_set_oom(arena, NULL);
    if (!err)
        err = ebpf_asm(copy, name, &r->names, arena, sink, &insns, &count);
    if (err)
        return err;
    arena_set_oom(arena, &oom);
    err = take_insns(r, insns, count);
    arena_set_oom(arena, NULL);
    if (!err)
        *out = r->object;
    return err;
}
