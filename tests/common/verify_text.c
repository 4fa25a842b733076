/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/verify_text.h"

#include "compiler/ebpf/ebpf.h"
#include "tests/common/text_file.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAPS_MAX = 8, FLAG_RDONLY_PROG = 1 << 7 };

static int fail(struct diag_sink *sink, const char *path, const char *what, const char *line)
{
    struct diag_where where = DIAG_NOWHERE;

    where.file = path;
    diag_add(sink, DIAG_ERROR, "TEST", where, "%s: %s", what, line);
    return -EINVAL;
}

static uint32_t type_of(const char *name)
{
    for (uint32_t t = 1; t < SPEC_MAP_COUNT; t++)
        if (spec_map_type_table[t].name && !strcmp(spec_map_type_table[t].name, name))
            return t;
    return 0;
}

/* What a map line says of the map's values: "lock OFFSET", "special TYPE", "inner TYPE KEY VALUE
 * ENTRIES". */
static bool parse_values(const char *line, struct arena *arena, struct load_map *m)
{
    const char *lock = strstr(line, " lock "), *inner = strstr(line, " inner ");
    const char *special = strstr(line, " special ");
    struct load_fields *v = arena_alloc(arena, sizeof(*v));
    struct load_map *in;
    char type[64];

    if (!lock && !inner && !special)
        return true;
    m->fields = v;
    v->has_lock = lock != NULL;
    if (lock)
        v->lock_off = (uint32_t)strtoul(lock + 6, NULL, 0);
    if (special)
        v->special = arena_strdup(arena, special + 9);
    if (!inner)
        return true;
    v->inner = in = arena_alloc(arena, sizeof(*in));
    *in = (struct load_map){.name = arena_printf(arena, "%s.inner", m->name),
                            .section = m->section,
                            .kind = LOAD_MAP_BTF};
    if (sscanf(inner, " inner %63s %u %u %u", type, &in->key_bytes, &in->value_bytes,
               &in->max_entries) != 4)
        return false;
    in->type = type_of(type);
    return in->type != 0;
}

/* "map NAME TYPE KEY VALUE ENTRIES [flags N] [data HEX]", and what parse_values takes */
static bool parse_map(const char *line, struct arena *arena, struct load_map *m)
{
    const char *flags = strstr(line, " flags "), *data = strstr(line, " data ");
    char name[64], type[64];
    uint8_t *bytes;

    if (sscanf(line, "map %63s %63s %u %u %u", name, type, &m->key_bytes, &m->value_bytes,
               &m->max_entries) != 5)
        return false;
    m->name = m->section = arena_strdup(arena, name);
    m->kind = LOAD_MAP_BTF;
    m->type = type_of(type);
    m->flags = flags ? (uint32_t)strtoul(flags + 7, NULL, 0) : 0;
    if (strcmp(type, "rodata"))
        return m->type != 0 && parse_values(line, arena, m);
    m->kind = LOAD_MAP_RODATA;
    m->type = SPEC_MAP_ARRAY;
    m->flags = FLAG_RDONLY_PROG;
    m->data = bytes = arena_alloc(arena, m->value_bytes);
    data = data ? data + 6 : "";
    for (unsigned i = 0, byte; i < m->value_bytes && sscanf(data, "%2x", &byte) == 1; i++) {
        bytes[i] = (uint8_t)byte;
        data += 2;
    }
    return true;
}

/* "global FUNCTION ARGUMENT...": function number FUNCTION is a global one; an argument is number,
 * ctx, other, memory N or nonnull N (bytes); "void" comes first if it returns nothing. */
static bool parse_global(char *line, struct load_prog *prog)
{
    char *rest = line + strlen("global ");
    const unsigned long n = strtoul(rest, &rest, 10);
    struct load_subprog *sub = &prog->subprogs[n];
    const char *word;

    if (n == 0 || n >= prog->subprog_count)
        return false;
    sub->global = sub->returns_number = true;
    while ((word = strsep(&rest, " "))) {
        struct load_arg *arg = &sub->args[sub->arg_count];

        if (!*word)
            continue;
        if (!strcmp(word, "void")) {
            sub->returns_number = false;
            continue;
        }
        if (sub->arg_count++ >= LOAD_ARGS_MAX)
            continue;
        arg->nonnull = !strcmp(word, "nonnull");
        arg->kind = arg->nonnull || !strcmp(word, "memory") ? LOAD_ARG_MEMORY
                    : !strcmp(word, "number")               ? LOAD_ARG_NUMBER
                    : !strcmp(word, "ctx")                  ? LOAD_ARG_CTX
                                                            : LOAD_ARG_OTHER;
        if (arg->kind == LOAD_ARG_MEMORY)
            arg->bytes = (uint32_t)strtoul(rest, &rest, 10);
    }
    return true;
}

static bool parse_expectation(char *text, struct verify_text *out)
{
    char *rest = text;
    const char *line = strsep(&rest, "\n");

    out->accepted = !strcmp(line, "accepted");
    if (!out->accepted) {
        if (strncmp(line, "rejected VFY", 12) || strlen(line) != 16)
            return false;
        out->code = line + 9;
    }
    while (rest && (line = strsep(&rest, "\n")))
        if (*line && out->part_count < VERIFY_TEXT_PARTS)
            out->parts[out->part_count++] = line;
    return true;
}

/* Takes the lines "map ..." and "section NAME" out of the text: blank, so that the assembler counts
 * lines as the file has them. */
static int parse_head(const char *path, char *text, struct arena *arena, struct diag_sink *sink,
                      struct load_object *object, struct load_prog *prog)
{
    object->maps = arena_array(arena, MAPS_MAX, sizeof(*object->maps));
    for (char *line = text; line && *line; line = strchr(line, '\n')) {
        char *end;

        line += *line == '\n';
        end = strchrnul(line, '\n');
        if (!strncmp(line, "section ", 8)) {
            prog->section = arena_printf(arena, "%.*s", (int)(end - line - 8), line + 8);
            memset(line, ' ', (size_t)(end - line));
            continue;
        }
        if (strncmp(line, "map ", 4))
            continue;
        if (object->map_count == MAPS_MAX ||
            !parse_map(arena_printf(arena, "%.*s", (int)(end - line), line), arena,
                       &object->maps[object->map_count++]))
            return fail(sink, path, "not a map line", line);
        memset(line, ' ', (size_t)(end - line));
    }
    return 0;
}

int verify_text_read(const char *path, struct arena *arena, struct diag_sink *sink,
                     struct verify_text *out)
{
    static const char first[] = "# run: verify\n", divider[] = "--- expect\n";
    struct load_object *object = arena_alloc(arena, sizeof(*object));
    struct load_prog *prog = arena_alloc(arena, sizeof(*prog));
    const char *names[MAPS_MAX];
    const struct ebpf_names map_names = {names, 0};
    struct ebpf_names given = map_names;
    const struct ebpf_insn *insns = NULL;
    char *text = text_file_read(path, arena), *expect, *global;
    int err;

    *out = (struct verify_text){.object = object};
    if (!text)
        return fail(sink, path, "can't be read", strerror(errno));
    expect = strstr(text, divider);
    global = strstr(text, "\nglobal ");
    if (strncmp(text, first, strlen(first)) || !expect)
        return fail(sink, path, "no \"# run: verify\" or no \"--- expect\"", "");
    *expect = 0;
    if (!parse_expectation(expect + strlen(divider), out))
        return fail(sink, path, "expectation is neither accepted nor rejected VFYnnnn", "");
    prog->section = "xdp";
    if (global) { /* out of the assembler's way, like the head */
        char *line = global + 1;
        const size_t n = strcspn(line, "\n");

        global = arena_printf(arena, "%.*s", (int)n, line);
        memset(line, ' ', n);
    }
    err = parse_head(path, text, arena, sink, object, prog);
    for (; given.map_count < object->map_count; given.map_count++)
        names[given.map_count] = object->maps[given.map_count].name;
    if (!err)
        err = ebpf_asm(text, path, &given, arena, sink, &insns, &prog->insn_count);
    if (err)
        return err;
    prog->name = "program";
    prog->insns = arena_memdup(arena, insns, prog->insn_count * sizeof(*insns));
    load_cut_functions(prog, arena);
    if (global && !parse_global(global, prog))
        return fail(sink, path, "not a line of a global function", global);
    object->path = arena_strdup(arena, path);
    object->license = "GPL";
    object->progs = prog;
    object->prog_count = 1;
    return 0;
}

void verify_text_each(void (*visit)(const char *path, void *ctx), void *ctx)
{
    glob_t found;

    if (glob(SLUICE_SOURCE_ROOT "/tests/text/verify/*.test", 0, NULL, &found))
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        visit(found.gl_pathv[i], ctx);
    globfree(&found);
}
