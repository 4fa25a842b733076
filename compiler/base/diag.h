/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_BASE_DIAG_H
#define SLUICE_BASE_DIAG_H

#include "compiler/base/arena.h"

#include <stdarg.h>
#include <stdio.h>

/* What a library has to say. Nothing is printed by a library; the caller reads the sink. */
enum diag_severity { DIAG_NONE, DIAG_NOTE, DIAG_WARNING, DIAG_ERROR, DIAG_SEVERITY_COUNT };

#define DIAG_NO_INSN UINT32_MAX

/* Where something was found. Every part may be missing (NULL, or DIAG_NO_INSN for insn). */
struct diag_where {
    const char *file;        /* object, pcap, JSON, ... */
    const char *section;     /* ELF section, or a path in a JSON document */
    const char *program;     /* function name */
    uint32_t insn;           /* instruction number in its program, from 0 */
    const char *source_file; /* from BTF line information */
    uint32_t source_line;    /* 0: not known */
    const char *source_text;
};

struct diag {
    enum diag_severity severity;
    const char *code;    /* stable, such as "VFY0012" */
    const char *message; /* complete enough to act on */
    struct diag_where where;
};

/* Collects messages in the order of their arrival; owned by its arena. */
struct diag_sink {
    struct arena *arena;
    struct diag *records;
    uint32_t count;
    uint32_t capacity;
    uint32_t errors;
};

static inline struct diag_sink diag_sink_make(struct arena *arena)
{
    return (struct diag_sink){.arena = arena};
}

#define DIAG_NOWHERE ((struct diag_where){.insn = DIAG_NO_INSN})

/* Adds a message; all texts are copied. */
void diag_add(struct diag_sink *sink, enum diag_severity severity, const char *code,
              struct diag_where where, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

void diag_add_args(struct diag_sink *sink, enum diag_severity severity, const char *code,
                   struct diag_where where, const char *format, va_list args)
    __attribute__((format(printf, 5, 0)));

/* Adds a message that another sink has. */
void diag_repeat(struct diag_sink *sink, const struct diag *diag);

/* Writes one message as a compiler would: place, severity, text, code; the source text below it. */
void diag_write(FILE *out, const struct diag *diag);

/* The first error of the sink, or NULL. */
const struct diag *diag_first_error(const struct diag_sink *sink);

#endif
