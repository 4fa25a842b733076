/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/base/diag.h"

#include <stdarg.h>

static const char *const severity_names[DIAG_SEVERITY_COUNT] = {"", "note", "warning", "error"};

static const char *copy(struct arena *arena, const char *text)
{
    return text ? arena_strdup(arena, text) : NULL;
}

void diag_add(struct diag_sink *sink, enum diag_severity severity, const char *code,
              struct diag_where where, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    diag_add_args(sink, severity, code, where, format, args);
    va_end(args);
}

void diag_add_args(struct diag_sink *sink, enum diag_severity severity, const char *code,
                   struct diag_where where, const char *format, va_list args)
{
    char text[2048];
    struct diag *d;

    vsnprintf(text, sizeof(text), format, args);
    sink->records = arena_grow(sink->arena, sink->records, sink->count, &sink->capacity,
                               sizeof(*sink->records));
    d = &sink->records[sink->count++];
    d->severity = severity;
    d->code = copy(sink->arena, code);
    d->message = copy(sink->arena, text);
    d->where = where;
    d->where.file = copy(sink->arena, where.file);
    d->where.section = copy(sink->arena, where.section);
    d->where.program = copy(sink->arena, where.program);
    d->where.source_file = copy(sink->arena, where.source_file);
    d->where.source_text = copy(sink->arena, where.source_text);
    if (severity == DIAG_ERROR)
        sink->errors++;
}

void diag_repeat(struct diag_sink *sink, const struct diag *diag)
{
    diag_add(sink, diag->severity, diag->code, diag->where, "%s", diag->message);
}

void diag_write(FILE *out, const struct diag *diag)
{
    const struct diag_where *w = &diag->where;

    if (w->file)
        fprintf(out, "%s: ", w->file);
    if (w->section)
        fprintf(out, "section %s: ", w->section);
    if (w->program)
        fprintf(out, "%s: ", w->program);
    if (w->insn != DIAG_NO_INSN)
        fprintf(out, "instruction %u: ", w->insn);
    fprintf(out, "%s: %s [%s]\n", severity_names[diag->severity], diag->message, diag->code);
    if (w->source_line)
        fprintf(out, "  at %s:%u%s%s\n", w->source_file ? w->source_file : "?", w->source_line,
                w->source_text ? ": " : "", w->source_text ? w->source_text : "");
}

const struct diag *diag_first_error(const struct diag_sink *sink)
{
    for (uint32_t i = 0; i < sink->count; i++)
        if (sink->records[i].severity == DIAG_ERROR)
            return &sink->records[i];
    return NULL;
}
