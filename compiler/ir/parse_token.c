/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/parse.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* The tokens of IR text. */

void parse_fail(struct parser *p, const char *format, ...)
{
    struct diag_where where = DIAG_NOWHERE;
    char text[256];
    va_list args;

    if (p->failed)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    where.source_file = "IR text";
    where.source_line = p->line;
    diag_add(p->sink, DIAG_ERROR, "IR0001", where, "line %u: %s", p->line, text);
    p->failed = true;
    p->at = "";
}

void parse_skip(struct parser *p, bool lines)
{
    for (;;) {
        if (*p->at == ';' || *p->at == '#') {
            p->at += strcspn(p->at, "\n");
        } else if (*p->at == '\n' && lines) {
            p->line++;
            p->at++;
        } else if (*p->at == ' ' || *p->at == '\t' || *p->at == '\r') {
            p->at++;
        } else {
            return;
        }
    }
}

bool parse_at_line_end(struct parser *p)
{
    parse_skip(p, false);
    return *p->at == '\n' || *p->at == 0;
}

bool parse_accept(struct parser *p, const char *text)
{
    const size_t n = strlen(text);

    parse_skip(p, false);
    if (strncmp(p->at, text, n) != 0)
        return false;
    if (isalnum((unsigned char)text[n - 1]) &&
        (isalnum((unsigned char)p->at[n]) || p->at[n] == '_'))
        return false;
    p->at += n;
    return true;
}

void parse_expect(struct parser *p, const char *text)
{
    if (!parse_accept(p, text))
        parse_fail(p, "expected \"%s\" at \"%.20s\"", text, p->at);
}

uint32_t parse_word(struct parser *p, const char **text)
{
    uint32_t n = 0;

    parse_skip(p, false);
    *text = p->at;
    while (isalnum((unsigned char)p->at[n]) || p->at[n] == '_')
        n++;
    p->at += n;
    return n;
}

bool parse_is_number(const char *text, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!isdigit((unsigned char)text[i]))
            return false;
    return n > 0 && n < 8;
}

uint64_t parse_number(struct parser *p)
{
    char *end;
    uint64_t v;
    bool minus;

    parse_skip(p, false);
    minus = *p->at == '-';
    if (*p->at == '-' || *p->at == '+')
        p->at++;
    if (!isdigit((unsigned char)*p->at)) {
        parse_fail(p, "expected a number at \"%.20s\"", p->at);
        return 0;
    }
    v = strtoull(p->at, &end, 0);
    p->at = end;
    return minus ? 0 - v : v;
}

uint32_t parse_small_number(struct parser *p, uint32_t limit)
{
    const uint64_t v = parse_number(p);

    if (v > limit)
        parse_fail(p, "%llu is over %u", (unsigned long long)v, limit);
    return v > limit ? 0 : (uint32_t)v;
}

const char *parse_string(struct parser *p)
{
    char *s;
    uint32_t n = 0;

    parse_expect(p, "\"");
    s = arena_alloc(p->arena, strcspn(p->at, "\n") + 1);
    while (*p->at && *p->at != '"' && *p->at != '\n') {
        if (p->at[0] == '\\' && p->at[1] == 'x' && isxdigit((unsigned char)p->at[2]) &&
            isxdigit((unsigned char)p->at[3])) {
            const char hex[3] = {p->at[2], p->at[3], 0};

            s[n++] = (char)strtoul(hex, NULL, 16);
            p->at += 4;
        } else {
            if (p->at[0] == '\\' && p->at[1] && p->at[1] != '\n')
                p->at++;
            s[n++] = *p->at++;
        }
    }
    parse_expect(p, "\"");
    return s;
}

int parse_choice(struct parser *p, const char *const *names, uint32_t count)
{
    const char *text;
    const uint32_t n = parse_word(p, &text);

    for (uint32_t i = 0; i < count; i++)
        if (names[i] && strlen(names[i]) == n && memcmp(names[i], text, n) == 0)
            return (int)i;
    parse_fail(p, "unknown word \"%.*s\"", (int)n, text);
    return -1;
}
