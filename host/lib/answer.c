/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/choose.h"
#include "host/lib/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Structs that grow, and messages. */

const char *sluice_version(void)
{
    return SLUICE_VERSION;
}

int lib_options(void *to, size_t size, const void *from)
{
    size_t given = size;

    memset(to, 0, size);
    if (!from)
        return 0;
    memcpy(&given, from, sizeof(given));
    if (given < sizeof(given))
        return -EINVAL;
    for (size_t i = size; i < given; i++)
        if (((const uint8_t *)from)[i])
            return -E2BIG;
    memcpy(to, from, given < size ? given : size);
    return 0;
}

int lib_answer(void *user, const void *from, size_t size)
{
    size_t given;

    if (!user)
        return -EINVAL;
    memcpy(&given, user, sizeof(given));
    if (given < sizeof(given))
        return -EINVAL;
    if (given > size)
        memset((uint8_t *)user + size, 0, given - size);
    memcpy((uint8_t *)user + sizeof(given), (const uint8_t *)from + sizeof(given),
           (given < size ? given : size) - sizeof(given));
    return 0;
}

int lib_sink(const struct sluice_sink *from, struct sluice_sink *to)
{
    return lib_options(to, sizeof(*to), from);
}

void lib_tell(const struct sluice_sink *sink, const struct diag *d)
{
    const struct sluice_diag out = {.size = sizeof(out),
                                    .severity = (uint32_t)d->severity,
                                    .insn = d->where.insn,
                                    .code = d->code,
                                    .message = d->message,
                                    .file = d->where.file,
                                    .section = d->where.section,
                                    .program = d->where.program,
                                    .source_file = d->where.source_file,
                                    .source_text = d->where.source_text,
                                    .source_line = d->where.source_line};

    if (sink->diag)
        sink->diag(sink->ctx, &out);
}

void lib_tell_all(const struct sluice_sink *sink, const struct diag_sink *all)
{
    for (uint32_t i = 0; i < all->count; i++)
        lib_tell(sink, &all->records[i]);
}

void lib_say(const struct sluice_sink *sink, enum sluice_severity severity, const char *code,
             const char *program, const char *format, ...)
{
    char text[EXEC_WHY_BYTES + 128];
    struct diag d = {.severity = (enum diag_severity)severity,
                     .code = code,
                     .message = text,
                     .where = DIAG_NOWHERE};
    va_list args;

    d.where.program = program;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    lib_tell(sink, &d);
}

int sluice_diag_format(const struct sluice_diag *diag, char *text, size_t text_size)
{
    static const char *const severities[] = {"message", "note", "warning", "error"};
    struct sluice_diag d;
    char insn[40] = "", line[24] = "";
    const char *severity;

    if (!diag || (!text && text_size) || lib_options(&d, sizeof(d), diag))
        return -EINVAL;
    severity = severities[d.severity <= SLUICE_ERROR ? d.severity : 0];
    if (d.insn != SLUICE_NO_INSN)
        snprintf(insn, sizeof(insn), "instruction %u: ", d.insn);
    if (d.source_line)
        snprintf(line, sizeof(line), "%u", d.source_line);
    return snprintf(
        text, text_size, "%s%s%s%s%s%s%s%s%s: %s [%s]%s%s%s%s", d.file ? d.file : "",
        d.file ? ": " : "", d.section ? "section " : "", d.section ? d.section : "",
        d.section ? ": " : "", d.program ? d.program : "", d.program ? ": " : "", insn, severity,
        d.message ? d.message : "", d.code ? d.code : "", d.source_line ? " at " : "",
        d.source_line ? d.source_file ? d.source_file : "?" : "", d.source_line ? ":" : "", line);
}

uint32_t sluice_executor_count(void)
{
    return exec_count;
}

int sluice_executor_info(uint32_t index, struct sluice_executor_info *info)
{
    struct sluice_executor_info out = {.size = sizeof(out)};

    if (index >= exec_count)
        return -ENOENT;
    out.name = exec_table[index]->name;
    out.flags = (exec_table[index]->hardware ? SLUICE_EXECUTOR_HARDWARE : 0) |
                (exec_table[index] == exec_find("kernel") ? SLUICE_EXECUTOR_ORACLE : 0);
    return lib_answer(info, &out, sizeof(out));
}

uint32_t sluice_num_possible_cpus(void)
{
    return SPEC_QUEUES;
}
