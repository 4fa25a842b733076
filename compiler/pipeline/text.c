/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/emit.h"

#include <stdarg.h>

void pipe_put(struct pipe_text *t, const char *format, ...)
{
    va_list args;
    int need;

    va_start(args, format);
    need = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (need <= 0)
        return;
    if (t->length + (size_t)need + 1 > t->capacity) {
        const size_t capacity = 2 * (t->length + (size_t)need + 1) + 4096;
        char *data = arena_array(t->arena, capacity, 1);

        if (t->length)
            memcpy(data, t->data, t->length);
        t->data = data;
        t->capacity = capacity;
    }
    va_start(args, format);
    vsnprintf(t->data + t->length, (size_t)need + 1, format, args);
    va_end(args);
    t->length += (size_t)need;
}

/* Source text comes from the user's file: what could end a comment or start a directive is left
 * out. */
static void put_clean(struct pipe_text *t, const char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    for (; *text; text++) {
        if (*text == '`' || *text == '\\')
            pipe_put(t, "'");
        else if (*text >= ' ' && *text < 127)
            pipe_put(t, "%c", *text);
        else if (*text == '\t')
            pipe_put(t, " ");
        else if (*text == '\n' || *text == '\r')
            break;
    }
}

void pipe_put_origin(struct pipe_text *t, const struct pipe_graph *g, uint32_t pc,
                     const char *indent, const char *mark)
{
    const struct ir_source *s;

    if (pc == IR_NO_PC)
        return;
    pipe_put(t, "%s%spc %u", indent, mark, pc);
    if (pc < g->f->source_count) {
        s = &g->f->sources[pc];
        if (s->ebpf) {
            pipe_put(t, ": ");
            put_clean(t, s->ebpf);
        }
        if (s->file && s->line) {
            const char *base = strrchr(s->file, '/');

            pipe_put(t, "    ");
            put_clean(t, base ? base + 1 : s->file);
            pipe_put(t, ":%u", s->line);
        }
        if (s->text) {
            pipe_put(t, ": ");
            put_clean(t, s->text);
        }
    }
    pipe_put(t, "\n");
}
